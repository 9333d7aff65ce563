//! What the rows are to reach, with a software key and full durability: a ratio to something that was measured in the same run, or a
//! time or memory that is not to be exceeded.

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
    /// So many milliseconds, which half of those who wait may wait at most.
    Wait(f64),
    /// So many MiB, which the process may have at most.
    Memory(f64),
    /// So many MiB, which it may have at most beside what it had right before.
    Growth(f64),
}

/// What a server may have of memory, and what its ledger keeps of what it has read beside that, in MiB (`ca_store::Settings`).
const SERVER_MIB: f64 = 256.0 + 128.0;

/// What the making of a list may have, however long the list is, in MiB: less than a list of a million entries has octets, beside 16
/// for what its ledger keeps and merges.
const CRL_MIB: f64 = 48.0;

/// The chain that front ends stand before.
const CHAIN: &str = "chain, {curve}, fjall, 64 requesters";

const TARGETS: [Target; 13] = [
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
    Target { row: CRL, least: 0.5, of: Of::Limit },
    Target { row: CRL, least: 1.0, of: Of::Growth(CRL_MIB) },
    Target { row: "starts, meter-pki --help", least: 1.0, of: Of::Wait(50.0) },
    Target { row: "starts, meter-pki serve until it is ready", least: 1.0, of: Of::Wait(200.0) },
    Target {
        row: "serve, EST, {curve}, 64 clients on kept connections",
        least: 1.0,
        of: Of::Memory(SERVER_MIB),
    },
];

const CRL: &str = "CRL, {curve}, 1,000,000 entries";

/// A target, and how far it was reached.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) row: String,
    /// How many certificates were stored before, where that was asked for.
    pub(crate) size: Option<u32>,
    /// The median: so many a second, or milliseconds or MiB where those are compared.
    pub(crate) measured: f64,
    /// With what it is compared.
    pub(crate) of: String,
    pub(crate) compared: f64,
    /// The measured by the compared; where that is not to be exceeded, the other way round: more is better in either case.
    pub(crate) ratio: f64,
    /// The ratio to reach.
    pub(crate) least: f64,
}

impl Judged {
    pub(crate) fn is_reached(&self) -> bool {
        self.ratio >= self.least
    }
}

/// Compares what was measured with the targets that there are for it.
pub(crate) fn judge(rows: &[Row], limits: &[Noted]) -> Vec<Judged> {
    // Rows of one size stand together, and compare with each other alone.
    rows.chunk_by(|one, next| one.size == next.size).flat_map(|rows| judge_size(rows, limits)).collect()
}

fn judge_size(rows: &[Row], limits: &[Noted]) -> Vec<Judged> {
    let curves = ["P-256", "P-384"];
    curves
        .iter()
        .flat_map(|curve| TARGETS.iter().map(move |target| (target, *curve)))
        // What has no curve is judged once.
        .filter(|(target, curve)| target.row.contains("{curve}") || *curve == "P-256")
        .filter_map(|(target, curve)| judge_one(target, curve, (rows, limits)))
        .collect()
}

fn judge_one(target: &Target, curve: &str, (rows, limits): (&[Row], &[Noted])) -> Option<Judged> {
    let named = |text: &str| text.replace("{curve}", curve);
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let own = row(&named(target.row))?;
    let rate = own.per_second.measured.median;
    let at_least = |measured: f64, of: String, compared: f64| (measured, of, compared, measured / compared);
    let at_most =
        |measured: f64, of: &str, compared: f64| (measured, of.to_owned(), compared, compared / measured);
    let (measured, of, compared, ratio) = match target.of {
        Of::Limit => at_least(rate, "its limit".to_owned(), own.per_second.limit.median),
        Of::Row(other) => {
            let other = row(&named(other))?;
            at_least(rate, other.name.clone(), other.per_second.measured.median)
        }
        Of::Machine(limit) => {
            let limit = limits.iter().find(|noted| noted.name == named(limit))?;
            at_least(rate, limit.name.clone(), limit.per_second.median)
        }
        Of::LongestWait => {
            let [half, most] = own.waits?;
            at_least(half.median, "the longest wait, p50 by p99 in ms".to_owned(), most.median)
        }
        Of::Wait(most) => at_most(own.waits?.first()?.median, "the wait allowed, by p50 in ms", most),
        Of::Memory(most) => at_most(own.peak_mib?.median, "the memory allowed, by its peak in MiB", most),
        Of::Growth(most) => {
            at_most(own.grown_mib?.median, "the growth of memory allowed, by its growth in MiB", most)
        }
    };
    Some(Judged { row: own.name.clone(), size: own.size, measured, of, compared, ratio, least: target.least })
}

#[cfg(test)]
mod tests {
    use super::{SERVER_MIB, judge};
    use crate::measure::{Comparison, Limit, Row};
    use crate::speed::Spread;

    const fn spread(median: f64) -> Spread {
        Spread { median, least: median, most: median }
    }

    fn row(name: &str) -> Row {
        let same = Comparison { measured: spread(1.0), limit: spread(1.0), ratio: spread(1.0) };
        Row {
            name: name.to_owned(),
            per_second: same,
            processor: same,
            waits: None,
            peak_mib: None,
            grown_mib: None,
            made_of: Limit::of(Vec::new()),
            order: None,
            stored: None,
            size: None,
        }
    }

    #[test]
    fn what_is_not_to_be_exceeded_is_judged_once_and_the_other_way_round() {
        let ready = "starts, meter-pki serve until it is ready";
        let slow = Row { waits: Some([spread(400.0), spread(900.0)]), ..row(ready) };
        let judged = judge(&[slow], &[]);
        let [judged] = judged.as_slice() else { panic!("{judged:?}") };
        assert_eq!((judged.measured, judged.compared, judged.ratio), (400.0, 200.0, 0.5));
        assert!(!judged.is_reached());
    }

    #[test]
    fn memory_just_allowed_reaches_its_target_and_memory_unknown_is_not_judged() {
        let served = "serve, EST, P-256, 64 clients on kept connections";
        let full = Row { peak_mib: Some(spread(SERVER_MIB)), ..row(served) };
        assert!(judge(&[full], &[]).iter().all(super::Judged::is_reached));
        assert!(judge(&[row(served)], &[]).is_empty());
    }
}
