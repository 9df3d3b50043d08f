//! From the parameters of a read to a query of the mirror.
//!
//! | parameter | meaning |
//! |---|---|
//! | `fields=state,attributes.unit` | only these members; may be repeated |
//! | `expand=area,device` | what belongs to each row, under `expanded` |
//! | `domain=light` | the part of an identifier before the dot |
//! | `glob=sensor.*_power` | a pattern over whole identifiers |
//! | `area=`, `floor=`, `device=`, `label=` | what belongs to it, by Home Assistant's rules for targets |
//! | `since=CURSOR` | only what changed since an earlier answer |
//! | `limit=100`, `after=ID` | a page: at most so many rows, behind this one |
//!
//! Parameters of one name are alternatives, different ones must all hold.

use weirhouse_hass::{Class, Group};

use super::problem::Problem;
use super::query::Query as Parameters;
use crate::mirror::{
    Cursor, Expansion, Fields, Glob, Patterns, Query, QueryError, Selection, Source,
};

/// Most values of one parameter; more rows than that are a domain, or all.
const MOST_VALUES: usize = 1000;

/// Most patterns: each is tried on every name.
const MOST_GLOBS: usize = 16;

/// Most rows of a page.
pub(super) const MOST_ROWS: usize = 100_000;

/// Parameters that choose among groups.
const GROUPS: [(&str, Group); 4] = [
    ("area", Group::Area),
    ("floor", Group::Floor),
    ("device", Group::Device),
    ("label", Group::Label),
];

/// Parameters that choose among entities.
pub(super) const OF_ENTITIES: [&str; 7] = [
    "entity", "domain", "glob", "area", "floor", "device", "label",
];

/// Parameters that every list takes.
const OF_LISTS: [&str; 5] = ["fields", "expand", "since", "limit", "after"];

/// Parameters that every single row takes.
const OF_ROWS: [&str; 2] = ["fields", "expand"];

/// Reads the query of a list.
pub(super) fn of_list(source: Source, raw: Option<&str>) -> Result<Query, Problem> {
    let known: Vec<&str> = selectors(source).iter().copied().chain(OF_LISTS).collect();
    let parameters = Parameters::parse(raw, &known)?;
    let mut query = shape(source, &parameters)?;
    query.selection = selection(&parameters)?;
    query.since = since(&parameters)?;
    query.after = parameters.one("after")?.map(str::to_owned);
    query.limit = parameters.one("limit")?.map(limit).transpose()?;
    if query.since.is_some() && query.after.is_some() {
        return Err(Problem::invalid(
            "`since` and `after` do not go together: the pages of a change list are told apart by their cursors",
        ));
    }
    Ok(query)
}

/// Reads what a stream is about. In `entity` identifiers, domains and patterns are alternatives.
pub(super) fn of_stream(parameters: &Parameters) -> Result<Query, Problem> {
    let mut query = shape(Source::States, parameters)?;
    query.selection = selection(parameters)?;
    let named = std::mem::take(&mut query.selection.ids);
    query.selection.patterns = Patterns::parse(named.iter().map(String::as_str))
        .map_err(|error| Problem::invalid(format!("entity: {error}")))?;
    query.since = since(parameters)?;
    Ok(query)
}

/// Which rows are asked for.
pub(super) fn selection(parameters: &Parameters) -> Result<Selection, Problem> {
    let mut selection = Selection::default();
    let ids = values(parameters, "entity")?.chain(values(parameters, "id")?);
    selection.ids = ids.map(str::to_owned).collect();
    selection.domains = values(parameters, "domain")?.map(str::to_owned).collect();
    let globs: Vec<&str> = values(parameters, "glob")?.collect();
    if globs.len() > MOST_GLOBS {
        return Err(Problem::invalid(format!(
            "there are {} patterns in `glob`, at most {MOST_GLOBS} are taken",
            globs.len()
        )));
    }
    let globs = globs.into_iter().map(Glob::parse);
    selection.globs = globs
        .collect::<Result<_, _>>()
        .map_err(|error| Problem::invalid(error.to_string()))?;
    for (name, group) in GROUPS {
        let ids: Vec<String> = values(parameters, name)?.map(str::to_owned).collect();
        if !ids.is_empty() {
            selection.groups.push((group, ids));
        }
    }
    Ok(selection)
}

/// After what changes are asked for.
pub(super) fn since(parameters: &Parameters) -> Result<Option<Cursor>, Problem> {
    let Some(cursor) = parameters.one("since")? else {
        return Ok(None);
    };
    let cursor = cursor.parse::<Cursor>();
    let cursor = cursor.map_err(|error| Problem::invalid(format!("since: {error}")))?;
    Ok(Some(cursor))
}

/// Names of all parameters with which a list of this source can be asked for.
pub(super) fn of_lists(source: Source) -> Vec<&'static str> {
    let all = selectors(source).iter().copied().chain(OF_LISTS);
    all.filter(|name| is_of_use(source, name)).collect()
}

/// Names of all parameters with which a row of this source can be asked for.
pub(super) fn of_rows(source: Source) -> Vec<&'static str> {
    let all = OF_ROWS.into_iter();
    all.filter(|name| is_of_use(source, name)).collect()
}

/// Whether a parameter has a value here that is not refused.
fn is_of_use(source: Source, name: &str) -> bool {
    name != "expand" || !source.expansions().is_empty()
}

/// Reads the query of a single row.
pub(super) fn of_one(source: Source, raw: Option<&str>) -> Result<Query, Problem> {
    shape(source, &Parameters::parse(raw, &OF_ROWS)?)
}

/// The parameters by which rows of a source can be chosen.
fn selectors(source: Source) -> &'static [&'static str] {
    match source {
        Source::States | Source::Scenes | Source::Helpers | Source::Class(Class::Entities) => {
            &OF_ENTITIES
        }
        Source::Class(Class::Devices) => &["id", "area", "floor", "label"],
        Source::Class(Class::Areas) => &["id", "floor", "label"],
        Source::Class(Class::Services) => &["id", "domain", "glob"],
        Source::Class(Class::Floors | Class::Labels | Class::ConfigEntries | Class::Helpers) => {
            &["id"]
        }
    }
}

/// What of each row is told.
fn shape(source: Source, parameters: &Parameters) -> Result<Query, Problem> {
    let fields: Vec<&str> = values(parameters, "fields")?.collect();
    let mut expand = Vec::new();
    for name in values(parameters, "expand")? {
        let possible = source.expansions();
        let Some(found) = possible.iter().find(|it| it.name() == name) else {
            let names: Vec<&str> = possible.iter().map(|it| it.name()).collect();
            return Err(Problem::invalid(if names.is_empty() {
                format!(
                    "`expand={}`: nothing can be expanded here",
                    name.escape_debug()
                )
            } else {
                format!(
                    "`expand={}` is unknown; known are {}",
                    name.escape_debug(),
                    names.join(", ")
                )
            }));
        };
        if !expand.contains(found) {
            expand.push(*found);
        }
    }
    expand.sort_unstable_by_key(|it: &Expansion| it.name());
    Ok(Query {
        fields: (!fields.is_empty()).then(|| Fields::new(fields)),
        expand,
        ..Query::of(source)
    })
}

/// The values of a parameter that may be repeated, and may hold several with commas.
pub(super) fn values<'a>(
    parameters: &'a Parameters,
    name: &'a str,
) -> Result<impl Iterator<Item = &'a str>, Problem> {
    let values: Vec<&str> = parameters
        .all(name)
        .flat_map(|value| value.split(','))
        .collect();
    if values.len() > MOST_VALUES {
        return Err(Problem::invalid(format!(
            "`{name}` has {} values, at most {MOST_VALUES} are taken; ask for a domain, or for all",
            values.len()
        )));
    }
    if values.iter().any(|value| value.is_empty()) {
        return Err(Problem::invalid(format!("`{name}` has an empty value")));
    }
    Ok(values.into_iter())
}

pub(super) fn limit(text: &str) -> Result<usize, Problem> {
    let limit = text
        .parse()
        .ok()
        .filter(|limit| (1..=MOST_ROWS).contains(limit));
    limit.ok_or_else(|| {
        Problem::invalid(format!(
            "`limit={}` is not a whole number from 1 to {MOST_ROWS}",
            text.escape_debug()
        ))
    })
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Problem::invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_a_query() {
        let query = of_list(
            Source::States,
            Some("domain=light,switch&area=hall&area=attic&label=x&fields=state,attributes.a&expand=device,area&limit=5&after=light.a"),
        )
        .unwrap();
        assert_eq!(query.selection.domains, ["light", "switch"]);
        assert_eq!(
            query.selection.groups,
            [
                (Group::Area, vec!["hall".to_owned(), "attic".to_owned()]),
                (Group::Label, vec!["x".to_owned()])
            ]
        );
        assert_eq!(query.expand, [Expansion::Area, Expansion::Device]);
        assert_eq!(
            (query.limit, query.after.as_deref()),
            (Some(5), Some("light.a"))
        );
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for (source, raw) in [
            (Source::States, "limit=0"),
            (Source::States, "limit=-1"),
            (Source::States, "limit=100001"),
            (Source::States, "limit=ten"),
            (Source::States, "limit=1&limit=2"),
            (Source::States, "since=yesterday"),
            (Source::States, "since=00000000-1&after=x"),
            (Source::States, "glob=[a]"),
            (Source::States, "domain="),
            (Source::States, "domain=a,,b"),
            (Source::States, "expand=everything"),
            (Source::States, "id=light.a"),
            (Source::States, "color=red"),
            (Source::Class(Class::Floors), "area=hall"),
            (Source::Class(Class::Services), "expand=area"),
            (Source::States, "glob=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"),
        ] {
            assert!(of_list(source, Some(raw)).is_err(), "{source:?} {raw}");
        }
        let many = vec!["x"; MOST_VALUES + 1].join(",");
        assert!(of_list(Source::States, Some(&format!("entity={many}"))).is_err());
        assert!(of_one(Source::States, Some("limit=1")).is_err());
        assert!(of_one(Source::States, Some("fields=state")).is_ok());
    }
}
