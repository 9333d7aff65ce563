//! One server for many tests, each of which takes a database of its own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::cluster::Cluster;
use crate::ground::variable;
use crate::server::Server;

/// The variable that names the directory of a running server; `tests/run` sets it.
pub const SHARED: &str = "METER_PKI_POSTGRES";

/// The server of this process, while anybody has it.
static OWN: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

impl Server {
    /// Returns the server that [`SHARED`] names, or else one that the tests of this process share. It may sync nothing to
    /// disk (`fsync=off`): it is for tests of what is stored, not for tests of crashes, and must not be changed or ended.
    ///
    /// # Panics
    /// When it cannot be started, or is not there.
    #[must_use]
    pub fn shared() -> Self {
        if let Some(directory) = variable(SHARED) {
            return Self { cluster: Arc::new(Cluster::of_another(Path::new(&directory))) };
        }
        // It ends with whoever drops it last: what a static keeps is never dropped.
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = own.upgrade() {
            return Self { cluster };
        }
        let server = Self::for_sharing();
        *own = Arc::downgrade(&server.cluster);
        server
    }

    /// Starts a server that syncs nothing to disk, keeps little of its log, as it may lie in memory, and has room for the
    /// connections of many tests.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn for_sharing() -> Self {
        Self::with(&[
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("max_connections", "400"),
            ("wal_keep_size", "0"),
            ("min_wal_size", "32MB"),
            ("max_wal_size", "256MB"),
        ])
    }
}
