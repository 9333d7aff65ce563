//! Standbys: made from a primary, synchronous with it, promoted.

use crate::cluster::USER;
use crate::ground::program;
use crate::net::Host;
use crate::patience::eventually;
use crate::process::done;
use crate::server::Server;

impl Server {
    /// Makes a standby that streams from this server and can be read, and starts it. The primary knows it by the name.
    ///
    /// # Panics
    /// When PostgreSQL cannot.
    #[must_use]
    pub fn standby(&self, name: &str) -> Self {
        self.make_standby(self.cluster.ground().host(), name)
    }

    /// The same on another host of the test's own network.
    ///
    /// # Panics
    /// When PostgreSQL cannot.
    #[must_use]
    pub fn standby_on(&self, host: &Host, name: &str) -> Self {
        self.make_standby(Some(host), name)
    }

    fn make_standby(&self, host: Option<&Host>, name: &str) -> Self {
        let standby = Self::prepare(host, &[], self.password().to_owned());
        standby.follow(self, name);
        standby
    }

    /// Makes this server a standby of another, with nothing left of what it had: how an old primary comes back.
    ///
    /// # Panics
    /// When PostgreSQL cannot.
    pub fn follow(&self, primary: &Self, name: &str) {
        self.stop();
        self.cluster.give_back();
        let data = self.cluster.data();
        if data.exists() {
            std::fs::remove_dir_all(&data).expect("it is ours");
        }
        let mut command = self.cluster.ground().command(&program("pg_basebackup"));
        let (address, port, password) = (primary.address(), primary.port(), primary.password());
        let from =
            format!("host={address} port={port} user={USER} password={password} application_name={name}");
        command.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
        command.arg("--pgdata").arg(&data).args(["--dbname", &from]);
        done(command);
        self.wait_for_none();
        eventually("the standby gets its port", || self.try_launch().then_some(()));
        eventually("the standby streams", || {
            (primary.replication(name, "state") == "streaming").then_some(())
        });
    }

    /// Lets commits wait for this standby from now on.
    ///
    /// # Panics
    /// When it does not become synchronous.
    pub fn make_synchronous(&self, name: &str) {
        self.set("synchronous_standby_names", &format!("FIRST 1 (\"{name}\")"));
        eventually("the standby is synchronous", || {
            (self.replication(name, "sync_state") == "sync").then_some(())
        });
    }

    /// Makes a standby a primary, and waits until it takes writes.
    ///
    /// # Panics
    /// When it does not become one.
    pub fn promote(&self) {
        self.sql(USER, "SELECT pg_promote(true, 60)");
        eventually("the standby is promoted", || {
            (self.sql(USER, "SELECT pg_is_in_recovery()") == "f").then_some(())
        });
    }

    /// What the primary says of a standby.
    fn replication(&self, name: &str, column: &str) -> String {
        let from = format!("SELECT {column} FROM pg_stat_replication WHERE application_name = '{name}'");
        self.sql(USER, &from)
    }

    /// A standby that was made of a primary with a standby would wait for that one once it is promoted.
    fn wait_for_none(&self) {
        use std::io::Write;
        let file = self.cluster.data().join("postgresql.auto.conf");
        let mut file =
            std::fs::OpenOptions::new().append(true).open(file).expect("pg_basebackup has written it");
        file.write_all(b"synchronous_standby_names = ''\n").expect("it can be written");
    }
}
