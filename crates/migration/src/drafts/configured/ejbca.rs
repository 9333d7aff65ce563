//! A certificate profile of EJBCA, as `ejbca.sh ca exportprofiles` writes it: one file each, `certprofile_NAME-ID.xml`.
//!
//! Fields by `CertificateProfile.java`. A profile says what may be asked for: of names it says only whether there are any.

mod java;

use std::collections::BTreeMap;

use der::oid::ObjectIdentifier;

use super::lengths::split;
use super::{Found, Kind};
use crate::drafts::shape::{ACCESS, DISTRIBUTION_POINTS, USAGES};
use crate::read_error::ConfigurationFault;
use java::Java;

const DAY: i64 = 86_400;

/// The type of profiles for end entities; others are of authorities, and of SSH.
const END_ENTITY: &str = "1";

/// Units of lengths of time, in seconds: a year has 365 days and a month 30.
const UNITS: [(&str, i64); 6] =
    [("y", 365 * DAY), ("mo", 30 * DAY), ("d", DAY), ("h", 3_600), ("m", 60), ("s", 1)];

/// How far notBefore is set back unless told otherwise, in seconds.
const USUAL_BACKDATE: i64 = 600;

/// What a profile may have switched on and ours have no word for.
const SWITCHES: [(&str, &str); 14] = [
    ("useissueralternativename", "issuerAltName"),
    ("usefreshestcrl", "freshestCRL"),
    ("useqcstatement", "qCStatements"),
    ("usenameconstraints", "nameConstraints"),
    ("usesubjectdirattributes", "subjectDirectoryAttributes"),
    ("usemicrosofttemplate", "the template of Microsoft"),
    ("usecardnumber", "a card number"),
    ("useprivkeyusageperiod", "privateKeyUsagePeriod"),
    ("usecnpostfix", "a postfix of common names"),
    ("usecertificatetransparencyincerts", "certificate transparency"),
    ("allowvalidityoverride", "requests may say another validity"),
    ("allowextensionoverride", "requests may say other extensions"),
    ("allowkeyusageoverride", "requests may say another keyUsage"),
    ("allowdnoverride", "requests may say another subject"),
];

/// The names of curves, and ours.
const CURVES: [(&str, &str); 7] = [
    ("secp256r1", "P-256"),
    ("prime256v1", "P-256"),
    ("P-256", "P-256"),
    ("secp384r1", "P-384"),
    ("P-384", "P-384"),
    ("ANY_EC_CURVE", "P-256"),
    ("ANY_EC_CURVE", "P-384"),
];

/// Reads the text of a file of this name.
pub(crate) fn read(text: &str, file: &str) -> Result<Found, ConfigurationFault> {
    let Java::Map(fields) = java::parse(text)? else {
        return Err(ConfigurationFault::Missing { what: "map of XMLEncoder" });
    };
    let fields = Fields(fields);
    if fields.text("certversion").is_none() {
        return Err(ConfigurationFault::Missing { what: "certversion, which every certificate profile has" });
    }
    let name = name(file);
    let place = format!("the certificate profile {name}");
    let mut found = Found::default();
    if fields.text("type") != Some(END_ENTITY) {
        found.left_out.push(format!("{place} is not of end entities, and such profiles are written by hand"));
        return Ok(found);
    }
    let mut kind = Kind { name: name.to_owned(), place, ..Kind::default() };
    kind.traits.certificates = 1;
    usage(&fields, &mut kind)?;
    validity(&fields, &mut kind)?;
    keys(&fields, &mut kind);
    pointers(&fields, &mut kind);
    policies(&fields, &mut kind);
    kind.traits.names_asked = fields.is("usesubjectalternativename");
    for (field, what) in SWITCHES {
        if fields.is(field) {
            kind.untold.push(format!("{field}: {what}"));
        }
    }
    if !fields.list("usedcertificateextensions").is_empty() {
        kind.untold.push("there are certificate extensions of the installation's own".to_owned());
    }
    found.kinds.push(kind);
    Ok(found)
}

/// The name of a profile, by that of its file.
fn name(file: &str) -> &str {
    let name = file.strip_suffix(".xml").unwrap_or(file);
    let name = name.strip_prefix("certprofile_").unwrap_or(name);
    match name.rsplit_once('-') {
        Some((name, id)) if !name.is_empty() && id.chars().all(|character| character.is_ascii_digit()) => {
            name
        }
        _ => name,
    }
}

/// The fields of a profile.
struct Fields(BTreeMap<String, Java>);

impl Fields {
    fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Java::Text(text) => Some(text.trim()),
            Java::List(_) | Java::Map(_) | Java::Other => None,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    fn list(&self, name: &str) -> &[Java] {
        match self.0.get(name) {
            Some(Java::List(list)) => list,
            Some(Java::Text(_) | Java::Map(_) | Java::Other) | None => &[],
        }
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.list(name).iter().filter_map(|value| match value {
            Java::Text(text) => Some(text.trim()),
            Java::List(_) | Java::Map(_) | Java::Other => None,
        })
    }
}

fn usage(fields: &Fields, kind: &mut Kind) -> Result<(), ConfigurationFault> {
    if fields.is("usekeyusage") {
        let set = USAGES.into_iter().zip(fields.texts("keyusage"));
        kind.shape.usages = set.filter(|(_, set)| *set == "true").map(|(usage, _)| usage).collect();
        if !fields.is("keyusagecritical") {
            kind.untold.push("keyUsage is not critical, and here it always is".to_owned());
        }
    }
    if fields.is("useextendedkeyusage") {
        for text in fields.texts("extendedkeyusage") {
            let purpose = ObjectIdentifier::new(text).map_err(|_| ConfigurationFault::Value {
                key: "extendedkeyusage".to_owned(),
                wanted: "list of object identifiers",
            })?;
            kind.shape.purposes.push(purpose);
        }
        kind.shape.purposes.sort_unstable();
        kind.shape.purposes.dedup();
        let critical = fields.is("extendedkeyusagecritical") && !kind.shape.purposes.is_empty();
        kind.traits.critical_purposes = u64::from(critical);
    }
    Ok(())
}

fn validity(fields: &Fields, kind: &mut Kind) -> Result<(), ConfigurationFault> {
    let wrong = || ConfigurationFault::Value {
        key: "encodedvalidity".to_owned(),
        wanted: "length of validity, such as 1y 6mo, nor a date",
    };
    let seconds = match (fields.text("encodedvalidity"), fields.text("validity")) {
        (Some(text), _) => match length(text).filter(|length| *length > 0) {
            Some(length) => Some(length),
            None if text.starts_with(|character: char| character.is_ascii_digit()) && text.contains('-') => {
                kind.untold.push(format!("every certificate ends at {text}; 365 days are a guess"));
                None
            }
            None => return Err(wrong()),
        },
        // Versions of before have a number of days.
        (None, Some(days)) => {
            Some(days.parse::<u32>().map(|days| i64::from(days) * DAY).map_err(|_| wrong())?)
        }
        (None, None) => return Err(wrong()),
    };
    kind.traits.lengths.insert(seconds.unwrap_or(365 * DAY), 1);
    let offset =
        fields.text("certificatevalidityoffset").filter(|_| fields.is("usecertificatevalidityoffset"));
    let back = match offset {
        Some(offset) => length(offset).map(i64::saturating_neg),
        None => Some(USUAL_BACKDATE),
    };
    match back {
        Some(back) => super::backdate(back, 300, kind),
        None => kind.untold.push("the offset of the validity cannot be read".to_owned()),
    }
    Ok(())
}

/// Reads a length such as `1y 6mo` or `-10m`, in seconds.
fn length(text: &str) -> Option<i64> {
    let mut sum: i64 = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (sign, unsigned) = match rest.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, rest.strip_prefix('+').unwrap_or(rest)),
        };
        let (number, after) = split(unsigned, |character| character.is_ascii_digit());
        let (unit, after) = split(after, |character| character.is_ascii_alphabetic());
        let (_, unit) = UNITS.iter().find(|(known, _)| *known == unit)?;
        let number = i64::from(number.parse::<u32>().ok()?);
        sum = sum.checked_add(number.checked_mul(*unit)?.checked_mul(sign)?)?;
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(sum)
}

fn keys(fields: &Fields, kind: &mut Kind) {
    let (algorithms, named): (Vec<&str>, Vec<&str>) =
        (fields.texts("availablekeyalgorithms").collect(), fields.texts("availableeccurves").collect());
    if algorithms.iter().any(|algorithm| ["EC", "ECDSA"].contains(algorithm)) {
        kind.traits
            .curves
            .extend(CURVES.iter().filter(|(name, _)| named.contains(name)).map(|(_, ours)| *ours));
    }
    if kind.traits.curves.is_empty() && !algorithms.is_empty() {
        kind.traits.curves.insert("another kind");
    }
    let others: Vec<&str> = algorithms.into_iter().filter(|word| !["EC", "ECDSA"].contains(word)).collect();
    if !others.is_empty() {
        kind.untold.push(format!("keys may be of {}", others.join(", ")));
    }
}

fn pointers(fields: &Fields, kind: &mut Kind) {
    let access = fields.is("useauthorityinformationaccess");
    if fields.is("usecrldistributionpoint") {
        kind.traits.extensions.insert(DISTRIBUTION_POINTS);
    }
    if access {
        kind.traits.extensions.insert(ACCESS);
    }
    let of = |field: &'static str| fields.text(field).map(|uri| (field, uri));
    let lists = fields.texts("caissuers").map(|uri| ("caissuers", uri));
    let said =
        [of("crldistributionpointuri"), of("ocspservicelocatoruri")].into_iter().flatten().chain(lists);
    let said: Vec<String> =
        said.filter(|(_, uri)| !uri.is_empty()).map(|(field, uri)| format!("{field} {uri}")).collect();
    if !said.is_empty() && !kind.traits.extensions.is_empty() {
        kind.untold.push(format!(
            "{}; addresses are said once, for the authority: crl_uri, ocsp_uri, ca_issuers_uri",
            said.join(", ")
        ));
    }
}

fn policies(fields: &Fields, kind: &mut Kind) {
    if !fields.is("usecertificatepolicies") {
        return;
    }
    for policy in fields.list("certificatepolicies") {
        let Java::Map(policy) = policy else { continue };
        let policy = Fields(policy.clone());
        match policy.text("policyID").and_then(|id| ObjectIdentifier::new(id).ok()) {
            Some(id) => _ = kind.traits.policies.insert(id, 1),
            None => kind.untold.push("there is a certificate policy that cannot be read".to_owned()),
        }
        if policy.text("qualifier").is_some_and(|text| !text.is_empty()) {
            kind.untold.push("the certificate policy has qualifiers".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drafts::configured::Configured;
    use crate::samples::load;

    /// A file as EJBCA writes it: these entries, each a name and a value in XML.
    fn file(entries: &[(&str, &str)]) -> String {
        let put = |(name, value): &(&str, &str)| {
            format!("  <void method=\"put\">\n   <string>{name}</string>\n   {value}\n  </void>\n")
        };
        let entries: String = entries.iter().map(put).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<java version=\"1.8.0_222\" class=\"java.beans.XMLDecoder\">\n \
             <object class=\"java.util.LinkedHashMap\">\n{entries} </object>\n</java>\n"
        )
    }

    fn list(items: &[&str]) -> String {
        let items: String = items.iter().map(|item| format!("<void method=\"add\">{item}</void>")).collect();
        format!("<object class=\"java.util.ArrayList\">{items}</object>")
    }

    fn strings(items: &[&str]) -> String {
        let items: Vec<String> = items.iter().map(|item| format!("<string>{item}</string>")).collect();
        list(&items.iter().map(String::as_str).collect::<Vec<_>>())
    }

    const YES: &str = "<boolean>true</boolean>";
    const NO: &str = "<boolean>false</boolean>";

    #[test]
    fn a_profile_becomes_a_draft_that_is_named_as_it() {
        let usages = list(&[YES, NO, NO, NO, YES, NO, NO, NO, NO]);
        let purposes = strings(&["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
        let (algorithms, curves) = (strings(&["EC", "RSA"]), strings(&["secp384r1"]));
        let policy = list(&[
            "<object class=\"org.cesecore.certificates.certificateprofile.CertificatePolicy\">\
                             <void property=\"policyID\"><string>1.3.6.1.4.1.32473.7</string></void></object>",
        ]);
        let text = file(&[
            ("version", "<float>46.0</float>"),
            ("type", "<int>1</int>"),
            ("certversion", "<string>X509v3</string>"),
            ("encodedvalidity", "<string>1y 6mo</string>"),
            ("usekeyusage", YES),
            ("keyusagecritical", YES),
            ("keyusage", &usages),
            ("useextendedkeyusage", YES),
            ("extendedkeyusage", &purposes),
            ("usesubjectalternativename", YES),
            ("availablekeyalgorithms", &algorithms),
            ("availableeccurves", &curves),
            ("usecrldistributionpoint", YES),
            ("crldistributionpointuri", "<string>http://crl.example/?a=1&amp;b=2</string>"),
            ("usecertificatepolicies", YES),
            ("certificatepolicies", &policy),
            ("useqcstatement", YES),
            ("signaturealgorithm", "<null/>"),
        ]);
        let mut all = Configured::default();
        all.add("x", read(&text, "certprofile_Head-End-4711.xml").unwrap());
        drop(load(&all.drafts));
        let [draft] = &all.drafts[..] else { panic!("one draft") };
        assert_eq!(draft.id, "taken-over-head-end");
        for line in [
            "suites = [2]",
            "key_usage = [\"digitalSignature\", \"keyAgreement\"]",
            "extended_key_usage = [\"serverAuth\", \"clientAuth\"]",
            "alternative_name = \"dns-names\"",
            "validity_days = 545",
            "policy = \"1.3.6.1.4.1.32473.7\"",
            "pointers = \"crl\"",
            "backdate_minutes = 10",
        ] {
            assert!(draft.text.lines().any(|known| known == line), "{line}: {}", draft.text);
        }
        for told in ["RSA", "qCStatements", "http://crl.example/?a=1&b=2"] {
            let tells = |line: &str| line.starts_with("# ") && line.contains(told);
            assert!(draft.text.lines().any(tells), "{told}: {}", draft.text);
        }
    }

    #[test]
    fn profiles_of_authorities_have_no_draft() {
        let text = file(&[("type", "<int>2</int>"), ("certversion", "<string>X509v3</string>")]);
        let found = read(&text, "certprofile_SUB-2.xml").unwrap();
        assert!(found.kinds.is_empty() && found.left_out.len() == 1);
    }

    #[test]
    fn what_is_no_profile_is_told() {
        let entity =
            "<!DOCTYPE java [<!ENTITY a \"b\">]><java><object class=\"java.util.LinkedHashMap\"/></java>";
        let deep = "<java>".repeat(100);
        let open = file(&[("type", "<int>1</int>")]).replace("</object>", "");
        let of_devices = file(&[("type", "<int>1</int>")]);
        let for_ever = file(&[
            ("type", "<int>1</int>"),
            ("certversion", "<string>X509v3</string>"),
            ("encodedvalidity", "<string>ever</string>"),
        ]);
        for (text, told) in [
            ("rubbish", "object"),
            ("<java/>", "object"),
            (entity, "document type"),
            (deep.as_str(), "deep"),
            (open.as_str(), "XML"),
            (of_devices.as_str(), "certversion"),
            (for_ever.as_str(), "encodedvalidity"),
        ] {
            let fault = read(text, "x.xml").unwrap_err().to_string();
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }

    #[test]
    fn lengths_are_read_as_ejbca_writes_them() {
        for (text, seconds) in
            [("2y", 730 * DAY), ("25y7d", 9_132 * DAY), ("-10m", -600), ("1d 2h", DAY + 7_200)]
        {
            assert_eq!(length(text), Some(seconds), "{text}");
        }
        for text in ["", "1", "y", "1w", "2030-01-01 00:00:00+00:00"] {
            assert_eq!(length(text), None, "{text}");
        }
    }
}
