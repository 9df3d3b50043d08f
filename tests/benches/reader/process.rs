//! Memory and processor time of a process, from `/proc`.

use std::fs;

use anyhow::{Context, Result};

/// Ticks of `/proc/PID/stat` in a second, on every Linux that is built today.
const TICKS_PER_SECOND: f64 = 100.0;

/// Resident memory in MiB.
pub(crate) fn resident_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = kib.context("no VmRSS")?.trim().trim_end_matches(" kB");
    Ok(kib.parse::<f64>()? / 1024.0)
}

/// Processor time spent since its start, in seconds.
pub(crate) fn processor_s(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name that may contain spaces.
    let (_, rest) = stat.rsplit_once(") ").context("no name")?;
    let ticks: Vec<f64> = rest
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|it| it.parse().ok())
        .collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
