//! Drafts of profiles: for each shape of certificates that another program issued, and for each kind that its configuration describes, a
//! profile file that comes as near to it as the format can say. What the format cannot say stands in comments, and nothing is copied that
//! the format has no word for.
//!
//! Drafts are read by people before they are used. Certificates of authorities have none: theirs are written by hand, with the ceremony
//! that certifies them. Shapes are told apart by keyUsage, extendedKeyUsage, the form of the subject and of its alternative names.

pub mod configured;
mod shape;
mod written;

use std::collections::BTreeMap;

use crate::list::List;
use shape::{Shape, Traits};
use written::Proposal;

/// How the names of drafts begin: no profile of ours is called so.
const PREFIX: &str = "taken-over-";

/// A profile file that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The name of the profile; the file is called so too.
    pub id: String,
    /// The file.
    pub text: String,
    /// How many certificates have the shape; none where a configuration says it.
    pub certificates: u64,
}

/// Proposes a profile for each shape, the most common one first.
#[must_use]
pub fn propose(list: &List) -> Vec<Draft> {
    let mut shapes: BTreeMap<Shape, Traits> = BTreeMap::new();
    for row in &list.rows {
        if let Some((shape, seen)) = shape::of(&row.certificate) {
            shapes.entry(shape).or_default().add(&seen);
        }
    }
    let mut shapes: Vec<(Shape, Traits)> = shapes.into_iter().collect();
    shapes.sort_by_key(|(_, traits)| std::cmp::Reverse(traits.certificates));
    (1_u32..)
        .zip(shapes)
        .map(|(number, (shape, traits))| {
            let id = format!("{PREFIX}{number}");
            let certificates = traits.certificates;
            let head = vec![
                format!("A draft: {certificates} certificates were of this shape."),
                "hierarchy and issuers are a guess; who may ask for it, and how it is renewed, no certificate says."
                    .to_owned(),
            ];
            let proposal = Proposal { head, shape, traits, ..Proposal::default() };
            Draft { text: written::file(&id, &proposal), certificates, id }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
        PKCS_ECDSA_P384_SHA384, SanType,
    };

    use super::*;
    use crate::list::Row;
    use crate::samples::{authority, load};

    fn params(name: &str, usages: &[KeyUsagePurpose]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = usages.to_vec();
        params.is_ca = IsCa::ExplicitNoCa;
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        params
    }

    fn list(all: Vec<Vec<u8>>) -> List {
        let rows =
            all.into_iter().map(|certificate| Row { place: String::new(), certificate, revoked: None });
        List { rows: rows.collect(), ..List::default() }
    }

    fn signed(params: &CertificateParams) -> Vec<u8> {
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn every_shape_becomes_a_profile_that_loads() {
        let mut server = params("head-end", &[KeyUsagePurpose::DigitalSignature]);
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.subject_alt_names = vec![SanType::DnsName("head-end.example".try_into().unwrap())];
        let meter = params("4D504B0100000001", &[KeyUsagePurpose::DigitalSignature]);
        let agreement = params("4D504B0100000001", &[KeyUsagePurpose::KeyAgreement]);
        let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let large = meter.self_signed(&p384).unwrap().der().to_vec();
        let drafts = propose(&list(vec![
            signed(&meter),
            large,
            signed(&meter),
            signed(&agreement),
            signed(&server),
            authority(&[1]),
        ]));
        let counts: Vec<u64> = drafts.iter().map(|draft| draft.certificates).collect();
        assert_eq!(counts, [3, 1, 1]);
        let set = load(&drafts);
        let meter = set.certificate("taken-over-1-s1").unwrap();
        assert_eq!(meter.purpose(), ca_core::profile::KeyPurpose::Signature);
        assert!(set.certificate("taken-over-1-s2").is_some());
        assert!(drafts[0].text.contains("subject = \"system-title\""), "{}", drafts[0].text);
        let server = drafts.iter().find(|draft| draft.text.contains("serverAuth")).unwrap();
        assert!(server.text.contains("alternative_name = \"dns-names-required\""), "{}", server.text);
        assert!(server.text.contains("validity_days = 365"), "{}", server.text);
    }

    #[test]
    fn what_the_format_cannot_say_stands_in_comments_and_the_draft_loads_all_the_same() {
        let mut strange =
            params("odd", &[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment]);
        strange.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::Any,
            ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 32473, 7]),
        ];
        strange.subject_alt_names = vec![SanType::IpAddress([192, 0, 2, 1].into())];
        strange.custom_extensions =
            vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 9], vec![5, 0])];
        let drafts = propose(&list(vec![signed(&strange)]));
        let text = &drafts[0].text;
        for told in ["keyEncipherment", "2.5.29.37.0", "iPAddress", "1.3.6.1.4.1.32473.9"] {
            assert!(text.lines().any(|line| line.starts_with('#') && line.contains(told)), "{told}: {text}");
        }
        assert!(text.contains("1.3.6.1.4.1.32473.7"));
        load(&drafts);
    }
}
