//! Random histories of clients, against a model of each that is slow and
//! obvious: it keeps everything about every row, and searches.

use super::*;
use alloc::collections::BTreeMap;
use alloc::vec;
use proptest::prelude::*;

const ROWS: u32 = 6;

#[derive(Debug, Clone)]
enum Step {
    /// Rows with their states, of which 0 to 9 are numbers, and attributes.
    Offer(Vec<(u32, u64, u64)>),
    Remove(u32),
    Take(usize, u32),
    Mark(usize, u32),
    Synchronize(usize),
    Follow(u32),
    Unfollow(u32),
    Pass(u64),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let row = 0..ROWS;
    let change = (row.clone(), 0_u64..14, 0_u64..2);
    let client = 0..profiles().len();
    prop_oneof![
        10 => proptest::collection::vec(change, 1..4).prop_map(Step::Offer),
        1 => row.clone().prop_map(Step::Remove),
        6 => (client.clone(), 0_u32..4).prop_map(|(client, most)| Step::Take(client, most)),
        1 => (client.clone(), row.clone()).prop_map(|(client, row)| Step::Mark(client, row)),
        1 => client.prop_map(Step::Synchronize),
        1 => row.clone().prop_map(Step::Follow),
        1 => row.prop_map(Step::Unfollow),
        5 => (0_u64..60).prop_map(Step::Pass),
        1 => Just(Step::Flush),
    ]
}

/// The last of them follows what it lists; the others follow everything.
fn profiles() -> Vec<ProfileSettings> {
    let plain = ProfileSettings::default();
    vec![
        plain,
        ProfileSettings {
            interval_us: 50,
            attributes: false,
            ..plain
        },
        ProfileSettings {
            interval_us: 20,
            significance: Significance::Absolute(3.0),
            max_stale_us: Some(100),
            ..plain
        },
        ProfileSettings {
            interval_us: 50,
            significance: Significance::Percentage(0.5),
            capacity: 3,
            ..plain
        },
        ProfileSettings {
            interval_us: 30,
            significance: Significance::Absolute(2.0),
            attributes: false,
            ..plain
        },
    ]
}

/// The number that a state is, if it is one.
fn number_of(state: u64) -> Option<f64> {
    (state < 10).then_some(state as f64)
}

/// What a client has to do with one row.
#[derive(Debug, Clone, Default)]
struct Row {
    /// State and attributes that the client knows; `None` where every change
    /// matters.
    given: Option<(u64, u64)>,
    /// Whether the number offered last did not matter.
    held: bool,
    removal: bool,
    changes: u32,
    cool_until_us: Option<u64>,
}

/// One client: nothing is shared, nothing is left out.
#[derive(Debug)]
struct Model {
    settings: ProfileSettings,
    rows: BTreeMap<u32, Row>,
    /// Rows that are ready.
    ready: Vec<u32>,
    stale_from_us: Option<u64>,
    dropped: u32,
}

impl Model {
    fn new(settings: ProfileSettings) -> Self {
        Self {
            settings,
            rows: BTreeMap::new(),
            ready: vec![],
            stale_from_us: None,
            dropped: 0,
        }
    }

    fn waiting(&self) -> u32 {
        let rows = self.rows.values();
        rows.map(|row| u32::from(row.removal) + u32::from(row.changes > 0))
            .sum()
    }

    fn matters(&self, given: (u64, u64), now: (u64, u64)) -> bool {
        let least = |base: f64| match self.settings.significance {
            Significance::Any => 0.0,
            Significance::Absolute(least) => least,
            Significance::Percentage(fraction) => fraction * base,
        };
        let state = given.0 != now.0
            && match (number_of(given.0), number_of(now.0)) {
                (Some(base), Some(number)) => (base - number).abs() >= least(base),
                _ => true,
            };
        state || (self.settings.attributes && given.1 != now.1)
    }

    /// `before` is `None` where the row is new.
    fn offer(&mut self, now_us: u64, row: u32, before: Option<(u64, u64)>, now: (u64, u64)) {
        let mut known = self.rows.remove(&row).unwrap_or_default();
        if known.changes > 0 {
            known.changes += 1;
            self.rows.insert(row, known);
            return;
        }
        let matters = before.is_none() || known.given.is_none_or(|given| self.matters(given, now));
        if !matters {
            let given = known.given.unwrap_or(now);
            known.held = given.0 != now.0;
            // Attributes that differ either matter or are of no interest.
            known.given = Some((given.0, now.1));
            if known.held
                && let Some(max_stale_us) = self.settings.max_stale_us
            {
                let until_us = now_us + max_stale_us.unsigned_abs();
                self.stale_from_us.get_or_insert(until_us);
            }
        }
        self.rows.insert(row, known);
        if matters {
            self.wait(row, false);
        }
    }

    fn wait(&mut self, row: u32, removal: bool) {
        if self.waiting() >= self.settings.capacity {
            let newcomer = self.ready.is_empty();
            let gone = if newcomer { row } else { self.ready.remove(0) };
            let cool_until_us = self.rows.get(&gone).and_then(|row| row.cool_until_us);
            let dropped = self.rows.insert(
                gone,
                Row {
                    cool_until_us,
                    ..Row::default()
                },
            );
            let dropped = dropped.unwrap_or_default();
            self.dropped += u32::from(dropped.removal) + u32::from(dropped.changes > 0);
            if newcomer {
                self.dropped += 1;
                return;
            }
        }
        let known = self.rows.entry(row).or_default();
        if removal {
            known.removal = true;
        } else {
            known.changes = 1;
        }
        if (removal || known.cool_until_us.is_none()) && !self.ready.contains(&row) {
            self.ready.push(row);
        }
    }

    fn remove(&mut self, row: u32) {
        let known = self.rows.entry(row).or_default();
        known.changes = 0;
        known.held = false;
        known.given = None;
        if !known.removal {
            self.wait(row, true);
        }
    }

    /// When time next has something to do, and what.
    fn deadline_us(&self) -> Option<u64> {
        let cooling = self.rows.values().filter(|row| row.changes > 0);
        let cooling = cooling.filter_map(|row| row.cool_until_us).min();
        cooling.into_iter().chain(self.stale_from_us).min()
    }

    fn pass(&mut self, now_us: u64) {
        let over = |row: &Row| row.cool_until_us.filter(|&until_us| until_us <= now_us);
        // Ends of one moment come in the order of deliveries, which the order of
        // rows is not; so does a random history never take two at one moment.
        let mut ends: Vec<(u64, u32)> = self
            .rows
            .iter()
            .filter_map(|(&row, known)| Some((over(known)?, row)))
            .collect();
        ends.sort_unstable();
        for (_, row) in ends {
            let known = self.rows.entry(row).or_default();
            known.cool_until_us = None;
            if known.changes > 0 && !self.ready.contains(&row) {
                self.ready.push(row);
            }
        }
        if self.stale_from_us.is_some_and(|from_us| from_us <= now_us) {
            self.give_held();
        }
    }

    fn give_held(&mut self) {
        self.stale_from_us = None;
        let held = self.rows.iter();
        let held = held.filter(|(_, row)| row.held && row.changes == 0);
        let held: Vec<u32> = held.map(|(&row, _)| row).collect();
        for row in held {
            self.wait(row, false);
        }
    }

    fn take(&mut self, now_us: u64, most: u32, offered: &BTreeMap<u32, (u64, u64)>) -> Taken {
        let mut taken = Taken {
            dropped: core::mem::take(&mut self.dropped),
            ..Taken::default()
        };
        while taken.rows.len() < most as usize && !self.ready.is_empty() {
            let row = self.ready[0];
            let known = self.rows.entry(row).or_default();
            taken.rows.push(row);
            if known.removal {
                known.removal = false;
                taken.changes.push(0);
                if known.changes == 0 || known.cool_until_us.is_some() {
                    self.ready.remove(0);
                }
                continue;
            }
            taken.changes.push(core::mem::take(&mut known.changes));
            self.ready.remove(0);
            known.given = offered.get(&row).copied();
            known.held = false;
            if self.settings.interval_us > 0 {
                known.cool_until_us = Some(now_us + self.settings.interval_us.unsigned_abs());
            }
        }
        taken.left = self.ready.len() as u32;
        taken.waiting = self.waiting();
        taken
    }

    fn synchronize(&mut self, offered: &BTreeMap<u32, (u64, u64)>) {
        self.ready.clear();
        self.stale_from_us = None;
        self.dropped = 0;
        for (row, known) in &mut self.rows {
            *known = Row {
                given: offered.get(row).copied(),
                cool_until_us: known.cool_until_us,
                ..Row::default()
            };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn each_client_gets_what_a_slow_and_obvious_one_would(
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut shaping = Shaping::default();
        let mut models = vec![];
        let last = profiles().len() - 1;
        for (number, settings) in profiles().into_iter().enumerate() {
            let scope = if number == last { Scope::Listed } else { Scope::All };
            shaping.open(&settings, scope).unwrap();
            models.push(Model::new(settings));
        }
        let mut follows = [false; ROWS as usize];
        let mut offered: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        let mut now_us = 0;
        for step in steps {
            // Every step has a moment of its own.
            now_us += 1;
            if !matches!(step, Step::Synchronize(_) | Step::Follow(_)) {
                for model in &mut models {
                    model.pass(now_us);
                }
                shaping.tick(now_us);
            }
            match step {
                Step::Offer(changes) => {
                    let rows: Vec<u32> = changes.iter().map(|it| it.0).collect();
                    let states: Vec<u64> = changes.iter().map(|it| it.1).collect();
                    let attributes: Vec<u64> = changes.iter().map(|it| it.2).collect();
                    let numbers = states.iter().map(|&it| number_of(it).unwrap_or(f64::NAN));
                    let numbers: Vec<f64> = numbers.collect();
                    let changes_of = Changes {
                        rows: &rows,
                        numbers: &numbers,
                        states: &states,
                        attributes: &attributes,
                    };
                    shaping.offer(now_us, &changes_of).unwrap();
                    for (row, state, attributes) in changes {
                        let now = (state, attributes);
                        let before = offered.insert(row, now);
                        if before == Some(now) {
                            continue;
                        }
                        for (number, model) in models.iter_mut().enumerate() {
                            if number < last || follows[row as usize] {
                                model.offer(now_us, row, before, now);
                            }
                        }
                    }
                }
                Step::Remove(row) => {
                    shaping.remove(now_us, &[row]).unwrap();
                    if offered.remove(&row).is_some() {
                        for (number, model) in models.iter_mut().enumerate() {
                            if number < last || follows[row as usize] {
                                model.remove(row);
                            }
                        }
                    }
                }
                Step::Take(client, most) => {
                    // Two deliveries at one moment would tie: see `Model::pass`.
                    let most = most.min(1);
                    let taken = shaping.take(now_us, client as u32, most).unwrap();
                    prop_assert_eq!(taken, models[client].take(now_us, most, &offered));
                }
                Step::Mark(client, row) => {
                    let outcome = shaping.mark(now_us, client as u32, &[row]);
                    let follows = client < last || follows[row as usize];
                    prop_assert_eq!(outcome.is_ok(), follows);
                    if follows {
                        let is_there = offered.contains_key(&row);
                        let model = &mut models[client];
                        let known = model.rows.entry(row).or_default();
                        let waits = if is_there { known.changes > 0 } else { known.removal };
                        if !waits {
                            model.wait(row, !is_there);
                        }
                    }
                }
                Step::Synchronize(client) => {
                    shaping.mark_synchronized(client as u32).unwrap();
                    models[client].synchronize(&offered);
                }
                Step::Follow(row) => {
                    shaping.follow(last as u32, &[row]).unwrap();
                    if !core::mem::replace(&mut follows[row as usize], true) {
                        // A removal of before may still wait, and the interval runs on.
                        let known = models[last].rows.entry(row).or_default();
                        known.given = offered.get(&row).copied();
                    }
                }
                Step::Unfollow(row) => {
                    shaping.unfollow(now_us, last as u32, &[row]).unwrap();
                    let followed = core::mem::replace(&mut follows[row as usize], false);
                    if followed && offered.contains_key(&row) {
                        models[last].remove(row);
                    }
                }
                Step::Pass(us) => {
                    now_us += us;
                    for model in &mut models {
                        model.pass(now_us);
                    }
                    shaping.tick(now_us);
                }
                Step::Flush => {
                    shaping.flush(now_us);
                    for model in &mut models {
                        model.give_held();
                        model.pass(u64::MAX);
                    }
                }
            }
            // A deadline may come early, never late.
            let deadline_us = models.iter().filter_map(Model::deadline_us).min();
            if let Some(deadline_us) = deadline_us {
                let asked_us = shaping.deadline_us();
                prop_assert!(asked_us.is_some_and(|asked_us| asked_us <= deadline_us));
            }
            for (number, model) in (0..).zip(&models) {
                let totals = shaping.client_totals(number).unwrap();
                prop_assert_eq!(totals.waiting, u64::from(model.waiting()));
                prop_assert_eq!(
                    totals.offered,
                    totals.suppressed
                        + totals.merged
                        + totals.dropped
                        + totals.withdrawn
                        + totals.given
                        + totals.waiting
                );
                prop_assert!(totals.waiting <= u64::from(model.settings.capacity));
            }
        }
        // Who lets no room run out ends up with the newest of everything.
        shaping.flush(now_us + 1);
        shaping.take(now_us + 1, 0, 100).unwrap();
        let model = &mut models[0];
        model.give_held();
        model.pass(u64::MAX);
        model.take(now_us + 1, 100, &offered);
        prop_assert_eq!(shaping.client_totals(0).unwrap().waiting, 0);
        for (row, now) in &offered {
            prop_assert_eq!(model.rows[row].given, Some(*now));
        }
    }
}
