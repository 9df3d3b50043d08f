//! S3-FIFO: a small queue for what is new, a main queue for what was asked for
//! again, and a ghost queue of keys that left the small one lately. After Yang
//! and others, "FIFO queues are all you need for cache eviction" (SOSP 2023).

use std::collections::{HashMap, VecDeque};

const MOST_USES: u8 = 3;

#[derive(Default)]
struct Queues {
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    ghost: VecDeque<u32>,
    /// Whether a key is in the ghost queue.
    ghosts: HashMap<u32, u32>,
    /// Uses of a held key since it came or was passed over.
    uses: HashMap<u32, u8>,
}

pub(crate) fn hits(keys: &[u32], room: usize) -> usize {
    let small_room = (room / 10).max(1);
    let main_room = room - small_room;
    let mut queues = Queues::default();
    let mut hits = 0;
    for &key in keys {
        if let Some(uses) = queues.uses.get_mut(&key) {
            *uses = MOST_USES.min(*uses + 1);
            hits += 1;
            continue;
        }
        if queues.uses.len() == room {
            if queues.small.len() >= small_room {
                queues.evict_small(main_room);
            } else {
                queues.evict_main();
            }
        }
        if queues.ghosts.contains_key(&key) {
            queues.main.push_front(key);
        } else {
            queues.small.push_front(key);
        }
        queues.uses.insert(key, 0);
    }
    hits
}

impl Queues {
    fn evict_small(&mut self, main_room: usize) {
        while let Some(key) = self.small.pop_back() {
            if self.uses[&key] > 1 {
                self.uses.insert(key, 0);
                self.main.push_front(key);
                if self.main.len() > main_room {
                    return self.evict_main();
                }
            } else {
                self.uses.remove(&key);
                self.haunt(key, main_room);
                return;
            }
        }
        self.evict_main();
    }

    fn evict_main(&mut self) {
        while let Some(key) = self.main.pop_back() {
            let uses = self.uses[&key];
            if uses == 0 {
                self.uses.remove(&key);
                return;
            }
            self.uses.insert(key, uses - 1);
            self.main.push_front(key);
        }
    }

    fn haunt(&mut self, key: u32, room: usize) {
        self.ghost.push_front(key);
        *self.ghosts.entry(key).or_default() += 1;
        while self.ghost.len() > room {
            let Some(gone) = self.ghost.pop_back() else {
                return;
            };
            let count = self.ghosts.entry(gone).or_default();
            *count -= 1;
            if *count == 0 {
                self.ghosts.remove(&gone);
            }
        }
    }
}
