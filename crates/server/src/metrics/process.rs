//! What the operating system says about this process, under the names that every exporter uses.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

/// Linux tells processor time in hundredths of a second, whatever the machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// When the process began to answer.
#[derive(Debug)]
pub(super) struct Started(f64);

impl Started {
    pub(super) fn now() -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(since_1970.as_secs_f64())
    }

    /// Registers what can be found out; where there is no `/proc`, that is only the time of the start.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970",
            ConstGauge::new(self.0),
        );
        if let Some(bytes) = resident_bytes() {
            registry.register(
                "process_resident_memory_bytes",
                "Memory in use",
                ConstGauge::new(bytes),
            );
        }
        if let Some(count) = open_files() {
            registry.register("process_open_fds", "Open files", ConstGauge::new(count));
        }
        if let Some(most) = most_files() {
            registry.register(
                "process_max_fds",
                "Files that may be open",
                ConstGauge::new(most),
            );
        }
        if let Some(seconds) = processor_seconds() {
            registry.register(
                "process_cpu_seconds",
                "Processor time used",
                ConstCounter::new(seconds),
            );
        }
    }
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn open_files() -> Option<i64> {
    // The one that lists them is among them.
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    i64::try_from(count.saturating_sub(1)).ok()
}

fn most_files() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in brackets, may hold spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_everything() {
        assert!(resident_bytes().unwrap() > 1_000_000);
        assert!((3..100_000).contains(&open_files().unwrap()));
        assert!(most_files().unwrap() >= open_files().unwrap());
        assert!((0.0..1e6).contains(&processor_seconds().unwrap()));
    }
}
