//! The syntax of config(5): sections, names and values, read as OpenSSL reads them.
//!
//! Not what the names mean. Files that are included are not opened, and no environment is read: a value that refers to either is unknown.

use std::collections::BTreeMap;

use crate::drafts::configured::lengths::split;
use crate::drafts::configured::object::MOST_OCTETS;
use crate::read_error::ConfigurationFault;

/// How long one value may become, as with OpenSSL, and how long all may become, in octets.
const MOST_OF_ONE: usize = 65_536;
const MOST_OF_ALL: usize = 4 << 20;

/// The section of what stands before any, and where names are looked for last.
const DEFAULT: &str = "default";

/// A file.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    sections: Vec<Section>,
    by_name: BTreeMap<String, usize>,
    /// What is included, with the line.
    pub(super) included: Vec<(usize, String)>,
    octets: usize,
    dollar_in_names: bool,
}

/// What stands below a name in brackets.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) entries: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
}

/// A name and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// It is this.
    Known(String),
    /// It refers to what was not read.
    Unknown(String),
}

/// Reads a file.
pub(super) fn parse(text: &str) -> Result<Configuration, ConfigurationFault> {
    if text.len() > MOST_OCTETS {
        return Err(ConfigurationFault::Long { octets: text.len(), most: MOST_OCTETS });
    }
    let mut read = Configuration::default();
    let mut section = DEFAULT.to_owned();
    for (line, text) in logical(text) {
        let text = without_comment(&text).trim();
        if text.is_empty() {
            continue;
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (name, _) = rest.split_once(']').ok_or(ConfigurationFault::Open { line })?;
            section = match read.expand(DEFAULT, name.trim(), line)? {
                Value::Known(name) | Value::Unknown(name) => name,
            };
            read.place(&section);
        } else if let Some(value) = directive(text, ".include") {
            read.included.push((line, value.to_owned()));
        } else if let Some(value) = directive(text, ".pragma") {
            read.pragma(value);
        } else {
            read.entry(&section, text, line)?;
        }
    }
    Ok(read)
}

/// Lines with those that they go on in, each with the number of its first.
fn logical(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut held: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.split('\n')) {
        let (first, mut whole) = held.take().unwrap_or((number, String::new()));
        whole.push_str(line.trim_end_matches('\r'));
        if whole.ends_with('\\') && !whole.ends_with("\\\\") {
            whole.pop();
            held = Some((first, whole));
        } else {
            lines.push((first, whole));
        }
    }
    lines.extend(held);
    lines
}

const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`')
}

/// A line up to the first `#` that is neither quoted nor escaped.
fn without_comment(line: &str) -> &str {
    let mut characters = line.char_indices();
    let mut quote = None;
    while let Some((at, character)) = characters.next() {
        match (character, quote) {
            ('\\', _) => _ = characters.next(),
            (_, Some(open)) if character == open => quote = None,
            ('#', None) => return line.split_at_checked(at).map_or(line, |(before, _)| before),
            (_, None) if is_quote(character) => quote = Some(character),
            _ => {}
        }
    }
    line
}

/// What a directive says: behind it stands a space or an equals sign.
fn directive<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(name)?;
    let value = rest.trim_start();
    if value.len() == rest.len() && !value.starts_with('=') {
        return None;
    }
    Some(value.strip_prefix('=').unwrap_or(value).trim())
}

const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Whether it may stand in a name.
fn is_name(character: char) -> bool {
    is_word(character) || "!.%&*+,/;?@^~|-".contains(character)
}

/// Splits a line behind the name that it begins with.
fn name(text: &str, dollars: bool) -> (&str, &str) {
    let mut characters = text.char_indices();
    let end = loop {
        match characters.next() {
            Some((_, '\\')) => _ = characters.next(),
            Some((_, character)) if is_name(character) || (dollars && character == '$') => {}
            Some((at, _)) => break at,
            None => break text.len(),
        }
    };
    text.split_at_checked(end).unwrap_or((text, ""))
}

impl Configuration {
    /// The section of this name; a new one if there is none.
    fn place(&mut self, name: &str) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let at = self.sections.len();
        self.sections.push(Section { name: name.to_owned(), ..Section::default() });
        self.by_name.insert(name.to_owned(), at);
        at
    }

    fn pragma(&mut self, text: &str) {
        if let Some((name, value)) = text.split_once(':')
            && name.trim() == "dollarid"
        {
            self.dollar_in_names = ["on", "true"].contains(&value.trim());
        }
    }

    fn entry(&mut self, section: &str, text: &str, line: usize) -> Result<(), ConfigurationFault> {
        let (first, rest) = name(text, self.dollar_in_names);
        let (section, named, rest) = match rest.strip_prefix("::") {
            Some(rest) => {
                let (second, rest) = name(rest, self.dollar_in_names);
                (first, second, rest)
            }
            None => (section, first, rest),
        };
        let value = rest.trim_start().strip_prefix('=').ok_or(ConfigurationFault::Line { line })?;
        let value = self.expand(section, value.trim(), line)?;
        let at = self.place(section);
        let Some(section) = self.sections.get_mut(at) else { return Ok(()) };
        let entry = Entry { name: named.to_owned(), value };
        // Of two with one name, the second counts.
        match section.by_name.get(named).and_then(|at| section.entries.get_mut(*at)) {
            Some(before) => *before = entry,
            None => {
                section.by_name.insert(named.to_owned(), section.entries.len());
                section.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Takes quotes and escapes off a value, and puts in what it refers to.
    fn expand(&mut self, section: &str, text: &str, line: usize) -> Result<Value, ConfigurationFault> {
        let mut out = String::new();
        let mut unknown = None;
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let opens = characters.as_str().starts_with(['{', '(']);
            if is_quote(character) {
                while let Some(quoted) = characters.next().filter(|quoted| *quoted != character) {
                    out.extend(if quoted == '\\' { characters.next() } else { Some(quoted) });
                }
            } else if character == '\\' {
                out.extend(characters.next().map(escaped));
            } else if character == '$' && (!self.dollar_in_names || opens) {
                let (said, value, rest) = self.reference(section, characters.as_str(), line)?;
                match value {
                    Value::Known(value) => out.push_str(&value),
                    Value::Unknown(of) => {
                        out.push_str(&said);
                        unknown = Some(of);
                    }
                }
                characters = rest.chars();
            } else {
                out.push(character);
            }
            if out.len() > MOST_OF_ONE {
                return Err(ConfigurationFault::Growth { line, most: MOST_OF_ONE });
            }
        }
        self.octets = self.octets.saturating_add(out.len());
        if self.octets > MOST_OF_ALL {
            return Err(ConfigurationFault::Growth { line, most: MOST_OF_ALL });
        }
        Ok(unknown.map_or(Value::Known(out), Value::Unknown))
    }

    /// What stands behind a `$`: `name`, `{name}`, `(name)`, each perhaps with `section::` before. Returns it as it is written, its value and
    /// the rest.
    fn reference<'a>(
        &self,
        section: &str,
        text: &'a str,
        line: usize,
    ) -> Result<(String, Value, &'a str), ConfigurationFault> {
        let of = |character| is_word(character) || (self.dollar_in_names && character == '$');
        let (close, begin) = match text.chars().next() {
            Some('{') => (Some('}'), text.strip_prefix('{').unwrap_or(text)),
            Some('(') => (Some(')'), text.strip_prefix('(').unwrap_or(text)),
            _ => (None, text),
        };
        let (first, rest) = split(begin, of);
        let (section, named, rest) = match rest.strip_prefix("::") {
            Some(rest) => {
                let (second, rest) = split(rest, of);
                (first, second, rest)
            }
            None => (section, first, rest),
        };
        let rest = match close {
            Some(close) => rest.strip_prefix(close).ok_or(ConfigurationFault::Open { line })?,
            None => rest,
        };
        let written = text.strip_suffix(rest).unwrap_or(text);
        let said = format!("${written}");
        let found = if section == "ENV" { None } else { self.find(section, named) };
        let value = found.cloned().unwrap_or_else(|| Value::Unknown(said.clone()));
        Ok((said, value, rest))
    }

    /// The value of a name in a section, or else in the one that stands before any.
    pub(super) fn find(&self, section: &str, name: &str) -> Option<&Value> {
        let of = |section: &str| {
            let section = self.section(section)?;
            section.find(name)
        };
        of(section).or_else(|| of(DEFAULT))
    }

    /// The section of a name.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.by_name.get(name).and_then(|at| self.sections.get(*at))
    }

    /// All of them, in their order.
    pub(super) fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }
}

impl Section {
    /// The value of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        self.by_name.get(name).and_then(|at| self.entries.get(*at)).map(|entry| &entry.value)
    }
}

/// What stands behind a backslash.
const fn escaped(character: char) -> char {
    match character {
        'r' => '\r',
        'n' => '\n',
        'b' => '\u{8}',
        't' => '\t',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(read: &'a Configuration, section: &str, name: &str) -> &'a str {
        match read.find(section, name) {
            Some(Value::Known(value)) => value,
            Some(Value::Unknown(of)) => panic!("{name} refers to {of}"),
            None => panic!("{name} is not there"),
        }
    }

    #[test]
    fn values_are_what_openssl_makes_of_them() {
        let text = "\
# a comment that goes on \\
dir = not read
dir = /old # behind a value
[ one ]
name = $dir/index.txt
braces = ${dir}x and $(dir)y
elsewhere = ${two::later}
quoted = \"a # b \\\" $dir\" 'c'`d`
escaped = a\\#b\\tc\\\\
long = first, \\
  second
dir = /new
[two]
other = ${one::name}
one::added = yes
[ one ]
name = again
";
        let read = parse(text).unwrap();
        assert_eq!(value(&read, "one", "braces"), "/oldx and /oldy");
        assert_eq!(value(&read, "one", "quoted"), "a # b \" $dir cd");
        assert_eq!(value(&read, "one", "escaped"), "a#b\tc\\");
        assert_eq!(value(&read, "one", "long"), "first,   second");
        assert_eq!(value(&read, "two", "other"), "/old/index.txt");
        assert_eq!(value(&read, "one", "added"), "yes");
        assert_eq!(value(&read, "one", "name"), "again");
        // What is not in the section is looked for before any.
        assert_eq!(value(&read, "two", "dir"), "/old");
        // OpenSSL knows no name before its line.
        assert_eq!(read.find("one", "elsewhere"), Some(&Value::Unknown("${two::later}".to_owned())));
    }

    #[test]
    fn neither_the_environment_nor_another_file_is_read() {
        let text =
            ".include /etc/ssl/more.cnf\n.include = beside.cnf\n[a]\nx = $ENV::PATH\ny = before $x\nz = 1\n";
        let read = parse(text).unwrap();
        let included: Vec<(usize, &str)> =
            read.included.iter().map(|(line, what)| (*line, what.as_str())).collect();
        assert_eq!(included, [(1, "/etc/ssl/more.cnf"), (2, "beside.cnf")]);
        for name in ["x", "y"] {
            assert_eq!(read.find("a", name), Some(&Value::Unknown("$ENV::PATH".to_owned())), "{name}");
        }
        assert_eq!(value(&read, "a", "z"), "1");
    }

    #[test]
    fn a_dollar_is_part_of_names_where_the_file_says_so() {
        let text = "a$b = 1\nc = $d ${a$b}\n";
        assert!(matches!(parse(text), Err(ConfigurationFault::Line { line: 1 })));
        for said in [".pragma = dollarid:on", ".pragma dollarid:true"] {
            let read = parse(&format!("{said}\n{text}")).unwrap();
            assert_eq!(value(&read, "default", "c"), "$d 1");
        }
    }

    #[test]
    fn what_is_no_configuration_is_told_with_its_line() {
        for (text, line) in [("[a\nb = c", 1), ("[a]\nb = ${c", 2)] {
            let fault = parse(text).unwrap_err();
            assert!(
                matches!(fault, ConfigurationFault::Open { line: told } if told == line),
                "{text}: {fault}"
            );
        }
        for (text, line) in [("a = b\nrubbish", 2), ("\u{0}\u{1}", 1), ("\n{\"a\": 1}", 2)] {
            let fault = parse(text).unwrap_err();
            assert!(
                matches!(fault, ConfigurationFault::Line { line: told } if told == line),
                "{text}: {fault}"
            );
        }
    }

    #[test]
    fn values_do_not_grow_without_end() {
        let mut text = "a0 = 0123456789\n".to_owned();
        for number in 1..40 {
            text.push_str(&format!("a{number} = $a{0}$a{0}\n", number - 1));
        }
        assert!(matches!(parse(&text), Err(ConfigurationFault::Growth { .. })));
        assert!(matches!(parse(&"# \n".repeat(1 << 19)), Err(ConfigurationFault::Long { .. })));
    }
}
