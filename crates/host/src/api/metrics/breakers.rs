//! Breakers of calls that other programs make.

use super::super::exposition::Exposition;
use crate::hub::Breaker;

/// What each does, and did.
pub(super) fn breakers(text: &mut Exposition, breakers: &[Breaker]) {
    type Figure = fn(&Breaker) -> u64;
    let families: [(&str, &str, &str, Figure); 3] = [
        (
            "weirhouse_breaker_closed",
            "1 while a breaker lets all calls through, else 0.",
            "gauge",
            |it| u64::from(it.state == "closed"),
        ),
        (
            "weirhouse_breaker_opened_total",
            "How often a breaker opened.",
            "counter",
            |it| it.opened,
        ),
        (
            "weirhouse_breaker_rejected_total",
            "Calls that a breaker did not let through.",
            "counter",
            |it| it.rejected,
        ),
    ];
    for (name, help, kind, figure) in families {
        text.head(name, help, kind);
        for breaker in breakers {
            text.sample(name, &[("breaker", &breaker.name)], figure(breaker));
        }
    }
}
