//! `cargo xtask plugins`: the plugins among the examples, and those that tests need, as components.
//!
//! A folder of `examples/plugins` is a plugin named as the folder. What it is written in shows in what lies there:
//! `Cargo.toml`, `package.json`, or `requirements.txt`. Plugins for tests are below `tests/plugins`: each example of the
//! package `hostile`, and packages that are held to a released WIT. What `weirhouse plugin new` writes is built as well, as
//! `template-LANGUAGE`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::encoding;
use crate::fingerprint;
use crate::progress::{note, step};
use crate::provided;
use crate::wasm_target::WasmTarget;
use crate::workspace::{Workspace, output, shown};

/// What a plugin may import: only what the host offers to plugins.
const OFFERED: &str = "weirhouse:plugin/";

/// How the names of what authors start from begin.
const TEMPLATE: &str = "template-";

/// What was built.
pub(crate) struct Plugins {
    /// Folder of the components, each `NAME.wasm`.
    pub(crate) folder: PathBuf,
    /// Why those in JavaScript and Python are not there, if they are not.
    pub(crate) lacking: Option<String>,
}

/// Builds all, and names each with its size.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let target = WasmTarget::provide(workspace)?;
    let plugins = build(workspace, &target, &provided::plugins(workspace))?;
    for component in sorted(&plugins.folder)? {
        if component.extension().is_some_and(|kind| kind == "wasm") {
            let bytes = fs::metadata(&component)?.len();
            let kib = bytes.div_ceil(1024);
            note(&format!("{} ({kib} KiB)", component.display()));
        }
    }
    if let Some(lacking) = plugins.lacking {
        note(&format!(
            "those in JavaScript and Python are left out: {lacking}"
        ));
        if provided::requires_all() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds whatever is not up to date, with what makes those in JavaScript and Python.
pub(crate) fn build(
    workspace: &Workspace,
    target: &WasmTarget,
    tools: &Result<PathBuf>,
) -> Result<Plugins> {
    let folder = workspace.out_dir()?.join("plugins");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for source in packages(workspace)? {
        rust(workspace, target, &source, &folder)?;
    }
    let mut others = examples(workspace)?;
    others.retain(|source| !is_package(source));
    for language in ["js", "python"] {
        others.push(render_template(workspace, language)?);
    }
    let lacking = match tools {
        Ok(tools) => {
            for source in &others {
                with_tools(workspace, tools, source, &folder)?;
            }
            None
        }
        Err(lacking) => {
            // Nobody can tell whether what was built once is up to date.
            for source in &others {
                let _ = fs::remove_file(product(&folder, &name(source)));
            }
            Some(format!("{lacking:#}"))
        }
    };
    Ok(Plugins { folder, lacking })
}

/// Folders of the plugins in Rust, each a workspace of its own.
pub(crate) fn packages(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut for_tests = sorted(&workspace.root.join("tests/plugins"))?;
    for_tests.retain(|source| is_package(source));
    Ok([with_tests(workspace)?, for_tests].concat())
}

/// Folders of those in Rust that have tests of their own: the examples, and what authors start from.
pub(crate) fn with_tests(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut packages = examples(workspace)?;
    packages.retain(|source| is_package(source));
    let template = render_template(workspace, "rust")?;
    keep_versions(workspace, &template)?;
    packages.push(template);
    Ok(packages)
}

/// Gives a new package the versions that an example was tried with: those of the day may be others.
fn keep_versions(workspace: &Workspace, package: &Path) -> Result<()> {
    const EXAMPLE: &str = "kalman-power";
    let lock = package.join("Cargo.lock");
    if lock.exists() {
        return Ok(());
    }
    let tried = workspace
        .root
        .join("examples/plugins")
        .join(EXAMPLE)
        .join("Cargo.lock");
    let text = fs::read_to_string(&tried)
        .with_context(|| format!("cannot read {}", tried.display()))?
        .replace(&format!("{EXAMPLE:?}"), &format!("{:?}", name(package)));
    fs::write(&lock, text).with_context(|| format!("cannot write {}", lock.display()))
}

fn examples(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    sorted(&workspace.root.join("examples/plugins"))
}

fn is_package(source: &Path) -> bool {
    source.join("Cargo.toml").exists()
}

/// How to keep to the versions in a package's lock file. An author's new folder has none.
pub(crate) fn lock(source: &Path) -> Option<&'static str> {
    (!is_template(source)).then_some("--locked")
}

/// Whether it is what authors start from, with a name put in.
pub(crate) fn is_template(source: &Path) -> bool {
    name(source).starts_with(TEMPLATE)
}

/// Where the packages are built: another workspace's products are none of ours.
pub(crate) fn target_dir(workspace: &Workspace) -> PathBuf {
    workspace.target.join("plugins")
}

/// Builds a package: its library, and each of its examples as `PACKAGE-EXAMPLE`.
fn rust(workspace: &Workspace, target: &WasmTarget, source: &Path, folder: &Path) -> Result<()> {
    let name = name(source);
    let messages = step(&format!("building the plugin {name}"), || {
        output(
            target
                .cargo_in(source, workspace, "build")
                .args(["--release", "--lib", "--examples"])
                .args(lock(source))
                .arg("--message-format=json-render-diagnostics")
                .arg("--target-dir")
                .arg(target_dir(workspace)),
        )
    })?;
    for (example, module) in modules(&messages) {
        let name = example.map_or(name.clone(), |example| format!("{name}-{example}"));
        let wasm = product(folder, &name);
        fingerprint::make(&wasm, &[&module], env!("CARGO_PKG_VERSION"), || {
            let component = encoding::encode(&module)?;
            check_imports(&name, &component)?;
            fs::write(&wasm, &component).with_context(|| format!("cannot write {}", wasm.display()))
        })?;
    }
    Ok(())
}

/// The modules that cargo says it built; an example's with its name.
fn modules(messages: &str) -> Vec<(Option<String>, PathBuf)> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let target = &message["target"];
            let example = target["kind"][0] == "example";
            let files = message["filenames"].as_array()?;
            let module = files.iter().filter_map(Value::as_str).find(|file| {
                Path::new(file)
                    .extension()
                    .is_some_and(|kind| kind == "wasm")
            })?;
            let name = target["name"].as_str().filter(|_| example);
            Some((name.map(str::to_owned), PathBuf::from(module)))
        })
        .collect()
}

/// Builds a plugin in JavaScript or Python with the tool that makes a component of it.
fn with_tools(workspace: &Workspace, tools: &Path, source: &Path, folder: &Path) -> Result<()> {
    let name = name(source);
    let wit = assemble_wit(workspace, source)?;
    let wasm = product(folder, &name);
    let mut command = if source.join("package.json").exists() {
        let mut tool = Command::new(tools.join("node_modules/.bin/componentize-qjs"));
        tool.arg("--wit").arg(&wit);
        tool.args(["--js", "plugin.js", "--sync", "--stub-wasi", "--output"]);
        tool
    } else if source.join("requirements.txt").exists() {
        let mut tool = Command::new(tools.join("venv/bin/componentize-py"));
        tool.arg("--wit-path").arg(&wit);
        tool.args(["componentize", "--stub-wasi", "app", "--output"]);
        tool
    } else {
        bail!(
            "{} is no plugin: it has no Cargo.toml, package.json or requirements.txt",
            source.display()
        );
    };
    command.current_dir(source).arg(&wasm);
    let inputs = [files(source)?, files(&wit)?].concat();
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    let conditions = format!("{} {}", tools.display(), shown(&command));
    fingerprint::make(&wasm, &inputs, &conditions, || {
        step(&format!("building the plugin {name}"), || {
            quietly(&mut command)
        })?;
        let component =
            fs::read(&wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
        check_imports(&name, &component)
    })?;
    Ok(())
}

/// The WIT of a plugin as its author has it: the world, and what it refers to below `deps`.
fn assemble_wit(workspace: &Workspace, source: &Path) -> Result<PathBuf> {
    let folder = workspace.out_dir()?.join("plugin-wit").join(name(source));
    let _ = fs::remove_dir_all(&folder); // It may be from another state of the sources, or absent.
    let deps = folder.join("deps/weirhouse-plugin");
    fs::create_dir_all(&deps).with_context(|| format!("cannot create {}", deps.display()))?;
    for (from, to) in [
        (source.join("wit"), &folder),
        (workspace.root.join("wit/plugin"), &deps),
    ] {
        for file in sorted(&from)? {
            fs::copy(&file, to.join(file.file_name().unwrap_or_default()))
                .with_context(|| format!("cannot copy {}", file.display()))?;
        }
    }
    Ok(folder)
}

/// What `weirhouse plugin new` writes, but for the WIT of the host.
fn render_template(workspace: &Workspace, language: &str) -> Result<PathBuf> {
    let template = workspace
        .root
        .join("crates/host/src/plugins/templates")
        .join(language);
    let name = format!("{TEMPLATE}{language}");
    let sdk = workspace.root.join("crates/sdk");
    let sdk = format!("{{ path = '{}' }}", sdk.display());
    let folder = workspace.out_dir()?.join("plugin-templates").join(&name);
    for file in files(&template)? {
        let text = fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?
            .replace("{{name}}", &name)
            .replace("{{module}}", &name.replace('-', "_"))
            .replace("{{sdk}}", &sdk);
        let mut rendered = folder.join(file.strip_prefix(&template)?);
        if rendered.extension().is_some_and(|kind| kind == "in") {
            rendered.set_extension("");
        }
        // Cargo goes by the times of files.
        if fs::read_to_string(&rendered).is_ok_and(|before| before == text) {
            continue;
        }
        if let Some(parent) = rendered.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
        }
        fs::write(&rendered, text)
            .with_context(|| format!("cannot write {}", rendered.display()))?;
    }
    Ok(folder)
}

fn check_imports(name: &str, component: &[u8]) -> Result<()> {
    let imports = encoding::imports(component).with_context(|| format!("the plugin {name}"))?;
    let others: Vec<String> = imports
        .into_iter()
        .filter(|import| !import.starts_with(OFFERED))
        .collect();
    if !others.is_empty() {
        bail!(
            "the plugin {name} imports {}, which no plugin is offered",
            others.join(", ")
        );
    }
    Ok(())
}

fn product(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.wasm"))
}

/// The plugin's name: its folder's.
pub(crate) fn name(source: &Path) -> String {
    let name = source.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// What lies in a folder, in order.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// All files below a folder but texts for people, and what tools left there.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in sorted(folder)? {
        let left_by_tools = ["node_modules", "__pycache__", "target"].map(Into::into);
        if !path.is_dir() {
            if path.extension().is_none_or(|kind| kind != "md") {
                files.push(path);
            }
        } else if !left_by_tools.contains(&path.file_name().unwrap_or_default().to_owned()) {
            files.extend(self::files(&path)?);
        }
    }
    Ok(files)
}

/// Runs a command whose output is of interest only if it fails.
fn quietly(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{} failed ({}):\n{}{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_those_that_cargo_built() {
        let messages = [
            r#"{"target":{"kind":["lib"],"name":"wit_bindgen"},"filenames":["/t/libwit_bindgen.rlib"]}"#,
            r#"{"target":{"kind":["cdylib","rlib"],"name":"meter"},"filenames":["/t/meter.wasm","/t/libmeter.rlib"]}"#,
            r#"{"target":{"kind":["example"],"name":"loop"},"filenames":["/t/examples/loop.wasm"]}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "no message",
        ];
        assert_eq!(
            modules(&messages.join("\n")),
            [
                (None, PathBuf::from("/t/meter.wasm")),
                (
                    Some("loop".to_owned()),
                    PathBuf::from("/t/examples/loop.wasm")
                ),
            ]
        );
    }
}
