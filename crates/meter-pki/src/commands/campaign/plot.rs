//! A plot of a campaign: how many devices are done when.

use plots::{Line, Lines, Shape, Words, grouped};

use crate::operator::wire::campaigns::{CampaignView, MemberView};
use crate::time_text;

/// How many points the curve has at most.
const POINTS: usize = 500;

/// Draws the curve.
pub(super) fn plot(view: &CampaignView, devices: &[MemberView]) -> String {
    let seconds = |text: &String| time_text::parse(text).ok().map(ca_core::validity::UnixTime::seconds);
    let mut times: Vec<i64> = devices
        .iter()
        .filter(|device| device.state == "done")
        .filter_map(|device| device.since.as_ref().and_then(seconds))
        .collect();
    times.sort_unstable();
    let from =
        view.begun_at.as_ref().and_then(seconds).or_else(|| times.first().copied()).unwrap_or_default();
    let to = times.last().copied().unwrap_or(from);
    let told = format!(
        "{} of {} done, {} stuck, {}",
        grouped(view.total.done),
        grouped(view.count),
        grouped(view.total.stuck),
        view.state
    );
    let picture = Lines {
        words: Words {
            id: "campaign",
            title: format!("{}: {told}", view.name),
            description: format!("{told}."),
            empty: "No device is done yet.".to_owned(),
        },
        span: (from, to),
        upwards: format!("devices done, of {}", grouped(view.count)),
        shape: Shape::Steps,
        lines: vec![Line { name: "done".to_owned(), points: curve(from, &times) }],
    };
    picture.svg()
}

/// The steps of the curve: as many as can be seen, the last among them; none where nothing is done.
fn curve(from: i64, times: &[i64]) -> Vec<(i64, u64)> {
    if times.is_empty() {
        return Vec::new();
    }
    let (each, last) = (times.len().div_ceil(POINTS).max(1), times.len());
    let steps = (1_usize..).zip(times).filter(|(count, _)| count % each == 0 || *count == last);
    let steps = steps.map(|(count, time)| (*time, u64::try_from(count).unwrap_or(u64::MAX)));
    std::iter::once((from, 0)).chain(steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_rises_from_nothing_to_all() {
        assert_eq!(curve(0, &[25, 50, 75]), [(0, 0), (25, 1), (50, 2), (75, 3)]);
        let many: Vec<i64> = (0..10_000).collect();
        let curve = curve(0, &many);
        assert!(curve.len() <= POINTS + 2 && curve.last() == Some(&(9_999, 10_000)));
    }

    #[test]
    fn a_campaign_in_which_nothing_is_done_has_no_curve() {
        assert_eq!(curve(5, &[]), []);
    }
}
