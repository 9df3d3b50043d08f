//! `weirhouse token`: tokens of the API.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use serde_json::json;

use super::data_folder::{DataFolderArgs, HOME};
use super::exit::{Exit, Failure};
use super::output::{self, note};
use crate::access::{OWNER, Scope, Scopes, TokenFile, TokenRecord, TokensLock};

/// Make, list and revoke tokens of the API
///
/// A running instance takes notice at once; it need not run. Besides these
/// tokens there is the owner's, in the file `token` of the data folder, which
/// may do everything: delete that file to end it, and start anew for another.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  weirhouse token create --name node-red --scope read --scope cache
      prints the token, which is shown this once
  weirhouse token create --name guest --scope read --expires 7d
  weirhouse token revoke guest";

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it: it is shown this once
    Create {
        /// What to call it
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it may do; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<Scope>,
        /// How long it is valid, for example 30d; for ever if not given
        #[arg(long, value_name = "SPAN", value_parser = super::quantity::span)]
        expires: Option<Duration>,
        #[command(flatten)]
        folder: DataFolderArgs,
    },
    /// List all tokens, without their secrets
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        folder: DataFolderArgs,
    },
    /// End a token
    Revoke {
        /// Its name or id
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        folder: DataFolderArgs,
    },
}

impl Token {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match &self.action {
            Action::Create {
                name,
                scopes,
                expires,
                folder,
            } => create(&existing(folder)?, name, scopes, *expires),
            Action::List { json, folder } => list(&existing(folder)?, *json),
            Action::Revoke { name, folder } => revoke(&existing(folder)?, name),
        }
    }
}

fn create(
    folder: &Path,
    name: &str,
    scopes: &[Scope],
    expires: Option<Duration>,
) -> Result<(), Failure> {
    let scopes: Scopes = scopes.iter().copied().collect();
    let now = SystemTime::now();
    let end = expires.map(|life| end_of(now, life)).transpose()?;
    let lock = TokensLock::take(folder).map_err(Failure::of(Exit::DataFolder))?;
    let secret = lock
        .create(name, scopes, now, end)
        .map_err(Failure::of(Exit::Usage))?;
    output::write(format!("{}\n", secret.expose()).as_bytes())?;
    note(&format!(
        "token `{name}` with scope {scopes}; keep it now, it is not shown again"
    ));
    Ok(())
}

/// When a life that begins now ends, if that can be written: a date has a year of four digits.
fn end_of(now: SystemTime, life: Duration) -> Result<SystemTime, Failure> {
    now.checked_add(life)
        .filter(|end| {
            let since_1970 = end.duration_since(SystemTime::UNIX_EPOCH);
            since_1970.is_ok_and(|since| since <= LAST_DATE)
        })
        .ok_or_else(|| Failure::new(Exit::Usage, "--expires is too far away; leave it out"))
}

/// From 1970 to the last second of the year 9999.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_799);

fn list(folder: &Path, as_json: bool) -> Result<(), Failure> {
    let file = TokenFile::read(folder).map_err(Failure::of(Exit::DataFolder))?;
    let mut text = String::new();
    if as_json {
        for token in file.records() {
            let line = json!({
                "id": token.id,
                "name": token.name,
                "scopes": token.scopes,
                "created": token.created,
                "expires": token.expires,
                "expired": token.is_expired(SystemTime::now()),
            });
            let _ = writeln!(text, "{line}");
        }
    } else {
        table(&mut text, file.records());
    }
    output::write(text.as_bytes())
}

fn table(text: &mut String, tokens: &[TokenRecord]) {
    let names = tokens.iter().map(|token| token.name.len());
    let width = names.max().unwrap_or(0).max("name".len());
    let scopes = tokens.iter().map(|token| token.scopes.to_string().len());
    let scopes = scopes.max().unwrap_or(0).max("scopes".len());
    let mut line = |id: &str, name: &str, what: &str, created: &str, expires: &str| {
        let _ = writeln!(
            text,
            "{name:width$}  {id:8}  {what:scopes$}  {created:20}  {expires}"
        );
    };
    line("id", "name", "scopes", "created", "expires");
    line("", OWNER, "admin", "", "with the file `token`");
    for token in tokens {
        let expires = token.expires.map_or_else(
            || "never".to_owned(),
            |at| {
                let over = if token.is_expired(SystemTime::now()) {
                    " (over)"
                } else {
                    ""
                };
                format!("{at}{over}")
            },
        );
        let what = token.scopes.to_string();
        line(
            &token.id,
            &token.name,
            &what,
            &token.created.to_string(),
            &expires,
        );
    }
}

fn revoke(folder: &Path, name: &str) -> Result<(), Failure> {
    if name == OWNER {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "the owner's token is the file {}: delete it, and start the instance anew for another",
                folder.join("token").display()
            ),
        ));
    }
    let lock = TokensLock::take(folder).map_err(Failure::of(Exit::DataFolder))?;
    let revoked = lock.revoke(name).map_err(Failure::of(Exit::DataFolder))?;
    let Some(token) = revoked else {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "there is no token `{name}` in {}; `weirhouse token list` names those there are",
                folder.display()
            ),
        ));
    };
    note(&format!("token `{}` ({}) is revoked", token.name, token.id));
    Ok(())
}

/// The data folder, which an instance has made.
fn existing(folder: &DataFolderArgs) -> Result<PathBuf, Failure> {
    let path = folder.path(HOME)?;
    if path.is_dir() {
        return Ok(path);
    }
    Err(Failure::new(
        Exit::DataFolder,
        format!(
            "there is no data folder {}: start an instance once, or name its folder with --data-dir",
            path.display()
        ),
    ))
}
