//! Who started this process and wants to be told how it stands, as its environment says (`sd_notify(3)`,
//! `sd_watchdog_enabled(3)`). What is told is decided in `server_kit::supervisor`.

use std::env;
use std::time::Duration;

use server_kit::supervisor::Supervisor;

/// Finds the supervisor; nobody where the environment names none, or nobody listens where it says.
pub(crate) fn supervisor() -> Supervisor {
    let Some(address) = env::var_os("NOTIFY_SOCKET") else { return Supervisor::nobody() };
    Supervisor::at(&address, watchdog()).unwrap_or_else(|error| {
        tracing::warn!(address = %address.display(), %error, "nobody listens where NOTIFY_SOCKET says");
        Supervisor::nobody()
    })
}

/// After how long without a word the supervisor takes this process for dead. One that was meant for another process, such as a
/// parent whose environment was inherited, is none.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var_os(name)?.to_str()?.parse::<u64>().ok();
    let meant =
        env::var_os("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(std::process::id().into());
    number("WATCHDOG_USEC").filter(|period| meant && *period > 0).map(Duration::from_micros)
}
