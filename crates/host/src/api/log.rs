//! `GET /v1/log`: the last lines of the log.

use axum::Json;
use axum::extract::RawQuery;

use super::problem::Problem;
use super::query::Query as Parameters;
use crate::log_tail::{self, Tail};

/// The greatest number that every reader of JSON keeps exactly.
const LAST: u64 = 9_007_199_254_740_991;

/// The last 200 lines of the log, but for those that only developers ask for.
#[utoipa::path(
    get,
    path = "/v1/log",
    tag = "Observe",
    params(("since" = Option<u64>, Query, minimum = 0, maximum = 9_007_199_254_740_991_u64, description = "Only lines of this number and later: the `next` of an earlier answer")),
    responses((status = 200, description = "The lines, oldest first", body = Tail))
)]
pub(super) async fn get(RawQuery(query): RawQuery) -> Result<Json<Tail>, Problem> {
    let parameters = Parameters::parse(query.as_deref(), &["since"])?;
    let since = parameters.one("since")?.map(|text| {
        let number = text.parse().ok().filter(|number| *number <= LAST);
        number.ok_or_else(|| {
            Problem::invalid(format!(
                "since: `{text}` is no number of a line; take the `next` of an earlier answer"
            ))
        })
    });
    Ok(Json(log_tail::since(since.transpose()?.unwrap_or(0))))
}
