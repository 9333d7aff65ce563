//! `ca.json` of step-ca: the claims of the authority and of each provisioner, and templates that stand in it.
//!
//! A template is no JSON before it is run, and none is run here: only one that becomes JSON when its parts for RSA keys are left out and
//! its values are blank is read. Keys of provisioners, and their names, are not copied.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::oid::ObjectIdentifier;
use serde_json::Value;

use super::object::{Object, parse};
use super::{Crls, Found, Kind};
use crate::read_error::ConfigurationFault;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The claims that hold where nothing is said: shortest, usual and longest length of validity, in seconds.
const USUAL: Claims = Claims { shortest: 5 * MINUTE, usual: DAY, longest: DAY };

/// How far notBefore is set back where nothing is said.
const USUAL_BACKDATE: i64 = MINUTE;

/// The purposes of the template that step-ca brings.
const PURPOSES: [&str; 2] = ["serverAuth", "clientAuth"];

/// The words of templates for extended key usages, without regard to large and small letters.
const WORDS: [(&str, ObjectIdentifier); 10] = [
    ("any", ObjectIdentifier::new_unwrap("2.5.29.37.0")),
    ("serverAuth", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")),
    ("clientAuth", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2")),
    ("codeSigning", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3")),
    ("emailProtection", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4")),
    ("ipsecEndSystem", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.5")),
    ("ipsecTunnel", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.6")),
    ("ipsecUser", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.7")),
    ("timeStamping", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8")),
    ("ocspSigning", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9")),
];

/// The words for bits of keyUsage, in the order of the bits.
const USAGES: [(&str, &str); 10] = [
    ("digitalSignature", "digitalSignature"),
    ("contentCommitment", "nonRepudiation"),
    ("nonRepudiation", "nonRepudiation"),
    ("keyEncipherment", "keyEncipherment"),
    ("dataEncipherment", "dataEncipherment"),
    ("keyAgreement", "keyAgreement"),
    ("certSign", "keyCertSign"),
    ("crlSign", "cRLSign"),
    ("encipherOnly", "encipherOnly"),
    ("decipherOnly", "decipherOnly"),
];

/// Lengths of validity, in seconds.
#[derive(Debug, Clone, Copy)]
struct Claims {
    shortest: i64,
    usual: i64,
    longest: i64,
}

impl Claims {
    /// Takes what an object says, and the rest from here.
    fn with(self, claims: Option<&Object<'_>>) -> Result<Self, ConfigurationFault> {
        let Some(claims) = claims else { return Ok(self) };
        let said = |name: &str, before| -> Result<i64, ConfigurationFault> {
            Ok(claims.length(name)?.filter(|length| *length > 0).unwrap_or(before))
        };
        Ok(Self {
            shortest: said("minTLSCertDuration", self.shortest)?,
            usual: said("defaultTLSCertDuration", self.usual)?,
            longest: said("maxTLSCertDuration", self.longest)?,
        })
    }
}

/// Reads the text of a file.
pub(crate) fn read(text: &str) -> Result<Found, ConfigurationFault> {
    let value = parse(text)?;
    let whole = Object::of(&value, "")?;
    let authority = whole.object("authority")?.ok_or(ConfigurationFault::Missing { what: "authority" })?;
    let global = authority.object("claims")?;
    let claims = USUAL.with(global.as_ref())?;
    let backdate = authority.length("backdate")?.unwrap_or(USUAL_BACKDATE);
    let mut found = Found::default();
    for provisioner in authority.objects("provisioners")? {
        let (name, what) =
            (provisioner.text("name")?.unwrap_or_default(), provisioner.text("type")?.unwrap_or_default());
        let place = format!("the provisioner {name} ({what})");
        if what == "SSHPOP" {
            found.left_out.push(format!("{place} is of SSH and gives no certificates of X.509"));
            continue;
        }
        let own = provisioner.object("claims")?;
        let mut kind = Kind { name: name.to_owned(), place, ..Kind::default() };
        kind.traits.certificates = 1;
        kind.traits.names_asked = true;
        lengths(claims.with(own.as_ref())?, &mut kind);
        super::backdate(backdate, 5 * MINUTE, &mut kind);
        for (name, what) in [
            ("disableRenewal", "renewal is disabled: an offer has no door for it"),
            ("allowRenewalAfterExpiry", "what has expired may be renewed"),
        ] {
            let said = [&own, &global].into_iter().flatten().find(|claims| claims.field(name).is_some());
            if said.map(|claims| claims.yes(name)).transpose()? == Some(true) {
                kind.untold.push(what.to_owned());
            }
        }
        if template(&provisioner, &mut kind)? {
            let place = &kind.place;
            found.left_out.push(format!(
                "{place} is of certificates of authorities, whose profiles are written by hand"
            ));
        } else {
            found.kinds.push(kind);
        }
    }
    if found.kinds.is_empty() && found.left_out.is_empty() {
        found.left_out.push("authority.provisioners is empty; those in the database are not read".to_owned());
    }
    if let Some(crl) = whole.object("crl")?
        && crl.yes("enabled")?
    {
        let validity = crl.length("cacheDuration")?.filter(|length| *length > 0).unwrap_or(DAY);
        let reissue = crl.length("renewPeriod")?.filter(|length| *length > 0);
        found.crls.push(Crls { name: "step".to_owned(), place: "crl".to_owned(), validity, reissue });
    }
    Ok(found)
}

/// Writes how long certificates are valid: as a range, where requests may ask for other than the usual.
fn lengths(claims: Claims, kind: &mut Kind) {
    let Claims { shortest, usual, longest } = claims;
    if !(shortest <= usual && usual <= longest) {
        kind.untold.push("the shortest, the usual and the longest validity are not in order".to_owned());
    } else {
        if shortest < usual {
            kind.lines
                .push(format!("validity_min_minutes = {}", shortest.saturating_add(MINUTE - 1) / MINUTE));
        }
        if longest > usual {
            kind.lines.push(format!("validity_max_hours = {}", longest.saturating_add(HOUR - 1) / HOUR));
        }
    }
    kind.traits.lengths.insert(usual, 1);
}

/// Reads the template of a provisioner; tells whether it is of authorities.
fn template(provisioner: &Object<'_>, kind: &mut Kind) -> Result<bool, ConfigurationFault> {
    let options = provisioner.object("options")?;
    let x509 = options.as_ref().map(|options| options.object("x509")).transpose()?.flatten();
    let written = x509.as_ref().map(|x509| x509.text("template")).transpose()?.flatten();
    let file = x509.as_ref().map(|x509| x509.text("templateFile")).transpose()?.flatten();
    let Some(written) = written else {
        if let Some(file) = file {
            kind.untold
                .push(format!("the template {file}, which is not read; usages are those without a template"));
        }
        usual(kind);
        return Ok(false);
    };
    let decoded = if written.trim_start().starts_with('{') {
        Some(written.to_owned())
    } else {
        STANDARD.decode(written.trim()).ok().and_then(|octets| String::from_utf8(octets).ok())
    };
    let plain = decoded.as_deref().and_then(plain).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let Some(Value::Object(fields)) = plain else {
        kind.untold.push(
            "a template that cannot be read without running it; usages are those without one".to_owned(),
        );
        usual(kind);
        return Ok(false);
    };
    let value = Value::Object(fields);
    let template = Object::of(&value, &kind.place)?;
    for (word, bit) in USAGES {
        let has = template.texts("keyUsage")?.iter().any(|text| text.eq_ignore_ascii_case(word));
        if has && !kind.shape.usages.contains(&bit) {
            kind.shape.usages.push(bit);
        }
    }
    for text in template.texts("extKeyUsage")? {
        match WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            Some((_, purpose)) => kind.shape.purposes.push(*purpose),
            None => kind.untold.push(format!("extKeyUsage has {text}, which is no known word")),
        }
    }
    for text in template.texts("unknownExtKeyUsage")? {
        kind.shape.purposes.extend(ObjectIdentifier::new(text).ok());
    }
    kind.shape.purposes.sort_unstable();
    kind.shape.purposes.dedup();
    let read = ["subject", "sans", "keyUsage", "extKeyUsage", "unknownExtKeyUsage", "basicConstraints"];
    for (field, _) in template.fields().filter(|(field, _)| !read.contains(&field.as_str())) {
        kind.untold.push(format!("the template has {field}"));
    }
    let constraints = template.object("basicConstraints")?;
    Ok(constraints.map(|constraints| constraints.yes("isCA")).transpose()?.unwrap_or(false))
}

/// What the template says that step-ca brings.
fn usual(kind: &mut Kind) {
    kind.shape.usages.push("digitalSignature");
    let known = |word: &&str| WORDS.iter().find(|(known, _)| known == word).map(|(_, purpose)| *purpose);
    kind.shape.purposes.extend(PURPOSES.iter().filter_map(known));
}

/// A template as JSON: what it says of RSA keys left out, each of its values null. None where it does anything else.
fn plain(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut rest, mut skipping, mut depth) = (text, false, 0_u8);
    while let Some((before, action)) = rest.split_once("{{") {
        if !skipping {
            out.push_str(before);
        }
        let (action, after) = action.split_once("}}")?;
        rest = after;
        let action = action.trim_matches(['-', ' ', '\t', '\r', '\n']);
        if action.starts_with("if typeIs \"*rsa.PublicKey\"") && depth == 0 {
            (skipping, depth) = (true, 1);
        } else if action == "else" && depth == 1 {
            skipping = false;
        } else if action == "end" && depth == 1 {
            (skipping, depth) = (false, 0);
        } else if action.starts_with("toJson ") {
            out.push_str(if skipping { "" } else { "null" });
        } else if !action.starts_with("/*") {
            return None;
        }
    }
    out.push_str(rest);
    (depth == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drafts::configured::Configured;
    use crate::samples::load;

    /// The template that step-ca brings.
    const LEAF: &str = r#"{
        "subject": {{ toJson .Subject }},
        "sans": {{ toJson .SANs }},
    {{- if typeIs "*rsa.PublicKey" .Insecure.CR.PublicKey }}
        "keyUsage": ["keyEncipherment", "digitalSignature"],
    {{- else }}
        "keyUsage": ["digitalSignature"],
    {{- end }}
        "extKeyUsage": ["clientAuth"]
    }"#;

    fn drafts(value: &Value) -> Configured {
        let mut all = Configured::default();
        all.add("ca.json", read(&value.to_string()).unwrap());
        all
    }

    fn has(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|known| known == *line), "{line}: {text}");
        }
    }

    #[test]
    fn each_provisioner_has_a_draft_with_its_claims_and_its_template() {
        let value = serde_json::json!({
            "key": "/secret/intermediate.key",
            "authority": {
                "claims": {"maxTLSCertDuration": "720h", "defaultTLSCertDuration": "72h", "disableRenewal": false},
                "provisioners": [
                    {"type": "JWK", "name": "ops@example.org", "key": {"kid": "a"}, "encryptedKey": "do-not-copy"},
                    {"type": "ACME", "name": "acme", "claims": {"minTLSCertDuration": "2160h", "defaultTLSCertDuration": "2160h",
                     "maxTLSCertDuration": "2160h", "disableRenewal": true}, "options": {"x509": {"template": LEAF}}},
                    {"type": "X5C", "name": "odd", "options": {"x509": {"template": STANDARD.encode("{{ if .Token }}x{{ end }}")}}},
                    {"type": "JWK", "name": "sub", "options": {"x509": {"template":
                     "{\"subject\": {{ toJson .Subject }}, \"keyUsage\": [\"certSign\"], \"basicConstraints\": {\"isCA\": true}}"}}},
                    {"type": "SSHPOP", "name": "sshpop"}
                ]
            },
            "crl": {"enabled": true, "cacheDuration": "48h", "renewPeriod": "90m"}
        });
        let all = drafts(&value);
        let ids: Vec<&str> = all.drafts.iter().map(|draft| draft.id.as_str()).collect();
        assert_eq!(
            ids,
            ["taken-over-ops-example-org", "taken-over-acme", "taken-over-odd", "taken-over-crl-step"]
        );
        assert_eq!(all.left_out.len(), 2, "{:?}", all.left_out);
        drop(load(&all.drafts));
        let [ops, acme, odd, crl] = &all.drafts[..] else { panic!("four drafts") };
        has(
            &ops.text,
            &[
                "validity_days = 3",
                "validity_min_minutes = 5",
                "validity_max_hours = 720",
                "backdate_minutes = 1",
                "extended_key_usage = [\"serverAuth\", \"clientAuth\"]",
            ],
        );
        assert!(!ops.text.contains("do-not-copy"));
        has(
            &acme.text,
            &[
                "validity_days = 90",
                "extended_key_usage = [\"clientAuth\"]",
                "key_usage = [\"digitalSignature\"]",
            ],
        );
        assert!(
            !acme.text.contains("validity_m") && acme.text.contains("renewal is disabled"),
            "{}",
            acme.text
        );
        assert!(odd.text.contains("without running it"), "{}", odd.text);
        has(&crl.text, &["validity_hours = 48", "reissue_minutes = 90"]);
    }

    #[test]
    fn what_is_no_ca_json_is_told() {
        for (text, told) in [
            ("{}", "has no authority"),
            (r#"{"authority": {"provisioners": {}}}"#, "authority.provisioners"),
            (
                r#"{"authority": {"claims": {"minTLSCertDuration": "1 day"}}}"#,
                "authority.claims.minTLSCertDuration",
            ),
        ] {
            let fault = read(text).unwrap_err().to_string();
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }
}
