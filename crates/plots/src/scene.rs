//! What every picture has: its size, a white ground whatever stands behind it, a title, and the two sentences for who does not see
//! it. Not what is in it.

use crate::palette;
use crate::text::{clipped, escaped, width};

/// How wide every picture is, in pixels.
pub(crate) const WIDTH: f64 = 960.0;

/// How large text is.
pub(crate) const SIZE: f64 = 12.0;

/// Where the picture begins below its title.
pub(crate) const TOP: f64 = 48.0;

/// The faces that are asked for; the first of them is what text is measured by.
const FACES: &str = "DejaVu Sans, Verdana, sans-serif";

/// The colour of text and axes.
const INK: &str = "#222222";

/// The words of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// What the names in the picture begin with, so that several may stand in one page: letters of ASCII.
    pub id: &'static str,
    /// What it shows, in one line.
    pub title: String,
    /// What is to be seen in it, for who does not see it.
    pub description: String,
    /// What is said where there is nothing to show, as a sentence.
    pub empty: String,
}

/// Where a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A picture that is being drawn.
pub(crate) struct Scene<'w> {
    words: &'w Words,
    fills: usize,
    body: String,
}

impl<'w> Scene<'w> {
    /// Begins one in which so many fills are used.
    pub(crate) fn new(words: &'w Words, fills: usize) -> Self {
        let mut scene = Self { words, fills, body: String::new() };
        let title = clipped(&words.title, 16.0, WIDTH - 32.0);
        scene.draw(&format!("<text x=\"16.0\" y=\"28.0\" font-size=\"16\">{}</text>", escaped(&title)));
        scene
    }

    /// Adds an element.
    pub(crate) fn draw(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let (anchor, text) = (anchor.name(), escaped(text));
        self.draw(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"));
    }

    /// Adds the title of an axis that goes upwards, beside it.
    pub(crate) fn upright(&mut self, (x, y): (f64, f64), text: &str) {
        let text = escaped(text);
        self.draw(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 {x:.1} {y:.1})\">{text}</text>"
        ));
    }

    /// Adds a line of an axis, or one that leads the eye to it.
    pub(crate) fn rule(&mut self, (x, y): (f64, f64), (to_x, to_y): (f64, f64), is_axis: bool) {
        let colour = if is_axis { INK } else { "#d0d0d0" };
        self.draw(&format!("<path d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\" stroke=\"{colour}\"/>"));
    }

    /// Adds a filled rectangle, with a sentence that is shown to who points at it.
    pub(crate) fn bar(&mut self, at: (f64, f64), size: (f64, f64), look: &Look<'_>) {
        let ((x, y), (width, height)) = (at, size);
        let edge = if look.has_edge { format!(" stroke=\"{INK}\"") } else { String::new() };
        let fill = palette::reference(self.words.id, look.fill);
        let told = look.told.map(|told| format!("<title>{}</title>", escaped(told))).unwrap_or_default();
        self.draw(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"{edge}>{told}</rect>"
        ));
    }

    /// Says that there is nothing to show.
    pub(crate) fn nothing(mut self) -> String {
        let empty = clipped(&self.words.empty, SIZE, WIDTH - 32.0);
        self.text((16.0, TOP + 20.0), Anchor::Start, &empty);
        self.finish(TOP + 44.0)
    }

    /// Ends it at this height.
    pub(crate) fn finish(self, height: f64) -> String {
        let Words { id, title, description, .. } = self.words;
        let (title, description) = (escaped(title), escaped(description));
        let definitions = palette::definitions(id, self.fills);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-labelledby=\"{id}-title {id}-description\" \
             font-family=\"{FACES}\" font-size=\"{SIZE:.0}\" fill=\"{INK}\" stroke-width=\"1\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-description\">{description}</desc>\n{definitions}\
             <rect width=\"{WIDTH:.0}\" height=\"{height:.0}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// How a rectangle looks.
pub(crate) struct Look<'t> {
    /// The place of its fill.
    pub(crate) fill: usize,
    /// Whether it has a dark edge: not where it is too narrow for one.
    pub(crate) has_edge: bool,
    /// What is told of it.
    pub(crate) told: Option<&'t str>,
}

/// Returns how wide the widest of some texts is.
pub(crate) fn widest<'t>(texts: impl IntoIterator<Item = &'t str>) -> f64 {
    texts.into_iter().map(|text| width(text, SIZE)).fold(0.0, f64::max)
}
