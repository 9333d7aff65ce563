//! Where a value stands in a tree: a path of XML elements, a small part of `XPath` 1.0; and a pointer into JSON (RFC 6901).
//!
//! Both have one way to choose among many by a value beside it: `Key[@name='GUEK']/Value`, `/keys/[name=GUEK]/value`.

use crate::row::{Element, Found, Json, Unfit};

/// A name of XML in a path: without a prefix it is found in any namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// The number of the namespace in the map's list.
    namespace: Option<usize>,
    local: String,
}

impl Name {
    /// Tells whether it names an element.
    pub(crate) fn is(&self, namespace: Option<usize>, local: &str) -> bool {
        self.local == local && (self.namespace.is_none() || self.namespace == namespace)
    }

    fn parse(text: &str, prefixes: &[(String, String)]) -> Result<Self, String> {
        let (prefix, local) = match text.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None => (None, text),
        };
        if local.is_empty() || !local.chars().all(|one| one.is_alphanumeric() || "-_.".contains(one)) {
            return Err(format!("{text:?} is no name of an element"));
        }
        let namespace = match prefix {
            None => None,
            Some(prefix) => match prefixes.iter().position(|(known, _)| known == prefix) {
                Some(place) => Some(place),
                None => return Err(format!("[xml.namespaces] has no prefix {prefix:?}")),
            },
        };
        Ok(Self { namespace, local: local.to_owned() })
    }
}

/// What is asked of an element beside its name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    None,
    Attribute(String, String),
    Child(String, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PathStep {
    name: Name,
    condition: Condition,
}

/// A path from one element: `Plate/Serial`, `@id`, `Key[@name='GUEK']/@value`, `.`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlPath {
    steps: Vec<PathStep>,
    attribute: Option<String>,
    text: String,
}

impl XmlPath {
    /// Parses a path below an element.
    pub(crate) fn parse(text: &str, prefixes: &[(String, String)]) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut attribute = None;
        for part in parts(text) {
            if attribute.is_some() {
                return Err(format!("{text:?}: nothing stands below an attribute"));
            }
            match part.strip_prefix('@') {
                Some(name) => {
                    attribute = Some(Name::parse(name, &[]).map_err(|why| format!("{text:?}: {why}"))?.local);
                }
                None if part == "." && text == "." => {}
                None => steps.push(step(part, prefixes).map_err(|why| format!("{text:?}: {why}"))?),
            }
        }
        Ok(Self { steps, attribute, text: text.to_owned() })
    }

    /// Returns the path as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Finds the one value.
    pub(crate) fn find<'a>(&self, element: &'a Element) -> Found<'a> {
        let mut found = self.find_each(element);
        match (found.pop(), found.is_empty()) {
            (None, _) => Found::Absent,
            (Some(one), true) => Found::text(one),
            (Some(_), false) => Found::Unfit(Unfit::Several),
        }
    }

    /// Finds every value.
    pub(crate) fn find_each<'a>(&self, element: &'a Element) -> Vec<&'a str> {
        let mut reached = vec![element];
        for step in &self.steps {
            reached = reached
                .into_iter()
                .flat_map(|above| &above.children)
                .filter(|child| step.name.is(child.namespace, &child.local) && step.condition.holds(child))
                .collect();
        }
        match &self.attribute {
            None => reached.iter().map(|element| element.text.trim()).collect(),
            Some(name) => reached.iter().filter_map(|element| element.attribute(name)).collect(),
        }
    }
}

impl Condition {
    fn holds(&self, element: &Element) -> bool {
        match self {
            Self::None => true,
            Self::Attribute(name, value) => element.attribute(name) == Some(value),
            Self::Child(name, value) => {
                element.children.iter().any(|child| child.local == *name && child.text.trim() == value)
            }
        }
    }
}

/// Cuts a path at each slash that is not within a condition.
fn parts(text: &str) -> Vec<&str> {
    let mut within = false;
    text.split(|one| {
        within = match one {
            '[' => true,
            ']' => false,
            _ => within,
        };
        one == '/' && !within
    })
    .collect()
}

fn step(text: &str, prefixes: &[(String, String)]) -> Result<PathStep, String> {
    let Some((name, condition)) = text.split_once('[') else {
        return Ok(PathStep { name: Name::parse(text, prefixes)?, condition: Condition::None });
    };
    let wrong = || format!("a condition is [@name='value'] or [name='value'], not [{condition}");
    let (left, right) =
        condition.strip_suffix(']').and_then(|inner| inner.split_once('=')).ok_or_else(wrong)?;
    let quoted = |quote: char| right.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let value = quoted('\'').or_else(|| quoted('"')).ok_or_else(wrong)?.to_owned();
    let condition = match left.strip_prefix('@') {
        Some(attribute) => Condition::Attribute(Name::parse(attribute, &[])?.local, value),
        None => Condition::Child(Name::parse(left, &[])?.local, value),
    };
    Ok(PathStep { name: Name::parse(name, prefixes)?, condition })
}

/// A path from the top of an XML file: `/Delivery/Device`, `/Delivery/Header/@count`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopPath {
    /// The elements, the outermost first.
    pub(crate) names: Vec<Name>,
    /// The attribute of the last, if it is that and not its text.
    pub(crate) attribute: Option<String>,
}

impl TopPath {
    /// Parses a path.
    pub(crate) fn parse(text: &str, prefixes: &[(String, String)]) -> Result<Self, String> {
        let below = text.strip_prefix('/').ok_or_else(|| format!("{text:?} does not begin with a slash"))?;
        let path = XmlPath::parse(below, prefixes)?;
        if path.steps.is_empty() || path.steps.iter().any(|step| step.condition != Condition::None) {
            return Err(format!("{text:?} is not names and slashes alone"));
        }
        Ok(Self { names: path.steps.into_iter().map(|step| step.name).collect(), attribute: path.attribute })
    }
}

/// A pointer into JSON (RFC 6901), in which a token `[name=value]` chooses the first element of an array with that member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    tokens: Vec<String>,
    text: String,
}

impl Pointer {
    /// Parses a pointer.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!("{text:?} does not begin with a slash"));
        }
        // RFC 6901 §4: ~1 is read before ~0.
        let tokens =
            text.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
        Ok(Self { tokens, text: text.to_owned() })
    }

    /// Returns the pointer as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns its tokens.
    pub(crate) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Finds the one value.
    pub(crate) fn find<'a>(&self, json: &'a Json) -> Found<'a> {
        self.reach(json).map_or(Found::Absent, Json::found)
    }

    /// Finds every element of an array.
    pub(crate) fn find_each<'a>(&self, json: &'a Json) -> Option<Vec<Found<'a>>> {
        match self.reach(json) {
            None | Some(Json::Null) => Some(Vec::new()),
            Some(Json::List(list)) => Some(list.iter().map(Json::found).collect()),
            Some(_) => None,
        }
    }

    fn reach<'a>(&self, json: &'a Json) -> Option<&'a Json> {
        self.tokens.iter().try_fold(json, |at, token| match at {
            Json::Members(members) => members.iter().find(|(name, _)| name == token).map(|(_, value)| value),
            Json::List(list) => match chosen(token) {
                Some((name, value)) => list.iter().find(|one| one.has(name, value)),
                None => token.parse::<usize>().ok().and_then(|place| list.get(place)),
            },
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Inexact | Json::Text(_) => None,
        })
    }
}

fn chosen(token: &str) -> Option<(&str, &str)> {
    token.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(local: &str, text: &str, children: Vec<Element>) -> Element {
        let attributes = vec![("id".to_owned(), local.to_lowercase())];
        Element { namespace: None, local: local.to_owned(), attributes, text: text.to_owned(), children }
    }

    fn device() -> Element {
        let key = |name: &str, value: &str| {
            let mut key =
                element("Key", "", vec![element("Value", value, vec![]), element("Name", name, vec![])]);
            key.attributes.push(("name".to_owned(), name.to_owned()));
            key
        };
        element(
            "Device",
            " here ",
            vec![element("Serial", "42", vec![]), key("GUEK", "aa"), key("GAK", "bb")],
        )
    }

    #[test]
    fn paths_find_elements_and_attributes() {
        for (path, found) in [
            ("Serial", Found::text("42")),
            (".", Found::text("here")),
            ("@id", Found::text("device")),
            ("Serial/@id", Found::text("serial")),
            ("Key[@name='GAK']/Value", Found::text("bb")),
            ("Key[Name=\"GUEK\"]/Value", Found::text("aa")),
            ("Key/Value", Found::Unfit(Unfit::Several)),
            ("Key[@name='KEK']/Value", Found::Absent),
            ("Model", Found::Absent),
            ("Serial/@none", Found::Absent),
        ] {
            assert_eq!(XmlPath::parse(path, &[]).unwrap().find(&device()), found, "{path}");
        }
        assert_eq!(XmlPath::parse("Key/Value", &[]).unwrap().find_each(&device()), ["aa", "bb"]);
    }

    #[test]
    fn a_prefix_asks_for_its_namespace() {
        let prefixes = [("d".to_owned(), "urn:x".to_owned())];
        let mut device = device();
        let path = XmlPath::parse("d:Serial", &prefixes).unwrap();
        assert_eq!(path.find(&device), Found::Absent);
        device.children[0].namespace = Some(0);
        assert_eq!(path.find(&device), Found::text("42"));
        assert!(XmlPath::parse("e:Serial", &prefixes).is_err());
    }

    #[test]
    fn refuses_paths_that_are_none() {
        for path in ["", "a//b", "a/@b/c", "a[b]", "a[@b=c]", "a[@b='c'", "a b", "/a"] {
            assert!(XmlPath::parse(path, &[]).is_err(), "{path}");
        }
        for path in ["a/b", "/", "/a[@b='c']", "/@a"] {
            assert!(TopPath::parse(path, &[]).is_err(), "{path}");
        }
        assert_eq!(TopPath::parse("/a/b/@c", &[]).unwrap().attribute.as_deref(), Some("c"));
    }

    // RFC 6901 §4: ~1 is read before ~0.
    #[test]
    fn pointers_find_members_and_elements() {
        let json: Json = serde_json::from_str(
            r#"{"a/b":{"m~n":"x"},"keys":[{"kind":"guek","octets":"aa"},{"kind":"gak","octets":"bb"}],"n":7,"f":1.5,"none":null}"#,
        )
        .unwrap();
        for (pointer, found) in [
            ("/a~1b/m~0n", Found::text("x")),
            ("/keys/1/octets", Found::text("bb")),
            ("/keys/[kind=gak]/octets", Found::text("bb")),
            ("/keys/[kind=kek]/octets", Found::Absent),
            ("/n", Found::text("7")),
            ("/f", Found::Unfit(Unfit::Inexact)),
            ("/none", Found::Absent),
            ("/keys", Found::Unfit(Unfit::Structure)),
            ("/keys/2", Found::Absent),
            ("/n/x", Found::Absent),
        ] {
            assert_eq!(Pointer::parse(pointer).unwrap().find(&json), found, "{pointer}");
        }
        assert_eq!(Pointer::parse("/keys").unwrap().find_each(&json).map(|each| each.len()), Some(2));
        assert_eq!(Pointer::parse("/n").unwrap().find_each(&json), None);
        assert!(Pointer::parse("a").is_err());
    }
}
