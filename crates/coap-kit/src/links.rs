//! The list of what is here, in link format (RFC 6690 §2, §4).

use crate::format::Format;

/// A link to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its path, from the first slash on, as it stands in a URI.
    pub path: String,
    /// `rt`: what it is, where there is a name for it.
    pub resource_type: Option<String>,
    /// `ct`: the forms of its answers (RFC 7252 §7.2.1).
    pub formats: Vec<Format>,
}

/// Writes the links that all of the queries ask for (RFC 6690 §4.1).
pub(crate) fn list(links: &[Link], queries: &[String]) -> String {
    let is_wanted = |link: &&Link| queries.iter().all(|query| link.matches(query));
    links.iter().filter(is_wanted).map(Link::text).collect::<Vec<_>>().join(",")
}

impl Link {
    fn text(&self) -> String {
        let resource_type = self.resource_type.as_ref().map(|name| format!(";rt=\"{name}\""));
        let formats: Vec<String> = self.formats.iter().map(|format| format.number().to_string()).collect();
        // RFC 7252 §7.2.1: one format may stand without quotation marks, several stand in them.
        let formats = match formats.as_slice() {
            [one] => one.clone(),
            several => format!("\"{}\"", several.join(" ")),
        };
        format!("<{}>{};ct={formats}", self.path, resource_type.unwrap_or_default())
    }

    /// RFC 6690 §4.1: an attribute has the value, or one of its values; what it does not have does not match. A query that
    /// names none says nothing.
    fn matches(&self, query: &str) -> bool {
        let Some((name, pattern)) = query.split_once('=') else { return true };
        let value_is = |value: &str| is_match(pattern, value);
        match name {
            "href" => value_is(&self.path),
            "rt" => self.resource_type.as_deref().is_some_and(value_is),
            "ct" => self.formats.iter().any(|format| value_is(&format.number().to_string())),
            _ => false,
        }
    }
}

/// RFC 6690 §4.1: an asterisk at the end stands for whatever follows.
fn is_match(pattern: &str, value: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == value, |beginning| value.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Vec<Link> {
        let link = |path: &str, resource_type: Option<&str>, formats: &[u16]| Link {
            path: path.to_owned(),
            resource_type: resource_type.map(str::to_owned),
            formats: formats.iter().copied().map(Format::of).collect(),
        };
        vec![link("/a", Some("x.a"), &[281, 287]), link("/b", Some("x.b"), &[281]), link("/c", None, &[259])]
    }

    fn listed(queries: &[&str]) -> String {
        list(&links(), &queries.iter().map(|query| (*query).to_owned()).collect::<Vec<_>>())
    }

    // RFC 6690 §2, RFC 7252 §7.2.1.
    #[test]
    fn writes_paths_types_and_formats() {
        let all = "</a>;rt=\"x.a\";ct=\"281 287\",</b>;rt=\"x.b\";ct=281,</c>;ct=259";
        for queries in [&[][..], &["href=/*"], &["what"]] {
            assert_eq!(listed(queries), all, "{queries:?}");
        }
    }

    // RFC 6690 §4.1.
    #[test]
    fn a_query_asks_for_one_attribute_and_several_for_all() {
        for (queries, paths) in [
            (&["rt=x.*"][..], &["/a", "/b"][..]),
            (&["rt=x.b"], &["/b"]),
            (&["rt=y.*"], &[]),
            (&["ct=281"], &["/a", "/b"]),
            (&["ct=287", "rt=x.*"], &["/a"]),
            (&["ct=259"], &["/c"]),
            (&["href=/c"], &["/c"]),
            (&["if=sensor"], &[]),
        ] {
            let text = listed(queries);
            let found: Vec<&str> =
                text.split(',').filter_map(|link| link.strip_prefix('<')?.split('>').next()).collect();
            assert_eq!(found, paths, "{queries:?}");
        }
    }
}
