//! The configuration of CFSSL: `signing.default` and `signing.profiles`, as `doc/cmd/cfssl.txt` and its package `config` define them.
//!
//! Keys that authenticate requests, and their names, are not copied.

use serde_json::Value;

use super::object::{Object, parse};
use super::{Found, Kind};
use crate::drafts::shape::{ACCESS, DISTRIBUTION_POINTS};
use crate::read_error::ConfigurationFault;
use der::oid::ObjectIdentifier;

/// The words for bits of keyUsage, in the order of the bits.
const USAGES: [(&str, &str); 10] = [
    ("signing", "digitalSignature"),
    ("digital signature", "digitalSignature"),
    ("content commitment", "nonRepudiation"),
    ("key encipherment", "keyEncipherment"),
    ("data encipherment", "dataEncipherment"),
    ("key agreement", "keyAgreement"),
    ("cert sign", "keyCertSign"),
    ("crl sign", "cRLSign"),
    ("encipher only", "encipherOnly"),
    ("decipher only", "decipherOnly"),
];

/// The words for extended key usages.
const PURPOSES: [(&str, ObjectIdentifier); 13] = [
    ("any", ObjectIdentifier::new_unwrap("2.5.29.37.0")),
    ("server auth", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")),
    ("client auth", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2")),
    ("code signing", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3")),
    ("email protection", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4")),
    ("s/mime", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4")),
    ("ipsec end system", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.5")),
    ("ipsec tunnel", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.6")),
    ("ipsec user", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.7")),
    ("timestamping", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8")),
    ("ocsp signing", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9")),
    ("microsoft sgc", ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.3")),
    ("netscape sgc", ObjectIdentifier::new_unwrap("2.16.840.1.113730.4.1")),
];

/// Fields that are read, or that say nothing of what stands in a certificate.
const READ: [&str; 16] = [
    "usages",
    "expiry",
    "backdate",
    "ca_constraint",
    "issuer_urls",
    "ocsp_url",
    "crl_url",
    "ocsp_no_check",
    "copy_extensions",
    "policies",
    "not_before",
    "not_after",
    "auth_key",
    "prev_auth_key",
    "remote",
    "auth_remote",
];

/// How far CFSSL sets notBefore back unless told otherwise, as our profiles do, in seconds.
const USUAL_BACKDATE: i64 = 300;

/// What a time is that nobody has set.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// By what CFSSL signs where a configuration has no default.
const BUILT_IN: &str =
    r#"{"usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "8760h"}"#;

/// Reads the text of a file.
pub(crate) fn read(text: &str) -> Result<Found, ConfigurationFault> {
    let (value, built_in) = (parse(text)?, parse(BUILT_IN)?);
    let whole = Object::of(&value, "")?;
    let signing = whole.object("signing")?.ok_or(ConfigurationFault::Missing { what: "signing" })?;
    let given = signing.object("default")?;
    let default = match &given {
        Some(given) => given.clone(),
        None => Object::of(&built_in, "signing.default")?,
    };
    let mut found = Found::default();
    let place = if given.is_some() { "signing.default" } else { "what is signed by without signing.default" };
    kind("default", place, &default, &default, &mut found)?;
    if let Some(profiles) = signing.object("profiles")? {
        for (name, value) in profiles.fields() {
            let place = format!("signing.profiles.{name}");
            let profile = Object::of(value, &place)?;
            kind(name, &place, &profile, &default, &mut found)?;
        }
    }
    Ok(found)
}

/// Reads a profile; where it has no addresses the default's count.
fn kind(
    name: &str,
    place: &str,
    profile: &Object<'_>,
    default: &Object<'_>,
    found: &mut Found,
) -> Result<(), ConfigurationFault> {
    let mut out = |why: &str| found.left_out.push(format!("{place} {why}"));
    if let Some(constraint) = profile.object("ca_constraint")?
        && constraint.yes("is_ca")?
    {
        out("is of certificates of authorities, whose profiles are written by hand");
        return Ok(());
    }
    if profile.text("remote")?.is_some() || profile.object("auth_remote")?.is_some() {
        out("has another server sign");
        return Ok(());
    }
    let usages = profile.texts("usages")?;
    if usages.is_empty() {
        out("has no usages, and CFSSL signs nothing by it");
        return Ok(());
    }
    let mut kind = Kind { name: name.to_owned(), place: place.to_owned(), ..Kind::default() };
    kind.traits.certificates = 1;
    kind.traits.names_asked = true;
    usage(&usages, &mut kind);
    validity(profile, &mut kind)?;
    pointers(profile, default, &mut kind)?;
    policies(profile, &mut kind)?;
    if profile.yes("copy_extensions")? {
        kind.untold.push(
            "copy_extensions: requests said what else stands in a certificate, and here the profile does"
                .to_owned(),
        );
    }
    if profile.text("auth_key")?.is_some() {
        kind.untold.push("requests show by a key, which is not copied, that they may be made".to_owned());
    }
    for (field, value) in profile.fields() {
        let read = READ.iter().any(|read| field.eq_ignore_ascii_case(read));
        if !read && !is_nothing(value) {
            kind.untold.push(format!("there is {field}"));
        }
    }
    found.kinds.push(kind);
    Ok(())
}

/// Whether a value says what is so anyway.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn usage(usages: &[&str], kind: &mut Kind) {
    for (word, bit) in USAGES {
        if usages.contains(&word) && !kind.shape.usages.contains(&bit) {
            kind.shape.usages.push(bit);
        }
    }
    for word in usages {
        if let Some((_, purpose)) = PURPOSES.iter().find(|(known, _)| known == word) {
            kind.shape.purposes.push(*purpose);
        } else if !USAGES.iter().any(|(known, _)| known == word) {
            kind.untold.push(format!("usages has {word}, which CFSSL does not know"));
        }
    }
    kind.shape.purposes.sort_unstable();
    kind.shape.purposes.dedup();
}

fn validity(profile: &Object<'_>, kind: &mut Kind) -> Result<(), ConfigurationFault> {
    let wrong = || ConfigurationFault::Value {
        key: format!("{}.expiry", kind.place),
        wanted: "length of validity, such as 8760h",
    };
    let expiry = profile.length("expiry")?.filter(|expiry| *expiry > 0).ok_or_else(wrong)?;
    kind.traits.lengths.insert(expiry, 1);
    let backdate = profile.length("backdate")?.filter(|backdate| *backdate != 0).unwrap_or(USUAL_BACKDATE);
    super::backdate(backdate, USUAL_BACKDATE, kind);
    for name in ["not_before", "not_after"] {
        if let Some(time) = profile.text(name)?.filter(|time| *time != NO_TIME) {
            kind.untold.push(format!("{name} is {time} in every certificate"));
        }
    }
    Ok(())
}

fn pointers(profile: &Object<'_>, default: &Object<'_>, kind: &mut Kind) -> Result<(), ConfigurationFault> {
    let (crl, ocsp) = (
        profile.text("crl_url")?.or(default.text("crl_url")?),
        profile.text("ocsp_url")?.or(default.text("ocsp_url")?),
    );
    let issuers = match profile.field("issuer_urls") {
        Some(_) => profile.texts("issuer_urls")?,
        None => default.texts("issuer_urls")?,
    };
    let said = [("crl_url", crl), ("ocsp_url", ocsp)]
        .into_iter()
        .chain(issuers.iter().map(|url| ("issuer_urls", Some(*url))));
    let said: Vec<String> = said.filter_map(|(name, url)| Some(format!("{name} {}", url?))).collect();
    if crl.is_some() {
        kind.traits.extensions.insert(DISTRIBUTION_POINTS);
    }
    if ocsp.is_some() || !issuers.is_empty() {
        kind.traits.extensions.insert(ACCESS);
    }
    if !said.is_empty() {
        kind.untold.push(format!(
            "{}; addresses are said once, for the authority: crl_uri, ocsp_uri, ca_issuers_uri",
            said.join(", ")
        ));
    }
    Ok(())
}

fn policies(profile: &Object<'_>, kind: &mut Kind) -> Result<(), ConfigurationFault> {
    for policy in profile.objects("policies")? {
        let Some(id) = policy.text("id")? else { continue };
        let number = ObjectIdentifier::new(id).map_err(|_| ConfigurationFault::Value {
            key: format!("{}.policies", kind.place),
            wanted: "list of policies with object identifiers",
        })?;
        kind.traits.policies.insert(number, 1);
        if policy.field("qualifiers").is_some_and(|qualifiers| !is_nothing(qualifiers)) {
            kind.untold.push(format!("the certificate policy {id} has qualifiers"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drafts::configured::Configured;
    use crate::samples::load;

    fn drafts(text: &str) -> Configured {
        let mut all = Configured::default();
        all.add("config.json", read(text).unwrap());
        all
    }

    #[test]
    fn every_profile_that_signs_here_has_a_draft_and_no_secret_is_copied() {
        let text = r#"{
            "signing": {
                "default": {"usages": ["digital signature", "client auth"], "expiry": "168h", "crl_url": "http://crl.example/ca.crl",
                            "ocsp_url": "http://ocsp.example"},
                "profiles": {
                    "intermediate": {"usages": ["cert sign", "crl sign"], "expiry": "43800h", "ca_constraint": {"is_ca": true}},
                    "elsewhere": {"remote": "other"},
                    "www": {"usages": ["signing", "key encipherment", "server auth", "levitation"], "expiry": "8760h", "backdate": "1h",
                            "auth_key": "secret-name", "copy_extensions": true, "name_whitelist": "^x$", "ca_constraint": {"is_ca": false},
                            "Policies": [{"ID": "1.3.6.1.4.1.32473.7", "Qualifiers": [{"Type": "id-qt-cps", "Value": "http://cps.example"}]}]}
                }
            },
            "auth_keys": {"secret-name": {"type": "standard", "key": "0123456789ABCDEF"}},
            "remotes": {"other": "ca.example:8888"}
        }"#;
        let all = drafts(text);
        let ids: Vec<&str> = all.drafts.iter().map(|draft| draft.id.as_str()).collect();
        assert_eq!(ids, ["taken-over-default", "taken-over-www"]);
        assert_eq!(all.left_out.len(), 2, "{:?}", all.left_out);
        drop(load(&all.drafts));
        let [default, www] = &all.drafts[..] else { panic!("two drafts") };
        for line in
            ["validity_days = 7", "extended_key_usage = [\"clientAuth\"]", "pointers = \"crl-and-access\""]
        {
            assert!(default.text.lines().any(|known| known == line), "{line}: {}", default.text);
        }
        for line in [
            "validity_days = 365",
            "backdate_minutes = 60",
            "extended_key_usage = [\"serverAuth\"]",
            "alternative_name = \"dns-names\"",
            "policy = \"1.3.6.1.4.1.32473.7\"",
            "pointers = \"crl-and-access\"",
        ] {
            assert!(www.text.lines().any(|known| known == line), "{line}: {}", www.text);
        }
        for told in
            ["keyEncipherment", "levitation", "name_whitelist", "qualifiers", "http://crl.example/ca.crl"]
        {
            let tells = |line: &str| line.starts_with("# ") && line.contains(told);
            assert!(www.text.lines().any(tells), "{told}: {}", www.text);
        }
        assert!(!www.text.contains("secret-name") && !www.text.contains("0123456789ABCDEF"));
    }

    #[test]
    fn without_a_default_the_one_of_cfssl_counts() {
        let all = drafts(r#"{"signing": {"profiles": {"a": {"usages": ["signing"], "expiry": "1h"}}}}"#);
        let [default, a] = &all.drafts[..] else { panic!("two drafts") };
        assert!(default.text.contains("validity_days = 365"), "{}", default.text);
        assert!(a.text.contains("validity_hours = 1"), "{}", a.text);
    }

    #[test]
    fn what_cfssl_does_not_load_is_told_with_its_place() {
        for (text, told) in [
            ("[]", "object"),
            ("{", "JSON"),
            ("{}", "has no signing"),
            (
                r#"{"signing": {"default": {"usages": ["signing"], "expiry": "1 year"}}}"#,
                "signing.default.expiry",
            ),
            (r#"{"signing": {"default": {"usages": ["signing"]}}}"#, "signing.default.expiry"),
            (
                r#"{"signing": {"profiles": {"a": {"usages": "signing", "expiry": "1h"}}}}"#,
                "signing.profiles.a.usages",
            ),
        ] {
            let fault = read(text).unwrap_err().to_string();
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }
}
