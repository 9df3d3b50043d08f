//! A plugin that makes other readings of readings: kilowatts of watts, and an attribute that the home does not have.

use weirhouse_plugin::{
    Claim, Derived, Description, Function, Observation, Pace, Plugin, Value, export,
};

#[derive(Default)]
struct Derive;

impl Plugin for Derive {
    fn describe() -> Description {
        Description::new("derive", "0.1.0", "Makes kilowatts of watts")
            .by("Weirhouse", "Apache-2.0")
            .claim(Claim::entities("sensor.derive_*"))
            .decides(Function::Transform)
            .decides(Function::Interval)
    }

    fn transform(&mut self, _now: u64, batch: &[Observation]) -> Result<Vec<Vec<Derived>>, String> {
        let derive = |seen: &Observation| match seen.number() {
            Some(watts) => vec![
                Derived {
                    attribute: None,
                    value: Value::Number(watts / 1000.0),
                },
                Derived {
                    attribute: Some("load".to_owned()),
                    value: Value::Text(if watts > 1000.0 { "high" } else { "low" }.to_owned()),
                },
            ],
            None => Vec::new(),
        };
        Ok(batch.iter().map(derive).collect())
    }

    fn intervals(&mut self, _now: u64, batch: &[Pace]) -> Result<Vec<Option<u32>>, String> {
        Ok(batch.iter().map(|pace| Some(pace.interval / 2)).collect())
    }
}

export!(Derive);
