//! `meter-pki ocsp export`: has the server sign answers ahead and writes them as files for any server of static files.
//!
//! Certificates pass page by page, and the manifest from before passes beside them: what was said and is still true for more
//! than half its time stays, and everything else is signed again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::ports::Clock;
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::printer::Printer;
use crate::cli::{OcspCommand, OcspExportArgs};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::ocsp::{PreparationText, PreparedView};
use crate::operator::wire::words::TimeText;
use crate::operator::wire::{AuthorityView, CertificatePage, CertificateQueryText, CertificateView};
use crate::prepared_answers::AnswerFolder;
use crate::prepared_answers::manifest::{Head, NewManifest, Row, Rows};
use crate::time_text;

pub(super) async fn run(
    verb: &OcspCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let OcspCommand::Export(args) = verb;
    let report = export(args, client).await?;
    printer.result(&report, |report| vec![report.line()]);
    Ok(())
}

/// What an export did.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = OcspExport)]
pub(in crate::commands) struct Report {
    authority: String,
    directory: String,
    /// How many certificates have answers now.
    certificates: u64,
    /// How many of them were signed for.
    signed: u64,
    /// How many answers went since their certificates are over.
    removed: u64,
    /// When the next of them is to be signed again.
    #[schema(value_type = Option<TimeText>)]
    due: Option<String>,
}

impl Report {
    fn line(&self) -> String {
        let Self { certificates, signed, removed, .. } = self;
        let due = self.due.as_deref().map_or_else(String::new, |due| format!("; run again by {due}"));
        format!("answers for {certificates} certificates: {signed} signed, {removed} removed{due}")
    }
}

async fn export(args: &OcspExportArgs, client: &OperatorClient) -> Result<Report, Failure> {
    let authorities: Vec<AuthorityView> = client.get("/v1/authorities", &()).await?;
    let authority = authorities.into_iter().find(|one| one.name == args.name).ok_or_else(|| {
        let message = format!("there is no authority called {}", args.name);
        Failure::new(Exit::NotFound, "authority.unknown", message).then("meter-pki ca list")
    })?;
    let ends_before = args.expiring_before.as_deref().map(time_text::parse).transpose();
    let ends_before = ends_before.map_err(|error| Failure::new(Exit::Usage, "time.malformed", error))?;
    let folder = AnswerFolder::open(&args.to).map_err(|error| unwritable(&args.to, &error))?;
    let head = Head { format: 1, authority: authority.name, key: authority.key };
    let mut export = Export { client, folder, head, now: SystemClock.now(), report: Report::default() };
    if args.serial.is_empty() {
        // What a run that was cut off did may be from long ago: it is looked at again.
        while export.all(ends_before).await? {}
    } else {
        export.these(&args.serial).await?;
    }
    let Report { due, .. } = &export.report;
    let (authority, directory) = (args.name.clone(), args.to.display().to_string());
    Ok(Report { authority, directory, due: due.clone(), ..export.report })
}

struct Export<'a> {
    client: &'a OperatorClient,
    folder: AnswerFolder,
    head: Head,
    now: UnixTime,
    report: Report,
}

/// The manifest from before and the one that takes its place.
struct Books {
    old: Rows,
    new: NewManifest,
}

impl Export<'_> {
    /// Brings the answers for all certificates up to date; tells whether it went on with a run that was cut off.
    async fn all(&mut self, ends_before: Option<UnixTime>) -> Result<bool, Failure> {
        self.report =
            Report { signed: self.report.signed, removed: self.report.removed, ..Report::default() };
        let (mut books, mut after) = self.books().map_err(|error| self.io(&error))?;
        let resumed = after.is_some();
        loop {
            let query = CertificateQueryText {
                issuer: Some(self.head.authority.clone()),
                after,
                limit: u32::try_from(PreparationText::MOST).unwrap_or(u32::MAX),
                ..CertificateQueryText::default()
            };
            let page: CertificatePage = self.client.get("/v1/certificates", &query).await?;
            self.page(&page.certificates, &mut books, ends_before).await?;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        // What the ledger does not list is not answered for.
        while let Some(row) = books.old.below(None).map_err(|error| self.io(&error))? {
            self.drop_row(&row)?;
        }
        books.new.finish().map_err(|error| self.io(&error))?;
        Ok(resumed)
    }

    /// Brings the answers for these certificates up to date and leaves all others as they are.
    async fn these(&mut self, serials: &[String]) -> Result<(), Failure> {
        let mut wanted = BTreeSet::new();
        for text in serials {
            let serial = SerialNumber::parse(text);
            wanted.insert(serial.map_err(|error| Failure::new(Exit::Usage, "serial.malformed", error))?);
        }
        let mut found = Vec::new();
        for serial in &wanted {
            let path = format!("/v1/certificates/{}/{serial}", escaped(&self.head.authority));
            found.push(self.client.get::<CertificateView>(&path, &()).await?);
        }
        let manifest = self.folder.manifest();
        let old = Rows::open(&manifest, &self.head).map_err(|error| self.io(&error))?;
        let new = NewManifest::begin(&manifest, &self.head).map_err(|error| self.io(&error))?;
        let mut books = Books { old, new };
        for page in found.chunks(PreparationText::MOST) {
            let signed = self.sign(page.iter().filter(|one| self.is_answered(one))).await?;
            for one in page {
                let serial = number(one)?;
                while let Some(row) = books.old.below(Some(&serial)).map_err(|error| self.io(&error))? {
                    self.keep(&mut books.new, &row)?;
                }
                self.settle(one, &mut books, &signed)?;
            }
        }
        while let Some(row) = books.old.below(None).map_err(|error| self.io(&error))? {
            self.keep(&mut books.new, &row)?;
        }
        books.new.finish().map_err(|error| self.io(&error))
    }

    /// Opens the books, where a run that was cut off left them; then the place after which it goes on, too.
    fn books(&self) -> io::Result<(Books, Option<String>)> {
        let manifest = self.folder.manifest();
        let mut old = Rows::open(&manifest, &self.head)?;
        let Some((new, last)) = NewManifest::resume(&manifest, &self.head)? else {
            return Ok((Books { old, new: NewManifest::begin(&manifest, &self.head)? }, None));
        };
        while old.below(Some(&last))?.is_some() {}
        old.of(&last)?;
        Ok((Books { old, new }, Some(format!("{}.{last}", self.head.key))))
    }

    async fn page(
        &mut self,
        page: &[CertificateView],
        books: &mut Books,
        ends_before: Option<UnixTime>,
    ) -> Result<(), Failure> {
        let selected = |one: &CertificateView| {
            ends_before.is_none_or(|bound| time_text::parse(&one.not_after).is_ok_and(|end| end < bound))
        };
        // Which rows stay is known only when they have passed, and what is signed is asked for at once.
        let mut rows = BTreeMap::new();
        let mut asked = Vec::new();
        for one in page {
            let serial = number(one)?;
            while let Some(row) = books.old.below(Some(&serial)).map_err(|error| self.io(&error))? {
                self.drop_row(&row)?;
            }
            let row = books.old.of(&serial).map_err(|error| self.io(&error))?;
            let stands = row.as_ref().is_some_and(|row| self.stands(row, one));
            if self.is_answered(one) && selected(one) && !stands {
                asked.push(one);
            }
            rows.extend(row.map(|row| (serial, row)));
        }
        let again = asked.iter().map(|one| number(one)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut signed = self.sign(asked.into_iter()).await?;
        for one in page {
            let serial = number(one)?;
            match (signed.remove(&serial), rows.remove(&serial)) {
                (Some(row), _) => self.add(&mut books.new, &row)?,
                (None, Some(row)) if self.is_answered(one) && !again.contains(&serial) => {
                    self.keep(&mut books.new, &row)?;
                }
                (None, Some(row)) => self.drop_row(&row)?,
                (None, None) => {}
            }
        }
        books.new.flush().map_err(|error| self.io(&error))
    }

    fn settle(
        &mut self,
        one: &CertificateView,
        books: &mut Books,
        signed: &BTreeMap<SerialNumber, Row>,
    ) -> Result<(), Failure> {
        let serial = number(one)?;
        let old = books.old.of(&serial).map_err(|error| self.io(&error))?;
        match (signed.get(&serial), old) {
            (Some(row), _) => self.add(&mut books.new, row),
            (None, Some(row)) => self.drop_row(&row),
            (None, None) => Ok(()),
        }
    }

    /// Whether a certificate has answers: it was issued and is not over.
    fn is_answered(&self, one: &CertificateView) -> bool {
        matches!(one.status.as_str(), "good" | "revoked" | "on-hold")
            && time_text::parse(&one.not_after).is_ok_and(|end| self.now <= end)
    }

    /// Whether what was said is true still, for more than half of its time.
    fn stands(&self, row: &Row, one: &CertificateView) -> bool {
        row.told == told(one) && row.due().is_some_and(|due| self.now.seconds() < due)
    }

    /// Has answers signed and writes them.
    async fn sign(
        &self,
        asked: impl Iterator<Item = &CertificateView>,
    ) -> Result<BTreeMap<SerialNumber, Row>, Failure> {
        let asked: BTreeMap<String, &CertificateView> = asked.map(|one| (one.serial.clone(), one)).collect();
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let serials = asked.keys().cloned().collect();
        let text = PreparationText { authority: self.head.authority.clone(), serials };
        let prepared: Vec<PreparedView> = self.client.post("/v1/ocsp-answers", &text).await?;
        let mut rows = BTreeMap::new();
        for view in prepared {
            if let Some(one) = asked.get(&view.serial) {
                rows.insert(number(one)?, self.write(one, view)?);
            }
        }
        Ok(rows)
    }

    fn write(&self, one: &CertificateView, view: PreparedView) -> Result<Row, Failure> {
        let broken = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "operator.malformed", error);
        let this_update = time_text::parse(&view.this_update).map_err(|error| broken(&error))?;
        let mut files = Vec::new();
        for answer in &view.answers {
            let request = STANDARD.decode(&answer.request).map_err(|error| broken(&error))?;
            let response = STANDARD.decode(&answer.response).map_err(|error| broken(&error))?;
            let path = self.folder.put(&request, &response, this_update).map_err(|error| self.io(&error))?;
            files.push((path, hex::encode(Sha256::digest(&response))));
        }
        let PreparedView { serial, this_update, next_update, .. } = view;
        Ok(Row { serial, told: told(one), this_update, next_update, files })
    }

    fn add(&mut self, new: &mut NewManifest, row: &Row) -> Result<(), Failure> {
        self.report.signed = self.report.signed.saturating_add(1);
        self.keep(new, row)
    }

    fn keep(&mut self, new: &mut NewManifest, row: &Row) -> Result<(), Failure> {
        self.report.certificates = self.report.certificates.saturating_add(1);
        let due = row.due().map(|due| UnixTime::from_seconds(due).to_string());
        self.report.due = match (self.report.due.take(), due) {
            (Some(known), Some(due)) => Some(known.min(due)),
            (known, due) => known.or(due),
        };
        new.add(row).map_err(|error| self.io(&error))
    }

    fn drop_row(&mut self, row: &Row) -> Result<(), Failure> {
        for (path, _) in &row.files {
            self.folder.remove(path).map_err(|error| self.io(&error))?;
        }
        self.report.removed = self.report.removed.saturating_add(1);
        Ok(())
    }

    fn io(&self, error: &io::Error) -> Failure {
        unwritable(&self.folder.manifest(), error)
    }
}

/// The status that an answer tells, as the ledger has it.
fn told(one: &CertificateView) -> String {
    match (&one.revoked_at, &one.reason) {
        (Some(at), Some(reason)) => format!("revoked {at} {reason}"),
        _ => "good".to_owned(),
    }
}

fn number(one: &CertificateView) -> Result<SerialNumber, Failure> {
    SerialNumber::parse(&one.serial).map_err(|error| Failure::new(Exit::Failed, "operator.malformed", error))
}

fn unwritable(place: &Path, error: &io::Error) -> Failure {
    let message = format!("{}: {error}", place.display());
    let kind = error.kind();
    if kind == io::ErrorKind::WouldBlock {
        return Failure::new(Exit::Conflict, "ocsp.busy", message)
            .then("another export is at work in this directory: wait until it has ended");
    }
    if kind == io::ErrorKind::AlreadyExists {
        return Failure::new(Exit::Conflict, "ocsp.directory", message)
            .then("name a directory of its own with --to");
    }
    Failure::new(Exit::Failed, "ocsp.directory", message)
        .then("look at the directory and its space; the same command goes on where it was cut off")
}
