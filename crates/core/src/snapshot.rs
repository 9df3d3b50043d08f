//! What outlives an instance, as versioned bytes.
//!
//! A snapshot is `WHS`, one byte of format version, and then sections, each a
//! number ([`Tag`]), a length and that many bytes of postcard; a zero ends the
//! list, so that a snapshot cut short is told from a whole one. Every part that
//! learns writes its own section and reads it back ([`Section`]); this module
//! knows none of their contents. A section of an unknown number is skipped, so
//! that an older optimizer reads what a newer one wrote; a section that is
//! damaged refuses the whole snapshot.
//!
//! Bytes are not trusted. Reading takes memory in proportion to their number,
//! whatever lengths and handles they claim, and everything is checked before anything is
//! loaded. There is no checksum here: the store that keeps the bytes has one.

mod version_1;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entities::Entities;
use crate::{Error, Now};

const MAGIC: [u8; 3] = *b"WHS";
const VERSION: u8 = 2;

/// Stands where the number of a further section would.
const END: u8 = 0;

/// What a restore brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The format version of the bytes.
    pub version: u32,
    /// Series with their numbers.
    pub series: u32,
    /// Keys that were hot.
    pub hot: u32,
}

/// The number of a section. One that was ever written keeps its meaning: what
/// is carried no longer leaves a gap, and a content that changes its form takes
/// a new number ([`Section::FORMER`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub(crate) enum Tag {
    /// Baselines and newest readings.
    Baselines = 2,
    /// Keys that were hot.
    HotKeys = 3,
    /// What `Schedule` holds, with the number of the day in which calls were
    /// spent; read, and written no more.
    NumberedDays = 4,
    /// What was learned of the noise of series.
    NoiseFloors = 5,
    /// What centred rules learned of series.
    Placements = 6,
    /// Removals that the store may not have made durable.
    Removals = 7,
    /// Series and their numbers, in the order of these.
    Series = 8,
    /// How long ago baselines were published.
    Ages = 9,
    /// Change rates of what is refreshed, and calls spent with the date at which
    /// their day ends.
    Schedule = 10,
}

/// A form that a content had under another number, still read where the present
/// one is missing.
pub(crate) struct Former<Content> {
    pub(crate) tag: Tag,
    pub(crate) decode: Decode<Content>,
}

/// Gives a content and the bytes after it.
type Decode<Content> = fn(&[u8]) -> postcard::Result<(Content, &[u8])>;

/// A part of the optimizer that is carried over a restart.
///
/// Restoring first decodes and checks every section and only then loads them,
/// so that a refusal changes nothing.
pub(crate) trait Section {
    /// The number of its section.
    const TAG: Tag;

    /// What its section holds. Series are named by their handles; moments are
    /// told as lengths of time before or after the snapshot.
    type Content: Serialize + DeserializeOwned;

    /// The number and form of its section before it took the present ones.
    const FORMER: Option<Former<Self::Content>> = None;

    /// What is carried over.
    fn save(&self, now: Now) -> Self::Content;

    /// Refuses in a few words what [`Section::save`] could not have given.
    /// `entities` are those of the snapshot.
    fn verify(content: &Self::Content, entities: &Entities) -> Result<(), &'static str>;

    /// Takes over what was checked. The series exist by now; settings that were
    /// told before stay.
    fn load(&mut self, now: Now, content: Self::Content);
}

/// A snapshot being written.
pub(crate) struct Writer {
    now: Now,
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(now: Now) -> Self {
        let mut bytes = Vec::from(MAGIC);
        bytes.push(VERSION);
        Self { now, bytes }
    }

    /// Adds the section of one part.
    pub(crate) fn put<Part: Section>(&mut self, part: &Part) {
        push_section(&mut self.bytes, Part::TAG, &part.save(self.now));
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        self.bytes
    }
}

fn push_section(bytes: &mut Vec<u8>, tag: Tag, content: &impl Serialize) {
    // Encoding into a growing vector fails for no value of these types.
    let content = postcard::to_allocvec(content).unwrap_or_default();
    let head = (tag as u32, content.len() as u64);
    bytes.extend(postcard::to_allocvec(&head).unwrap_or_default());
    bytes.extend(content);
}

/// The sections of a snapshot, by number.
#[derive(Debug)]
pub(crate) struct Sections {
    version: u8,
    contents: BTreeMap<u32, Vec<u8>>,
}

impl Sections {
    /// Divides a snapshot of any accepted version into its sections.
    pub(crate) fn divide(bytes: &[u8]) -> Result<Self, Error> {
        let Some((&version, body)) = bytes
            .strip_prefix(&MAGIC)
            .and_then(|rest| rest.split_first())
        else {
            return Err(Error::Incompatible(
                "these bytes are no snapshot of the optimizer".into(),
            ));
        };
        let contents = match version {
            version_1::VERSION => divide(&version_1::into_sections(body)?)?,
            VERSION => divide(body)?,
            other => {
                return Err(Error::Incompatible(format!(
                    "the snapshot has format version {other}; this optimizer reads versions {} to {VERSION}",
                    version_1::VERSION
                )));
            }
        };
        Ok(Self { version, contents })
    }

    /// The format version of the bytes.
    pub(crate) fn version(&self) -> u32 {
        u32::from(self.version)
    }

    /// Decodes and checks the section of one part; `None` if there is none.
    pub(crate) fn read<Part: Section>(
        &self,
        entities: &Entities,
    ) -> Result<Option<Part::Content>, Error> {
        let present = Former {
            tag: Part::TAG,
            decode: |bytes| postcard::take_from_bytes(bytes),
        };
        let written = [Some(present), Part::FORMER].into_iter().flatten();
        let mut found = written.filter_map(|form: Former<Part::Content>| {
            Some((self.contents.get(&(form.tag as u32))?, form))
        });
        let Some((bytes, Former { tag, decode })) = found.next() else {
            return Ok(None);
        };
        let content = match decode(bytes) {
            Ok((content, [])) => content,
            Ok(_) => return Err(damaged(tag, "it is longer than its content")),
            Err(error) => return Err(damaged(tag, error)),
        };
        Part::verify(&content, entities).map_err(|what| damaged(tag, what))?;
        Ok(Some(content))
    }
}

fn divide(mut body: &[u8]) -> Result<BTreeMap<u32, Vec<u8>>, Error> {
    let cut = || Error::Incompatible("the snapshot is damaged or cut short".into());
    let mut contents = BTreeMap::new();
    while body != [END] {
        let ((tag, length), rest) =
            postcard::take_from_bytes::<(u32, u64)>(body).map_err(|_| cut())?;
        let length = usize::try_from(length).map_err(|_| cut())?;
        let (content, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        if tag == u32::from(END) {
            return Err(cut());
        }
        if contents.insert(tag, content.to_vec()).is_some() {
            return Err(Error::Incompatible(format!(
                "the snapshot is damaged: section {tag} occurs twice"
            )));
        }
        body = rest;
    }
    Ok(contents)
}

fn damaged(tag: Tag, what: impl core::fmt::Display) -> Error {
    Error::Incompatible(format!(
        "the snapshot is damaged in its section {} ({tag:?}): {what}",
        tag as u32
    ))
}

#[cfg(test)]
mod tests;
