//! `meter-pki delivery`: files that meter makers deliver, checked here and imported over the operator's socket.
//!
//! Everything but `import` and `list` works without a server. No secret of a delivery is shown, and none is unwrapped.

pub(super) mod import;
mod list;
pub(super) mod outcome;
pub(super) mod shown;

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::ports::Clock as _;
use deliveries::checks::{Checks, Factory};
use deliveries::fault::ReadError;
use deliveries::map::Map;
use deliveries::reading::{Limits, Reading, Summary, Taker};
use deliveries::samples::{self, SAMPLES};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::credential;
use super::printer::{Printer, heading, table};
use crate::cli::ServerArgs;
use crate::cli::delivery::{CheckArgs, DeliveryCommand, FileArgs};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use outcome::{CheckView, Outcome};

/// A map, as it is listed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryMap)]
pub(in crate::commands) struct MapView {
    name: String,
    kind: &'static str,
    about: String,
}

pub(super) fn run(verb: &DeliveryCommand, server: &ServerArgs, printer: &Printer) -> Result<(), Failure> {
    match verb {
        DeliveryCommand::Maps { show: None } => maps(printer),
        DeliveryCommand::Maps { show: Some(name) } => {
            let sample = samples::named(name).ok_or_else(|| no_map(name))?;
            printer.script(sample.text);
            Ok(())
        }
        DeliveryCommand::Check(args) => check(args, printer),
        DeliveryCommand::Import(args) => super::wait(import::import(args, &super::client(server)?, printer)),
        DeliveryCommand::List { after, limit } => {
            super::wait(list::list(after.clone(), *limit, &super::client(server)?, printer))
        }
        DeliveryCommand::Draft { file } => draft(file, printer),
        DeliveryCommand::ShowRow(args) => shown::show(&Opened::of(&args.delivery, None)?, args.row, printer),
    }
}

fn maps(printer: &Printer) -> Result<(), Failure> {
    let mut views = Vec::new();
    for sample in SAMPLES {
        let map = Map::parse(sample.text).map_err(|error| faulty_map(sample.name, &error))?;
        views.push(MapView { name: map.name().to_owned(), kind: map.kind(), about: map.about().to_owned() });
    }
    printer.result(&views, |views| {
        let mut rows = vec![heading(&["NAME", "KIND", "WHAT IT IS FOR"])];
        rows.extend(views.iter().map(|map| vec![map.name.clone(), map.kind.to_owned(), map.about.clone()]));
        table(&rows)
    });
    Ok(())
}

fn draft(file: &Path, printer: &Printer) -> Result<(), Failure> {
    let proposed = deliveries::draft::propose(open(file)?).map_err(|error| unreadable(file, &error))?;
    printer.script(&proposed);
    Ok(())
}

fn check(args: &CheckArgs, printer: &Printer) -> Result<(), Failure> {
    let opened = Opened::of(&args.delivery, args.announced)?;
    let outcome = checked(&opened, args)?;
    let view = CheckView::of(&opened, &outcome);
    printer.result(&view, CheckView::lines);
    if outcome.summary.total_faults() == 0 {
        return Ok(());
    }
    Err(outcome.failure(&opened, args.faults.as_deref()))
}

/// Reads a delivery to its end, and writes the report of faults if one is wanted.
fn checked(opened: &Opened, args: &CheckArgs) -> Result<Outcome, Failure> {
    if let Some(report) = &args.faults {
        spare(report, &[&opened.file, Path::new(&args.delivery.map)])?;
    }
    let mut outcome = Outcome::new(args.faults.as_deref())?;
    outcome.summary = opened.read(&mut outcome)?;
    outcome.finish()
}

/// Refuses to write the report of faults over what is read.
fn spare(report: &Path, read: &[&Path]) -> Result<(), Failure> {
    let Ok(place) = report.canonicalize() else { return Ok(()) };
    if read.iter().any(|path| path.canonicalize().is_ok_and(|known| known == place)) {
        let message = format!("{} is what is read, and cannot be the report", report.display());
        return Err(Failure::new(Exit::Usage, "delivery.report", message).then("give --faults another file"));
    }
    Ok(())
}

/// A delivery and what it is read by.
#[derive(Debug, Clone)]
struct Opened {
    file: std::path::PathBuf,
    map: Map,
    /// SHA-256 of the map, as it is written.
    map_digest: [u8; 32],
    checks: Checks,
    announced: Option<u64>,
}

impl Opened {
    fn of(args: &FileArgs, announced: Option<u64>) -> Result<Self, Failure> {
        let factory = args.factory_ca.as_deref().map(factory).transpose()?;
        let checks = Checks { factory };
        let (map, map_digest) = map(&args.map)?;
        Ok(Self { file: args.file.clone(), map, map_digest, checks, announced })
    }

    /// Reads the delivery to its end.
    fn read(&self, taker: &mut dyn Taker) -> Result<Summary, Failure> {
        self.read_with(taker).map_err(|error| unreadable(&self.file, &error))
    }

    fn read_with(&self, taker: &mut dyn Taker) -> Result<Summary, ReadError> {
        let reading = Reading {
            map: &self.map,
            checks: &self.checks,
            beside: self.file.parent(),
            announced: self.announced,
            limits: Limits::default(),
        };
        reading.read(BufReader::new(File::open(&self.file)?), taker)
    }
}

fn open(file: &Path) -> Result<BufReader<File>, Failure> {
    File::open(file).map(BufReader::new).map_err(|error| unreadable(file, &ReadError::Io(error)))
}

/// Finds a map, a file of this name or one that comes with the program, and its SHA-256.
fn map(name: &str) -> Result<(Map, [u8; 32]), Failure> {
    let text = match File::open(name) {
        Ok(file) => {
            let mut text = String::new();
            // one octet more than any map has
            file.take(262_145).read_to_string(&mut text).map_err(|error| faulty_map(name, &error))?;
            text
        }
        Err(error) => match samples::named(name) {
            Some(sample) => sample.text.to_owned(),
            None if error.kind() == std::io::ErrorKind::NotFound => return Err(no_map(name)),
            None => return Err(faulty_map(name, &error)),
        },
    };
    let map = Map::parse(&text).map_err(|error| faulty_map(name, &error))?;
    Ok((map, Sha256::digest(&text).into()))
}

fn no_map(name: &str) -> Failure {
    let message = format!("there is no map {name}, neither as a file nor among those of the program");
    Failure::new(Exit::NotFound, "delivery.map", message).then(
        "`meter-pki delivery maps` lists those of the program; `meter-pki delivery draft FILE` proposes one",
    )
}

fn faulty_map(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, "delivery.map", format!("the map {name}: {error}"))
        .then("mend the map; docs/operate/deliveries.md has every field")
}

fn factory(file: &Path) -> Result<Factory, Failure> {
    let mut anchors = Vec::new();
    for der in credential::roots(file)? {
        let certificate = Certificate::from_der(&der).map_err(|error| {
            Failure::new(Exit::Usage, "trust.faulty", format!("{}: {error}", file.display()))
        })?;
        anchors.push(TrustAnchor::from_certificate(&certificate));
    }
    Ok(Factory { anchors, now: SystemClock.now() })
}

fn unreadable(file: &Path, error: &ReadError) -> Failure {
    let exit = match error {
        ReadError::Io(io) if io.kind() == std::io::ErrorKind::NotFound => Exit::NotFound,
        ReadError::Io(_)
        | ReadError::Encoding { .. }
        | ReadError::Form { .. }
        | ReadError::Column { .. }
        | ReadError::Limit { .. }
        | ReadError::Entity { .. }
        | ReadError::Stopped => Exit::Failed,
    };
    let failure = Failure::new(exit, error.code(), format!("{}: {error}", file.display()));
    match error {
        ReadError::Io(_) | ReadError::Stopped => failure,
        ReadError::Column { .. } | ReadError::Encoding { .. } | ReadError::Form { .. } => failure
            .then("compare the map with the file: `meter-pki delivery draft FILE` shows what the file has"),
        ReadError::Limit { .. } | ReadError::Entity { .. } => {
            failure.then("nothing of the file was taken; ask whoever delivered it what it is")
        }
    }
}

#[cfg(test)]
mod tests;
