//! `weirhouse record`: the changes of a Home Assistant as a trace file.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use weirhouse_hass::{Client, Event, Timestamp};

use super::exit::{Exit, Failure};
use super::home_assistant::{HomeAssistantArgs, refused};
use super::output::note;
use super::quantity::span;
use super::recorder::Recorder;
use super::stop;
use crate::trace::{Header, Writer};

/// Write the changes of a Home Assistant to a trace file
///
/// Records until stopped, or until a limit is reached. The file holds entity
/// ids, states and attributes, and thereby much about a household: look
/// through it before you give it to anyone.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Record {
    /// The trace file to write; it must not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Stop after this many changes
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    changes: Option<u64>,
    /// Stop after this time, for example 10m or 24h
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    duration: Option<Duration>,
    #[command(flatten)]
    home_assistant: HomeAssistantArgs,
}

const EXAMPLES: &str = "\
Example:
  weirhouse record --ha-url http://homeassistant.local:8123 --ha-token-file ha.token \\
      --out day.trace --for 24h
  weirhouse replay day.trace";

/// How often progress is told where there is no terminal.
const TELL_EVERY: Duration = Duration::from_mins(1);

impl Record {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.out.exists() {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{} exists already; name another file with --out, or move that one away",
                    self.out.display()
                ),
            ));
        }
        // Told before a connection is made, not after the first states came.
        let folder = self
            .out
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "there is no folder {} for the trace; make it, or name a file elsewhere with --out",
                    folder.display()
                ),
            ));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::of(Exit::Unexpected))?;
        runtime.block_on(self.record())
    }

    async fn record(&self) -> Result<(), Failure> {
        let config = self.home_assistant.client_config()?;
        let mut stop = stop::on_signal()?;
        let (client, mut events) = Client::connect(config).map_err(Failure::of(Exit::Usage))?;
        let outcome = match first_states(&mut events, &mut stop).await {
            Ok(Some((version, states))) => {
                self.follow(&version, states, &mut events, &mut stop).await
            }
            Ok(None) => {
                note("stopped before any states came; no trace was written");
                Ok(())
            }
            Err(failure) => Err(failure),
        };
        drop(events);
        client.shutdown().await;
        outcome
    }

    /// Writes until a limit, a signal or the end of the link.
    async fn follow(
        &self,
        version: &str,
        states: weirhouse_hass::Snapshot,
        events: &mut mpsc::Receiver<Event>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let unwritten = Failure::of(Exit::Unexpected);
        let header = Header {
            // The address is nobody's business who gets the trace.
            source: format!("Home Assistant {version}"),
            started: now().to_string(),
        };
        let writer = Writer::create(&self.out, &header).map_err(Failure::of(Exit::Usage))?;
        let mut recorder = Recorder::start(writer, states).map_err(&unwritten)?;
        note(&format!(
            "recording {} entities to {}; Ctrl-C ends it",
            recorder.entities(),
            self.out.display()
        ));
        let started = Instant::now();
        let end = self.duration.and_then(|span| started.checked_add(span));
        let most = self.changes.unwrap_or(u64::MAX);
        let progress = Progress::start(self.changes);
        let mut tell = tokio::time::interval_at(started + TELL_EVERY, TELL_EVERY);
        let outcome = loop {
            let event = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break Ok(()),
                () = until(end) => break Ok(()),
                _ = tell.tick(), if progress.bar.is_none() => {
                    let seconds = started.elapsed().as_secs();
                    progress.note(&format!("{} changes after {seconds} s", recorder.written()));
                    continue;
                }
                event = events.recv() => event,
            };
            let at = started.elapsed();
            match event {
                Some(Event::Changes(changes)) => {
                    let full = recorder.changes(changes, at, most).map_err(&unwritten)?;
                    progress.set(recorder.written());
                    if full {
                        break Ok(());
                    }
                }
                Some(Event::Snapshot(states)) => {
                    recorder.snapshot(states, at).map_err(&unwritten)?;
                }
                Some(Event::Disconnected { reason, retry_in }) => progress.note(&format!(
                    "{reason}; next attempt in {} s, what changes meanwhile is missed",
                    retry_in.as_secs_f32().ceil()
                )),
                Some(Event::Rejected { message }) => break Err(refused(&message)),
                Some(_) => {}
                None => {
                    break Err(Failure::new(
                        Exit::HomeAssistant,
                        "the link to Home Assistant has ended",
                    ));
                }
            }
        };
        progress.clear();
        recorder.finish().map_err(&unwritten)?;
        note(&format!(
            "{} changes of {} entities in {:.0} s written to {}",
            recorder.written(),
            recorder.entities(),
            started.elapsed().as_secs_f64(),
            self.out.display()
        ));
        outcome
    }
}

/// Waits for the first states; `None` when stopped before. Nothing is tried
/// twice: who starts a recording wants to know at once that it does not work.
async fn first_states(
    events: &mut mpsc::Receiver<Event>,
    stop: &mut watch::Receiver<bool>,
) -> Result<Option<(String, weirhouse_hass::Snapshot)>, Failure> {
    let mut version = String::new();
    loop {
        let event = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return Ok(None),
            event = events.recv() => event,
        };
        match event {
            Some(Event::Connected { ha_version }) => version = ha_version.unwrap_or_default(),
            Some(Event::Snapshot(states)) => return Ok(Some((version, states))),
            Some(Event::Disconnected { reason, .. }) => {
                return Err(Failure::new(Exit::HomeAssistant, reason));
            }
            Some(Event::Rejected { message }) => return Err(refused(&message)),
            Some(_) => {}
            None => {
                return Err(Failure::new(
                    Exit::HomeAssistant,
                    "the link to Home Assistant has ended",
                ));
            }
        }
    }
}

fn now() -> Timestamp {
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_micros(age.map_or(0, |age| age.as_micros() as i64))
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// A bar on a terminal, a line a minute elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    fn start(most: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let (bar, template) = match most {
                Some(most) => (
                    ProgressBar::new(most),
                    "recording {wide_bar} {pos}/{len} changes, {elapsed}",
                ),
                None => (
                    ProgressBar::new_spinner(),
                    "recording {spinner} {pos} changes, {elapsed}",
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { bar }
    }

    fn set(&self, changes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(changes);
        }
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(text)),
            None => note(text),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
