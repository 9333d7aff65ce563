//! Transcripts: commands with what the program says and how it ends, as a person sees it at a terminal.
//!
//! ```text
//! $ meter-pki cert show 01            a command; `<revoked>` and `<state>` in it stand for what a rehearsal made
//! serial:  <serial>                   standard output; what differs from run to run stands as `<what>`, and `<n>` for a number
//! ! meter-pki: no authority …         standard error
//! [5]                                 how it ended, unless with 0
//! ```

use e2e::rehearsal::Rehearsal;

/// Plays the commands of a transcript and asserts that the program says and does the same again.
#[track_caller]
pub(crate) fn play(rehearsal: &Rehearsal, transcript: &str) {
    let actual = replay(rehearsal, transcript);
    let same = transcript.lines().count() == actual.len()
        && transcript.lines().zip(&actual).all(|(expected, actual)| is_same(expected, actual));
    assert!(same, "the transcript differs; this is what was said:\n{}\n", actual.join("\n"));
}

fn replay(rehearsal: &Rehearsal, transcript: &str) -> Vec<String> {
    let mut actual = Vec::new();
    for command in transcript.lines().filter_map(|line| line.strip_prefix("$ meter-pki ")) {
        actual.push(format!("$ meter-pki {command}"));
        let words: Vec<String> = command.split(' ').map(|word| concrete(rehearsal, word)).collect();
        let said = rehearsal.operator(&words.iter().map(String::as_str).collect::<Vec<_>>());
        actual.extend(told(rehearsal, &said.out));
        actual
            .extend(told(rehearsal, &said.err).iter().map(|line| format!("! {line}").trim_end().to_owned()));
        match said.code {
            Some(0) => {}
            Some(code) => actual.push(format!("[{code}]")),
            None => actual.push("[a signal]".to_owned()),
        }
    }
    actual
}

/// What stands for what in one rehearsal.
fn names(rehearsal: &Rehearsal) -> [(&'static str, String); 4] {
    let est = rehearsal.text("est").trim_start_matches("https://localhost:").to_owned();
    [
        ("<revoked>", rehearsal.text("revoked_serial").to_owned()),
        ("<state>", rehearsal.state("").to_string_lossy().trim_end_matches('/').to_owned()),
        ("<status>", rehearsal.status()),
        ("<est-port>", est.split('/').next().expect("a port").to_owned()),
    ]
}

fn concrete(rehearsal: &Rehearsal, word: &str) -> String {
    names(rehearsal).iter().fold(word.to_owned(), |word, (name, value)| word.replace(name, value))
}

/// The lines of a text without what differs from run to run.
fn told(rehearsal: &Rehearsal, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_pem = false;
    for line in text.lines() {
        if line.starts_with("-----BEGIN") {
            in_pem = true;
            lines.push("<pem>".to_owned());
        }
        if !in_pem {
            let named = names(rehearsal)
                .iter()
                .fold(line.to_owned(), |line, (name, value)| line.replace(value, name));
            lines.push(spaced(&without_octets(&without_times(&named))));
        }
        in_pem = in_pem && !line.starts_with("-----END");
    }
    // Serial numbers are random: whatever is listed in their order stands in another order each time.
    for rows in lines.chunk_by_mut(|one, next| is_row(one) && is_row(next)) {
        rows.sort();
    }
    lines
}

fn is_row(line: &str) -> bool {
    line.starts_with("<serial>") || line.starts_with("<revoked>")
}

/// Replaces times such as `2026-11-21T12:05:04Z`, but not the one that means no expiry.
fn without_times(line: &str) -> String {
    let form = b"dddd-dd-ddTdd:dd:ddZ";
    let is_time = |octets: &[u8]| {
        octets.iter().zip(form).all(|(octet, form)| octet == form || *form == b'd' && octet.is_ascii_digit())
            && !octets.starts_with(b"9999")
    };
    let mut rest = line.to_owned();
    while let Some(place) = rest.as_bytes().windows(form.len()).position(is_time) {
        rest.replace_range(place..place + form.len(), "<time>");
    }
    rest
}

/// Replaces digests, names of keys and serial numbers, by their lengths and their case, and what base64 makes of 24 octets.
fn without_octets(line: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let mut out = String::new();
    let mut rest = line;
    while let Some(begin) = rest.find(is_word) {
        let (before, from) = rest.split_at(begin);
        let (word, after) = from.split_at(from.find(|letter| !is_word(letter)).unwrap_or(from.len()));
        let is_lower = word.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
        let is_upper = word.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'A'..=b'F'));
        out.push_str(before);
        out.push_str(match word.len() {
            64 if is_lower => "<sha256>",
            40 if is_lower => "<key>",
            32 if is_upper => "<serial>",
            _ if word.starts_with("uid-") => "uid-<uid>",
            _ => word,
        });
        rest = after;
    }
    out + rest
}

/// Makes every gap between columns two spaces wide, whatever stands in the columns.
fn spaced(line: &str) -> String {
    let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
    let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    indent + &cells.join("  ")
}

/// Compares word for word; `<n>` stands for a number, `<secret>` for a word.
fn is_same(expected: &str, actual: &str) -> bool {
    let (expected, actual): (Vec<&str>, Vec<&str>) =
        (expected.split(' ').collect(), actual.split(' ').collect());
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit());
    expected.len() == actual.len()
        && expected.iter().zip(actual).all(|(expected, actual)| match *expected {
            "<n>" => is_number(actual),
            "<secret>" => actual.len() == 32,
            expected => expected == actual,
        })
}
