//! Devices of the bench: on a list, indexed, counted and followed.

use sha2::{Digest, Sha256};

use super::der::{integer, object, octets, row, sequence, time, utf8};
use super::{Bench, NOW};

/// The device that is listed.
pub(crate) const DEVICE: [u8; 8] = [0xD1; 8];

/// The delivery that describes it.
const DELIVERY: [u8; 32] = [7; 32];

/// The key of an index: what the device has in a field.
pub(crate) fn found_by(what: u8, word: &str) -> Vec<u8> {
    [short(&[b"dso", &[0, what], word.as_bytes()]).as_slice(), &DEVICE].concat()
}

/// The key of a count.
pub(crate) fn counted_by(field: u8, word: &str) -> Vec<u8> {
    [short(&[b"dso", &[0, field]]), short(&[word.as_bytes()])].concat()
}

fn short(parts: &[&[u8]]) -> Vec<u8> {
    Sha256::digest(parts.concat())[..16].to_vec()
}

impl Bench {
    /// Puts a device on its owner's list, with all that goes with it.
    pub(crate) fn list_device(&mut self) {
        self.audit_by("actor", 8, (&[], &[]), &format!("1 devices: {}", hex::encode_upper(DEVICE)));
        let fields = [utf8("dso"), octets(&DEVICE), vec![0x0A, 1, 0], utf8("E350"), utf8(""), time(NOW)];
        self.rows.insert((17, DEVICE.to_vec()), row(&sequence(&fields)));
        self.rows.insert((18, [b"dso\0".as_slice(), &DEVICE].concat()), Vec::new());
        for (what, word) in [(1, "expected"), (3, "E350")] {
            self.rows.insert((39, found_by(what, word)), Vec::new());
        }
        for (field, word) in [(0, ""), (3, "E350")] {
            let states = [0, 0, 1, 0, 0, 0, 0].map(|count: u8| integer(&[count]));
            let counted = sequence(&[utf8(word), sequence(&states)]);
            self.rows.insert((40, counted_by(field, word)), row(&counted));
        }
        self.follow_device(self.sequence);
    }

    /// Has the history of the device name an audit record.
    pub(crate) fn follow_device(&mut self, sequence_number: u64) {
        let key = [DEVICE.as_slice(), &sequence_number.to_be_bytes()].concat();
        self.rows.insert((41, key), row(&sequence(&[integer(&[0])])));
    }

    /// Has the trail say that the device was retired.
    pub(crate) fn tell_that_the_device_is_retired(&mut self) {
        self.audit_by("actor", 93, (&[], &[]), &format!("scrapped: {}", hex::encode_upper(DEVICE)));
    }

    /// A delivery has described the device.
    pub(crate) fn deliver_device(&mut self) {
        self.extend((17, DEVICE.to_vec()), &object(0xA9, &octets(&DELIVERY)));
        let digest = std::str::from_utf8(&DELIVERY).unwrap();
        self.rows.insert((39, found_by(10, digest)), Vec::new());
    }

    /// Somebody was told that it was.
    pub(crate) fn tell_of_the_delivery(&mut self) {
        self.note(&format!("delivered {} {}", hex::encode_upper(DEVICE), hex::encode(DELIVERY)));
    }
}
