//! How a client logs in, and what is found out about it.

use serde::Deserialize;
use serde_json::json;

use super::{
    Asked, Closing, Frame, Gateway, GatewayEvent, NoHome, Phase, Profile, Source, Waiting,
};
use crate::Filter;

impl Gateway {
    pub(super) fn handle_login(&mut self, text: String) {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(rename = "type", borrow)]
            kind: std::borrow::Cow<'a, str>,
        }
        let kind = serde_json::from_str::<Kind<'_>>(&text).map(|it| it.kind.into_owned());
        match (self.phase, kind.as_deref()) {
            (Phase::Greeting, Ok("auth_required")) => self.phase = Phase::Login,
            (Phase::Checking, Ok("auth_ok")) => {
                self.phase = Phase::Asking;
                self.ask(Asked::User, json!({ "type": "auth/current_user" }));
                if self.wants_token_name {
                    self.ask(Asked::Tokens, json!({ "type": "auth/refresh_tokens" }));
                }
            }
            (Phase::Checking, Ok("auth_invalid")) => {
                self.events.push_back(GatewayEvent::Refused);
                self.closing = Some(Closing::Ended);
            }
            _ => {
                self.closing = Some(Closing::Restart);
                return;
            }
        }
        self.say(Frame::Text(text));
    }

    /// The host's decision about who has logged in.
    pub fn handle_profile(&mut self, profile: Profile) {
        self.profile = profile;
        if self.identity.is_admin {
            // Users are changed rarely, and what this one may read could be another thing then.
            let id = self.ask(
                Asked::Users,
                json!({ "type": "subscribe_events", "event_type": "user_updated" }),
            );
            self.own_subscription = Some(id);
            self.phase = Phase::Filling;
        } else if self.profile.shaped || self.profile.takes.is_some() {
            let id = self.ask(Asked::OwnStates, Filter::default().subscribe_command());
            self.own_subscription = Some(id);
            self.phase = Phase::Filling;
        } else {
            self.phase = Phase::Live;
        }
    }

    pub(super) fn handle_own_answer(&mut self, asked: Asked, succeeded: bool, result: &str) {
        match asked {
            Asked::User => {
                #[derive(Default, Deserialize)]
                #[serde(default)]
                struct User {
                    id: String,
                    name: Option<String>,
                    is_owner: bool,
                    is_admin: bool,
                }
                let user: User = serde_json::from_str(result).unwrap_or_default();
                self.identity.user_id = user.id;
                self.identity.user_name = user.name.unwrap_or_default();
                self.identity.is_admin =
                    (user.is_admin || user.is_owner) && !self.identity.user_id.is_empty();
                self.logged_in();
            }
            Asked::Tokens => {
                #[derive(Deserialize)]
                struct Token {
                    client_name: Option<String>,
                    #[serde(default)]
                    is_current: bool,
                }
                let tokens: Vec<Token> = serde_json::from_str(result).unwrap_or_default();
                let current = tokens.into_iter().find(|token| token.is_current);
                self.identity.token_name = current.and_then(|token| token.client_name);
                self.logged_in();
            }
            Asked::Users => {
                // Without it a user who lost his rights would keep the mirror: then everything passes.
                if succeeded {
                    self.source = Source::Shared;
                }
                self.phase = Phase::Live;
            }
            Asked::OwnStates => {
                if !succeeded {
                    self.own_subscription = None;
                    self.phase = Phase::Live;
                }
            }
            Asked::Before(question) if self.is_shared() => {
                self.line.push(Waiting::Answer(question));
            }
            Asked::Before(question) => self.answer(question, &NoHome),
            Asked::Saying(message) => self.forward(Frame::Text(message)),
        }
    }

    /// Tells the host once everything about the user is known.
    pub(super) fn logged_in(&mut self) {
        let open = |asked: &Asked| matches!(asked, Asked::User | Asked::Tokens);
        if !self.asked.values().any(open) {
            let identity = self.identity.clone();
            self.events.push_back(GatewayEvent::LoggedIn(identity));
        }
    }
}
