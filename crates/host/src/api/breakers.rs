//! `/v1/breakers`: circuit breakers for calls of other programs.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_runner::wit::resilience::{Failure, HttpStatus};

use super::Shared;
use super::openapi::Problems;
use super::problem::{Kind, Problem};
use super::query::Query;
use crate::hub::{Admitted, Breaker, BreakerWish, Ended, RetryWish};

/// While another's probe decides.
const WHILE_PROBING: Duration = Duration::from_secs(1);

/// Longest time that a parameter may say: ten years of 366 days, as elsewhere. Said here, since the optimizer is not asked
/// about what does not matter to an outcome.
const LONGEST: Duration = Duration::from_hours(24 * 3_660);

/// A call may be made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakerPermit)]
pub(super) struct Permitted {
    /// To tell with how it ended.
    permit: u64,
}

/// What comes of the end of a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakerReported)]
pub(super) struct Reported {
    /// The breaker after it.
    breaker: Breaker,
    /// Seconds to wait before the next attempt; `null` to give up, and after a
    /// success.
    retry_in_s: Option<f64>,
}

/// All breakers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Breakers)]
pub(super) struct List {
    /// By name.
    breakers: Vec<Breaker>,
}

type Name = Result<Path<String>, PathRejection>;

/// Asks whether a call may be made. A breaker of this name is made if there is
/// none; the parameters hold from here on.
#[utoipa::path(
    post,
    path = "/v1/breakers/{name}",
    tag = "Calls",
    params(
        ("name" = String, Path, min_length = 1, max_length = 255, description = "What is called, such as a host"),
        ("failures" = Option<u32>, Query, minimum = 1, description = "Failures in a row that open it; 5 unless said otherwise"),
        ("open" = Option<f64>, Query, minimum = 0.000_001, maximum = 316_224_000, description = "How long it stays open, in seconds; 60 unless said otherwise"),
        ("successes" = Option<u32>, Query, minimum = 1, description = "Successful probes in a row that close it; 2 unless said otherwise")
    ),
    responses(
        (status = 201, description = "It may; say how it ended with `PUT`", body = Permitted),
        Problems<413>,
        Problems<503>
    )
)]
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    name: Name,
    RawQuery(query): RawQuery,
) -> Result<(StatusCode, Json<Permitted>), Problem> {
    let Path(name) = name?;
    let query = Query::parse(query.as_deref(), &["failures", "open", "successes"])?;
    let wish = BreakerWish {
        failures: count(&query, "failures")?,
        open: at_most("open", query.seconds("open")?)?,
        successes: count(&query, "successes")?,
    };
    match shared.hub.breaker_admit(&name, wish)? {
        Admitted::Yes(permit) => Ok((StatusCode::CREATED, Json(Permitted { permit }))),
        Admitted::No(wait) => {
            let when = wait.map_or_else(
                || "while a probe is under way, which decides".to_owned(),
                |wait| format!("for another {:.1} s", wait.as_secs_f64()),
            );
            let detail = format!("`{name}` has failed too often: it is not called {when}");
            let problem = Problem::new(Kind::BreakerOpen, detail);
            Err(problem.retry_after(wait.unwrap_or(WHILE_PROBING)))
        }
    }
}

/// Tells how a call ended. Time-outs, connections, statuses of 500 and over and
/// other failures count against what was called; other statuses and what was
/// cancelled count as neither.
#[utoipa::path(
    put,
    path = "/v1/breakers/{name}",
    tag = "Calls",
    params(
        ("name" = String, Path, min_length = 1, max_length = 255, description = "What was called"),
        ("permit" = u64, Query, maximum = 9_007_199_254_740_991_u64, description = "The permit of the call"),
        ("outcome" = String, Query, pattern = "^(success|timeout|connection|cancelled|other|[1-5][0-9][0-9])$", description = "`success`, or how it failed: a number is the status of the answer"),
        ("retry_after" = Option<f64>, Query, minimum = 0, maximum = 316_224_000, description = "What `Retry-After` of the answer asked for, in seconds"),
        ("attempt" = Option<u32>, Query, minimum = 1, description = "Which attempt it was; 1 unless said otherwise"),
        ("attempts" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many attempts there are in all; 3 unless said otherwise"),
        ("initial" = Option<f64>, Query, minimum = 0.000_001, maximum = 316_224_000, description = "The delay before the second attempt, in seconds, which doubles from one to the next; 1 unless said otherwise"),
        ("cap" = Option<f64>, Query, minimum = 0.000_001, maximum = 316_224_000, description = "The longest delay, in seconds, or `initial` where that is longer; 60 unless said otherwise")
    ),
    responses(
        (status = 200, description = "It is noted", body = Reported),
        Problems<404>,
        Problems<503>
    )
)]
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    name: Name,
    RawQuery(query): RawQuery,
) -> Result<Json<Reported>, Problem> {
    let Path(name) = name?;
    let query = Query::parse(
        query.as_deref(),
        &[
            "permit",
            "outcome",
            "retry_after",
            "attempt",
            "attempts",
            "initial",
            "cap",
        ],
    )?;
    let permit = query.one("permit")?.and_then(|text| text.parse().ok());
    let permit = permit.ok_or_else(|| {
        Problem::invalid("name the `permit` that POST gave for this call, such as `permit=7`")
    })?;
    let ended = ended(&query)?;
    let retry = RetryWish {
        attempts: count(&query, "attempts")?,
        initial: at_most("initial", query.seconds("initial")?)?,
        cap: at_most("cap", query.seconds("cap")?)?,
    };
    let reported = shared.hub.breaker_report(&name, permit, ended, retry)?;
    let (breaker, wait) = reported.ok_or_else(|| unknown(&name))?;
    Ok(Json(Reported {
        breaker,
        retry_in_s: wait.map(|wait| wait.as_secs_f64()),
    }))
}

/// What is known of all breakers.
#[utoipa::path(
    get,
    path = "/v1/breakers",
    tag = "Calls",
    responses((status = 200, description = "The breakers, by name", body = List))
)]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Json<List>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(List {
        breakers: shared.hub.breakers()?,
    }))
}

/// Forgets a breaker: the next call is let through.
#[utoipa::path(
    delete,
    path = "/v1/breakers/{name}",
    tag = "Calls",
    params(("name" = String, Path, description = "What is called")),
    responses((status = 204, description = "It is forgotten"), Problems<404>)
)]
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    name: Name,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let Path(name) = name?;
    if shared.hub.breaker_forget(&name)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown(&name))
    }
}

fn unknown(name: &str) -> Problem {
    Problem::new(
        Kind::UnknownRow,
        format!("there is no breaker `{name}`; `GET /v1/breakers` lists those there are"),
    )
}

fn ended(query: &Query) -> Result<Ended, Problem> {
    let attempt = count(query, "attempt")?.unwrap_or(1);
    let retry_after = at_most("retry_after", query.seconds_or_none("retry_after")?)?;
    let failure = match query.one("outcome")? {
        Some("success") => return Ok(Ended::Success),
        Some("timeout") => Failure::Timeout,
        Some("connection") => Failure::Connection,
        Some("cancelled") => Failure::Cancelled,
        Some("other") => Failure::Other,
        other => {
            let code = other.and_then(|text| text.parse().ok());
            let code = code.filter(|code| (100..600).contains(code));
            let code = code.ok_or_else(|| {
                Problem::invalid(
                    "say with `outcome` how the call ended: success, timeout, connection, cancelled, other, or the status of the answer, such as 503",
                )
            })?;
            Failure::Http(HttpStatus {
                code,
                retry_after: retry_after.map(|wait| wait.as_micros() as i64),
            })
        }
    };
    Ok(Ended::Failure(failure, attempt))
}

/// A number of at least 1.
fn count(query: &Query, name: &str) -> Result<Option<u32>, Problem> {
    let Some(text) = query.one(name)? else {
        return Ok(None);
    };
    // Of 31 bits, as an `int32` is described.
    let count = text.parse::<i32>().ok().filter(|count| *count > 0);
    let refused = || Problem::invalid(format!("`{name}={text}` is not a whole number over 0"));
    count.ok_or_else(refused).map(|it| Some(it.unsigned_abs()))
}

fn at_most(name: &str, wait: Option<Duration>) -> Result<Option<Duration>, Problem> {
    match wait {
        Some(wait) if wait > LONGEST => {
            let most = LONGEST.as_secs();
            Err(Problem::invalid(format!("`{name}` is over {most} s")))
        }
        wait => Ok(wait),
    }
}
