//! `weirhouse plugin list`: what is in the folder, and what was said of it.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::super::exit::{Exit, Failure};
use super::super::output;
use super::WhereArgs;
use super::shelf::{Shelved, shelved};
use crate::plugins::{Entry, PluginState, Register, lacking, obstacle};

/// List the plugins of the folder
#[derive(Debug, Args)]
pub(super) struct List {
    /// One JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: WhereArgs,
}

impl List {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let folder = self.place.folder()?;
        let register = Register::read(&folder).map_err(Failure::of(Exit::DataFolder))?;
        let mut rows = Vec::<Row>::new();
        for file in shelved(&folder)? {
            let name = file.name();
            let taken = rows.iter().any(|row| row.works && row.name == name);
            rows.push(Row::of(&register, &file, taken));
        }
        rows.sort_by_key(|row| (register.place(&row.name), row.name.clone()));
        let mut text = String::new();
        if self.json {
            for row in &rows {
                let _ = writeln!(text, "{}", row.as_json());
            }
        } else if rows.is_empty() {
            let _ = writeln!(text, "there are no plugins in {}", folder.path().display());
        } else {
            let width = rows
                .iter()
                .map(|row| row.name.len())
                .max()
                .unwrap_or(0)
                .max(4);
            let _ = writeln!(
                text,
                "{:width$}  {:8}  {:12}  {:28}  what",
                "name", "version", "sha256", "state"
            );
            for row in &rows {
                let hash = row.sha256.get(..12).unwrap_or_default();
                let _ = writeln!(
                    text,
                    "{:width$}  {:8}  {hash:12}  {:28}  {}",
                    row.name, row.version, row.state, row.summary
                );
            }
        }
        output::write(text.as_bytes())
    }
}

/// A plugin as the folder and the register have it.
struct Row {
    name: String,
    version: String,
    sha256: String,
    state: String,
    summary: String,
    granted: Vec<String>,
    /// Whether a running instance asks it.
    works: bool,
}

impl Row {
    /// What a running instance makes of a file; `taken` if another has its name.
    fn of(register: &Register, file: &Shelved, taken: bool) -> Self {
        let mut row = Self {
            name: file.name(),
            version: String::new(),
            sha256: file.sha256.clone(),
            state: String::new(),
            summary: String::new(),
            granted: Vec::new(),
            works: false,
        };
        let package = match &file.package {
            Ok(package) => package,
            Err(reason) => {
                "refused".clone_into(&mut row.state);
                row.summary.clone_from(reason);
                return row;
            }
        };
        let about = package.description();
        row.version.clone_from(&about.version);
        row.summary.clone_from(&about.summary);
        let noted = register.get(&row.name).cloned();
        let entry = noted.unwrap_or_else(|| Entry::new(&row.name));
        let Some((state, message)) = obstacle(package, &entry, &row.sha256, taken) else {
            row.granted = entry.granted;
            "enabled".clone_into(&mut row.state);
            row.works = true;
            return row;
        };
        row.state = match state {
            PluginState::Disabled => "disabled".to_owned(),
            PluginState::NeedsGrants => format!("needs {}", lacking(package, &entry).join(",")),
            PluginState::Quarantined => "quarantined".to_owned(),
            PluginState::Refused | PluginState::Working => "refused".to_owned(),
        };
        // Which grants it needs stands there already.
        if state != PluginState::NeedsGrants
            && let Some(message) = message
        {
            row.summary = message;
        }
        row.granted = entry.granted;
        row
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "name": self.name,
            "version": self.version,
            "sha256": self.sha256,
            "state": self.state,
            "summary": self.summary,
            "granted": self.granted,
        })
    }
}
