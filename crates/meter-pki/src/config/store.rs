//! `[store]`: where records are kept, and as whom this process writes where several share them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ca_core::tenant::TenantId;
use ca_store::{Database, EngineKind};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use toml::Spanned;

use super::beside;
use super::checker::Checker;
use crate::private_text;

/// What to say of an engine that there is not.
pub(crate) const ENGINES: &str = "the engines are fjall, sled and postgres";

/// `[store]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStore {
    /// `tenant`: who runs the installation; audit records of starts and recoveries carry the name.
    pub tenant: String,
    /// `directory`: made by `meter-pki store create` or `meter-pki quickstart`, never by `serve`. With PostgreSQL it is this
    /// node's own.
    pub directory: PathBuf,
    /// `engine`: `fjall` (default), `sled` or `postgres`.
    #[serde(default = "default_engine")]
    pub engine: String,
    /// `[store.database]`: with `engine = "postgres"` alone.
    pub database: Option<Spanned<RawDatabase>>,
}

fn default_engine() -> String {
    "fjall".to_owned()
}

/// `[store.database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDatabase {
    /// `address`: as libpq writes it; several hosts in the order in which they are tried, of which the one that takes writes is
    /// used.
    pub address: String,
    /// `password_file`: mode 0600.
    pub password_file: Option<PathBuf>,
    /// `tls_anchor_file`: who vouches for the servers, PEM; needed unless the database is on this machine, or the address says
    /// `sslmode=disable`.
    pub tls_anchor_file: Option<PathBuf>,
    /// `node`: the name of this process among those that share the ledger.
    pub node: String,
    /// `lease_seconds`: for how long nobody needs to see a node before what it writes is refused, 5 to 300; 15 unless given.
    pub lease_seconds: Option<u16>,
    /// `clock_skew_seconds`: how far its clock may be from the database's, 1 to 300; 30 unless given.
    pub clock_skew_seconds: Option<u16>,
    /// `replica`: the address of a standby that may be behind; lists, reports and exports of status are read from it, and
    /// nothing is decided by what it says.
    pub replica: Option<String>,
}

/// Where records are kept, as it was checked.
#[derive(Debug, Clone)]
pub(crate) struct StorePlace {
    pub(crate) engine: EngineKind,
    pub(crate) directory: PathBuf,
    /// With PostgreSQL.
    pub(crate) database: Option<CheckedDatabase>,
}

/// A database and the name of this node, as they were checked.
#[derive(Debug, Clone)]
pub(crate) struct CheckedDatabase {
    pub(crate) database: Database,
    pub(crate) node: String,
    pub(crate) lease: Duration,
    pub(crate) skew: Duration,
    pub(crate) replica: Option<Database>,
}

impl StorePlace {
    /// Reads the table without looking whether the directory is there.
    ///
    /// # Errors
    /// The first fault.
    pub(super) fn read(file: &Path, raw: &RawStore) -> Result<Self, String> {
        let engine = EngineKind::from_name(&raw.engine).ok_or(ENGINES)?;
        let database = match (engine, &raw.database) {
            (EngineKind::Postgres, Some(database)) => Some(checked(file, database.get_ref())?),
            (EngineKind::Postgres, None) => {
                return Err("engine = \"postgres\" needs [store.database]".to_owned());
            }
            (_, Some(_)) => {
                return Err(format!("[store.database] goes with engine = \"postgres\", not {engine}"));
            }
            (_, None) => None,
        };
        Ok(Self { engine, directory: beside(file, &raw.directory), database })
    }
}

fn checked(file: &Path, raw: &RawDatabase) -> Result<CheckedDatabase, String> {
    let said = |what: &str, why: &dyn core::fmt::Display| format!("store.database.{what}: {why}");
    let password = raw.password_file.as_ref().map(|file_name| beside(file, file_name));
    let anchors = raw.tls_anchor_file.as_ref().map(|file_name| beside(file, file_name));
    let reached = |what: &str, address: &str| {
        reach(address, password.as_deref(), anchors.as_deref()).map_err(|why| said(what, &why))
    };
    if raw.node.is_empty() || raw.node.len() > 64 || !raw.node.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(said("node", &"a name has 1 to 64 letters, digits or signs"));
    }
    let seconds = |what, given: Option<u16>, (usual, least): (u16, u16)| match given.unwrap_or(usual) {
        seconds if (least..=300).contains(&seconds) => Ok(Duration::from_secs(seconds.into())),
        seconds => Err(said(what, &format!("{seconds} is not between {least} and 300"))),
    };
    Ok(CheckedDatabase {
        database: reached("address", &raw.address)?,
        node: raw.node.clone(),
        lease: seconds("lease_seconds", raw.lease_seconds, (15, 5))?,
        skew: seconds("clock_skew_seconds", raw.clock_skew_seconds, (30, 1))?,
        replica: raw.replica.as_deref().map(|address| reached("replica", address)).transpose()?,
    })
}

/// Puts an address, the file of a password and the file of anchors together.
///
/// # Errors
/// One sentence that shows no secret.
pub(crate) fn reach(
    address: &str,
    password_file: Option<&Path>,
    anchor_file: Option<&Path>,
) -> Result<Database, String> {
    let named = |file: &Path, why: &dyn core::fmt::Display| format!("{}: {why}", file.display());
    let mut database = Database::parse(address).map_err(|error| error.to_string())?;
    if let Some(file) = password_file {
        let password = private_text::read(file).map_err(|why| named(file, &why))?;
        database = database.with_password(password.trim_end_matches('\n').as_bytes());
    }
    if let Some(file) = anchor_file {
        let anchors: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|error| named(file, &error))?;
        database = database.with_tls(anchors).map_err(|error| named(file, &error))?;
    }
    database.check().map_err(|error| error.to_string())?;
    Ok(database)
}

impl Checker<'_> {
    pub(super) fn store(&mut self, raw: &RawStore) -> Option<(TenantId, StorePlace)> {
        let engine = self.keep("store.engine", EngineKind::from_name(&raw.engine).ok_or(ENGINES));
        let tenant = self.keep("store.tenant", TenantId::parse(&raw.tenant));
        let directory = self.directory("store.directory", &raw.directory);
        engine?;
        let place = self.keep("store", StorePlace::read(self.file(), raw));
        directory?;
        Some((tenant?, place?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<StorePlace, String> {
        let raw: RawStore =
            toml::from_str(&format!("tenant = \"dso\"\ndirectory = \"node\"\n{text}")).unwrap();
        StorePlace::read(Path::new("/etc/meter-pki/meter-pki.toml"), &raw)
    }

    const POSTGRES: &str = "engine = \"postgres\"\n[database]\naddress = \"host=/run/postgresql user=pki\"\n";

    #[test]
    fn a_database_goes_with_its_engine_and_with_no_other() {
        assert!(read("").unwrap().database.is_none());
        assert!(read("engine = \"postgres\"").unwrap_err().contains("[store.database]"));
        let sled = POSTGRES.replace("postgres\"\n[", "sled\"\n[");
        assert!(read(&format!("{sled}node = \"ca-1\"")).unwrap_err().contains("goes with"));
        let place = read(&format!("{POSTGRES}node = \"ca-1\"")).unwrap();
        let database = place.database.unwrap();
        assert_eq!((database.lease.as_secs(), database.skew.as_secs(), &*database.node), (15, 30, "ca-1"));
    }

    #[test]
    fn what_a_node_says_of_itself_is_bounded() {
        for (more, what) in [
            ("node = \"\"", "node"),
            ("node = \"ca 1\"", "node"),
            ("node = \"ca-1\"\nlease_seconds = 4", "lease_seconds"),
            ("node = \"ca-1\"\nclock_skew_seconds = 301", "clock_skew_seconds"),
            ("node = \"ca-1\"\nreplica = \"nothing\"", "replica"),
            ("node = \"ca-1\"\npassword_file = \"absent\"", "absent"),
        ] {
            let fault = read(&format!("{POSTGRES}{more}")).unwrap_err();
            assert!(fault.contains(what), "{fault}");
        }
    }
}
