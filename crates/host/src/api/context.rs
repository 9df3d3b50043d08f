//! `GET /v1/context`: the home in words, for language models and voice agents, within a budget of tokens.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::{Kind, Problem};
use super::query::Query as Parameters;
use super::{Shared, compression, conditional, parameters};
use crate::context::{
    self, Context, ContextError, DEFAULT_TOKENS, FEWEST_TOKENS, Format, Grouping, MOST_TOKENS,
    Request, Tokenizer,
};

/// Parameters beside those that choose entities.
const PARAMETERS: [&str; 8] = [
    "format",
    "budget",
    "tokenizer",
    "by",
    "section",
    "near",
    "query",
    "since",
];

/// Most bytes of a question; words behind the first few dozen are not looked for.
const LONGEST_QUESTION_BYTES: usize = 2_000;

/// Most sections that have a budget of their own, and most areas that are near.
const MOST_NAMED: usize = 100;

/// The tokens of the body.
const TOKENS: HeaderName = HeaderName::from_static("weirhouse-tokens");
/// Whose tokens they are.
const TOKENIZER: HeaderName = HeaderName::from_static("weirhouse-tokenizer");
/// Lines in the body.
const LINES: HeaderName = HeaderName::from_static("weirhouse-lines");
/// Lines that did not fit.
const OMITTED: HeaderName = HeaderName::from_static("weirhouse-omitted");
/// Whether all lines were to be told.
const FULL: HeaderName = HeaderName::from_static("weirhouse-full");
/// What to ask with for what changes from now on.
const CURSOR: HeaderName = HeaderName::from_static("weirhouse-cursor");
/// When Home Assistant was last heard.
const AS_OF: HeaderName = HeaderName::from_static("weirhouse-as-of");
/// Whether it may hold something else by now.
const STALE: HeaderName = HeaderName::from_static("weirhouse-stale");

/// The home in words, one line for each entity, most relevant first, never more than `budget` tokens.
///
/// Lines are chosen by what they are about, how near they are and how lately they changed; what the words of `query`
/// name comes first. The headers say how many tokens it is (`Weirhouse-Tokens`, by `Weirhouse-Tokenizer`), how many
/// lines did not fit (`Weirhouse-Omitted`), and with what to ask for changes (`Weirhouse-Cursor`).
#[utoipa::path(
    get,
    path = "/v1/context",
    tag = "Read",
    params(
        ("format" = Option<String>, Query, description = "`text`, `markdown` or `json`", pattern = "^(text|markdown|json)$"),
        ("budget" = Option<u32>, Query, minimum = 128, maximum = 128_000, description = "Most tokens of the whole body; 2,000 where it is not said"),
        ("tokenizer" = Option<String>, Query, description = "Whose tokens are counted: `o200k_base` or `cl100k_base`", pattern = "^(o200k_base|cl100k_base)$"),
        ("by" = Option<String>, Query, description = "What a section is: `area` or `domain`", pattern = "^(area|domain)$"),
        ("section" = Option<Vec<String>>, Query, explode, description = "Most tokens of one section with its heading, as `kitchen:200`: an area's identifier or `none`, or a domain; may be repeated"),
        ("near" = Option<Vec<String>>, Query, explode, description = "Areas whose lines are preferred, nearest first"),
        ("query" = Option<String>, Query, description = "Words, such as a user's question; what they name is told before all else"),
        ("since" = Option<String>, Query, description = "Only lines that changed since the cursor of an earlier answer", pattern = "^[0-9a-f]{8}-[0-9]{1,15}$"),
        ("entity" = Option<Vec<String>>, Query, explode, description = "Only these entities"),
        ("domain" = Option<Vec<String>>, Query, explode, description = "Only entities of these domains"),
        ("glob" = Option<Vec<String>>, Query, explode, description = "Only entities that match a pattern such as `sensor.*_power`"),
        ("area" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets"),
        ("floor" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets"),
        ("device" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets"),
        ("label" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets")
    ),
    responses(
        (status = 200, description = "The home in words", content(("text/plain"), ("text/markdown"), ("application/json")), headers(
            ("ETag" = String, description = "For `If-None-Match`"),
            ("Weirhouse-Tokens" = u64, description = "Tokens of the whole body"),
            ("Weirhouse-Tokenizer" = String, description = "Whose tokens these are"),
            ("Weirhouse-Lines" = u64, description = "Lines that are told"),
            ("Weirhouse-Omitted" = u64, description = "Lines that did not fit"),
            ("Weirhouse-Full" = bool, description = "Whether this is all, not only what changed"),
            ("Weirhouse-Stale" = bool, description = "Whether the home may have changed unheard"),
            ("Weirhouse-Cursor" = String, description = "For the next `since`")
        )),
        (status = 304, description = "What `If-None-Match` named is still true", headers(
            ("ETag" = String, description = "The same as before")
        ))
    )
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = read(query.as_deref())?;
    let (format, tokenizer) = (request.format, request.tokenizer);
    // One at a time: the second reader finds the lines described and counted.
    let mut known = Arc::clone(&shared.context).lock_owned().await;
    let hub = Arc::clone(&shared.hub);
    // Tokenizing would hold other requests up.
    let composed = move || context::compose(&hub, &mut known, request);
    let context = tokio::task::spawn_blocking(composed)
        .await
        .map_err(|_| Problem::new(Kind::Internal, "the context was not composed"))??;
    let tag = context.tag;
    let mut response = if conditional::has(&headers, tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if compression::is_wanted(&headers, context.text.len()) {
        let packed = compression::gzip(Bytes::from(context.text.clone())).await;
        let mut response = packed.into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        context.text.clone().into_response()
    };
    describe(response.headers_mut(), &context, format, tokenizer);
    Ok(response)
}

/// What the headers say of a context.
fn describe(headers: &mut HeaderMap, context: &Context, format: Format, tokenizer: Tokenizer) {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.media_type()),
    );
    headers.insert(TOKENS, context.tokens.into());
    headers.insert(TOKENIZER, HeaderValue::from_static(tokenizer.name()));
    headers.insert(LINES, context.lines.into());
    headers.insert(OMITTED, context.omitted.into());
    for (name, flag) in [(FULL, context.full), (STALE, context.stale)] {
        headers.insert(
            name,
            HeaderValue::from_static(if flag { "true" } else { "false" }),
        );
    }
    let texts = [
        (CURSOR, Some(context.cursor.clone())),
        (AS_OF, context.as_of.clone()),
        (header::ETAG, Some(context.tag.text().as_str().to_owned())),
    ];
    for (name, text) in texts {
        if let Some(Ok(text)) = text.map(HeaderValue::try_from) {
            headers.insert(name, text);
        }
    }
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

fn read(raw: Option<&str>) -> Result<Request, Problem> {
    let selectors = parameters::OF_ENTITIES.into_iter();
    let known: Vec<&str> = selectors.chain(PARAMETERS).collect();
    let parameters = Parameters::parse(raw, &known)?;
    let question = parameters.one("query")?.unwrap_or_default();
    if question.len() > LONGEST_QUESTION_BYTES {
        return Err(Problem::invalid(format!(
            "`query` has {} bytes, at most {LONGEST_QUESTION_BYTES} are taken",
            question.len()
        )));
    }
    let near: Vec<String> = named(&parameters, "near")?;
    let sections = named(&parameters, "section")?;
    let sections = sections.iter().map(|text| section_budget(text));
    Ok(Request {
        format: choice(&parameters, "format", &Format::ALL, Format::name)?,
        tokenizer: choice(&parameters, "tokenizer", &Tokenizer::ALL, Tokenizer::name)?,
        grouping: choice(&parameters, "by", &Grouping::ALL, Grouping::name)?,
        budget: match parameters.one("budget")? {
            Some(text) => budget(text)?,
            None => DEFAULT_TOKENS,
        },
        section_budgets: sections.collect::<Result<_, _>>()?,
        selection: parameters::selection(&parameters)?,
        near,
        question: question.to_owned(),
        since: parameters::since(&parameters)?,
    })
}

/// The values of a parameter that names areas or sections.
fn named(parameters: &Parameters, name: &'static str) -> Result<Vec<String>, Problem> {
    let values: Vec<String> = parameters::values(parameters, name)?
        .map(str::to_owned)
        .collect();
    if values.len() > MOST_NAMED {
        return Err(Problem::invalid(format!(
            "`{name}` has {} values, at most {MOST_NAMED} are taken",
            values.len()
        )));
    }
    Ok(values)
}

/// One of a few words; the first where none is given.
fn choice<T: Copy + Default>(
    parameters: &Parameters,
    parameter: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, Problem> {
    let Some(text) = parameters.one(parameter)? else {
        return Ok(T::default());
    };
    let found = all.iter().copied().find(|it| name(*it) == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|it| name(*it)).collect();
        Problem::invalid(format!(
            "`{parameter}={}` is unknown; known are {}",
            text.escape_debug(),
            names.join(", ")
        ))
    })
}

fn budget(text: &str) -> Result<u32, Problem> {
    let budget = text.parse().ok();
    let budget = budget.filter(|budget| (FEWEST_TOKENS..=MOST_TOKENS).contains(budget));
    budget.ok_or_else(|| {
        Problem::invalid(format!(
            "`budget={}` is not a whole number of tokens from {FEWEST_TOKENS} to {MOST_TOKENS}",
            text.escape_debug()
        ))
    })
}

/// `kitchen:200`.
fn section_budget(text: &str) -> Result<(String, u32), Problem> {
    let parts = text.rsplit_once(':').and_then(|(name, most)| {
        let most = most.parse().ok().filter(|most| *most <= MOST_TOKENS)?;
        (!name.is_empty()).then(|| (name.to_owned(), most))
    });
    parts.ok_or_else(|| {
        Problem::invalid(format!(
            "`section={}` is not a name and a whole number of tokens up to {MOST_TOKENS}, as `kitchen:200`",
            text.escape_debug()
        ))
    })
}

impl From<ContextError> for Problem {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::Hub(error) => error.into(),
            ContextError::Query(error) => error.into(),
            other => Problem::invalid(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_a_request() {
        let request = read(Some(
            "format=json&budget=500&tokenizer=cl100k_base&by=domain&section=light:200,sensor:100&near=hall,attic&query=is+it+warm&area=hall&domain=light",
        ))
        .unwrap();
        assert_eq!(
            (request.format, request.tokenizer, request.budget),
            (Format::Json, Tokenizer::Cl100kBase, 500)
        );
        let sections = [("light".to_owned(), 200), ("sensor".to_owned(), 100)];
        assert_eq!(request.section_budgets, sections);
        assert_eq!(
            (request.near.len(), request.question.as_str()),
            (2, "is it warm")
        );
        let plain = read(None).unwrap();
        assert_eq!((plain.format, plain.budget), (Format::Text, DEFAULT_TOKENS));
    }

    #[test]
    fn nonsense_is_refused() {
        for raw in [
            "budget=0",
            "budget=127",
            "budget=-1",
            "budget=128001",
            "budget=many",
            "format=xml",
            "tokenizer=gpt",
            "by=floor",
            "section=light",
            "section=:5",
            "section=light:x",
            "section=light:128001",
            "near=",
            "since=now",
            "glob=[a]",
            "limit=5",
            "fields=state",
            "budget=200&budget=300",
        ] {
            assert!(read(Some(raw)).is_err(), "{raw}");
        }
        let long = "x".repeat(LONGEST_QUESTION_BYTES + 1);
        assert!(read(Some(&format!("query={long}"))).is_err());
    }
}
