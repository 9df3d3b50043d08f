//! The request on whose behalf something is done, so that what is logged deep
//! below can name it.

use std::sync::Arc;

use tracing::Event;

tokio::task_local! {
    static CURRENT: Arc<str>;
}

/// Does `work` on behalf of the request of this id.
///
/// No async function, which would hold `work` twice.
pub(crate) fn within<T>(id: Arc<str>, work: impl Future<Output = T>) -> impl Future<Output = T> {
    CURRENT.scope(id, work)
}

/// The id of the request this is done for; `None` for the loop's own work.
pub(crate) fn current() -> Option<Arc<str>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// The id that a line of the log is to name; `None` where it names one itself,
/// or is not written for a request.
pub(crate) fn of_event(event: &Event<'_>) -> Option<Arc<str>> {
    let names_one = event.fields().any(|field| field.name() == "request_id");
    if names_one { None } else { current() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn known_within_and_nowhere_else() {
        assert_eq!(current(), None);
        within("one".into(), async {
            assert_eq!(current().as_deref(), Some("one"));
            let other = tokio::spawn(async { current() });
            assert_eq!(other.await.unwrap(), None);
        })
        .await;
        assert_eq!(current(), None);
    }
}
