//! What a client is answered and told from a mirror.

use std::sync::Arc;

use super::command::Query;
use super::encode;
use super::message;
use super::subscription::{Form, Subscription};
use super::{
    Frame, Gateway, Home, MOST_QUESTIONS, MOST_SUBSCRIPTIONS, Question, Source, StateChange, States,
};
use crate::State;

/// What a state takes in an answer, in bytes: a sensor with a unit and a name, generously.
const ROOM_FOR_A_STATE: usize = 640;

impl Gateway {
    pub(super) fn can_answer(&self, query: &Query) -> bool {
        let subscribes = matches!(query, Query::Entities(_) | Query::Changes);
        let waiting = self.asked.len() + self.line.len();
        let room = waiting < MOST_QUESTIONS
            && (!subscribes || self.subscriptions.len() + waiting < MOST_SUBSCRIPTIONS);
        match (&self.source, query) {
            (Source::None, _) | (Source::Own(_), Query::List(_)) => false,
            _ => room,
        }
    }

    pub(super) fn answer(&mut self, question: Question, home: &dyn Home) {
        if let Query::List(class) = question.query {
            match home.list(class) {
                Some(list) => {
                    self.stats.answered += 1;
                    self.say(Frame::Text(message::result(question.id, &list)));
                }
                None => self.pass_instead(&question),
            }
            return;
        }
        if let Query::End(number) = question.query {
            return self.end(&question, number, None);
        }
        let known = match &self.source {
            Source::Own(mirror) => Some(States {
                sequence: 0,
                states: mirror
                    .iter_shared()
                    .map(|(id, state)| (Arc::clone(id), Arc::clone(state)))
                    .collect(),
            }),
            _ => home.states(),
        };
        let Some(mut known) = known else {
            return self.pass_instead(&question);
        };
        self.stats.answered += 1;
        known.states.retain(|(entity_id, _)| self.takes(entity_id));
        let id = question.id;
        match question.query {
            Query::List(_) | Query::End(_) => {}
            Query::States => {
                let room = known.states.len() * ROOM_FOR_A_STATE;
                let answer = message::result_in(id, room, |list| {
                    list.push('[');
                    for (nth, (entity_id, state)) in known.states.iter().enumerate() {
                        if nth > 0 {
                            list.push(',');
                        }
                        encode::full(list, entity_id, state);
                    }
                    list.push(']');
                });
                self.say(Frame::Text(answer));
            }
            Query::Entities(ids) => {
                let wanted = |id: &str| ids.is_empty() || ids.contains(id);
                known.states.retain(|(entity_id, _)| wanted(entity_id));
                let room = known.states.len() * ROOM_FOR_A_STATE;
                let event = message::event_in(id, room, |event| {
                    event.push_str(r#"{"a":{"#);
                    for (entity_id, state) in &known.states {
                        encode::member(event, entity_id);
                        encode::compressed(event, state);
                    }
                    event.push_str("}}");
                });
                self.say(Frame::Text(message::result(id, "null")));
                self.say(Frame::Text(event));
                self.subscribe(id, Form::Entities(ids), known);
            }
            Query::Changes => {
                self.say(Frame::Text(message::result(id, "null")));
                self.subscribe(id, Form::Events, known);
            }
        }
    }

    pub(super) fn subscribe(&mut self, id: u64, form: Form, known: States) {
        let told = self
            .profile
            .shaped
            .then(|| known.states.into_iter().collect());
        let subscription = Subscription::new(id, form, known.sequence, told);
        self.subscriptions.insert(id, subscription);
    }

    pub(super) fn tell(&mut self, change: &StateChange) {
        if !self.takes(&change.entity_id) {
            return;
        }
        let told = self.subscriptions.values().filter_map(|it| it.tell(change));
        let messages: Vec<String> = told.collect();
        self.stats.changes += messages.len() as u64;
        for message in messages {
            self.say(Frame::Text(message));
        }
    }

    pub(super) fn set_due(&mut self, entity_id: &Arc<str>, state: Option<&Arc<State>>) -> bool {
        let mut any = false;
        for subscription in self.subscriptions.values_mut() {
            any |= subscription.set_due(entity_id, state);
        }
        any
    }

    pub(super) fn takes(&self, entity_id: &str) -> bool {
        let takes = self.profile.takes.as_ref();
        takes.is_none_or(|takes| takes(entity_id))
    }
}
