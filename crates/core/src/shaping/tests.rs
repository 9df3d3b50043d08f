//! What clients get, told by examples.

use super::*;
use alloc::vec;

const S: u64 = 1_000_000;

/// Rows with their changes.
fn given(taken: &Taken) -> Vec<(u32, u32)> {
    let rows = taken.rows.iter().copied();
    rows.zip(taken.changes.iter().copied()).collect()
}

/// Everything that is ready for a client.
fn take(shaping: &mut Shaping, now_us: u64, client: u32) -> Vec<(u32, u32)> {
    let taken = shaping.take(now_us, client, 1_000).unwrap();
    assert_eq!((taken.dropped, taken.left), (0, 0));
    given(&taken)
}

/// A row whose state is this number.
fn number(shaping: &mut Shaping, now_us: u64, row: u32, number: f64) -> Vec<u32> {
    row_is(shaping, now_us, row, number, number.to_bits(), 0)
}

/// A row whose state is a text.
fn text(shaping: &mut Shaping, now_us: u64, row: u32, digest: u64) -> Vec<u32> {
    row_is(shaping, now_us, row, f64::NAN, digest, 0)
}

fn row_is(
    shaping: &mut Shaping,
    now_us: u64,
    row: u32,
    number: f64,
    state: u64,
    attributes: u64,
) -> Vec<u32> {
    let changes = Changes {
        rows: &[row],
        numbers: &[number],
        states: &[state],
        attributes: &[attributes],
    };
    shaping.offer(now_us, &changes).unwrap()
}

fn open(shaping: &mut Shaping, change: impl FnOnce(&mut ProfileSettings)) -> u32 {
    let mut settings = ProfileSettings::default();
    change(&mut settings);
    shaping.open(&settings, Scope::All).unwrap()
}

fn every_second(settings: &mut ProfileSettings) {
    settings.interval_us = S.cast_signed();
}

#[test]
fn every_change_is_ready_at_once_where_nothing_holds_it_back() {
    let mut shaping = Shaping::default();
    let client = open(&mut shaping, |_| ());
    assert_eq!(number(&mut shaping, 0, 7, 1.0), [client]);
    // It was named, and took nothing yet.
    assert_eq!(number(&mut shaping, 0, 3, 1.0), []);
    assert_eq!(number(&mut shaping, 1, 7, 2.0), []);
    assert_eq!(take(&mut shaping, 2, client), [(7, 2), (3, 1)]);
    // What is as it was is no change.
    assert_eq!(number(&mut shaping, 3, 7, 2.0), []);
    assert_eq!(number(&mut shaping, 3, 7, 2.5), [client]);
    assert_eq!(take(&mut shaping, 4, client), [(7, 1)]);
    assert_eq!(shaping.deadline_us(), None);
}

#[test]
fn within_the_interval_the_newest_value_waits_for_its_end() {
    let mut shaping = Shaping::default();
    let client = open(&mut shaping, every_second);
    number(&mut shaping, 0, 7, 1.0);
    assert_eq!(take(&mut shaping, 10, client), [(7, 1)]);
    for (now_us, value) in [(20, 2.0), (30, 3.0), (40, 1.0)] {
        assert_eq!(number(&mut shaping, now_us, 7, value), []);
    }
    assert_eq!(take(&mut shaping, 50, client), []);
    assert_eq!(shaping.deadline_us(), Some(S + 10));
    shaping.tick(S + 9);
    assert_eq!(shaping.ready(), 0);
    shaping.tick(S + 10);
    assert_eq!(shaping.poll_ready(), [client]);
    assert_eq!(take(&mut shaping, S + 10, client), [(7, 3)]);
    // Nothing changed since, so the end of this interval is no deadline.
    assert_eq!(shaping.deadline_us(), None);
    assert_eq!(number(&mut shaping, 3 * S, 7, 5.0), [client]);
}

#[test]
fn intervals_end_in_the_order_of_deliveries_not_of_changes() {
    let mut shaping = Shaping::default();
    let client = open(&mut shaping, every_second);
    for row in [1, 2, 3] {
        number(&mut shaping, u64::from(row), row, 1.0);
        take(&mut shaping, u64::from(row), client);
    }
    for row in [3, 1, 2] {
        number(&mut shaping, 10, row, 2.0);
    }
    assert_eq!(shaping.deadline_us(), Some(S + 1));
    // An offer lets time pass, too.
    number(&mut shaping, S + 2, 9, 1.0);
    assert_eq!(take(&mut shaping, S + 2, client), [(1, 1), (2, 1), (9, 1)]);
    assert_eq!(shaping.deadline_us(), Some(S + 3));
}

#[test]
fn a_deadband_lies_around_what_this_client_was_given() {
    let mut shaping = Shaping::default();
    let raw = open(&mut shaping, |_| ());
    let half = open(&mut shaping, |it| {
        it.significance = Significance::Absolute(0.5);
    });
    let tenth = open(&mut shaping, |it| {
        it.significance = Significance::Percentage(0.1);
    });
    let mut gets = |value| {
        let now = number(&mut shaping, 0, 7, value);
        for &client in &now {
            assert_eq!(take(&mut shaping, 0, client), [(7, 1)]);
        }
        now
    };
    assert_eq!(gets(20.0), [raw, half, tenth]);
    assert_eq!(gets(20.4), [raw]);
    // A slow drift gets through: 20.0 counts, not 20.4.
    assert_eq!(gets(20.5), [raw, half]);
    assert_eq!(gets(20.1), [raw]);
    assert_eq!(gets(22.0), [raw, half, tenth]);
    assert_eq!(gets(22.3), [raw]);
    assert_eq!(gets(22.0), [raw]);
    assert_eq!(gets(f64::NAN), [raw, half, tenth]);
    assert_eq!(gets(22.0), [raw, half, tenth]);
}

#[test]
fn who_comes_later_knows_what_there_was() {
    let mut shaping = Shaping::default();
    number(&mut shaping, 0, 7, 20.0);
    let client = open(&mut shaping, |it| {
        it.significance = Significance::Absolute(0.5);
    });
    assert_eq!(number(&mut shaping, 0, 7, 20.4), []);
    assert_eq!(number(&mut shaping, 0, 8, 1.0), [client]);
    shaping.mark(0, client, &[7, 9]).unwrap();
    // Row 9 was never there, so it is told as gone.
    assert_eq!(take(&mut shaping, 0, client), [(8, 1), (7, 1), (9, 0)]);
    assert_eq!(number(&mut shaping, 0, 7, 20.8), []);
    assert_eq!(number(&mut shaping, 0, 7, 20.9), [client]);
}

#[test]
fn attributes_and_texts_matter_where_they_differ() {
    let mut shaping = Shaping::default();
    let all = open(&mut shaping, |it| {
        it.significance = Significance::Absolute(5.0);
    });
    let states = open(&mut shaping, |it| {
        it.significance = Significance::Absolute(5.0);
        it.attributes = false;
    });
    let take_both =
        |shaping: &mut Shaping| [all, states].map(|client| take(shaping, 0, client).len());
    text(&mut shaping, 0, 7, 1);
    row_is(&mut shaping, 0, 8, 1.0, 1, 1);
    assert_eq!(take_both(&mut shaping), [2, 2]);
    text(&mut shaping, 0, 7, 2);
    row_is(&mut shaping, 0, 8, 1.0, 1, 2);
    assert_eq!(take_both(&mut shaping), [2, 1]);
    // 1.0 is written otherwise, which is another state and the same number.
    row_is(&mut shaping, 0, 8, 1.0, 2, 2);
    assert_eq!(take_both(&mut shaping), [0, 0]);
}

#[test]
fn a_client_may_differ_for_as_long_as_it_says() {
    let mut shaping = Shaping::default();
    let client = open(&mut shaping, |it| {
        it.significance = Significance::Absolute(5.0);
        it.max_stale_us = Some(10 * S.cast_signed());
    });
    for row in 0..3 {
        number(&mut shaping, 0, row, 0.0);
    }
    take(&mut shaping, 0, client);
    number(&mut shaping, S, 2, 1.0);
    number(&mut shaping, 2 * S, 0, 1.0);
    number(&mut shaping, 3 * S, 0, 2.0);
    // Back at what was given.
    number(&mut shaping, 4 * S, 1, 1.0);
    number(&mut shaping, 5 * S, 1, 0.0);
    assert_eq!(shaping.deadline_us(), Some(11 * S));
    shaping.tick(11 * S);
    assert_eq!(shaping.poll_ready(), [client]);
    assert_eq!(take(&mut shaping, 11 * S, client), [(0, 1), (2, 1)]);
    assert_eq!(shaping.deadline_us(), None);
    assert_eq!(number(&mut shaping, 12 * S, 0, 6.0), []);
    assert_eq!(shaping.deadline_us(), Some(22 * S));
}

#[test]
fn a_removal_is_ready_at_once_and_a_return_keeps_the_interval() {
    let mut shaping = Shaping::default();
    let client = open(&mut shaping, every_second);
    number(&mut shaping, 0, 7, 1.0);
    take(&mut shaping, 0, client);
    number(&mut shaping, 1, 7, 2.0);
    assert_eq!(shaping.remove(2, &[7, 8]), Ok(vec![client]));
    assert_eq!(shaping.remove(2, &[7]), Ok(vec![]));
    number(&mut shaping, 3, 7, 3.0);
    assert_eq!(take(&mut shaping, 4, client), [(7, 0)]);
    assert_eq!(shaping.deadline_us(), Some(S));
    shaping.tick(S);
    assert_eq!(take(&mut shaping, S, client), [(7, 1)]);
    // Out of the interval both come together.
    shaping.remove(3 * S, &[7]).unwrap();
    number(&mut shaping, 3 * S, 7, 4.0);
    assert_eq!(take(&mut shaping, 3 * S, client), [(7, 0), (7, 1)]);
    let totals = shaping.client_totals(client).unwrap();
    assert_eq!((totals.withdrawn, totals.given), (1, 5));
}

#[test]
fn listed_clients_get_what_they_follow() {
    let mut shaping = Shaping::default();
    let settings = ProfileSettings::default();
    let one = shaping.open(&settings, Scope::Listed).unwrap();
    let other = shaping.open(&settings, Scope::Listed).unwrap();
    assert_eq!(shaping.follow(one, &[1, 2, 2]), Ok(vec![1, 2]));
    assert_eq!(shaping.follow(one, &[2]), Ok(vec![]));
    shaping.follow(other, &[2, 3]).unwrap();
    assert_eq!(number(&mut shaping, 0, 2, 1.0), [one, other]);
    assert_eq!(number(&mut shaping, 0, 4, 1.0), []);
    number(&mut shaping, 0, 1, 1.0);
    shaping.unfollow(0, one, &[2, 3, 9]).unwrap();
    assert_eq!(take(&mut shaping, 0, one), [(2, 0), (1, 1)]);
    assert_eq!(take(&mut shaping, 0, other), [(2, 1)]);
    shaping.close(other).unwrap();
    // The number is given again, and with it nothing of who had it.
    assert_eq!(shaping.open(&settings, Scope::Listed), Ok(other));
    assert_eq!(number(&mut shaping, 0, 3, 1.0), []);
    let refused = shaping.mark(0, one, &[1, 2]);
    assert!(matches!(refused, Err(Error::InvalidArgument(_))));
    assert_eq!(take(&mut shaping, 0, one), []);
}

#[test]
fn what_a_client_ceases_to_follow_is_gone_for_it_once() {
    let mut shaping = Shaping::default();
    let settings = ProfileSettings {
        interval_us: S.cast_signed(),
        ..ProfileSettings::default()
    };
    let client = shaping.open(&settings, Scope::Listed).unwrap();
    shaping.follow(client, &[1, 2, 3]).unwrap();
    for row in [1, 2] {
        number(&mut shaping, 0, row, 1.0);
    }
    assert_eq!(take(&mut shaping, 0, client), [(1, 1), (2, 1)]);
    // Row 1 has news that waits, row 2 is gone by itself, row 3 was never there.
    number(&mut shaping, 1, 1, 2.0);
    shaping.remove(1, &[2]).unwrap();
    for _ in 0..2 {
        shaping.unfollow(2, client, &[1, 2, 3]).unwrap();
    }
    assert_eq!(take(&mut shaping, 2, client), [(2, 0), (1, 0)]);
    number(&mut shaping, 3, 1, 3.0);
    shaping.remove(3, &[1]).unwrap();
    assert_eq!(take(&mut shaping, 3, client), []);

    // One that leaves and comes back before anything was taken is told as both.
    number(&mut shaping, 3 * S, 1, 4.0);
    shaping.follow(client, &[1]).unwrap();
    shaping.unfollow(3 * S, client, &[1]).unwrap();
    assert_eq!(shaping.poll_ready(), [client]);
    assert_eq!(shaping.follow(client, &[1]), Ok(vec![1]));
    shaping.mark(3 * S, client, &[1]).unwrap();
    assert_eq!(take(&mut shaping, 3 * S, client), [(1, 0), (1, 1)]);
    let totals = shaping.client_totals(client).unwrap();
    assert_eq!((totals.withdrawn, totals.given, totals.waiting), (1, 6, 0));
}

#[test]
fn beyond_the_capacity_the_oldest_goes_and_its_next_change_matters() {
    let mut shaping = Shaping::default();
    let client = open(&mut shaping, |it| {
        it.capacity = 2;
        it.significance = Significance::Absolute(5.0);
    });
    for row in [1, 2, 3] {
        number(&mut shaping, 0, row, 1.0);
    }
    let taken = shaping.take(0, client, 1).unwrap();
    assert_eq!(
        (given(&taken), taken.dropped, taken.left),
        (vec![(2, 1)], 1, 1)
    );
    assert_eq!(take(&mut shaping, 0, client), [(3, 1)]);
    for row in [1, 2, 3] {
        number(&mut shaping, 0, row, 1.5);
    }
    assert_eq!(take(&mut shaping, 0, client), [(1, 1)]);

    // Where none is ready, the newcomer goes.
    let client = open(&mut shaping, |it| {
        it.capacity = 1;
        every_second(it);
    });
    for now_us in [1, 2] {
        for row in [1, 2] {
            number(&mut shaping, now_us, row, now_us as f64);
            shaping
                .take(now_us, client, u32::from(now_us == 1))
                .unwrap();
        }
    }
    shaping.tick(S + 1);
    let taken = shaping.take(S + 1, client, 9).unwrap();
    assert_eq!(given(&taken), [(1, 1)]);
}

#[test]
fn who_was_told_everything_is_owed_nothing() {
    let mut shaping = Shaping::default();
    let client = open(&mut shaping, |it| {
        every_second(it);
        it.significance = Significance::Absolute(5.0);
    });
    number(&mut shaping, 0, 1, 1.0);
    take(&mut shaping, 0, client);
    number(&mut shaping, 1, 1, 11.0);
    number(&mut shaping, 1, 2, 1.0);
    shaping.mark_synchronized(client).unwrap();
    assert_eq!(take(&mut shaping, 1, client), []);
    assert_eq!(shaping.deadline_us(), None);
    // 11 is the baseline, and the interval runs on.
    assert_eq!(number(&mut shaping, 2, 1, 15.0), []);
    assert_eq!(shaping.deadline_us(), None);
    number(&mut shaping, 2, 1, 16.0);
    assert_eq!(shaping.deadline_us(), Some(S));
    shaping.flush(3);
    assert_eq!(shaping.poll_ready(), [client]);
    assert_eq!(take(&mut shaping, 3, client), [(1, 1)]);
}

#[test]
fn what_is_out_of_range_is_refused_and_changes_nothing() {
    let mut shaping = Shaping::default();
    let sound = ProfileSettings::default();
    for (said, settings) in [
        (
            "capacity",
            ProfileSettings {
                capacity: 0,
                ..sound
            },
        ),
        (
            "capacity",
            ProfileSettings {
                capacity: 1_000_001,
                ..sound
            },
        ),
        (
            "interval",
            ProfileSettings {
                interval_us: -1,
                ..sound
            },
        ),
        (
            "max-stale",
            ProfileSettings {
                max_stale_us: Some(0),
                ..sound
            },
        ),
        (
            "absolute",
            ProfileSettings {
                significance: Significance::Absolute(-0.1),
                ..sound
            },
        ),
        (
            "percentage",
            ProfileSettings {
                significance: Significance::Percentage(f64::NAN),
                ..sound
            },
        ),
    ] {
        match shaping.open(&settings, Scope::All) {
            Err(Error::InvalidArgument(text)) => assert!(text.starts_with(said), "{text}"),
            other => panic!("{said}: {other:?}"),
        }
    }
    for _ in 0..MOST_CLIENTS {
        shaping.open(&sound, Scope::All).unwrap();
    }
    let refused = shaping.open(&sound, Scope::All);
    assert!(matches!(refused, Err(Error::TooLarge(_))));
    assert!(matches!(
        shaping.follow(0, &[1]),
        Err(Error::InvalidArgument(_))
    ));
    assert_eq!(shaping.close(1_000), Err(Error::UnknownHandle(1_000)));
    assert_eq!(shaping.take(0, 1_000, 1), Err(Error::UnknownHandle(1_000)));
    let changes = Changes {
        rows: &[1, 2],
        numbers: &[1.0, 2.0],
        states: &[1],
        attributes: &[0, 0],
    };
    match shaping.offer(0, &changes) {
        Err(Error::InvalidArgument(text)) => {
            assert_eq!(text, "states must be as many as rows, which are 2, not 1");
        }
        other => panic!("{other:?}"),
    }
    let changes = Changes {
        rows: &[1, MOST_ROWS],
        numbers: &[1.0, 2.0],
        states: &[1, 2],
        attributes: &[0, 0],
    };
    assert!(matches!(
        shaping.offer(0, &changes),
        Err(Error::TooLarge(_))
    ));
    assert_eq!(shaping.totals().1, Totals::default());
}
