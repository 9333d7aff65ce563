//! A certificate that another program issued under the same key, and what it must not be.

use super::*;

/// What is wrong with one that was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// No audit record says that it was.
    NotTold,
    /// Two do.
    ToldTwice,
    /// The record is of other octets.
    OtherDigest,
    /// Somebody else signed it.
    ForeignSignature,
    /// There is an intent to issue it.
    Intended,
    /// The signer of this system signed it.
    SignedHere,
}

impl Bench {
    /// Takes one over.
    pub(crate) fn take_over(&mut self, flaw: Flaw) {
        let tbs = tbs(&LATER, "270101000000Z");
        let signer =
            if flaw == Flaw::ForeignSignature { SigningKey::from_slice(&[8; 32]).unwrap() } else { key() };
        let signature = sign(&signer, &tbs);
        let certificate = signed(&tbs, &signature);
        let digest = Sha256::digest(if flaw == Flaw::OtherDigest { &tbs } else { &certificate });
        let records = match flaw {
            Flaw::NotTold => 0,
            Flaw::ToldTwice => 2,
            Flaw::None | Flaw::OtherDigest | Flaw::ForeignSignature | Flaw::Intended | Flaw::SignedHere => 1,
        };
        if flaw == Flaw::Intended {
            self.audit(0, &LATER, &[]);
        }
        if flaw == Flaw::SignedHere {
            self.signature("full", &tbs, &signature);
        }
        for _ in 0..records {
            self.audit(147, &LATER, &digest);
        }
        self.rows.insert((5, id(&LATER)), der::taken_over_row(&certificate, &[8; 32]));
    }

    /// The trail tells of one, and there is none.
    pub(crate) fn tell_of_one_taken_over(&mut self) {
        self.audit(147, &LATER, &[1; 32]);
    }
}
