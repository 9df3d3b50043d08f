//! Whether a product is up to date, by content.
//!
//! Beside a product lies `<product>.made-from`: digests of the product, its inputs, and whatever else went into it.
//! Times play no part, so that a restored cache or a fresh clone cannot mislead.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Makes `product` with `make`, unless it was made from the very same things and is unharmed.
///
/// `conditions` is what else it depends on than files. Returns whether it was made anew.
pub(crate) fn make(
    product: &Path,
    inputs: &[&Path],
    conditions: &str,
    make: impl FnOnce() -> Result<()>,
) -> Result<bool> {
    let mut record = product.as_os_str().to_owned();
    record.push(".made-from");
    let record = PathBuf::from(record);
    let describe = || -> Result<String> {
        let mut text = format!("{}  conditions\n", sha256(conditions.as_bytes()));
        for path in inputs.iter().copied().chain([product]) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            writeln!(text, "{}  {name}", sha256_of(path)?)?;
        }
        Ok(text)
    };
    if product.exists() && fs::read_to_string(&record).ok() == Some(describe()?) {
        return Ok(false);
    }
    make()?;
    fs::write(&record, describe()?)
        .with_context(|| format!("cannot write {}", record.display()))?;
    Ok(true)
}

/// SHA-256 of a file, in lower-case hexadecimal digits.
pub(crate) fn sha256_of(path: &Path) -> Result<String> {
    Ok(sha256(&fs::read(path).with_context(|| {
        format!("cannot read {}", path.display())
    })?))
}

fn sha256(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(digits, "{byte:02x}"); // Writing to a string cannot fail.
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digest() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn remade_exactly_when_something_differs() {
        let dir = tempfile::tempdir().unwrap();
        let (input, product) = (dir.path().join("in"), dir.path().join("out"));
        fs::write(&input, "1").unwrap();
        let made = |conditions: &str| {
            make(&product, &[&input], conditions, || {
                Ok(fs::write(&product, fs::read(&input)?)?)
            })
            .unwrap()
        };
        assert!(made("a"), "nothing there yet");
        assert!(!made("a"), "nothing changed");
        assert!(made("b"), "other conditions");
        fs::write(&input, "2").unwrap();
        assert!(made("b"), "other input");
        fs::write(&product, "spoilt").unwrap();
        assert!(made("b"), "product changed behind our back");
        assert!(!made("b"));
        assert_eq!(fs::read(&product).unwrap(), b"2");
    }

    #[test]
    fn failure_is_not_recorded_as_made() {
        let dir = tempfile::tempdir().unwrap();
        let product = dir.path().join("out");
        let failing = || make(&product, &[], "", || anyhow::bail!("no"));
        assert!(failing().is_err());
        assert!(failing().is_err());
    }
}
