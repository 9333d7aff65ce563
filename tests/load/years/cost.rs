//! What the lives of a fleet cost: rows, octets, signatures and shards, and the table that says it. Draws nothing.

use clap::Args;

use crate::lives::{Lives, YEAR};

const DAY_SECONDS: f64 = 86_400.0;

/// What one of each thing costs. Which of these were measured, docs/operate/scale.md says.
#[derive(Debug, Clone, Args)]
pub(crate) struct Costs {
    /// Rows of a certificate in all tables, audit records and tree among them; measured.
    #[arg(long, default_value_t = 12)]
    pub(crate) rows: u64,
    /// Octets of those rows with their indexes; measured.
    #[arg(long, default_value_t = 2_754)]
    pub(crate) octets: u64,
    /// Of these, the octets of the audit trail and the tree over it; measured.
    #[arg(long, default_value_t = 867)]
    pub(crate) audit_octets: u64,
    /// Octets of an entry of a CRL; measured.
    #[arg(long, default_value_t = 49)]
    pub(crate) entry_octets: u64,
    /// Octets that a CRL may have; assumed.
    #[arg(long, default_value_t = 1 << 20)]
    pub(crate) crl_octets: u64,
    /// Certificates a second that one cluster records; measured on two processors.
    #[arg(long, default_value_t = 1_200)]
    pub(crate) rate: u64,
    /// Octets that one cluster may hold; assumed.
    #[arg(long, default_value_t = 10_000_000_000_000)]
    pub(crate) cluster_octets: u64,
    /// Hours of a day in which devices renew; assumed.
    #[arg(long, default_value_t = 6)]
    pub(crate) hours: u64,
    /// Days within which the whole fleet can be given new certificates, around the clock; assumed.
    #[arg(long, default_value_t = 30)]
    pub(crate) whole_fleet_days: u64,
    /// Signatures a second of an HSM; assumed, may be given several times.
    #[arg(long, default_values_t = [100, 1_000, 10_000])]
    pub(crate) hsm: Vec<u64>,
}

impl Costs {
    /// Says what is reckoned with.
    pub(crate) fn said(&self) -> String {
        format!(
            "Reckoned with: {} rows and {} octets a certificate, {} of them audit; {} octets a CRL entry, CRLs of at most {} octets; \
             a cluster records {} certificates/s and holds {} TB; devices renew within {} hours of the day, and all of them \
             within {} days when an authority is replaced.",
            self.rows,
            self.octets,
            self.audit_octets,
            self.entry_octets,
            self.crl_octets,
            self.rate,
            tera(self.cluster_octets as f64),
            self.hours,
            self.whole_fleet_days
        )
    }
}

/// What a fleet comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bill {
    /// Certificates ever issued.
    pub(crate) certificates: f64,
    /// Those that have not ended, on the last day.
    pub(crate) current: f64,
    pub(crate) rows: f64,
    pub(crate) octets: f64,
    /// Octets without those of certificates that have ended: what stays if they were taken away. The audit trail stays whole.
    pub(crate) kept_octets: f64,
    pub(crate) audit_octets: f64,
    /// Signatures a second: the mean of the last five years.
    pub(crate) mean: f64,
    /// The mean of the worst day's busy hours.
    pub(crate) peak: f64,
    /// The same while the whole fleet is given new certificates.
    pub(crate) whole_fleet: f64,
    /// The most entries that all CRLs together ever have.
    pub(crate) entries: f64,
    /// CRLs of the greatest size into which those go.
    pub(crate) crls: f64,
    /// Clusters for the octets and for the highest of these rates.
    pub(crate) shards: f64,
    /// HSMs of each class for that rate, and one more in each shard.
    pub(crate) hsms: Vec<f64>,
}

impl Bill {
    /// Reckons for a fleet of `devices`, of which `sample` were drawn, each with so many certificates.
    pub(crate) fn of(
        lives: &Lives,
        (devices, sample): (u64, u64),
        (certificates, costs): (u64, &Costs),
    ) -> Self {
        let weight = devices as f64 / sample as f64;
        let all = |days: &[u64]| days.iter().sum::<u64>() as f64 * weight;
        let most = |days: &[u64]| days.iter().max().copied().unwrap_or_default() as f64 * weight;
        let last = lives.issued.len().saturating_sub((5 * YEAR) as usize);
        let lately = &lives.issued[last..];
        let whole_fleet = (devices * certificates) as f64 / (costs.whole_fleet_days as f64 * DAY_SECONDS);
        let certificates = all(&lives.issued);
        let current = lives.current.last().copied().unwrap_or_default() as f64 * weight;
        let octets = certificates * costs.octets as f64;
        let audit_octets = certificates * costs.audit_octets as f64;
        let peak = most(&lives.issued) / (costs.hours as f64 * 3_600.0);
        let entries = most(&lives.listed);
        let rate = peak.max(whole_fleet);
        let shards = (octets / costs.cluster_octets as f64).max(rate / costs.rate as f64).ceil().max(1.0);
        Self {
            certificates,
            current,
            rows: certificates * costs.rows as f64,
            octets,
            kept_octets: audit_octets + current * costs.octets.saturating_sub(costs.audit_octets) as f64,
            audit_octets,
            mean: all(lately) / (lately.len().max(1) as f64 * DAY_SECONDS),
            peak,
            whole_fleet,
            entries,
            crls: (entries * costs.entry_octets as f64 / costs.crl_octets as f64).ceil(),
            shards,
            hsms: costs
                .hsm
                .iter()
                .map(|class| shards * ((rate / shards / *class as f64).ceil() + 1.0))
                .collect(),
        }
    }
}

/// What a line of the table says, and the figure in it.
type Line = (&'static str, fn(&Bill) -> String);

/// One column for each fleet, in Markdown.
pub(crate) fn table(bills: &[(u64, Bill)]) -> String {
    let line = |name: &str, figure: &dyn Fn(&Bill) -> String| {
        let cells: Vec<String> = bills.iter().map(|(_, bill)| figure(bill)).collect();
        format!("\n| {name} | {} |", cells.join(" | "))
    };
    let heads: Vec<String> = bills.iter().map(|(devices, _)| short(*devices as f64)).collect();
    let mut table = format!("\n| devices | {} |\n|---|{}", heads.join(" | "), "--:|".repeat(bills.len()));
    let figures: [Line; 15] = [
        ("certificates issued in all", |bill| short(bill.certificates)),
        ("certificates that have not ended, on the last day", |bill| short(bill.current)),
        ("rows", |bill| short(bill.rows)),
        ("TB with indexes, nothing ever taken away", |bill| tera(bill.octets)),
        ("TB, if what belongs to certificates that have ended were taken away", |bill| {
            tera(bill.kept_octets)
        }),
        ("TB of audit trail and tree, of these", |bill| tera(bill.audit_octets)),
        ("signatures/s, mean of the last five years", |bill| plain(bill.mean)),
        ("signatures/s, busy hours of the worst day", |bill| plain(bill.peak)),
        ("signatures/s, the whole fleet anew", |bill| plain(bill.whole_fleet)),
        ("CRL entries, all CRLs together, at most", |bill| short(bill.entries)),
        ("CRLs of the greatest size", |bill| plain(bill.crls)),
        ("clusters (shards)", |bill| plain(bill.shards)),
        ("a shard: rows", |bill| short(bill.rows / bill.shards)),
        ("a shard: TB", |bill| tera(bill.octets / bill.shards)),
        ("a shard: signatures/s, at most", |bill| plain(bill.peak.max(bill.whole_fleet) / bill.shards)),
    ];
    for (name, figure) in figures {
        table.push_str(&line(name, &figure));
    }
    let hsms = |bill: &Bill| bill.hsms.iter().map(|hsms| plain(*hsms)).collect::<Vec<_>>().join(", ");
    table.push_str(&line("HSMs in all, by class, one of each shard to spare", &hsms));
    table
}

/// A large number in words of three digits.
fn short(number: f64) -> String {
    let units = [(1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")];
    match units.into_iter().find(|(unit, _)| number >= *unit) {
        Some((unit, name)) => format!("{:.3} {name}", number / unit).replace(".000 ", " "),
        None => format!("{number:.0}"),
    }
}

/// Octets in terabytes.
fn tera(octets: f64) -> String {
    format!("{:.3}", octets / 1e12)
}

fn plain(number: f64) -> String {
    if number < 100.0 && number.fract() != 0.0 { format!("{number:.2}") } else { format!("{number:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs() -> Costs {
        Costs {
            rows: 12,
            octets: 2_000,
            audit_octets: 500,
            entry_octets: 50,
            crl_octets: 1_000,
            rate: 100,
            cluster_octets: 1_000_000_000,
            hours: 1,
            whole_fleet_days: 1_000_000,
            hsm: vec![100, 1_000],
        }
    }

    /// Ten certificates on the first day and seventy-two on the last, of which two are listed.
    fn lives() -> Lives {
        Lives {
            issued: vec![10, 0, 72],
            revoked: vec![0, 2, 0],
            listed: vec![0, 2, 1],
            current: vec![10, 10, 80],
            devices: 4,
        }
    }

    #[test]
    fn each_device_that_was_drawn_stands_for_its_share() {
        let bill = Bill::of(&lives(), (40_000, 4), (3, &costs()));
        assert_eq!((bill.certificates, bill.current, bill.entries), (820_000.0, 800_000.0, 20_000.0));
        assert_eq!((bill.rows, bill.octets), (9_840_000.0, 1_640_000_000.0));
        // Audit of all, the rest of those that have not ended.
        assert_eq!(bill.kept_octets, 820_000.0 * 500.0 + 800_000.0 * 1_500.0);
        assert_eq!(bill.crls, 1_000.0);
    }

    #[test]
    fn shards_are_as_many_as_the_octets_or_the_peak_ask_for_whichever_are_more() {
        // 720,000 certificates within an hour are 200 a second: two clusters; two for the octets as well.
        let bill = Bill::of(&lives(), (40_000, 4), (3, &costs()));
        assert_eq!((bill.peak, bill.shards), (200.0, 2.0));
        let many = Bill::of(&lives(), (40_000, 4), (3, &Costs { rate: 10, ..costs() }));
        assert_eq!(many.shards, 20.0);
        let small = Bill::of(&lives(), (4, 4), (3, &costs()));
        assert_eq!(small.shards, 1.0);
    }

    #[test]
    fn a_fleet_that_is_given_new_certificates_at_once_may_ask_for_more_than_its_worst_day() {
        // Three certificates for each of 40,000 devices within a day.
        let bill = Bill::of(
            &lives(),
            (40_000, 4),
            (3, &Costs { whole_fleet_days: 1, rate: 1, hours: 24, ..costs() }),
        );
        assert_eq!(bill.whole_fleet, 120_000.0 / 86_400.0);
        assert!(bill.peak > bill.whole_fleet, "{bill:?}");
        let urgent = Costs { whole_fleet_days: 1, rate: 1, hours: 24_000, ..costs() };
        assert_eq!(Bill::of(&lives(), (40_000, 4), (3, &urgent)).shards, 2.0);
    }

    #[test]
    fn every_shard_has_hsms_for_its_share_of_the_peak_and_one_to_spare() {
        let bill = Bill::of(&lives(), (40_000, 4), (3, &costs()));
        assert_eq!(bill.hsms, [4.0, 4.0]);
        let busy = Bill::of(
            &lives(),
            (400_000, 4),
            (3, &Costs { rate: 1_000_000, cluster_octets: u64::MAX, ..costs() }),
        );
        // 2,000 a second in one shard: 20 and 2, and one more.
        assert_eq!(busy.hsms, [21.0, 3.0]);
    }

    #[test]
    fn large_numbers_are_short() {
        assert_eq!(short(1_000_000.0), "1 million");
        assert_eq!(short(1_234_567_890.0), "1.235 billion");
        assert_eq!((short(12.0), tera(2.5e12)), ("12".to_owned(), "2.500".to_owned()));
    }
}
