//! Which entities to refresh, and how often, as people type it.

use std::time::Duration;

use clap::Args;
use weirhouse_runner::wit::schedule::{Class, Volatility};

use super::quantity::span;
use crate::config::{Config, Origin};
use crate::hub::Refresh;

/// The optimizer refuses less, for Home Assistant's sake. Checked here as well,
/// so that the message names the entity and nothing is started before.
const INTERVAL_MIN: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Refreshing")]
pub(super) struct RefreshArgs {
    /// Ask Home Assistant to refresh an entity this often: sensor.meter=60s
    ///
    /// In place of a span, a class with its volatility: gps, walk, feeding,
    /// health, weather or other, then high, medium or low, as in
    /// weather.home=weather:low. Turn polling off for the entity's integration
    /// in Home Assistant, or both will poll. At least 15s. May be repeated.
    #[arg(long = "refresh", value_name = "ENTITY=SPAN", value_parser = refresh)]
    refresh: Vec<(String, Refresh)>,
}

impl RefreshArgs {
    /// Puts what was given in place of what the configuration says.
    pub(super) fn apply(&self, config: &mut Config) {
        if self.refresh.is_empty() {
            return;
        }
        config.hub.refresh.clone_from(&self.refresh);
        for index in 1..=self.refresh.len() {
            config.note(&format!("refresh[{index}]"), Origin::Flag("--refresh"));
        }
    }
}

fn refresh(text: &str) -> Result<(String, Refresh), String> {
    let (entity, interval) = text
        .split_once('=')
        .filter(|(entity, _)| entity.contains('.'))
        .ok_or("write an entity, an equals sign and a span, such as sensor.meter=60s")?;
    if let Some(refresh) = class(interval) {
        return Ok((entity.to_owned(), refresh));
    }
    let interval = span(interval)
        .map_err(|error| format!("{error}; or a class, such as weather or gps:high"))?;
    if interval < INTERVAL_MIN {
        return Err(format!(
            "an interval must be at least {} s",
            INTERVAL_MIN.as_secs()
        ));
    }
    Ok((entity.to_owned(), Refresh::Every(interval)))
}

fn class(text: &str) -> Option<Refresh> {
    let (class, volatility) = text.split_once(':').unwrap_or((text, "medium"));
    let class = match class {
        "gps" => Class::Gps,
        "walk" => Class::Walk,
        "feeding" => Class::Feeding,
        "health" => Class::Health,
        "weather" => Class::Weather,
        "other" => Class::Other,
        _ => return None,
    };
    let volatility = match volatility {
        "high" => Volatility::High,
        "medium" => Volatility::Medium,
        "low" => Volatility::Low,
        _ => return None,
    };
    Some(Refresh::Class(class, volatility))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_classes_are_told_apart() {
        for (text, expected) in [
            ("sensor.a=90s", Refresh::Every(Duration::from_secs(90))),
            (
                "sensor.a=weather",
                Refresh::Class(Class::Weather, Volatility::Medium),
            ),
            (
                "sensor.a=gps:high",
                Refresh::Class(Class::Gps, Volatility::High),
            ),
        ] {
            assert_eq!(refresh(text), Ok(("sensor.a".to_owned(), expected)));
        }
        for bad in [
            "sensor.a",
            "=90s",
            "meter=90s",
            "sensor.a=",
            "sensor.a=90",
            "sensor.a=14s",
            "sensor.a=gps:wild",
        ] {
            assert!(refresh(bad).is_err(), "{bad}");
        }
    }
}
