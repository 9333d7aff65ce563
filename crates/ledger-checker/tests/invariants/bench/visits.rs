//! A visit in the trail of the bench, and certificates that are issued on it.

use sha2::{Digest, Sha256};

use super::der::{certificate_row, signed, tbs};
use super::{Bench, NOW, id, key, sign};

/// The digest of the visit.
const DIGEST: [u8; 32] = [0xCD; 32];

/// 2027-01-01, when every certificate of the bench ends.
pub(crate) const CERTIFICATES_END: i64 = 1_798_761_600;

impl Bench {
    /// A visit of tim that ron opens, until a time, approved by these; two must.
    pub(crate) fn visit(&mut self, until: i64, approved_by: &[&str]) {
        let detail = format!(
            "visit v; technician tim; unit 4D504B0000000001; from x ({NOW}); until x ({until}); approvals 2; for x"
        );
        self.audit_by("operator:ron", 137, (&[], &DIGEST), &detail);
        for by in approved_by {
            self.audit_by(&format!("operator:{by}"), 139, (&[], &DIGEST), "visit v");
        }
    }

    /// A certificate that somebody has issued on a visit.
    pub(crate) fn issue_on(&mut self, visit: &str, (by, last): (&str, u8)) {
        let serial = [3, last];
        let detail = format!("4D504B0000000001 under hhu version 1; visit {visit}");
        self.audit_by(&format!("operator:{by}"), 0, (&serial, &[]), &detail);
        let tbs = tbs(&serial, "270101000000Z");
        let signature = sign(&key(), &tbs);
        self.signature("full", &tbs, &signature);
        let certificate = signed(&tbs, &signature);
        self.audit(1, &serial, &Sha256::digest(&certificate));
        self.rows.insert((5, id(&serial)), certificate_row(1, &certificate, &[last; 32]));
    }

    /// The visit ends.
    pub(crate) fn end_visit(&mut self) {
        self.audit_by("operator:ron", 141, (&[], &[]), "visit v; for x");
    }
}
