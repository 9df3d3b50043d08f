//! `weirhouse plugin new`: a folder with a plugin that builds.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::exit::{Exit, Failure};
use super::super::output;
use crate::plugins::{Language, write_template};

/// Make a folder with a plugin that builds
#[derive(Debug, Args)]
pub(super) struct New {
    /// What to call it: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    name: String,
    /// The language
    #[arg(long)]
    lang: Language,
    /// Where the crate weirhouse-plugin lies, for Rust; the repository if not given
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let sdk = self.sdk.as_deref().map(std::path::absolute).transpose();
        let sdk = sdk.map_err(Failure::of(Exit::Usage))?;
        if let Some(sdk) = &sdk
            && !sdk.join("Cargo.toml").is_file()
        {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{} holds no crate: --sdk names the folder crates/sdk of a clone",
                    sdk.display()
                ),
            ));
        }
        let folder = write_template(self.lang, &self.name, Path::new("."), sdk.as_deref())
            .map_err(Failure::of(Exit::Usage))?;
        let module = self.name.replace('-', "_");
        let steps = match self.lang {
            Language::Rust => format!(
                "cargo test\ncargo build --release --target wasm32-unknown-unknown\n\
                 weirhouse plugin check target/wasm32-unknown-unknown/release/{module}.wasm"
            ),
            Language::Python => format!(
                "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n\
                 python3 -m unittest\n\
                 .venv/bin/componentize-py --wit-path wit componentize --stub-wasi app --output {}.wasm\n\
                 weirhouse plugin check {}.wasm",
                self.name, self.name
            ),
            Language::Js => format!(
                "npm install\nnpm test\nnpm run build\nweirhouse plugin check {}.wasm",
                self.name
            ),
        };
        let text = format!(
            "{} is made. Next, in that folder:\n\n{steps}\n",
            folder.display()
        );
        output::write(text.as_bytes())
    }
}
