//! The most memory that this process had at once. Says nothing where the kernel does not tell.

/// See `proc_pid_clear_refs(5)`.
const RESET_PEAK: &str = "5";

/// Counts anew from now on.
pub(crate) fn forget_peak() {
    drop(std::fs::write("/proc/self/clear_refs", RESET_PEAK));
}

/// The most that was resident at once, in MiB.
pub(crate) fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kib) / 1_024.0)
}
