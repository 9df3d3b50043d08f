//! What each client of a stream gets, and when.
//!
//! Rows are offered once, for all clients. Each client has a profile: the least
//! time between two deliveries of one row, and a deadband around what it was
//! given last. What matters waits, a row at most once, until its interval is
//! over, and is then ready for the host to take; the host sends what the row is
//! by then. So the newest value is never lost, and a slow client is owed at most
//! every row once.
//!
//! Nothing is kept of rows but numbers and digests, and of a client only where
//! it differs from the rest.

mod client;
mod profile;

use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::slots::Slots;
use crate::table::lengthen;
use crate::time::NEVER_US;

use client::Client;
use profile::Profile;
pub use profile::{ProfileSettings, Significance};

/// Most clients at once: many more than a home has readers.
const MOST_CLIENTS: usize = 1_000;

/// Most rows: as many as there may be series.
pub(crate) const MOST_ROWS: u32 = 1_000_000;

/// Which rows a client follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every row, also those that are yet to come.
    All,
    /// Those named by [`Shaping::follow`].
    Listed,
}

/// What rows are now, as columns of one length.
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// The rows, each under a number below 1,000,000.
    pub rows: &'a [u32],
    /// The number each state is; NaN where it is none.
    pub numbers: &'a [f64],
    /// Digests of the states as they are written.
    pub states: &'a [u64],
    /// Digests of the attributes.
    pub attributes: &'a [u64],
}

/// What one client is to be given now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// In the order of becoming ready.
    pub rows: Vec<u32>,
    /// For each how many changes it stands for; 0 where the row is gone.
    pub changes: Vec<u32>,
    /// Rows dropped since the last time.
    pub dropped: u32,
    /// Rows that are ready and were left.
    pub left: u32,
    /// Changes and removals that still wait, ready or not.
    pub waiting: u32,
}

/// What became of changes. At any time `offered` is the sum of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Changes and removals for clients, each for each client.
    pub offered: u64,
    /// Those that did not matter.
    pub suppressed: u64,
    /// Merged into one that waited.
    pub merged: u64,
    /// Dropped at the capacity.
    pub dropped: u64,
    /// Taken back.
    pub withdrawn: u64,
    /// Handed out.
    pub given: u64,
    /// Waiting now.
    pub waiting: u64,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.suppressed += other.suppressed;
        self.merged += other.merged;
        self.dropped += other.dropped;
        self.withdrawn += other.withdrawn;
        self.given += other.given;
        self.waiting += other.waiting;
    }
}

/// What a row was offered as last.
#[derive(Debug, Clone, Copy)]
struct Values {
    /// NaN where the state is no number.
    number: f64,
    state: u64,
    attributes: u64,
}

/// All clients.
#[derive(Debug)]
pub struct Shaping {
    clients: Slots<Client>,
    /// Clients that follow every row, ascending.
    everyone: Vec<u32>,
    /// By row, the other clients that follow it, ascending.
    followers: Vec<Vec<u32>>,
    /// By row.
    offered: Vec<Option<Values>>,
    /// Clients with rows ready of which the host was not told.
    outbox: Vec<u32>,
    /// No client has time do something for it earlier: asked for far more often
    /// than it changes.
    due_from_us: u64,
    /// Of clients that are closed.
    closed: Totals,
}

impl Default for Shaping {
    fn default() -> Self {
        Self {
            clients: Slots::new("clients", MOST_CLIENTS),
            everyone: Vec::new(),
            followers: Vec::new(),
            offered: Vec::new(),
            outbox: Vec::new(),
            due_from_us: NEVER_US,
            closed: Totals::default(),
        }
    }
}

impl Shaping {
    /// Adds a client; gives its number.
    pub fn open(&mut self, settings: &ProfileSettings, scope: Scope) -> Result<u32, Error> {
        let profile = Profile::check(settings)?;
        let client = self.clients.insert(Client::new(profile, scope))?;
        if scope == Scope::All {
            include(&mut self.everyone, client);
        }
        Ok(client)
    }

    /// Forgets a client and what it was owed.
    pub fn close(&mut self, client: u32) -> Result<(), Error> {
        let closed = self.clients.remove(client)?;
        if closed.scope == Scope::All {
            exclude(&mut self.everyone, client);
        } else {
            for followers in &mut self.followers {
                exclude(followers, client);
            }
        }
        self.outbox.retain(|&named| named != client);
        self.closed.add(&closed.close());
        self.find_due();
        Ok(())
    }

    /// Lets a client follow rows; gives those that it did not follow before.
    pub fn follow(&mut self, client: u32, rows: &[u32]) -> Result<Vec<u32>, Error> {
        listed(self.clients.get(client)?)?;
        let most = check_rows(rows)?;
        lengthen(&mut self.followers, most, Vec::new);
        let joined = rows.iter().copied();
        let joined = joined.filter(|&row| include(&mut self.followers[row as usize], client));
        let joined: Vec<u32> = joined.collect();
        let known = self.clients.get_mut(client)?;
        for &row in &joined {
            known.join(row);
        }
        Ok(joined)
    }

    /// Lets a client no longer follow rows: those that are there are gone for
    /// it, as [`Shaping::remove`] tells it.
    pub(crate) fn unfollow(&mut self, now_us: u64, client: u32, rows: &[u32]) -> Result<(), Error> {
        let known = self.clients.get_mut(client)?;
        listed(known)?;
        check_rows(rows)?;
        for &row in rows {
            let followers = self.followers.get_mut(row as usize);
            let followed = followers.is_some_and(|followers| exclude(followers, client));
            let is_there = self.offered.get(row as usize).is_some_and(Option::is_some);
            // The removal of one that is gone waits already.
            if followed && is_there {
                known.remove(now_us, row);
            }
        }
        name(&mut self.outbox, client, known);
        self.find_due();
        Ok(())
    }

    /// Reports what rows are now; gives the clients with rows ready of which the
    /// host was not told.
    pub(crate) fn offer(&mut self, now_us: u64, changes: &Changes<'_>) -> Result<Vec<u32>, Error> {
        let expected = changes.rows.len();
        for (name, length) in [
            ("numbers", changes.numbers.len()),
            ("states", changes.states.len()),
            ("attributes", changes.attributes.len()),
        ] {
            if length != expected {
                return Err(Error::InvalidArgument(format!(
                    "{name} must be as many as rows, which are {expected}, not {length}"
                )));
            }
        }
        let most = check_rows(changes.rows)?;
        lengthen(&mut self.offered, most, || None);
        let states = changes.states.iter().zip(changes.attributes);
        let values = changes.numbers.iter().zip(states);
        for (&row, (&number, (&state, &attributes))) in changes.rows.iter().zip(values) {
            let after = Values {
                number: if number.is_finite() { number } else { f64::NAN },
                state,
                attributes,
            };
            let before = self.offered[row as usize].replace(after);
            if before.is_some_and(|it| it.state == state && it.attributes == attributes) {
                continue;
            }
            self.tell(row, |client| {
                client.offer(now_us, row, before.as_ref(), &after);
            });
        }
        if self.due_from_us <= now_us {
            self.find_due();
        }
        Ok(self.poll_ready())
    }

    /// Reports rows that are gone; gives clients as [`Shaping::offer`] does.
    pub(crate) fn remove(&mut self, now_us: u64, rows: &[u32]) -> Result<Vec<u32>, Error> {
        check_rows(rows)?;
        for &row in rows {
            let offered = self.offered.get_mut(row as usize);
            if offered.and_then(Option::take).is_some() {
                self.tell(row, |client| client.remove(now_us, row));
            }
        }
        Ok(self.poll_ready())
    }

    /// Makes rows wait for a client whether they changed or not.
    pub(crate) fn mark(&mut self, now_us: u64, client: u32, rows: &[u32]) -> Result<(), Error> {
        check_rows(rows)?;
        let known = self.clients.get_mut(client)?;
        if known.scope == Scope::Listed {
            let follows = |row: &&u32| {
                let followers = self.followers.get(**row as usize);
                followers.is_some_and(|followers| followers.binary_search(&client).is_ok())
            };
            if let Some(row) = rows.iter().find(|row| !follows(row)) {
                return Err(Error::InvalidArgument(format!(
                    "client {client} does not follow row {row}"
                )));
            }
        }
        for &row in rows {
            let is_there = self.offered.get(row as usize).is_some_and(Option::is_some);
            known.mark(now_us, row, is_there);
        }
        self.due_from_us = self.due_from_us.min(known.deadline_us());
        name(&mut self.outbox, client, known);
        Ok(())
    }

    /// The client was told everything by other means.
    pub fn mark_synchronized(&mut self, client: u32) -> Result<(), Error> {
        self.clients.get_mut(client)?.mark_synchronized();
        self.outbox.retain(|&named| named != client);
        self.find_due();
        Ok(())
    }

    /// Takes up to `most` rows that are ready for a client.
    pub(crate) fn take(&mut self, now_us: u64, client: u32, most: u32) -> Result<Taken, Error> {
        let known = self.clients.get_mut(client)?;
        let taken = known.take(now_us, most);
        // Whoever takes knows from the answer what is left.
        known.named = known.is_ready();
        self.outbox.retain(|&named| named != client);
        Ok(taken)
    }

    /// Takes the clients with rows ready of which the host was not told.
    pub fn poll_ready(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.outbox)
    }

    /// How many clients the next [`Shaping::poll_ready`] gives.
    pub(crate) fn ready(&self) -> usize {
        self.outbox.len()
    }

    /// When time next makes a row ready.
    pub(crate) fn deadline_us(&self) -> Option<u64> {
        (self.due_from_us != NEVER_US).then_some(self.due_from_us)
    }

    fn find_due(&mut self) {
        let deadlines = self.clients.iter().map(|(_, client)| client.deadline_us());
        self.due_from_us = deadlines.min().unwrap_or(NEVER_US);
    }

    /// Makes rows ready whose time has come.
    pub(crate) fn tick(&mut self, now_us: u64) {
        if now_us < self.due_from_us {
            return;
        }
        for (number, client) in self.clients.iter_mut() {
            if client.deadline_us() <= now_us {
                client.pass(now_us);
                name(&mut self.outbox, number, client);
            }
        }
        self.find_due();
    }

    /// Makes every row ready that waits for time.
    pub(crate) fn flush(&mut self, now_us: u64) {
        for (number, client) in self.clients.iter_mut() {
            client.pass(now_us);
            client.flush();
            name(&mut self.outbox, number, client);
        }
        self.find_due();
    }

    /// What became of changes for one client.
    pub fn client_totals(&self, client: u32) -> Result<Totals, Error> {
        Ok(self.clients.get(client)?.totals())
    }

    /// How many clients are open, and what became of changes for them and for
    /// those that are closed.
    pub fn totals(&self) -> (u32, Totals) {
        let mut totals = self.closed;
        let mut open = 0;
        for (_, client) in self.clients.iter() {
            open += 1;
            totals.add(&client.totals());
        }
        (open, totals)
    }

    /// Tells every client that follows a row.
    fn tell(&mut self, row: u32, mut change: impl FnMut(&mut Client)) {
        let followers = self
            .followers
            .get(row as usize)
            .map_or(&[][..], Vec::as_slice);
        for &number in self.everyone.iter().chain(followers) {
            if let Ok(client) = self.clients.get_mut(number) {
                change(client);
                self.due_from_us = self.due_from_us.min(client.deadline_us());
                name(&mut self.outbox, number, client);
            }
        }
    }
}

/// Puts a client into the outbox that has rows ready and is not named for it.
fn name(outbox: &mut Vec<u32>, number: u32, client: &mut Client) {
    if client.is_ready() && !client.named {
        client.named = true;
        outbox.push(number);
    }
}

/// Refuses a client whose rows are not listed.
fn listed(client: &Client) -> Result<(), Error> {
    match client.scope {
        Scope::Listed => Ok(()),
        Scope::All => Err(Error::InvalidArgument(
            "a client of scope `all` follows every row; open one of scope `listed`".into(),
        )),
    }
}

/// Refuses numbers that are too large; gives one over the largest.
fn check_rows(rows: &[u32]) -> Result<usize, Error> {
    let end = rows.iter().max().map_or(0, |&row| row as usize + 1);
    if end <= MOST_ROWS as usize {
        return Ok(end);
    }
    Err(Error::TooLarge(format!(
        "rows must have numbers below {MOST_ROWS}, not {}; number them densely",
        end - 1
    )))
}

/// Adds to a list in ascending order what is not in it; says whether it was not.
fn include(list: &mut Vec<u32>, number: u32) -> bool {
    let place = list.binary_search(&number);
    if let Err(place) = place {
        list.insert(place, number);
    }
    place.is_err()
}

/// Takes a number out of a list in ascending order; says whether it was in it.
fn exclude(list: &mut Vec<u32>, number: u32) -> bool {
    let place = list.binary_search(&number);
    if let Ok(place) = place {
        list.remove(place);
    }
    place.is_ok()
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
