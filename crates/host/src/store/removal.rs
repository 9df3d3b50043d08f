//! Performs in a store what the optimizer has removed.
//!
//! Which records a removal takes away is the optimizer's say: a pattern and the
//! dates of writes are matched there. So a removal can be performed late, or
//! once more after a restart, and takes nothing that was written since.

use weirhouse_runner::wit::removals::{Removal, Scope};

use super::{L2Store, Located, StoreError};

/// Whom to ask which records a removal means.
pub(crate) trait Judge {
    /// Why the answer may fail, or the store.
    type Error: From<StoreError>;

    /// 1 for each key that matches the pattern.
    fn matching(&mut self, pattern: &str, keys: &[String]) -> Result<Vec<u8>, Self::Error>;

    /// 1 for each date of a write that a removal of this date takes away.
    fn removed(&mut self, before: i64, put_at: &[i64]) -> Result<Vec<u8>, Self::Error>;
}

/// Removes what a removal means; lists what that was.
pub(crate) fn perform<J: Judge>(
    store: &dyn L2Store,
    removal: &Removal,
    judge: &mut J,
) -> Result<Vec<Located>, J::Error> {
    let in_scope = in_scope(store, &removal.scope, judge)?;
    let put_at: Vec<i64> = in_scope.iter().map(|at| at.stamp.put_at_us).collect();
    let removed = judge.removed(removal.before, &put_at)?;
    let count = in_scope.len();
    let gone: Vec<Located> = in_scope
        .into_iter()
        .zip(removed)
        .filter_map(|(at, removed)| (removed != 0).then_some(at))
        .collect();
    match &removal.scope {
        Scope::Namespace(namespace) if gone.len() == count => {
            store.clear(Some(namespace))?;
        }
        Scope::All if gone.len() == count => {
            store.clear(None)?;
        }
        _ => {
            for at in &gone {
                store.remove(&at.namespace, &at.key)?;
            }
        }
    }
    Ok(gone)
}

fn in_scope<J: Judge>(
    store: &dyn L2Store,
    scope: &Scope,
    judge: &mut J,
) -> Result<Vec<Located>, J::Error> {
    Ok(match scope {
        Scope::Key(place) => {
            let stamp = store.stamp(&place.namespace, &place.key)?;
            let located = stamp.map(|stamp| Located {
                namespace: place.namespace.clone(),
                key: place.key.clone(),
                stamp,
            });
            located.into_iter().collect()
        }
        Scope::Glob(glob) => {
            let all = store.list(Some(&glob.namespace))?;
            let keys: Vec<String> = all.iter().map(|at| at.key.clone()).collect();
            let mut matching = Vec::with_capacity(keys.len());
            for page in keys.chunks(KEYS_PER_CALL) {
                matching.extend(judge.matching(&glob.pattern, page)?);
            }
            all.into_iter()
                .zip(matching)
                .filter_map(|(at, matches)| (matches != 0).then_some(at))
                .collect()
        }
        Scope::Tag(tagged) => store.by_tag(tagged.namespace.as_deref(), &tagged.tag)?,
        Scope::Namespace(namespace) => store.list(Some(namespace))?,
        Scope::All => store.list(None)?,
    })
}

/// Keys matched in one call: it must end well within a call's deadline.
const KEYS_PER_CALL: usize = 1_000;
