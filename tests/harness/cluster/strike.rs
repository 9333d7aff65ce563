//! How each fault is brought about. When it returns, everything is there again, though nodes and servers may still find together.

use std::time::Duration;

use super::fault::Fault;
use super::house::House;

/// How long something is waited for that may not come, such as a commit that waits.
const COMING: Duration = Duration::from_millis(1_500);

/// How long requesters have to see what should not be seen.
const SEEN: Duration = Duration::from_millis(500);

/// The sessions of nodes.
const SESSIONS: &str =
    "FROM pg_stat_activity WHERE application_name = 'meter-pki' AND pid <> pg_backend_pid()";

/// Those whose commits wait for the standby.
const WAITING: &str = "FROM pg_stat_activity WHERE application_name = 'meter-pki' AND wait_event = 'SyncRep'";

impl House {
    /// Brings a fault about.
    ///
    /// # Panics
    /// When a server does not come back.
    pub fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::KillNode(node) => {
                self.nodes()[node].kill();
                self.pause(300);
            }
            Fault::FreezeNode(node, time) => {
                self.nodes()[node].signal("STOP");
                self.pause(time);
                self.nodes()[node].signal("CONT");
            }
            Fault::CutNode(node, time) => {
                let host = &self.nodes()[node].host;
                host.cut(self.servers.hosts()[0]);
                self.pause(time);
                host.heal(self.servers.hosts()[0]);
            }
            Fault::Skew(node, ahead, at_start) => self.skew(node, ahead, at_start),
            Fault::FreezePrimary(time) => {
                self.servers.primary().freeze();
                self.pause(time);
                self.servers.primary().thaw();
            }
            Fault::FreezeStandby(time) => {
                self.servers.standby().freeze();
                self.pause(time);
                self.servers.standby().thaw();
            }
            Fault::KillPrimary => {
                self.servers.primary().kill();
                self.pause(100);
                self.servers.primary().restart();
            }
            Fault::FailOver => self.lose_primary(),
            Fault::CutStandby(time) => {
                self.cut_standby();
                self.pause(time);
                self.heal_standby();
            }
            Fault::TerminateSessions => self.do_to("pg_terminate_backend", SESSIONS),
            Fault::CancelStatements => self.do_to("pg_cancel_backend", SESSIONS),
            Fault::CancelWaiting(end) => {
                self.cut_standby();
                self.let_not_wait(end);
                self.heal_standby();
            }
            Fault::CancelWaitingAndFailOver(end) => {
                self.cut_standby();
                self.let_not_wait(end);
                self.lose_primary_while_cut();
            }
            Fault::CrashWhileCutAndFailOver => {
                self.cut_standby();
                self.wait_for_waiting();
                self.servers.primary().kill();
                self.servers.primary().restart();
                self.gate().pause(SEEN);
                self.lose_primary_while_cut();
            }
            Fault::ReadOnly(time) => self.read_only(time),
        }
    }

    /// Waits for so many milliseconds. In one of four of such times a node is killed as well.
    fn pause(&self, milliseconds: u64) {
        if self.world().below(4) == 0 {
            let node = usize::try_from(self.world().below(3)).expect("it is small");
            self.gate().pause(Duration::from_millis(milliseconds / 2));
            self.nodes()[node].kill();
            self.also("a node as well: SIGKILL");
        }
        self.gate().pause(Duration::from_millis(milliseconds));
    }

    fn skew(&self, node: usize, ahead: i64, at_start: bool) {
        let one = &self.nodes()[node];
        self.set_clock(one, ahead);
        if at_start {
            one.kill();
        }
        self.gate().pause(Duration::from_millis(1_200));
        self.set_clock(one, 0);
    }

    fn cut_standby(&self) {
        let [primary, standby] = self.servers.hosts();
        primary.cut(standby);
    }

    fn heal_standby(&self) {
        let [primary, standby] = self.servers.hosts();
        primary.heal(standby);
    }

    /// Waits until a commit waits for the standby; not for ever, since all nodes may be on their way.
    fn wait_for_waiting(&self) {
        let waits = || {
            let count = self.servers.ask(&format!("SELECT count(*) {WAITING}"));
            count.is_some_and(|count| count != "0")
        };
        for _ in 0..30 {
            if waits() {
                return;
            }
            self.gate().pause(COMING / 30);
        }
    }

    fn let_not_wait(&self, end: bool) {
        for _ in 0..3 {
            self.wait_for_waiting();
            self.do_to(if end { "pg_terminate_backend" } else { "pg_cancel_backend" }, WAITING);
            self.gate().pause(SEEN / 2);
        }
    }

    fn do_to(&self, what: &str, whom: &str) {
        let _count = self.servers.ask(&format!("SELECT count({what}(pid)) {whom}"));
    }

    fn lose_primary(&mut self) {
        self.servers.primary().kill();
        self.servers.fail_over();
    }

    fn lose_primary_while_cut(&mut self) {
        self.servers.primary().kill();
        self.heal_standby();
        self.servers.fail_over();
    }

    fn read_only(&self, time: u64) {
        let (primary, name) = (self.servers.primary(), self.servers.name());
        primary.sql("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
        self.do_to("pg_terminate_backend", SESSIONS);
        self.pause(time);
        primary.sql("postgres", &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    }
}
