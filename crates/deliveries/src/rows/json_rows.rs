//! Rows of JSON (RFC 8259): the elements of one array somewhere in the file, or one value a line.
//!
//! What stands outside the rows is passed over without being kept, but for what the map wants of it.

use std::fmt;
use std::io::{BufRead as _, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Limits, RowTaker, stepped};
use crate::decoded::{Gauge, Text};
use crate::fault::{Place, ReadError};
use crate::map::{Head, HeadAt, Json as JsonForm, JsonLines};
use crate::row::{Json, Row};
use crate::source::Heads;

/// Reads one value a line; empty lines are passed over.
pub(super) fn read_lines<R: Read>(
    file: R,
    form: &JsonLines,
    limits: &Limits,
    taker: &mut dyn RowTaker,
) -> Result<Heads, ReadError> {
    let mut text = Text::new(file, form.encoding, limits.row_octets);
    let gauge = text.gauge();
    let heads = Heads::new();
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        let length = text
            .read_until(b'\n', &mut line)
            .map_err(|error| gauge.told().unwrap_or(ReadError::Io(error)))?;
        if length == 0 {
            return Ok(heads);
        }
        gauge.settle();
        number = number.saturating_add(1);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let place = Place::Line(number);
        match serde_json::from_slice::<Json>(&line) {
            Ok(json) => taker.row(place, &Row::Json(&json), &heads)?,
            Err(error) => taker.odd(place, format!("no JSON: {error}"))?,
        }
    }
}

/// Reads the elements of an array.
pub(super) fn read<R: Read>(
    file: R,
    form: &JsonForm,
    wanted: &[Head],
    limits: &Limits,
    taker: &mut dyn RowTaker,
) -> Result<Heads, ReadError> {
    let text = Text::new(file, form.encoding, limits.row_octets);
    let gauge = text.gauge();
    let mut state = State {
        taker,
        gauge: Rc::clone(&gauge),
        wanted,
        heads: Heads::new(),
        next: 0,
        found: false,
        stopped: None,
    };
    let heads = wanted.iter().enumerate().filter_map(|(place, head)| match &head.at {
        HeadAt::Member(pointer) => Some((place, pointer.tokens())),
        HeadAt::Cell { .. } | HeadAt::Trailer { .. } | HeadAt::Element(_) => None,
    });
    let walk = Walk { rows: Some(form.rows.tokens()), heads: heads.collect(), state: &mut state };
    let mut deserializer = serde_json::Deserializer::from_reader(text);
    let read = walk.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if let Some(error) = state.stopped {
        return Err(error);
    }
    if let Err(error) = read {
        return Err(gauge.told().unwrap_or_else(|| told(&error)));
    }
    if !state.found {
        let what = format!("no array stands at {:?}", form.rows.as_str());
        return Err(ReadError::Form { place: Place::File, what });
    }
    Ok(state.heads)
}

fn told(error: &serde_json::Error) -> ReadError {
    let place = Place::Line(u64::try_from(error.line()).unwrap_or_default());
    ReadError::Form { place, what: format!("no JSON: {error}") }
}

struct State<'a> {
    taker: &'a mut dyn RowTaker,
    gauge: Rc<Gauge>,
    wanted: &'a [Head],
    heads: Heads,
    next: u64,
    found: bool,
    stopped: Option<ReadError>,
}

impl State<'_> {
    fn head(&mut self, place: usize, text: &str) {
        if let Some(head) = self.wanted.get(place)
            && let Some(value) = stepped(text, &head.steps)
        {
            self.heads.insert(head.name.clone(), value);
        }
    }
}

/// A place in the file, and what is still looked for below it.
struct Walk<'a, 's> {
    /// What is left of the pointer to the rows, if this is on its way.
    rows: Option<&'a [String]>,
    /// The same of each head.
    heads: Vec<(usize, &'a [String])>,
    state: &'s mut State<'a>,
}

impl<'a> Walk<'a, '_> {
    /// Goes down one token.
    fn below<'t>(&'t mut self, token: &str) -> Walk<'a, 't>
    where
        'a: 't,
    {
        let down = |tokens: &'a [String]| match tokens.split_first() {
            Some((first, rest)) if first == token => Some(rest),
            Some(_) | None => None,
        };
        Walk {
            rows: self.rows.and_then(down),
            heads: self.heads.iter().filter_map(|(place, tokens)| Some((*place, down(tokens)?))).collect(),
            state: self.state,
        }
    }

    /// Takes a value for each head that ends here.
    fn take(&mut self, text: &str) {
        for (place, tokens) in &self.heads {
            if tokens.is_empty() {
                self.state.head(*place, text);
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.rows.is_none() && self.heads.is_empty() {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.take(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.take(&value.to_string());
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.take(&value.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        if let Some(text) = crate::row::exact(value) {
            self.take(&text);
        }
        Ok(())
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        self.take(value);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<(), A::Error> {
        while let Some(name) = access.next_key::<String>()? {
            access.next_value_seed(self.below(&name))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<(), A::Error> {
        if self.rows == Some(&[]) {
            return self.rows(access);
        }
        let mut place = 0_u64;
        while access.next_element_seed(self.below(&place.to_string()))?.is_some() {
            place = place.saturating_add(1);
        }
        Ok(())
    }
}

impl Walk<'_, '_> {
    /// Takes the elements of the array.
    fn rows<'de, A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let state = self.state;
        state.found = true;
        state.gauge.settle();
        while let Some(json) = access.next_element::<Json>()? {
            state.gauge.settle();
            let place = Place::Element(state.next);
            state.next = state.next.saturating_add(1);
            if let Err(error) = state.taker.row(place, &Row::Json(&json), &state.heads) {
                state.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
