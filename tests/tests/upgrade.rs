//! Data of earlier versions, taken over by this one. Each released layout stays here as it was written:
//! `tests/data/VERSION.tar.gz` is the data folder of a demo with twelve entities that ran for a minute.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use weirhouse_tests::program::Program;

#[test]
fn what_earlier_versions_kept_is_there() -> Result<()> {
    let archives = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut taken_over = 0;
    for archive in fs::read_dir(archives)? {
        let archive = archive?.path();
        let folder = tempfile::tempdir()?;
        let unpacked = Command::new("tar")
            .arg("-xzf")
            .arg(&archive)
            .arg("-C")
            .arg(folder.path())
            .status()?;
        ensure!(unpacked.success(), "tar ended with {unpacked}");
        let data = folder.path().join("data");
        let before = fs::read_to_string(data.join("token"))?;

        // As slow as can be: what is served at first is what was saved.
        let program = Program::start("demo", &data, &["--entities", "12", "--rate", "0.001"])?;
        let cached = program.get("/v1/cache/upgrade/key")?;
        let version = archive.display();
        ensure!(cached.status == 200, "{version}: {}", cached.text());
        ensure!(
            cached.text().starts_with("kept since "),
            "{version}: {}",
            cached.text()
        );
        assert_eq!(program.token, before.trim(), "{version}: the owner's token");
        assert_eq!(program.stop()?, 0);
        let log = fs::read_to_string(data.with_extension("log"))?;
        for said in ["learning continues", "the last mirror is served as stale"] {
            ensure!(log.contains(said), "{version}: {log}");
        }
        ensure!(
            !log.contains("WARN") && !log.contains("ERROR"),
            "{version}: {log}"
        );
        taken_over += 1;
    }
    ensure!(taken_over > 0, "there is nothing of an earlier version");
    Ok(())
}
