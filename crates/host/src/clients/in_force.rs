//! Which profile one client has, and whether it has another by now.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;
use weirhouse_hass::Identity;

use super::ClientProfile;

/// The profiles as one client sees them.
#[derive(Debug)]
pub(super) struct Profiles {
    all: watch::Receiver<Arc<[ClientProfile]>>,
    /// Whether the label of the client's token is asked for.
    tells_tokens_apart: bool,
    given: Option<Given>,
}

/// What the client was given when it logged in.
#[derive(Debug)]
struct Given {
    identity: Identity,
    from: IpAddr,
    profile: Option<ClientProfile>,
}

impl Profiles {
    /// Those of a client that has not logged in.
    pub(super) fn new(mut all: watch::Receiver<Arc<[ClientProfile]>>) -> Self {
        let tells_tokens_apart = name_tokens(&all.borrow_and_update());
        Self {
            all,
            tells_tokens_apart,
            given: None,
        }
    }

    /// Whether the label of its token decides about its profile.
    pub(super) fn tells_tokens_apart(&self) -> bool {
        self.tells_tokens_apart
    }

    /// The profile of the client, which is this one.
    pub(super) fn give(&mut self, identity: &Identity, from: IpAddr) -> Option<ClientProfile> {
        let profile = find(&self.all.borrow_and_update(), identity, from).cloned();
        self.given = Some(Given {
            identity: identity.clone(),
            from,
            profile: profile.clone(),
        });
        profile
    }

    /// Returns when the client has another profile than it was given.
    pub(super) async fn changed(&mut self) {
        // Without a sender the service ends, and clients by other means.
        while self.all.changed().await.is_ok() {
            let all = self.all.borrow_and_update();
            let asks_anew = name_tokens(&all) && !self.tells_tokens_apart;
            let differs = |given: &Given| {
                asks_anew || find(&all, &given.identity, given.from) != given.profile.as_ref()
            };
            // Who logs in later is given what is in force then.
            if self.given.as_ref().map_or(asks_anew, differs) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

fn find<'a>(
    all: &'a [ClientProfile],
    identity: &Identity,
    from: IpAddr,
) -> Option<&'a ClientProfile> {
    all.iter().find(|profile| profile.is_for(identity, from))
}

fn name_tokens(all: &[ClientProfile]) -> bool {
    all.iter().any(|profile| !profile.tokens.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(user: &str, interval_us: i64) -> ClientProfile {
        ClientProfile {
            name: user.to_owned(),
            users: vec![user.to_owned()],
            interval_us,
            ..ClientProfile::default()
        }
    }

    /// Whether the client would be asked to connect again, without waiting for it.
    async fn is_told(profiles: &mut Profiles) -> bool {
        tokio::select! {
            biased;
            () = profiles.changed() => true,
            () = tokio::task::yield_now() => false,
        }
    }

    #[tokio::test]
    async fn only_who_has_another_profile_is_told() {
        let identity = Identity {
            user_id: "u1".into(),
            user_name: "Ada".into(),
            token_name: None,
            is_admin: true,
        };
        let from = [192, 168, 1, 5].into();
        let (all, receiver) = watch::channel::<Arc<[ClientProfile]>>([profile("Ada", 1)].into());
        let mut profiles = Profiles::new(receiver);
        let given = profiles.give(&identity, from);
        assert_eq!(given, Some(profile("Ada", 1)));
        assert!(!is_told(&mut profiles).await);
        all.send_replace([profile("Bob", 5), profile("Ada", 1)].into());
        assert!(!is_told(&mut profiles).await, "somebody else's");
        for other in [vec![profile("Ada", 2)], vec![]] {
            all.send_replace(other.into());
            assert!(is_told(&mut profiles).await);
        }
        // The label of its token was not asked for, and would be by now.
        all.send_replace([profile("Ada", 1)].into());
        assert!(!is_told(&mut profiles).await, "as it was given");
        let of_token = ClientProfile {
            tokens: vec!["Wall".into()],
            ..profile("Ada", 1)
        };
        all.send_replace([profile("Ada", 1), of_token].into());
        assert!(is_told(&mut profiles).await);
        drop(all);
        assert!(!is_told(&mut profiles).await);
    }
}
