//! The configuration folder of a Home Assistant for tests.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What the configuration holds beside the API, the recorder and the history.
#[derive(Clone, Debug)]
pub struct ConfigFolderOptions {
    /// The demo integration: some eighty entities of every kind.
    pub demo: bool,
    /// Template sensors `sensor.noisy_000`… of temperature, humidity, power and voltage in turn; each adds
    /// noise to an input number.
    pub noisy_sensors: u16,
    /// How often the template sensors change, in seconds; a divisor of 60.
    pub noise_period_s: u8,
    /// Input numbers `input_number.base_00`…, which the template sensors follow in turn.
    pub input_numbers: u16,
    /// The pages for a browser; tests do without.
    pub frontend: bool,
    /// More top-level YAML, as it is.
    pub extra_yaml: String,
}

impl Default for ConfigFolderOptions {
    /// Small enough to start in seconds, with something of everything.
    fn default() -> Self {
        Self {
            demo: true,
            noisy_sensors: 20,
            noise_period_s: 5,
            input_numbers: 5,
            frontend: false,
            extra_yaml: String::new(),
        }
    }
}

/// Device class and unit of the template sensors, in turn.
const KINDS: [(&str, &str); 4] = [
    ("temperature", "°C"),
    ("humidity", "%"),
    ("power", "W"),
    ("voltage", "V"),
];

/// Writes the configuration; what a folder in use keeps beside it stays.
pub(super) fn write(folder: &Path, port: u16, options: &ConfigFolderOptions) -> Result<()> {
    let at = || format!("cannot write the configuration folder {}", folder.display());
    fs::create_dir_all(folder.join(".storage")).with_context(at)?;
    fs::write(
        folder.join("configuration.yaml"),
        configuration(port, options),
    )
    .with_context(at)?;
    forget_other_port(folder, port).with_context(at)?;
    // Where its editor of scripts writes, if the extra YAML includes it.
    let scripts = folder.join("scripts.yaml");
    if !scripts.exists() {
        fs::write(scripts, "").with_context(at)?;
    }

    // All steps of the first start but the owner's account: the other steps would add integrations that look
    // for the internet.
    let onboarding = json!({ "done": ["core_config", "analytics", "integration"] });
    // Discovery may use loopback only.
    let network = json!({ "configured_adapters": ["lo"] });
    for (key, version, data) in [("onboarding", 4, onboarding), ("core.network", 1, network)] {
        let path = folder.join(".storage").join(key);
        if !path.exists() {
            let stored =
                json!({ "version": version, "minor_version": 1, "key": key, "data": data });
            fs::write(path, stored.to_string()).with_context(at)?;
        }
    }
    Ok(())
}

/// Where it listened at an earlier start it keeps apart, and would not listen where its configuration says now.
fn forget_other_port(folder: &Path, port: u16) -> io::Result<()> {
    let kept = folder.join(".storage/http");
    let settings = fs::read(&kept)
        .ok()
        .and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    match settings {
        Some(settings) if settings["data"]["stable"]["server_port"] != port => {
            fs::remove_file(kept)
        }
        _ => Ok(()),
    }
}

fn configuration(port: u16, options: &ConfigFolderOptions) -> String {
    let mut yaml = format!(
        "homeassistant:
  name: Test
  latitude: 52.4
  longitude: 4.9
  elevation: 2
  unit_system: metric
  currency: EUR
  country: NL
  time_zone: Europe/Amsterdam
http:
  server_host: 127.0.0.1
  server_port: {port}
logger:
  default: warning
  logs:
    haffmpeg: fatal # The demo looks for ffmpeg, and does without.
recorder:
  commit_interval: 1
api:
websocket_api:
config:
history:
logbook:
system_health:
"
    );
    if options.frontend {
        yaml += "frontend:\nenergy:\n";
    }
    if options.demo {
        yaml += "demo:\n";
    }
    if options.input_numbers > 0 {
        yaml += "input_number:\n";
    }
    for number in 0..options.input_numbers {
        let initial = 20 + 3 * i32::from(number);
        // Writing to a string cannot fail.
        let _ = writeln!(
            yaml,
            "  base_{number:02}: {{ name: Base {number:02}, min: -1000, max: 100000, step: 0.1, initial: {initial} }}"
        );
    }
    if options.noisy_sensors > 0 {
        let _ = writeln!(
            yaml,
            "template:\n  - trigger:\n      - platform: time_pattern\n        seconds: \"/{}\"\n    sensor:",
            options.noise_period_s
        );
    }
    for (number, (class, unit)) in (0..options.noisy_sensors).zip(KINDS.iter().cycle()) {
        let base = match options.input_numbers {
            0 => "20".to_owned(),
            count => format!(
                "states('input_number.base_{:02}') | float(20)",
                number % count
            ),
        };
        let _ = writeln!(
            yaml,
            "      - name: Noisy {number:03}
        unique_id: noisy_{number:03}
        device_class: {class}
        unit_of_measurement: \"{unit}\"
        state_class: measurement
        state: \"{{{{ ({base} + (range(-100, 100) | random) / 60) | round(2) }}}}\""
        );
    }
    yaml + &options.extra_yaml
}
