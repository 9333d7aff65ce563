//! What a check of a delivery came to: the first faults for people, all of them for the report, numbers for programs.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use ca_core::record::DeliveredDevice;
use deliveries::fault::{Fault, Place, ReadError};
use deliveries::reading::{Summary, Taker};
use serde::Serialize;
use utoipa::ToSchema;

use super::Opened;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::ReasonText;

/// How many faults are told one by one.
const TOLD: usize = 20;

/// Counts devices, and keeps the first faults.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) summary: Summary,
    told: Vec<Fault>,
    report: Option<Report>,
}

#[derive(Debug)]
struct Report {
    path: PathBuf,
    writer: csv::Writer<File>,
    broken: Option<csv::Error>,
}

impl Outcome {
    /// Begins, with a report of faults if one is wanted.
    pub(super) fn new(report: Option<&Path>) -> Result<Self, Failure> {
        let report = report.map(Report::create).transpose()?;
        Ok(Self { summary: Summary::default(), told: Vec::new(), report })
    }

    /// Ends the report.
    pub(super) fn finish(mut self) -> Result<Self, Failure> {
        if let Some(report) = self.report.take() {
            report.finish()?;
        }
        Ok(self)
    }

    /// The failure of a delivery with faults.
    pub(super) fn failure(&self, opened: &Opened, report: Option<&Path>) -> Failure {
        let total = self.summary.total_faults();
        let message = format!("{}: faults: {total}", opened.file.display());
        let next = match report {
            Some(report) => {
                format!("{} has all of them: send it to whoever delivered the file", report.display())
            }
            None => "--faults FILE writes all of them to a file".to_owned(),
        };
        Failure::new(Exit::Partial, "delivery.faulty", message).then(next)
    }
}

impl Taker for Outcome {
    fn device(&mut self, _place: Place, _number: u64, _device: DeliveredDevice) -> Result<(), ReadError> {
        Ok(())
    }

    fn fault(&mut self, fault: Fault) -> Result<(), ReadError> {
        if let Some(report) = &mut self.report {
            report.write(&fault);
        }
        if self.told.len() < TOLD {
            self.told.push(fault);
        }
        Ok(())
    }
}

impl Report {
    fn create(path: &Path) -> Result<Self, Failure> {
        let writer = csv::Writer::from_path(path).map_err(|error| not_written(path, &error))?;
        let mut report = Self { path: path.to_path_buf(), writer, broken: None };
        report.record(["place", "number", "column", "field", "code", "value", "message"]);
        Ok(report)
    }

    fn write(&mut self, fault: &Fault) {
        let number =
            if fault.place == Place::File { String::new() } else { fault.place.number().to_string() };
        let (value, message) = (plain(fault.value.as_str()), plain(&fault.message));
        self.record([
            &fault.place.to_string(),
            &number,
            &plain(&fault.column),
            &fault.field,
            fault.kind.code(),
            &value,
            &message,
        ]);
    }

    fn record(&mut self, cells: [&str; 7]) {
        if self.broken.is_none() {
            self.broken = self.writer.write_record(cells).err();
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        match self.broken {
            Some(error) => Err(not_written(&self.path, &error)),
            None => self.writer.flush().map_err(|error| not_written(&self.path, &error)),
        }
    }
}

/// Makes a cell that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn not_written(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "delivery.report", format!("{} cannot be written: {error}", path.display()))
}

/// What a check came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryCheck)]
pub(in crate::commands) struct CheckView {
    file: String,
    map: String,
    rows: u64,
    good: u64,
    announced: Option<u64>,
    /// How many faults there are, by reason code.
    faults: BTreeMap<&'static str, u64>,
    /// The first of them.
    told: Vec<FaultView>,
}

/// A fault of a row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryFault)]
pub(in crate::commands) struct FaultView {
    place: String,
    column: String,
    field: String,
    #[schema(value_type = ReasonText)]
    code: &'static str,
    value: String,
    message: String,
    #[serde(skip)]
    line: String,
}

impl CheckView {
    pub(super) fn of(opened: &Opened, outcome: &Outcome) -> Self {
        let summary = &outcome.summary;
        let told = outcome.told.iter().map(|fault| FaultView {
            place: fault.place.to_string(),
            column: fault.column.clone(),
            field: fault.field.clone(),
            code: fault.kind.code(),
            value: fault.value.as_str().to_owned(),
            message: fault.message.clone(),
            line: fault.to_string(),
        });
        Self {
            file: opened.file.display().to_string(),
            map: opened.map.name().to_owned(),
            rows: summary.rows,
            good: summary.good,
            announced: summary.announced,
            faults: summary.faults.iter().map(|(kind, count)| (kind.code(), *count)).collect(),
            told: told.collect(),
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let announced = self.announced.map(|number| format!(", announced {number}")).unwrap_or_default();
        let mut lines =
            vec![format!("{}: {} rows, {} without a fault{announced}", self.file, self.rows, self.good)];
        lines.extend(self.told.iter().map(|fault| fault.line.clone()));
        let total = self.faults.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        let rest = total.saturating_sub(u64::try_from(self.told.len()).unwrap_or_default());
        if rest > 0 {
            lines.push(format!("and {rest} more"));
            lines.extend(self.faults.iter().map(|(code, count)| format!("  {code}: {count}")));
        }
        lines
    }
}
