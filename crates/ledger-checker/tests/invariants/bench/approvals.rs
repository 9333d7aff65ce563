//! A request of the bench that waits for approval, what is decided of it, and an intent that answers it.

use super::der::{certificate_row, tbs};
use super::{Bench, REQUEST, id};

impl Bench {
    /// A request that needs two approvals, of which these were given.
    pub(crate) fn approved_by(&mut self, operators: &[&str]) {
        let digest = hex::encode(REQUEST);
        self.audit_by(
            "operator:ada",
            40,
            (&[], &REQUEST),
            &format!("a under p version 1; {digest} needs 2 until x"),
        );
        for operator in operators {
            self.audit_by(&format!("operator:{operator}"), 41, (&[], &REQUEST), &digest);
        }
    }

    /// An operator refuses it.
    pub(crate) fn refuse(&mut self) {
        self.audit_by("operator:kim", 42, (&[], &REQUEST), "no");
    }

    /// An intent that answers it, and ends.
    pub(crate) fn answer_request(&mut self, last: u8) {
        let serial = [2, last];
        let detail = format!("a under p version 1; approved {}", hex::encode(REQUEST));
        self.audit_by("operator:ada", 0, (&serial, &[]), &detail);
        self.audit(2, &serial, &[]);
        self.rows.insert((5, id(&serial)), certificate_row(2, &tbs(&serial, "270101000000Z"), &[6; 32]));
    }
}
