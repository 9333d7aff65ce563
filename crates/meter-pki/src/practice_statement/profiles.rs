//! Section 7: what is in certificates, CRLs and OCSP answers. In full, octet by octet, it is told by `profile reference`.

use ca_core::profile::Pointers;
use ca_core::sharding::CrlPlan;

use super::known::Known;
use super::writer::Writer;
use crate::profile_reference::alternative_name;

pub(super) fn write(known: &Known<'_>, writer: &mut Writer) {
    let settings = known.config.profiles.settings();
    writer.says("7.1", format!(
        "Certificates are made by profiles, under the encoding variant `{}`. Each draft is held against the rules of RFC 5280, of DLMS/COSEM and of \
         its profile before it is signed, and no rule can be switched off. In full: `meter-pki profile reference --configured`.",
        settings.variant.name()
    ));
    let rows = known.profiles().into_iter().map(|profile| {
        let pointers = match profile.parts().pointers {
            Pointers::None => "none",
            Pointers::Crl => "cRLDistributionPoints",
            Pointers::CrlAndAccess => "cRLDistributionPoints, authorityInfoAccess",
        };
        let said = |key| known.field(profile, key);
        vec![
            format!("`{}`", profile.id()),
            said("key_usage"),
            said("extended_key_usage"),
            alternative_name(&profile.parts().alternative_name),
            pointers.to_owned(),
            said("policy"),
            said("max_octets"),
            said("version"),
        ]
    });
    writer.says(
        "7.1.2",
        "keyUsage (critical), subjectKeyIdentifier and authorityKeyIdentifier in all; basicConstraints (critical) in those of authorities; and:",
    );
    let columns = [
        "profile",
        "keyUsage",
        "extendedKeyUsage",
        "subjectAltName",
        "pointers",
        "policy",
        "at most, octets",
        "version of the profile",
    ];
    writer.grouped("7.1.2", &columns, rows);
    writer.says("7.1.3", "Keys: id-ecPublicKey (1.2.840.10045.2.1) with secp256r1 or secp384r1. Signatures: ecdsa-with-SHA256 (1.2.840.10045.4.3.2) by keys on P-256, ecdsa-with-SHA384 (1.2.840.10045.4.3.3) by keys on P-384.");
    let policies: std::collections::BTreeSet<String> = known
        .profiles()
        .into_iter()
        .filter_map(|profile| Some(profile.parts().policy?.to_string()))
        .collect();
    let listed: Vec<String> = policies.into_iter().collect();
    let said = if listed.is_empty() {
        "None.".to_owned()
    } else {
        format!("{}; by profile in 7.1.2.", listed.join(", "))
    };
    writer.says("7.1.6", said);
    let shards = known.config.authorities.iter().any(|one| one.issuer.crl_plan() != CrlPlan::default());
    let deltas = known.config.authorities.iter().any(|one| one.crl_profile.deltas().is_some());
    let mut extensions = vec!["authorityKeyIdentifier", "cRLNumber"];
    if shards {
        extensions.push("issuingDistributionPoint (critical) in those of shards");
    }
    if deltas {
        extensions.push("deltaCRLIndicator (critical) in deltas, freshestCRL in the CRLs that have them");
    }
    writer.says("7.2.2", format!("CRL extensions: {}. Entry extensions: reasonCode unless it is unspecified, invalidityDate where it is known.", extensions.join(", ")));
}
