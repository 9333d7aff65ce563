//! The document of the operator's interface (OpenAPI 3.1) as the console reads it: which operations there are, what they take and give.
//!
//! What a schema says beyond what is needed to show a value or to ask for one is not read.

use serde_json::Value;

/// Where schemas stand.
const SCHEMAS: &str = "#/components/schemas/";

/// The document.
#[derive(Debug)]
pub(crate) struct Document {
    whole: Value,
}

/// Whether an operation reads or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

impl Method {
    const fn member(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }

    /// As it is written.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// An operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'a> {
    document: &'a Document,
    pub(crate) method: Method,
    /// Its path, with names in braces.
    pub(crate) template: &'a str,
    node: &'a Value,
}

/// An operation, and what stands in the places of the names of its path.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    pub(crate) operation: Operation<'a>,
    pub(crate) parts: Vec<(&'a str, String)>,
}

impl Document {
    pub(crate) const fn new(whole: Value) -> Self {
        Self { whole }
    }

    /// Returns all operations in the order of their paths.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.whole.get("paths").and_then(Value::as_object);
        paths.into_iter().flatten().flat_map(move |(template, item)| {
            [Method::Get, Method::Post].into_iter().filter_map(move |method| {
                Some(Operation { document: self, method, template, node: item.get(method.member())? })
            })
        })
    }

    /// Returns the operation of a path; one whose path has no names before one that has.
    pub(crate) fn find(&self, method: Method, path: &str) -> Option<Found<'_>> {
        let fit = self.operations().filter(|operation| operation.method == method);
        let found =
            fit.filter_map(|operation| Some(Found { parts: parts(operation.template, path)?, operation }));
        found.min_by_key(|found| found.parts.len())
    }

    fn pointed(&self, reference: &str) -> Option<&Value> {
        self.whole.pointer(reference.strip_prefix('#')?)
    }
}

/// What stands in the places of the names of a template, if the path fits it.
fn parts<'a>(template: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    let (mut names, mut segments) = (template.split('/'), path.split('/'));
    let mut parts = Vec::new();
    loop {
        match (names.next(), segments.next()) {
            (None, None) => return Some(parts),
            (Some(name), Some(segment)) => match braced(name) {
                Some(name) if !segment.is_empty() => parts.push((name, decoded(segment))),
                Some(_) => return None,
                None if name == segment => {}
                None => return None,
            },
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

/// The name in braces.
pub(crate) fn braced(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn decoded(segment: &str) -> String {
    // A plus stands for itself in a path.
    let escaped = segment.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}

impl<'a> Operation<'a> {
    /// What it does, in a sentence without its full stop.
    pub(crate) fn summary(&self) -> &'a str {
        text(self.node, "summary").unwrap_or(self.template).trim_end_matches('.')
    }

    /// Which permission it needs.
    pub(crate) fn permission(&self) -> Option<&'a str> {
        text(self.node, "x-permission")
    }

    /// What it needs, in a sentence.
    pub(crate) fn description(&self) -> &'a str {
        text(self.node, "description").unwrap_or_default()
    }

    /// The parameters of its query.
    pub(crate) fn query(&self) -> Vec<Member<'a>> {
        let document = self.document;
        let parameters = self.node.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let asked = parameters.filter(|parameter| text(parameter, "in") == Some("query"));
        asked
            .filter_map(|parameter| {
                let schema = Schema::of(document, parameter.get("schema")?);
                let schema = Schema { description: text(parameter, "description"), ..schema };
                let is_required = parameter.get("required").and_then(Value::as_bool) == Some(true);
                Some(Member { name: text(parameter, "name")?, schema, is_required })
            })
            .collect()
    }

    /// What it takes.
    pub(crate) fn body(&self) -> Option<Schema<'a>> {
        let content = self.node.pointer("/requestBody/content/application~1json/schema")?;
        Some(Schema::of(self.document, content))
    }

    /// What it gives.
    pub(crate) fn answer(&self) -> Option<Schema<'a>> {
        let content = self.node.pointer("/responses/200/content/application~1json/schema")?;
        Some(Schema::of(self.document, content))
    }

    /// Operations whose paths begin with this one's and go on by one part or more that have no names.
    pub(crate) fn beneath(&self) -> impl Iterator<Item = Self> {
        let start = self.template;
        self.document.operations().filter(move |operation| {
            let rest = operation.template.strip_prefix(start).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| !rest.contains('{'))
        })
    }

    /// The operation of this path by another method.
    pub(crate) fn beside(&self, method: Method) -> Option<Self> {
        self.document.operations().find(|other| other.method == method && other.template == self.template)
    }

    /// The operation that shows one of those that this one lists: its path is this one's with names behind it.
    pub(crate) fn single(&self) -> Option<Self> {
        let is_single = |template: &str| {
            let rest = template.strip_prefix(self.template).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| rest.split('/').all(|segment| braced(segment).is_some()))
        };
        self.document.operations().find(|other| other.method == Method::Get && is_single(other.template))
    }
}

/// A member of an object, or a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: Schema<'a>,
    pub(crate) is_required: bool,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema<'a> {
    document: &'a Document,
    /// The name under which it is known, such as `SystemTitle`.
    pub(crate) name: Option<&'a str>,
    /// What it is, in a sentence.
    pub(crate) description: Option<&'a str>,
    node: &'a Value,
}

/// What kind of value it is.
#[derive(Debug, Clone)]
pub(crate) enum Kind<'a> {
    /// A text.
    Text,
    /// One of some words.
    Words(Vec<&'a str>),
    /// A whole number, between bounds.
    Number(Option<i64>, Option<u64>),
    /// True or false.
    Flag,
    /// Some of the same.
    List(Schema<'a>),
    /// Named members.
    Object(Vec<Member<'a>>),
    /// Whatever else.
    Other,
}

impl<'a> Schema<'a> {
    /// Follows references, and looks past what says that a value may be absent.
    fn of(document: &'a Document, node: &'a Value) -> Self {
        let description = text(node, "description");
        if let Some(reference) = text(node, "$ref") {
            let name = reference.strip_prefix(SCHEMAS);
            let Some(there) = document.pointed(reference) else {
                return Self { document, name, description, node };
            };
            let schema = Self::of(document, there);
            return Self {
                name: schema.name.or(name),
                description: description.or(schema.description),
                ..schema
            };
        }
        match present(node) {
            Some(one) => {
                let schema = Self::of(document, one);
                Self { description: description.or(schema.description), ..schema }
            }
            None => Self { document, name: None, description, node },
        }
    }

    /// Tells what kind of value it is.
    pub(crate) fn kind(&self) -> Kind<'a> {
        if let Some(words) = self.node.get("enum").and_then(Value::as_array) {
            return Kind::Words(words.iter().filter_map(Value::as_str).collect());
        }
        match self.of_type() {
            Some("string") => Kind::Text,
            Some("integer") => {
                let bound = |name| self.node.get(name);
                Kind::Number(
                    bound("minimum").and_then(Value::as_i64),
                    bound("maximum").and_then(Value::as_u64),
                )
            }
            Some("boolean") => Kind::Flag,
            Some("array") => self.item().map_or(Kind::Other, Kind::List),
            Some("object") => Kind::Object(self.members()),
            None if self.node.get("allOf").is_some() => Kind::Object(self.members()),
            _ => Kind::Other,
        }
    }

    /// The form of a text, as a regular expression.
    pub(crate) fn pattern(&self) -> Option<&'a str> {
        text(self.node, "pattern")
    }

    /// An example of it.
    pub(crate) fn example(&self) -> Option<&'a str> {
        self.node.pointer("/examples/0").and_then(Value::as_str)
    }

    /// How long a text may be.
    pub(crate) fn longest(&self) -> Option<u64> {
        self.node.get("maxLength").and_then(Value::as_u64)
    }

    /// Whether an empty text or list is one of it, as far as is told.
    pub(crate) fn may_be_empty(&self) -> bool {
        let at_least = |name: &str| self.node.get(name).and_then(Value::as_u64).unwrap_or(0);
        match self.kind() {
            Kind::Text => at_least("minLength") == 0 && self.pattern().is_none_or(takes_nothing),
            Kind::List(_) => at_least("minItems") == 0,
            Kind::Words(_) | Kind::Number(..) | Kind::Flag | Kind::Object(_) | Kind::Other => false,
        }
    }

    /// The rows of an answer, and what each of them is; none where the answer is no list.
    pub(crate) fn rows_of(&self, answer: &'a Value) -> Option<(Self, &'a [Value])> {
        let (member, item) = self.rows()?;
        let rows = member.map_or(Some(answer), |member| answer.get(member)).and_then(Value::as_array);
        Some((item, rows.map_or(&[][..], Vec::as_slice)))
    }

    /// What a list has some of.
    fn item(&self) -> Option<Self> {
        let items = self.node.get("items").filter(|_| self.of_type() == Some("array"))?;
        Some(Self::of(self.document, items))
    }

    /// The rows of a list: the items of an array, or of the only array in an object that says at most where the next ones are, or says
    /// that beside other things.
    pub(crate) fn rows(&self) -> Option<(Option<&'a str>, Self)> {
        if let Some(item) = self.item() {
            return Some((None, item));
        }
        let members = self.members();
        let mut lists = members.iter().filter_map(|member| Some((Some(member.name), member.schema.item()?)));
        let only = lists.next().filter(|_| lists.next().is_none())?;
        let is_page = members.len() == 1 || members.iter().any(|member| member.name == "next");
        is_page.then_some(only)
    }

    /// The members of an object, or of the objects that it is made of; none of anything else.
    pub(crate) fn members(&self) -> Vec<Member<'a>> {
        if let Some(all) = self.node.get("allOf").and_then(Value::as_array) {
            return all.iter().flat_map(|one| Self::of(self.document, one).members()).collect();
        }
        let required: Vec<&str> = self
            .node
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let properties = self.node.get("properties").and_then(Value::as_object).into_iter().flatten();
        let mut members: Vec<_> = properties
            .map(|(name, node)| Member {
                name,
                schema: Self::of(self.document, node),
                is_required: required.contains(&name.as_str()),
            })
            .collect();
        // The document names what is required in the order in which it is meant to be read; what is not comes behind it.
        let place =
            |member: &Member<'_>| required.iter().position(|name| *name == member.name).unwrap_or(usize::MAX);
        members.sort_by_key(place);
        members
    }

    fn of_type(&self) -> Option<&'a str> {
        let told = self.node.get("type")?;
        let choices = told.as_array().map_or_else(|| std::slice::from_ref(told), Vec::as_slice);
        choices.iter().filter_map(Value::as_str).find(|one| *one != "null")
    }
}

/// Whether an expression of the document takes an empty text: those that do are one class so many times, from none on.
fn takes_nothing(pattern: &str) -> bool {
    let repeated = pattern.strip_suffix("}$").and_then(|rest| rest.rsplit_once('{'));
    repeated.is_some_and(|(class, times)| {
        times.starts_with("0,") && class.starts_with("^[") && class.matches(']').count() == 1
    })
}

/// The only choice beside `null`.
fn present(node: &Value) -> Option<&Value> {
    let mut choices = node.get("oneOf")?.as_array()?.iter().filter(|one| text(one, "type") != Some("null"));
    choices.next().filter(|_| choices.next().is_none())
}

fn text<'a>(node: &'a Value, member: &str) -> Option<&'a str> {
    node.get(member)?.as_str()
}

#[cfg(test)]
pub(crate) mod tests;
