//! The parts of a text: one for each area, or for each domain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ContextError;
use super::line::{Described, Row};
use crate::mirror::{Survey, Surveyed};

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// An area; what stands in none is in the last section, `none`.
    #[default]
    Area,
    /// A domain.
    Domain,
}

impl Grouping {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Area, Self::Domain];

    /// Its name in a query.
    pub fn name(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::Domain => "domain",
        }
    }
}

/// Under which entities stand that are in no area.
const NOWHERE: &str = "none";

/// Most sections; what belongs to later ones stands in the last.
const MOST: usize = 1_000;

/// One section.
#[derive(Debug, Clone)]
pub(super) struct Section {
    /// An area's identifier, `none`, or a domain.
    pub(super) id: String,
    pub(super) name: String,
    /// Most tokens of its heading and lines.
    pub(super) most: u32,
}

/// All of them, and which line belongs where.
#[derive(Debug, Default)]
pub(super) struct Sections {
    /// In the order of the text.
    pub(super) all: Vec<Section>,
    /// The section of each line.
    pub(super) of_lines: Vec<u32>,
    /// The area of each line, by number; 0 is nowhere.
    pub(super) areas_of_lines: Vec<u32>,
    /// Areas by number, nearest first.
    pub(super) near: Vec<u32>,
}

impl Sections {
    /// Finds the sections of lines. Near areas come first, then by name, what stands in no area last.
    pub(super) fn of(
        grouping: Grouping,
        survey: &Survey,
        described: &[(usize, Arc<Described>)],
        near: &[String],
        budgets: &[(String, u32)],
    ) -> Result<Self, ContextError> {
        let areas: BTreeMap<&str, u32> = survey.areas.keys().map(String::as_str).zip(1..).collect();
        check_areas("near", near.iter(), &areas)?;
        if grouping == Grouping::Area {
            let named = budgets.iter().map(|(name, _)| name);
            check_areas("section", named.filter(|name| *name != NOWHERE), &areas)?;
        } else {
            check_domains(budgets, survey)?;
        }
        let rows: Vec<&Surveyed> = described
            .iter()
            .filter_map(|(place, _)| survey.entities.get(*place))
            .collect();
        let id_of = |row: &Surveyed| match grouping {
            Grouping::Area => row.area.clone().unwrap_or_else(|| NOWHERE.to_owned()),
            Grouping::Domain => {
                let domain = row.entity_id.split_once('.');
                domain.map_or(row.entity_id.clone(), |(domain, _)| domain.to_owned())
            }
        };
        let mut named: BTreeSet<(usize, String, String)> = BTreeSet::new();
        for row in &rows {
            let id = id_of(row);
            let (rank, name) = match grouping {
                Grouping::Area if id == NOWHERE => (usize::MAX, "Elsewhere".to_owned()),
                Grouping::Area => {
                    let rank = near.iter().position(|near| *near == id);
                    let name = Row::of(survey.areas.get(&id)).name();
                    let name = if name.is_empty() { id.clone() } else { name };
                    (rank.unwrap_or(near.len()), name)
                }
                Grouping::Domain => (0, id.clone()),
            };
            named.insert((rank, name, id));
        }
        let most = |id: &str| {
            let own = budgets.iter().find(|(name, _)| name == id);
            own.map_or(u32::MAX, |(_, most)| *most)
        };
        let all: Vec<Section> = named
            .into_iter()
            .take(MOST)
            .map(|(_, name, id)| Section {
                most: most(&id),
                id,
                name,
            })
            .collect();
        let numbers: BTreeMap<&str, u32> = all.iter().map(|it| it.id.as_str()).zip(0..).collect();
        let last = all.len().saturating_sub(1) as u32;
        let section = |row: &&Surveyed| numbers.get(id_of(row).as_str()).copied().unwrap_or(last);
        let number = |area: &str| areas.get(area).copied().unwrap_or_default();
        Ok(Self {
            of_lines: rows.iter().map(section).collect(),
            areas_of_lines: rows
                .iter()
                .map(|row| row.area.as_deref().map_or(0, number))
                .collect(),
            near: near.iter().map(|area| number(area)).collect(),
            all,
        })
    }
}

/// Refuses areas where domains are meant. Any other name may be a domain that has no entities today.
fn check_domains(budgets: &[(String, u32)], survey: &Survey) -> Result<(), ContextError> {
    let is_domain = |name: &str| {
        let mut ids = survey.entities.iter().map(|it| it.entity_id.as_str());
        ids.any(|id| id.split_once('.').is_some_and(|(domain, _)| domain == name))
    };
    let mut names = budgets.iter().map(|(name, _)| name);
    match names.find(|name| survey.areas.contains_key(*name) && !is_domain(name)) {
        None => Ok(()),
        Some(name) => Err(ContextError::Unknown {
            parameter: "section",
            name: name.escape_debug().to_string(),
            what: "domain",
            hint: "it is an area, so leave out `by=domain`, or name a domain such as `light`",
        }),
    }
}

/// Refuses names of areas there are not; while no areas are known, none is refused.
fn check_areas<'a>(
    parameter: &'static str,
    mut names: impl Iterator<Item = &'a String>,
    areas: &BTreeMap<&str, u32>,
) -> Result<(), ContextError> {
    if areas.is_empty() {
        return Ok(());
    }
    match names.find(|name| !areas.contains_key(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(ContextError::Unknown {
            parameter,
            name: name.escape_debug().to_string(),
            what: "area",
            hint: "GET /v1/areas lists those there are",
        }),
    }
}
