//! `weirhouse plugin list`: what is in the folder, and what was said of it.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;
use weirhouse_runner::Engine;

use super::super::exit::{Exit, Failure};
use super::super::output;
use super::WhereArgs;
use crate::plugins::{Compiler, Entry, Installed, Register};

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
        let engine = Engine::new().map_err(Failure::of(Exit::Optimizer))?;
        let compiler = Compiler::of_this_program(folder.clone());
        let mut rows = Vec::new();
        for path in folder.components().map_err(Failure::of(Exit::DataFolder))? {
            let installed = Installed::at(&path).map_err(Failure::of(Exit::DataFolder))?;
            rows.push(Row::of(&compiler, &engine, &register, &installed));
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
}

impl Row {
    fn of(
        compiler: &Compiler,
        engine: &Engine,
        register: &Register,
        installed: &Installed,
    ) -> Self {
        let stem = installed.path.file_stem().unwrap_or_default();
        let mut row = Self {
            name: stem.to_string_lossy().into_owned(),
            version: String::new(),
            sha256: installed.sha256.clone(),
            state: String::new(),
            summary: String::new(),
            granted: Vec::new(),
        };
        let package = match compiler.load(engine, &installed.path) {
            Ok(made) => made.package,
            Err(error) => {
                "refused".clone_into(&mut row.state);
                row.summary = error.to_string();
                return row;
            }
        };
        let about = package.description();
        row.name.clone_from(&about.name);
        row.version.clone_from(&about.version);
        row.summary.clone_from(&about.summary);
        let entry = register
            .get(&row.name)
            .cloned()
            .unwrap_or_else(|| Entry::new(&row.name));
        row.granted.clone_from(&entry.granted);
        let granted = entry.capabilities();
        let needs = package.needs().unwrap_or_default();
        let lacking: Vec<String> = needs
            .iter()
            .filter(|it| !granted.contains(it))
            .map(ToString::to_string)
            .collect();
        row.state = match &entry.quarantine {
            _ if !entry.enabled => "disabled".to_owned(),
            _ if !lacking.is_empty() => format!("needs {}", lacking.join(",")),
            Some(quarantine) if quarantine.sha256 == row.sha256 => {
                row.summary.clone_from(&quarantine.fault);
                "quarantined".to_owned()
            }
            _ => "enabled".to_owned(),
        };
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
