//! What the rows are to reach: a ratio to something that was measured in the same run, with a software key and full durability.

use crate::measure::Row;
use crate::yardsticks::Noted;

/// A target. `{curve}` stands for `P-256` and `P-384`.
struct Target {
    row: &'static str,
    least: f64,
    of: Of,
}

/// What a row is compared with.
enum Of {
    /// The row's own limit.
    Limit,
    /// Another row.
    Row(&'static str),
    /// What the machine does at best.
    Machine(&'static str),
    /// What 99 of a hundred wait at most, and half of them.
    LongestWait,
}

/// The chain that front ends stand before.
const CHAIN: &str = "chain, {curve}, fjall, 64 requesters";

const TARGETS: [Target; 8] = [
    Target { row: CHAIN, least: 0.6, of: Of::Limit },
    Target { row: CHAIN, least: 0.1, of: Of::LongestWait },
    Target { row: "chain, {curve}, fjall, batches of 10000", least: 0.8, of: Of::Limit },
    Target {
        row: "EST, {curve}, a new connection each",
        least: 0.6,
        of: Of::Machine("mutual TLS connections with one exchange, {curve}"),
    },
    Target { row: "EST, {curve}, kept connections", least: 0.6, of: Of::Row(CHAIN) },
    Target { row: "CMP, {curve}, ir confirmed, kept connections", least: 0.5, of: Of::Row(CHAIN) },
    Target { row: "OCSP, {curve}, answers given again", least: 0.8, of: Of::Limit },
    Target {
        row: "OCSP, {curve}, answers signed for a nonce",
        least: 0.7,
        of: Of::Machine("signatures, {curve}, 2 threads"),
    },
];

/// A target, and how far it was reached.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) row: String,
    /// How many certificates were stored before, where that was asked for.
    pub(crate) size: Option<u32>,
    /// The median: so many a second, or milliseconds where waits are compared.
    pub(crate) measured: f64,
    /// With what it is compared.
    pub(crate) of: String,
    pub(crate) compared: f64,
    /// The ratio to reach.
    pub(crate) least: f64,
}

impl Judged {
    pub(crate) fn ratio(&self) -> f64 {
        self.measured / self.compared
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.ratio() >= self.least
    }
}

/// Compares what was measured with the targets that there are for it.
pub(crate) fn judge(rows: &[Row], limits: &[Noted]) -> Vec<Judged> {
    let curves = ["P-256", "P-384"];
    let one_size = |rows: &[Row]| -> Vec<Judged> {
        let of_curve = |curve: &&str| {
            TARGETS.iter().filter_map(|target| judge_one(target, curve, (rows, limits))).collect::<Vec<_>>()
        };
        curves.iter().flat_map(of_curve).collect()
    };
    // Rows of one size stand together, and compare with each other alone.
    rows.chunk_by(|one, next| one.size == next.size).flat_map(one_size).collect()
}

fn judge_one(target: &Target, curve: &str, (rows, limits): (&[Row], &[Noted])) -> Option<Judged> {
    let named = |text: &str| text.replace("{curve}", curve);
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let own = row(&named(target.row))?;
    let mut measured = own.per_second.measured.median;
    let (of, compared) = match target.of {
        Of::Limit => ("its limit".to_owned(), own.per_second.limit.median),
        Of::Row(other) => {
            let other = row(&named(other))?;
            (other.name.clone(), other.per_second.measured.median)
        }
        Of::Machine(limit) => {
            let limit = limits.iter().find(|noted| noted.name == named(limit))?;
            (limit.name.clone(), limit.per_second.median)
        }
        Of::LongestWait => {
            let [half, most] = own.waits?;
            measured = half.median;
            ("the longest wait, p50 by p99 in ms".to_owned(), most.median)
        }
    };
    Some(Judged { row: own.name.clone(), size: own.size, measured, of, compared, least: target.least })
}
