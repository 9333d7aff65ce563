//! Whether a network interface is up, as the kernel says it in files; no socket is opened.
//!
//! Case R-12: a ceremony does not begin on a machine that could talk to another one. The loopback interface does not count.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;

use crate::explain::{Exit, Explained};

/// Where the kernel shows interfaces with their flags, and where it lists those of this process.
const FLAGS: &str = "/sys/class/net";
const LIST: &str = "/proc/self/net/dev";

/// Bits of the flags (netdevice(7)).
const IFF_UP: u32 = 0x1;
const IFF_LOOPBACK: u32 = 0x8;

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    name: String,
    flags: u32,
}

impl Interface {
    const fn is_up(&self) -> bool {
        self.flags & IFF_UP != 0
    }

    const fn is_loopback(&self) -> bool {
        self.flags & IFF_LOOPBACK != 0
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_up() { "up" } else { "down" };
        let loopback = if self.is_loopback() { " (loopback)" } else { "" };
        write!(f, "{}: {state}{loopback}", self.name)
    }
}

/// Lists the interfaces; an error when one other than the loopback is up.
pub(crate) fn check() -> Result<Vec<String>, NetworkError> {
    let interfaces = read().map_err(NetworkError::Unreadable)?;
    let list = fs::read_to_string(LIST).map_err(NetworkError::Unreadable)?;
    judge(&interfaces, &names(&list))
}

fn judge(interfaces: &[Interface], listed: &BTreeSet<String>) -> Result<Vec<String>, NetworkError> {
    let seen: BTreeSet<String> = interfaces.iter().map(|interface| interface.name.clone()).collect();
    // Two accounts by the kernel that differ are of two networks: then nothing is known of this one.
    if seen != *listed {
        return Err(NetworkError::Unclear);
    }
    let up = |interface: &&Interface| interface.is_up() && !interface.is_loopback();
    let up: Vec<String> = interfaces.iter().filter(up).map(|interface| interface.name.clone()).collect();
    if up.is_empty() {
        Ok(interfaces.iter().map(ToString::to_string).collect())
    } else {
        Err(NetworkError::Up { interfaces: up })
    }
}

fn read() -> io::Result<Vec<Interface>> {
    let mut interfaces = Vec::new();
    for entry in fs::read_dir(FLAGS)? {
        let entry = entry?;
        // Beside interfaces there may be files that steer drivers, such as bonding_masters.
        if !entry.path().is_dir() {
            continue;
        }
        let text = fs::read_to_string(entry.path().join("flags"))?;
        let flags = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16);
        let flags = flags.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        interfaces.push(Interface { name: entry.file_name().to_string_lossy().into_owned(), flags });
    }
    interfaces.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(interfaces)
}

/// The names in the list: two lines of heading, then one interface a line, its name before a colon.
fn names(list: &str) -> BTreeSet<String> {
    let name = |line: &str| line.split_once(':').map(|(name, _)| name.trim().to_owned());
    list.lines().skip(2).filter_map(name).collect()
}

/// Why a ceremony does not begin on this machine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkError {
    /// An interface is up.
    #[error("a network interface is up: {}; a ceremony is held on a machine without a network", interfaces.join(", "))]
    Up {
        /// Which.
        interfaces: Vec<String>,
    },
    /// The kernel says two things.
    #[error(
        "whether a network interface is up cannot be told: {FLAGS} and {LIST} do not speak of the same network"
    )]
    Unclear,
    /// The kernel does not say.
    #[error("whether a network interface is up cannot be told: {0}")]
    Unreadable(#[source] io::Error),
}

impl Explained for NetworkError {
    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Up { .. } => "network.up",
            Self::Unclear | Self::Unreadable(_) => "network.unclear",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Up { interfaces } => {
                let down: Vec<String> =
                    interfaces.iter().map(|name| format!("ip link set {name} down")).collect();
                format!("take the network out of the machine, or: {}", down.join("; "))
            }
            Self::Unclear | Self::Unreadable(_) => {
                "mount /proc and /sys as the system does when it starts".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, flags: u32) -> Interface {
        Interface { name: name.to_owned(), flags }
    }

    fn judged(interfaces: &[Interface], listed: &[&str]) -> Result<Vec<String>, String> {
        judge(interfaces, &listed.iter().map(|name| (*name).to_owned()).collect())
            .map_err(|cause| cause.code().to_owned())
    }

    #[test]
    fn r_12_any_interface_that_is_up_refuses_the_ceremony() {
        let lo = interface("lo", IFF_UP | IFF_LOOPBACK);
        let states = ["lo: up (loopback)".to_owned(), "wlan0: down".to_owned()];
        assert_eq!(judged(&[lo.clone(), interface("wlan0", 0x1002)], &["lo", "wlan0"]).unwrap(), states);
        assert_eq!(judged(&[lo, interface("wlan0", 0x1003)], &["lo", "wlan0"]).unwrap_err(), "network.up");
    }

    #[test]
    fn r_12_two_accounts_that_differ_tell_nothing() {
        let lo = interface("lo", IFF_LOOPBACK);
        assert_eq!(judged(&[lo], &["lo", "eth0"]).unwrap_err(), "network.unclear");
    }

    #[test]
    fn reads_the_list_as_the_kernel_writes_it() {
        let list = "Inter-|   Receive\n face |bytes\n    lo:       0       0\nenp0s31f6: 12 0\n";
        assert_eq!(names(list), ["enp0s31f6", "lo"].map(str::to_owned).into());
    }
}
