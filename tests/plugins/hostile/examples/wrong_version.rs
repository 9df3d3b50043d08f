//! A plugin for a host of another time.

use exports::weirhouse::plugin::about::{self, Claim, Description};
use exports::weirhouse::plugin::judge::{self, Decision, Observation, Verdict};

wit_bindgen::generate!({
    path: "wit-0.9.0",
});

struct WrongVersion;

impl about::Guest for WrongVersion {
    fn describe() -> Description {
        Description {
            name: "hostile-wrong-version".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Was made for another host".to_owned(),
            author: "Weirhouse".to_owned(),
            licence: "Apache-2.0".to_owned(),
            claims: vec![Claim {
                entities: vec!["sensor.hostile_wrong_version_*".to_owned()],
                device_classes: Vec::new(),
                entries: Vec::new(),
            }],
            settings: Vec::new(),
            capabilities: Vec::new(),
            functions: vec!["judge".to_owned()],
        }
    }
}

impl judge::Guest for WrongVersion {
    fn judge(_now: u64, batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let suppress = |_| Decision {
            verdict: Verdict::Suppress,
            reason: String::new(),
        };
        Ok(batch.into_iter().map(suppress).collect())
    }
}

export!(WrongVersion);
