//! Where the database is and how it is reached: what `[store] database` says, made safe by default. Connects to nothing.

use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// How long one attempt to connect to one host may take, unless the address says otherwise.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the kernel waits for a host that acknowledges nothing.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// When the kernel asks a silent host whether it is there, and how often it asks before it gives up.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(5), Duration::from_secs(2), 3);

/// How a session behaves on the server's side: a process of ours that vanishes holds the turn to write for five seconds at most,
/// and whoever waits for it hears after five seconds that it is not to be had. Every statement names keys, so none reads a table
/// from end to end, which the server thinks cheaper while a table is small, and goes on doing after it has grown.
const OPTIONS: &str = "-c idle_in_transaction_session_timeout=5000 -c lock_timeout=5000 -c statement_timeout=0 \
                       -c synchronous_commit=on -c search_path=pg_catalog -c jit=off -c plan_cache_mode=auto \
                       -c enable_seqscan=off";

/// A PostgreSQL database that keeps a ledger: hosts in the order in which they are tried, of which the one that takes writes is
/// used.
#[derive(Clone)]
pub struct Database {
    pub(super) config: Config,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration of tokio-postgres does not show its password.
        f.debug_struct("Database").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Database {
    /// Reads an address as libpq writes it: `postgres://user@host1,host2/name?…`, or `host=… user=… dbname=…`.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        let mut config: Config = address.parse().map_err(|_| AddressError::Unreadable)?;
        if config.get_password().is_some() {
            return Err(AddressError::Password);
        }
        if config.get_options().is_some() {
            return Err(AddressError::Options);
        }
        if config.get_hosts().is_empty() {
            return Err(AddressError::NoHost);
        }
        let (idle, interval, retries) = KEEPALIVE;
        config
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .keepalives(true)
            .keepalives_idle(idle)
            .keepalives_interval(interval)
            .keepalives_retries(retries)
            .application_name("meter-pki")
            .options(OPTIONS);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        Ok(Self { config, tls: None })
    }

    /// Gives the password that the server asks for.
    #[must_use]
    pub fn with_password(mut self, password: &[u8]) -> Self {
        self.config.password(password);
        self
    }

    /// Speaks TLS, and only to servers whose certificates end at one of these anchors and name the host of the address.
    ///
    /// # Errors
    /// [`AddressError::Anchors`].
    pub fn with_tls(mut self, anchors: Vec<CertificateDer<'static>>) -> Result<Self, AddressError> {
        let mut roots = RootCertStore::empty();
        for anchor in anchors {
            roots.add(anchor).map_err(|_| AddressError::Anchors)?;
        }
        if roots.is_empty() {
            return Err(AddressError::Anchors);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| AddressError::Anchors)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        self.tls = Some(Arc::new(client));
        self.config.ssl_mode(SslMode::Require);
        Ok(self)
    }

    /// Refuses an address that would send what the ledger holds over a network in clear without saying that it may.
    ///
    /// # Errors
    /// [`AddressError::Clear`].
    pub fn check(&self) -> Result<(), AddressError> {
        let asked_for = self.config.get_ssl_mode() == SslMode::Disable;
        if self.tls.is_some() || asked_for || self.config.get_hosts().iter().all(is_here) {
            Ok(())
        } else {
            Err(AddressError::Clear)
        }
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    }
}

/// Why an address of a database cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not one.
    #[error("it is neither postgres://USER@HOST/NAME nor host=HOST user=USER dbname=NAME")]
    Unreadable,
    /// It holds a password.
    #[error("it holds a password: put that into a file of its own, and name the file as password_file")]
    Password,
    /// It holds options of the session.
    #[error("it holds options: those of the session are this program's own")]
    Options,
    /// It names no host.
    #[error("it names no host: say the directory of the server's socket, or where it listens")]
    NoHost,
    /// The anchors are no certificates.
    #[error("tls_anchor_file holds no certificate that can be an anchor")]
    Anchors,
    /// It is somewhere else, and nothing says how it is protected on the way.
    #[error(
        "the database is on another machine: give tls_anchor_file, or say sslmode=disable in the address where the network \
         is protected otherwise"
    )]
    Clear,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::postgres::session::Wire;
    use crate::engine::postgres::{schema, sql};
    use crate::keyspace::Keyspace;

    #[test]
    fn takes_both_forms_and_always_wants_the_host_that_writes() {
        for address in
            ["postgres://pki@/ledger?host=/run/postgresql", "host=/run/postgresql user=pki dbname=ledger"]
        {
            let database = Database::parse(address).unwrap();
            assert_eq!(database.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!(database.config.get_dbname(), Some("ledger"));
            assert_eq!(database.check(), Ok(()));
        }
    }

    #[test]
    fn secrets_and_options_have_other_places() {
        let refused = |address: &str| Database::parse(address).unwrap_err();
        assert_eq!(refused("postgres://pki:secret@db/ledger"), AddressError::Password);
        assert_eq!(refused("host=db user=pki options='-c synchronous_commit=off'"), AddressError::Options);
        assert_eq!(refused("user=pki"), AddressError::NoHost);
        assert_eq!(refused("a ledger"), AddressError::Unreadable);
    }

    #[test]
    fn nothing_goes_over_a_network_in_clear_unless_the_address_says_so() {
        let checked = |address: &str| Database::parse(address).unwrap().check();
        assert_eq!(checked("host=127.0.0.1,localhost user=pki"), Ok(()));
        assert_eq!(checked("host=localhost,db2 user=pki"), Err(AddressError::Clear));
        assert_eq!(checked("host=db1,db2 user=pki sslmode=disable"), Ok(()));
        let with_nothing = Database::parse("host=db1 user=pki").unwrap().with_tls(Vec::new());
        assert_eq!(with_nothing.unwrap_err(), AddressError::Anchors);
    }

    #[test]
    fn a_session_looks_keys_up_in_the_index_however_small_a_table_is() {
        let place = postgres_peer::Server::shared().database();
        let wire = Wire::start().unwrap();
        let session = wire.connect(&Database::parse(&place.url()).unwrap()).unwrap();
        schema::forward(&session, schema::MOST, "a test").unwrap();
        let rows = "SELECT sha256(number::text::bytea), 'v' FROM generate_series(1, 200) AS number";
        place.sql(&format!("INSERT INTO meter_pki.keys {rows}; ANALYZE meter_pki.keys"));
        let keys: Vec<String> = (0..60).map(|number| format!("'\\x{number:02}'::bytea")).collect();
        let question = sql::values(Keyspace::Keys).replace("$1", &format!("ARRAY[{}]", keys.join(",")));
        let asked = async { session.client().query(&format!("EXPLAIN {question}"), &[]).await };
        let plan = session.wait(Duration::from_secs(10), asked).unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains("Index")), "{plan:?}");
        assert!(!plan.iter().any(|line| line.contains("Seq Scan")), "{plan:?}");
    }

    #[test]
    fn a_password_is_never_shown() {
        let database = Database::parse("host=db user=pki").unwrap().with_password(b"canary");
        assert!(!format!("{database:?}").contains("canary"));
    }
}
