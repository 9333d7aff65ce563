//! What `meter-pki bench --json` says, as far as it is written down. The program's own schema is docs/operate/json-schemas.json.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    pub(super) quick: bool,
    pub(super) rows: Vec<Row>,
    /// Why what is missing was not measured.
    #[serde(default)]
    pub(super) failed: Vec<String>,
    #[serde(default)]
    pub(super) growth: Vec<Growth>,
    pub(super) targets: Vec<Target>,
    pub(super) limits: Vec<Limit>,
    pub(super) machine: Machine,
}

impl Said {
    /// Whether certificates were stored before the rows.
    pub(super) fn grows(&self) -> bool {
        self.rows.iter().any(|row| row.size.is_some())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) size: Option<u32>,
    pub(super) stored: Option<Range>,
    pub(super) per_second: Compared,
    pub(super) processor_microseconds: Compared,
    pub(super) waits_milliseconds: Option<Waits>,
    pub(super) peak_mib: Option<Range>,
    /// How its limit is made.
    pub(super) limit: String,
    /// What the order of issuance allows by itself.
    pub(super) order: Option<Order>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub(super) per_second: Range,
    pub(super) processor_microseconds: Range,
    pub(super) ratio: Range,
}

#[derive(Debug, Deserialize)]
pub(super) struct Growth {
    pub(super) row: String,
    pub(super) stored: f64,
    pub(super) processor_microseconds: Range,
    pub(super) ratio: f64,
    pub(super) allowed: f64,
    pub(super) drift: f64,
    pub(super) grows: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) row: String,
    pub(super) size: Option<u32>,
    pub(super) measured: f64,
    pub(super) of: String,
    pub(super) compared: f64,
    pub(super) ratio: f64,
    pub(super) least: f64,
    pub(super) reached: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) per_second: Range,
    pub(super) processor_microseconds: Range,
}

#[derive(Debug, Deserialize)]
pub(super) struct Compared {
    pub(super) measured: Range,
    pub(super) limit: Range,
    pub(super) ratio: Range,
}

#[derive(Debug, Deserialize)]
pub(super) struct Waits {
    pub(super) p50: Range,
    pub(super) p99: Range,
}

/// Of all rounds.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Machine {
    pub(super) processors: String,
    pub(super) system: String,
    pub(super) file_system: String,
    /// Before and after.
    pub(super) load: [String; 2],
    /// RFC 3339.
    pub(super) began: String,
    pub(super) program: String,
    pub(super) program_octets: Option<f64>,
}
