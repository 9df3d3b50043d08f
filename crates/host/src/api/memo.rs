//! Large answers kept for the next caller who asks the same of the same home.
//!
//! A dashboard on every wall asks for everything at once, and packing a home costs far more than finding that it has
//! not changed. Small answers are composed as quickly as they are found here.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;

use crate::mirror::Tag;

/// Answers kept.
const MOST: usize = 8;

/// Bytes kept, all answers together.
const MOST_BYTES: usize = 8 << 20;

/// From this on an answer is worth keeping.
const SMALLEST_BYTES: usize = 16 << 10;

/// For so long an answer is kept. It bounds how far `as_of` in an answer lags behind, which no tag covers.
const LIFE: Duration = Duration::from_secs(1);

/// Answers by what was asked.
#[derive(Debug, Default)]
pub(super) struct Memo(Mutex<VecDeque<Kept>>);

#[derive(Debug)]
struct Kept {
    asked: String,
    tag: Tag,
    until: Instant,
    answer: Answer,
}

/// An answer in the forms in which it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// As it is.
    pub(super) plain: Bytes,
    /// Packed, if anyone asked for that.
    pub(super) packed: Option<Bytes>,
}

impl Memo {
    /// The answer to this, if it is still the right one.
    pub(super) fn get(&self, asked: &str, tag: Tag, now: Instant) -> Option<Answer> {
        let kept = self.lock();
        let found = kept.iter().find(|kept| kept.asked == asked)?;
        (found.tag == tag && now < found.until).then(|| found.answer.clone())
    }

    /// Keeps an answer in place of an earlier one to the same question. One that is packed later keeps its life.
    pub(super) fn put(&self, asked: &str, tag: Tag, answer: &Answer, now: Instant) {
        if answer.plain.len() < SMALLEST_BYTES {
            return;
        }
        let mut kept = self.lock();
        let earlier = kept.iter().position(|kept| kept.asked == asked);
        let earlier = earlier.and_then(|at| kept.remove(at));
        let until = earlier
            .filter(|earlier| earlier.tag == tag && now < earlier.until)
            .map_or(now + LIFE, |earlier| earlier.until);
        kept.retain(|kept| now < kept.until);
        kept.push_back(Kept {
            asked: asked.to_owned(),
            tag,
            until,
            answer: answer.clone(),
        });
        while kept.len() > MOST || bytes(&kept) > MOST_BYTES {
            kept.pop_front();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(kept: &VecDeque<Kept>) -> usize {
    let of = |answer: &Answer| answer.plain.len() + answer.packed.as_ref().map_or(0, Bytes::len);
    kept.iter().map(|kept| of(&kept.answer)).sum()
}
