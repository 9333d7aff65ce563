//! Progress: a row for each text, a bar of all that there are, parted by how they stand.

use crate::legend::{self, Key};
use crate::scene::{Anchor, Look, SIZE, Scene, TOP, WIDTH, Words, widest};
use crate::text::{clipped, float, grouped};

/// How high a row is, and its bar.
const ROW: f64 = 26.0;
const BAR: f64 = 18.0;

/// How many rows are drawn by themselves.
const ROWS: usize = 40;

/// What is kept free at the right for what a row tells in numbers.
const TOLD: f64 = 220.0;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressRow {
    /// What it is of.
    pub name: String,
    /// How many there are of each part.
    pub parts: Vec<u64>,
}

impl ProgressRow {
    fn total(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }
}

/// Progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Its words.
    pub words: Words,
    /// What the parts are called; what is done comes first, and is told in numbers.
    pub parts: Vec<String>,
    /// The rows, in their order; of more than forty those with the fewest are drawn together.
    pub rows: Vec<ProgressRow>,
}

impl Progress {
    /// Draws it.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut scene = Scene::new(&self.words, self.parts.len());
        let rows: Vec<ProgressRow> = folded(&self.rows);
        if rows.is_empty() {
            return scene.nothing();
        }
        let names: Vec<String> = rows.iter().map(|row| clipped(&row.name, SIZE, 220.0)).collect();
        let left = 16.0 + widest(names.iter().map(String::as_str)) + 10.0;
        let width = WIDTH - TOLD - left;
        let bottom = TOP + ROW * crate::text::float_of(rows.len());
        for quarter in 0..=4_u32 {
            let x = left + width * f64::from(quarter) / 4.0;
            scene.rule((x, TOP - 2.0), (x, bottom + 4.0), false);
            scene.text((x, bottom + 18.0), Anchor::Middle, &format!("{} %", quarter * 25));
        }
        for ((row, name), place) in rows.iter().zip(&names).zip(0_u32..) {
            let y = TOP + ROW * f64::from(place);
            scene.text((left - 8.0, y + 17.0), Anchor::End, name);
            self.bar(&mut scene, (left, y + 4.0, width), row);
            let done = row.parts.first().copied().unwrap_or_default();
            let told = format!("{} % of {}", percent(done, row.total()), grouped(row.total()));
            scene.text((left + width + 10.0, y + 17.0), Anchor::Start, &told);
        }
        scene.rule((left, TOP - 2.0), (left, bottom + 4.0), true);
        let legend = self.parts.iter().map(String::as_str);
        let end = legend::draw(&mut scene, (left, bottom + 30.0), Key::Fill, legend);
        scene.finish(end + 8.0)
    }

    fn bar(&self, scene: &mut Scene<'_>, (left, y, width): (f64, f64, f64), row: &ProgressRow) {
        let (total, mut before) = (row.total().max(1), 0_u64);
        for ((part, name), fill) in row.parts.iter().zip(&self.parts).zip(0_usize..) {
            if *part == 0 {
                continue;
            }
            let from = left + width * float(before) / float(total);
            before = before.saturating_add(*part);
            let to = left + width * float(before) / float(total);
            let told = format!("{}, {name}: {}", row.name, grouped(*part));
            scene.bar((from, y), (to - from, BAR), &Look { fill, has_edge: true, told: Some(&told) });
        }
    }
}

/// Returns whole percents, never 100 before all are done, nor 0 once one is.
fn percent(done: u64, total: u64) -> u128 {
    let whole = (u128::from(done) * 100).checked_div(u128::from(total)).unwrap_or_default();
    if done > 0 { whole.max(1) } else { whole }
}

fn folded(rows: &[ProgressRow]) -> Vec<ProgressRow> {
    let rows: Vec<&ProgressRow> = rows.iter().filter(|row| row.total() > 0).collect();
    if rows.len() <= ROWS {
        return rows.into_iter().cloned().collect();
    }
    let mut totals: Vec<u64> = rows.iter().map(|row| row.total()).collect();
    totals.sort_unstable_by(|one, other| other.cmp(one));
    let least = totals.get(ROWS.saturating_sub(2)).copied().unwrap_or_default();
    let (mut kept, mut others, mut together) = (Vec::new(), 0_u64, Vec::<u64>::new());
    let larger = rows.iter().filter(|row| row.total() > least).count();
    let mut equal = ROWS.saturating_sub(1).saturating_sub(larger);
    for row in rows {
        let is_kept = row.total() > least || (row.total() == least && equal > 0);
        if is_kept {
            equal = equal.saturating_sub(usize::from(row.total() == least));
            kept.push(row.clone());
            continue;
        }
        others = others.saturating_add(1);
        together.resize(together.len().max(row.parts.len()), 0);
        together.iter_mut().zip(&row.parts).for_each(|(sum, part)| *sum = sum.saturating_add(*part));
    }
    kept.push(ProgressRow { name: format!("{} others", grouped(others)), parts: together });
    kept
}

#[cfg(test)]
mod tests;
