//! What a path names: an operation or none, for a label or none (RFC 9482 §2.1, RFC 9483 §6.2).

use cmp_server::desk::Path;
use coap_kit::Target;

/// RFC 9482 §2.1: the registered name.
const ROOT: [&str; 2] = [".well-known", "cmp"];

/// RFC 9483 §6.2, Table 2: the path segments of operations over CoAP, and those of Table 1 over HTTP.
const OPERATIONS: [(&str, &str); 10] = [
    ("ir", "initialization"),
    ("cr", "certification"),
    ("kur", "keyupdate"),
    ("p10", "pkcs10"),
    ("rr", "revocation"),
    ("crts", "getcacerts"),
    ("rcu", "getrootupdate"),
    ("att", "getcertreqtemplate"),
    ("crls", "getcrls"),
    ("nest", "nested"),
];

/// Finds what a path names; segments are compared as they came, octet for octet.
pub(crate) fn find(target: &Target) -> Option<Path> {
    let segments = target.path.iter().flatten().map(String::as_str).collect::<Vec<_>>();
    let (label, operation) = match segments.strip_prefix(&ROOT)? {
        [] => (None, None),
        [segment] => (None, Some(operation(segment)?)),
        ["p", name] => (Some(*name), None),
        ["p", name, segment] => (Some(*name), Some(operation(segment)?)),
        _ => return None,
    };
    Some(Path { label: label.map(str::to_owned), operation })
}

fn operation(segment: &str) -> Option<&'static str> {
    OPERATIONS.into_iter().find_map(|(short, name)| (short == segment).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use coap_kit::Method;

    fn at(path: &str) -> Option<Path> {
        let segments = path.split('/').filter(|_| !path.is_empty()).map(str::to_owned);
        find(&Target {
            method: Method::Post,
            path: Some([".well-known", "cmp"].map(str::to_owned).into_iter().chain(segments).collect()),
            queries: Vec::new(),
            announced: None,
            accept: None,
        })
    }

    // RFC 9482 §2.1: the prefix, a name after `p`, and an operation.
    #[test]
    fn finds_places_with_and_without_a_label_and_an_operation() {
        let path = |label: Option<&str>, operation| Some(Path { label: label.map(str::to_owned), operation });
        assert_eq!(at(""), path(None, None));
        assert_eq!(at("p/meter-ds"), path(Some("meter-ds"), None));
        for (short, name) in OPERATIONS {
            assert_eq!(at(short), path(None, Some(name)));
            assert_eq!(at(&format!("p/meter-ds/{short}")), path(Some("meter-ds"), Some(name)));
        }
    }

    // RFC 9482 §2.6: there are no announcements, so that "ann" names nothing.
    #[test]
    fn other_paths_name_nothing() {
        for path in ["ann", "p/meter-ds/ann", "p", "p/meter-ds/ir/x", "IR", "initialization", "x", "ir/", "/"]
        {
            assert_eq!(at(path), None, "{path}");
        }
        let elsewhere = Target {
            method: Method::Post,
            path: Some(vec!["cmp".to_owned()]),
            queries: Vec::new(),
            announced: None,
            accept: None,
        };
        assert_eq!(find(&elsewhere), None);
        assert_eq!(find(&Target { path: None, ..elsewhere }), None);
    }
}
