//! `weirhouse serve` and `weirhouse demo`.

use clap::{ArgMatches, Args};
use weirhouse_runner::wit::schedule::{Class, Volatility};

use super::data_folder::{DEMO, HOME};
use super::exit::Failure;
use super::home_assistant::{HomeAssistantArgs, client_config, dialer};
use super::log::LogArgs;
use super::quantity::rate;
use super::service::{ServiceArgs, Source};
use super::settings::refused;
use crate::demo;
use crate::hub::Refresh;

/// Work for a Home Assistant until stopped
///
/// Connects, decides for every change whether it matters, publishes those that
/// do in batches, and answers the local API. When Home Assistant is away it
/// tries again until it is back.
#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(super) struct Serve {
    #[command(flatten)]
    home_assistant: HomeAssistantArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  weirhouse serve --ha-url http://homeassistant.local:8123 --ha-token-file ha.token
      the rules by device class
  weirhouse serve --ha-url … --ha-token-file … --absolute 0.5 --settle 10s
      where no such rule fits, half a unit counts, and the last value always arrives
  curl -H \"Authorization: Bearer $(cat DATA_DIR/token)\" http://127.0.0.1:8098/v1/stats
      ask the running instance";

/// Work for a simulated home until stopped
///
/// Everything but the home is real: the optimizer, the disk cache, the API and
/// the page. Equal settings give equal readings.
#[derive(Debug, Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub(super) struct Demo {
    /// Entities in the simulated home
    #[arg(long, value_name = "COUNT", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    entities: u32,
    /// Readings per second, all entities together
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = rate, allow_negative_numbers = true)]
    rate: f64,
    /// Another number gives other readings
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    service: ServiceArgs,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  weirhouse demo
      a home of 60 entities; open the address it prints
  weirhouse demo --entities 2000 --rate 500 --listen 127.0.0.1:9000
      a large and busy one, on another port";

impl Serve {
    pub(super) fn run(&self, log: &LogArgs, given: &ArgMatches) -> Result<(), Failure> {
        let mut sources = self
            .service
            .sources(HOME, Some(&self.home_assistant), log, given)?;
        let config = sources.read().map_err(|faults| refused(&faults))?;
        let home = client_config(&config.home_assistant)?;
        let source = Source::HomeAssistant {
            link: Box::new(home),
            dialer: Box::new(dialer(&config.home_assistant)?),
        };
        self.service.run(source, sources, config)
    }
}

impl Demo {
    pub(super) fn run(&self, log: &LogArgs, given: &ArgMatches) -> Result<(), Failure> {
        let mut sources = self.service.sources(DEMO, None, log, given)?;
        // To be seen being refreshed.
        sources.settings.refresh_by_default(
            "device_tracker.phone",
            Refresh::Class(Class::Gps, Volatility::High),
        );
        let config = sources.read().map_err(|faults| refused(&faults))?;
        let source = Source::Simulated(demo::Settings {
            entities: self.entities as usize,
            rate_hz: self.rate,
            seed: self.seed,
        });
        self.service.run(source, sources, config)
    }
}
