//! A draft as text: lines of a profile file of format 1, and comments where the format has no word.
//!
//! Comments quote what others wrote: whatever stands in it, each is one line that ends the comment.

use der::oid::ObjectIdentifier;

use super::shape::{ACCESS, DISTRIBUTION_POINTS, Shape, Traits};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How many characters a comment has at most.
const LONGEST_COMMENT: usize = 320;

/// How long a CRL is valid at most under a key that is on line, and under one that is kept off line.
const CRL_LIMITS: [i64; 2] = [10 * DAY, 366 * DAY];

/// The words of the format for extended key usages; others are written as numbers.
const PURPOSES: [(&str, &str); 8] = [
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
    ("1.3.6.1.5.5.7.3.27", "cmcCA"),
    ("1.3.6.1.5.5.7.3.28", "cmcRA"),
    ("1.3.6.1.5.5.7.3.32", "cmKGA"),
];

const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
const ANY_PURPOSE: &str = "2.5.29.37.0";

/// What a profile is drafted from.
#[derive(Debug, Default)]
pub(super) struct Proposal {
    /// Sentences on where it is from, and on what is guessed.
    pub(super) head: Vec<String>,
    pub(super) shape: Shape,
    pub(super) traits: Traits,
    /// Lines that only the origin can say.
    pub(super) lines: Vec<String>,
    /// What the format cannot say, beyond what the shape tells.
    pub(super) untold: Vec<String>,
}

/// Lines, and what cannot be said in one.
#[derive(Default)]
struct Text {
    lines: Vec<String>,
    untold: Vec<String>,
}

impl Text {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn untold(&mut self, sentence: impl Into<String>) {
        self.untold.push(sentence.into());
    }

    /// Puts it together, below what is said first.
    fn file(self, head: &[String]) -> String {
        let mut all: Vec<String> = head.iter().map(|sentence| comment(sentence)).collect();
        all.extend(self.untold.iter().map(|sentence| comment(&format!("Not said below: {sentence}."))));
        all.extend(self.lines);
        all.push(String::new());
        all.join("\n")
    }
}

/// One line of comment, whatever the sentence quotes.
fn comment(sentence: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let mut line: String = sentence.chars().map(plain).take(LONGEST_COMMENT).collect();
    if sentence.chars().nth(LONGEST_COMMENT).is_some() {
        line.push('…');
    }
    format!("# {line}")
}

/// Writes the file of a certificate profile.
pub(super) fn file(id: &str, proposal: &Proposal) -> String {
    let Proposal { head, shape, traits, lines, untold } = proposal;
    let mut text = Text::default();
    let (hierarchy, issuer) =
        if shape.is_device { ("operational", "sub-operational") } else { ("infrastructure", "sub-infra") };
    begin(&mut text, "certificate", id);
    text.line("version = 1");
    suites(&mut text, traits);
    text.line(format!("issuers = [\"{issuer}\"]"));
    text.line(format!("hierarchy = \"{hierarchy}\""));
    subject(&mut text, shape, traits);
    let agreement_alone = usage(&mut text, shape);
    purposes(&mut text, shape, traits, agreement_alone);
    names(&mut text, shape, traits);
    validity(&mut text, traits);
    policy(&mut text, traits);
    pointers(&mut text, shape, traits);
    let octets = traits.most_octets.div_ceil(64).saturating_mul(64).clamp(1_024, 4_096);
    if octets > 1_024 {
        text.line(format!("max_octets = {octets}"));
    }
    text.lines.extend_from_slice(lines);
    text.untold.extend_from_slice(untold);
    text.file(head)
}

/// Writes the file of a CRL profile: from thisUpdate to nextUpdate in seconds, and after how many a new one is made, if that is known.
pub(super) fn crl_file(id: &str, head: &[String], validity: i64, reissue: Option<i64>) -> String {
    let mut text = Text::default();
    let [online, offline] = CRL_LIMITS;
    let length = validity.clamp(HOUR, offline) / HOUR;
    if validity != length.saturating_mul(HOUR) {
        text.untold(format!("from thisUpdate to nextUpdate it was {validity} seconds"));
    }
    begin(&mut text, "crl", id);
    if length.saturating_mul(HOUR) > online {
        text.untold(
            "a CRL for more than 10 days needs offline = true, which is for a key that is kept off line",
        );
        text.line("offline = true");
    }
    text.line(format!("validity_hours = {length}"));
    // At most half of it.
    let usual = length.saturating_mul(HOUR) / 7;
    let half = length.saturating_mul(HOUR) / 2;
    let minutes = reissue.unwrap_or(usual).clamp(MINUTE, half) / MINUTE;
    text.line(if minutes % 60 == 0 {
        format!("reissue_hours = {}", minutes / 60)
    } else {
        format!("reissue_minutes = {minutes}")
    });
    text.file(head)
}

fn begin(text: &mut Text, kind: &str, id: &str) {
    text.line("format = 1");
    text.line(format!("kind = \"{kind}\""));
    text.line(format!("id = \"{id}\""));
}

fn suites(text: &mut Text, traits: &Traits) {
    let suites: Vec<&str> = [("P-256", "1"), ("P-384", "2")]
        .into_iter()
        .filter(|(curve, _)| traits.curves.contains(curve))
        .map(|(_, suite)| suite)
        .collect();
    if traits.curves.contains("another kind") {
        text.untold("some keys are neither of P-256 nor of P-384, and no profile has others");
    }
    text.line(format!("suites = [{}]", if suites.is_empty() { "1".to_owned() } else { suites.join(", ") }));
}

fn subject(text: &mut Text, shape: &Shape, traits: &Traits) {
    if shape.is_device {
        return text.line("subject = \"system-title\"");
    }
    text.line("subject = \"distinguished-name\"");
    if traits.most_subject_octets > 255 {
        text.line(format!("subject_max_octets = {}", traits.most_subject_octets.min(1_024)));
    }
}

/// Writes keyUsage; tells whether keys agree and do not sign.
fn usage(text: &mut Text, shape: &Shape) -> bool {
    let known = ["digitalSignature", "keyAgreement"];
    let told: Vec<&str> = known.into_iter().filter(|usage| shape.usages.contains(usage)).collect();
    let others: Vec<&str> = shape.usages.iter().filter(|usage| !known.contains(usage)).copied().collect();
    if !others.is_empty() {
        text.untold(format!("keyUsage has {}", others.join(", ")));
    }
    if shape.usages.is_empty() {
        text.untold("there is no keyUsage");
    }
    let tls_without_purpose = told.len() == 2 && sayable(shape).is_empty();
    if tls_without_purpose {
        text.untold(
            "keyUsage has keyAgreement beside digitalSignature, and no extended key usage says for what",
        );
    }
    let responder = told.len() == 2 && sayable(shape) == [OCSP_SIGNING];
    if responder {
        text.untold("keyUsage has keyAgreement, and the key of a responder signs and does nothing else");
    }
    let signs = told.is_empty() || tls_without_purpose || responder;
    let told = if signs { vec!["digitalSignature"] } else { told };
    let quoted: Vec<String> = told.iter().map(|usage| format!("\"{usage}\"")).collect();
    text.line(format!("key_usage = [{}]", quoted.join(", ")));
    told == ["keyAgreement"]
}

/// The purposes that a profile may have: not any, and not a responder's beside others.
fn sayable(shape: &Shape) -> Vec<String> {
    let all: Vec<String> = shape.purposes.iter().map(ObjectIdentifier::to_string).collect();
    if all == [OCSP_SIGNING] {
        return all;
    }
    all.into_iter().filter(|oid| oid != ANY_PURPOSE && oid != OCSP_SIGNING).collect()
}

fn purposes(text: &mut Text, shape: &Shape, traits: &Traits, agreement_alone: bool) {
    let sayable = if agreement_alone { Vec::new() } else { sayable(shape) };
    let said = |oid: &ObjectIdentifier| sayable.contains(&oid.to_string());
    let left: Vec<String> =
        shape.purposes.iter().filter(|oid| !said(oid)).map(ObjectIdentifier::to_string).collect();
    if !left.is_empty() {
        text.untold(format!("extendedKeyUsage has {}", left.join(", ")));
    }
    if sayable.is_empty() {
        return;
    }
    let words: Vec<String> = sayable
        .iter()
        .map(|oid| {
            let word = PURPOSES.iter().find(|(number, _)| number == oid).map(|(_, word)| *word);
            format!("\"{}\"", word.unwrap_or(oid))
        })
        .collect();
    text.line(format!("extended_key_usage = [{}]", words.join(", ")));
    if traits.critical_purposes > 0 && traits.critical_purposes == traits.certificates && !shape.is_device {
        text.line("extended_key_usage_critical = true");
    } else if traits.critical_purposes > 0 {
        text.untold(format!("extendedKeyUsage is critical in {}", traits.critical_purposes));
    }
    if sayable == [OCSP_SIGNING] {
        text.line("ocsp_no_check = true");
    }
}

fn names(text: &mut Text, shape: &Shape, traits: &Traits) {
    let kinds: Vec<&str> = shape.names.iter().copied().collect();
    let one_place = ["uniformResourceIdentifier", "rfc822Name"];
    match kinds.as_slice() {
        [] if traits.names_asked && shape.purposes.iter().any(|oid| oid.to_string() == SERVER) => {
            text.untold("alternative names come with requests; a server's are guessed to be dNSNames");
            text.line("alternative_name = \"dns-names\"");
        }
        [] if traits.names_asked => {
            text.untold("alternative names come with requests, and nothing says of which kind");
        }
        [] => {}
        ["dNSName"] if !shape.is_device => {
            text.line("alternative_name = \"dns-names-required\"");
            text.line(format!("alternative_name_max = {}", traits.most_names.clamp(1, 64)));
        }
        [one] if !shape.is_device && one_place.contains(one) && traits.most_names == 1 => {
            text.line("alternative_name = \"uri-or-email\"");
        }
        _ => text.untold(format!("alternative names are {}", kinds.join(", "))),
    }
}

fn validity(text: &mut Text, traits: &Traits) {
    if traits.never_ends {
        text.line("validity = \"no-expiry\"");
    } else if let Some((length, count)) = traits.lengths.iter().max_by_key(|(_, count)| **count) {
        // From the first second to the last, both counted, is one more than was asked for.
        let (length, asked) = ((*length).max(1), (*length).saturating_sub(1).max(1));
        text.line(if length < HOUR {
            format!("validity_minutes = {}", asked.saturating_add(MINUTE - 1) / MINUTE)
        } else if length < DAY {
            format!("validity_hours = {}", asked.saturating_add(HOUR - 1) / HOUR)
        } else {
            // A second is often counted twice or not at all: the nearest whole days.
            format!("validity_days = {}", length.saturating_add(DAY / 2) / DAY)
        });
        let others = traits.certificates.saturating_sub(*count);
        if others > 0 {
            let days =
                |seconds: Option<&i64>| seconds.copied().unwrap_or_default().saturating_add(DAY / 2) / DAY;
            let (first, last) = (days(traits.lengths.keys().next()), days(traits.lengths.keys().last()));
            text.untold(format!("{others} have another length of validity, from {first} to {last} days"));
        }
    }
}

fn policy(text: &mut Text, traits: &Traits) {
    let mut policies: Vec<(&ObjectIdentifier, &u64)> = traits.policies.iter().collect();
    policies.sort_by(|(_, one), (_, other)| other.cmp(one));
    if let Some((policy, _)) = policies.first() {
        text.line(format!("policy = \"{policy}\""));
    }
    for (policy, count) in policies.iter().skip(1) {
        text.untold(format!("{count} have the certificate policy {policy}"));
    }
}

fn pointers(text: &mut Text, shape: &Shape, traits: &Traits) {
    let has = |oid| traits.extensions.contains(&oid);
    let (crl, access) = (has(DISTRIBUTION_POINTS), has(ACCESS));
    if shape.is_device && (crl || access) {
        text.untold("there are cRLDistributionPoints or authorityInfoAccess, which meters do not load");
    } else if crl && access {
        text.line("pointers = \"crl-and-access\"");
    } else if crl {
        text.line("pointers = \"crl\"");
    } else if access {
        text.untold("there is authorityInfoAccess and no cRLDistributionPoints");
    }
    for oid in traits.extensions.iter().filter(|oid| ![DISTRIBUTION_POINTS, ACCESS].contains(oid)) {
        text.untold(format!("there is the extension {oid}"));
    }
}
