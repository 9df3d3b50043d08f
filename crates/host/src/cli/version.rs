//! `weirhouse version`: what to write into a bug report.

use super::{exit::Failure, output};

/// The WIT world this program runs.
const WORLD: &str = "weirhouse:core/optimizer@0.1.0";

/// Prints program, interface and platform.
pub(super) fn run() -> Result<(), Failure> {
    let text = format!(
        "weirhouse {}\nworld     {WORLD}\nplatform  {}-{}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    );
    output::write(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_the_one_in_wit() {
        let text = include_str!("../../../../wit/core/world.wit");
        let package = text
            .lines()
            .find_map(|line| line.strip_prefix("package ")?.strip_suffix(';'))
            .unwrap();
        let (name, version) = package.split_once('@').unwrap();
        assert_eq!(WORLD, format!("{name}/optimizer@{version}"));
        assert!(text.contains("world optimizer {"));
    }
}
