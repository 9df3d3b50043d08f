//! `/v1/readings`: readings that programs report, of entities that Home
//! Assistant does not have.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use weirhouse_hass::{Attributes, Timestamp};

use super::Shared;
use super::openapi::Problems;
use super::problem::{Kind, Problem};
use super::query::Query;
use crate::config::is_entity_id;
use crate::hub::{Judgement, Report, ReportedEntity};

/// Most readings in one request.
const MOST_READINGS: usize = 1_000;

/// Most characters of a state, as in Home Assistant.
const MOST_OF_STATE: usize = 255;

/// Most attributes of an entity, each of which is judged once it changes, and
/// most bytes of all of them. Entities of Home Assistant seldom have half as many.
const MOST_ATTRIBUTES: usize = 32;
const MOST_OF_ATTRIBUTES: usize = 4 << 10;

/// Most bytes of an identifier: longer ones Home Assistant does not take.
const MOST_OF_ID: usize = 255;

/// What is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Readings)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    /// The readings, in the order in which they were made.
    #[schema(max_items = 1000)]
    readings: Vec<Reading>,
}

/// One reading of one entity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reading {
    /// An identifier such as `sensor.heat_pump_flow`, of an entity that Home
    /// Assistant does not have
    #[schema(pattern = r"^[a-z0-9_]+\.[a-z0-9_]+$", max_length = 255)]
    entity: String,
    #[schema(schema_with = value)]
    value: Box<RawValue>,
    #[schema(schema_with = attributes, required = false)]
    attributes: Option<Box<RawValue>>,
    /// When it was made, in seconds since 1970-01-01T00:00Z; at most a minute
    /// ahead of the clock here. One that is older than the newest of its entity
    /// is late, and changes nothing. Where this is not said, readings count in
    /// the order in which they come
    #[schema(minimum = 0)]
    time: Option<f64>,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Judgements)]
pub(super) struct Answer {
    /// One for each reading, in the same order.
    readings: Vec<Judgement>,
}

/// What is reported.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportedEntities)]
pub(super) struct List {
    /// The entities, by name.
    readings: Vec<ReportedEntity>,
}

/// Judges readings by the rules of the home, and publishes those that matter:
/// they leave in batches, as events `update` of `/v1/stream`.
#[utoipa::path(
    post,
    path = "/v1/readings",
    tag = "Report",
    request_body(content = Sent, description = "`{\"readings\": [{\"entity\": \"sensor.flow\", \"value\": 21.5}]}`"),
    responses((status = 200, description = "What became of each", body = Answer))
)]
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    sent: Result<Json<Sent>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let Json(Sent { readings }) = sent?;
    if readings.len() > MOST_READINGS {
        let detail = format!(
            "there are {} readings, at most {MOST_READINGS} are taken at once",
            readings.len()
        );
        return Err(Problem::new(Kind::TooLarge, detail));
    }
    let reports = (1..)
        .zip(readings)
        .map(|(number, reading)| reading.into_report(number));
    let reports = reports.collect::<Result<Vec<Report>, Problem>>()?;
    Ok(Json(Answer {
        readings: shared.hub.report(reports),
    }))
}

/// What programs report: of each entity the newest reading, and what was
/// published of it.
#[utoipa::path(
    get,
    path = "/v1/readings",
    tag = "Report",
    responses((status = 200, description = "The entities, by name", body = List))
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Json<List>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(List {
        readings: shared.hub.reported(),
    }))
}

/// Forgets an entity that was reported, and tells streams that it is gone.
#[utoipa::path(
    delete,
    path = "/v1/readings/{entity}",
    tag = "Report",
    params(("entity" = String, Path, description = "Its identifier")),
    responses((status = 204, description = "It is forgotten"), Problems<404>)
)]
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let Path(entity) = path?;
    if shared.hub.withdraw(&entity) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::new(
        Kind::UnknownEntity,
        format!("nobody reports {entity}; `GET /v1/readings` lists what is reported"),
    ))
}

impl Reading {
    /// `number` is its place in the request, counted from 1.
    fn into_report(self, number: usize) -> Result<Report, Problem> {
        let wrong =
            |what: &str| Problem::invalid(format!("reading {number}, {:?}: {what}", self.entity));
        if self.entity.len() > MOST_OF_ID || !is_entity_id(&self.entity) {
            return Err(wrong(
                "`entity` must be an entity id, such as \"sensor.heat_pump_flow\"",
            ));
        }
        let state = state_of(self.value.get()).ok_or_else(|| {
            wrong("`value` must be a number, a text of 1 to 255 characters, true, false or null")
        })?;
        let attributes = match &self.attributes {
            None => None,
            Some(json) if json.get().len() > MOST_OF_ATTRIBUTES => {
                return Err(wrong("`attributes` have more than 4 KiB"));
            }
            Some(json) => {
                let read: Option<Attributes> = serde_json::from_str(json.get()).ok();
                let read = read.filter(|read| read.len() <= MOST_ATTRIBUTES);
                let refused = || wrong("`attributes` must be an object with at most 32 members");
                Some(read.ok_or_else(refused)?)
            }
        };
        if self.time.is_some_and(|time| time < 0.0) {
            return Err(wrong(
                "`time` must be a number of seconds since 1970, such as 1795420800.5",
            ));
        }
        Ok(Report {
            entity_id: self.entity,
            state,
            attributes,
            time: self.time.map(Timestamp::from_unix_seconds),
        })
    }
}

/// What attributes may be.
fn attributes() -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .max_properties(Some(MOST_ATTRIBUTES))
        .description(Some(
            "All attributes, such as `device_class`, `unit_of_measurement` and `state_class`, from which a rule may follow; those it had where this is not said",
        ))
        .into()
}

/// What a value may be.
fn value() -> Schema {
    let types = [Type::Number, Type::String, Type::Boolean, Type::Null];
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter(types))
        .min_length(Some(1))
        .max_length(Some(MOST_OF_STATE))
        .description(Some("`null` is what is not known"))
        .into()
}

/// The state that a value stands for; numbers as they were written.
fn state_of(json: &str) -> Option<String> {
    let state = match json.bytes().next()? {
        b'"' => serde_json::from_str(json).ok()?,
        b'{' | b'[' => return None,
        b'n' => "unknown".to_owned(),
        _ => json.to_owned(),
    };
    (1..=MOST_OF_STATE)
        .contains(&state.chars().count())
        .then_some(state)
}
