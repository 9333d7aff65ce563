//! JSON as programs in Go read it: the names of fields in large or small letters, null as if it were not there.

use serde_json::{Map, Value};

use super::lengths;
use crate::read_error::ConfigurationFault;

/// The longest configuration that is read, in octets.
pub(super) const MOST_OCTETS: usize = 1 << 20;

/// An object, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    place: String,
    fields: &'a Map<String, Value>,
}

/// Reads a file that is one object.
pub(super) fn parse(text: &str) -> Result<Value, ConfigurationFault> {
    if text.len() > MOST_OCTETS {
        return Err(ConfigurationFault::Long { octets: text.len(), most: MOST_OCTETS });
    }
    serde_json::from_str(text).map_err(ConfigurationFault::Json)
}

impl<'a> Object<'a> {
    /// Takes a value as an object.
    pub(super) fn of(value: &'a Value, place: &str) -> Result<Self, ConfigurationFault> {
        let fields = value.as_object().ok_or_else(|| wrong(place.to_owned(), "object"))?;
        Ok(Self { place: place.to_owned(), fields })
    }

    fn at(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    /// Finds a field.
    pub(super) fn field(&self, name: &str) -> Option<&'a Value> {
        let alike = || self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let found = self.fields.get(name).or_else(|| alike().map(|(_, value)| value));
        found.filter(|value| !value.is_null())
    }

    /// The fields with their names.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.fields.iter()
    }

    /// A field that is an object.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, ConfigurationFault> {
        self.field(name).map(|value| Self::of(value, &self.at(name))).transpose()
    }

    /// A field that is a list of objects.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, ConfigurationFault> {
        let at = self.at(name);
        self.list(name)?.iter().map(|value| Self::of(value, &at)).collect()
    }

    fn list(&self, name: &str) -> Result<&'a [Value], ConfigurationFault> {
        let Some(value) = self.field(name) else { return Ok(&[]) };
        value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(self.at(name), "list"))
    }

    /// A field that is a text; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ConfigurationFault> {
        let Some(value) = self.field(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong(self.at(name), "text"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A field that is a list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ConfigurationFault> {
        let texts = self.list(name)?.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        texts.ok_or_else(|| wrong(self.at(name), "list of texts"))
    }

    /// A field that says yes or no.
    pub(super) fn yes(&self, name: &str) -> Result<bool, ConfigurationFault> {
        let Some(value) = self.field(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| wrong(self.at(name), "true or false"))
    }

    /// A field that is a duration of Go, in seconds.
    pub(super) fn length(&self, name: &str) -> Result<Option<i64>, ConfigurationFault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        lengths::go(text).map(Some).ok_or_else(|| wrong(self.at(name), "duration such as 8760h"))
    }
}

fn wrong(key: String, wanted: &'static str) -> ConfigurationFault {
    ConfigurationFault::Value { key, wanted }
}
