//! Finds all faults of one TOML text: note a fault, take its entry out, read again.
//!
//! It is *not* a schema check: serde alone decides what is a fault; this file only keeps one fault from hiding the next.

use super::ConfigFault;
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

/// A file with more faults than this is of another kind altogether.
const MOST_FAULTS: usize = 100;

/// Reads `text` into `T`, or returns at least one fault.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<ConfigFault>> {
    let (document, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        return Err(in_order(
            syntax.iter().map(|error| fault(text, error.span(), error.message())).collect(),
        ));
    }
    read_again_and_again(text, document)
}

fn read_again_and_again<T: DeserializeOwned>(
    text: &str,
    mut document: Spanned<DeTable<'_>>,
) -> Result<T, Vec<ConfigFault>> {
    let mut faults = Vec::new();
    let mut taken_out: Vec<String> = Vec::new();
    loop {
        let error = match T::deserialize(toml::Deserializer::from(document.clone())) {
            Ok(value) if faults.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        if !misses_only_what_was_taken_out(error.message(), &taken_out) {
            faults.push(fault(text, error.span(), error.message()));
        }
        let entry = error.span().and_then(|span| take_out(document.get_mut(), &span));
        match entry {
            Some(key) if faults.len() < MOST_FAULTS => taken_out.push(key),
            Some(_) | None => break,
        }
    }
    Err(in_order(faults))
}

/// A key whose faulty entry was taken out is then reported as missing; that is our own doing, no second fault.
fn misses_only_what_was_taken_out(message: &str, taken_out: &[String]) -> bool {
    message.lines().next().is_some_and(|first| {
        taken_out
            .iter()
            .any(|key| first.strip_prefix("missing field ").is_some_and(|rest| rest == format!("`{key}`")))
    })
}

/// Removes the innermost entry that holds the place of a fault, and returns its key.
///
/// The place of the whole document, where a missing key of the root is reported, is an empty range: nothing holds it.
fn take_out(table: &mut DeTable<'_>, place: &Range<usize>) -> Option<String> {
    if place.is_empty() {
        return None;
    }
    if let Some(deeper) =
        table.iter_mut().find_map(|(key, value)| take_out_below(key.get_ref(), value, place))
    {
        return Some(deeper);
    }
    let key = table
        .iter()
        .find(|(key, value)| holds(&key.span(), place) || holds(&value.span(), place))
        .map(|(key, _)| key.get_ref().to_string())?;
    table.remove(key.as_str())?;
    Some(key)
}

fn take_out_below(key: &str, value: &mut Spanned<DeValue<'_>>, place: &Range<usize>) -> Option<String> {
    match value.get_mut() {
        DeValue::Table(inner) => take_out(inner, place),
        DeValue::Array(items) => {
            if let Some(deeper) = items.iter_mut().find_map(|item| take_out_below(key, item, place)) {
                return Some(deeper);
            }
            let faulty = items.iter().position(|item| holds(&item.span(), place))?;
            let kept = std::mem::replace(items, DeArray::new())
                .into_iter()
                .enumerate()
                .filter(|(index, _)| *index != faulty);
            kept.for_each(|(_, item)| items.push(item));
            Some(key.to_owned())
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

fn holds(outer: &Range<usize>, place: &Range<usize>) -> bool {
    outer.start <= place.start && place.end <= outer.end
}

fn fault(text: &str, span: Option<Range<usize>>, message: &str) -> ConfigFault {
    let start = span.map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ConfigFault {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        message: message.trim_end().replace('\n', "; "),
    }
}

fn in_order(mut faults: Vec<ConfigFault>) -> Vec<ConfigFault> {
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.dedup();
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Root {
        #[expect(dead_code, reason = "only its reading is tested")]
        name: String,
        #[expect(dead_code, reason = "only its reading is tested")]
        listener: Vec<Listener>,
        #[expect(dead_code, reason = "only its reading is tested")]
        store: Store,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Listener {
        #[expect(dead_code, reason = "only its reading is tested")]
        port: u16,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, try_from = "RawStore")]
    struct Store;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RawStore {
        lines: u8,
    }

    impl TryFrom<RawStore> for Store {
        type Error = String;

        fn try_from(raw: RawStore) -> Result<Self, String> {
            if raw.lines.is_multiple_of(2) { Ok(Self) } else { Err("lines must be even".to_owned()) }
        }
    }

    fn lines_of(text: &str) -> Vec<(usize, String)> {
        read::<Root>(text).unwrap_err().into_iter().map(|fault| (fault.line, fault.message)).collect()
    }

    #[test]
    fn reads_a_sound_text() {
        read::<Root>("name = 'a'\n[[listener]]\nport = 1\n[store]\nlines = 2\n").unwrap();
    }

    #[test]
    fn reports_every_fault_with_its_line() {
        let found = lines_of(
            "name = 3\nnam = 'b'\n[[listener]]\nport = 1\n[[listener]]\nport = 70000\n[store]\nlines = 'x'\nline = 1\n",
        );
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 6, 8, 9], "{found:#?}");
    }

    #[test]
    fn reports_every_fault_of_syntax() {
        let mut lines: Vec<usize> =
            lines_of("name = \nlistener == 3\n[store\n").into_iter().map(|(line, _)| line).collect();
        lines.dedup();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn names_the_line_of_the_table_that_misses_a_key() {
        let found = lines_of("name = 'a'\nlistener = []\n[store]\n");
        assert_eq!(found, [(3, "missing field `lines`".to_owned())]);
    }

    #[test]
    fn gives_a_line_to_the_fault_of_a_checked_constructor() {
        let found = lines_of("name = 'a'\nlistener = []\n[store]\nlines = 3\n");
        assert_eq!(found, [(3, "lines must be even".to_owned())]);
    }

    #[test]
    fn a_key_missing_in_the_root_is_reported_beside_the_other_faults() {
        let found = lines_of("listener = [{ port = 'x' }, { port = 1, prt = 2 }]\n[store]\nlines = 2\n");
        let messages: Vec<&str> = found.iter().map(|(_, message)| message.as_str()).collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages.contains(&"missing field `name`"), "{messages:?}");
    }

    #[test]
    fn counts_columns_in_characters() {
        let faults = read::<Root>("name = 'ä' x\n").unwrap_err();
        assert_eq!((faults[0].line, faults[0].column), (1, 12));
    }
}
