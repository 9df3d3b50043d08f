//! From the text of Home Assistant's frames to the batch that leaves: parsed by
//! the client's session, mirrored, judged, batched. Only the optimizer differs
//! between the sides.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use weirhouse_hass::{Change, Event, Mirror, Session, SessionConfig};
use weirhouse_runner::operations::Optimizer;
use weirhouse_tests::load::{Home, Readings};

use crate::passage::Passage;
use crate::rounds::{Case, each_ns, least};

const EVENTS: usize = 1 << 14;

/// The number under which the session subscribes to states.
const SUBSCRIPTION: u32 = 2;

/// Seconds since 1970 at which the home begins to report.
const BEGAN_S: f64 = 1_764_000_000.0;

/// What an event costs by the number of events in a frame.
pub(crate) fn by_frame(
    component: &mut dyn Optimizer,
    native: &mut dyn Optimizer,
    entities: u32,
) -> Result<()> {
    println!(
        "Frames of Home Assistant, ns for each event ({entities} entities with mixed rules, from JSON to batch)"
    );
    println!("| events in a frame | component | native | ratio | of it, parsed and mirrored |");
    println!("|---|---|---|---|---|");
    let home = Home::new(entities);
    let changes = Changes::of(&home, entities);
    let component = RefCell::new(Side::new(component, &home)?);
    let native = RefCell::new(Side::new(native, &home)?);
    let link = RefCell::new(Link::new(&home)?);
    for size in [1, 16, 64, 256] {
        let frames = changes.frames(size);
        let mut cases: [Case<'_>; 3] = [
            (
                "component",
                Box::new(|| component.borrow_mut().take(&frames, size)),
            ),
            (
                "native",
                Box::new(|| native.borrow_mut().take(&frames, size)),
            ),
            (
                "parsed and mirrored",
                Box::new(|| {
                    let mut link = link.borrow_mut();
                    for frame in &frames {
                        link.read(frame, |_, text| {
                            std::hint::black_box(text);
                        });
                    }
                }),
            ),
        ];
        let took = least(&mut cases);
        let ns: Vec<f64> = took.into_iter().map(|it| each_ns(it, EVENTS)).collect();
        println!(
            "| {size} | {:.0} | {:.0} | {:.3} | {:.0} |",
            ns[0],
            ns[1],
            ns[0] / ns[1],
            ns[2]
        );
    }
    println!();
    Ok(())
}

/// Messages about one change each, in order.
struct Changes(Vec<String>);

impl Changes {
    /// What a home reports, as Home Assistant tells it: nothing of a state that
    /// is written again as it was.
    fn of(home: &Home, entities: u32) -> Self {
        let names: Vec<&str> = home.entity_ids().collect();
        let mut last = vec![String::new(); names.len()];
        let mut messages = Vec::with_capacity(EVENTS);
        for reading in Readings::of(entities, 4 * EVENTS, true).batches(1) {
            let entity = reading.series[0] as usize;
            if last[entity] == reading.text {
                continue;
            }
            reading.text.clone_into(&mut last[entity]);
            let number = messages.len();
            let at_s = BEGAN_S + number as f64 * 1e-6 * home.spacing_us() as f64;
            messages.push(format!(
                r#"{{"id":{SUBSCRIPTION},"type":"event","event":{{"c":{{"{}":{{"+":{{"s":"{}","c":"01KAS0{number:020}","lc":{at_s:.6}}}}}}}}}}}"#,
                names[entity], reading.text
            ));
            if messages.len() == EVENTS {
                break;
            }
        }
        assert_eq!(messages.len(), EVENTS, "states repeat too often");
        Self(messages)
    }

    /// All of them, so many in a frame; several come as a list, coalesced.
    fn frames(&self, size: usize) -> Vec<String> {
        let frames = self.0.chunks(size);
        frames
            .map(|messages| match messages {
                [message] => message.clone(),
                messages => format!("[{}]", messages.join(",")),
            })
            .collect()
    }
}

/// A session that is logged in, and the mirror of what it tells.
struct Link {
    session: Session,
    mirror: Mirror,
}

impl Link {
    fn new(home: &Home) -> Result<Self> {
        let mut link = Self {
            session: Session::new(SessionConfig::new("token")),
            mirror: Mirror::new(),
        };
        let mut added = String::new();
        for name in home.entity_ids() {
            let comma = if added.is_empty() { "" } else { "," };
            write!(
                added,
                r#"{comma}"{name}":{{"s":"unknown","a":{{"unit_of_measurement":"?"}},"c":"01KAS0","lc":{BEGAN_S:.6}}}"#
            )?;
        }
        let snapshot =
            format!(r#"{{"id":{SUBSCRIPTION},"type":"event","event":{{"a":{{{added}}}}}}}"#);
        for frame in [
            r#"{"type":"auth_required"}"#,
            r#"{"type":"auth_ok","ha_version":"2026.10.0"}"#,
            &snapshot,
        ] {
            link.session.handle_frame(Duration::ZERO, frame)?;
        }
        while let Some(event) = link.session.poll_event() {
            if let Event::Snapshot(states) = event {
                link.mirror.replace(states, Duration::ZERO);
            }
        }
        anyhow::ensure!(
            link.mirror.len() == home.entity_ids().count(),
            "the session did not take the snapshot"
        );
        Ok(link)
    }

    /// Takes a frame; gives the entity and the text of every state that changed.
    fn read(&mut self, frame: &str, mut take: impl FnMut(&str, &str)) {
        self.session.handle_frame(Duration::ZERO, frame).unwrap();
        while let Some(event) = self.session.poll_event() {
            let Event::Changes(changes) = event else {
                continue;
            };
            for change in changes {
                self.apply(change, &mut take);
            }
        }
    }

    fn apply(&mut self, change: Change, take: &mut impl FnMut(&str, &str)) {
        if let Some(seen) = self.mirror.apply(change, Duration::ZERO)
            && seen.state_changed
            && let Some(state) = self.mirror.get(&seen.entity_id)
        {
            take(&seen.entity_id, &state.state);
        }
    }
}

/// A home behind its link, and an optimizer that judges what it tells.
struct Side<'a> {
    link: Link,
    handles: HashMap<String, u32>,
    optimizer: &'a mut dyn Optimizer,
    time: Passage,
}

impl<'a> Side<'a> {
    fn new(optimizer: &'a mut dyn Optimizer, home: &Home) -> Result<Self> {
        home.introduce(optimizer)?;
        Ok(Self {
            link: Link::new(home)?,
            handles: home.entity_ids().map(str::to_owned).zip(0..).collect(),
            optimizer,
            time: Passage::new(home.spacing_us()),
        })
    }

    /// Frames of so many events, each judged in one call.
    fn take(&mut self, frames: &[String], size: usize) {
        for frame in frames {
            let mut series = Vec::with_capacity(size);
            let mut text = String::new();
            let mut lengths = Vec::with_capacity(size);
            self.link.read(frame, |entity_id, state| {
                series.push(self.handles[entity_id]);
                text.push_str(state);
                lengths.push(state.len() as u32);
            });
            let now = self.time.after(size);
            let verdicts = self
                .optimizer
                .observe_texts(now, &series, &text, &lengths, &[]);
            std::hint::black_box(verdicts.unwrap());
            self.time.collect(self.optimizer);
        }
    }
}
