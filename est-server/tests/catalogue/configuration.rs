//! What a configuration must not be: RFC 7030 §3.2.2 and §4.1.3, and the rules of trust anchors.

use std::sync::Arc;

use ca_core::actor::Actor;
use ca_core::authority::CertificationAuthority;
use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::ports::Unavailable;
use ca_core::profile::{CertificateProfile, ProfileId};
use ca_core::request::EnrolmentRequest;
use ca_core::tenant::TenantId;
use ca_core::trust::{Anchor, TrustFault, Voucher};
use ca_core::upstream::{Granted, Upstream, UpstreamError};
use est_server::config::{
    ChallengeMeaning, DEFAULT_BODY_OCTETS, EstConfig, EstConfigFault, EstParts, HeadEndParts, Label,
    LabelFault, LabelParts, ServerKeys,
};
use est_server::guessing::GuessLimits;
use est_server::pacing::RateLimits;
use server_kit::metrics::Metrics;
use server_kit::workers::{PoolSize, WorkerPool};

use crate::pki::{profile_id, tenant};
use crate::world::{World, station_entry};

fn faults(change: impl FnOnce(&mut LabelParts)) -> Vec<LabelFault> {
    let mut parts = World::new().label_parts;
    change(&mut parts);
    Label::new(parts).map(|label| label.name().to_owned()).unwrap_err()
}

// RFC 7030 §3.2.2: a label is not the same as an operation's path segment.
#[test]
fn a_label_is_not_named_as_an_operation() {
    for name in ["cacerts", "simpleenroll", "simplereenroll", "fullcmc", "serverkeygen", "csrattrs"] {
        assert_eq!(
            faults(|parts| parts.name = name.to_owned()),
            [LabelFault::NamedAsOperation { name: name.to_owned() }]
        );
    }
}

#[test]
fn a_label_is_1_to_64_letters_digits_and_hyphens() {
    for name in ["", "A", "a/b", "a.b", "..", "a b", "ä", &"a".repeat(65)] {
        assert_eq!(
            faults(|parts| parts.name = name.to_owned()),
            [LabelFault::Name { name: name.to_owned() }]
        );
    }
    let mut parts = World::new().label_parts;
    parts.name = "a".repeat(64);
    assert!(Label::new(parts).is_ok());
}

#[test]
fn a_label_opens_a_profile_that_its_authority_offers() {
    let profile = || profile_id("hes-tls");
    assert_eq!(
        faults(|parts| parts.profile = profile()),
        [LabelFault::ProfileNotOffered { profile: profile() }]
    );
}

/// An authority in another process, as far as a label sees.
#[derive(Debug)]
struct Elsewhere(Arc<dyn Upstream>);

impl Upstream for Elsewhere {
    fn tenant(&self) -> &TenantId {
        self.0.tenant()
    }

    fn certificate(&self) -> &Certificate {
        self.0.certificate()
    }

    fn profile(&self, profile: &ProfileId) -> Option<&CertificateProfile> {
        self.0.profile(profile)
    }

    fn enrol(&self, request: EnrolmentRequest) -> Result<Granted, UpstreamError> {
        self.0.enrol(request)
    }

    fn record_refusal(&self, actor: &Actor, detail: &str, code: &str) -> Result<(), Unavailable> {
        self.0.record_refusal(actor, detail, code)
    }

    fn at_hand(&self) -> Option<&CertificationAuthority> {
        None
    }
}

// Refused when the label is made, not when somebody asks.
#[test]
fn what_needs_the_authority_at_hand_is_not_offered_for_one_elsewhere() {
    let elsewhere = |change: fn(&mut LabelParts)| {
        faults(|parts| {
            parts.authority = Arc::new(Elsewhere(parts.authority.clone()));
            parts.registration_authorities.clear();
            change(parts);
        })
    };
    assert_eq!(elsewhere(|parts| parts.name = "A".to_owned()), [LabelFault::Name { name: "A".to_owned() }]);
    let changes: [fn(&mut LabelParts); 3] = [
        |parts| parts.challenge = ChallengeMeaning::EnrolmentCode,
        |parts| parts.challenge = ChallengeMeaning::EitherByPrefix,
        |parts| parts.registration_authorities = World::new().label_parts.registration_authorities,
    ];
    for change in changes {
        assert_eq!(elsewhere(change), [LabelFault::AuthorityElsewhere]);
    }
    // Beside the signer of messages that both need.
    let changes: [fn(&mut LabelParts); 2] =
        [|parts| parts.full_cmc = true, |parts| parts.server_keys = ServerKeys::InTls];
    for change in changes {
        assert!(elsewhere(change).contains(&LabelFault::AuthorityElsewhere));
    }
}

#[test]
fn a_key_speaks_for_a_manufacturer_or_for_the_owner_but_not_for_both() {
    let world = World::new();
    let anchor = |certificate: &Certificate, vouches_for| Anchor {
        anchor: TrustAnchor::from_certificate(certificate),
        vouches_for,
    };
    let (own, foreign) = (world.pki.operational.certificate(), world.pki.manufacturer.certificate());
    let acme = || Voucher::Factory { manufacturer: tenant("acme") };
    let other = Voucher::Factory { manufacturer: tenant("other") };
    for (certificate, voucher) in [
        (own, acme()),
        (own, Voucher::Operational),
        (foreign, Voucher::Operational),
        (foreign, acme()),
        (foreign, other),
    ] {
        assert_eq!(
            faults(|parts| parts.anchors.push(anchor(certificate, voucher))),
            [TrustFault::DoubledAnchor { key: certificate.public_key().key_ref() }.into()]
        );
    }
    let mut parts = world.label_parts.clone();
    parts.anchors.push(anchor(own, Voucher::Infrastructure));
    assert!(Label::new(parts).is_ok(), "devices and registration authorities of one owner");
}

#[test]
fn registration_authorities_need_an_anchor_and_bounds_that_bound() {
    let infrastructure = |anchor: &Anchor| anchor.vouches_for == Voucher::Infrastructure;
    assert_eq!(
        faults(|parts| parts.anchors.retain(|anchor| !infrastructure(anchor))),
        [TrustFault::NoInfrastructureAnchor.into()]
    );
    let name = || "station-1".to_owned();
    let entry = |prefix: &[u8], suffixes: &[&str]| station_entry("meter-op-ds", prefix, suffixes);
    let instead = |other| faults(|parts| parts.registration_authorities = vec![other]);
    assert_eq!(instead(entry(&[1; 9], &[])), [TrustFault::TitlePrefix { name: name(), octets: 9 }.into()]);
    for suffix in ["", ".", ".example"] {
        assert_eq!(instead(entry(&[], &[suffix])), [TrustFault::DnsSuffix { name: name() }.into()]);
    }
    assert_eq!(
        faults(|parts| parts.registration_authorities.push(entry(&[], &[]))),
        [TrustFault::DoubledRegistrationAuthority { name: name() }.into()]
    );
}

// RFC 7030 §4.1.3: /cacerts holds the root and all that leads to it; E-21: it is never empty.
#[test]
fn ca_certificates_lead_from_the_authority_to_a_root() {
    assert_eq!(faults(|parts| parts.ca_certificates.clear()), [LabelFault::IssuerMissing]);
    assert_eq!(faults(|parts| drop(parts.ca_certificates.remove(1))), [LabelFault::IssuerMissing]);
    assert_eq!(
        faults(|parts| drop(parts.ca_certificates.remove(0))),
        [LabelFault::NoPathToRoot { subject: "CN=Grid Operational CA".to_owned() }]
    );
    assert_eq!(
        faults(|parts| parts.ca_certificates.push(parts.ca_certificates[0].clone())),
        [LabelFault::DoubledCaCertificate { subject: "CN=Grid Root".to_owned() }]
    );
}

#[test]
fn all_faults_are_named_and_not_only_the_first() {
    let found = faults(|parts| {
        parts.name = "CACERTS".to_owned();
        parts.anchors.clear();
        parts.ca_certificates.clear();
    });
    assert_eq!(found.len(), 3, "{found:?}");
}

// RFC 7030 §3.2.2: services are provided whether or not the path has a label.
#[test]
fn one_of_the_labels_answers_when_the_path_has_none() {
    let world = World::new();
    let label = Label::new(world.label_parts.clone()).unwrap();
    let configure = |labels: Vec<Label>, default: &str, max_body_octets| {
        EstConfig::new(EstParts {
            labels,
            default_label: default.to_owned(),
            clock: world.clock.clone(),
            registry: Some(world.memory.clone()),
            workers: WorkerPool::start("est", &PoolSize::default(), &Metrics::new("")).unwrap(),
            max_body_octets,
            head_ends: HeadEndParts::default(),
            rates: RateLimits::default(),
            guessing: GuessLimits::default(),
        })
        .map(Arc::new)
    };
    assert!(configure(vec![label.clone()], "meter-ds", DEFAULT_BODY_OCTETS).is_ok());
    let other = || "other".to_owned();
    assert_eq!(
        configure(vec![label.clone()], "other", 0).unwrap_err(),
        [EstConfigFault::NoDefaultLabel { name: other() }, EstConfigFault::NoBody]
    );
    assert_eq!(
        configure(vec![label.clone(), label], "meter-ds", 1).unwrap_err(),
        [EstConfigFault::DoubledLabel { name: "meter-ds".to_owned() }]
    );
}
