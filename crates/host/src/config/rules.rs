//! Rules: read here, judged by the optimizer.

use weirhouse_runner::wit::selection::Conditions;
use weirhouse_runner::wit::updates::{Combine, Publishing, Rule};

use super::document::Value;
use super::fields::{Fields, flag, numbers, share, span_us, text, texts, threshold, word};
use super::{Config, Fault};
use crate::hub::RuleFor;

pub(super) const COMBINES: [(&str, Combine); 2] = [("all", Combine::All), ("any", Combine::Any)];
pub(super) const PUBLISHINGS: [(&str, Publishing); 2] = [
    ("exact", Publishing::Exact),
    ("centred", Publishing::Centred),
];
/// The fields of a rule.
pub(super) fn rule(fields: &mut Fields<'_>, faults: &mut Vec<Fault>, rule: &mut Rule) {
    fields.set("absolute", faults, &mut rule.absolute, |it| {
        threshold(it).map(Some)
    });
    fields.set("percentage", faults, &mut rule.percentage, |it| {
        share(it).map(Some)
    });
    fields.set("combine", faults, &mut rule.combine, word(&COMBINES));
    fields.set("max_age", faults, &mut rule.max_age, |it| {
        span_us(it).map(Some)
    });
    fields.set("settle", faults, &mut rule.settle, |it| {
        span_us(it).map(Some)
    });
    fields.set(
        "publishing",
        faults,
        &mut rule.publishing,
        word(&PUBLISHINGS),
    );
    fields.set("zero_crossing", faults, &mut rule.zero_crossing, flag);
    fields.set("levels", faults, &mut rule.levels, numbers);
    fields.set("total", faults, &mut rule.total, flag);
    fields.set("learn", faults, &mut rule.learn, flag);
}

/// All `[[rule]]`.
pub(super) fn rules(
    config: &mut Config,
    tables: Vec<Fields<'_>>,
    faults: &mut Vec<Fault>,
) -> Vec<RuleFor> {
    let mut rules = Vec::with_capacity(tables.len());
    for mut fields in tables {
        // What one does not say is as in a rule without thresholds.
        let mut own = Rule::default();
        rule(&mut fields, faults, &mut own);
        let mut conditions = Conditions::default();
        let c = &mut conditions;
        fields.set("entity", faults, &mut c.entities, entities);
        fields.set("domain", faults, &mut c.domains, domains);
        fields.set("device_class", faults, &mut c.device_classes, texts);
        fields.set("attribute", faults, &mut c.attribute, |it| {
            text(it).map(Some)
        });
        if c.entities.is_empty() && c.domains.is_empty() && c.device_classes.is_empty() {
            faults.push(fields.wrong(
                "names no `entity`, `domain` or `device_class`; a rule for everything is [default_rule]",
            ));
        }
        fields.finish(config, faults);
        rules.push(RuleFor {
            conditions,
            rule: own,
        });
    }
    rules
}

/// Whether this can be the identifier of an entity.
pub(crate) fn is_entity_id(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(domain, name)| is_slug(domain) && is_slug(name))
}

/// Globs that some entity can match. Whether the brackets of one are well formed is the optimizer's to say.
fn entities(value: &Value) -> Result<Vec<String>, String> {
    let can_match = |glob: &String| {
        let of_a_glob = |byte: u8| is_of_slug(byte) || b".*?".contains(&byte);
        glob.contains('[')
            || is_entity_id(glob)
            || (glob.contains(['*', '?']) && glob.bytes().all(of_a_glob))
    };
    texts(value)
        .ok()
        .filter(|globs| globs.iter().all(can_match))
        .ok_or_else(|| {
            "must be an entity id such as \"sensor.meter\", a glob such as \"sensor.power_*\", or a list of them"
                .to_owned()
        })
}

fn domains(value: &Value) -> Result<Vec<String>, String> {
    texts(value)
        .ok()
        .filter(|domains| domains.iter().all(|domain| is_slug(domain)))
        .ok_or_else(|| "must be a domain such as \"sensor\", or a list of them".to_owned())
}

/// Home Assistant's alphabet for both parts of an entity id.
fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_of_slug)
}

fn is_of_slug(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}
