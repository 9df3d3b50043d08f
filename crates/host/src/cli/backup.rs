//! `weirhouse backup`: what a backup of a running instance needs before and
//! after it.

use std::time::Duration;

use axum::http::{Method, Request};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::exit::{Exit, Failure};
use super::local::{self, InstanceArgs};
use super::output::tell;
use crate::data_dir::read_token;

/// Longest wait for the disk; the Supervisor waits for its hooks.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// Make the data folder fit to be copied while an instance uses it
#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Write down what was learned, and leave a copy of the disk cache
    ///
    /// Then copy the data folder, without `l2.redb`: a start without it takes
    /// the copy.
    Prepare(InstanceArgs),
    /// Remove the copy of the disk cache again
    Finish(InstanceArgs),
}

impl Backup {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let (done, instance, method) = match &self.step {
            Step::Prepare(instance) => (
                "the data folder can be copied now, without l2.redb",
                instance,
                Method::POST,
            ),
            Step::Finish(instance) => (
                "the copy of the disk cache is removed",
                instance,
                Method::DELETE,
            ),
        };
        ask(instance, method)?;
        tell(done);
        Ok(())
    }
}

/// Has the instance take the step, with the owner's token.
fn ask(instance: &InstanceArgs, method: Method) -> Result<(), Failure> {
    let folder = instance.folder()?;
    let token = read_token(&folder.join("token"))
        .map_err(Failure::of(Exit::DataFolder))?
        .ok_or_else(|| {
            Failure::new(
                Exit::DataFolder,
                format!(
                    "{} holds no token: no instance has run there; name its data folder with --data-dir",
                    folder.display()
                ),
            )
        })?;
    let address = instance.address();
    let nobody = local::nobody(address);
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{address}/v1/backup"))
        .header("Authorization", format!("Bearer {}", token.expose()))
        .body(())
        .map_err(Failure::of(Exit::Unexpected))?;
    let mut response = local::agent(TIME_LIMIT).run(request).map_err(&nobody)?;
    if response.status().is_success() {
        return Ok(());
    }
    let problem = response.body_mut().read_to_string().map_err(&nobody)?;
    let said: Option<Value> = serde_json::from_str(&problem).ok();
    let detail = said.as_ref().and_then(|said| said.get("detail")?.as_str());
    Err(Failure::new(
        Exit::Unexpected,
        format!(
            "{address} refuses: {}",
            detail.unwrap_or("it does not answer as Weirhouse does; check the port")
        ),
    ))
}
