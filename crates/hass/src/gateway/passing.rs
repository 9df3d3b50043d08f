//! What passes between a client and Home Assistant, and under which identifiers.

use std::time::Duration;

use serde_json::json;

use super::command::Command;
use super::envelope::Envelope;
use super::{Asked, Closing, Frame, Gateway, MOST_ID, Question, STRIDE, Waiting, message};

/// Home Assistant's refusal of what is no command.
const FORMAT: (&str, &str) = ("invalid_format", "Message incorrectly formatted.");

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
            Command::Unsubscribe(number) => self.unsubscribe(id, number, &message),
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
    pub(super) fn unsubscribe(&mut self, id: u64, number: Option<u64>, message: &Envelope<'_>) {
        let Some(number) = number else {
            let words = "expected int for dictionary value @ data['subscription']";
            return self.refuse(&id.to_string(), FORMAT.0, words);
        };
        if self.subscriptions.remove(&number).is_some() {
            self.stats.answered += 1;
            return self.say(Frame::Text(message::result(id, "null")));
        }
        let alias = self.aliases.iter().find(|(_, client)| **client == number);
        let upstream = match alias {
            Some((upstream, _)) => Some(*upstream),
            None => number.checked_mul(STRIDE),
        };
        match (upstream, message.member("subscription")) {
            (Some(upstream), Some(value)) if number > 0 => {
                self.aliases.remove(&upstream);
                self.pass(message.with_id_and(id * STRIDE, value, upstream));
            }
            _ => {
                self.refuse(&id.to_string(), "not_found", "Subscription not found.");
            }
        }
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
        if let Some(client) = self.aliases.get(&id).copied() {
            // A failed command has no events; of one that succeeded they may come for ever.
            if message
                .member("success")
                .is_some_and(|it| it.get() != "true")
            {
                self.aliases.remove(&id);
            }
            return self.forward(Frame::Text(message.with_id(client)));
        }
        if id % STRIDE == 0 {
            self.forward(Frame::Text(message.with_id(id / STRIDE)));
        }
    }

    fn refuse(&mut self, id: &str, code: &str, words: &str) {
        self.say(Frame::Text(message::error(id, code, words)));
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
        let upstream = self.next_id();
        self.aliases.insert(upstream, question.id);
        if let Some(message) = Envelope::read(&question.message) {
            let message = message.with_id(upstream);
            self.pass(message);
        }
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
