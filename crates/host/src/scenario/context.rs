//! Lines for a reader of so many tokens.

use serde::{Deserialize, Serialize};
use weirhouse_runner::wit::context::{Request, SectionBudget};

use super::micros::Micros;
use super::output::{Outcome, answer};
use super::session::Session;
use super::settings::whole;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offered {
    entity: String,
    text: String,
    section: String,
    area: Option<String>,
    #[serde(default = "middling")]
    importance: f64,
    /// How the line is written and counted.
    #[serde(default)]
    form: i64,
    /// Since `text` last changed.
    #[serde(default)]
    age: Micros,
    /// What the reader's tokenizer counts in `text`; the line waits without.
    tokens: Option<i64>,
}

fn middling() -> f64 {
    0.5
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    form: i64,
    most: i64,
    #[serde(default)]
    frame: i64,
    sections: Vec<Room>,
    #[serde(default)]
    areas: Vec<String>,
    #[serde(default)]
    keep: Vec<String>,
    half_life: Option<Micros>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Room {
    section: String,
    most: i64,
    #[serde(default)]
    heading: i64,
}

/// What `line` answers.
#[derive(Serialize)]
struct Recount {
    recount: bool,
}

/// What `context` answers.
#[derive(Serialize)]
struct Chosen<'a> {
    lines: Vec<&'a str>,
    tokens: u32,
    omitted: u32,
    uncounted: u32,
}

/// A change counts half after a quarter of an hour, where nothing else is said.
const HALF_LIFE: Micros = Micros(900_000_000);

/// Numbers for names, in order of first mention.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<String>);

impl Numbers {
    /// From 1, so that 0 can stand for nowhere.
    pub(super) fn of(&mut self, name: &str) -> u32 {
        let place = self.0.iter().position(|known| known == name);
        let place = place.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        place as u32 + 1
    }

    /// What a number stands for.
    pub(super) fn name(&self, number: u32) -> &str {
        let place = (number as usize).checked_sub(1);
        place
            .and_then(|place| self.0.get(place))
            .map_or("?", String::as_str)
    }
}

impl Session<'_> {
    pub(super) fn line(&mut self, offered: &Offered) -> Outcome {
        let form = whole("form", offered.form)?;
        let tokens = offered
            .tokens
            .map(|tokens| whole("tokens", tokens))
            .transpose()?;
        let handle = self
            .series
            .intern(&mut *self.optimizer, &offered.entity, None)?
            .entity;
        let area = offered.area.as_deref();
        let area = area.map_or(0, |area| self.areas.of(area));
        let now = self.now();
        let changed = self.optimizer.context_offer(
            now,
            form,
            &[handle],
            &[digest(&offered.text)],
            &[self.sections.of(&offered.section)],
            &[area],
            &[offered.importance],
            &[offered.age.0],
        )?;
        if let Some(tokens) = tokens {
            self.optimizer.context_count(form, &[handle], &[tokens])?;
        }
        answer(&Recount {
            recount: changed == [1],
        })
    }

    pub(super) fn context(&mut self, wanted: &Wanted) -> Outcome {
        let mut sections = Vec::new();
        for room in &wanted.sections {
            sections.push(SectionBudget {
                section: self.sections.of(&room.section),
                most: whole("most", room.most)?,
                heading: whole("heading", room.heading)?,
            });
        }
        let keep = wanted.keep.iter();
        let keep = keep.filter_map(|entity| self.series.entity(entity));
        let request = Request {
            form: whole("form", wanted.form)?,
            most: whole("most", wanted.most)?,
            frame: whole("frame", wanted.frame)?,
            sections,
            keep: keep.collect(),
            areas: wanted
                .areas
                .iter()
                .map(|area| self.areas.of(area))
                .collect(),
            half_life: wanted.half_life.unwrap_or(HALF_LIFE).0,
        };
        let now = self.now();
        let selection = self.optimizer.context_select(now, &request)?;
        let lines = selection.entities.iter();
        answer(&Chosen {
            lines: lines.map(|handle| self.series.name(*handle).0).collect(),
            tokens: selection.tokens,
            omitted: selection.omitted,
            uncounted: selection.uncounted,
        })
    }
}

/// FNV-1a with 64 bits.
pub(super) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
