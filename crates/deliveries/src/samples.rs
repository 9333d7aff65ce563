//! The maps that come with the program: each is read by the same reader as any other, and is to be copied and changed.
//!
//! None claims to be the format of a maker that was not at hand to be compared with.

/// A map that comes with the program.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Its name, as in the file.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

/// All of them.
pub const SAMPLES: &[Sample] = &[
    Sample { name: "plain-csv", text: include_str!("../maps/plain-csv.toml") },
    Sample { name: "delivery-note-xml", text: include_str!("../maps/delivery-note-xml.toml") },
    Sample { name: "key-file-xml", text: include_str!("../maps/key-file-xml.toml") },
    Sample { name: "device-sheet", text: include_str!("../maps/device-sheet.toml") },
    Sample { name: "manifest-lines", text: include_str!("../maps/manifest-lines.toml") },
];

/// Returns the map of this name.
#[must_use]
pub fn named(name: &str) -> Option<Sample> {
    SAMPLES.iter().copied().find(|sample| sample.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Map;

    #[test]
    fn every_sample_is_a_map_of_its_name() {
        for sample in SAMPLES {
            let map = Map::parse(sample.text).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            assert_eq!(map.name(), sample.name);
            assert!(!map.about().is_empty(), "{}", sample.name);
            assert!(named(sample.name).is_some());
        }
    }
}
