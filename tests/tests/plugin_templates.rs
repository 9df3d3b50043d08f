//! What `weirhouse plugin new` writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use weirhouse_tests::{component, plugin};

/// The files below a folder, by their path in it; none that tools left there.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                if !path.ends_with("__pycache__") {
                    left.push(path);
                }
            } else {
                let text = std::fs::read_to_string(&path)?;
                found.insert(path.strip_prefix(folder)?.to_owned(), text);
            }
        }
    }
    Ok(found)
}

#[test]
fn an_empty_folder_becomes_a_project_and_nothing_is_overwritten() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for language in ["rust", "python", "js"] {
        let name = format!("calm-{language}");
        let new = |name: &str| {
            let program = component::program_path()?;
            let output = std::process::Command::new(program)
                .current_dir(folder.path())
                .args(["plugin", "new", "--lang", language, name])
                .output()?;
            anyhow::Ok(output)
        };
        let output = new(&name)?;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut made = files(&folder.path().join(&name))?;
        for (path, text) in &made {
            assert!(!text.contains("{{"), "{name}: {}: {text}", path.display());
        }
        // Without a file of the interface, no tool builds the plugin.
        if language != "rust" {
            for (path, text) in files(&plugin::interface())? {
                let path = Path::new("wit/deps/weirhouse-plugin").join(path);
                let written = made.remove(&path);
                assert_eq!(written, Some(text), "{name}: {}", path.display());
            }
        }
        let template = files(&plugin::template(language))?;
        let mut template: Vec<PathBuf> = template.into_keys().collect();
        for path in &mut template {
            if path.extension().is_some_and(|it| it == "in") {
                path.set_extension("");
            }
        }
        template.sort();
        let rest: Vec<PathBuf> = made.into_keys().collect();
        assert_eq!(rest, template, "{name}");
        assert_eq!(new(&name)?.status.code(), Some(2), "it is there already");
        assert_eq!(new("../Calm")?.status.code(), Some(2), "that is no name");
    }
    Ok(())
}
