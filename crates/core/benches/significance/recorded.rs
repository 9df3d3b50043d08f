//! The sensors of the recorded traces in `tests/traces`, those of one device
//! class together.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::synthetic::Trace;

/// Traces of fewer readings say little.
const FEWEST_READINGS: usize = 100;

/// The thresholds to try: that of the preset, and others around it.
fn thresholds(device_class: &str) -> &'static [f64] {
    match device_class {
        "temperature" => &[0.2, 0.5, 1.0],
        "humidity" | "battery" | "voltage" => &[0.5, 1.0, 2.0],
        "power" => &[5.0, 20.0, 50.0],
        _ => &[],
    }
}

/// All recorded traces, by file and device class.
pub(crate) fn all() -> Result<Vec<Trace>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    let mut traces = Vec::new();
    for file in files {
        traces.extend(by_class(&file)?);
    }
    Ok(traces)
}

fn by_class(path: &Path) -> Result<Vec<Trace>, Box<dyn Error>> {
    let file = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut classes: BTreeMap<String, String> = BTreeMap::new();
    let mut readings: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in fs::read_to_string(path)?.lines() {
        let write: Value = serde_json::from_str(line)?;
        let Some(entity) = write["e"].as_str() else {
            continue;
        };
        if let Some(class) = write["a"]["device_class"].as_str() {
            classes.insert(entity.to_owned(), class.to_owned());
        }
        if let Some(Ok(number)) = write["s"].as_str().map(str::parse) {
            readings.entry(entity.to_owned()).or_default().push(number);
        }
    }
    let mut sensors: BTreeMap<&String, Vec<Vec<f64>>> = BTreeMap::new();
    for (entity, class) in &classes {
        if let Some(readings) = readings.remove(entity) {
            sensors.entry(class).or_default().push(readings);
        }
    }
    let traces = sensors.into_iter().map(|(class, sensors)| Trace {
        name: format!("{file}: {class}"),
        thresholds: thresholds(class).to_vec(),
        sensors,
    });
    Ok(traces
        .filter(|it| it.sensors.iter().map(Vec::len).sum::<usize>() >= FEWEST_READINGS)
        .collect())
}
