//! A certificate on hold, and what may become of it.

use super::*;

impl Bench {
    /// The issued certificate is put on hold.
    pub(crate) fn hold(&mut self) {
        self.audit(60, &ISSUED, &[]);
        self.rows.remove(&(30, id(&ISSUED)));
        let row = sequence(&[time(NOW), integer(&[6]), time(NOW + 31_536_000)]);
        self.rows.insert((11, id(&ISSUED)), der::row(&row));
    }

    /// It is released.
    pub(crate) fn release(&mut self) {
        self.audit(61, &ISSUED, &[]);
        self.rows.remove(&(11, id(&ISSUED)));
        self.rows.insert((30, id(&ISSUED)), der::row(&sequence(&[time(NOW)])));
    }

    /// A hold is made final.
    pub(crate) fn make_final(&mut self) {
        self.audit(5, &ISSUED, &[]);
        let since = der::object(0xA1, &time(NOW + 1));
        let row = sequence(&[time(NOW), integer(&[1]), time(NOW + 31_536_000), since]);
        self.rows.insert((11, id(&ISSUED)), der::row(&row));
    }

    /// Signs a CRL that has one certificate on hold beside the one that is revoked.
    pub(crate) fn sign_crl_with_hold(&mut self, number: u8, serial: &[u8]) {
        self.record_crl(number, der::crl_with_hold(number, (&REVOKED, serial)));
    }

    /// The trail tells of a revocation once more.
    pub(crate) fn revoke_again(&mut self) {
        self.audit(5, &REVOKED, &[]);
    }
}
