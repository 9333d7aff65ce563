//! A histogram: a bar for each category, stacked of the series.

use crate::field::Field;
use crate::legend::{self, Key};
use crate::palette::{Series, folded, middle_of};
use crate::scene::{Anchor, Look, SIZE, Scene, WIDTH, Words, widest};
use crate::text::{clipped, float_of, grouped, width};

/// Bars that are narrower have no edge of their own.
const NARROW: f64 = 6.0;

/// A histogram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars {
    /// Its words.
    pub words: Words,
    /// What stands below each bar, in order.
    pub categories: Vec<String>,
    /// What the categories are.
    pub across: String,
    /// What is counted, with its unit.
    pub upwards: String,
    /// What each bar is stacked of, from below; beyond eight the smallest are drawn together.
    pub series: Vec<Series>,
}

impl Bars {
    /// Draws it.
    #[must_use]
    pub fn svg(&self) -> String {
        let series = folded(&self.series);
        let mut scene = Scene::new(&self.words, series.len());
        let count = self.categories.len();
        let total = |place: usize| {
            series
                .iter()
                .filter_map(|one| one.values.get(place))
                .fold(0_u64, |sum, value| sum.saturating_add(*value))
        };
        let most = (0..count).map(total).max().unwrap_or_default();
        if most == 0 {
            return scene.nothing();
        }
        let field = Field::upwards(&mut scene, most, &self.upwards);
        let slot = field.width / float_of(count);
        let bar = if slot < NARROW { slot } else { slot * 0.8 };
        for (place, category) in self.categories.iter().enumerate() {
            let x = field.left + field.width * middle_of(place, count) - bar / 2.0;
            let mut below = 0_u64;
            for (fill, one) in series.iter().enumerate() {
                let Some(value) = one.values.get(place).copied().filter(|value| *value > 0) else { continue };
                let from = field.y(below);
                below = below.saturating_add(value);
                let to = field.y(below);
                let told = format!("{category}, {}: {}", one.name, grouped(value));
                let look = Look { fill, has_edge: bar >= NARROW, told: Some(&told) };
                scene.bar((x, to), (bar, from - to), &look);
            }
        }
        let end = self.name_categories(&mut scene, &field);
        let names = series.iter().map(|one| one.name.as_str());
        let end = if series.len() > 1 {
            legend::draw(&mut scene, (field.left, end), Key::Fill, names)
        } else {
            end
        };
        scene.finish(end + 8.0)
    }

    /// Names as many categories as there is room for, and says what they are; returns where that ends.
    fn name_categories(&self, scene: &mut Scene<'_>, field: &Field) -> f64 {
        let count = self.categories.len();
        let slot = field.width / float_of(count);
        let names: Vec<String> = self.categories.iter().map(|name| clipped(name, SIZE, 160.0)).collect();
        let needed = widest(names.iter().map(String::as_str)) + 12.0;
        let each = (1..=count).find(|each| slot * float_of(*each) >= needed).unwrap_or(count);
        let bottom = Field::bottom();
        for (place, name) in names.iter().enumerate().step_by(each) {
            let x = field.left + field.width * middle_of(place, count);
            scene.rule((x, bottom), (x, bottom + 4.0), true);
            // The first and the last name stay within the picture.
            let half = width(name, SIZE) / 2.0;
            let within = x.clamp(half + 2.0, WIDTH - half - 2.0);
            scene.text((within, bottom + 18.0), Anchor::Middle, name);
        }
        scene.text((field.left + field.width / 2.0, bottom + 38.0), Anchor::Middle, &self.across);
        bottom + 50.0
    }
}

#[cfg(test)]
mod tests;
