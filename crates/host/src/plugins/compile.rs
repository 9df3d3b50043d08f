//! Machine code of plugins: made by a child process, so that this one carries no
//! compiler, and kept by the hash of what it was made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use weirhouse_runner::Engine;
use weirhouse_runner::plugin::{Package, Refused};

use super::folder::{Folder, FolderError, sha256};

/// The program that compiles, and where it puts what it made.
#[derive(Debug, Clone)]
pub struct Compiler {
    program: PathBuf,
    folder: Folder,
}

/// Why a file is of no use as a plugin.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The file or the folder of machine code.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The compiler is not where it should be.
    #[error("cannot run the compiler {}: {source}; it belongs beside the program, or name it with WEIRHOUSE_COMPILE", program.display())]
    Compiler {
        /// Where it was looked for.
        program: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is no component.
    #[error("{0}")]
    NotCompiled(String),
    /// It is a component, and no plugin for this program.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A plugin that was loaded, with the bytes of its component.
pub struct Made {
    /// The plugin.
    pub package: Package,
    /// Its component, as it is to be installed.
    pub component: Vec<u8>,
    /// SHA-256 of that.
    pub sha256: String,
    /// Where its machine code lies.
    pub machine_code: PathBuf,
}

impl Compiler {
    /// The compiler beside this program, or the one named in the environment.
    pub fn of_this_program(folder: Folder) -> Self {
        let named = std::env::var_os("WEIRHOUSE_COMPILE").map(PathBuf::from);
        let program = named.unwrap_or_else(|| {
            let this = std::env::current_exe().unwrap_or_default();
            let beside = this.with_file_name("weirhouse-compile");
            let built = this.ancestors().find(|it| it.ends_with("target"));
            match built.map(|target| target.join("tool/weirhouse-compile")) {
                Some(built) if !beside.exists() && built.exists() => built,
                _ => beside,
            }
        });
        Self { program, folder }
    }

    /// Loads a component, compiled now unless that was done before. A core
    /// module that describes a component counts as one.
    pub fn load(&self, engine: &Engine, path: &Path) -> Result<Made, CompileError> {
        self.folder.make()?;
        let bytes = fs::read(path).map_err(FolderError::at("read", path))?;
        if !bytes.starts_with(b"\0asm") {
            return Err(CompileError::NotCompiled(
                "it is no WebAssembly: is it the .wasm file that your build made?".to_owned(),
            ));
        }
        let hash = sha256(&bytes);
        let component = self.folder.compiled().join(&hash).with_extension("wasm");
        let machine_code = component.with_extension("cwasm");
        if machine_code.exists() && component.exists() {
            match Package::load(engine, &machine_code) {
                // Of another version of this program, or for another processor.
                Err(Refused::Load { .. }) => {}
                loaded => return made(loaded?, &component),
            }
        }
        self.compile(path, &component, &machine_code)?;
        made(Package::load(engine, &machine_code)?, &component)
    }

    fn compile(
        &self,
        path: &Path,
        component: &Path,
        machine_code: &Path,
    ) -> Result<(), CompileError> {
        let output = Command::new(&self.program)
            .arg(path)
            .arg("--component")
            .arg(component)
            .arg("--output")
            .arg(machine_code)
            // What it says is shown to users.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .output();
        let output = output.map_err(|source| CompileError::Compiler {
            program: self.program.clone(),
            source,
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let lines = said.trim().trim_start_matches("Error: ").lines();
        let lines: Vec<&str> = lines
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let said = lines.join(" ");
        Err(CompileError::NotCompiled(said.chars().take(300).collect()))
    }

    /// Removes machine code that none of these components needs.
    pub(super) fn tidy(&self, needed: &[String]) {
        let Ok(entries) = fs::read_dir(self.folder.compiled()) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path
                .file_stem()
                .and_then(|it| it.to_str())
                .unwrap_or_default();
            if !needed.iter().any(|hash| hash == name) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn made(package: Package, component: &Path) -> Result<Made, CompileError> {
    let bytes = fs::read(component).map_err(FolderError::at("read", component))?;
    Ok(Made {
        package,
        sha256: sha256(&bytes),
        machine_code: component.with_extension("cwasm"),
        component: bytes,
    })
}
