//! An SVG of ours as PNG, twice as fine as it is drawn, in a face that is brought along: whatever the machine has, the octets are the
//! same.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

/// Letters of Latin, Greek and Cyrillic; see font/LICENSE.
const FACE: &[u8] = include_bytes!("../font/DejaVuSans.ttf");

/// What the face is called.
const FAMILY: &str = "DejaVu Sans";

/// How many pixels of the picture a pixel of the drawing is.
const FINENESS: u32 = 2;

static FACES: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut faces = Database::new();
    faces.load_font_data(FACE.to_vec());
    faces.set_sans_serif_family(FAMILY);
    Arc::new(faces)
});

/// Draws an SVG.
///
/// # Errors
/// [`PictureError`]; of a picture of ours none.
pub fn png(svg: &str) -> Result<Vec<u8>, PictureError> {
    let options =
        Options { font_family: FAMILY.to_owned(), fontdb: Arc::clone(&FACES), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| PictureError::Svg(error.to_string()))?;
    let size = tree.size().to_int_size();
    let (width, height) = (size.width().saturating_mul(FINENESS), size.height().saturating_mul(FINENESS));
    let mut pixels = Pixmap::new(width, height).ok_or(PictureError::Size { width, height })?;
    let fineness = f32::from(u8::try_from(FINENESS).unwrap_or(1));
    resvg::render(&tree, Transform::from_scale(fineness, fineness), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| PictureError::Png(error.to_string()))
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is no SVG.
    #[error("the drawing cannot be read: {0}")]
    Svg(String),
    /// It is too large, or has no size.
    #[error("a picture of {width} by {height} pixels cannot be made")]
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// It cannot be written.
    #[error("the picture cannot be written: {0}")]
    Png(String),
}

#[cfg(test)]
mod tests;
