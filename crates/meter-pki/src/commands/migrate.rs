//! `meter-pki migrate from`: the record of another program is read here, looked at by the server, and with --apply taken over part by part.
//!
//! The server is asked twice: first what would become of everything, then, if nothing stands against it, to record it. What is on record
//! already stays as it is, so that a run that was cut short is typed again.

mod report;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::validity::UnixTime;
use migration::ReadError;
use migration::drafts::Draft;
use migration::drafts::configured::Configured;
use migration::list::{List, Row};
use migration::source::Source;

use super::printer::Printer;
use crate::cli::migration::{MigrateArgs, MigrateCommand, Origin};
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::OperatorClient;
use crate::operator::migration_acts::MOST_IN_A_PART;
use crate::operator::wire::migration::{
    LastCrlText, LastCrlView, RevokedBeforeText, TakeOverText, TakeOverView, TakenOverText,
};
pub(super) use report::MigrationView;

/// After how many parts people are told how far it is.
const PROGRESS: usize = 20;

pub(super) async fn run(
    verb: &MigrateCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let MigrateCommand::From(args) = verb;
    for file in args.faults.iter().chain(&args.drafts) {
        refuse_existing(file)?;
    }
    let source = source(args.program);
    let list = migration::source::read(source, &args.file, args.certificates.as_deref())
        .map_err(|error| unreadable(&error))?;
    let configured =
        migration::source::configured(source, &args.program_config).map_err(|error| unreadable(&error))?;
    let crl = args.crl.as_deref().map(crl).transpose()?;
    let mut view = MigrationView::of(source, args, &list);
    if let Some(crl) = &crl {
        let beyond = migration::compare(&list, crl)
            .map_err(|error| Failure::new(Exit::Usage, "migration.crl", error))?;
        view.add_faults(beyond);
    }
    let asked = Asked { source, args, list: &list, crl: crl.as_deref() };
    view.looked_at(asked.send(client, printer, false).await?);
    view.numbered(asked.number(client, false).await?);
    if let Some(directory) = &args.drafts {
        let Configured { drafts, left_out } = configured;
        view.drafts = write_drafts(migration::drafts::propose(&list).into_iter().chain(drafts), directory)?;
        view.without_draft = left_out;
    }
    if let Some(file) = &args.faults {
        write_new(file, view.faults_csv()?.as_bytes())?;
    }
    if args.apply && (view.total_faults() == 0 || args.accept_good_rows) {
        view.recorded(asked.send(client, printer, true).await?);
        view.numbered(asked.number(client, true).await?);
        view.applied = true;
    }
    view.tell(args, printer)
}

/// What is asked of the server.
struct Asked<'a> {
    source: Source,
    args: &'a MigrateArgs,
    list: &'a List,
    crl: Option<&'a [u8]>,
}

impl Asked<'_> {
    /// Sends the certificates part by part, and adds up what the server says.
    async fn send(
        &self,
        client: &OperatorClient,
        printer: &Printer,
        apply: bool,
    ) -> Result<TakeOverView, Failure> {
        let digest = hex::encode(self.list.digest());
        let parts = self.list.rows.len().div_ceil(MOST_IN_A_PART);
        let mut all = TakeOverView::default();
        for (number, rows) in (1_usize..).zip(self.list.rows.chunks(MOST_IN_A_PART)) {
            let text = TakeOverText {
                issuer: self.args.issuer.clone(),
                source: self.source.name().to_owned(),
                digest: digest.clone(),
                apply,
                certificates: rows.iter().map(text).collect(),
            };
            report::add(&mut all, client.post("/v1/migrations/certificates", &text).await?);
            if number % PROGRESS == 0 {
                let done = if apply { "taken over" } else { "looked at" };
                printer.progress(&format!("part {number} of {parts} is {done}"));
            }
        }
        Ok(all)
    }

    async fn number(&self, client: &OperatorClient, apply: bool) -> Result<LastCrlView, Failure> {
        let text = LastCrlText {
            issuer: self.args.issuer.clone(),
            source: self.source.name().to_owned(),
            crl: self.crl.map(|crl| STANDARD.encode(crl)),
            number: self.args.crl_number.max(self.list.last_crl_number),
            apply,
        };
        client.post("/v1/migrations/crl", &text).await
    }
}

fn text(row: &Row) -> TakenOverText {
    let date = |date: UnixTime| date.to_string();
    TakenOverText {
        place: row.place.clone(),
        certificate: STANDARD.encode(&row.certificate),
        revoked: row.revoked.map(|revoked| RevokedBeforeText {
            at: date(revoked.at),
            reason: revoked.reason.name().to_owned(),
            invalidity_date: revoked.invalidity_date.map(date),
        }),
    }
}

fn crl(file: &Path) -> Result<Vec<u8>, Failure> {
    let cause = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "migration.file", format!("{} cannot be read: {error}", file.display()))
    };
    let octets = std::fs::read(file).map_err(|error| cause(&error))?;
    migration::crl_octets(&octets).map_err(|error| cause(&error))
}

fn write_drafts(drafts: impl Iterator<Item = Draft>, directory: &Path) -> Result<Vec<String>, Failure> {
    let unwritable = |error| {
        let message = format!("{} cannot be made: {error}", directory.display());
        Failure::new(Exit::Failed, "file.unwritable", message)
    };
    std::fs::create_dir(directory).map_err(unwritable)?;
    let mut names = Vec::new();
    for draft in drafts {
        let file = directory.join(format!("{}.toml", draft.id));
        write_new(&file, draft.text.as_bytes())?;
        names.push(file.display().to_string());
    }
    Ok(names)
}

fn unreadable(error: &ReadError) -> Failure {
    let failure = Failure::new(Exit::Usage, error.code(), error);
    failure.then("docs/operate/migrate.md says, program by program, which export is read and how it is made")
}

const fn source(origin: Origin) -> Source {
    match origin {
        Origin::OpensslCa => Source::OpensslCa,
        Origin::Cfssl => Source::Cfssl,
        Origin::StepCa => Source::StepCa,
        Origin::Ejbca => Source::Ejbca,
        Origin::Csv => Source::Csv,
    }
}
