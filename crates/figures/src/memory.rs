//! The most memory that a process had at once. Says nothing where the kernel does not tell.

/// See `proc_pid_clear_refs(5)`.
const RESET_PEAK: &str = "5";

/// Whose memory is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Process {
    /// This process.
    Own,
    /// The one of this number.
    Other(u32),
}

impl Process {
    /// Counts the peak anew from now on.
    pub(crate) fn forget_peak(self) {
        drop(std::fs::write(self.file("clear_refs"), RESET_PEAK));
    }

    /// The most that was resident at once since the peak was forgotten, in MiB.
    pub(crate) fn peak_mib(self) -> Option<f64> {
        self.status("VmHWM:")
    }

    /// What is resident now, in MiB.
    pub(crate) fn resident_mib(self) -> Option<f64> {
        self.status("VmRSS:")
    }

    /// See `proc_pid_status(5)`.
    fn status(self, name: &str) -> Option<f64> {
        let status = std::fs::read_to_string(self.file("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(f64::from(kib) / 1_024.0)
    }

    fn file(self, name: &str) -> String {
        match self {
            Self::Own => format!("/proc/self/{name}"),
            Self::Other(number) => format!("/proc/{number}/{name}"),
        }
    }
}
