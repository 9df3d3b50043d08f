//! What passes between a client and Home Assistant, and under which identifiers.

use std::time::Duration;

use serde_json::json;

use super::command::{Command, Query};
use super::envelope::Envelope;
use super::{
    Alias, Asked, Closing, Frame, Gateway, MOST_ID, MOST_QUESTIONS, Question, STRIDE, Waiting,
    message,
};

/// Home Assistant's refusal of what is no command.
const FORMAT: (&str, &str) = ("invalid_format", "Message incorrectly formatted.");

/// Its refusal to end what there is not.
const NOT_FOUND: (&str, &str) = ("not_found", "Subscription not found.");

impl Gateway {
    /// One command of the client.
    pub(super) fn handle_command(&mut self, text: &str) {
        let Some(message) = Envelope::read(text) else {
            return self.refuse("0", FORMAT.0, FORMAT.1);
        };
        let (Some(id), Some(kind)) = (message.number(), message.kind()) else {
            return self.refuse(message.id_text(), FORMAT.0, FORMAT.1);
        };
        if id > MOST_ID {
            return self.refuse(message.id_text(), FORMAT.0, "Identifier too large.");
        }
        if id <= self.last_client_id {
            let words = "Identifier values have to increase.";
            return self.refuse(message.id_text(), "id_reuse", words);
        }
        self.last_client_id = id;
        self.last_upstream_id = self.last_upstream_id.max(id * STRIDE);
        match Command::read(&kind, &message) {
            Command::Mirrored(query) if self.can_answer(&query) => {
                let message = text.to_owned();
                let question = Question { id, query, message };
                self.ask(Asked::Before(question), json!({ "type": "ping" }));
            }
            Command::Unsubscribe(number) => self.unsubscribe(id, number, text),
            command => {
                if let Command::Features { coalesce } = command {
                    self.coalesce = coalesce;
                }
                self.pass(message.with_id(id * STRIDE));
            }
        }
    }

    /// Ends a subscription: one of ours, or one of Home Assistant's. No other can be named, so that none that this
    /// connection rests on is ended.
    fn unsubscribe(&mut self, id: u64, number: Option<u64>, text: &str) {
        let Some(number) = number else {
            let words = "expected int for dictionary value @ data['subscription']";
            return self.refuse(&id.to_string(), FORMAT.0, words);
        };
        let question = Question {
            id,
            query: Query::End(number),
            message: text.to_owned(),
        };
        let is_it =
            |asked: &Asked| matches!(asked, Asked::Before(question) if question.id == number);
        let waits = |waiting: &Waiting| matches!(waiting, Waiting::Answer(question) if question.id == number);
        if self.asked.values().any(is_it) || self.line.iter().any(waits) {
            // It is about to begin: it ends after that.
            self.ask(Asked::Before(question), json!({ "type": "ping" }));
        } else {
            self.end(&question, number, Some(id * STRIDE));
        }
    }

    /// Ends a subscription, of Home Assistant's under this identifier or one of ours.
    pub(super) fn end(&mut self, question: &Question, number: u64, upstream_id: Option<u64>) {
        if self.subscriptions.remove(&number).is_some() {
            self.stats.answered += 1;
            return self.say(Frame::Text(message::result(question.id, "null")));
        }
        let mut aliases = self.aliases.iter();
        let alias = aliases.find(|(_, alias)| alias.id == number && alias.lasts);
        let upstream = match alias {
            Some((upstream, _)) => Some(*upstream),
            None => number.checked_mul(STRIDE),
        };
        let message = Envelope::read(&question.message);
        let value = message.as_ref().and_then(|it| it.member("subscription"));
        let (Some(upstream), Some(message), Some(value)) = (upstream, &message, value) else {
            return self.refuse(&question.id.to_string(), NOT_FOUND.0, NOT_FOUND.1);
        };
        if number == 0 {
            return self.refuse(&question.id.to_string(), NOT_FOUND.0, NOT_FOUND.1);
        }
        self.aliases.remove(&upstream);
        let upstream_id = upstream_id.unwrap_or_else(|| self.alias(question.id, false));
        self.pass(message.with_id_and(upstream_id, value, upstream));
    }

    /// One message of Home Assistant to a client that is logged in.
    pub(super) fn handle_message(&mut self, now: Duration, text: &str) {
        let Some(message) = Envelope::read(text) else {
            return;
        };
        let Some(id) = message.number() else {
            return self.forward(Frame::Text(text.to_owned()));
        };
        if self.own_subscription == Some(id) && message.kind().as_deref() == Some("event") {
            return self.handle_own_event(now, text);
        }
        if let Some(asked) = self.asked.remove(&id) {
            let succeeded = message
                .member("success")
                .is_none_or(|it| it.get() == "true");
            let result = message
                .member("result")
                .map_or("null", |result| result.get());
            return self.handle_own_answer(asked, succeeded, result);
        }
        if let Some(alias) = self.aliases.get(&id).copied() {
            // A subscription that failed has no events; of one that succeeded they may come for ever.
            let success = message.member("success");
            if !alias.lasts || success.is_some_and(|it| it.get() != "true") {
                self.aliases.remove(&id);
            }
            return self.forward(Frame::Text(message.with_id(alias.id)));
        }
        if id % STRIDE == 0 {
            self.forward(Frame::Text(message.with_id(id / STRIDE)));
        }
    }

    /// Refuses a command as Home Assistant would, after what it is still to answer. Somebody who sends little else is
    /// refused at once.
    fn refuse(&mut self, id: &str, code: &str, words: &str) {
        let refusal = message::error(id, code, words);
        let room = STRIDE - self.last_upstream_id % STRIDE;
        if self.asked.len() < MOST_QUESTIONS && room > STRIDE / 2 {
            self.ask(Asked::Saying(refusal), json!({ "type": "ping" }));
        } else {
            self.say(Frame::Text(refusal));
        }
    }

    /// Says a message of Home Assistant, after the changes that preceded it.
    pub(super) fn forward(&mut self, frame: Frame) {
        if !self.line.is_empty() || (self.is_shared() && !self.subscriptions.is_empty()) {
            self.line.push(Waiting::Frame(frame));
        } else {
            self.say(frame);
        }
    }

    /// Has Home Assistant answer what the mirror cannot, under an identifier of ours: that of the client is behind
    /// already.
    pub(super) fn pass_instead(&mut self, question: &Question) {
        if let Query::End(number) = question.query {
            return self.end(question, number, None);
        }
        let lasts = matches!(question.query, Query::Entities(_) | Query::Changes);
        let upstream = self.alias(question.id, lasts);
        if let Some(message) = Envelope::read(&question.message) {
            let message = message.with_id(upstream);
            self.pass(message);
        }
    }

    fn alias(&mut self, id: u64, lasts: bool) -> u64 {
        let upstream = self.next_id();
        self.aliases.insert(upstream, Alias { id, lasts });
        upstream
    }

    pub(super) fn pass(&mut self, message: String) {
        self.stats.passed += 1;
        self.to_upstream.push_back(Frame::Text(message));
    }

    /// Asks Home Assistant for something of our own.
    pub(super) fn ask(&mut self, asked: Asked, mut command: serde_json::Value) -> u64 {
        let id = self.next_id();
        command["id"] = id.into();
        self.asked.insert(id, asked);
        self.to_upstream.push_back(Frame::Text(command.to_string()));
        id
    }

    /// An identifier of ours, over all used before; those of the client are multiples of [`STRIDE`].
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_upstream_id += 1;
        if self.last_upstream_id.is_multiple_of(STRIDE) {
            // More questions for one command of the client than are ever asked.
            self.closing = Some(Closing::Restart);
        }
        self.last_upstream_id
    }
}
