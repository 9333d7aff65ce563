//! Where the evidence lies, and reading all of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::campaigns::Campaigns;
use crate::certificate::{Crl, Issuer};
use crate::database;
use crate::engines::{self, Rows};
use crate::fleet::Fleet;
use crate::record::{Clients, SignatureRecord};
use crate::rows::{AuditRecord, Ledger};
use crate::unreadable::Unreadable;
use crate::witness::SignerLog;

/// Where the evidence lies.
#[derive(Debug, Clone, Parser)]
#[command(about = "Names every invariant that a ledger breaks")]
pub struct Evidence {
    /// A copy of the ledger's directory
    #[arg(long, required_unless_present = "database")]
    pub store: Option<PathBuf>,
    /// Instead, the PostgreSQL database that several nodes share, as `postgres://USER@HOST/NAME` or `host=… user=… dbname=…`
    #[arg(long, value_name = "ADDRESS", conflicts_with = "store")]
    pub database: Option<String>,
    /// The file with the password for the database
    #[arg(long, value_name = "FILE", requires = "database")]
    pub password_file: Option<PathBuf>,
    /// A copy of the same ledger after one more start: nothing may have changed
    #[arg(long, requires = "store")]
    pub again: Option<PathBuf>,
    /// The same in a database: the one at `--database` is then a copy from before that start
    #[arg(long, value_name = "ADDRESS", requires = "database")]
    pub again_database: Option<String>,
    /// The signer's own ledger, as the crash harness keeps it
    #[arg(long, required_unless_present_any = ["signer_log", "clients"])]
    pub signatures: Option<PathBuf>,
    /// The log of `meter-pki signer`, whose other segments lie beside it: once for each place where there are any, and for each log,
    /// where there are several
    #[arg(long)]
    pub signer_log: Vec<PathBuf>,
    /// Only from this record of the signer's log on: those before it are elsewhere, and are not looked for
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub signer_log_from: u64,
    /// What clients asked for, were given and were told
    #[arg(long, required_unless_present = "signer_log")]
    pub clients: Option<PathBuf>,
    /// The certificates of the authorities, DER, one a file
    #[arg(long)]
    pub authorities: PathBuf,
    /// The folder of published CRLs
    #[arg(long)]
    pub published: PathBuf,
    /// How long an uncertain outcome may stay unrevoked, in seconds
    #[arg(long, default_value_t = 3_600)]
    pub grace: i64,
    /// A mark may be lost that was not synced, without a restart of the machine: a signed intent may count as aborted
    #[arg(long)]
    pub marks_may_be_lost: bool,
    /// The machine was restarted and nothing has opened the ledger since: marks may be lost of intents that are open
    #[arg(long)]
    pub machine_restarted: bool,
    /// A CRL was published after everything else: it lists every revocation
    #[arg(long)]
    pub all_published: bool,
}

/// The evidence, read.
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing how the evidence came about")]
pub(crate) struct Case {
    pub(crate) ledger: Ledger,
    pub(crate) fleet: Fleet,
    pub(crate) campaigns: Campaigns,
    pub(crate) rows: Rows,
    pub(crate) again: Option<Rows>,
    /// Several processes write it, and sign at the same time.
    pub(crate) shared: bool,
    pub(crate) audit: Vec<(Vec<u8>, AuditRecord)>,
    /// None where nobody has kept them.
    pub(crate) signatures: Option<Vec<SignatureRecord>>,
    pub(crate) signer_logs: Vec<SignerLog>,
    pub(crate) clients: Clients,
    pub(crate) issuers: BTreeMap<Vec<u8>, Issuer>,
    pub(crate) published: Vec<Crl>,
    pub(crate) grace: i64,
    pub(crate) marks_may_be_lost: bool,
    pub(crate) machine_restarted: bool,
    pub(crate) all_published: bool,
}

impl Evidence {
    /// Reads everything.
    pub(crate) fn read(&self) -> Result<Case, Unreadable> {
        let rows = self.rows()?;
        let ledger = Ledger::read(&rows)?;
        let fleet = Fleet::read(&rows)?;
        let campaigns = Campaigns::read(&rows)?;
        let issuers: Vec<Issuer> = files(&self.authorities, "cer")?
            .iter()
            .map(|path| Issuer::read(&octets(path)?).ok_or_else(|| Unreadable::file(path)))
            .collect::<Result<_, _>>()?;
        Ok(Case {
            audit: AuditRecord::all(&rows)?,
            again: self.rows_again()?,
            shared: self.database.is_some(),
            signatures: self.signatures.as_deref().map(signatures).transpose()?,
            signer_logs: SignerLog::all(&self.signer_log, self.signer_log_from)?,
            clients: self.clients.as_deref().map(clients).transpose()?.unwrap_or_default(),
            issuers: issuers.into_iter().map(|issuer| (issuer.key.clone(), issuer)).collect(),
            published: crls(&self.published)?
                .iter()
                .map(|path| Crl::read(&octets(path)?).ok_or_else(|| Unreadable::file(path)))
                .collect::<Result<_, _>>()?,
            grace: self.grace,
            marks_may_be_lost: self.marks_may_be_lost,
            machine_restarted: self.machine_restarted,
            all_published: self.all_published,
            ledger,
            fleet,
            campaigns,
            rows,
        })
    }

    fn rows(&self) -> Result<Rows, Unreadable> {
        match (&self.database, &self.store) {
            (Some(address), _) => database::read(address, self.password_file.as_deref()),
            (None, Some(store)) => engines::read(store),
            (None, None) => Ok(Rows::new()),
        }
    }

    fn rows_again(&self) -> Result<Option<Rows>, Unreadable> {
        match &self.again_database {
            Some(address) => database::read(address, self.password_file.as_deref()).map(Some),
            None => self.again.as_deref().map(engines::read).transpose(),
        }
    }
}

fn signatures(path: &Path) -> Result<Vec<SignatureRecord>, Unreadable> {
    SignatureRecord::all(&text(path)?).ok_or_else(|| Unreadable::file(path))
}

fn clients(path: &Path) -> Result<Clients, Unreadable> {
    Clients::read(&text(path)?).ok_or_else(|| Unreadable::file(path))
}

fn files(directory: &Path, ending: &str) -> Result<Vec<PathBuf>, Unreadable> {
    let cause = |cause| Unreadable::Disk { path: directory.to_owned(), cause };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(cause)? {
        let path = entry.map_err(cause)?.path();
        if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The CRLs of a folder, and those of shards in the folders in it.
fn crls(directory: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let cause = |cause| Unreadable::Disk { path: directory.to_owned(), cause };
    let mut found = files(directory, "crl")?;
    for entry in fs::read_dir(directory).map_err(cause)? {
        let path = entry.map_err(cause)?.path();
        if path.is_dir() {
            found.extend(files(&path, "crl")?);
        }
    }
    Ok(found)
}

fn octets(path: &Path) -> Result<Vec<u8>, Unreadable> {
    fs::read(path).map_err(|cause| Unreadable::Disk { path: path.to_owned(), cause })
}

fn text(path: &Path) -> Result<String, Unreadable> {
    fs::read_to_string(path).map_err(|cause| Unreadable::Disk { path: path.to_owned(), cause })
}
