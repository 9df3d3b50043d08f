//! Weirhouse before a real Home Assistant, side by side in one run: reads, lag, streams, memory.
//!
//! Run it with `cargo xtask bench reader`, on a machine that is left alone: clients, Home Assistant and Weirhouse
//! share its processors. Nothing here can fail for being slow.

#![allow(
    clippy::future_not_send,
    reason = "clients share one thread, so that the rest of the machine is left to what is measured"
)]

mod bare;
mod clients;
mod engine;
mod home;
mod lag;
mod load;
mod mirror;
mod process;
mod reads;
mod shaping;
mod soak;
mod sockets;
mod streaming;
mod supervisor;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use tokio::task::LocalSet;

use home::Home;
use supervisor::Installation;

/// What the rules of the home publish, in batches of 100 ms.
const PUBLISHED: &str = "/v1/stream";

/// Every change, as soon as it is known.
const EVERY_CHANGE: &str = "/v1/stream?significance=none&entity=sensor.bench_*";

#[derive(Parser)]
struct Options {
    /// Sizes of homes
    #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000")]
    entities: Vec<usize>,
    /// Minutes under load at the end
    #[arg(long, default_value_t = 1.0)]
    soak_minutes: f64,
    /// Only these parts: mirror, reads, sockets, lag, streams, shaping, soak
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Among the reads, one through the proxy of this clone of the Supervisor
    #[arg(long, value_name = "CLONE")]
    supervisor: Option<PathBuf>,
    /// The socket of a Docker engine that runs a container `homeassistant`, for the Supervisor to ask; else one that
    /// answers at once is in its place
    #[arg(long, value_name = "SOCKET", requires = "supervisor")]
    docker: Option<PathBuf>,
    /// Be a server that does nothing, to compare with
    #[arg(long, hide = true)]
    bare: Option<SocketAddr>,
    /// Be the container engine of a Supervisor
    #[arg(long, hide = true)]
    engine: Option<PathBuf>,
    /// What `cargo bench` passes
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// What the Supervisor is made of, if there is to be one.
    fn installation(&self) -> Option<Installation<'_>> {
        Some(Installation {
            clone: self.supervisor.as_deref()?,
            docker: self.docker.as_deref(),
        })
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(address) = options.bare {
        return bare::serve(address);
    }
    if let Some(socket) = &options.engine {
        return engine::serve(socket);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, measure(&options))
}

async fn measure(options: &Options) -> Result<()> {
    let wanted = |part: &str| options.only.is_empty() || options.only.iter().any(|it| it == part);
    println!(
        "Load average before: {}",
        std::fs::read_to_string("/proc/loadavg")?.trim()
    );
    if wanted("mirror") {
        mirror::heading();
        for entities in &options.entities {
            let time = Duration::from_secs(10);
            mirror::measure(&Home::start(*entities)?, *entities, 500, time).await?;
        }
    }
    if wanted("reads") {
        for entities in &options.entities {
            reads::measure(
                &Home::start(*entities)?,
                *entities,
                options.installation().as_ref(),
            )
            .await?;
        }
    }
    if wanted("sockets") {
        for entities in &options.entities {
            sockets::measure(&Home::start(*entities)?, *entities).await?;
        }
        sockets::heading_of_lag();
        for entities in &options.entities {
            let home = Home::start(*entities)?;
            for (rate, seconds) in [(10, 15), (500, 10)] {
                sockets::lag(&home, *entities, rate, Duration::from_secs(seconds)).await?;
            }
        }
    }
    let (Some(fewest), Some(most)) = (options.entities.first(), options.entities.last()) else {
        return Ok(());
    };
    if wanted("lag") {
        lag::heading();
        for entities in [*fewest, *most] {
            let home = Home::start(entities)?;
            for stream in [EVERY_CHANGE, PUBLISHED] {
                for (rate, seconds) in [(10, 15), (500, 10)] {
                    let time = Duration::from_secs(seconds);
                    lag::measure(&home, entities, stream, rate, time).await?;
                }
            }
        }
    }
    if wanted("streams") {
        streaming::heading();
        let home = Home::start(*fewest)?;
        let short = Duration::from_secs(20);
        for (clients, stream, time) in [
            (1, EVERY_CHANGE, short),
            (200, PUBLISHED, short),
            (200, EVERY_CHANGE, short),
        ] {
            streaming::measure(&home, clients, stream, 500, time).await?;
        }
    }
    if wanted("shaping") {
        shaping::measure(&Home::start(*fewest)?).await?;
    }
    if wanted("soak") {
        let time = Duration::from_secs_f64(options.soak_minutes * 60.0);
        soak::measure(&Home::start(*fewest)?, *fewest, time).await?;
    }
    println!(
        "\nLoad average after: {}",
        std::fs::read_to_string("/proc/loadavg")?.trim()
    );
    Ok(())
}
