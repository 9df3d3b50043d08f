//! Every scenario under `scenarios/`, through the component and through the
//! native core: both must print exactly what lies beside it.
//!
//! `NAME.jsonl` is the scenario, `NAME.expected.jsonl` its output, and
//! `NAME.error.txt`, where it ends in a malformed line, the message of its end.
//! `UPDATE_EXPECT=1` rewrites what is expected from the native core; read the
//! difference before keeping it, since the specification decides what is right.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use weirhouse::scenario::{self, ScenarioErrorKind};
use weirhouse_runner::{Component, Engine, Optimizer};
use weirhouse_tests::component;
use weirhouse_tests::native::Native;

/// What a run left: its output, and the message of its end if it failed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ended {
    output: String,
    error: Option<String>,
}

fn run(text: &str, fresh: &mut scenario::Fresh<'_>) -> Result<Ended> {
    let mut output = Vec::new();
    let outcome = scenario::run(text.as_bytes(), &mut output, fresh);
    if let Err(error) = &outcome {
        ensure!(error.kind == ScenarioErrorKind::Malformed, "{error}");
    }
    Ok(Ended {
        output: String::from_utf8(output)?,
        error: outcome.err().map(|error| format!("{error}\n")),
    })
}

/// The scenarios by their path without extension.
fn scenarios() -> Result<BTreeMap<PathBuf, String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut found = BTreeMap::new();
    for folder in fs::read_dir(&root)? {
        let folder = folder?.path();
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            let name = path.to_string_lossy();
            if name.ends_with(".jsonl") && !name.ends_with(".expected.jsonl") {
                found.insert(path.with_extension(""), fs::read_to_string(&path)?);
            }
        }
    }
    Ok(found)
}

fn expected(scenario: &Path) -> Result<Ended> {
    let file = scenario.with_extension("expected.jsonl");
    let output = fs::read_to_string(&file)
        .with_context(|| format!("{} is missing; UPDATE_EXPECT=1 writes it", file.display()))?;
    let error = scenario.with_extension("error.txt");
    let error = error
        .exists()
        .then(|| fs::read_to_string(error))
        .transpose()?;
    Ok(Ended { output, error })
}

fn rewrite(scenario: &Path, ended: &Ended) -> Result<()> {
    fs::write(scenario.with_extension("expected.jsonl"), &ended.output)?;
    let file = scenario.with_extension("error.txt");
    match &ended.error {
        Some(error) => fs::write(file, error)?,
        None if file.exists() => fs::remove_file(file)?,
        None => {}
    }
    Ok(())
}

/// Runs every scenario and lists all that differ, not only the first.
fn check(fresh: &mut scenario::Fresh<'_>) -> Result<()> {
    let mut differing = Vec::new();
    let scenarios = scenarios()?;
    ensure!(
        scenarios.len() >= 25,
        "only {} scenarios were found",
        scenarios.len()
    );
    for (name, text) in &scenarios {
        let ended = run(text, fresh).with_context(|| name.display().to_string())?;
        let expected = expected(name)?;
        if ended != expected {
            let Ended { output, error } = ended;
            differing.push(format!(
                "{}\n--- expected\n{}{}--- printed\n{output}{}",
                name.display(),
                expected.output,
                expected.error.unwrap_or_default(),
                error.unwrap_or_default()
            ));
        }
    }
    ensure!(
        differing.is_empty(),
        "scenarios differ:\n{}",
        differing.join("\n")
    );
    Ok(())
}

fn native() -> impl FnMut() -> Result<Box<dyn Optimizer>, Box<dyn std::error::Error + Send + Sync>>
{
    || Ok(Box::new(Native::new()))
}

#[test]
fn natively() -> Result<()> {
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        for (name, text) in scenarios()? {
            rewrite(&name, &run(&text, &mut native())?)?;
        }
    }
    check(&mut native())
}

#[test]
fn through_the_component() -> Result<()> {
    let path = component::path()?;
    let engine = Engine::new()?;
    check(&mut || Ok(Box::new(Component::load(&engine, &path)?)))
}

/// Takes some bytes, then fails; notes what was flushed.
#[derive(Default)]
struct Narrow {
    room: usize,
    taken: Vec<u8>,
    flushed: usize,
}

impl std::io::Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let fits = bytes.len().min(self.room - self.taken.len());
        if fits == 0 && !bytes.is_empty() {
            return Err(std::io::Error::other("the disk is full"));
        }
        self.taken.extend(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.flushed = self.taken.len();
        Ok(())
    }
}

#[test]
fn every_end_says_whose_fault_it_is_and_keeps_what_was_printed() {
    let good = "{\"at\":0,\"advance\":{}}\n";
    let printed = "{\"at\":0,\"advance\":\"ok\"}\n";
    let bad_text = [good.as_bytes(), b"{\"at\":1,\"get\":{\"key\":\"\xff\"}}\n"].concat();
    let malformed = ScenarioErrorKind::Malformed;
    for (text, room, kind, line, said) in [
        (
            good.repeat(3).into_bytes(),
            2 * printed.len(),
            ScenarioErrorKind::Io,
            3,
            "the disk is full",
        ),
        (
            format!("{good}\n\n{{}}\n").into_bytes(),
            999,
            malformed,
            4,
            "no operation",
        ),
        (bad_text, 999, malformed, 2, "not UTF-8 text"),
        (
            format!("{good}{{\"configure\":{{}}}}").into_bytes(),
            999,
            malformed,
            2,
            "only the first line",
        ),
    ] {
        let mut output = Narrow {
            room,
            ..Narrow::default()
        };
        let error = scenario::run(&text[..], &mut output, &mut native()).unwrap_err();
        assert_eq!((error.kind, error.line), (kind, line), "{error}");
        assert!(error.message.contains(said), "{error}");
        assert!(output.taken.starts_with(printed.as_bytes()));
        assert_eq!(output.flushed, output.taken.len());
    }

    let mut starts = 0;
    let mut once = || {
        starts += 1;
        if starts > 1 {
            return Err("no second optimizer".into());
        }
        Ok(Box::new(Native::new()) as Box<dyn Optimizer>)
    };
    let text = format!("{good}{{\"at\":1,\"restart\":{{}}}}");
    let mut output = Vec::new();
    let error = scenario::run(text.as_bytes(), &mut output, &mut once).unwrap_err();
    assert_eq!(error.kind, ScenarioErrorKind::Optimizer);
    assert_eq!(error.to_string(), "line 2: no second optimizer");
    assert_eq!(output, printed.as_bytes());
}

#[test]
fn thousands_of_timers_that_came_to_nothing_are_no_fault() -> Result<()> {
    use std::fmt::Write as _;
    let mut text =
        "{\"configure\":{\"significance\":{\"absolute\":1,\"settle\":30000}}}\n".to_owned();
    let mut at = 0;
    // The second value of each would settle; the third is published first.
    for value in ["0", "0.5", "5"] {
        for number in 0..1_500 {
            at += 1;
            writeln!(
                text,
                "{{\"at\":{at},\"observe\":{{\"entity\":\"sensor.s{number}\",\"value\":\"{value}\"}}}}"
            )?;
        }
    }
    writeln!(text, "{{\"at\":{},\"advance\":{{}}}}", at + 100_000)?;
    let ended = run(&text, &mut native())?;
    assert_eq!(ended.error, None);
    assert!(
        ended
            .output
            .ends_with("{\"at\":104500,\"advance\":\"ok\"}\n")
    );
    Ok(())
}

#[test]
fn no_line_takes_forever() -> Result<()> {
    let mut fresh = || Ok(Box::new(Native::new()) as Box<dyn Optimizer>);
    // As many passes over nothing, and ever so many refreshes.
    let lines = r#"{"at": 0, "readings": {"entity": "sensor.a", "values": [], "repeat": 18446744073709551615}}
{"at": 0, "register": {"entity": "sensor.a", "interval": 0.001}}
{"at": 3600000, "advance": {}}
"#;
    let ended = run(lines, &mut fresh)?;
    ensure!(
        ended
            .output
            .starts_with(r#"{"at":0,"readings":{"readings":0,"published":0}}"#),
        "{:.100}",
        ended.output
    );
    let error = ended.error.unwrap_or_default();
    ensure!(
        error.starts_with("line 3: more than 100000 moments"),
        "{error}"
    );
    Ok(())
}
