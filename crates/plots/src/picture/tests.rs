//! Pictures, decoded again.

use super::*;
use crate::{Bars, Series, Words};

fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    (frame.width, frame.height, pixels)
}

fn picture(title: &str, value: u64) -> Vec<u8> {
    let bars = Bars {
        words: Words { id: "b", title: title.to_owned(), ..Words::default() },
        categories: vec!["a".to_owned(), "b".to_owned()],
        across: "which".to_owned(),
        upwards: "how many".to_owned(),
        series: vec![Series { name: "x".to_owned(), values: vec![value, 7] }],
    };
    png(&bars.svg()).unwrap()
}

#[test]
fn a_picture_is_twice_as_fine_and_not_blank() {
    let (width, height, pixels) = decoded(&picture("Title", 5));
    assert_eq!((width, height % 2), (1_920, 0));
    let dark = pixels.chunks(4).filter(|pixel| pixel[..3].iter().all(|channel| *channel < 0x60)).count();
    let blue = pixels.chunks(4).filter(|pixel| pixel[..3] == [0x00, 0x42, 0x9D]).count();
    assert!(dark > 1_000 && blue > 50_000, "{dark} dark, {blue} blue");
    assert!(pixels.chunks(4).all(|pixel| pixel[3] == 255), "its ground is white, whatever stands behind it");
}

#[test]
fn text_is_drawn_with_the_face_that_is_brought_along() {
    // What differs is drawn by the face alone; capitals of three scripts.
    for (one, other) in [("", "Title"), ("Title", "Titel"), ("Ж", "Ω")] {
        assert_ne!(picture(one, 5), picture(other, 5), "{one} and {other}");
    }
    assert_eq!(picture("Title", 5), picture("Title", 5));
}

#[test]
fn what_is_no_drawing_is_none() {
    assert!(matches!(png("<svg"), Err(PictureError::Svg(_))));
}
