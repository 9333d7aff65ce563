//! The online half of the exchange with the offline root: a request is made and kept open, a response is judged and taken in. One code for the
//! verbs at the machine and for the server, so that both check the same and keep the same journal.
//!
//! Makes no key, and does not ask who may. What the messages are is decided in `ca_core::exchange`.

use std::fmt::Display;
use std::path::Path;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::{
    AcceptedResponse, ExchangeNonce, ExpectedResponse, RequestParts, SubordinateRequest, SubordinateResponse,
    certification_request,
};
use ca_core::oid;
use ca_core::ports::Signer;
use ca_core::profile::ProfileId;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use policies::{ProfileSet, Settings};
use sha2::{Digest, Sha256};
use signer_file::SystemEntropy;

use crate::exchange_journal::ExchangeJournal;
use crate::exit::{Exit, Failure};
use crate::new_file::write_same_or_new;
use crate::open_requests::OpenRequests;

/// An authority as somebody wants it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The name of its profile.
    pub(crate) profile: &'a str,
    /// Of its subject: the country, in two letters.
    pub(crate) country: &'a str,
    /// The organization.
    pub(crate) organization: &'a str,
    /// The common name.
    pub(crate) common_name: &'a str,
}

/// The same, once it was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) profile: ProfileId,
    /// Of its key.
    pub(crate) curve: Curve,
    pub(crate) subject: DistinguishedName,
}

impl Wish<'_> {
    /// Looks at it.
    ///
    /// # Errors
    /// Which part no authority can have.
    pub(crate) fn looked_at(&self) -> Result<Wanted, Failure> {
        let profiles = ProfileSet::load_embedded(&Settings::default())
            .map_err(|error| Failure::new(Exit::Failed, "profile.faulty", error))?;
        let profile = profiles.certificate(self.profile).filter(|profile| profile.is_authority());
        let profile = profile.ok_or_else(|| {
            let message = format!("{} is not a profile of authorities", self.profile);
            Failure::new(Exit::Usage, "profile.unknown", message)
                .then("use sub-operational-s1 or one like it")
        })?;
        let subject = DistinguishedName::from_attributes(&[
            (oid::COUNTRY_NAME, self.country),
            (oid::ORGANIZATION_NAME, self.organization),
            (oid::COMMON_NAME, self.common_name),
        ])
        .map_err(|error| Failure::new(Exit::Usage, "subject.unfit", error))?;
        Ok(Wanted { profile: profile.id().clone(), curve: profile.curve(), subject })
    }
}

/// A request, and its file.
#[derive(Debug)]
pub(crate) struct MadeRequest {
    pub(crate) request: SubordinateRequest,
    pub(crate) text: String,
}

/// Makes a request, signed by the key that it is for. It is open once it is kept ([`OpenRequests::keep`]), and is not to leave before.
///
/// # Errors
/// When the key does not fit, or does not sign.
pub(crate) fn make(
    wanted: Wanted,
    (key, signer): (&PublicKey, &dyn Signer),
    now: UnixTime,
) -> Result<MadeRequest, Failure> {
    let failed = |error: &dyn Display| Failure::new(Exit::Failed, "exchange.request", error);
    let Wanted { profile, curve, subject } = wanted;
    if key.curve() != curve {
        let message =
            format!("{profile} is for keys of {curve}, and {} is one of {}", key.key_ref(), key.curve());
        return Err(
            Failure::new(Exit::Usage, "key.curve", message).then("name another key, or another profile")
        );
    }
    let csr = certification_request(&subject, &key.key_ref(), signer).map_err(|error| failed(&error))?;
    let nonce = ExchangeNonce::draw(&SystemEntropy).map_err(|error| failed(&error))?;
    let parts = RequestParts { nonce, created: now, profile, subject, csr };
    let draft = SubordinateRequest::draft(parts).map_err(|error| failed(&error))?;
    let request = draft.sign(signer).map_err(|error| failed(&error))?;
    let text = request.to_text().map_err(|error| failed(&error))?;
    Ok(MadeRequest { request, text })
}

/// Where responses are taken in, when, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intake<'a> {
    /// The directory of the open requests, with the journal.
    pub(crate) exchanges: &'a Path,
    /// The directory for what a response brings.
    pub(crate) out: &'a Path,
    pub(crate) now: UnixTime,
    /// The operator, as records name him.
    pub(crate) by: &'a str,
}

/// What a response brought, and where it is now.
#[derive(Debug)]
pub(crate) struct TakenIn {
    pub(crate) accepted: AcceptedResponse,
    pub(crate) certificate_file: String,
    pub(crate) root_file: String,
    pub(crate) crl_file: Option<String>,
}

impl Intake<'_> {
    /// Takes a response in if it answers an open request: writes what it brings, then the journal, then has `told` tell of it, then closes the
    /// request. Whatever was cut short is done again by the same response. A refusal is in the journal before it is told.
    ///
    /// # Errors
    /// Why it is not taken in.
    pub(crate) fn take_in(
        &self,
        octets: &[u8],
        exchange_key: &[u8; 32],
        told: impl FnOnce(&AcceptedResponse) -> Result<(), Failure>,
    ) -> Result<TakenIn, Failure> {
        let mut journal = ExchangeJournal::open(self.exchanges)?;
        let requests = OpenRequests::at(self.exchanges);
        let judged = self.judge(octets, exchange_key, &requests);
        let written = judged.and_then(|(request, accepted)| Ok((request, self.write(accepted)?)));
        let (request, taken) = match written {
            Ok(written) => written,
            Err(failure) => {
                journal.append(self.refusal(octets, &failure)?)?;
                return Err(failure);
            }
        };
        journal.append(self.acceptance(octets, &request, &taken.accepted)?)?;
        told(&taken.accepted)?;
        requests.close(&request, octets)?;
        Ok(taken)
    }

    /// Decides whether a response answers an open request.
    fn judge(
        &self,
        octets: &[u8],
        exchange_key: &[u8; 32],
        requests: &OpenRequests,
    ) -> Result<(SubordinateRequest, AcceptedResponse), Failure> {
        let refused = |code: &str, error: &dyn Display| {
            Failure::new(Exit::Refused, code, error)
                .then("compare what the ceremony showed: request SHA-256 and exchange key SHA-256")
        };
        let text = core::str::from_utf8(octets).map_err(|error| refused("exchange.not-text", &error))?;
        let response = SubordinateResponse::from_text(text).map_err(|error| refused(error.code(), &error))?;
        let request = requests.find(&response.parts().nonce)?;
        let expected = ExpectedResponse { request: &request, exchange_key, now: self.now };
        let accepted = response.verify(&expected).map_err(|error| refused(error.code(), &error))?;
        Ok((request, accepted))
    }

    /// Writes what came. What an intake before a power cut wrote already is no conflict.
    fn write(&self, accepted: AcceptedResponse) -> Result<TakenIn, Failure> {
        let (key, root) = (accepted.certificate.public_key().key_ref(), accepted.root.public_key().key_ref());
        let put = |name: String, octets: &[u8]| {
            let path = self.out.join(name);
            write_same_or_new(&path, octets).map(|()| path.display().to_string())
        };
        let certificate_file = put(format!("{key}.cer"), accepted.certificate.der())?;
        let root_file = put(format!("{root}.cer"), accepted.root.der())?;
        let crl_file = accepted.crl.as_ref().map(|crl| put(format!("{root}.crl"), crl)).transpose()?;
        Ok(TakenIn { accepted, certificate_file, root_file, crl_file })
    }

    fn refusal(&self, octets: &[u8], failure: &Failure) -> Result<AuditEvent, Failure> {
        Ok(AuditEvent {
            reason: failure.code.clone(),
            detail: failure.message.clone(),
            ..self.event(Act::RequestRefused, octets)?
        })
    }

    fn acceptance(
        &self,
        octets: &[u8],
        request: &SubordinateRequest,
        accepted: &AcceptedResponse,
    ) -> Result<AuditEvent, Failure> {
        let certificate = &accepted.certificate;
        Ok(AuditEvent {
            issuer: Some(accepted.root.public_key().key_ref()),
            serial: Some(certificate.serial().clone()),
            detail: format!(
                "the certificate of {} answers the request with the nonce {}",
                certificate.subject(),
                request.nonce()
            ),
            ..self.event(Act::AuthorityRegistered, octets)?
        })
    }

    /// What every record has: when, who brought it, and the SHA-256 of the response as it was read.
    fn event(&self, act: Act, octets: &[u8]) -> Result<AuditEvent, Failure> {
        // No tenant is known yet: the authority belongs to one once it stands in a configuration.
        let tenant =
            TenantId::parse("exchange").map_err(|error| Failure::new(Exit::Failed, "tenant", error))?;
        let actor =
            Actor { tenant: tenant.clone(), identity: Identity::Operator { name: self.by.to_owned() } };
        Ok(AuditEvent {
            time: self.now,
            tenant,
            actor: actor.to_string(),
            act,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: String::new(),
            digest: Sha256::digest(octets).to_vec(),
        })
    }
}

/// Reads 64 hexadecimal digits, as fingerprints are shown: in groups of four.
///
/// # Errors
/// When it is none.
pub(crate) fn exchange_key(text: &str) -> Result<[u8; 32], Failure> {
    let digits: String = text.split_whitespace().collect();
    let read = hex::decode(digits).ok().and_then(|octets| octets.try_into().ok());
    read.ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "exchange.key",
            "the exchange key is given by its SHA-256, in 64 hexadecimal digits",
        )
        .then("type what the ceremony showed, with --exchange-key")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_in_groups_and_nothing_shorter_or_longer() {
        let groups = vec!["00ff"; 16].join(" ");
        assert_eq!(exchange_key(&groups).unwrap()[..2], [0x00, 0xFF]);
        for wrong in ["", "00ff", &format!("{groups} 00"), &groups.replacen('0', "g", 1)] {
            assert_eq!(exchange_key(wrong).unwrap_err().code, "exchange.key", "{wrong}");
        }
    }

    #[test]
    fn what_no_authority_can_be_is_refused_before_a_key_is_made() {
        let wish =
            Wish { profile: "sub-operational-s1", country: "DE", organization: "Grid", common_name: "Sub" };
        assert!(wish.looked_at().is_ok());
        for (wish, code) in [
            (Wish { profile: "meter-op-ds-s1", ..wish }, "profile.unknown"),
            (Wish { profile: "none", ..wish }, "profile.unknown"),
            (Wish { country: "D\u{e9}", ..wish }, "subject.unfit"),
        ] {
            assert_eq!(wish.looked_at().unwrap_err().code, code);
        }
    }
}
