//! Where axes are marked: numbers at 1, 2 and 5 times powers of ten, times at whole hours, days, months and years.

use crate::dates::{Date, weekday};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// How many marks an axis of time has at most.
const MOST: i64 = 8;

/// Returns the least of 1, 2, 5, 10, 20, … that, so many times, reaches `most`.
pub(crate) fn step(most: u64, times: u64) -> u64 {
    let (most, times) = (u128::from(most.max(1)), u128::from(times.max(1)));
    let mut power = 1_u128;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step.saturating_mul(times) >= most {
                return u64::try_from(step).unwrap_or(u64::MAX);
            }
        }
        power = power.saturating_mul(10);
    }
}

/// Returns the marks of an axis from 0 to at least `most`, about five of them.
pub(crate) fn numbers(most: u64) -> Vec<u64> {
    let step = step(most, 5);
    let mut marks = vec![0_u64];
    while let Some(last) = marks.last().copied().filter(|last| *last < most) {
        match last.checked_add(step) {
            Some(next) => marks.push(next),
            None => break,
        }
    }
    marks
}

/// Returns the marks of an axis of time, in seconds since 1970, each with its text.
pub(crate) fn times(from: i64, to: i64) -> Vec<(i64, String)> {
    let span = to.saturating_sub(from).max(1);
    for step in [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR] {
        if span / step < MOST {
            return every(from, to, (step, 0)).map(|time| (time, hour_text(time))).collect();
        }
    }
    // Weeks begin on Mondays; 1970 began on a Thursday.
    for (days, first) in [(1, 0), (2, 0), (7, 4), (14, 4)] {
        if span / (days * DAY) < MOST {
            let marks = every(from, to, (days * DAY, first * DAY));
            return marks.map(|time| (time, Date::of(time.div_euclid(DAY)).text())).collect();
        }
    }
    let months = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600].into_iter();
    let step = months.into_iter().find(|step| span / (step * 30 * DAY) < MOST).unwrap_or(1_200);
    months_of(from, to, step)
}

fn every(from: i64, to: i64, (step, first): (i64, i64)) -> impl Iterator<Item = i64> {
    let begin = from.saturating_sub(first).saturating_sub(1).div_euclid(step).saturating_add(1);
    (0..=MOST)
        .map(move |count| (begin + count).saturating_mul(step).saturating_add(first))
        .take_while(move |time| *time <= to)
}

fn months_of(from: i64, to: i64, step: i64) -> Vec<(i64, String)> {
    let first = Date::of(from.div_euclid(DAY));
    let mut month = (first.year * 12 + first.month - 1).div_euclid(step) * step;
    let mut marks = Vec::new();
    loop {
        let date = Date { year: month.div_euclid(12), month: month.rem_euclid(12) + 1, day: 1 };
        let time = date.number().saturating_mul(DAY);
        if time > to {
            return marks;
        }
        if time >= from {
            let text = if step % 12 == 0 {
                format!("{:04}", date.year)
            } else {
                format!("{:04}-{:02}", date.year, date.month)
            };
            marks.push((time, text));
        }
        month += step;
    }
}

fn hour_text(time: i64) -> String {
    let date = Date::of(time.div_euclid(DAY));
    let minutes = time.rem_euclid(DAY) / 60;
    format!("{:02}-{:02} {:02}:{:02}", date.month, date.day, minutes / 60, minutes % 60)
}

/// Returns the column of a day in the calendar of its year, whose weeks begin on Mondays.
pub(crate) const fn week_of_year(day: i64) -> i64 {
    let first = Date { month: 1, day: 1, ..Date::of(day) }.number();
    (day - first + weekday(first)) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_marked_where_people_count() {
        assert_eq!(numbers(0), [0]);
        assert_eq!(numbers(1), [0, 1]);
        assert_eq!(numbers(7), [0, 2, 4, 6, 8]);
        assert_eq!(numbers(1_000), [0, 200, 400, 600, 800, 1_000]);
        assert_eq!(numbers(10_000_001), [0, 5_000_000, 10_000_000, 15_000_000]);
        assert!(numbers(u64::MAX).len() <= 6);
        assert_eq!([step(100, 4), step(80, 4), step(0, 4)], [50, 20, 1]);
    }

    #[test]
    fn times_are_marked_at_whole_hours_days_months_and_years() {
        let texts = |from: i64, span: i64| -> Vec<String> {
            times(from, from + span).into_iter().map(|(_, text)| text).collect()
        };
        let monday = 20_787 * DAY;
        assert_eq!(texts(monday + 1, 4 * HOUR), ["11-30 01:00", "11-30 02:00", "11-30 03:00", "11-30 04:00"]);
        assert_eq!(texts(monday, 2 * DAY).first().map(String::as_str), Some("11-30 00:00"));
        assert_eq!(texts(monday, 5 * DAY)[..2], ["2026-11-30", "2026-12-01"]);
        assert_eq!(texts(monday - DAY, 40 * DAY)[..2], ["2026-11-30", "2026-12-07"]);
        assert_eq!(texts(monday, 150 * DAY), ["2026-12", "2027-01", "2027-02", "2027-03", "2027-04"]);
        assert_eq!(texts(monday, 2_000 * DAY), ["2027", "2028", "2029", "2030", "2031", "2032"]);
        for span in [1, 60, DAY, 9 * DAY, 100 * DAY, 366 * DAY, 8_000 * DAY, 80_000 * DAY] {
            assert!(times(monday, monday + span).len() <= 10, "{span}");
        }
    }

    #[test]
    fn the_weeks_of_a_year_begin_on_mondays() {
        // 2026 began on a Thursday; 2024, a leap year, on a Monday.
        let column = |year, month, day| week_of_year(Date { year, month, day }.number());
        assert_eq!((column(2026, 1, 4), column(2026, 1, 5), column(2026, 12, 31)), (0, 1, 52));
        assert_eq!((column(2024, 1, 7), column(2024, 1, 8), column(2024, 12, 31)), (0, 1, 52));
    }
}
