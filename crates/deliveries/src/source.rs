//! Where the value of one field comes from, and what is done to it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::path::{Pointer, XmlPath};
use crate::row::{Found, Row};
use crate::step::Step;

/// A source.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) origin: Origin,
    pub(crate) steps: Vec<Step>,
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// The column of this name, until the heading of the file tells its number.
    Named(String),
    /// A column, counted from 0.
    Column(usize),
    /// In the element of the row.
    Path(XmlPath),
    /// In the value of the row.
    Pointer(Pointer),
    /// Nowhere in the file.
    Constant(String),
    /// A value of the file outside its rows, by name.
    Head(String),
    /// Several, one after the other.
    Join(Vec<Source>),
}

/// The values of the file outside its rows, as far as it has been read.
pub(crate) type Heads = BTreeMap<String, String>;

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueFault {
    /// The letters of the column, or the path.
    pub(crate) column: String,
    /// The value as it stands in the file.
    pub(crate) value: String,
    /// What is wrong, without the value.
    pub(crate) why: String,
}

impl Source {
    /// Returns the value after all steps, or nothing where the file has nothing.
    pub(crate) fn value<'a>(
        &'a self,
        row: &Row<'a>,
        heads: &'a Heads,
    ) -> Result<Option<Cow<'a, str>>, ValueFault> {
        let found = match &self.origin {
            Origin::Named(_) => Found::Absent,
            Origin::Column(column) => row.cell(*column),
            Origin::Path(path) => match row {
                Row::Element(element) => path.find(element),
                Row::Texts(_) | Row::Cells(_) | Row::Json(_) => Found::Absent,
            },
            Origin::Pointer(pointer) => match row {
                Row::Json(json) => pointer.find(json),
                Row::Texts(_) | Row::Cells(_) | Row::Element(_) => Found::Absent,
            },
            Origin::Constant(text) => Found::text(text),
            Origin::Head(name) => heads.get(name).map_or(Found::Absent, |text| Found::text(text)),
            Origin::Join(parts) => joined(parts, row, heads)?,
        };
        match found {
            Found::Absent => Ok(None),
            Found::Unfit(why) => {
                Err(ValueFault { column: self.place(), value: String::new(), why: why.words().to_owned() })
            }
            Found::Text(text) => self.stepped(text),
        }
    }

    /// Takes a text through all steps.
    pub(crate) fn stepped<'a>(&'a self, text: Cow<'a, str>) -> Result<Option<Cow<'a, str>>, ValueFault> {
        if text.is_empty() {
            return Ok(None);
        }
        let mut stepped = text.clone();
        for step in &self.steps {
            stepped = step.apply(stepped).map_err(|why| ValueFault {
                column: self.place(),
                value: text.clone().into_owned(),
                why,
            })?;
            // what is nothing after being trimmed is nothing
            if stepped.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(stepped))
    }

    /// Returns where it stands, for people: the letters of a column, or the path.
    pub(crate) fn place(&self) -> String {
        match &self.origin {
            Origin::Named(name) => name.clone(),
            Origin::Column(column) => letters(*column),
            Origin::Path(path) => path.as_str().to_owned(),
            Origin::Pointer(pointer) => pointer.as_str().to_owned(),
            Origin::Constant(_) => "constant".to_owned(),
            Origin::Head(name) => format!("head {name}"),
            Origin::Join(parts) => parts.iter().map(Self::place).collect::<Vec<_>>().join(" + "),
        }
    }

    /// Tells whether it takes a value from this head.
    pub(crate) fn uses_head(&self, name: &str) -> bool {
        match &self.origin {
            Origin::Head(own) => own == name,
            Origin::Join(parts) => parts.iter().any(|part| part.uses_head(name)),
            Origin::Named(_)
            | Origin::Column(_)
            | Origin::Path(_)
            | Origin::Pointer(_)
            | Origin::Constant(_) => false,
        }
    }

    /// Tells the number of every column by its name.
    ///
    /// # Errors
    /// The name that the heading does not have, or has twice.
    pub(crate) fn bind(&mut self, heading: &[String]) -> Result<(), String> {
        match &mut self.origin {
            Origin::Named(name) => {
                let mut places = heading.iter().enumerate().filter(|(_, known)| *known == name);
                let (first, second) = (places.next(), places.next());
                self.origin = match (first, second) {
                    (Some((place, _)), None) => Origin::Column(place),
                    (Some(_), Some(_)) => {
                        return Err(format!("the heading has {name:?} twice: give the column by its number"));
                    }
                    (None, _) => {
                        let known = heading.join(", ");
                        return Err(format!("the file has no column {name:?}; it has: {known}"));
                    }
                };
                Ok(())
            }
            Origin::Join(parts) => parts.iter_mut().try_for_each(|part| part.bind(heading)),
            Origin::Column(_)
            | Origin::Path(_)
            | Origin::Pointer(_)
            | Origin::Constant(_)
            | Origin::Head(_) => Ok(()),
        }
    }
}

/// Joins what the parts give; where one is absent, all is.
fn joined<'a>(parts: &'a [Source], row: &Row<'a>, heads: &'a Heads) -> Result<Found<'a>, ValueFault> {
    let mut whole = String::new();
    for part in parts {
        match part.value(row, heads)? {
            Some(text) => whole.push_str(&text),
            None => return Ok(Found::Absent),
        }
    }
    Ok(Found::Text(Cow::Owned(whole)))
}

/// Returns the letters of a column, counted from 0: A, B, … Z, AA.
pub(crate) fn letters(column: usize) -> String {
    let mut rest = column;
    let mut letters = Vec::new();
    loop {
        let digit = rest.checked_rem(26).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
        letters.push(char::from(b'A'.saturating_add(digit)));
        match (rest / 26).checked_sub(1) {
            Some(next) => rest = next,
            None => break,
        }
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters_as_sheets_show_them() {
        for (column, text) in
            [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
        {
            assert_eq!(letters(column), text);
        }
    }

    #[test]
    fn a_join_lacks_what_one_part_lacks() {
        let record = csv::StringRecord::from(vec!["MPK", "", "7"]);
        let column = |number| Source { origin: Origin::Column(number), steps: vec![] };
        let join = |parts| Source { origin: Origin::Join(parts), steps: vec![Step::Lower] };
        let heads = Heads::new();
        let (whole, lacking) = (join(vec![column(0), column(2)]), join(vec![column(0), column(1)]));
        assert_eq!(whole.value(&Row::Texts(&record), &heads), Ok(Some(Cow::Borrowed("mpk7"))));
        assert_eq!(lacking.value(&Row::Texts(&record), &heads), Ok(None));
        assert_eq!(whole.place(), "A + C");
    }

    #[test]
    fn columns_are_found_by_the_heading_of_the_file() {
        let heading = ["title", "key", "key"].map(str::to_owned);
        let named = |name: &str| Source { origin: Origin::Named(name.to_owned()), steps: vec![] };
        let mut source = named("title");
        source.bind(&heading).unwrap();
        assert_eq!(source.place(), "A");
        assert!(named("key").bind(&heading).unwrap_err().contains("twice"));
        assert!(named("Title").bind(&heading).unwrap_err().contains("title, key, key"));
    }
}
