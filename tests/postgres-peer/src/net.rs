//! Hosts on one switch, made of network namespaces, so that the way between two of them can be cut.
//!
//! The namespaces have no names: each is held by a process that ends with the test, and goes with the last process in it.
//! Nothing of the machine's own network is touched; the test itself stays outside and reaches a host by programs that it
//! starts there, or by Unix sockets.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::patience::eventually;
use crate::process::{done, start};

/// A switch with hosts. Clones are the same switch.
#[derive(Debug, Clone)]
pub struct Net {
    switch: Arc<Switch>,
}

#[derive(Debug)]
struct Switch {
    space: Space,
    hosts: AtomicU8,
}

/// A host on a switch. Clones are the same host.
#[derive(Debug, Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    space: Space,
    number: u8,
    /// It goes when all hosts have gone.
    _net: Net,
}

/// A network namespace, and the process that holds it.
#[derive(Debug)]
struct Space {
    holder: Child,
}

impl Net {
    /// Makes a switch without hosts.
    ///
    /// # Panics
    /// When the test does not run as root.
    #[must_use]
    pub fn new() -> Self {
        let space = Space::new();
        space.ip("link add switch type bridge");
        space.ip("link set switch up");
        Self { switch: Arc::new(Switch { space, hosts: AtomicU8::new(0) }) }
    }

    /// Makes a host that reaches all others.
    ///
    /// # Panics
    /// When there are 200 already.
    #[must_use]
    pub fn host(&self) -> Host {
        let number = self.switch.hosts.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(number <= 200, "a switch has 200 hosts at most");
        let space = Space::new();
        let (switch, holder) = (&self.switch.space, space.holder.id());
        switch.ip(&format!("link add port{number} type veth peer name eth0 netns {holder}"));
        switch.ip(&format!("link set port{number} master switch up"));
        let host = Host { inner: Arc::new(Inner { space, number, _net: self.clone() }) };
        host.ip("link set lo up");
        host.ip(&format!("address add {}/24 dev eth0", host.address()));
        host.ip("link set eth0 up");
        host
    }
}

impl Default for Net {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// Returns its address, which only hosts of its switch can reach.
    #[must_use]
    pub fn address(&self) -> String {
        format!("10.9.0.{}", self.inner.number)
    }

    /// Returns a command that runs a program on this host. The process that is started is the program's own; one that
    /// runs beside the test is to begin with `setpriv --pdeathsig KILL`, so that it ends with it.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        self.inner.space.command(program.as_ref())
    }

    /// Loses from now on, without a word to either, whatever one sends to the other.
    ///
    /// # Panics
    /// When the kernel does not allow it.
    pub fn cut(&self, other: &Self) {
        // Each sends to an Ethernet address that nobody has: connections hang, as when a cable is pulled further away.
        let nowhere = |from: &Self, to: &Self| {
            from.ip(&format!(
                "neigh replace {} lladdr 02:00:00:00:00:ff dev eth0 nud permanent",
                to.address()
            ));
        };
        nowhere(self, other);
        nowhere(other, self);
    }

    /// Undoes a cut.
    ///
    /// # Panics
    /// When there was none.
    pub fn heal(&self, other: &Self) {
        self.ip(&format!("neigh del {} dev eth0", other.address()));
        other.ip(&format!("neigh del {} dev eth0", self.address()));
    }

    fn ip(&self, arguments: &str) {
        self.inner.space.ip(arguments);
    }
}

impl Space {
    fn new() -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"]);
        // Who waits for what a test says does not wait for this.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut holder = start(command);
        let space = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
        let number = holder.id().to_string();
        let made = eventually("a network namespace is made", || {
            let ended = holder.try_wait().expect("a child can be waited for").is_some();
            (ended || space(&number).is_some_and(|other| Some(other) != space("self"))).then_some(!ended)
        });
        assert!(
            made,
            "hosts of a test are network namespaces, which only root can make: run this test as root"
        );
        Self { holder }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(self.holder.id().to_string()).arg("--net").arg("--").arg(program);
        command
    }

    fn ip(&self, arguments: &str) {
        let mut command = self.command(Path::new("ip"));
        command.args(arguments.split(' '));
        done(command);
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // Both fail only for a child that ended before.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
