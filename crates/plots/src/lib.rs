//! Plots: bars, lines over time, calendars and progress as SVG, the same as PNG, and tables as CSV. Data in, octets out.
//!
//! Not where data come from, and no file, clock, network or font of the machine: the same data give the same octets everywhere. An
//! SVG of ours holds no script, no style and no reference to anything outside, so that it may be shown under the strictest policy.
//!
//! Whoever does not see the colours reads the same: neighbours differ in lightness by three to one and in their hatching, a day of a
//! calendar in the size of its mark, lines in their dashes. Every picture has a title and a sentence that tell what is in it.

mod bars;
mod calendar;
mod lines;
mod picture;
mod progress;
mod field;
mod legend;
mod scene;
mod palette;
mod table;
mod ticks;
mod dates;
mod text;

pub use bars::Bars;
pub use calendar::Calendar;
pub use lines::{Line, Lines, Shape};
pub use palette::Series;
pub use picture::{PictureError, png};
pub use progress::{Progress, ProgressRow};
pub use scene::Words;
pub use table::csv;
pub use text::grouped;
