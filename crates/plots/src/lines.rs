//! Lines over time.

use crate::field::Field;
use crate::legend::{self, Key, line_of};
use crate::scene::{Anchor, SIZE, Scene, WIDTH, Words};
use crate::text::{float, width};
use crate::{palette, ticks};

/// Up to so many points each of them has a mark.
const MARKED: usize = 60;

/// How a line goes from point to point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Straight on.
    Straight,
    /// A value lasts until the next.
    Steps,
    /// Straight on, and what is below is shaded.
    Area,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is of.
    pub name: String,
    /// Times in seconds since 1970, ascending, and values.
    pub points: Vec<(i64, u64)>,
}

/// Lines over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Their words.
    pub words: Words,
    /// The first second of the axis, and the last.
    pub span: (i64, i64),
    /// What the values are, with their unit.
    pub upwards: String,
    /// How they go from point to point.
    pub shape: Shape,
    /// The lines; those beyond eight are not drawn, and the legend says how many.
    pub lines: Vec<Line>,
}

impl Lines {
    /// Draws them.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut scene = Scene::new(&self.words, 0);
        let drawn: Vec<&Line> =
            self.lines.iter().filter(|line| !line.points.is_empty()).take(palette::MOST).collect();
        let values = drawn.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
        let Some(most) = values.max() else { return scene.nothing() };
        let field = Field::upwards(&mut scene, most, &self.upwards);
        let axis = Axis { field: &field, span: self.span };
        for (time, text) in ticks::times(self.span.0, self.span.1) {
            let x = axis.x(time);
            scene.rule((x, Field::bottom()), (x, Field::bottom() + 4.0), true);
            let half = width(&text, SIZE) / 2.0;
            scene.text((x.clamp(half, WIDTH - half - 2.0), Field::bottom() + 18.0), Anchor::Middle, &text);
        }
        for (place, line) in drawn.iter().enumerate() {
            self.line(&mut scene, &axis, (place, line));
        }
        scene.text((field.left + field.width / 2.0, Field::bottom() + 38.0), Anchor::Middle, "time, UTC");
        let names = drawn.iter().map(|line| line.name.as_str());
        let mut end = legend::draw(&mut scene, (field.left, Field::bottom() + 50.0), Key::Line, names);
        let left_out =
            self.lines.iter().filter(|line| !line.points.is_empty()).count().saturating_sub(palette::MOST);
        if left_out > 0 {
            let text = format!("and {left_out} more, which are not drawn");
            scene.text((field.left, end + 12.0), Anchor::Start, &text);
            end += 20.0;
        }
        scene.finish(end + 8.0)
    }

    fn line(&self, scene: &mut Scene<'_>, axis: &Axis<'_>, (place, line): (usize, &Line)) {
        let mut path = String::new();
        for (time, value) in &line.points {
            let (x, y) = (axis.x(*time), axis.field.y(*value));
            path.push_str(&match (path.is_empty(), self.shape) {
                (true, _) => format!("M{x:.1} {y:.1}"),
                (false, Shape::Steps) => format!("H{x:.1}V{y:.1}"),
                (false, Shape::Straight | Shape::Area) => format!("L{x:.1} {y:.1}"),
            });
        }
        let (colour, _) = palette::stroke(place);
        if let (Shape::Area, Some((first, _)), Some((last, _))) =
            (self.shape, line.points.first(), line.points.last())
        {
            let (from, to) = (axis.x(*first), axis.x(*last));
            let bottom = Field::bottom();
            scene.draw(&format!(
                "<path d=\"{path}L{to:.1} {bottom:.1}L{from:.1} {bottom:.1}Z\" fill=\"{colour}\" fill-opacity=\"0.12\"/>"
            ));
        }
        scene.draw(&line_of(place, &path));
        if line.points.len() <= MARKED {
            for (time, value) in &line.points {
                let (x, y) = (axis.x(*time), axis.field.y(*value));
                scene.draw(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>"));
            }
        }
    }
}

/// The axis of time.
struct Axis<'f> {
    field: &'f Field,
    span: (i64, i64),
}

impl Axis<'_> {
    fn x(&self, time: i64) -> f64 {
        let (from, to) = self.span;
        let whole = to.saturating_sub(from).max(1).unsigned_abs();
        let part = time.saturating_sub(from).max(0).unsigned_abs().min(whole);
        self.field.left + self.field.width * float(part) / float(whole)
    }
}

#[cfg(test)]
mod tests;
