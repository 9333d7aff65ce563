//! Reads along with hyper to see what hyper does not tell: a head with both Transfer-Encoding and Content-Length.
//!
//! hyper drops the Content-Length of such a request and serves it. It is how requests are smuggled past a proxy, so it
//! must be refused (RFC 9112 §6.1), and for that it must be seen. This reader is *not* a parser: it finds the end of each
//! head by its empty line and looks at the names of its fields; whatever is malformed is refused by hyper before anyone
//! asks here. After a chunked body it loses its place on purpose, and the connection then ends with that answer.

use std::collections::VecDeque;

/// A verdict per head, oldest first.
#[derive(Debug)]
pub(super) struct Framing {
    place: Place,
    verdicts: VecDeque<Verdict>,
}

#[derive(Debug)]
enum Place {
    /// In a head: what has been seen of it.
    Head(Head),
    /// In a body with so many octets to come.
    Body(u64),
    /// In a chunked body, or beyond.
    Lost,
}

#[derive(Debug, Default)]
struct Head {
    begun: bool,
    request_line_seen: bool,
    line: Vec<u8>,
    line_octets: usize,
    chunked: bool,
    length: Option<u64>,
}

/// How the body of a request is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// By nothing, or by Content-Length: the next request may follow.
    Clear,
    /// By chunks: correct, and the last request of this connection.
    Last,
    /// By two contradictory means.
    Contradictory,
}

/// Field lines are kept up to this length: enough for the two names and the largest number.
const KEPT_OF_A_LINE: usize = 64;

impl Default for Framing {
    fn default() -> Self {
        Self { place: Place::Head(Head::default()), verdicts: VecDeque::new() }
    }
}

impl Framing {
    /// Reads along. The octets may be cut anywhere.
    pub(super) fn read(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            match &mut self.place {
                Place::Lost => return,
                Place::Body(left) => {
                    let part = usize::try_from(*left).unwrap_or(usize::MAX).min(octets.len());
                    *left = left.saturating_sub(u64::try_from(part).unwrap_or(u64::MAX));
                    octets = octets.get(part..).unwrap_or_default();
                    if *left == 0 {
                        self.place = Place::Head(Head::default());
                    }
                }
                Place::Head(head) => {
                    let (rest, ended) = head.read(octets);
                    octets = rest;
                    if ended {
                        let (verdict, next) = head.end();
                        self.verdicts.push_back(verdict);
                        self.place = next;
                    }
                }
            }
        }
    }

    /// The verdict on the next request that hyper hands over. `None` cannot happen unless hyper and this reader disagree.
    pub(super) fn next(&mut self) -> Option<Verdict> {
        self.verdicts.pop_front()
    }

    /// Whether the first octets of a head have come, but not its end.
    pub(super) fn is_within_a_head(&self) -> bool {
        matches!(&self.place, Place::Head(Head { begun: true, .. }))
    }
}

impl Head {
    /// Reads to the end of the head, at most. Returns what follows, and whether the end was reached.
    fn read<'a>(&mut self, octets: &'a [u8]) -> (&'a [u8], bool) {
        let mut rest = octets;
        while let Some((octet, after)) = rest.split_first() {
            rest = after;
            if *octet != b'\n' {
                // An empty line before the request line, which some clients send after a body, is no head yet.
                self.begun |= *octet != b'\r';
                self.line_octets = self.line_octets.saturating_add(1);
                if self.line.len() < KEPT_OF_A_LINE {
                    self.line.push(*octet);
                }
            } else if self.end_line() {
                return (rest, true);
            }
        }
        (rest, false)
    }

    /// Takes the line in. Returns whether it was the empty one after the fields.
    fn end_line(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        let octets = std::mem::take(&mut self.line_octets);
        let is_empty = octets == 0 || (octets == 1 && line.first() == Some(&b'\r'));
        if is_empty {
            // RFC 9112 §2.2: empty lines before the request line are skipped.
            return self.request_line_seen;
        }
        if self.request_line_seen {
            self.take_field(&line);
        }
        self.request_line_seen = true;
        false
    }

    fn take_field(&mut self, line: &[u8]) {
        let mut parts = line.splitn(2, |octet| *octet == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            return;
        };
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // hyper has refused anything but equal lengths of digits alone.
            let digits = std::str::from_utf8(value.trim_ascii()).ok().and_then(|value| value.parse().ok());
            self.length = Some(digits.unwrap_or(u64::MAX));
        }
    }

    fn end(&self) -> (Verdict, Place) {
        match (self.chunked, self.length) {
            (true, Some(_)) => (Verdict::Contradictory, Place::Lost),
            (true, None) => (Verdict::Last, Place::Lost),
            (false, Some(length)) if length > 0 => (Verdict::Clear, Place::Body(length)),
            (false, Some(_) | None) => (Verdict::Clear, Place::Head(Self::default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(octets: &[u8], cut: usize) -> Vec<Verdict> {
        let mut framing = Framing::default();
        octets.chunks(cut).for_each(|chunk| framing.read(chunk));
        std::iter::from_fn(|| framing.next()).collect()
    }

    #[test]
    fn sees_both_fields_however_the_octets_are_cut() {
        let orders: [&[u8]; 3] = [
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\ncontent-length:5\r\nHost: a\r\ntRANSFER-eNCODING: chunked\r\n\r\n0\r\n\r\n",
            b"\r\nPOST / HTTP/1.1\nTransfer-Encoding:chunked\nContent-Length: 0\n\n",
        ];
        for octets in orders {
            for cut in 1..octets.len() {
                assert_eq!(verdicts(octets, cut), [Verdict::Contradictory]);
            }
        }
    }

    #[test]
    fn keeps_its_place_over_bodies() {
        let octets =
            b"POST / HTTP/1.1\r\nContent-Length: 46\r\n\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\
              GET / HTTP/1.1\r\n\r\nPOST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nContent-Length: 1\r\n\r\n";
        assert_eq!(octets[41..41 + 46].iter().filter(|octet| **octet == b'\n').count(), 2);
        for cut in 1..octets.len() {
            assert_eq!(verdicts(octets, cut), [Verdict::Clear, Verdict::Clear, Verdict::Last]);
        }
    }

    #[test]
    fn long_lines_are_not_kept() {
        let mut framing = Framing::default();
        framing.read(b"GET / HTTP/1.1\r\nX: ");
        framing.read(&vec![b'a'; 1_000_000]);
        let Place::Head(head) = &framing.place else { panic!("the head has not ended") };
        assert!(head.line.capacity() <= 2 * KEPT_OF_A_LINE);
        framing.read(b"\r\n\r\n");
        assert_eq!(framing.next(), Some(Verdict::Clear));
    }

    #[test]
    fn knows_when_it_is_within_a_head() {
        let mut framing = Framing::default();
        framing.read(b"\r\n");
        assert!(!framing.is_within_a_head());
        framing.read(b"G");
        assert!(framing.is_within_a_head());
        framing.read(b"ET / HTTP/1.1\r\n\r\n");
        assert!(!framing.is_within_a_head());
    }
}
