//! What stands behind a path, and how it is found: the functions of EST-coaps and their discovery (RFC 9148 §4.1, RFC 6690).

use crate::format::{CERTS_ONLY, CSR_ATTRIBUTES, Format, MULTIPART, PKIX_CERT};

/// RFC 9148 §4.1: the default root.
const ROOT: [&str; 2] = [".well-known", "est"];
/// RFC 6690 §4: where resources are discovered.
const DISCOVERY: [&str; 2] = [".well-known", "core"];

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// The list of what is here.
    Discovery,
    /// A function, under a label or the default one.
    Function(Option<String>, Function),
    /// Nothing.
    Nothing,
}

/// A function of EST-coaps (RFC 9148 §4.1, Table 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// The CA certificates.
    Crts,
    /// Enrolment.
    Sen,
    /// Re-enrolment.
    Sren,
    /// Attributes that a certification request is to have.
    Att,
    /// A key made by the server, with a certificate in PKCS #7.
    Skg,
    /// A key made by the server, with a certificate by itself.
    Skc,
}

impl Function {
    const ALL: [Self; 6] = [Self::Crts, Self::Sen, Self::Sren, Self::Att, Self::Skg, Self::Skc];

    fn parse(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.segment() == segment)
    }

    const fn segment(self) -> &'static str {
        match self {
            Self::Crts => "crts",
            Self::Sen => "sen",
            Self::Sren => "sren",
            Self::Att => "att",
            Self::Skg => "skg",
            Self::Skc => "skc",
        }
    }

    /// RFC 9148 §4.1, Table 1: what RFC 7030 calls it.
    pub(crate) const fn operation(self) -> &'static str {
        match self {
            Self::Crts => "cacerts",
            Self::Sen => "simpleenroll",
            Self::Sren => "simplereenroll",
            Self::Att => "csrattrs",
            Self::Skg | Self::Skc => "serverkeygen",
        }
    }

    /// RFC 9148 §4.3: the forms in which it is answered, the usual one first. The CA certificates are several, so that they
    /// have no form for one.
    pub(crate) const fn formats(self) -> &'static [Format] {
        match self {
            Self::Crts => &[CERTS_ONLY],
            Self::Sen | Self::Sren => &[CERTS_ONLY, PKIX_CERT],
            Self::Att => &[CSR_ATTRIBUTES],
            Self::Skg | Self::Skc => &[MULTIPART],
        }
    }
}

/// Finds what a path names; segments are compared as they came, octet for octet.
pub(crate) fn find(path: &[&str]) -> Resource {
    if *path == DISCOVERY {
        return Resource::Discovery;
    }
    let function = match path.strip_prefix(&ROOT) {
        Some([function]) => Function::parse(function).map(|function| (None, function)),
        Some([label, function]) => Function::parse(function).map(|found| (Some((*label).to_owned()), found)),
        _ => None,
    };
    function.map_or(Resource::Nothing, |(label, function)| Resource::Function(label, function))
}

/// Writes the links to all functions that are offered and that the queries ask for (RFC 6690 §2, §4.1).
pub(crate) fn links(queries: &[&str], is_offered: impl Fn(&str) -> bool) -> String {
    let wanted = queries.iter().filter_map(|query| query.strip_prefix("rt=")).collect::<Vec<_>>();
    let link = |function: Function| {
        let segment = function.segment();
        let formats: Vec<String> =
            function.formats().iter().map(|format| format.number().to_string()).collect();
        // RFC 9148 §4.1: one format stands without quotation marks, several in them.
        let formats = match formats.as_slice() {
            [one] => one.clone(),
            several => format!("\"{}\"", several.join(" ")),
        };
        format!("</.well-known/est/{segment}>;rt=\"ace.est.{segment}\";ct={formats}")
    };
    Function::ALL
        .into_iter()
        .filter(|function| is_offered(function.operation()))
        .filter(|function| {
            let resource_type = format!("ace.est.{}", function.segment());
            wanted.iter().all(|pattern| is_match(pattern, &resource_type))
        })
        .map(link)
        .collect::<Vec<_>>()
        .join(",")
}

/// RFC 6690 §4.1: an asterisk at the end stands for whatever follows.
fn is_match(pattern: &str, value: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == value, |beginning| value.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [&str; 3] = ["cacerts", "simpleenroll", "simplereenroll"];

    // RFC 9148 §4.1: short paths under the default root, with and without a label.
    #[test]
    fn finds_functions_with_and_without_a_label() {
        for (segment, function) in
            [("crts", Function::Crts), ("sen", Function::Sen), ("sren", Function::Sren)]
        {
            assert_eq!(find(&[".well-known", "est", segment]), Resource::Function(None, function));
            let labelled = Resource::Function(Some("tls".to_owned()), function);
            assert_eq!(find(&[".well-known", "est", "tls", segment]), labelled);
        }
        assert_eq!(find(&[".well-known", "core"]), Resource::Discovery);
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in [
            &[".well-known", "est"][..],
            &[".well-known", "est", "simpleenroll"],
            &[".well-known", "est", "SEN"],
            &[".well-known", "est", "tls", "sen", ""],
            &[".well-known", "est", ""],
            &["est", "sen"],
            &[".well-known", "core", ""],
            &[],
        ] {
            assert_eq!(find(path), Resource::Nothing, "{path:?}");
        }
    }

    // RFC 9148 §4.1: the three mandatory functions are always listed, and others where they are offered.
    #[test]
    fn lists_what_is_offered_and_asked_for() {
        let links = |queries: &[&str]| links(queries, |operation| OFFERED.contains(&operation));
        let all = "</.well-known/est/crts>;rt=\"ace.est.crts\";ct=281,\
                   </.well-known/est/sen>;rt=\"ace.est.sen\";ct=\"281 287\",\
                   </.well-known/est/sren>;rt=\"ace.est.sren\";ct=\"281 287\"";
        for queries in [&["rt=ace.est*"][..], &[], &["rt=*"], &["rt=ace.est.*"]] {
            assert_eq!(links(queries), all, "{queries:?}");
        }
        assert_eq!(links(&["rt=ace.est.crts"]), "</.well-known/est/crts>;rt=\"ace.est.crts\";ct=281");
        assert_eq!(links(&["rt=core.s"]), "");
        assert_eq!(links(&["rt=ace.est.skg"]), "", "not offered");
    }
}
