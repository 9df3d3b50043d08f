//! A plugin as it was written for `weirhouse:plugin@0.1.0`, to show that what was built then goes on to work.
//!
//! Passes a number on once it moved by more than the setting `move` since the last. Never to be adapted: when it does not
//! build or run any more, a promise was broken.

use exports::weirhouse::plugin::about::{self, Claim, Description, Setting};
use exports::weirhouse::plugin::judge::{self, Decision, Observation, Verdict};
use weirhouse::plugin::settings;
use weirhouse::plugin::types::Value;

wit_bindgen::generate!({
    path: "../../../wit/released/plugin-0.1.0",
    inline: "
        package example:pinned@0.1.0;

        world pinned {
            include weirhouse:plugin/judging@0.1.0;
            import weirhouse:plugin/settings@0.1.0;
        }
    ",
    generate_all,
});

struct Pinned;

impl about::Guest for Pinned {
    fn describe() -> Description {
        Description {
            name: "pinned".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Passes on what moved, by a setting".to_owned(),
            author: "Weirhouse".to_owned(),
            licence: "Apache-2.0".to_owned(),
            claims: vec![Claim {
                entities: vec!["sensor.pinned_*".to_owned()],
                device_classes: Vec::new(),
                entries: Vec::new(),
            }],
            settings: vec![Setting {
                name: "move".to_owned(),
                summary: "What a number must move by to be passed on".to_owned(),
                kind: "number".to_owned(),
                default: "5".to_owned(),
            }],
            capabilities: vec!["settings".to_owned()],
            functions: vec!["judge".to_owned()],
        }
    }
}

impl judge::Guest for Pinned {
    fn judge(_now: u64, batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let text = settings::get("move").ok_or("there is no setting `move`")?;
        let least: f64 = text
            .parse()
            .map_err(|_| format!("`move` is {text:?}, and must be a number"))?;
        Ok(batch
            .iter()
            .map(|observation| decide(observation, least))
            .collect())
    }
}

fn decide(observation: &Observation, least: f64) -> Decision {
    let last = observation.published.as_ref().map(|last| &last.value);
    let (verdict, reason) = match (&observation.value, last) {
        (Value::Number(now), Some(Value::Number(last))) if (now - last).abs() <= least => {
            (Verdict::Suppress, "hardly moved")
        }
        _ => (Verdict::Publish, "moved"),
    };
    Decision {
        verdict,
        reason: reason.to_owned(),
    }
}

export!(Pinned);
