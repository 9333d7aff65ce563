//! The reference of profiles as Markdown: a table of all, then a short section each.

use super::certificates::{CertificateReference, SuiteReference};
use super::{ProfileReference, ReferenceField, StatusReference, VariantReference, suite_of};

/// What every certificate has, whatever its profile; held against each by the linter.
const ALIKE: [(&str, &str); 7] = [
    ("version", "v3"),
    (
        "serialNumber",
        "16 octets, positive: two of the day of issuance, counted from 2020-01-01, then 14 random ones",
    ),
    (
        "signature",
        "ECDSA with the hash of the authority's curve: SHA-256 on P-256, SHA-384 on P-384; no parameters (RFC 5758)",
    ),
    ("issuer", "the subject of the authority's certificate, octet for octet"),
    (
        "validity",
        "UTCTime to the end of 2049, GeneralizedTime from 2050; notAfter is the last second; no later than the authority's",
    ),
    (
        "subjectPublicKeyInfo",
        "id-ecPublicKey with the named curve, an uncompressed point: 65 octets on P-256, 97 on P-384",
    ),
    (
        "extensions",
        "those that the section names, and no other: what a request asks for beyond that is not copied",
    ),
];

/// What a variant is for.
const VARIANTS: [(&str, &str); 4] = [
    (
        "gurux-safe",
        "The usual one: the subject is the system title, and there is no subject alternative name. Read by the DLMS libraries most in use.",
    ),
    (
        "greenbook-san",
        "Adds to what devices have a subjectAltName that is not critical, with one hardwareModuleName (RFC 4108 §5); dNSNames are then left out.",
    ),
    (
        "strict-empty",
        "Leaves the subject of devices empty; a critical subjectAltName has one hardwareModuleName.",
    ),
    ("small", "Writes key identifiers of 8 octets instead of 20, in the certificates of authorities too."),
];

/// Writes the page.
pub(super) fn page(reference: &ProfileReference) -> Vec<String> {
    let mut lines = vec!["# Profiles".to_owned(), String::new()];
    lines.extend(introduction(reference));
    lines.extend(overview(reference));
    lines.extend(["## Certificates".to_owned(), String::new()]);
    for profile in &reference.certificates {
        lines.extend(certificate(profile, reference));
    }
    lines.extend(crls(&reference.crls));
    lines.extend(ocsp(&reference.ocsp));
    lines.extend(variants(reference));
    lines.extend(rules(reference));
    lines
}

fn introduction(reference: &ProfileReference) -> Vec<String> {
    let said = format!(
        "What exactly is in each certificate, CRL and OCSP answer. Told are the profiles under the encoding variant `{}` and the \
         policy arc {}; `meter-pki profile reference --configured` tells those of a configuration so. A certificate is drafted from \
         its profile, and held against the rules below before anything is signed; none can be switched off.",
        reference.variant, reference.policy_arc
    );
    let mut lines =
        vec![said, String::new(), "What all certificates have in common:".to_owned(), String::new()];
    let rows = ALIKE.iter().map(|(field, value)| vec![format!("`{field}`"), (*value).to_owned()]);
    lines.extend(table(&["field", "what is in it"], rows));
    let sizes = "Sizes are those of a sample with the longest signature (72 octets of ECDSA-Sig-Value on P-256, 104 on P-384) and \
        with made-up names. A longer name of the authority, a subject of one's own or a longer URI adds its octets. A year has 365 days.";
    lines.extend([sizes.to_owned(), String::new()]);
    lines
}

fn overview(reference: &ProfileReference) -> Vec<String> {
    let mut lines = vec!["## All profiles".to_owned(), String::new()];
    let octets = |profile: &CertificateReference| {
        let each = profile.suites.iter().map(|suite| suite.octets.to_string());
        each.collect::<Vec<_>>().join(" / ")
    };
    let rows = reference.certificates.iter().map(|profile| {
        let suites =
            profile.suites.iter().map(|suite| suite.suite.to_string()).collect::<Vec<_>>().join(", ");
        let purposes = field(&profile.fields, "extended_key_usage").unwrap_or("–");
        vec![
            format!("[`{0}`](#{0})", profile.name),
            suites,
            profile.subject.clone(),
            field(&profile.fields, "key_usage").unwrap_or("–").to_owned(),
            purposes.to_owned(),
            validity(field(&profile.fields, "validity").unwrap_or("–")),
            octets(profile),
        ]
    });
    let columns = [
        "certificate",
        "suites",
        "subject",
        "key usage",
        "extended key usage",
        "validity",
        "octets, by suite",
    ];
    lines.extend(table(&columns, rows));
    let status = reference.crls.iter().map(|one| (one, "CRL"));
    let status = status.chain(reference.ocsp.iter().map(|one| (one, "OCSP answer")));
    let rows = status.map(|(one, kind)| {
        vec![
            format!("[`{0}`](#{0})", one.name),
            kind.to_owned(),
            field(&one.fields, "validity").unwrap_or("–").to_owned(),
            field(&one.fields, "reissue").unwrap_or("–").to_owned(),
        ]
    });
    lines.extend(table(&["profile", "of", "thisUpdate to nextUpdate", "made anew after"], rows));
    lines
}

/// The words of profile files, as a reader of the table understands them.
fn validity(value: &str) -> String {
    match value {
        "no-expiry" => "no end".to_owned(),
        "as-certified" => "as certified before".to_owned(),
        length => length.to_owned(),
    }
}

fn certificate(profile: &CertificateReference, reference: &ProfileReference) -> Vec<String> {
    let mut lines =
        vec![format!("### {}", profile.name), String::new(), profile.about.clone(), String::new()];
    lines.extend(suites(&profile.suites));
    let rows = profile.facts.iter().map(|fact| vec![fact.key.clone(), fact.value.clone()]);
    lines.extend(table(&["field", "what is in it, or holds for it"], rows));
    let rows = profile.extensions.iter().map(|one| {
        let critical = match one.critical {
            Some(true) => "yes",
            Some(false) => "no",
            None => "no; yes where the subject is empty",
        };
        let octets = one.octets.map_or_else(|| "–".to_owned(), |octets| octets.to_string());
        vec![format!("{} ({})", one.name, one.oid), critical.to_owned(), one.value.clone(), octets]
    });
    lines.extend(table(&["extension", "critical", "value", "octets"], rows));
    let common = reference.rules.iter().filter(|rule| rule.of_all).count();
    let special: Vec<String> = profile
        .rules
        .iter()
        .filter(|rule| reference.rules.iter().any(|one| one.rule == **rule && !one.of_all))
        .map(|rule| format!("`{rule}`"))
        .collect();
    let special = if special.is_empty() { String::new() } else { format!(", and {}", special.join(", ")) };
    lines.extend([
        format!("[Rules](#rules-of-the-linter): the {common} for every certificate{special}."),
        String::new(),
    ]);
    lines
}

/// What the suites have each of its own, side by side.
fn suites(suites: &[SuiteReference]) -> Vec<String> {
    let heads: Vec<String> = suites.iter().map(|suite| format!("suite {}", suite.suite)).collect();
    let columns: Vec<&str> = std::iter::once("").chain(heads.iter().map(String::as_str)).collect();
    let row = |name: &str, value: &dyn Fn(&SuiteReference) -> String| {
        std::iter::once(name.to_owned()).chain(suites.iter().map(value)).collect::<Vec<String>>()
    };
    let issuers = |suite: &SuiteReference| match suite.issuers.as_slice() {
        [] => "itself".to_owned(),
        several => several.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    let rows = [
        row("profile", &|suite| format!("`{}`", suite.profile)),
        row("key", &|suite| format!("EC on {}, a point of {} octets", suite.curve, suite.point_octets)),
        row("signed by", &issuers),
        row("signature", &|suite| format!("ECDSA with {}", suite.hash)),
        row("a sample", &|suite| {
            let (issuer, subject) = (suite.issuer_octets, suite.subject_octets);
            format!("at most {} octets; of them issuer {issuer}, subject {subject}", suite.octets)
        }),
    ];
    table(&columns, rows.into_iter())
}

/// What is in a CRL does not depend on its profile, but for what deltas bring.
fn crls(profiles: &[StatusReference]) -> Vec<String> {
    let mut lines = vec!["## CRLs".to_owned(), String::new()];
    let said = "Version 2, signed by the authority's own key with ECDSA and the hash of its curve. Entries have the serial number, the \
        time of revocation, and, not critical, `reasonCode` unless it is unspecified and `invalidityDate` where it is known. Without entries the list is absent. \
        49 octets for each revoked certificate with a reason. nextUpdate is never after the end of the authority's certificate.";
    lines.extend([said.to_owned(), String::new()]);
    let rows = [
        ["authorityKeyIdentifier (2.5.29.35)", "no", "every CRL: keyIdentifier alone"],
        [
            "cRLNumber (2.5.29.20)",
            "no",
            "every CRL: the time in seconds, or the number after the last where that is greater",
        ],
        ["deltaCRLIndicator (2.5.29.27)", "yes", "deltas: the number of the complete CRL that it goes with"],
        ["issuingDistributionPoint (2.5.29.28)", "yes", "shards: the URI in the certificates that it lists"],
        ["freshestCRL (2.5.29.46)", "no", "complete CRLs where there are deltas: the URI of the delta"],
    ];
    lines.extend(table(
        &["extension", "critical", "where, and what is in it"],
        rows.iter().map(|row| row.map(str::to_owned).to_vec()),
    ));
    for profile in profiles {
        lines.extend(status(profile));
    }
    lines
}

fn ocsp(profiles: &[StatusReference]) -> Vec<String> {
    let mut lines = vec!["## OCSP answers".to_owned(), String::new()];
    let said = "A basic response (RFC 6960), signed by a delegated responder whose certificate, of the profile [`ocsp`](#ocsp), is in it; \
        `responderID` is the hash of its key. Each certificate asked for is told with thisUpdate and nextUpdate; of a revoked one the time \
        and the reason. A nonce of 1 to 128 octets comes back (RFC 9654), not critical.";
    lines.extend([said.to_owned(), String::new()]);
    for profile in profiles {
        lines.extend(status(profile));
    }
    lines
}

fn status(profile: &StatusReference) -> Vec<String> {
    let mut lines =
        vec![format!("### {}", profile.name), String::new(), profile.about.clone(), String::new()];
    let rows = profile
        .fields
        .iter()
        .map(|field| vec![format!("`{}`", field.key), meaning(&field.key).to_owned(), field.value.clone()]);
    lines.extend(table(&["key", "what it decides", "value"], rows));
    lines
}

/// What the keys of profiles of CRLs and OCSP answers decide.
fn meaning(key: &str) -> &'static str {
    match key {
        "offline" => {
            "whether the authority's key is kept off line, so that CRLs may be valid for 366 days and not only for 10"
        }
        "validity" => "from thisUpdate to nextUpdate",
        "reissue" => "after how long a new one is made even when nothing was revoked",
        "delta_validity" => "from thisUpdate to nextUpdate of a delta",
        "delta_reissue" => "after how long a new delta is made even when nothing changed",
        "max_requests" => "how many certificates one request may ask for",
        "never_issued" => "what is said of a serial number under which nothing was issued",
        "expired_answered" => "for how long after their end certificates are answered for",
        _ => "",
    }
}

fn variants(reference: &ProfileReference) -> Vec<String> {
    let mut lines = vec!["## Encoding variants".to_owned(), String::new()];
    let said = "No form of a certificate is read by every DLMS library in the field. `profiles.variant` in the configuration chooses one for \
        the whole deployment; what no meter reads stays as it is.";
    lines.extend([said.to_owned(), String::new()]);
    lines.extend(VARIANTS.iter().map(|(name, sentence)| format!("- `{name}`: {sentence}")));
    lines.push(String::new());
    let Some(usual) = reference.variants.first() else { return lines };
    lines.extend(["Octets of a sample, at most; suite 1 / suite 2:".to_owned(), String::new()]);
    let names: Vec<String> = reference.variants.iter().map(|variant| format!("`{}`", variant.name)).collect();
    let columns: Vec<&str> = std::iter::once("profile").chain(names.iter().map(String::as_str)).collect();
    let differs = |name: &str| {
        let of = |variant: &VariantReference| octets(variant, name);
        reference.variants.iter().any(|variant| of(variant) != octets(usual, name))
    };
    let rows =
        reference.certificates.iter().map(|profile| profile.name.as_str()).filter(|name| differs(name)).map(
            |name| {
                std::iter::once(format!("`{name}`"))
                    .chain(reference.variants.iter().map(|variant| octets(variant, name)))
                    .collect()
            },
        );
    let rows: Vec<Vec<String>> = rows.collect();
    lines.extend(table(&columns, rows.into_iter()));
    lines
}

/// The sizes of a profile under a variant, by suite.
fn octets(variant: &VariantReference, name: &str) -> String {
    let each =
        variant.octets.iter().filter(|(id, _)| suite_of(id).0 == name).map(|(_, octets)| octets.to_string());
    each.collect::<Vec<_>>().join(" / ")
}

fn rules(reference: &ProfileReference) -> Vec<String> {
    let mut lines = vec!["## Rules of the linter".to_owned(), String::new()];
    let said = "A draft that breaks one is not signed, and the authority that drafted it has a fault. `meter-pki profile sample` shows what \
        each says of a sample.";
    lines.extend([said.to_owned(), String::new()]);
    let rows = reference.rules.iter().map(|rule| {
        let whose = if rule.of_all { "every certificate" } else { "those whose section names it" };
        vec![format!("`{}`", rule.rule), rule.citation.clone(), whose.to_owned()]
    });
    lines.extend(table(&["rule", "asked for by", "for"], rows));
    lines
}

fn field<'a>(fields: &'a [ReferenceField], key: &str) -> Option<&'a str> {
    fields.iter().find(|field| field.key == key).map(|field| field.value.as_str())
}

/// The lines of a table, and an empty one.
fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![line(columns.iter().map(|&column| column.to_owned()).collect())];
    lines.push(format!("|{}", "---|".repeat(columns.len())));
    lines.extend(rows.map(line));
    lines.push(String::new());
    lines
}
