//! Fetches the standard library's source from Debian's package `rust-src`, in exactly one version.
//!
//! For machines that reach a Debian archive but not rustup's server. The archive is the one the machine
//! itself is configured with; none is named here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::fingerprint::sha256_of;
use crate::progress::{note, step};
use crate::workspace::{output, run};

/// A package that lies in every full Debian archive, whatever suites the machine is configured with.
struct Known {
    rustc: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// From the suite trixie-backports. The digest stands in for the archive's signature, which covers only
/// configured suites.
const KNOWN: &[Known] = &[Known {
    rustc: "1.95.0",
    file: "rust-src_1.95.0+dfsg1-2~bpo13+1_all.deb",
    sha256: "7b76db5b880a77f9e52975d2baa6209d2f76d2c9c2789515c3088cb960e2c83b",
}];

/// Where apt keeps its downloader, which knows the machine's proxies.
const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// The folder `library` of the source of rustc `version`, unpacked once under `dir`.
pub(crate) fn library(version: &str, dir: &Path) -> Result<PathBuf> {
    let unpacked = dir.join(format!("rust-src-{version}"));
    let library = unpacked.join(format!("usr/src/rustc-{version}/library"));
    if library.is_dir() {
        return Ok(library);
    }
    if !Path::new(APT_HELPER).exists() {
        bail!("this is no Debian system ({APT_HELPER} is missing)");
    }
    let download = dir.join("rust-src-download");
    let _ = fs::remove_dir_all(&download);
    fs::create_dir_all(&download)
        .with_context(|| format!("cannot create {}", download.display()))?;
    let package = step(
        &format!("fetching Debian's package rust-src {version}"),
        || fetch(version, &download),
    )?;
    let partial = download.join("unpacked");
    run(Command::new("dpkg").arg("-x").args([&package, &partial]))?;
    let _ = fs::remove_dir_all(&unpacked);
    fs::rename(&partial, &unpacked)
        .with_context(|| format!("cannot create {}", unpacked.display()))?;
    fs::remove_dir_all(&download)
        .with_context(|| format!("cannot remove {}", download.display()))?;
    if !library.is_dir() {
        bail!(
            "the package rust-src {version} does not hold {}",
            library.display()
        );
    }
    Ok(library)
}

/// Downloads the package into `dir`: by apt if a configured suite has the version, else by its known name.
fn fetch(version: &str, dir: &Path) -> Result<PathBuf> {
    let offered =
        output(Command::new("apt-cache").args(["madison", "rust-src"])).unwrap_or_default();
    if let Some(package_version) = offered_version(&offered, version) {
        let mut command = Command::new("apt-get");
        run(command
            .current_dir(dir)
            .args(["--quiet", "download"])
            .arg(format!("rust-src={package_version}")))?;
        let package = fs::read_dir(dir)?
            .flatten()
            .next()
            .context("apt-get download left no file")?;
        return Ok(package.path());
    }
    let Some(known) = KNOWN.iter().find(|known| known.rustc == version) else {
        bail!(
            "no suite that apt is configured with offers rust-src {version} (after `apt-get update`?)"
        );
    };
    let archive = archive()?;
    note(&format!(
        "no suite that apt is configured with has it: taking {} from the same archive",
        known.file
    ));
    let address = format!(
        "{}/pool/main/r/rustc/{}",
        archive.trim_end_matches('/'),
        known.file
    );
    let package = dir.join(known.file);
    run(Command::new(APT_HELPER)
        .args(["-oAPT::Sandbox::User=root", "download-file", &address])
        .arg(&package)
        .arg(format!("SHA256:{}", known.sha256)))?;
    let found = sha256_of(&package)?;
    if found != known.sha256 {
        bail!(
            "{} has SHA-256 {found}, not {}",
            package.display(),
            known.sha256
        );
    }
    Ok(package)
}

/// The Debian version that packages rustc `version`, from the table of `apt-cache madison`.
fn offered_version<'a>(madison: &'a str, version: &str) -> Option<&'a str> {
    madison.lines().find_map(|line| {
        let offered = line.split('|').nth(1)?.trim();
        let rest = offered.strip_prefix(version)?;
        rest.starts_with(['+', '-', '~']).then_some(offered)
    })
}

/// The first full Debian archive that apt is configured with, as apt itself reads its sources.
fn archive() -> Result<String> {
    let format = "$(REPO_URI) $(ORIGIN) $(LABEL)";
    let targets = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        format,
        "Created-By: Packages",
    ]))?;
    let first = targets
        .lines()
        .find_map(|line| line.strip_suffix(" Debian Debian"));
    Ok(first
        .context("apt is configured with no Debian archive (after `apt-get update`?)")?
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_compiler_version_is_taken() {
        let madison = "\
  rust-src | 1.95.01+dfsg1-1 | http://archive/debian sid/main amd64 Packages
  rust-src | 1.95.0+dfsg1-2 | http://archive/debian sid/main amd64 Packages
  rust-src | 1.63.0+dfsg1-2 | http://archive/debian stable/main amd64 Packages";
        assert_eq!(offered_version(madison, "1.95.0"), Some("1.95.0+dfsg1-2"));
        assert_eq!(offered_version(madison, "1.63.0"), Some("1.63.0+dfsg1-2"));
        assert_eq!(offered_version(madison, "1.95"), None);
        assert_eq!(offered_version("", "1.95.0"), None);
    }
}
