//! A calendar: each day a cell, weeks as columns, years below each other. The more there is on a day, the larger is its mark.

use crate::dates::{Date, MONTHS, weekday};
use crate::scene::{Anchor, Look, SIZE, Scene, TOP, Words};
use crate::text::{escaped, float, grouped, width};
use crate::ticks;

/// How far cells are from each other, and how large one is.
const STEP: f64 = 16.0;
const CELL: f64 = 14.0;

/// Where the first week is.
const LEFT: f64 = 76.0;

/// How high a year is, with its months above.
const YEAR: f64 = 7.0 * STEP + 34.0;

/// How large the marks are, from the least on.
const MARKS: [f64; 4] = [4.0, 7.0, 10.0, 13.0];

/// The days of the week that are named.
const DAYS: [&str; 7] = ["Mon", "", "Wed", "", "Fri", "", "Sun"];

/// A calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Its words.
    pub words: Words,
    /// The first day, counted from 1970-01-01.
    pub first: i64,
    /// What is counted, in the plural.
    pub counted: String,
    /// How many there are on each day from the first on.
    pub values: Vec<u64>,
}

impl Calendar {
    /// Draws it.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut scene = Scene::new(&self.words, 1);
        let most = self.values.iter().copied().max().unwrap_or_default();
        if most == 0 {
            return scene.nothing();
        }
        let step = ticks::step(most, 4);
        let first_year = Date::of(self.first).year;
        let mut end = TOP;
        for (day, value) in (self.first..).zip(&self.values) {
            let date = Date::of(day);
            let top = TOP + YEAR * float(date.year.saturating_sub(first_year).unsigned_abs());
            let column = LEFT + STEP * float(ticks::week_of_year(day).unsigned_abs());
            if (date.month == 1 && date.day == 1) || day == self.first {
                name_year(&mut scene, date.year, top);
                end = top + YEAR;
            }
            if date.day == 1 {
                let name = usize::try_from(date.month - 1).ok().and_then(|month| MONTHS.get(month));
                scene.text((column, top + 12.0), Anchor::Start, name.copied().unwrap_or_default());
            }
            let y = top + 18.0 + STEP * float(weekday(day).unsigned_abs());
            cell(&mut scene, (column, y), (*value, step), &date.text());
        }
        let end = self.legend(&mut scene, (end, step));
        scene.finish(end)
    }

    /// Says how many each mark stands for; returns where that ends.
    fn legend(&self, scene: &mut Scene<'_>, (top, step): (f64, u64)) -> f64 {
        let mut x = LEFT;
        scene.text((x, top + 12.0), Anchor::Start, &format!("{} on a day:", self.counted));
        let y = top + 22.0;
        let from = |place: u64| step.saturating_mul(place);
        let texts =
            (0..4_u64).map(|place| (step.saturating_mul(place) + 1, from(place + 1))).map(|(first, last)| {
                if first == last {
                    grouped(first)
                } else {
                    format!("{} to {}", grouped(first), grouped(last))
                }
            });
        for (value, text) in std::iter::once((0, "none".to_owned())).chain((1..).map(from).zip(texts)) {
            cell(scene, (x, y), (value, step), "");
            scene.text((x + 20.0, y + 11.0), Anchor::Start, &text);
            x += 20.0 + width(&text, SIZE) + 24.0;
        }
        y + STEP + 14.0
    }
}

fn name_year(scene: &mut Scene<'_>, year: i64, top: f64) {
    scene.text((16.0, top + 12.0), Anchor::Start, &format!("{year:04}"));
    for (name, row) in DAYS.iter().zip(0_u32..).filter(|(name, _)| !name.is_empty()) {
        let y = top + 18.0 + STEP * f64::from(row) + 11.0;
        scene.text((LEFT - 8.0, y), Anchor::End, name);
    }
}

/// A day, and its mark.
fn cell(scene: &mut Scene<'_>, (x, y): (f64, f64), (value, step): (u64, u64), date: &str) {
    let told = if date.is_empty() {
        String::new()
    } else {
        format!("<title>{}</title>", escaped(&format!("{date}: {}", grouped(value))))
    };
    scene.draw(&format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{CELL:.0}\" height=\"{CELL:.0}\" fill=\"#ffffff\" stroke=\"#8c8c8c\">{told}</rect>"
    ));
    let class = value.div_ceil(step.max(1));
    let Some(size) = class.checked_sub(1).and_then(|place| usize::try_from(place).ok()) else { return };
    let size = MARKS.get(size).or(MARKS.last()).copied().unwrap_or(CELL);
    let inset = (CELL - size) / 2.0;
    scene.bar((x + inset, y + inset), (size, size), &Look { fill: 0, has_edge: false, told: None });
}

#[cfg(test)]
mod tests;
