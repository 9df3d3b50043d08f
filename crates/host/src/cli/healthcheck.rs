//! `weirhouse healthcheck`: for containers and supervisors.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::exit::{Exit, Failure};
use super::local::{self, InstanceArgs};
use super::output::tell;

/// Longest wait for the answer. Container runtimes give up after 30 s.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Ask a running instance whether it is well
///
/// Prints one line and exits with 0 when it is, with 1 otherwise.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    instance: InstanceArgs,
}

impl Healthcheck {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let address = self.instance.address();
        let nobody = local::nobody(address);
        let mut response = local::agent(TIME_LIMIT)
            .get(format!("http://{address}/healthz"))
            .call()
            .map_err(&nobody)?;
        let text = response.body_mut().read_to_string().map_err(nobody)?;
        let faults = faults(&text).ok_or_else(|| {
            Failure::new(
                Exit::Unexpected,
                format!("{address} answers, but not as Weirhouse does; check the port"),
            )
        })?;
        if response.status().is_success() {
            // An absent Home Assistant is worth a word, but no reason to restart.
            let line = [&["healthy".to_owned()], &faults[..]].concat();
            tell(&line.join("; "));
            Ok(())
        } else {
            Err(Failure::new(
                Exit::Unexpected,
                format!("not healthy: {}", faults.join("; ")),
            ))
        }
    }
}

/// The components that are not well, with why; `None` for a foreign answer.
fn faults(text: &str) -> Option<Vec<String>> {
    let health: Value = serde_json::from_str(text).ok()?;
    let components = health.get("components")?.as_array()?;
    let text = |component: &Value, name| {
        component
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Some(
        components
            .iter()
            .filter(|component| component.get("ok") != Some(&Value::Bool(true)))
            .map(|component| {
                format!(
                    "{}: {}",
                    text(component, "component"),
                    text(component, "message")
                )
            })
            .collect(),
    )
}
