//! A production order in the ledger of the bench, and devices that are made under it.

use super::der::{self, certificate_row, integer, octets, sequence, tbs, time, utf8};
use super::{Bench, ISSUER, NOW, id};

impl Bench {
    /// An order of one device, of the titles whose last octet is 1 or 2, with `places` taken by its row.
    pub(crate) fn order(&mut self, places: u8) {
        self.audit_by("operator:ada", 120, (&[], &[]), "order po; 1 devices under p, q; until x");
        let title = |last| octets(&[b'M', b'P', b'K', 0, 0, 0, 0, last]);
        let mark = sequence(&[utf8("operator:ada"), time(NOW)]);
        let row = sequence(&[
            utf8("po"),
            utf8("tenant"),
            integer(&[1]),
            sequence(&[]),
            integer(&[0]),
            sequence(&[sequence(&[title(1), title(2)])]),
            utf8(""),
            utf8(""),
            utf8(""),
            sequence(&[]),
            time(NOW),
            mark,
            vec![0x0A, 1, 0],
            integer(&[places]),
            integer(&[0]),
            integer(&[0]),
            integer(&[0]),
        ]);
        self.rows.insert((55, b"po".to_vec()), der::row(&row));
    }

    /// An intent under the order for a device and a profile, which ends at once where it does not stay.
    pub(crate) fn make(&mut self, (last, device, profile): (u8, u8, &str), stays: bool) {
        let serial = [2, last];
        let title = [b'M', b'P', b'K', 0, 0, 0, 0, device];
        let detail = format!("{} under {profile} version 1; order po", hex::encode_upper(title));
        self.audit_by("operator:ada", 0, (&serial, &[]), &detail);
        let state = if stays { 0 } else { 2 };
        let row = certificate_row(state, &tbs(&serial, "270101000000Z"), &[6; 32]);
        if !stays {
            self.audit(2, &serial, &[]);
            self.rows.insert((5, id(&serial)), row);
            return;
        }
        self.rows.insert((3, id(&serial)), der::row(&sequence(&[row[1..].to_vec()])));
        let key = [b"tenant\0".as_slice(), &title].concat();
        let made = sequence(&[
            vec![0x0A, 1, 1],
            sequence(&[octets(&ISSUER), octets(&serial)]),
            der::object(1, &[0]),
        ]);
        self.rows.insert((56, key), der::row(&sequence(&[utf8("po"), sequence(&[made])])));
    }

    /// The device of the order is scrapped; its row is gone.
    pub(crate) fn scrap(&mut self, device: u8) {
        let title = [b'M', b'P', b'K', 0, 0, 0, 0, device];
        let detail = format!("order po; {}; 1 certificates revoked", hex::encode_upper(title));
        self.audit_by("operator:ada", 123, (&[], &[]), &detail);
        self.rows.remove(&(56, [b"tenant\0".as_slice(), &title].concat()));
    }

    /// The order is closed.
    pub(crate) fn close_order(&mut self) {
        self.audit_by("operator:ada", 121, (&[], &[]), "order po; 1 ordered");
    }

    /// What the intent replaces is revoked some time later.
    pub(crate) fn replaces_something(&mut self, last: u8) {
        self.extend((3, id(&[2, last])), &der::object(0xA4, &time(3_600)));
    }
}
