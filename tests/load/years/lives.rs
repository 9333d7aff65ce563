//! The lives of devices: born during a roll-out, their certificates renewed before they end, lost, exchanged or worn out, and then
//! replaced by another, so that a fleet keeps its size. Counts events by days; knows no costs.

use clap::Args;

/// Days in a year.
pub(crate) const YEAR: u64 = 365;

/// How devices live: assumptions, all of them.
#[derive(Debug, Clone, Args)]
pub(crate) struct Habits {
    /// Years that are looked at.
    #[arg(long, default_value_t = 20)]
    pub(crate) years: u64,
    /// Years in which the fleet is rolled out, evenly.
    #[arg(long, default_value_t = 8)]
    pub(crate) roll_out_years: u64,
    /// Certificates of a device, renewed together.
    #[arg(long, default_value_t = 3)]
    pub(crate) certificates: u64,
    /// Days for which a certificate is valid.
    #[arg(long, default_value_t = 3 * YEAR)]
    pub(crate) valid_days: u64,
    /// Days after which it is renewed.
    #[arg(long, default_value_t = 2 * YEAR)]
    pub(crate) renewed_days: u64,
    /// By how many hundredths of that it is sooner or later, evenly.
    #[arg(long, default_value_t = 10)]
    pub(crate) jitter: u64,
    /// How many of a hundred thousand devices are lost in a year, certificates revoked.
    #[arg(long, default_value_t = 200)]
    pub(crate) lost: u64,
    /// How many of a hundred thousand are exchanged in a year before their time, certificates revoked.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) exchanged: u64,
    /// Years until a device is worn out and replaced.
    #[arg(long, default_value_t = 15)]
    pub(crate) life_years: u64,
}

impl Habits {
    /// Says what is assumed.
    pub(crate) fn said(&self) -> String {
        format!(
            "Assumed: {} years; rolled out evenly in {}; {} certificates a device, valid for {} days, renewed after {} ± {} %; \
             of 100,000 devices {} a year are lost and {} exchanged; a device lives for {} years; whoever is gone is revoked and replaced.",
            self.years,
            self.roll_out_years,
            self.certificates,
            self.valid_days,
            self.renewed_days,
            self.jitter,
            self.lost,
            self.exchanged,
            self.life_years
        )
    }

    fn days(&self) -> u64 {
        self.years * YEAR
    }
}

/// What happened in a sample of devices, by days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lives {
    /// Certificates that were issued on each day.
    pub(crate) issued: Vec<u64>,
    /// Certificates that were revoked on each day.
    pub(crate) revoked: Vec<u64>,
    /// Certificates that are revoked and have not ended, on each day: the entries of CRLs.
    pub(crate) listed: Vec<u64>,
    /// Certificates that have not ended, revoked or not, on each day.
    pub(crate) current: Vec<u64>,
    /// Devices that ever were.
    pub(crate) devices: u64,
}

/// Draws the lives of so many devices, and of those that take their places.
pub(crate) fn draw(habits: &Habits, sample: u64, seed: u64) -> Lives {
    let mut random = fastrand::Rng::with_seed(seed);
    let days = usize::try_from(habits.days()).unwrap_or(usize::MAX);
    let zeros = vec![0_i64; days];
    let mut lives =
        Sums { issued: zeros.clone(), revoked: zeros.clone(), listed: zeros.clone(), current: zeros };
    let mut devices = 0;
    for _ in 0..sample {
        let mut born = random.u64(0..(habits.roll_out_years * YEAR).max(1));
        while born < habits.days() {
            devices += 1;
            born = live(habits, born, &mut random, &mut lives);
        }
    }
    let counted =
        |events: Vec<i64>| events.into_iter().map(|count| u64::try_from(count).unwrap_or_default()).collect();
    let summed = |changes: Vec<i64>| {
        changes
            .into_iter()
            .scan(0_i64, |sum, change| {
                *sum += change;
                Some(u64::try_from(*sum).unwrap_or_default())
            })
            .collect()
    };
    Lives {
        issued: counted(lives.issued),
        revoked: counted(lives.revoked),
        listed: summed(lives.listed),
        current: summed(lives.current),
        devices,
    }
}

/// Events, and changes of what there is, by days.
struct Sums {
    issued: Vec<i64>,
    revoked: Vec<i64>,
    listed: Vec<i64>,
    current: Vec<i64>,
}

/// One life; returns the day of its end, on which another device takes its place.
fn live(habits: &Habits, born: u64, random: &mut fastrand::Rng, lives: &mut Sums) -> u64 {
    let end = born + span(habits, random);
    let certificates = i64::try_from(habits.certificates).unwrap_or_default();
    let mut issued = born;
    loop {
        add(&mut lives.issued, issued, certificates);
        add(&mut lives.current, issued, certificates);
        add(&mut lives.current, issued + habits.valid_days, -certificates);
        let next = issued + renewal(habits, random);
        if next >= end {
            break;
        }
        issued = next;
    }
    add(&mut lives.revoked, end, certificates);
    // Only the last ones stand in a CRL: those before were replaced, not revoked.
    if end < issued + habits.valid_days {
        add(&mut lives.listed, end, certificates);
        add(&mut lives.listed, issued + habits.valid_days, -certificates);
    }
    end
}

/// How many days a device lives: until it is lost, exchanged or worn out, whichever comes first. At least one.
fn span(habits: &Habits, random: &mut fastrand::Rng) -> u64 {
    let a_day = (habits.lost + habits.exchanged) as f64 / 100_000.0 / YEAR as f64;
    let worn_out = habits.life_years * YEAR;
    if a_day <= 0.0 {
        return worn_out.max(1);
    }
    let drawn = -(1.0 - random.f64()).ln() / a_day;
    if drawn < worn_out as f64 { (drawn as u64).max(1) } else { worn_out.max(1) }
}

/// After how many days certificates are renewed, before they end. At least one.
fn renewal(habits: &Habits, random: &mut fastrand::Rng) -> u64 {
    let reach = habits.renewed_days * habits.jitter / 100;
    let drawn = random.u64(habits.renewed_days - reach..=habits.renewed_days + reach);
    drawn.clamp(1, habits.valid_days.max(1))
}

/// Counts on a day, unless it is not looked at any more.
fn add(days: &mut [i64], day: u64, count: i64) {
    if let Some(day) = usize::try_from(day).ok().and_then(|day| days.get_mut(day)) {
        *day += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody is lost, and nothing is drawn but the day of birth, which is the first.
    fn steady() -> Habits {
        Habits {
            years: 10,
            roll_out_years: 0,
            certificates: 3,
            valid_days: 3 * YEAR,
            renewed_days: 2 * YEAR,
            jitter: 0,
            lost: 0,
            exchanged: 0,
            life_years: 100,
        }
    }

    #[test]
    fn a_device_that_lasts_is_renewed_every_two_years() {
        let lives = draw(&steady(), 1, 1);
        let days: Vec<usize> = (0..lives.issued.len()).filter(|day| lives.issued[*day] > 0).collect();
        assert_eq!(days, [0, 730, 1_460, 2_190, 2_920]);
        assert_eq!((lives.issued.iter().sum::<u64>(), lives.revoked.iter().sum::<u64>()), (15, 0));
        // The third year of each certificate overlaps with the first of the next.
        assert_eq!((lives.current[729], lives.current[730], lives.current[1_095]), (3, 6, 3));
        assert_eq!((lives.devices, lives.listed.iter().max()), (1, Some(&0)));
    }

    #[test]
    fn whoever_is_worn_out_is_revoked_listed_until_it_would_have_ended_and_replaced() {
        let lives = draw(&Habits { life_years: 5, ..steady() }, 1, 1);
        let end = usize::try_from(5 * YEAR).unwrap();
        // Issued last on day 1,460, valid until day 2,555.
        assert_eq!((lives.revoked[end], lives.issued[end]), (3, 3));
        assert_eq!(
            (lives.listed[end - 1], lives.listed[end], lives.listed[2_554], lives.listed[2_555]),
            (0, 3, 3, 0)
        );
        assert_eq!(lives.devices, 2);
    }

    #[test]
    fn losses_are_as_many_as_were_assumed() {
        let habits = Habits { lost: 1_000, exchanged: 1_000, years: 1, ..steady() };
        let lives = draw(&habits, 100_000, 7);
        let gone = lives.revoked.iter().sum::<u64>() / 3;
        // 2 % of 100,000 in a year; five standard deviations.
        assert!((1_260..2_740).contains(&gone), "{gone}");
    }

    #[test]
    fn the_same_seed_draws_the_same_and_renewals_stay_within_their_jitter() {
        let habits = Habits { jitter: 10, ..steady() };
        assert_eq!(draw(&habits, 50, 3), draw(&habits, 50, 3));
        assert_ne!(draw(&habits, 50, 3), draw(&habits, 50, 4));
        let lives = draw(&habits, 500, 3);
        let renewed = 730 - 73..=730 + 73;
        assert!((1..1_000).filter(|day| lives.issued[*day] > 0).all(|day| renewed.contains(&day)));
        assert_eq!(lives.issued[renewed.clone()].iter().sum::<u64>(), 1_500);
    }

    #[test]
    fn a_certificate_is_renewed_before_it_ends_whatever_the_jitter() {
        let habits = Habits { valid_days: 100, renewed_days: 95, jitter: 50, ..steady() };
        let lives = draw(&habits, 20, 5);
        assert!(lives.current.iter().all(|current| *current >= 60));
    }
}
