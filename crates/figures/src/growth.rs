//! What rows cost as the ledger grows: each beside itself at the first size. Nothing may cost more than by the logarithm of how many
//! certificates are stored. Fails nothing: it is told.

use crate::measure::Row;
use crate::speed::Spread;

/// How a cost grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// There is nothing before it.
    First,
    /// As the logarithm or less.
    Logarithmic,
    /// More, but the rounds lie so far apart that it may be by chance.
    WithinSpread,
    /// More, but not if what cannot be left out had cost as much as before.
    WithinDrift,
    /// More than the logarithm, whichever rounds are compared.
    Beyond,
}

impl Growth {
    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::First => "",
            Self::Logarithmic => "by its logarithm at most",
            Self::WithinSpread => "within the spread of the rounds",
            Self::WithinDrift => "as the machine became slower",
            Self::Beyond => "by more than its logarithm",
        }
    }
}

/// A row at one size.
#[derive(Debug, Clone)]
pub(crate) struct Grown {
    pub(crate) row: String,
    /// How many certificates were stored in the median of the rounds.
    pub(crate) stored: f64,
    /// Processor time of each thing, in microseconds.
    pub(crate) cost: Spread,
    /// The cost by that at the first size.
    pub(crate) ratio: f64,
    /// The same of the steps that cannot be left out: how much slower the machine itself has become.
    pub(crate) drift: f64,
    /// What the logarithm allows.
    pub(crate) allowed: f64,
    pub(crate) growth: Growth,
}

/// Compares rows that were measured at several sizes, each with itself at the first.
pub(crate) fn grown(rows: &[Row]) -> Vec<Grown> {
    let mut grown = Vec::new();
    for (place, first) in rows.iter().enumerate() {
        let is_first = !rows.iter().take(place).any(|before| before.name == first.name);
        let same: Vec<&Row> = rows.iter().filter(|row| row.name == first.name).collect();
        if is_first && same.len() > 1 {
            grown.extend(same.into_iter().filter_map(|row| beside(first, row)));
        }
    }
    grown
}

fn beside(first: &Row, row: &Row) -> Option<Grown> {
    let (from, to) = (first.stored?.median, row.stored?.median);
    let (before, cost) = (first.processor.measured, row.processor.measured);
    let allowed = logarithm(to) / logarithm(from);
    let drift = row.processor.limit.median / first.processor.limit.median;
    let growth = if first.size == row.size { Growth::First } else { judge(&before, &cost, (allowed, drift)) };
    Some(Grown {
        row: row.name.clone(),
        stored: to,
        cost,
        ratio: cost.median / before.median,
        drift,
        allowed,
        growth,
    })
}

/// Of fewer than two there is none to divide by.
fn logarithm(stored: f64) -> f64 {
    stored.max(2.0).ln()
}

fn judge(before: &Spread, now: &Spread, (allowed, drift): (f64, f64)) -> Growth {
    if now.median <= allowed * before.median {
        Growth::Logarithmic
    } else if now.least <= allowed * before.most {
        Growth::WithinSpread
    } else if now.least <= allowed * drift * before.most {
        Growth::WithinDrift
    } else {
        Growth::Beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(values: &[f64]) -> Spread {
        Spread::of(values).unwrap()
    }

    #[test]
    fn a_cost_may_grow_by_the_logarithm_and_is_beyond_it_only_when_no_rounds_overlap() {
        let allowed = logarithm(1e7) / logarithm(1e4);
        assert!((allowed - 1.75).abs() < 1e-9, "{allowed}");
        let before = costs(&[90.0, 100.0, 110.0]);
        let judged = |now: &[f64], drift| judge(&before, &costs(now), (allowed, drift));
        assert_eq!(judged(&[170.0, 174.0, 180.0], 1.0), Growth::Logarithmic);
        assert_eq!(judged(&[190.0, 200.0, 210.0], 1.0), Growth::WithinSpread);
        assert_eq!(judged(&[193.0, 200.0, 210.0], 1.0), Growth::Beyond);
        assert_eq!(judged(&[193.0, 200.0, 210.0], 1.1), Growth::WithinDrift, "signatures cost more too");
        assert_eq!(judged(&[50.0], 1.0), Growth::Logarithmic, "less is no fault");
    }

    #[test]
    fn an_empty_ledger_divides_nothing_by_zero() {
        assert!((logarithm(100.0) / logarithm(0.0)).is_finite());
    }
}
