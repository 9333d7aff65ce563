//! Tells whoever started the process how it stands: systemd, or another supervisor that speaks `sd_notify(3)`.
//!
//! It is *not* a supervisor, and reads no environment: where to tell, and how often, is the binary's to find out. A message is
//! one datagram of lines such as `READY=1`; none is waited for, and one that does not arrive is logged and harms nothing.
//!
//! The watchdog is fed only while [`Health`] calls the process live: what `/livez` says, systemd hears. A check of readiness
//! that fails takes no food away, since a restart would not heal it; its name is what `systemctl status` shows.

use crate::health::Health;
use crate::shutdown::Shutdown;
use std::{
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{ffi::OsStrExt, net::SocketAddr, net::UnixDatagram},
    },
    time::Duration,
};

/// How often the status is looked at where no watchdog asks for more.
const USUAL_PAUSE: Duration = Duration::from_secs(10);

/// Who wants to be told. Without anybody, telling does nothing.
#[derive(Debug)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The process was started by nobody who wants to be told.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { socket: None, watchdog: None }
    }

    /// Whoever listens at `address`: the path of a Unix socket, or `@` and a name that is no file's. It takes the process for
    /// dead when it hears nothing for as long as `watchdog`.
    ///
    /// # Errors
    /// What the operating system says when nobody listens there.
    pub fn at(address: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A supervisor that does not read hangs nothing here.
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(socket), watchdog })
    }

    /// Says that the process is still starting, and at what it is.
    pub fn starting(&self, at: &str) {
        self.tell(&format!("STATUS={at}\n"));
    }

    /// Says that the start is over: connections are accepted.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=serving\n");
    }

    /// Says that the process is about to end.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=finishing what is under way\n");
    }

    /// Feeds the watchdog, twice in its time, while the process is live, and says which checks fail; until the shutdown, which
    /// it tells too.
    pub async fn watch(self, health: Health, shutdown: Shutdown) {
        let pause = self.watchdog.map_or(USUAL_PAUSE, |period| period / 2);
        let mut told = Vec::new();
        loop {
            if health.is_live().await {
                self.tell("WATCHDOG=1\n");
            }
            let failing = health.failing().await;
            if failing != told {
                self.tell(&standing(&failing));
                told = failing;
            }
            if tokio::time::timeout(pause, shutdown.triggered()).await.is_ok() {
                return self.stopping();
            }
        }
    }

    fn tell(&self, lines: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(lines.as_bytes()) {
            tracing::warn!(%error, "whoever started the process could not be told how it stands");
        }
    }
}

/// Names only: reasons are for operators, and whoever may see the status of a unit is more.
fn standing(failing: &[&str]) -> String {
    match failing {
        [] => "STATUS=serving\n".to_owned(),
        names => format!("STATUS=not ready: {}\n", names.join(", ")),
    }
}
