//! `openssl.cnf` of `openssl ca`: config(5), ca(1), `x509v3_config(5)`.
//!
//! A kind of certificates is a section of extensions: one that an authority's section or `[req]` names, or that has an entry of which there
//! is none elsewhere. How long its certificates are valid says the section of the authority that names it, or the one that `[ca]` names.

mod extensions;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};

use super::{Crls, Found, Kind};
use crate::read_error::ConfigurationFault;
use extensions::Read;
use syntax::{Configuration, Section, Value};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// The longest length of validity that is taken, in days: from 1970 to 9999.
const MOST_DAYS: i64 = 2_932_896;

/// The length of validity that is written where none is known, in days.
const GUESS: i64 = 365;

/// Entries that only sections of extensions have.
const TELLING: [&str; 4] = ["basicConstraints", "keyUsage", "extendedKeyUsage", "subjectKeyIdentifier"];

/// The entry that names a section of extensions.
const EXTENSIONS: &str = "x509_extensions";

/// Which section names one of extensions, and in which entry.
type Use<'a> = (&'a str, &'static str);

/// What else a section of an authority may say of certificates, and profiles cannot.
const OTHERS: [&str; 5] = ["default_startdate", "default_enddate", "email_in_dn", "preserve", "msie_hack"];

/// Reads the text of a file.
pub(crate) fn read(text: &str) -> Result<Found, ConfigurationFault> {
    let configuration = syntax::parse(text)?;
    let authorities = Authorities::of(&configuration);
    let mut found = Found::default();
    for (line, what) in &configuration.included {
        found.left_out.push(format!("line {line} includes {what}, which is not read"));
    }
    let uses = authorities.uses(&configuration);
    for section in configuration.sections() {
        let used = uses.get(section.name.as_str()).map_or(&[][..], Vec::as_slice);
        let telling = section.entries.iter().any(|entry| TELLING.contains(&entry.name.as_str()));
        // What requests ask for makes no certificate by itself.
        if !telling && !used.iter().any(|(_, what)| *what == EXTENSIONS) {
            continue;
        }
        let Read { kind, is_authority } = extensions::read(&configuration, section);
        if is_authority {
            found.left_out.push(format!(
                "[{}] is of certificates of authorities, whose profiles are written by hand",
                section.name
            ));
            continue;
        }
        found.kinds.push(authorities.complete(&configuration, section, kind, used));
    }
    for name in uses.keys().filter(|name| configuration.section(name).is_none()) {
        found.left_out.push(format!("[{name}] is named and is not there"));
    }
    authorities.rest(&configuration, &mut found);
    if found.kinds.is_empty() && found.left_out.is_empty() && found.crls.is_empty() {
        return Err(ConfigurationFault::Missing { what: "section of an authority or of extensions" });
    }
    Ok(found)
}

/// The sections that `openssl ca` works by.
#[derive(Debug)]
struct Authorities<'a> {
    /// The one that `[ca]` names.
    first: Option<&'a str>,
    /// All of them.
    all: BTreeSet<&'a str>,
}

impl<'a> Authorities<'a> {
    fn of(configuration: &'a Configuration) -> Self {
        let first = known(configuration, "ca", "default_ca");
        let has_records = |section: &&Section| section.find("database").is_some();
        let mut all: BTreeSet<&str> =
            configuration.sections().filter(has_records).map(|section| section.name.as_str()).collect();
        all.extend(first.filter(|name| configuration.section(name).is_some()));
        Self { first, all }
    }

    /// By section of extensions: who names it, and as what.
    fn uses(&self, configuration: &'a Configuration) -> BTreeMap<&'a str, Vec<Use<'a>>> {
        let mut uses: BTreeMap<&str, Vec<Use<'_>>> = BTreeMap::new();
        for who in &self.all {
            if let Some(section) = known(configuration, who, EXTENSIONS) {
                uses.entry(section).or_default().push((*who, EXTENSIONS));
            }
        }
        if configuration.section("req").is_some() {
            for what in [EXTENSIONS, "req_extensions"] {
                if let Some(section) = known(configuration, "req", what) {
                    uses.entry(section).or_default().push(("req", what));
                }
            }
        }
        uses
    }

    /// Adds what the authority says of certificates of a section.
    fn complete(
        &self,
        configuration: &Configuration,
        section: &Section,
        mut kind: Kind,
        used: &[Use<'a>],
    ) -> Kind {
        kind.name.clone_from(&section.name);
        kind.traits.certificates = 1;
        let by = used.iter().map(|(who, _)| *who).find(|who| self.all.contains(who));
        let by = by.or_else(|| self.first.filter(|name| self.all.contains(name)));
        let named: Vec<String> = used.iter().map(|(who, what)| format!("{what} of [{who}]")).collect();
        kind.place = if named.is_empty() {
            format!("the section [{}]", section.name)
        } else {
            format!("the section [{}], {}", section.name, named.join(" and "))
        };
        match by {
            Some(by) => of_authority(configuration, by, &mut kind),
            None => {
                kind.untold
                    .push(format!("no section of an authority says for how long; {GUESS} days are a guess"));
                kind.traits.lengths.insert(GUESS * DAY, 1);
            }
        }
        if !configuration.included.is_empty() {
            kind.untold.push("the configuration includes other files, which were not read".to_owned());
        }
        kind
    }

    /// What is said of CRLs, and of certificates without extensions.
    fn rest(&self, configuration: &Configuration, found: &mut Found) {
        if let Some(first) = self.first.filter(|first| !self.all.contains(first)) {
            found.left_out.push(format!("[ca] names [{first}], which is not there"));
        }
        if let Some(Value::Unknown(of)) = configuration.find("ca", "default_ca") {
            found.left_out.push(format!("default_ca of [ca] refers to {of}, which is not read"));
        }
        for who in &self.all {
            match configuration.find(who, EXTENSIONS) {
                Some(Value::Known(_)) => {}
                Some(Value::Unknown(of)) => {
                    found.left_out.push(format!("{EXTENSIONS} of [{who}] refers to {of}, which is not read"));
                }
                None => found.left_out.push(format!(
                    "[{who}] names no {EXTENSIONS}: certificates without extensions have no draft"
                )),
            }
            let number = |name, unit: i64| {
                let number: i64 = known(configuration, who, name)?.trim().parse().ok()?;
                number.checked_mul(unit)
            };
            let days = number("default_crl_days", DAY).unwrap_or_default();
            let validity = days.saturating_add(number("default_crl_hours", HOUR).unwrap_or_default());
            if validity > 0 {
                let place = format!("default_crl_days and default_crl_hours of [{who}]");
                found.crls.push(Crls { name: (*who).to_owned(), place, validity, reissue: None });
            }
        }
    }
}

/// The value of a name, if it is there and refers to nothing that was not read.
fn known<'a>(configuration: &'a Configuration, section: &str, name: &str) -> Option<&'a str> {
    match configuration.find(section, name) {
        Some(Value::Known(value)) => Some(value),
        Some(Value::Unknown(_)) | None => None,
    }
}

/// What the section of an authority says of all its certificates.
fn of_authority(configuration: &Configuration, by: &str, kind: &mut Kind) {
    let days = match configuration.find(by, "default_days") {
        Some(Value::Known(text)) => text.trim().parse().ok().filter(|days| (1..=MOST_DAYS).contains(days)),
        Some(Value::Unknown(of)) => {
            kind.untold
                .push(format!("default_days refers to {of}, and neither files nor the environment are read"));
            None
        }
        None => None,
    };
    if days.is_none() {
        kind.untold.push(format!("no default_days of [{by}] can be read; {GUESS} days are a guess"));
    }
    kind.traits.lengths.insert(days.unwrap_or(GUESS).saturating_mul(DAY), 1);
    match known(configuration, by, "default_md").map(str::to_ascii_lowercase).as_deref() {
        None | Some("sha256" | "sha2-256" | "default") => _ = kind.traits.curves.insert("P-256"),
        Some("sha384" | "sha2-384") => _ = kind.traits.curves.insert("P-384"),
        Some(other) => {
            kind.untold.push(format!("default_md = {other}, and a suite has the hash of its curve"));
        }
    }
    if let Some(copied) = known(configuration, by, "copy_extensions").filter(|copied| *copied != "none") {
        kind.untold.push(format!(
            "copy_extensions = {copied}: requests said what else stands in a certificate, and here the profile does"
        ));
        kind.traits.names_asked = kind.shape.names.is_empty();
    }
    if let Some(policy) = known(configuration, by, "policy") {
        let asked: Vec<String> = configuration
            .section(policy)
            .map(|section| section.entries.as_slice())
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| match &entry.value {
                Value::Known(value) => Some(format!("{} {value}", entry.name)),
                Value::Unknown(_) => None,
            })
            .collect();
        kind.untold.push(format!("the policy [{policy}] asks of subjects {}", asked.join(", ")));
    }
    for name in OTHERS {
        if let Some(value) = known(configuration, by, name) {
            kind.untold.push(format!("{name} = {value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drafts::configured::Configured;
    use crate::samples::load;

    fn drafts(text: &str) -> Configured {
        let mut all = Configured::default();
        all.add("openssl.cnf", read(text).unwrap());
        all
    }

    #[test]
    fn what_refers_elsewhere_is_told_and_nothing_of_it_is_guessed_in_silence() {
        let text = "\
.include /etc/ssl/site.cnf
oid_section = numbers
[numbers]
readout = reading meters, 1.3.6.1.4.1.32473.8
[ca]
default_ca = main
[main]
database = index.txt
default_days = $ENV::DAYS
default_md = sha1
copy_extensions = copy
x509_extensions = leaf
default_crl_days = 60
[spare]
database = other.txt
[third]
database = third.txt
x509_extensions = $ENV::KIND
[leaf]
keyUsage = critical, digitalSignature, levitation
extendedKeyUsage = serverAuth
subjectAltName = $site_names
[other]
subjectKeyIdentifier = none
extendedKeyUsage = readout
certificatePolicies = 1.3.6.1.4.1.32473.1, @long
[long]
policyIdentifier = 1.3.6.1.4.1.32473.2
CPS.1 = http://cps.example
";
        let all = drafts(text);
        drop(load(&all.drafts));
        let ids: Vec<&str> = all.drafts.iter().map(|draft| draft.id.as_str()).collect();
        assert_eq!(ids, ["taken-over-leaf", "taken-over-other", "taken-over-crl-main"]);
        for told in [
            "line 1 includes /etc/ssl/site.cnf",
            "[spare] names no x509_extensions",
            "x509_extensions of [third] refers to $ENV::KIND",
        ] {
            assert!(all.left_out.iter().any(|sentence| sentence.contains(told)), "{:?}", all.left_out);
        }
        let [leaf, other, crl] = &all.drafts[..] else { panic!("three drafts") };
        for told in [
            "$ENV::DAYS",
            "365 days are a guess",
            "sha1",
            "copy_extensions",
            "levitation",
            "$site_names",
            "includes other files",
        ] {
            let tells = |line: &str| line.starts_with("# ") && line.contains(told);
            assert!(leaf.text.lines().any(tells), "{told}: {}", leaf.text);
        }
        assert!(leaf.text.contains("alternative_name = \"dns-names\""), "{}", leaf.text);
        for told in [
            "subjectKeyIdentifier = none",
            "1.3.6.1.4.1.32473.2 has qualifiers",
            "[\"1.3.6.1.4.1.32473.8\"]",
            "have the certificate policy",
        ] {
            assert!(other.text.contains(told), "{told}: {}", other.text);
        }
        assert!(
            crl.text.contains("offline = true") && crl.text.contains("validity_hours = 1440"),
            "{}",
            crl.text
        );
    }

    #[test]
    fn a_value_ends_no_comment() {
        let text = "[leaf]\nkeyUsage = critical,digitalSignature\nnsComment = a\\nversion = 7\\r\\bb\n";
        let all = drafts(text);
        drop(load(&all.drafts));
        assert!(all.drafts[0].text.contains("nsComment = a version = 7"), "{}", all.drafts[0].text);
    }

    #[test]
    fn a_file_without_anything_of_an_authority_is_none() {
        for text in ["", "a = b\n", "[tls]\nCipherString = DEFAULT\n"] {
            assert!(matches!(read(text), Err(ConfigurationFault::Missing { .. })), "{text}");
        }
        // An authority that is named and not there is told.
        assert_eq!(drafts("[ca]\ndefault_ca = gone\n").left_out.len(), 1);
    }
}
