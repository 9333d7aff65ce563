//! What a simulated meter holds for one of its own keys, as it goes into a memory and comes out again; and what a restart takes away.

use core::fmt;

use ca_core::certificate::{Certificate, CertificateError};

use super::key::SimulatedKey;
use super::{KeyPairs, Meter};
use crate::security_setup::MeterKey;

/// What a meter holds for one of its own keys. Nothing of it shows in `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The private key in use, PKCS#8, DER.
    pub current: Option<Vec<u8>>,
    /// The private key that waits for its certificate, PKCS#8, DER.
    pub pending: Option<Vec<u8>>,
    /// The certificate in force, DER.
    pub certificate: Option<Vec<u8>>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("current", &self.current.is_some())
            .field("pending", &self.pending.is_some())
            .field("certificate", &self.certificate.is_some())
            .finish()
    }
}

impl Meter {
    /// Returns what it holds for one of its own keys.
    #[must_use]
    pub fn held(&self, key: MeterKey) -> Held {
        let pairs = self.keys.get(&key);
        let of = |pair: Option<&SimulatedKey>| pair.and_then(SimulatedKey::pkcs8);
        Held {
            current: of(pairs.and_then(|pairs| pairs.current.as_ref())),
            pending: of(pairs.and_then(|pairs| pairs.pending.as_ref())),
            certificate: self.store.own(key).map(|certificate| certificate.der().to_vec()),
        }
    }

    /// Has it hold this for one of its own keys, whatever it held before. A private key that cannot be read is none when it is
    /// used: the meter refuses the call.
    ///
    /// # Errors
    /// [`CertificateError`]; nothing has changed.
    pub fn hold(&mut self, key: MeterKey, held: Held) -> Result<(), CertificateError> {
        let certificate = held.certificate.as_deref().map(Certificate::from_der).transpose()?;
        let curve = self.identity.suite.curve();
        let of = |pkcs8: Option<Vec<u8>>| pkcs8.map(|pkcs8| SimulatedKey::kept(curve, pkcs8));
        let pairs = KeyPairs { current: of(held.current), pending: of(held.pending) };
        drop(self.keys.insert(key, pairs));
        if let Some(certificate) = certificate {
            self.store.keep_own(key, certificate);
        }
        Ok(())
    }

    /// Starts anew, as after a power cut: what was under way is forgotten, with the keys that wait for their certificates. What is in
    /// use stays.
    pub fn restart(&mut self) {
        self.transfer.forget();
        for pairs in self.keys.values_mut() {
            pairs.pending = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use ca_core::suite::SecuritySuite;
    use ca_core::system_title::SystemTitle;

    use super::*;
    use crate::apdu::ActionResult;
    use crate::cosem::LogicalName;
    use crate::cosem::{Descriptor, SECURITY_SETUP};
    use crate::meter::Identity;
    use crate::security_setup::Method;

    fn meter(suite: SecuritySuite) -> Meter {
        let identity = Identity {
            title: SystemTitle::new([7; 8]),
            suite,
            object: LogicalName::security_setup(0),
            max_pdu: 1_024,
            seed: [3; 32],
            anchors: Vec::new(),
        };
        Meter::new(identity, Vec::new())
    }

    fn invoke(meter: &mut Meter, method: &Method) -> Result<Option<crate::axdr::Data>, ActionResult> {
        let at = Descriptor {
            class_id: SECURITY_SETUP,
            instance: LogicalName::security_setup(0),
            number: method.number(),
        };
        meter.invoke(at, Some(method.parameter()), None)
    }

    #[test]
    fn a_meter_that_was_put_down_signs_with_the_key_that_it_made_before() {
        for suite in SecuritySuite::ALL {
            let mut before = meter(suite);
            invoke(&mut before, &Method::GenerateKeyPair(MeterKey::Tls)).unwrap();
            let held = before.held(MeterKey::Tls);
            assert!(held.pending.is_some() && held.current.is_none() && held.certificate.is_none());
            assert_eq!(format!("{held:?}"), "Held { current: false, pending: true, certificate: false }");
            let mut after = meter(suite);
            after.hold(MeterKey::Tls, held.clone()).unwrap();
            assert_eq!(after.held(MeterKey::Tls), held);
            let ask = Method::GenerateCertificateRequest(MeterKey::Tls);
            assert_eq!(invoke(&mut after, &ask).unwrap(), invoke(&mut before, &ask).unwrap());
        }
    }

    #[test]
    fn a_restart_forgets_the_key_that_waits_and_keeps_the_one_in_use() {
        let mut meter = meter(SecuritySuite::Suite1);
        invoke(&mut meter, &Method::GenerateKeyPair(MeterKey::Signature)).unwrap();
        let made = meter.held(MeterKey::Signature).pending;
        meter.hold(MeterKey::Signature, Held { current: made.clone(), ..Held::default() }).unwrap();
        invoke(&mut meter, &Method::GenerateKeyPair(MeterKey::Signature)).unwrap();
        invoke(&mut meter, &Method::GenerateKeyPair(MeterKey::Tls)).unwrap();
        meter.restart();
        assert_eq!(meter.held(MeterKey::Signature), Held { current: made, ..Held::default() });
        let ask = Method::GenerateCertificateRequest(MeterKey::Tls);
        assert_eq!(invoke(&mut meter, &ask), Err(ActionResult::OBJECT_UNAVAILABLE));
    }
}
