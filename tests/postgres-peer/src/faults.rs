//! What can happen to a server: a crash, a stop, a pause, a changed setting.

use crate::cluster::{ENDING, USER};
use crate::patience::eventually;
use crate::server::Server;

impl Server {
    /// Ends all its processes at once (SIGKILL), as a crash does.
    pub fn kill(&self) {
        if let Some(tree) = self.cluster.owned().take() {
            tree.kill();
        }
    }

    /// Shuts it down in order (fast: sessions are ended).
    pub fn stop(&self) {
        if let Some(tree) = self.cluster.owned().take() {
            tree.end("INT", ENDING);
        }
    }

    /// Starts it again where it was, after it was killed or stopped, or else stops it first.
    ///
    /// # Panics
    /// When it does not start, with its log.
    pub fn restart(&self) {
        self.stop();
        eventually("PostgreSQL gets its port again", || self.try_launch().then_some(()));
    }

    /// Stops all its processes where they are (SIGSTOP): it keeps its connections and answers nothing.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.cluster.owned().as_mut().expect("it runs").freeze();
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.cluster.owned().as_mut().expect("it runs").thaw();
    }

    /// Changes a setting while it runs (ALTER SYSTEM), for sessions that are open too, as far as it needs no restart.
    ///
    /// # Panics
    /// When PostgreSQL does not take it.
    pub fn set(&self, name: &str, value: &str) {
        let loaded = self.sql(USER, "SELECT pg_conf_load_time()");
        self.sql(USER, &format!("ALTER SYSTEM SET {name} = '{}'", value.replace('\'', "''")));
        self.sql(USER, "SELECT pg_reload_conf()");
        eventually("the settings are read", || {
            (self.sql(USER, "SELECT pg_conf_load_time()") != loaded).then_some(())
        });
    }
}
