//! The port of front ends on an authority that is asked over CMP: one request, one p10cr with the octets that the device signed.

use std::sync::Arc;

use ca_core::actor::{Actor, Identity, Presented};
use ca_core::authority::CertificationAuthority;
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::issuance::IssueError;
use ca_core::ports::Unavailable;
use ca_core::profile::{CertificateProfile, ProfileId};
use ca_core::record::{Awaiting, IntentConflict};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::tenant::TenantId;
use ca_core::upstream::{ElsewhereRefusal, Granted, Upstream, UpstreamError};
use cmp_client::{CmpClient, CmpError, Conversation, Forwarded, Issued, Outcome, Question, Step};

use crate::refusal::{UpstreamErrorOf, is_forgotten, unavailable};
use crate::waiting::{Asked, Waiting};
use crate::way::Way;

/// The most messages of ours in one request: p10cr, a confirmation, a poll, and one for an authority that polls twice.
const MAX_STEPS: usize = 4;

/// What an authority elsewhere is made of, for one label.
#[derive(Debug)]
pub struct CmpUpstreamParts {
    /// Its owner.
    pub tenant: TenantId,
    /// Its certificate: what it grants is signed by the key of it.
    pub certificate: Certificate,
    /// The profile that it issues under, as the front end describes it to devices.
    pub profile: CertificateProfile,
    /// Who asks: the registration authority, with the name by which the authority knows the profile.
    pub client: CmpClient,
    /// How it is reached.
    pub way: Arc<Way>,
}

/// An authority elsewhere.
#[derive(Debug)]
pub struct CmpUpstream {
    tenant: TenantId,
    certificate: Certificate,
    profile: CertificateProfile,
    client: Arc<CmpClient>,
    way: Arc<Way>,
    waiting: Waiting,
}

impl CmpUpstream {
    /// Puts it together. Nothing is sent.
    #[must_use]
    pub fn new(parts: CmpUpstreamParts) -> Self {
        let CmpUpstreamParts { tenant, certificate, profile, client, way } = parts;
        let (client, waiting) = (Arc::new(client), Waiting::default());
        Self { tenant, certificate, profile, client, way, waiting }
    }

    /// Goes on with what waits since it was asked before, or begins.
    fn ask(&self, wanted: &Wanted<'_>) -> Result<Granted, UpstreamErrorOf> {
        if let Some(kept) = self.waiting.take(&wanted.name) {
            match self.go_on(kept, wanted)? {
                Ok(granted) => return Ok(granted),
                // It waited too long, or the authority lost its state: the same is asked anew.
                Err(error) if is_forgotten(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Wanted { request, shown, renews, .. } = wanted;
        let question = Question::Forwarded(Forwarded { request, shown, renews: *renews });
        let begun = self.client.begin(&question)?;
        Ok(self.go_on(begun, wanted)??)
    }

    fn go_on(
        &self,
        mut conversation: Conversation,
        wanted: &Wanted<'_>,
    ) -> Result<Result<Granted, CmpError>, UpstreamErrorOf> {
        for _ in 0..MAX_STEPS {
            let answer = self.way.exchange(&conversation.outgoing()?)?;
            match conversation.answered(&answer) {
                Ok(Step::Send) => {}
                Ok(Step::Wait { seconds, .. }) => {
                    self.waiting.keep(wanted.name.clone(), conversation);
                    return Err(UpstreamErrorOf(self.waits(seconds)));
                }
                Ok(Step::Done(Outcome::Issued(issued))) => return self.granted(&issued, wanted).map(Ok),
                Ok(Step::Done(Outcome::Revoked | Outcome::RevokedBefore | Outcome::Told(_))) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Err(CmpError::Answer("the conversation comes to no end")))
    }

    fn granted(&self, issued: &Issued, wanted: &Wanted<'_>) -> Result<Granted, UpstreamErrorOf> {
        let checked = check(&issued.certificate, &self.certificate, &wanted.shown.certificate);
        checked.map(|certificate| Granted::Elsewhere(Box::new(certificate))).map_err(|why| {
            tracing::error!(why, "the authority granted a certificate that is not passed on");
            UpstreamErrorOf(unavailable(why))
        })
    }

    fn waits(&self, retry_after_seconds: u64) -> UpstreamError {
        let seconds = i64::try_from(retry_after_seconds).unwrap_or(i64::MAX);
        let awaiting = Awaiting {
            // Which request of those that wait, and until when, the authority alone knows: it is asked again.
            digest: [0; 32],
            expires_at: self.client.clock.now().plus_seconds(seconds),
            retry_after_seconds,
        };
        IssueError::Conflict(IntentConflict::AwaitsApproval(awaiting)).into()
    }
}

impl Upstream for CmpUpstream {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn profile(&self, profile: &ProfileId) -> Option<&CertificateProfile> {
        Some(&self.profile).filter(|one| one.id() == profile)
    }

    fn enrol(&self, request: EnrolmentRequest) -> Result<Granted, UpstreamError> {
        let wanted = Wanted::of(&request)
            .map_err(|refusal| self.refuse(&request.actor, UpstreamError::RefusedElsewhere(refusal)))?;
        self.ask(&wanted).map_err(|UpstreamErrorOf(error)| self.refuse(&request.actor, error))
    }

    /// RFC 7030 §3.7: what the front end refuses by itself the authority never hears of. It stands in the log of the front end.
    fn record_refusal(&self, actor: &Actor, detail: &str, code: &str) -> Result<(), Unavailable> {
        tracing::info!(target: "refusals", %actor, tenant = %actor.tenant, detail, reason = code, "request refused here");
        Ok(())
    }

    fn at_hand(&self) -> Option<&CertificationAuthority> {
        None
    }
}

impl CmpUpstream {
    /// Says in the log who got no certificate; the record is the authority's.
    fn refuse(&self, actor: &Actor, error: UpstreamError) -> UpstreamError {
        let (profile, cause) = (self.profile.id(), error.to_string());
        tracing::info!(target: "refusals", %actor, tenant = %actor.tenant, %profile, cause, "no certificate was granted");
        error
    }
}

/// The client saw that a certificate holds the key and leads to a root: here that it is this authority's, and the device's.
fn check(der: &[u8], authority: &Certificate, shown: &Certificate) -> Result<Certificate, &'static str> {
    let certificate = Certificate::from_der(der).map_err(|_| "it cannot be read")?;
    let is_issued = certificate.issuer() == authority.subject()
        && certificate.signature().curve() == authority.public_key().curve()
        && authority.public_key().verify(certificate.tbs(), certificate.signature()).is_ok();
    if !is_issued {
        return Err("another authority issued it");
    }
    if certificate.system_title() == shown.system_title() {
        Ok(certificate)
    } else {
        Err("it is for another device")
    }
}

/// What is asked for, of what can be asked elsewhere.
struct Wanted<'a> {
    request: &'a CertificationRequest,
    shown: &'a Presented,
    renews: bool,
    name: Asked,
}

impl<'a> Wanted<'a> {
    fn of(request: &'a EnrolmentRequest) -> Result<Self, ElsewhereRefusal> {
        // A front end without the authority knows nobody else, and no other evidence.
        let Identity::Device(device) = &request.actor.identity else {
            return Err(ElsewhereRefusal::NotAllowed);
        };
        let Evidence::Request(csr) = &request.evidence else { return Err(ElsewhereRefusal::Content) };
        let renews = match &request.kind {
            EnrolmentKind::First => false,
            EnrolmentKind::ReEnrolment { .. } => true,
        };
        let (shown, key) = (&device.certificate, csr.public_key().key_ref());
        let (by, subject) = (shown.id(), &request.subject);
        let names: Vec<String> = subject.alternative_names.iter().map(ToString::to_string).collect();
        let name = format!("{} {} {renews} {key} {subject} {}", by.issuer, by.serial, names.join(" "));
        Ok(Self { request: csr, shown, renews, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    const METER: &str = "4D504B0001FEA042";

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    /// An authority of this name with a key of its own.
    fn authority(name: &str) -> (Certificate, Issuer<'static, KeyPair>) {
        let (mut params, key) = (params(name), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        (Certificate::from_der(&der).unwrap(), Issuer::new(params, key))
    }

    fn issued(by: &Issuer<'static, KeyPair>, name: &str) -> Vec<u8> {
        params(name).signed_by(&KeyPair::generate().unwrap(), by).unwrap().der().to_vec()
    }

    #[test]
    fn only_a_certificate_of_this_authority_for_this_device_is_passed_on() {
        let (ours, by_us) = authority("Grid Operational CA");
        // The same name, another key.
        let (_, by_another) = authority("Grid Operational CA");
        let shown = Certificate::from_der(&issued(&by_another, METER)).unwrap();
        let told = |der: &[u8]| check(der, &ours, &shown).map(|certificate| certificate.der().to_vec());
        let right = issued(&by_us, METER);
        assert_eq!(told(&right), Ok(right.clone()));
        assert_eq!(told(&issued(&by_another, METER)), Err("another authority issued it"));
        assert_eq!(told(&issued(&by_us, "4D504B0001FEA043")), Err("it is for another device"));
        assert_eq!(told(&issued(&by_us, "nobody")), Err("it is for another device"));
        assert_eq!(told(b"nothing"), Err("it cannot be read"));
    }
}
