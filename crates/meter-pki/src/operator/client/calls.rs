//! What a caller asks for beside the calls themselves: to be shown each of them as a command of curl, and a key by which they may
//! be repeated.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How long a body may be that is shown, in octets.
const SHOWN: usize = 4_096;

/// What a caller asks for.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// Whether each call is shown on standard error before it is made.
    pub shown: bool,
    /// The key of the changes that are made, if they may be repeated.
    pub key: Option<Key>,
}

/// The key that was given, and how many changes were made with it: each has a key of its own, in their order.
#[derive(Debug, Clone)]
pub struct Key {
    given: String,
    made: Arc<AtomicU32>,
}

impl Key {
    /// Takes the key that was given.
    #[must_use]
    pub fn new(given: &str) -> Self {
        Self { given: given.to_owned(), made: Arc::default() }
    }

    /// Returns the key of the next change.
    pub(super) fn next(&self) -> String {
        format!("{}.{}", self.given, self.made.fetch_add(1, Ordering::Relaxed).saturating_add(1))
    }
}

/// A call, as curl would make it.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    /// How the server is reached: options of curl, and what stands in front of every path.
    pub reached: &'a super::Reached,
    pub target: &'a str,
    pub key: Option<&'a str>,
    /// Absent for a call that reads.
    pub body: Option<&'a [u8]>,
}

impl Shown<'_> {
    /// Shows it on standard error.
    pub(super) fn show(&self) {
        // Nobody reads: nothing is left to say.
        drop(writeln!(std::io::stderr().lock(), "{}", self.line()));
    }

    fn line(&self) -> String {
        let (options, origin) = self.reached;
        let mut words = vec!["curl".to_owned()];
        words.extend(options.iter().map(|option| quoted(option)));
        if let Some(key) = self.key {
            words.extend(["-H".to_owned(), quoted(&format!("Idempotency-Key: {key}"))]);
        }
        match self.body.map(|body| (body.len(), std::str::from_utf8(body))) {
            None => {}
            Some((..=SHOWN, Ok(text))) => words.extend(["--json".to_owned(), quoted(text)]),
            Some((octets, _)) => {
                words.extend(["--json".to_owned(), format!("@{octets}-octets-that-are-not-shown")]);
            }
        }
        words.push(quoted(&format!("{origin}{}", self.target)));
        words.join(" ")
    }
}

/// Writes a word so that a POSIX shell reads it as it is.
fn quoted(word: &str) -> String {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&octet);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(target: &str, key: Option<&str>, body: Option<&[u8]>) -> String {
        let reached = (vec!["--unix-socket".to_owned(), "/a b/s".to_owned()], "http://localhost".to_owned());
        Shown { reached: &reached, target, key, body }.line()
    }

    #[test]
    fn calls_are_shown_as_a_shell_reads_them() {
        assert_eq!(line("/v1/people", None, None), "curl --unix-socket '/a b/s' http://localhost/v1/people");
        assert_eq!(
            line("/v1/people?after=a&limit=1", Some("k.1"), Some(b"{\"name\":\"O'Neill\"}")),
            "curl --unix-socket '/a b/s' -H 'Idempotency-Key: k.1' --json '{\"name\":\"O'\\''Neill\"}' \
             'http://localhost/v1/people?after=a&limit=1'"
        );
        let long = vec![b' '; SHOWN + 1];
        assert!(line("/v1/x", None, Some(&long)).contains(" --json @4097-octets-that-are-not-shown "));
    }

    #[test]
    fn each_change_has_a_key_of_its_own() {
        let key = Key::new("k");
        assert_eq!([key.next(), key.clone().next(), key.next()], ["k.1", "k.2", "k.3"]);
    }
}
