//! A row as its file has it: cells, an element of XML, or a value of JSON. Nothing here knows what a device is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// One row.
#[derive(Debug)]
pub(crate) enum Row<'a> {
    /// Cells of CSV, which are text.
    Texts(&'a csv::StringRecord),
    /// Cells of a sheet.
    Cells(&'a [Cell]),
    /// An element of XML.
    Element(&'a Element),
    /// A value of JSON.
    Json(&'a Json),
}

impl<'a> Row<'a> {
    /// Returns the cell of a column, counted from 0.
    pub(crate) fn cell(&self, column: usize) -> Found<'a> {
        match self {
            Self::Texts(record) => record.get(column).map_or(Found::Absent, Found::text),
            Self::Cells(cells) => match cells.get(column) {
                None | Some(Cell::Empty) => Found::Absent,
                Some(Cell::Text(text)) => Found::text(text),
                Some(Cell::Unfit(why)) => Found::Unfit(*why),
            },
            Self::Element(_) | Self::Json(_) => Found::Absent,
        }
    }
}

/// What stands at a place of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// Nothing.
    Absent,
    /// A text.
    Text(Cow<'a, str>),
    /// Something that is no text, or not one.
    Unfit(Unfit),
}

impl<'a> Found<'a> {
    /// A text.
    pub(crate) const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// Why what stands there is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// A number that may have lost digits.
    Inexact,
    /// A date or a time.
    Date,
    /// An error of a formula.
    Formula,
    /// More than one.
    Several,
    /// An array or object.
    Structure,
}

impl Unfit {
    /// What to say of it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Inexact => "a number that may have lost digits: deliver the column as text",
            Self::Date => "a date or a time: deliver the column as text",
            Self::Formula => "the error of a formula",
            Self::Several => "it stands here more than once",
            Self::Structure => "an array or object where a value should be",
        }
    }
}

/// A cell of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Unfit(Unfit),
}

/// Up to this, every whole number has a floating-point number of its own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the text of a number that a program kept in floating point, if it cannot have lost digits.
pub(crate) fn exact(number: f64) -> Option<String> {
    (number.fract() == 0.0 && number.abs() < EXACT).then(|| format!("{number:.0}"))
}

/// An element of XML with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// The number of its namespace in the map's list, if it is there.
    pub(crate) namespace: Option<usize>,
    pub(crate) local: String,
    /// Local names and values.
    pub(crate) attributes: Vec<(String, String)>,
    /// Its own text.
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

impl Element {
    /// Returns the value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A value of JSON (RFC 8259), in which no object has two members of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A whole number, as text.
    Number(String),
    /// A number that is not whole or too large to be read without loss.
    Inexact,
    Text(String),
    List(Vec<Self>),
    Members(Vec<(String, Self)>),
}

impl Json {
    /// Returns it as a value of a field.
    pub(crate) fn found(&self) -> Found<'_> {
        match self {
            Self::Null => Found::Absent,
            Self::Bool(true) => Found::text("true"),
            Self::Bool(false) => Found::text("false"),
            Self::Number(text) | Self::Text(text) => Found::text(text),
            Self::Inexact => Found::Unfit(Unfit::Inexact),
            Self::List(_) | Self::Members(_) => Found::Unfit(Unfit::Structure),
        }
    }

    /// Tells whether it is an object with a member of this name and text.
    pub(crate) fn has(&self, name: &str, text: &str) -> bool {
        let Self::Members(members) = self else { return false };
        members.iter().any(|(known, value)| known == name && value.found() == Found::text(text))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(exact(value).map_or(Json::Inexact, Json::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(one) = access.next_element()? {
            list.push(one);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some((name, value)) = access.next_entry::<String, Json>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("an object has two members of one name"));
            }
            members.push((name, value));
        }
        Ok(Json::Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_below_2_to_the_53_are_exact() {
        assert_eq!(exact(16_000_000.0), Some("16000000".to_owned()));
        assert_eq!(exact(9_007_199_254_740_991.0), Some("9007199254740991".to_owned()));
        assert_eq!(exact(9_007_199_254_740_992.0), None);
        assert_eq!(exact(0.5), None);
        assert_eq!(exact(f64::NAN), None);
        assert_eq!(exact(f64::INFINITY), None);
    }

    #[test]
    fn an_object_with_two_members_of_one_name_is_refused() {
        assert!(serde_json::from_str::<Json>(r#"{"a":1,"b":{"a":2}}"#).is_ok());
        assert!(serde_json::from_str::<Json>(r#"{"a":1,"a":2}"#).is_err());
    }
}
