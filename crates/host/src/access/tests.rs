//! Tokens from their making to their end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::data_dir::DataDir;

struct Fixture {
    folder: tempfile::TempDir,
    owner: Token,
    access: Access,
}

impl Fixture {
    fn new(limit: RateLimit) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = DataDir::open(folder.path()).unwrap().token().unwrap();
        let access = Access::open(folder.path(), &owner, limit).unwrap();
        Self {
            folder,
            owner,
            access,
        }
    }

    fn create(&self, name: &str, scopes: &[Scope], life: Option<Duration>) -> String {
        let lock = TokensLock::take(self.folder.path()).unwrap();
        let now = SystemTime::now();
        let expires = life.map(|life| now + life);
        let scopes = scopes.iter().copied().collect();
        let secret = lock.create(name, scopes, now, expires).unwrap();
        self.access.reload().unwrap();
        secret.expose().to_owned()
    }
}

#[test]
fn a_token_works_from_its_making_to_its_revocation() {
    let it = Fixture::new(RateLimit::default());
    let token = it.create("node-red", &[Scope::Read, Scope::Cache], None);
    let caller = it.access.admit(&token).unwrap();
    assert_eq!(caller.name, "node-red");
    assert!(caller.scopes.permit(Scope::Cache) && !caller.scopes.permit(Scope::Push));
    for wrong in [
        &token[1..],
        &format!("{token}0"),
        "",
        "weirhouse_",
        "weirhouse_00000000_",
    ] {
        assert_eq!(it.access.admit(wrong), Err(Denied::Unknown), "{wrong:?}");
    }
    let mut other = token.clone();
    let last = other.pop().unwrap();
    other.push(if last == '0' { '1' } else { '0' });
    assert_eq!(it.access.admit(&other), Err(Denied::Unknown));

    let lock = TokensLock::take(it.folder.path()).unwrap();
    assert!(lock.revoke("nobody").unwrap().is_none());
    assert!(lock.revoke("node-red").unwrap().is_some());
    it.access.reload().unwrap();
    assert_eq!(it.access.admit(&token), Err(Denied::Unknown));
}

#[test]
fn only_the_hash_is_kept_and_only_for_the_owner() {
    let it = Fixture::new(RateLimit::default());
    let token = it.create("a", &[Scope::Read], None);
    let path = TokenFile::path(it.folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let secret = token.rsplit('_').next().unwrap();
    assert!(!text.contains(secret), "{text}");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_owners_token_may_do_everything_and_ends_with_its_file() {
    let it = Fixture::new(RateLimit {
        per_second: 1,
        burst: 1,
    });
    let token = it.owner.expose().to_owned();
    for _ in 0..10 {
        let caller = it.access.admit(&token).unwrap();
        assert!(
            Scope::ALL
                .into_iter()
                .all(|scope| caller.scopes.permit(scope))
        );
    }
    fs::remove_file(it.folder.path().join("token")).unwrap();
    it.access.reload().unwrap();
    assert_eq!(it.access.admit(&token), Err(Denied::Unknown));
}

#[test]
fn an_expired_token_is_named() {
    let it = Fixture::new(RateLimit::default());
    let token = it.create("guest", &[Scope::Read], Some(Duration::ZERO));
    let denied = it.access.admit(&token);
    assert_eq!(denied, Err(Denied::Expired("guest".to_owned())));
}

#[test]
fn each_token_has_a_bucket_of_its_own_that_outlives_changes_of_others() {
    let it = Fixture::new(RateLimit {
        per_second: 1,
        burst: 3,
    });
    let token = it.create("a", &[Scope::Read], None);
    let admin = it.create("b", &[Scope::Admin], None);
    for _ in 0..3 {
        it.access.admit(&token).unwrap();
    }
    let other = it.create("c", &[Scope::Read], None);
    match it.access.admit(&token) {
        Err(Denied::TooOften(wait)) => assert!(wait <= Duration::from_secs(1), "{wait:?}"),
        outcome => panic!("{outcome:?}"),
    }
    it.access.admit(&other).unwrap();
    for _ in 0..10 {
        it.access.admit(&admin).unwrap();
    }
    it.access.set_limit(RateLimit {
        per_second: 0,
        burst: 1,
    });
    for _ in 0..10 {
        it.access.admit(&token).unwrap();
    }
}

#[test]
fn names_are_plain_and_given_once() {
    let it = Fixture::new(RateLimit::default());
    it.create("a", &[Scope::Read], None);
    let lock = TokensLock::take(it.folder.path()).unwrap();
    let long = "a".repeat(65);
    for name in ["a", "", "with blank", "ä", OWNER, long.as_str()] {
        let refused = lock.create(name, Scope::Read.into(), SystemTime::now(), None);
        assert!(
            matches!(refused, Err(TokenFileError::Name { .. })),
            "{name}"
        );
    }
}

#[test]
fn a_token_is_known_before_anybody_hears_of_the_files_change() {
    let it = Fixture::new(RateLimit::default());
    let lock = TokensLock::take(it.folder.path()).unwrap();
    let now = SystemTime::now();
    let secret = lock.create("a", Scope::Read.into(), now, None).unwrap();
    assert_eq!(it.access.admit(secret.expose()).unwrap().name, "a");
    // What stands in a file that has not changed is not read for every wrong guess.
    assert_eq!(*it.access.version(), version(it.folder.path()));
    assert_eq!(it.access.admit("weirhouse_wrong"), Err(Denied::Unknown));
}

#[test]
fn a_damaged_file_is_named_and_changes_nothing() {
    let it = Fixture::new(RateLimit::default());
    let token = it.create("a", &[Scope::Read], None);
    let path = TokenFile::path(it.folder.path());
    for content in ["", "{", "{\"version\":2,\"tokens\":[]}", "[]"] {
        fs::write(&path, content).unwrap();
        let error = it.access.reload().unwrap_err().to_string();
        assert!(error.contains("tokens.json"), "{error}");
        it.access.admit(&token).unwrap();
    }
}

#[tokio::test]
async fn who_waits_for_the_end_of_a_token_hears_of_it() {
    let it = Fixture::new(RateLimit::default());
    let token = it.create("a", &[Scope::Read], None);
    let caller = it.access.admit(&token).unwrap();
    let mut revocation = it.access.revocation(&caller);
    it.create("b", &[Scope::Read], None);
    let early = tokio::time::timeout(Duration::from_millis(50), revocation.wait()).await;
    assert!(early.is_err(), "the token is still there");
    let lock = TokensLock::take(it.folder.path()).unwrap();
    lock.revoke("a").unwrap();
    drop(lock);
    it.access.reload().unwrap();
    revocation.wait().await;

    let short = it.create("short", &[Scope::Read], Some(Duration::from_millis(20)));
    if let Ok(caller) = it.access.admit(&short) {
        it.access.revocation(&caller).wait().await;
    }
}
