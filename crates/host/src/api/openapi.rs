//! The description of the API (OpenAPI 3.1), made from the routes themselves.
//!
//! Handlers describe their parameters and answers; here stands what they have
//! in common: who may call them, and how they refuse.

use axum::http::StatusCode;
use serde_json::json;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    PathItem, Paths, Ref, RefOr, Required, ResponseBuilder,
};

use utoipa::{PartialSchema, ToSchema};

use super::problem::{Kind, MEDIA_TYPE};
use crate::access::Scope;

/// Name of the security scheme.
const TOKEN: &str = "token";

/// Name of the schema of problem documents.
const PROBLEM: &str = "Problem";

/// What every route may answer, whatever it is asked.
const ALWAYS: [Kind; 4] = [
    Kind::InvalidArgument,
    Kind::TooLarge,
    Kind::Misdirected,
    Kind::HeadersTooLarge,
];

/// What every route behind a token may answer, besides.
const BEHIND_TOKEN: [Kind; 7] = [
    Kind::Unauthorized,
    Kind::Forbidden,
    Kind::Timeout,
    Kind::RateLimited,
    Kind::Unsupported,
    Kind::Internal,
    Kind::EngineRestarted,
];

/// A description without routes.
pub(super) fn empty() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Weirhouse")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(INTRODUCTION))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ))
        .build();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token of `weirhouse token create`, or the owner's in the file `token` of the data folder.",
        ))
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme(TOKEN, SecurityScheme::Http(token))
        .schema(PROBLEM, problem())
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}

const INTRODUCTION: &str = "States of a home, a stream of significant updates, and a two-level cache.\n\n\
Every error is a problem document (RFC 9457): programs match on its `type`, people read its `detail`. \
Every answer carries `X-Request-Id`, which is the one that was sent if that is 1 to 128 letters, digits and `-_.:`. \
Lines of the log that are written for the request name it, and so does the first event of a shaped stream that it opened.";

/// Adds routes that need no token.
pub(super) fn add_open(whole: &mut OpenApi, mut part: OpenApi) {
    for operation in operations(&mut part.paths) {
        refuse(operation, &ALWAYS);
        identify(operation);
    }
    add(whole, part);
}

/// Adds routes for tokens of this scope, or for all tokens.
pub(super) fn add_protected(whole: &mut OpenApi, mut part: OpenApi, scope: Option<Scope>) {
    for operation in operations(&mut part.paths) {
        refuse(operation, &ALWAYS);
        refuse(operation, &BEHIND_TOKEN);
        if operation.request_body.is_some() {
            refuse(operation, &[Kind::UnsupportedMediaType]);
        }
        // No bytes are bytes, too.
        if let Some(RefOr::T(body)) = &mut operation.request_body
            && body.content.contains_key("application/octet-stream")
        {
            body.required = Some(Required::False);
        }
        identify(operation);
        operation.security = Some(vec![SecurityRequirement::new(
            TOKEN,
            scope.map(Scope::name),
        )]);
    }
    add(whole, part);
}

/// The document as it is served.
pub(super) fn render(whole: &OpenApi) -> Vec<u8> {
    // Texts and numbers always serialise.
    serde_json::to_vec(whole).unwrap_or_default()
}

fn add(whole: &mut OpenApi, mut part: OpenApi) {
    // A parameter that takes the rest of a path is one like others to callers.
    part.paths.paths = std::mem::take(&mut part.paths.paths)
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    name(&mut part.paths);
    whole.merge(part);
}

/// Names operations by method and path: handlers of different files share names.
fn name(paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        let words: Vec<&str> = path
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let path = words.join("_");
        for (method, operation) in methods(item) {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{path}"));
            }
        }
    }
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    let all = paths.paths.values_mut().flat_map(methods);
    all.filter_map(|(_, operation)| operation.as_mut())
}

fn methods(item: &mut PathItem) -> [(&'static str, &mut Option<Operation>); 8] {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("options", &mut item.options),
        ("head", &mut item.head),
        ("patch", &mut item.patch),
        ("trace", &mut item.trace),
    ]
}

/// Adds problems to the answers of an operation; what it says itself stays.
fn refuse(operation: &mut Operation, kinds: &[Kind]) {
    for kind in kinds {
        let answers = &mut operation.responses.responses;
        answers
            .entry(kind.status().as_str().to_owned())
            .or_insert_with(|| RefOr::T(problem_answer(*kind)));
    }
}

/// Adds the header that every answer has.
fn identify(operation: &mut Operation) {
    for answer in operation.responses.responses.values_mut() {
        if let RefOr::T(answer) = answer {
            let id = header("The request's id, as in the log");
            answer
                .headers
                .insert("X-Request-Id".to_owned(), RefOr::T(id));
        }
    }
}

/// A header of an answer, by what it says.
pub(super) fn header(what: &str) -> Header {
    HeaderBuilder::new().description(Some(what)).build()
}

/// Bytes as they are.
pub(super) struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for Binary {}

/// A problem document as an answer.
pub(super) fn problem_answer(kind: Kind) -> Response {
    let same: Vec<String> = Kind::ALL
        .into_iter()
        .filter(|other| other.status() == kind.status())
        .map(|other| format!("`{}`", other.slug()))
        .collect();
    let title = kind.status().canonical_reason().unwrap_or_default();
    let answer = ResponseBuilder::new();
    let answer = match kind.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let challenge = header("What a client needs to authenticate, RFC 6750");
            answer.header("WWW-Authenticate", challenge)
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            answer.header("Retry-After", header("Seconds to wait"))
        }
        _ => answer,
    };
    answer
        .description(format!("{title}: {}", same.join(" or ")))
        .content(
            MEDIA_TYPE,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(PROBLEM)))
                .build(),
        )
        .build()
}

/// Answers of an operation that are problems of its own, for its description.
pub(super) struct Problems<const STATUS: u16>;

impl<const STATUS: u16> utoipa::IntoResponses for Problems<STATUS> {
    fn responses() -> std::collections::BTreeMap<String, RefOr<Response>> {
        let status = StatusCode::from_u16(STATUS).unwrap_or_default();
        let kind = Kind::ALL.into_iter().find(|kind| kind.status() == status);
        let answer = RefOr::T(problem_answer(kind.unwrap_or(Kind::Internal)));
        std::iter::once((STATUS.to_string(), answer)).collect()
    }
}

/// The members of a problem document.
fn problem() -> Schema {
    let text = |what: &str| {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .description(Some(what))
    };
    let kinds = Kind::ALL.map(Kind::uri);
    let status = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .description(Some("The status of the answer"))
        .minimum(Some(400))
        .maximum(Some(599));
    ObjectBuilder::new()
        .description(Some("A problem document, RFC 9457"))
        .property(
            "type",
            text("A stable name of the kind").enum_values(Some(kinds)),
        )
        .property("title", text("The kind in words"))
        .property("status", status)
        .property("detail", text("What happened, and what to do"))
        .property("request_id", text("The request's id, as in the log"))
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .required("request_id")
        .examples([json!({
            "type": Kind::UnknownEntity.uri(),
            "title": Kind::UnknownEntity.title(),
            "status": Kind::UnknownEntity.status().as_u16(),
            "detail": "`sensor.nowhere` is not among the 60 known entities; check its spelling",
            "request_id": "2f1c9a04-17",
        })])
        .into()
}
