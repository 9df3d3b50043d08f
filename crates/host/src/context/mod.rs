//! The home in words, within a budget of tokens: what a language model or a voice agent is shown.
//!
//! Here lines are written and their tokens counted; which lines are shown is the optimizer's choice. A text is
//! counted once more as a whole, and lines leave until it truly fits.

mod clean;
mod details;
mod format;
mod importance;
mod line;
mod lines;
mod sections;
#[cfg(test)]
mod tests;
mod tokenizer;
mod words;

pub use format::Format;
pub use lines::Known;
pub use sections::Grouping;
pub use tokenizer::Tokenizer;

use std::sync::Arc;

use crate::hub::{self, Hub, HubError, Wanted};
use crate::mirror::{Cursor, QueryError, Selection, Survey, Tag};
use format::Frame;
use line::Described;
use sections::{Section, Sections};
use tokenizer::Counter;

/// Fewest tokens that can be asked for: what stands around the lines fits into these in every format.
pub const FEWEST_TOKENS: u32 = 128;

/// Tokens where nothing else is asked for: a home of some eighty entities, at a price that suits every request.
pub const DEFAULT_TOKENS: u32 = 2_000;

/// Most tokens that can be asked for: the window of common models.
pub const MOST_TOKENS: u32 = 128_000;

/// Most entities that the words of a question bring forward.
const MOST_NAMED: usize = 100;

/// How often lines are counted again for one text whose counts were lost meanwhile.
const MOST_RECOUNTS: u32 = 3;

/// What is asked for.
#[derive(Debug, Default)]
pub struct Request {
    /// How it is written.
    pub format: Format,
    /// By whose tokens it is counted.
    pub tokenizer: Tokenizer,
    /// Most tokens of the whole text.
    pub budget: u32,
    /// What a section is.
    pub grouping: Grouping,
    /// Most tokens of single sections, by area or domain.
    pub section_budgets: Vec<(String, u32)>,
    /// Which entities.
    pub selection: Selection,
    /// Areas, nearest first.
    pub near: Vec<String>,
    /// Words that name what is to be told before all else.
    pub question: String,
    /// Only lines that changed since.
    pub since: Option<Cursor>,
}

/// The home in words.
#[derive(Debug)]
pub struct Context {
    /// The text.
    pub text: String,
    /// Its tokens; never more than were asked for.
    pub tokens: u32,
    /// Lines, and names of entities that are gone, that did not fit.
    pub omitted: u32,
    /// Lines told.
    pub lines: usize,
    /// Whether all lines were to be told, not only those that changed.
    pub full: bool,
    /// Stands for the text: equal tags, equal texts.
    pub tag: Tag,
    /// What to ask with for what changes from now on.
    pub cursor: String,
    /// When Home Assistant was last heard.
    pub as_of: Option<String>,
    /// Whether it may hold something else by now.
    pub stale: bool,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// What is asked for does not exist.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A section or an area is named that is none.
    #[error("`{parameter}` names `{name}`, which is no {what}; {hint}")]
    Unknown {
        /// Where.
        parameter: &'static str,
        /// What was named.
        name: String,
        /// What it should have been.
        what: &'static str,
        /// What there is.
        hint: &'static str,
    },
    /// What stands around the lines is more than was asked for.
    #[error(
        "{budget} tokens are too few: what stands around the lines takes more; ask for at least {FEWEST_TOKENS}"
    )]
    TooFew {
        /// What was asked for.
        budget: u32,
    },
    /// The optimizer did not answer.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// Writes the context. It takes milliseconds, and a tenth of a second where a tokenizer is used for the first time.
pub fn compose(
    hub: &Arc<Hub>,
    known: &mut Known,
    request: Request,
) -> Result<Context, ContextError> {
    let counter = request.tokenizer.load();
    let replica = hub.replica();
    let survey = replica.survey(request.selection, request.since)?;
    let described = known.describe(&survey, replica.entity_count());
    let sections = Sections::of(
        request.grouping,
        &survey,
        &described,
        &request.near,
        &request.section_budgets,
    )?;
    let draft = Draft {
        format: request.format,
        counter,
        budget: request.budget,
        survey: &survey,
        described: &described,
        sections: &sections,
    };
    let asked = words::named(
        &request.question,
        described.iter().map(|(_, it)| it.called.as_str()),
        MOST_NAMED,
    );
    let form = form_of(request.format, request.tokenizer);
    let (text, tokens, omitted, lines) = draft.fit(hub, form, &asked)?;
    Ok(Context {
        tag: replica.tag_of(text.as_bytes()),
        text,
        tokens,
        omitted,
        lines,
        full: survey.known.is_none(),
        as_of: survey.as_of.map(|as_of| as_of.to_string()),
        stale: survey.stale,
        cursor: survey.cursor,
    })
}

/// The number under which the optimizer keeps the tokens of lines.
fn form_of(format: Format, tokenizer: Tokenizer) -> u32 {
    let place = |found: Option<usize>| found.unwrap_or_default() as u32;
    let format = place(Format::ALL.iter().position(|it| *it == format));
    let tokenizer = place(Tokenizer::ALL.iter().position(|it| *it == tokenizer));
    format * Tokenizer::ALL.len() as u32 + tokenizer
}

/// A text in the making.
struct Draft<'a> {
    format: Format,
    counter: Counter,
    budget: u32,
    survey: &'a Survey,
    /// The lines, each with its place in the survey.
    described: &'a [(usize, Arc<Described>)],
    sections: &'a Sections,
}

impl Draft<'_> {
    /// The text, its tokens, what was omitted, and how many lines it has.
    fn fit(
        &self,
        hub: &Hub,
        form: u32,
        asked: &[usize],
    ) -> Result<(String, u32, u32, usize), ContextError> {
        let lines = self.lines(form);
        let mut counts = self.counts(hub, &lines)?;
        let mut counted_again = 0;
        let removed = self.removed();
        let untold = (self.survey.removed.len() - removed.len()) as u32;
        let frame = self.counter.count(&self.write(&[], removed, untold));
        if frame > self.budget {
            return Err(ContextError::TooFew {
                budget: self.budget,
            });
        }
        let heading = |section: &Section| {
            let text = self.format.heading(&section.id, &section.name) + self.format.closing();
            self.counter.count(&text)
        };
        let all = self.sections.all.iter();
        let mut wanted = Wanted {
            most: self.budget,
            frame,
            sections: all
                .map(|it| (it.most.min(self.budget), heading(it)))
                .collect(),
            near: self.sections.near.clone(),
            keep: asked.iter().map(|place| *place as u32).collect(),
        };
        loop {
            let chosen = hub.choose_lines(&lines, &counts, &wanted)?;
            // The optimizer was started anew, or forgot entities, since they were counted.
            if chosen.uncounted > 0 && counted_again < MOST_RECOUNTS {
                counted_again += 1;
                counts = self.counts(hub, &lines)?;
                continue;
            }
            let omitted = chosen.omitted + chosen.uncounted + untold;
            let text = self.write(&chosen.lines, removed, omitted);
            let tokens = self.counter.count(&text);
            let over_in_sections = self.tighten(&chosen.lines, &mut wanted);
            if tokens <= self.budget && !over_in_sections {
                return Ok((text, tokens, omitted, chosen.lines.len()));
            }
            if chosen.lines.is_empty() {
                return Err(ContextError::TooFew {
                    budget: self.budget,
                });
            }
            // Lines do not always add up to the text. Less is asked for than was chosen now, so this ends.
            let over = tokens.saturating_sub(self.budget);
            if over > 0 {
                let least = chosen.tokens.min(wanted.most).saturating_sub(over);
                wanted.most = least.max(frame);
            }
        }
    }

    /// The lines as the optimizer is told of them.
    fn lines(&self, form: u32) -> hub::Lines<'_> {
        let described = || self.described.iter().map(|(_, described)| described);
        let rows = self.described.iter();
        let rows = rows.filter_map(|(place, _)| self.survey.entities.get(*place));
        hub::Lines {
            form,
            entities: rows.map(|row| row.entity_id.as_str()).collect(),
            digests: described().map(|it| it.digest).collect(),
            sections: self.sections.of_lines.clone(),
            areas: self.sections.areas_of_lines.clone(),
            importance: described().map(|it| it.importance).collect(),
        }
    }

    /// Counts the lines whose tokens are not known.
    fn counts(&self, hub: &Hub, lines: &hub::Lines<'_>) -> Result<Vec<(usize, u32)>, HubError> {
        let changed = hub.offer_lines(lines)?;
        let uncounted = self.described.iter().zip(changed).enumerate();
        let uncounted = uncounted.filter(|(_, (_, changed))| *changed);
        Ok(uncounted
            .map(|(place, ((_, it), _))| (place, self.counter.count(&self.format.line(&it.line))))
            .collect())
    }

    /// As many entities that are gone as fit into a quarter of the budget.
    fn removed(&self) -> &[String] {
        let mut removed = self.survey.removed.as_slice();
        while !removed.is_empty() {
            let text = self.format.ending(removed, 0);
            let tokens = self.counter.count(&text);
            if tokens <= self.budget / 4 {
                break;
            }
            let fewer = removed.len() * (self.budget / 4) as usize / tokens as usize;
            removed = removed
                .get(..fewer.min(removed.len() - 1))
                .unwrap_or_default();
        }
        removed
    }

    /// Holds the sections of a choice against their budgets, and asks for less of those that are over.
    fn tighten(&self, chosen: &[usize], wanted: &mut Wanted) -> bool {
        let mut over_any = false;
        for (number, lines) in self.grouped(chosen) {
            let Some(section) = self.sections.all.get(number) else {
                continue;
            };
            if section.most >= self.budget {
                continue;
            }
            let mut text = String::new();
            self.write_section(&mut text, section, &lines);
            let over = self.counter.count(&text).saturating_sub(section.most);
            if over > 0
                && let Some((most, _)) = wanted.sections.get_mut(number)
            {
                *most = most.saturating_sub(over);
                over_any = true;
            }
        }
        over_any
    }

    /// Lines by section, in the order of the text.
    fn grouped(&self, chosen: &[usize]) -> Vec<(usize, Vec<usize>)> {
        let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
        for line in chosen {
            let section = self.sections.of_lines.get(*line);
            let section = section.map_or(0, |section| *section as usize);
            match groups.last_mut() {
                Some((last, lines)) if *last == section => lines.push(*line),
                _ => groups.push((section, vec![*line])),
            }
        }
        groups
    }

    /// The whole text with these lines.
    fn write(&self, chosen: &[usize], removed: &[String], omitted: u32) -> String {
        let as_of = self.survey.as_of.map(|as_of| as_of.to_string());
        let mut text = self.format.opening(&Frame {
            as_of: as_of.as_deref(),
            stale: self.survey.stale,
            full: self.survey.known.is_none(),
            cursor: &self.survey.cursor,
        });
        for (number, lines) in self.grouped(chosen) {
            if let Some(section) = self.sections.all.get(number) {
                self.write_section(&mut text, section, &lines);
            }
        }
        if self.format == Format::Json {
            format::end_list(&mut text);
        }
        text + &self.format.ending(removed, omitted)
    }

    fn write_section(&self, text: &mut String, section: &Section, lines: &[usize]) {
        text.push_str(&self.format.heading(&section.id, &section.name));
        for line in lines {
            if let Some((_, described)) = self.described.get(*line) {
                text.push_str(&self.format.line(&described.line));
            }
        }
        if self.format == Format::Json {
            format::end_list(text);
        }
        text.push_str(self.format.closing());
    }
}
