//! How figures are told to programs.

use serde::Serialize;
use utoipa::ToSchema;

use crate::growth::{Grown, grown};
use crate::measure::{Comparison, Ordered, Row};
use crate::report::Report;
use crate::speed::Spread;
use crate::tables::formula;
use crate::targets::{self, Judged};
use crate::yardsticks::Noted;

/// Everything that was measured, on what, and when.
#[derive(Debug, Serialize, ToSchema)]
pub struct Figures {
    /// The run was so short that its figures mean nothing.
    quick: bool,
    rows: Vec<Figure>,
    /// Why what is missing was not measured, each with its row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
    /// What rows cost as the ledger grows, where they were measured with several numbers of certificates stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    growth: Vec<FigureGrowth>,
    targets: Vec<FigureTarget>,
    /// What the machine does at best, measured beside the rows.
    limits: Vec<MachineLimit>,
    machine: Measured,
}

/// One row, at one size of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct Figure {
    name: String,
    /// How many certificates were wanted in the ledger before the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    /// How many there were when its rounds began: those that it issued itself among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<Range>,
    per_second: Compared,
    processor_microseconds: Compared,
    /// Where somebody waits for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_milliseconds: Option<FigureWaits>,
    /// The most memory that the process had meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_mib: Option<Range>,
    /// By how much that exceeds what it had right before.
    #[serde(skip_serializing_if = "Option::is_none")]
    grown_mib: Option<Range>,
    /// How the limit is made: the slowest of what goes side by side.
    limit: String,
    /// What the order of issuance allows by itself, where many wait for the ledger one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<FigureOrder>,
}

/// What as many requesters reach who verify, sign and wait for the disk in the order of issuance, and do nothing else.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureOrder {
    per_second: Range,
    processor_microseconds: Range,
    /// The row to that.
    ratio: Range,
}

/// What a row costs with so many certificates stored, beside what it cost with the fewest.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureGrowth {
    row: String,
    /// The median of all rounds.
    stored: f64,
    processor_microseconds: Range,
    /// To the first of the same row.
    ratio: f64,
    /// The ratio of the logarithms of how many were stored.
    allowed: f64,
    /// The ratio of what cannot be left out: how much slower the machine itself had become.
    drift: f64,
    /// By its logarithm at most, or more within the spread of the rounds, or as much more as the machine became slower, or more than that;
    /// empty for the first.
    grows: String,
}

/// What a row is to reach.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureTarget {
    row: String,
    /// How many certificates were wanted in the ledger before the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    /// So many a second, or milliseconds or MiB where those are compared.
    measured: f64,
    /// With what the row is compared.
    of: String,
    /// How many that does a second, or milliseconds or MiB.
    compared: f64,
    /// The row by that; where that is not to be exceeded, that by the row.
    ratio: f64,
    least: f64,
    reached: bool,
}

/// What was measured, what the machine allows, and the one by the other.
#[derive(Debug, Serialize, ToSchema)]
pub struct Compared {
    measured: Range,
    limit: Range,
    ratio: Range,
}

/// How long was waited.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureWaits {
    p50: Range,
    p99: Range,
}

/// A limit of the machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct MachineLimit {
    name: String,
    per_second: Range,
    processor_microseconds: Range,
}

/// Of all rounds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Range {
    median: f64,
    least: f64,
    most: f64,
}

/// What it was measured on, when and by what.
#[derive(Debug, Serialize, ToSchema)]
pub struct Measured {
    processors: String,
    system: String,
    file_system: String,
    /// Of the last minute, before and after.
    load: [String; 2],
    began: String,
    program: String,
    /// How many octets the program has as a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    program_octets: Option<u64>,
}

impl Figures {
    /// Takes what was measured.
    #[must_use]
    pub fn of(Report { smoke, machine, rows, failed, limits }: &Report) -> Self {
        Self {
            quick: *smoke,
            rows: rows.iter().map(Figure::of).collect(),
            failed: failed.clone(),
            growth: grown(rows).into_iter().map(FigureGrowth::of).collect(),
            targets: targets::judge(rows, limits).iter().map(FigureTarget::of).collect(),
            limits: limits.iter().map(MachineLimit::of).collect(),
            machine: Measured {
                processors: machine.processors.clone(),
                system: machine.system.clone(),
                file_system: machine.file_system.clone(),
                load: [machine.load_before.clone(), machine.load_after.clone()],
                began: machine.began.clone(),
                program: machine.program.clone(),
                program_octets: machine.program_octets,
            },
        }
    }
}

impl Figure {
    fn of(row: &Row) -> Self {
        let waits = |[half, most]: [Spread; 2]| FigureWaits { p50: half.into(), p99: most.into() };
        Self {
            name: row.name.clone(),
            size: row.size,
            stored: row.stored.map(Range::from),
            per_second: row.per_second.into(),
            processor_microseconds: row.processor.into(),
            waits_milliseconds: row.waits.map(waits),
            peak_mib: row.peak_mib.map(Range::from),
            grown_mib: row.grown_mib.map(Range::from),
            limit: formula(&row.made_of),
            order: row.order.map(FigureOrder::from),
        }
    }
}

impl FigureGrowth {
    fn of(Grown { row, stored, cost, ratio, drift, allowed, growth }: Grown) -> Self {
        let grows = growth.words().to_owned();
        Self { row, stored, processor_microseconds: cost.into(), ratio, allowed, drift, grows }
    }
}

impl FigureTarget {
    fn of(judged: &Judged) -> Self {
        Self {
            row: judged.row.clone(),
            size: judged.size,
            measured: judged.measured,
            of: judged.of.clone(),
            compared: judged.compared,
            ratio: judged.ratio,
            least: judged.least,
            reached: judged.is_reached(),
        }
    }
}

impl MachineLimit {
    fn of(noted: &Noted) -> Self {
        Self {
            name: noted.name.clone(),
            per_second: noted.per_second.into(),
            processor_microseconds: noted.processor.into(),
        }
    }
}

impl From<Comparison> for Compared {
    fn from(Comparison { measured, limit, ratio }: Comparison) -> Self {
        Self { measured: measured.into(), limit: limit.into(), ratio: ratio.into() }
    }
}

impl From<Ordered> for FigureOrder {
    fn from(Ordered { per_second, processor, ratio }: Ordered) -> Self {
        Self { per_second: per_second.into(), processor_microseconds: processor.into(), ratio: ratio.into() }
    }
}

impl From<Spread> for Range {
    fn from(Spread { median, least, most }: Spread) -> Self {
        Self { median, least, most }
    }
}
