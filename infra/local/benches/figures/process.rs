//! What the system says about a running process.

use dialbridge_local::drive::people::Stuck;
use std::fs;
use std::time::Duration;

/// What a process has used since it started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// On a processor, all threads that still live together.
    pub(crate) cpu: Duration,
    /// The most memory it ever held, in bytes (`VmHWM`).
    pub(crate) peak: u64,
}

/// Reads it, to the nanosecond where ticks would be too coarse for short runs.
pub(crate) fn usage(process: Option<u32>) -> Result<Usage, Stuck> {
    let folder = format!("/proc/{}", process.ok_or("the process has ended")?);
    let mut cpu = Duration::ZERO;
    for thread in fs::read_dir(format!("{folder}/task"))? {
        let statistics = fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds = statistics.split(' ').next().unwrap_or_default();
        cpu += Duration::from_nanos(nanoseconds.trim().parse()?);
    }
    let status = fs::read_to_string(format!("{folder}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = peak.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").parse()?;
    Ok(Usage { cpu, peak: kib * 1024 })
}

/// Processor and number of cores.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |model| model.trim_start_matches(['\t', ' ', ':']));
    format!("{cores} cores of {model}, {}", std::env::consts::ARCH)
}

/// Processes that want to run, averaged over the last minute: a figure taken on a busy machine is no figure.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
