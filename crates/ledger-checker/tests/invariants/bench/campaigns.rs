//! A campaign in the ledger of the bench: a device that is done, by the certificate that was issued, and one that waits.

use sha2::{Digest, Sha256};

use super::der::{self, integer, octets, sequence, time, utf8};
use super::{Bench, ISSUED, ISSUER, NOW, key, sign};

/// The campaign.
pub(crate) const CAMPAIGN: [u8; 32] = [0xCA; 32];

/// The device that is done.
pub(crate) const SWAPPED: [u8; 8] = [0xD2; 8];

/// The device that waits.
const WAITING: [u8; 8] = [0xD3; 8];

/// DER of a boolean.
fn truth(is: bool) -> Vec<u8> {
    der::object(1, &[if is { 0xFF } else { 0 }])
}

/// A field with a context-specific tag.
fn tagged(number: u8, field: &[u8]) -> Vec<u8> {
    der::object(0xA0 | number, field)
}

/// The key of a count: the wave is the first.
pub(crate) fn counted(phase: u8) -> Vec<u8> {
    [CAMPAIGN.as_slice(), &[0; 4], &[phase]].concat()
}

/// The key of a device on the agenda of what is done, since the present.
pub(crate) fn listed_as_done() -> Vec<u8> {
    let since = (u64::from_be_bytes(NOW.to_be_bytes()) ^ (1 << 63)).to_be_bytes();
    [CAMPAIGN.as_slice(), &[4], &since, &SWAPPED].concat()
}

impl Bench {
    /// A campaign over two devices, one of which is done.
    pub(crate) fn campaign(&mut self) {
        let swapped = hex::encode_upper(SWAPPED);
        self.audit_by("process:campaigns", 108, (&[], &[]), &format!("{swapped}: spring"));
        let begun = self.sequence;
        let step = format!("{swapped} signature: answered: confirmed to activated; call 5, attempt 0");
        self.audit_by("operator:ada", 109, (&ISSUED, &[]), &step);
        let activated = self.sequence;
        self.audit_by("operator:ada", 112, (&[], &[]), &format!("{swapped}: spring: 1 certificates in use"));
        self.put_campaign();
        self.put_member(&WAITING, 0, 0);
        self.put_member(&SWAPPED, 4, NOW);
        let waiting = [CAMPAIGN.as_slice(), &[0], &[0; 4], &[0, 0, 0, 7], &WAITING].concat();
        self.rows.insert((50, waiting), Vec::new());
        self.rows.insert((50, listed_as_done()), Vec::new());
        for phase in [0, 4] {
            self.rows.insert((51, counted(phase)), der::row(&integer(&[1])));
        }
        self.put_swap(&[(1, begun), (8, activated)]);
        self.put_evidence(self.sequence);
    }

    fn put_campaign(&mut self) {
        let wanted = sequence(&[vec![0x0A, 1, 1], utf8("profile-1"), octets(&ISSUER), integer(&[1])]);
        let zero = || integer(&[0]);
        let mark = sequence(&[utf8("operator:ada"), time(NOW)]);
        let row = sequence(&[
            octets(&CAMPAIGN),
            utf8("dso"),
            utf8("spring"),
            zero(),
            integer(&[1]),
            sequence(&[wanted]),
            utf8("all of B-7"),
            sequence(&[integer(&[2])]),
            integer(&[5]),
            integer(&[60]),
            zero(),
            sequence(&[zero(), zero(), zero(), zero(), zero(), zero()]),
            integer(&[2]),
            truth(true),
            zero(),
            mark.clone(),
            time(NOW),
            sequence(&[mark]),
            zero(),
            zero(),
            zero(),
        ]);
        self.rows.insert((48, CAMPAIGN.to_vec()), der::row(&row));
    }

    fn put_member(&mut self, title: &[u8; 8], phase: u8, at: i64) {
        let row = sequence(&[
            octets(&CAMPAIGN),
            octets(title),
            integer(&[0]),
            integer(&[7]),
            integer(&[phase]),
            time(at),
            utf8(""),
        ]);
        self.rows.insert((49, [CAMPAIGN.as_slice(), title].concat()), der::row(&row));
    }

    /// The certificate that the device took, and its digest.
    fn taken() -> (Vec<u8>, Vec<u8>) {
        let tbs = der::tbs(&ISSUED, "270101000000Z");
        // The nonce follows from key and message: it is the same certificate again.
        let certificate = der::signed(&tbs, &sign(&key(), &tbs));
        (sequence(&[octets(&ISSUER), octets(&ISSUED)]), Sha256::digest(certificate).to_vec())
    }

    /// Writes the swap of the device that is done, with the records that tell of it.
    pub(crate) fn put_swap(&mut self, passed: &[(u8, u64)]) {
        let (certificate, digest) = Self::taken();
        let passed: Vec<Vec<u8>> = passed
            .iter()
            .map(|(stage, record)| sequence(&[integer(&[*stage]), time(NOW), integer(&record.to_be_bytes())]))
            .collect();
        let row = sequence(&[
            octets(&SWAPPED),
            vec![0x0A, 1, 1],
            octets(&CAMPAIGN),
            integer(&[1]),
            utf8("profile-1"),
            octets(&ISSUER),
            integer(&[8]),
            time(NOW),
            integer(&[0]),
            integer(&[0]),
            time(NOW),
            integer(&[5]),
            truth(false),
            truth(false),
            sequence(&passed),
            tagged(0, &sequence(&[octets(&[2; 32]), octets(&[1; 32])])),
            tagged(2, &sequence(&[certificate, octets(&digest)])),
            tagged(3, &integer(&[0])),
        ]);
        self.rows.insert((47, [SWAPPED.as_slice(), &[1]].concat()), der::row(&row));
    }

    fn put_evidence(&mut self, record: u64) {
        let (certificate, digest) = Self::taken();
        let one = sequence(&[
            vec![0x0A, 1, 1],
            certificate,
            octets(&digest),
            octets(&[1; 32]),
            integer(&[0]),
            sequence(&[]),
        ]);
        let row = sequence(&[
            octets(&SWAPPED),
            octets(&CAMPAIGN),
            integer(&[0]),
            time(NOW),
            integer(&record.to_be_bytes()),
            sequence(&[one]),
        ]);
        self.rows.insert((53, [SWAPPED.as_slice(), &CAMPAIGN].concat()), der::row(&row));
    }

    /// Changes an octet of a row.
    pub(crate) fn alter(&mut self, keyspace: u8, key: &[u8], what: &[u8], into: &[u8]) {
        let row = self.rows.get_mut(&(keyspace, key.to_vec())).unwrap();
        let at = row.windows(what.len()).position(|window| window == what).unwrap();
        row[at..at + what.len()].copy_from_slice(into);
    }
}
