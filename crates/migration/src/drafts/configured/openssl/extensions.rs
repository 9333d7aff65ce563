//! The entries of a section of extensions, `x509v3_config(5)`, as the traits of a shape.
//!
//! Which section it is, and how long its certificates are valid, is not known here.

use der::oid::ObjectIdentifier;

use super::syntax::{Configuration, Section, Value};
use crate::drafts::configured::Kind;
use crate::drafts::shape::{ACCESS, DISTRIBUTION_POINTS, USAGES};

/// The names that OpenSSL has for purposes.
const PURPOSES: [(&str, &str); 29] = [
    ("serverAuth", "1.3.6.1.5.5.7.3.1"),
    ("TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    ("clientAuth", "1.3.6.1.5.5.7.3.2"),
    ("TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
    ("codeSigning", "1.3.6.1.5.5.7.3.3"),
    ("Code Signing", "1.3.6.1.5.5.7.3.3"),
    ("emailProtection", "1.3.6.1.5.5.7.3.4"),
    ("E-mail Protection", "1.3.6.1.5.5.7.3.4"),
    ("ipsecEndSystem", "1.3.6.1.5.5.7.3.5"),
    ("ipsecTunnel", "1.3.6.1.5.5.7.3.6"),
    ("ipsecUser", "1.3.6.1.5.5.7.3.7"),
    ("timeStamping", "1.3.6.1.5.5.7.3.8"),
    ("Time Stamping", "1.3.6.1.5.5.7.3.8"),
    ("OCSPSigning", "1.3.6.1.5.5.7.3.9"),
    ("OCSP Signing", "1.3.6.1.5.5.7.3.9"),
    ("ipsecIKE", "1.3.6.1.5.5.7.3.17"),
    ("cmcCA", "1.3.6.1.5.5.7.3.27"),
    ("cmcRA", "1.3.6.1.5.5.7.3.28"),
    ("cmKGA", "1.3.6.1.5.5.7.3.32"),
    ("anyExtendedKeyUsage", "2.5.29.37.0"),
    ("msCodeInd", "1.3.6.1.4.1.311.2.1.21"),
    ("msCodeCom", "1.3.6.1.4.1.311.2.1.22"),
    ("msCTLSign", "1.3.6.1.4.1.311.10.3.1"),
    ("msSGC", "1.3.6.1.4.1.311.10.3.3"),
    ("msEFS", "1.3.6.1.4.1.311.10.3.4"),
    ("msSmartcardLogin", "1.3.6.1.4.1.311.20.2.2"),
    ("nsSGC", "2.16.840.1.113730.4.1"),
    ("pkInitClientAuth", "1.3.6.1.5.2.3.4"),
    ("pkInitKDC", "1.3.6.1.5.2.3.5"),
];

/// The kinds of alternative names, as OpenSSL and as RFC 5280 §4.2.1.6 name them.
const NAMES: [(&str, &str); 7] = [
    ("DNS", "dNSName"),
    ("IP", "iPAddress"),
    ("URI", "uniformResourceIdentifier"),
    ("email", "rfc822Name"),
    ("RID", "registeredID"),
    ("dirName", "directoryName"),
    ("otherName", "otherName"),
];

/// What a section says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) kind: Kind,
    /// Whether its certificates are those of authorities.
    pub(super) is_authority: bool,
}

/// A name, and what stands behind its colon or equals sign.
type Item<'a> = (&'a str, Option<&'a str>);

/// Reads the entries of a section.
pub(super) fn read(configuration: &Configuration, section: &Section) -> Read {
    let mut read = Read::default();
    for entry in &section.entries {
        let name = entry.name.as_str();
        match &entry.value {
            Value::Known(value) => Extension::of(configuration, name, value).take(&mut read),
            Value::Unknown(of) => {
                read.kind
                    .untold
                    .push(format!("{name} refers to {of}, and neither files nor the environment are read"));
            }
        }
    }
    read.kind.shape.purposes.sort_unstable();
    read.kind.shape.purposes.dedup();
    read.kind.shape.usages =
        USAGES.into_iter().filter(|usage| read.kind.shape.usages.contains(usage)).collect();
    if read.kind.shape.purposes.is_empty() {
        read.kind.traits.critical_purposes = 0;
    }
    read
}

/// An entry, taken apart.
struct Extension<'a> {
    configuration: &'a Configuration,
    name: &'a str,
    /// The whole of the value.
    written: &'a str,
    critical: bool,
    /// The value without `critical`.
    value: &'a str,
}

impl<'a> Extension<'a> {
    fn of(configuration: &'a Configuration, name: &'a str, written: &'a str) -> Self {
        let rest = written.strip_prefix("critical").and_then(|rest| rest.trim_start().strip_prefix(','));
        let value = rest.map_or(written, str::trim_start);
        Self { configuration, name, written, critical: rest.is_some(), value }
    }

    /// What is listed between commas, or in the section that is named behind `@`.
    fn items(&self) -> Vec<Item<'a>> {
        match self.value.strip_prefix('@') {
            Some(section) => items_of(self.configuration, section),
            None => listed(self.value),
        }
    }

    /// The same in words.
    fn items_in_words(&self) -> String {
        let word = |(name, value): Item<'_>| match value {
            Some(value) => format!("{name}:{value}"),
            None => name.to_owned(),
        };
        self.items().into_iter().map(word).collect::<Vec<_>>().join(", ")
    }

    fn take(&self, read: &mut Read) {
        if ["DER:", "ASN1:"].iter().any(|octets| self.value.starts_with(octets)) {
            return self.untold(read);
        }
        match self.name {
            "basicConstraints" => self.constraints(read),
            "keyUsage" => self.usage(read),
            "extendedKeyUsage" => self.purposes(read),
            "subjectAltName" => self.names(read),
            "certificatePolicies" => self.policies(read),
            "crlDistributionPoints" => self.addresses(read, DISTRIBUTION_POINTS),
            "authorityInfoAccess" => self.addresses(read, ACCESS),
            "subjectKeyIdentifier" if self.value == "hash" => {}
            "authorityKeyIdentifier"
                if self.value.split(',').any(|item| item.trim().starts_with("keyid")) => {}
            "noCheck" => {}
            _ => self.untold(read),
        }
    }

    fn untold(&self, read: &mut Read) {
        read.kind.untold.push(format!("{} = {}", self.name, self.written));
    }

    fn constraints(&self, read: &mut Read) {
        let yes = ["TRUE", "true", "Y", "y", "YES", "yes"];
        read.is_authority = self
            .items()
            .iter()
            .any(|(name, value)| *name == "CA" && value.is_some_and(|value| yes.contains(&value)));
    }

    fn usage(&self, read: &mut Read) {
        if !self.critical {
            read.kind.untold.push("keyUsage is not critical, and here it always is".to_owned());
        }
        for (name, _) in self.items() {
            match USAGES.into_iter().find(|usage| *usage == name) {
                Some(usage) => read.kind.shape.usages.push(usage),
                None => read.kind.untold.push(format!("keyUsage has {name}, which is no name of a bit")),
            }
        }
    }

    fn purposes(&self, read: &mut Read) {
        read.kind.traits.critical_purposes = u64::from(self.critical);
        for (name, value) in self.items() {
            let text = value.unwrap_or(name);
            match purpose(self.configuration, text) {
                Some(purpose) => read.kind.shape.purposes.push(purpose),
                None => read.kind.untold.push(format!("extendedKeyUsage has {text}, which is no known name")),
            }
        }
    }

    fn names(&self, read: &mut Read) {
        for (name, value) in self.items() {
            // In a section names are told apart by numbers: `DNS.1`.
            let kind = name.split('.').next().unwrap_or(name);
            let copied = kind == "email" && value.is_some_and(|value| ["copy", "move"].contains(&value));
            match NAMES.iter().find(|(known, _)| *known == kind) {
                Some((_, kind)) if !copied => {
                    read.kind.shape.names.insert(*kind);
                    read.kind.traits.most_names = read.kind.traits.most_names.saturating_add(1);
                }
                Some(_) => {
                    let of = value.unwrap_or_default();
                    read.kind
                        .untold
                        .push(format!("subjectAltName = email:{of} takes addresses out of subjects"));
                }
                None => read.kind.untold.push(format!("subjectAltName has {name}, which is no known kind")),
            }
        }
        if read.kind.traits.most_names > 0 {
            read.kind.untold.push(format!(
                "subjectAltName = {}, the same names in every certificate, where here each request has its own",
                self.items_in_words()
            ));
        }
    }

    fn policies(&self, read: &mut Read) {
        for (name, _) in listed(self.value) {
            let (policy, qualified) = match name.strip_prefix('@') {
                Some(section) => {
                    let items = items_of(self.configuration, section);
                    let policy = items.iter().find(|(name, _)| *name == "policyIdentifier");
                    (policy.and_then(|(_, value)| *value).unwrap_or_default(), items.len() > 1)
                }
                None => (name, false),
            };
            if qualified {
                read.kind.untold.push(format!("the certificate policy {policy} has qualifiers, in {name}"));
            }
            match object_identifier(self.configuration, policy) {
                Some(policy) => {
                    let count = read.kind.traits.policies.entry(policy).or_default();
                    *count = 1;
                }
                None if policy == "ia5org" => {}
                None => {
                    read.kind.untold.push(format!("certificatePolicies has {name}, which is no known name"));
                }
            }
        }
    }

    /// Pointers to CRLs or to the authority; their addresses are the authority's, in its table of the configuration.
    fn addresses(&self, read: &mut Read, extension: ObjectIdentifier) {
        read.kind.traits.extensions.insert(extension);
        read.kind.untold.push(format!(
            "{} = {}; addresses are said once, for the authority: crl_uri, ocsp_uri, ca_issuers_uri",
            self.name,
            self.items_in_words()
        ));
    }
}

/// The items between commas.
fn listed(value: &str) -> Vec<Item<'_>> {
    let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| match item.split_once(':') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (item, None),
        })
        .collect()
}

/// The entries of a section whose values are known.
fn items_of<'a>(configuration: &'a Configuration, section: &str) -> Vec<Item<'a>> {
    let entries = configuration.section(section.trim()).map(|section| section.entries.as_slice());
    let known = |value: &'a Value| match value {
        Value::Known(value) => Some(value.as_str()),
        Value::Unknown(_) => None,
    };
    entries.unwrap_or_default().iter().map(|entry| (entry.name.as_str(), known(&entry.value))).collect()
}

fn purpose(configuration: &Configuration, text: &str) -> Option<ObjectIdentifier> {
    let known = PURPOSES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    object_identifier(configuration, known.unwrap_or(text))
}

/// A number, or a name that the file gives to one in the section that `oid_section` names: `name = 1.2.3`, or `name = long name, 1.2.3`.
fn object_identifier(configuration: &Configuration, text: &str) -> Option<ObjectIdentifier> {
    if let Ok(number) = ObjectIdentifier::new(text) {
        return Some(number);
    }
    let Some(Value::Known(section)) = configuration.find("default", "oid_section") else { return None };
    let Some(Value::Known(value)) = configuration.section(section)?.find(text) else { return None };
    ObjectIdentifier::new(value.rsplit(',').next().unwrap_or(value).trim()).ok()
}
