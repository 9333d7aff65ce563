//! Words for what profiles say, as a reader of certificates knows them. What they mean is decided in `ca-core` and `policies`.

use ca_core::profile::{
    AlternativeNameRule, Approval, CertificateProfile, KeyReuse, NameChange, RenewalWindow, SubjectRule,
};

/// The comment with which a profile file begins, on one line.
pub(crate) fn purpose_of_file(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    lines.fold(String::new(), |mut text, line| {
        // A word that was broken at its hyphen goes on in the next line.
        if !text.is_empty() && !text.ends_with("-") {
            text.push(' ');
        }
        text.push_str(line);
        text
    })
}

/// The name without its suite, and the suite: `meter-op-tls` and 2 of `meter-op-tls-s2`.
pub(crate) fn suite_of(id: &str) -> (&str, Option<u8>) {
    match (id.strip_suffix("-s1"), id.strip_suffix("-s2")) {
        (Some(name), _) => (name, Some(1)),
        (None, Some(name)) => (name, Some(2)),
        (None, None) => (id, None),
    }
}

/// The subject.
pub(crate) fn subject(profile: &CertificateProfile) -> String {
    match &profile.parts().subject {
        SubjectRule::SystemTitle => {
            "CN = the system title: 16 hexadecimal digits in capitals, nothing else".to_owned()
        }
        SubjectRule::Empty => "empty; the system title is in subjectAltName".to_owned(),
        SubjectRule::DistinguishedName { max_octets } => {
            format!("C, O, OU, CN, serialNumber, each at most once; at most {max_octets} octets")
        }
        SubjectRule::Label16 => "CN = a label of exactly 16 characters".to_owned(),
    }
}

/// The subject in few words, for a table of all.
pub(super) fn subject_short(profile: &CertificateProfile) -> &'static str {
    match profile.parts().subject {
        SubjectRule::SystemTitle => "system title",
        SubjectRule::Empty => "empty",
        SubjectRule::DistinguishedName { .. } => "name",
        SubjectRule::Label16 => "label of 16",
    }
}

/// The subject alternative name.
pub(crate) fn alternative_name(rule: &AlternativeNameRule) -> String {
    match rule {
        AlternativeNameRule::Absent => "absent".to_owned(),
        AlternativeNameRule::HardwareModule { hw_type } => format!(
            "one otherName: hardwareModuleName (RFC 4108), hwType {hw_type}, hwSerialNum the 8 octets of the system title"
        ),
        AlternativeNameRule::DnsNames { required: true, max } => format!("1 to {max} dNSNames"),
        AlternativeNameRule::DnsNames { required: false, max } => {
            format!("up to {max} dNSNames, where the request names them; else absent")
        }
        AlternativeNameRule::UriOrEmail => {
            "one URI or e-mail address, where the request names it; else absent".to_owned()
        }
    }
}

/// When and how often a certificate is replaced by who shows it.
pub(super) fn renewal(profile: &CertificateProfile, field: impl Fn(&str) -> String) -> String {
    let rule = profile.parts().renewal;
    let (window, spread, limit) = (field("renewal_window"), field("renewal_spread"), rule.limit);
    let spread = match (rule.window, spread.as_str()) {
        (RenewalWindow::AnyTime, _) => String::new(),
        (_, "none") => ", at once for all".to_owned(),
        (_, spread) => format!(", devices spread over {spread} by their system titles"),
    };
    let window = if window == "any-time" { "at any time".to_owned() } else { format!("in {window}") };
    format!("{window}{spread}; {limit} times at most within one length of validity")
}

/// Which key a replacement has.
pub(super) const fn key_reuse(profile: &CertificateProfile) -> &'static str {
    match profile.parts().key_reuse {
        KeyReuse::Refused => "a new key",
        KeyReuse::Allowed => "a new key or the same",
    }
}

/// Which names a replacement has.
pub(super) const fn name_change(profile: &CertificateProfile) -> &'static str {
    match profile.parts().name_change {
        NameChange::Refused => "and the same names",
        NameChange::Allowed => "and other alternative names where the request says so",
    }
}

/// How many people must agree.
pub(super) const fn approval(profile: &CertificateProfile) -> &'static str {
    match profile.parts().approval {
        Approval::NotNeeded => "nobody, unless the offer says so",
        Approval::One => "one operator",
        Approval::Two => "two different operators",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_at_the_head_of_a_file_is_one_line_and_no_word_is_broken() {
        let text = "# The key-\n# agreement key,\n# of a unit.\nformat = 1\n# not this\n";
        assert_eq!(purpose_of_file(text), "The key-agreement key, of a unit.");
    }

    #[test]
    fn a_name_is_told_apart_from_its_suite() {
        assert_eq!(suite_of("meter-op-tls-s2"), ("meter-op-tls", Some(2)));
        assert_eq!(suite_of("crl-online"), ("crl-online", None));
    }
}
