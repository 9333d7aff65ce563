//! A plot of a campaign: how many devices are done when, as SVG. It holds no script and fetches nothing.

use crate::operator::wire::campaigns::{CampaignView, MemberView};
use crate::time_text;

/// The size of the picture, and of the field that the curve is in.
const WIDTH: u64 = 800;
const HEIGHT: u64 = 400;
const LEFT: u64 = 70;
const TOP: u64 = 40;
const FIELD_WIDTH: u64 = 700;
const FIELD_HEIGHT: u64 = 300;

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
    let scene = Scene { from, to, most: view.count.max(1) };
    let title = escaped(&format!(
        "{}: {} of {} done, {} stuck, {}",
        view.name, view.total.done, view.count, view.total.stuck, view.state
    ));
    let (right, bottom) = (LEFT + FIELD_WIDTH, TOP + FIELD_HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{title}</text>\n\
         <path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"black\"/>\n"
    );
    for quarter in 0..=4_u64 {
        let count = scene.most.saturating_mul(quarter) / 4;
        let y = scene.y(count);
        svg.push_str(&format!(
            "<path d=\"M{LEFT} {y}H{right}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{count}</text>\n",
            LEFT - 6,
            y + 4
        ));
    }
    for (time, anchor, x) in [(from, "start", LEFT), (to, "end", right)] {
        let text = escaped(&ca_core::validity::UnixTime::from_seconds(time).to_string());
        svg.push_str(&format!(
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>\n",
            bottom + 18
        ));
    }
    svg.push_str(&format!(
        "<polyline fill=\"none\" stroke=\"#0a6\" stroke-width=\"2\" points=\"{}\"/>\n</svg>\n",
        scene.curve(&times)
    ));
    svg
}

/// What the field shows.
struct Scene {
    from: i64,
    to: i64,
    most: u64,
}

impl Scene {
    fn x(&self, time: i64) -> u64 {
        let whole = self.to.saturating_sub(self.from).max(1).unsigned_abs();
        let part = time.saturating_sub(self.from).max(0).unsigned_abs().min(whole);
        LEFT + part.saturating_mul(FIELD_WIDTH) / whole
    }

    fn y(&self, count: u64) -> u64 {
        TOP + FIELD_HEIGHT - count.min(self.most).saturating_mul(FIELD_HEIGHT) / self.most
    }

    /// The steps of the curve: as many as can be seen.
    fn curve(&self, times: &[i64]) -> String {
        let mut points = vec![format!("{},{}", self.x(self.from), self.y(0))];
        let each = times.len().div_ceil(POINTS).max(1);
        let last = times.len();
        for (count, time) in (1_usize..).zip(times) {
            if count % each == 0 || count == last {
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                points.push(format!("{},{}", self.x(*time), self.y(count)));
            }
        }
        points.join(" ")
    }
}

/// Text in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_rises_from_nothing_to_all_within_the_field() {
        let scene = Scene { from: 0, to: 100, most: 4 };
        assert_eq!(scene.curve(&[25, 50, 75, 100]), "70,340 245,265 420,190 595,115 770,40");
        let many: Vec<i64> = (0..10_000).collect();
        let scene = Scene { from: 0, to: 10_000, most: 10_000 };
        assert!(scene.curve(&many).split(' ').count() <= POINTS + 1);
    }

    #[test]
    fn a_campaign_in_which_nothing_is_done_has_a_picture_too() {
        let scene = Scene { from: 5, to: 5, most: 1 };
        assert_eq!(scene.curve(&[]), "70,340");
        assert_eq!(escaped("a<b>\"&"), "a&lt;b&gt;&quot;&amp;");
    }
}
