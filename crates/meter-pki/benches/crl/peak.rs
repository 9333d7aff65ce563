//! How much memory this process has, and had at most (`proc_pid_status(5)`).

/// Lets the peak be what this process has now.
pub(crate) fn forget() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The most that was resident since the peak was forgotten, in KiB.
pub(crate) fn kib() -> u64 {
    of("self", "VmHWM:")
}

/// What is resident now, in KiB.
pub(crate) fn resident_kib() -> u64 {
    of("self", "VmRSS:")
}

/// A number that the status of a process says; 0 when it has ended.
pub(crate) fn of(process: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let number =
        status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}
