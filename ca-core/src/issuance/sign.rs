//! From an intent on disk to a verified signature over exactly its octets. Each intent is signed once.
//!
//! What cannot be signed is settled in the ledger before the answer leaves. The signature itself is made and verified in
//! [`signing`](crate::signing).

use std::sync::Arc;

use super::origin::EventOrigin;
use super::record::RecordedIntent;
use super::settle::{Unsigned, settle};
use super::{Bench, Exit, IssueError, spread};
use crate::certificate::Certificate;
use crate::record::CertificateId;
use crate::signature::EcdsaSignature;
use crate::signing::{IntegerLength, assemble, sign_verified};

/// A verified signature over exactly the recorded octets.
#[derive(Debug)]
pub(super) struct SignedCertificate {
    id: CertificateId,
    der: Vec<u8>,
    discarded: u32,
    origin: EventOrigin,
}

impl SignedCertificate {
    /// Which certificate it is.
    pub(super) const fn id(&self) -> &CertificateId {
        &self.id
    }

    /// Its DER octets.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    /// How many signatures with short integers were thrown away for it.
    pub(super) const fn discarded(&self) -> u32 {
        self.discarded
    }

    /// What its audit events say.
    pub(super) const fn origin(&self) -> &EventOrigin {
        &self.origin
    }
}

/// Signs recorded intents, each once; answers in their order.
pub(super) fn sign_all(
    bench: &Bench<'_>,
    recorded: Vec<RecordedIntent>,
) -> Vec<Result<SignedCertificate, Exit>> {
    let ids: Vec<CertificateId> = recorded.iter().map(|intent| intent.id().clone()).collect();
    let outcomes = match bench.ledger.begin_signing(&ids) {
        Ok(()) => spread(bench.threads, recorded, |intent| intent.sign(bench)),
        Err(unavailable) => {
            let shared = Arc::new(unavailable);
            let not_begun = |intent: &RecordedIntent| {
                Box::new(Unsigned::not_begun(intent, IssueError::Unavailable(Arc::clone(&shared))))
            };
            recorded.iter().map(|intent| Err(not_begun(intent))).collect()
        }
    };
    settle_unsigned(bench, outcomes)
}

fn settle_unsigned(
    bench: &Bench<'_>,
    outcomes: Vec<Result<SignedCertificate, Box<Unsigned>>>,
) -> Vec<Result<SignedCertificate, Exit>> {
    settle(bench.ledger, outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(AsRef::as_ref));
    outcomes.into_iter().map(|outcome| outcome.map_err(|unsigned| Exit::from(unsigned.error))).collect()
}

impl RecordedIntent {
    fn sign(self, bench: &Bench<'_>) -> Result<SignedCertificate, Box<Unsigned>> {
        let length = if self.profile().parts().full_length_signature {
            IntegerLength::Full
        } else {
            IntegerLength::Any
        };
        let made = sign_verified(bench.signer, &self.id().issuer, bench.issuer_key, self.tbs(), length)
            .map_err(|failure| Unsigned::failed(&self, failure))?;
        let der = self
            .assemble_and_compare(&made.signature)
            .ok_or_else(|| Unsigned::lost(self.id(), self.origin(), IssueError::Altered))?;
        let (id, origin) = (self.id().clone(), self.origin().clone());
        Ok(SignedCertificate { id, der, discarded: made.discarded, origin })
    }

    /// What is delivered must be, octet for octet, what was recorded, and readable to us.
    fn assemble_and_compare(&self, signature: &EcdsaSignature) -> Option<Vec<u8>> {
        let der = assemble(self.tbs(), signature).ok()?;
        let certificate = Certificate::from_der(&der).ok()?;
        (certificate.tbs() == self.tbs()).then_some(der)
    }
}
