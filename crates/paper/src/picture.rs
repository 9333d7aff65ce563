//! One code as a picture (PNG), and the codes that are found in a picture.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, DecodingError, Encoder, EncodingError, Limits, Transformations};
use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode};
use rqrr::PreparedImage;

use crate::part::Part;

/// How many modules stay white around a code (ISO/IEC 18004 §6.3.8).
pub(crate) const QUIET: usize = 4;

/// The width of a module in a picture, in pixels.
const SCALE: usize = 8;

/// The longest side of a picture that is looked at, in pixels; more than a scanner makes of a sheet.
const MAX_SIDE: u32 = 12_000;

/// The most memory that a picture may take, in octets.
const MAX_OCTETS: usize = 256 << 20;

/// The dark and light modules of a code, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Modules {
    width: usize,
    colours: Vec<Color>,
}

impl Modules {
    /// Draws a part. A quarter of a code may be damaged in print before its reader notices: error correction level M.
    pub(crate) fn draw(part: &Part) -> Result<Self, DrawError> {
        let code = QrCode::with_error_correction_level(part.text(), EcLevel::M)?;
        Ok(Self { width: code.width(), colours: code.into_colors() })
    }

    /// The modules on a side.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// The rows from the top, each with its modules from the left: whether they are dark.
    pub(crate) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = bool>> {
        self.colours.chunks(self.width).map(|row| row.iter().map(|colour| *colour == Color::Dark))
    }
}

/// Draws a part as a picture: PNG, black on white, with its margin.
///
/// # Errors
/// [`DrawError`].
pub fn draw(part: &Part) -> Result<Vec<u8>, DrawError> {
    let modules = Modules::draw(part)?;
    let side = (modules.width() + 2 * QUIET) * SCALE;
    let mut pixels = vec![u8::MAX; QUIET * SCALE * side];
    for row in modules.rows() {
        let mut line = vec![u8::MAX; QUIET * SCALE];
        for dark in row {
            line.extend([if dark { 0 } else { u8::MAX }; SCALE]);
        }
        line.resize(side, u8::MAX);
        pixels.extend(line.repeat(SCALE));
    }
    pixels.resize(side * side, u8::MAX);
    let mut file = Vec::new();
    let length = u32::try_from(side).map_err(|_| QrError::DataTooLong)?;
    let mut encoder = Encoder::new(&mut file, length, length);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(file)
}

/// Why there is no picture. What a part says fits into a code, so that this has no cause in its input.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The text is no code.
    #[error("the code cannot be drawn: {0}")]
    Code(#[from] QrError),
    /// The picture cannot be encoded.
    #[error("the picture cannot be written: {0}")]
    Picture(#[from] EncodingError),
}

/// Returns the texts of all codes in a PNG picture that can be read: drawn here or elsewhere, scanned or photographed.
///
/// # Errors
/// [`ReadPictureError`].
pub fn read(png: &[u8]) -> Result<Vec<String>, ReadPictureError> {
    let picture = Grey::decode(png)?;
    let (width, height) = (picture.width, picture.height);
    let texts = texts(width, height, |x, y| picture.pixels.get(y * width + x).copied().unwrap_or(u8::MAX));
    if texts.is_empty() { Err(ReadPictureError::NoCode) } else { Ok(texts) }
}

/// Returns the texts of all codes in shades of grey.
pub(crate) fn texts(width: usize, height: usize, grey: impl FnMut(usize, usize) -> u8) -> Vec<String> {
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, grey);
    // What looks like a code and cannot be read is no fault yet: the series will miss it by its number.
    prepared.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

/// A picture in shades of grey, row by row.
struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Grey {
    fn decode(png: &[u8]) -> Result<Self, ReadPictureError> {
        let mut decoder = Decoder::new_with_limits(Cursor::new(png), Limits { bytes: MAX_OCTETS });
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let (width, height) = (reader.info().width, reader.info().height);
        let size = reader.output_buffer_size().filter(|size| *size <= MAX_OCTETS);
        let (Some(size), true) = (size, width.max(height) <= MAX_SIDE) else {
            return Err(ReadPictureError::TooLarge { width, height });
        };
        let mut octets = vec![0; size];
        let frame = reader.next_frame(&mut octets)?;
        octets.truncate(frame.buffer_size());
        let pixels = octets.chunks(frame.color_type.samples()).map(grey).collect();
        let side = |length: u32| usize::try_from(length).unwrap_or_default();
        Ok(Self { width: side(width), height: side(height), pixels })
    }
}

/// One pixel as a shade of grey on white paper.
fn grey(samples: &[u8]) -> u8 {
    let (shade, opacity) = match *samples {
        [grey] => (u32::from(grey), 255),
        [grey, opacity] => (u32::from(grey), u32::from(opacity)),
        [red, green, blue] => (luminance(red, green, blue), 255),
        [red, green, blue, opacity] => (luminance(red, green, blue), u32::from(opacity)),
        _ => (255, 255),
    };
    u8::try_from((shade * opacity + 255 * (255 - opacity)) / 255).unwrap_or(u8::MAX)
}

fn luminance(red: u8, green: u8, blue: u8) -> u32 {
    (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000
}

/// Why no code is read from a picture.
#[derive(Debug, thiserror::Error)]
pub enum ReadPictureError {
    /// Not a picture in PNG.
    #[error("it is not a whole picture in PNG: {0}")]
    NotPng(#[from] DecodingError),
    /// Too large to be looked at.
    #[error("a picture of {width} by {height} pixels is not looked at: {MAX_SIDE} on a side is the most")]
    TooLarge {
        /// Its width, in pixels.
        width: u32,
        /// Its height, in pixels.
        height: u32,
    },
    /// There is no code in it, or none that can be read.
    #[error(
        "there is no code in it that can be read: take the picture again, sharper and straight from above"
    )]
    NoCode,
}

impl ReadPictureError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPng(_) => "paper.not-png",
            Self::TooLarge { .. } => "paper.too-large",
            Self::NoCode => "paper.no-code",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::split;

    fn full_part() -> Part {
        let octets: Vec<u8> =
            (0..crate::part::MAX_OCTETS).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        split(&octets).expect("it is short enough").remove(0)
    }

    #[test]
    fn a_full_part_fills_a_code_of_version_18() {
        assert_eq!(Modules::draw(&full_part()).expect("it is drawn").width(), 89);
    }

    #[test]
    fn a_picture_is_read_as_it_was_drawn() {
        let part = full_part();
        let picture = draw(&part).expect("it is drawn");
        assert_eq!(read(&picture).expect("it is read"), [part.text()]);
    }

    #[test]
    fn every_code_of_a_picture_is_read() {
        let parts = split(&[7; 960]).expect("it is short enough");
        let codes: Vec<Grey> = parts
            .iter()
            .map(|part| Grey::decode(&draw(part).expect("it is drawn")).expect("it is read"))
            .collect();
        assert_eq!((codes.len(), codes[0].width), (2, codes[1].width));
        let rows = codes[0].pixels.chunks(codes[0].width).zip(codes[1].pixels.chunks(codes[1].width));
        let both: Vec<u8> = rows.flat_map(|(left, right)| [left, right].concat()).collect();
        let side = |length: usize| u32::try_from(length).expect("it is short");
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, side(2 * codes[0].width), side(codes[0].height));
        encoder.set_color(ColorType::Grayscale);
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&both)).expect("it is written");
        let mut texts = read(&png).expect("it is read");
        texts.sort();
        assert_eq!(texts, [parts[0].text(), parts[1].text()]);
    }

    #[test]
    fn a_picture_without_code_or_cut_short_is_refused() {
        let picture = draw(&full_part()).expect("it is drawn");
        assert_eq!(read(&picture[..picture.len() / 2]).map_err(|error| error.code()), Err("paper.not-png"));
        assert_eq!(read(b"no picture").map_err(|error| error.code()), Err("paper.not-png"));
        let mut white = Vec::new();
        let mut encoder = Encoder::new(&mut white, 40, 40);
        encoder.set_color(ColorType::Grayscale);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&[255; 1600]))
            .expect("it is written");
        assert_eq!(read(&white).map_err(|error| error.code()), Err("paper.no-code"));
    }

    #[test]
    fn colours_become_shades_on_white_paper() {
        assert_eq!(
            [grey(&[7]), grey(&[0, 0]), grey(&[255, 255, 255]), grey(&[0, 0, 0, 255])],
            [7, 255, 255, 0]
        );
    }
}
