//! Which fill or line is whose, below the field: as many beside each other as there is room for.

use crate::palette;
use crate::scene::{Anchor, Look, SIZE, Scene, WIDTH};
use crate::text::{clipped, escaped, width};

/// How high a row of it is.
const ROW: f64 = 20.0;

/// The longest name, in pixels.
const NAME: f64 = 260.0;

/// How a name is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Fill,
    Line,
}

/// Draws it from `top` on; returns where it ends.
pub(crate) fn draw<'n>(
    scene: &mut Scene<'_>,
    (left, top): (f64, f64),
    key: Key,
    names: impl IntoIterator<Item = &'n str>,
) -> f64 {
    let (mut x, mut y) = (left, top);
    for (place, name) in names.into_iter().enumerate() {
        let name = clipped(name, SIZE, NAME);
        let needed = 26.0 + width(&name, SIZE) + 22.0;
        if x > left && x + needed > WIDTH - 8.0 {
            (x, y) = (left, y + ROW);
        }
        match key {
            Key::Fill => {
                let look = Look { fill: place, has_edge: true, told: None };
                scene.bar((x, y + 4.0), (18.0, 12.0), &look);
            }
            Key::Line => {
                let line = line_of(place, &format!("M{x:.1} {:.1}H{:.1}", y + 10.0, x + 20.0));
                scene.draw(&line);
            }
        }
        scene.text((x + 26.0, y + 14.0), Anchor::Start, &name);
        x += needed;
    }
    y + ROW
}

/// A line of a series.
pub(crate) fn line_of(place: usize, path: &str) -> String {
    let (colour, dashes) = palette::stroke(place);
    let dashes =
        if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", escaped(dashes)) };
    format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>")
}
