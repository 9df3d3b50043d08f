//! Windowed tiny least frequently used: what leaves is what was used least
//! often lately, as far as a small sketch can tell.
//!
//! New entries stand in a *window*, where all that counts is recency. Beyond it
//! lies the main part: *probation*, and *protected* for what was used again
//! there. When room is needed, the entry the window would push out and the
//! oldest on probation are compared, and the one used less often leaves; so a
//! scan passes through the window and leaves the rest as it was. That is the
//! policy of Einziger, Friedman and Manes, "`TinyLFU`: A Highly Efficient Cache
//! Admission Policy" (ACM Transactions on Storage 13, 2017).
//!
//! The size of the window is learned. A shadow of the keys that plain recency
//! would hold tells at every use which of the two had been right, and the window
//! moves that way: to next to nothing where frequency wins, up to all there is
//! where recency does. So it never does much worse than LRU for long.

use alloc::vec::Vec;

use crate::cache::slab::Slot;

use super::queue::{Links, Queue};
use super::shadow::Shadow;
use super::sketch::Sketch;
use super::{Room, Weight};

/// All room, of which the window has a share.
const WHOLE: u32 = 1 << 16;
/// The least share of the window; at least one entry in any case.
const LEAST_WINDOW: u32 = WHOLE / 100;
/// A step of the window is one entry, or in a large room one part in so many.
const MOST_STEPS: u32 = 1024;
/// Steps the window grows for a key that recency would have held. Two for one,
/// so that it settles where frequency serves twice as often as recency would.
const STEPS_UP: u32 = 2;
/// Of the main part, all but one part in so many may be protected.
const PROBATION_PARTS: u32 = 5;

/// Where a slot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    Window,
    Probation,
    Protected,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    weight: Weight,
    segment: Segment,
}

/// A queue and what its entries take.
#[derive(Debug, Clone, Default)]
struct Part {
    queue: Queue,
    bytes: u64,
}

impl Part {
    fn exceeds(&self, room: Room) -> bool {
        self.queue.len() > room.entries || self.bytes > room.bytes
    }
}

/// Three queues, and what was learned of the keys.
#[derive(Debug, Clone)]
pub(in crate::cache) struct WTinyLfu {
    sketch: Sketch,
    links: Links,
    members: Vec<Member>,
    window: Part,
    probation: Part,
    protected: Part,
    shadow: Shadow,
    room: Room,
    /// Share of the window, of [`WHOLE`].
    window_share: u32,
    window_room: Room,
    main_room: Room,
}

impl WTinyLfu {
    pub(super) fn new(room: Room) -> Self {
        let mut new = Self {
            sketch: Sketch::default(),
            links: Links::default(),
            members: Vec::new(),
            window: Part::default(),
            probation: Part::default(),
            protected: Part::default(),
            shadow: Shadow::default(),
            room,
            window_share: LEAST_WINDOW,
            window_room: Room::default(),
            main_room: Room::default(),
        };
        new.divide();
        new
    }

    /// Takes note of another room. Nothing leaves by itself.
    pub(super) fn resize(&mut self, room: Room) {
        self.room = room;
        self.divide();
        self.settle();
    }

    /// Divides the room among the parts.
    fn divide(&mut self) {
        let (share, whole) = (u64::from(self.window_share), u64::from(WHOLE));
        let entries = (u64::from(self.room.entries) * share / whole) as u32;
        // In two parts, because the bound may be as large as its type.
        let bytes = self.room.bytes / whole * share + self.room.bytes % whole * share / whole;
        self.window_room = Room {
            entries: entries.max(1).min(self.room.entries),
            bytes,
        };
        self.main_room = self.room.without(self.window_room);
    }

    /// Takes note of a use, and whether the key was held. Where recency alone
    /// would have done better the window grows, where it would have done worse
    /// the window shrinks.
    fn learn(&mut self, hash: u64, held: bool) {
        self.sketch.count(hash);
        let would_be_held = self.shadow.touch(hash);
        self.shadow.trim(self.len().min(self.room.entries));
        let step = WHOLE / self.room.entries.clamp(1, MOST_STEPS);
        let share = match (held, would_be_held) {
            (false, true) => self.window_share + STEPS_UP * step,
            (true, false) => self.window_share.saturating_sub(step),
            _ => return,
        };
        self.window_share = share.clamp(LEAST_WINDOW, WHOLE);
        self.divide();
    }

    pub(super) fn insert(&mut self, slot: Slot, weight: Weight) {
        let member = Member {
            weight,
            segment: Segment::Window,
        };
        let place = slot as usize;
        if place >= self.members.len() {
            self.members.resize(place + 1, member);
        }
        if let Some(own) = self.members.get_mut(place) {
            *own = member;
        }
        self.push(slot, member);
        self.sketch.reserve(self.len());
        self.learn(weight.hash, false);
        self.settle();
    }

    pub(super) fn touch(&mut self, slot: Slot) {
        let Some(&member) = self.members.get(slot as usize) else {
            return;
        };
        self.learn(member.weight.hash, true);
        if member.segment == Segment::Probation {
            self.move_to(slot, Segment::Protected);
            self.demote();
        } else {
            let part = match member.segment {
                Segment::Window => &mut self.window,
                _ => &mut self.protected,
            };
            part.queue.renew(&mut self.links, slot);
        }
    }

    /// Takes note of another size.
    pub(super) fn reweigh(&mut self, slot: Slot, bytes: u64) {
        let Some(member) = self.members.get_mut(slot as usize) else {
            return;
        };
        let before = core::mem::replace(&mut member.weight.bytes, bytes);
        let segment = member.segment;
        let (part, _) = self.part(segment);
        part.bytes = part.bytes - before + bytes;
        self.demote();
        self.settle();
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        if let Some(member) = self.members.get(slot as usize) {
            self.shadow.forget(member.weight.hash);
        }
        self.pull(slot);
        self.settle();
    }

    /// Takes out the slot that must leave, which is not `used`.
    pub(super) fn evict(&mut self, used: Option<Slot>) -> Option<Slot> {
        let free = |part: &Part| part.queue.oldest().filter(|&slot| Some(slot) != used);
        let window = free(&self.window);
        let resident = free(&self.probation).or_else(|| free(&self.protected));
        let candidate = window.filter(|_| self.window_overflows());
        let slot = match (candidate, resident) {
            (Some(candidate), Some(resident)) => {
                if self.frequency(candidate) > self.frequency(resident) {
                    resident
                } else {
                    candidate
                }
            }
            (candidate, resident) => candidate.or(resident).or(window)?,
        };
        self.pull(slot);
        self.settle();
        Some(slot)
    }

    fn len(&self) -> u32 {
        self.window.queue.len() + self.probation.queue.len() + self.protected.queue.len()
    }

    fn frequency(&self, slot: Slot) -> u64 {
        self.members
            .get(slot as usize)
            .map_or(0, |member| self.sketch.frequency(member.weight.hash))
    }

    /// Whether the window holds too much. Its newest entry stays in any case:
    /// what was just written is not what leaves.
    fn window_overflows(&self) -> bool {
        self.window.exceeds(self.window_room) && self.window.queue.len() > 1
    }

    /// Lets what the window has too much of into the main part, while that has
    /// room. For more, [`WTinyLfu::evict`] must decide.
    fn settle(&mut self) {
        while self.window_overflows()
            && let Some(slot) = self.window.queue.oldest()
            && let Some(&member) = self.members.get(slot as usize)
            && self.probation.queue.len() + self.protected.queue.len() < self.main_room.entries
            && self.probation.bytes + self.protected.bytes + member.weight.bytes
                <= self.main_room.bytes
        {
            self.move_to(slot, Segment::Probation);
        }
    }

    /// Puts what is protected beyond its share back on probation, except what
    /// was protected last.
    fn demote(&mut self) {
        let room = self.main_room.without(self.main_room.part(PROBATION_PARTS));
        while self.protected.exceeds(room)
            && self.protected.queue.len() > 1
            && let Some(slot) = self.protected.queue.oldest()
        {
            self.move_to(slot, Segment::Probation);
        }
    }

    fn move_to(&mut self, slot: Slot, segment: Segment) {
        self.pull(slot);
        if let Some(member) = self.members.get_mut(slot as usize) {
            member.segment = segment;
            let member = *member;
            self.push(slot, member);
        }
    }

    fn push(&mut self, slot: Slot, member: Member) {
        let (part, links) = self.part(member.segment);
        part.queue.push(links, slot);
        part.bytes += member.weight.bytes;
    }

    fn pull(&mut self, slot: Slot) {
        if let Some(&member) = self.members.get(slot as usize) {
            let (part, links) = self.part(member.segment);
            part.queue.remove(links, slot);
            part.bytes -= member.weight.bytes;
        }
    }

    fn part(&mut self, segment: Segment) -> (&mut Part, &mut Links) {
        let part = match segment {
            Segment::Window => &mut self.window,
            Segment::Probation => &mut self.probation,
            Segment::Protected => &mut self.protected,
        };
        (part, &mut self.links)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use crate::cache::key_hash::key_hash;

    use super::*;

    fn room(entries: u32) -> Room {
        Room {
            entries,
            bytes: 1000 * u64::from(entries),
        }
    }

    /// A cache of entries of ten bytes whose keys are their hashes.
    struct Bench {
        order: WTinyLfu,
        held: Vec<Option<u64>>,
        entries: u32,
    }

    impl Bench {
        fn new(entries: u32) -> Self {
            Self {
                order: WTinyLfu::new(room(entries)),
                held: Vec::new(),
                entries,
            }
        }

        /// Asks for a key and puts it if it is not held; says whether it was.
        fn ask(&mut self, key: u64) -> bool {
            let hash = key_hash(key.to_string().as_bytes());
            if let Some(slot) = self.held.iter().position(|held| *held == Some(key)) {
                self.order.touch(slot as Slot);
                return true;
            }
            let free = self.held.iter().position(Option::is_none);
            let slot = free.unwrap_or(self.held.len());
            self.held.resize(self.held.len().max(slot + 1), None);
            self.held[slot] = Some(key);
            self.order.insert(slot as Slot, Weight { hash, bytes: 10 });
            if self.order.len() > self.entries {
                let gone = self.order.evict(Some(slot as Slot)).expect("a victim");
                assert_ne!(gone, slot as Slot, "what was just put stays");
                self.held[gone as usize] = None;
            }
            false
        }
    }

    #[test]
    fn a_scan_passes_and_what_is_used_often_stays() {
        let mut bench = Bench::new(20);
        for _ in 0..5 {
            for key in 0..10 {
                bench.ask(key);
            }
        }
        // Under recency alone, 30 other keys would come between two uses.
        let hits = (0..3_000_u64).filter(|at| {
            let scanned = (0..3).any(|nth| bench.ask(1_000 + 3 * at + nth));
            assert!(!scanned, "no key comes twice");
            bench.ask(at % 10)
        });
        assert!(hits.count() > 2_900);
    }

    #[test]
    fn of_a_loop_too_long_a_part_stays() {
        let mut bench = Bench::new(50);
        let hits = (0..5_000)
            .filter(|request| bench.ask(request % 100))
            .count();
        assert!(hits > 2_000, "{hits}; recency alone would hit never");
    }

    #[test]
    fn where_recency_is_all_the_window_holds_what_it_takes() {
        let mut bench = Bench::new(100);
        let mut hits = 0;
        for request in 0..20_000_u64 {
            // A new key every fourth time, and the last fifty again.
            hits += u32::from(bench.ask(request / 4 - (request * 7 % 50).min(request / 4)));
        }
        assert!(bench.order.window_room.entries >= 50);
        assert!(hits > 14_000, "{hits}; at most 15,000 can hit");
        // And back, once frequency wins.
        for request in 0..20_000 {
            bench.ask(1_000_000 + request % 200);
        }
        assert!(bench.order.window_room.entries < 20);
    }

    #[test]
    fn parts_add_up_to_what_is_held() {
        let mut bench = Bench::new(30);
        for request in 0..3_000_u64 {
            bench.ask(request * request % 97);
            let order = &bench.order;
            let held = bench.held.iter().flatten().count();
            assert_eq!(order.len() as usize, held);
            let bytes = order.window.bytes + order.probation.bytes + order.protected.bytes;
            assert_eq!(bytes, 10 * held as u64);
        }
    }

    #[test]
    fn an_entry_that_grew_is_weighed_anew() {
        let mut order = WTinyLfu::new(room(4));
        let weight = |hash| Weight { hash, bytes: 10 };
        order.insert(0, weight(1));
        order.insert(1, weight(2));
        order.reweigh(0, 500);
        order.remove(1);
        assert_eq!(order.window.bytes + order.probation.bytes, 500);
        assert_eq!(order.evict(Some(0)), None);
        assert_eq!(order.evict(None), Some(0));
        assert_eq!(order.evict(None), None);
    }
}
