//! What a migration comes to, in words and as JSON: what was read, what the server says of it, what was taken over.

use migration::list::{Fault, List};
use migration::source::Source;
use serde::Serialize;
use utoipa::ToSchema;

use crate::cli::migration::MigrateArgs;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::wire::migration::{
    LastCrlView, ProfileFitView, RuleCountView, TakeOverFaultView, TakeOverView,
};
use crate::operator::wire::words;

/// How many faults are told one by one.
const TOLD: usize = 1_000;

/// What a migration comes to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Migration)]
pub(in crate::commands) struct MigrationView {
    /// The program.
    program: &'static str,
    file: String,
    /// The authority that has the key.
    issuer: String,
    /// SHA-256 over the certificates and revocations that were read.
    #[schema(value_type = words::Sha256)]
    digest: String,
    /// Whether it was carried out.
    pub(super) applied: bool,
    /// How many rows there are.
    rows: u64,
    /// How many certificates could be read.
    read: u64,
    /// How many of them are revoked.
    revoked: u64,
    /// How many of these for a reason that the program does not say.
    without_reason: u64,
    /// How many have expired.
    expired: u64,
    /// How many are put on record, or would be.
    recorded: u64,
    /// Of how many that were on record the revocation is put there, or would be.
    revocations_added: u64,
    /// How many stand on record as they are.
    unchanged: u64,
    /// How many would pass as one of a profile of the authority.
    profiles: Vec<ProfileFitView>,
    /// How many break a rule of the profile that they are nearest to.
    findings: Vec<RuleCountView>,
    /// How CRLs are numbered.
    crl: Option<LastCrlView>,
    /// The files with drafts of profiles.
    pub(super) drafts: Vec<String>,
    /// What of the program's configuration has no draft, and why.
    pub(super) without_draft: Vec<String>,
    /// How many rows are not taken over.
    faulty: u64,
    /// The first thousand of them.
    faults: Vec<TakeOverFaultView>,
    #[serde(skip)]
    all_faults: Vec<TakeOverFaultView>,
}

impl MigrationView {
    pub(super) fn of(source: Source, args: &MigrateArgs, list: &List) -> Self {
        let (revoked, without_reason) = list.revoked();
        let mut view = Self {
            program: source.name(),
            file: args.file.display().to_string(),
            issuer: args.issuer.clone(),
            digest: hex::encode(list.digest()),
            applied: false,
            rows: list.total,
            read: length(&list.rows),
            revoked,
            without_reason,
            expired: 0,
            recorded: 0,
            revocations_added: 0,
            unchanged: 0,
            profiles: Vec::new(),
            findings: Vec::new(),
            crl: None,
            drafts: Vec::new(),
            without_draft: Vec::new(),
            faulty: 0,
            faults: Vec::new(),
            all_faults: Vec::new(),
        };
        view.add_faults(list.faults.clone());
        view
    }

    pub(super) fn add_faults(&mut self, faults: Vec<Fault>) {
        self.keep(faults.into_iter().map(|Fault { place, code, message }| TakeOverFaultView {
            place,
            code: code.to_owned(),
            message,
        }));
    }

    fn keep(&mut self, faults: impl Iterator<Item = TakeOverFaultView>) {
        self.all_faults.extend(faults);
        self.faulty = length(&self.all_faults);
        self.faults = self.all_faults.iter().take(TOLD).cloned().collect();
    }

    /// Takes in what the server says would be done.
    pub(super) fn looked_at(&mut self, view: TakeOverView) {
        self.expired = view.expired;
        self.profiles = view.profiles;
        self.findings = view.findings;
        (self.recorded, self.revocations_added, self.unchanged) =
            (view.recorded, view.revoked, view.unchanged);
        self.keep(view.faults.into_iter());
    }

    /// Takes in what it did. Its faults are those of before, or of what changed between.
    pub(super) fn recorded(&mut self, view: TakeOverView) {
        (self.recorded, self.revocations_added, self.unchanged) =
            (view.recorded, view.revoked, view.unchanged);
        let known = std::mem::take(&mut self.all_faults);
        let new: Vec<_> = view.faults.into_iter().filter(|fault| !known.contains(fault)).collect();
        self.keep(known.into_iter().chain(new));
    }

    pub(super) fn numbered(&mut self, view: LastCrlView) {
        self.crl = Some(view);
    }

    pub(super) const fn total_faults(&self) -> u64 {
        self.faulty
    }

    /// Writes every fault as CSV.
    pub(super) fn faults_csv(&self) -> Result<String, Failure> {
        let unwritable = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "file.unwritable", error);
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["place", "code", "message"]).map_err(|error| unwritable(&error))?;
        for fault in &self.all_faults {
            let record = [&fault.place, &fault.code, &fault.message];
            writer.write_record(record).map_err(|error| unwritable(&error))?;
        }
        let octets = writer.into_inner().map_err(|error| unwritable(&error))?;
        String::from_utf8(octets).map_err(|error| unwritable(&error))
    }

    /// Prints it; rows that are not taken over make it a failure.
    pub(super) fn tell(&self, args: &MigrateArgs, printer: &Printer) -> Result<(), Failure> {
        printer.result(self, Self::lines);
        if self.faulty == 0 {
            return Ok(());
        }
        let (message, next) = match (args.apply, self.applied) {
            (_, true) => (
                format!("{} rows were not taken over", self.faulty),
                "mend them and type the same again: what is on record stays as it is",
            ),
            (true, false) => (
                format!("nothing was taken over, since {} rows cannot be", self.faulty),
                "mend them, or type it again with --accept-good-rows",
            ),
            (false, false) => (
                format!("{} rows would not be taken over", self.faulty),
                "mend them; --faults FILE has all of them as CSV",
            ),
        };
        Err(Failure::new(Exit::Partial, "migration.faulty", message).then(next))
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("{} of {}: {} rows, {} certificates", self.program, self.file, self.rows, self.read),
            format!(
                "{} are revoked, {} of them for no reason that is told; {} have expired",
                self.revoked, self.without_reason, self.expired
            ),
        ];
        let (recorded, added, unchanged) = (self.recorded, self.revocations_added, self.unchanged);
        lines.push(if self.applied {
            format!("{recorded} were taken over, {added} that were on record are revoked now, {unchanged} stand as they did")
        } else {
            format!("{recorded} would be taken over, {added} that are on record be revoked, {unchanged} stand as they do")
        });
        lines.extend(
            self.profiles
                .iter()
                .map(|fit| format!("{} break no rule of the profile {}", fit.count, fit.profile)),
        );
        lines.extend(
            self.findings.iter().map(|one| {
                format!("{} break {}, by the profile that they are nearest to", one.count, one.rule)
            }),
        );
        lines.extend(self.crl.iter().flat_map(numbers));
        lines.extend(self.drafts.iter().map(|file| format!("draft of a profile: {file}")));
        lines.extend(self.without_draft.iter().map(|what| format!("no draft: {what}")));
        lines.extend(
            self.faults.iter().map(|fault| format!("{}: {} ({})", fault.place, fault.message, fault.code)),
        );
        if !self.applied {
            lines.push("nothing was changed; --apply carries it out".to_owned());
        }
        lines
    }
}

fn numbers(view: &LastCrlView) -> Vec<String> {
    let old = view.old.map_or_else(|| "unknown".to_owned(), |old| old.to_string());
    let mut lines = vec![format!("CRL number: the last one was {old}, the next is {} or more", view.next)];
    if view.missing > 0 {
        lines.push(format!("{} entries of the CRL are not revoked on record here", view.missing));
    }
    lines
}

/// Adds what the server says of another part.
pub(super) fn add(all: &mut TakeOverView, part: TakeOverView) {
    let sum = |one: &mut u64, more: u64| *one = one.saturating_add(more);
    sum(&mut all.recorded, part.recorded);
    sum(&mut all.revoked, part.revoked);
    sum(&mut all.unchanged, part.unchanged);
    sum(&mut all.expired, part.expired);
    all.faults.extend(part.faults);
    for fit in part.profiles {
        match all.profiles.iter_mut().find(|known| known.profile == fit.profile) {
            Some(known) => sum(&mut known.count, fit.count),
            None => all.profiles.push(fit),
        }
    }
    for finding in part.findings {
        match all.findings.iter_mut().find(|known| known.rule == finding.rule) {
            Some(known) => sum(&mut known.count, finding.count),
            None => all.findings.push(finding),
        }
    }
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}
