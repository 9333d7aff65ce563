//! What stands behind a path, and how it is found: the functions of EST-coaps and their discovery (RFC 9148 §4.1, RFC 6690).

use coap_kit::{Format, Link, Target};

use crate::format::{CERTS_ONLY, CSR_ATTRIBUTES, MULTIPART, PKIX_CERT, Shape};

/// RFC 9148 §4.1: the default root.
const ROOT: [&str; 2] = [".well-known", "est"];

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
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

    /// RFC 9148 §4.3, §4.8: how a certificate comes in an answer of this form.
    pub(crate) fn shape(self, form: Format) -> Shape {
        if form == PKIX_CERT || self == Self::Skc { Shape::Alone } else { Shape::CertsOnly }
    }
}

/// Finds what a path names; segments are compared as they came, octet for octet.
pub(crate) fn find(target: &Target) -> Resource {
    let segments = target.path.iter().flatten().map(String::as_str).collect::<Vec<_>>();
    let function = match segments.strip_prefix(&ROOT) {
        Some([function]) => Function::parse(function).map(|function| (None, function)),
        Some([label, function]) => Function::parse(function).map(|found| (Some((*label).to_owned()), found)),
        _ => None,
    };
    function.map_or(Resource::Nothing, |(label, function)| Resource::Function(label, function))
}

/// Returns the links to all functions that are offered (RFC 9148 §4.1).
pub(crate) fn links(is_offered: impl Fn(&str) -> bool) -> Vec<Link> {
    let link = |function: Function| Link {
        path: format!("/.well-known/est/{}", function.segment()),
        resource_type: Some(format!("ace.est.{}", function.segment())),
        formats: function.formats().to_vec(),
    };
    Function::ALL.into_iter().filter(|function| is_offered(function.operation())).map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use coap_kit::Method;

    fn at(path: &[&str]) -> Resource {
        find(&Target {
            method: Method::Get,
            path: Some(path.iter().map(|segment| (*segment).to_owned()).collect()),
            queries: Vec::new(),
            announced: None,
            accept: None,
        })
    }

    // RFC 9148 §4.1: short paths under the default root, with and without a label.
    #[test]
    fn finds_functions_with_and_without_a_label() {
        for (segment, function) in
            [("crts", Function::Crts), ("sen", Function::Sen), ("sren", Function::Sren)]
        {
            assert_eq!(at(&[".well-known", "est", segment]), Resource::Function(None, function));
            let labelled = Resource::Function(Some("tls".to_owned()), function);
            assert_eq!(at(&[".well-known", "est", "tls", segment]), labelled);
        }
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
            &[".well-known", "core"],
            &[],
        ] {
            assert_eq!(at(path), Resource::Nothing, "{path:?}");
        }
    }

    // RFC 9148 §4.8: /skg has PKCS #7 in it, /skc one certificate.
    #[test]
    fn the_function_or_the_form_says_how_a_certificate_comes() {
        assert_eq!(Function::Skg.shape(MULTIPART), Shape::CertsOnly);
        assert_eq!(Function::Skc.shape(MULTIPART), Shape::Alone);
        assert_eq!(Function::Sen.shape(CERTS_ONLY), Shape::CertsOnly);
        assert_eq!(Function::Sren.shape(PKIX_CERT), Shape::Alone);
    }

    // RFC 9148 §4.1: the three mandatory functions are always listed, and others where they are offered.
    #[test]
    fn lists_what_is_offered() {
        let offered = ["cacerts", "simpleenroll", "simplereenroll"];
        let links = links(|operation| offered.contains(&operation));
        let told: Vec<_> = links.iter().map(|link| (link.path.as_str(), link.formats.len())).collect();
        let paths = [("/.well-known/est/crts", 1), ("/.well-known/est/sen", 2), ("/.well-known/est/sren", 2)];
        assert_eq!(told, paths);
        assert_eq!(links[1].resource_type.as_deref(), Some("ace.est.sen"));
    }
}
