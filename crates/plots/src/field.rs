//! The field of a plot, with its axis of numbers upwards. Not what is across.

use crate::scene::{Anchor, Scene, TOP, WIDTH, widest};
use crate::text::{float, grouped};
use crate::ticks;

/// How high the field is.
const HEIGHT: f64 = 300.0;

/// What is free to the right of the field.
const RIGHT: f64 = 40.0;

/// The field that something is drawn in, with its axis upwards.
pub(crate) struct Field {
    pub(crate) left: f64,
    pub(crate) width: f64,
    top_value: u64,
}

impl Field {
    /// Draws the axis of numbers from 0 to `most` or a little above.
    pub(crate) fn upwards(scene: &mut Scene<'_>, most: u64, title: &str) -> Self {
        let marks = ticks::numbers(most);
        let texts: Vec<String> = marks.iter().map(|mark| grouped(*mark)).collect();
        let left = 34.0 + widest(texts.iter().map(String::as_str)) + 10.0;
        let width = WIDTH - RIGHT - left;
        let field = Self { left, width, top_value: marks.last().copied().unwrap_or(1).max(1) };
        for (mark, text) in marks.iter().zip(&texts) {
            let y = field.y(*mark);
            scene.rule((left, y), (left + width, y), false);
            scene.rule((left - 4.0, y), (left, y), true);
            scene.text((left - 8.0, y + 4.0), Anchor::End, text);
        }
        scene.rule((left, TOP), (left, TOP + HEIGHT), true);
        scene.rule((left, TOP + HEIGHT), (left + width, TOP + HEIGHT), true);
        scene.upright((20.0, TOP + HEIGHT / 2.0), title);
        field
    }

    /// Returns where a value is.
    pub(crate) fn y(&self, value: u64) -> f64 {
        TOP + HEIGHT - HEIGHT * float(value) / float(self.top_value)
    }

    /// Returns where the field ends below.
    pub(crate) const fn bottom() -> f64 {
        TOP + HEIGHT
    }
}
