//! The lines of a file, piece by piece: never more in memory than a piece, whatever the file is like.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::aside::ReadSoFar;
use super::line::LONGEST_LINE;

/// How many lines are in a piece; how many octets there are when no further line is put into it.
const PIECE_LINES: usize = 1_000;
const PIECE_OCTETS: usize = 4 << 20;

/// A file that is read, and how far.
pub(super) struct Input<R = BufReader<File>> {
    reader: R,
    read: ReadSoFar,
}

impl Input {
    /// Goes on behind what was read before.
    pub(super) fn new(file: File, read: ReadSoFar) -> Self {
        Self { reader: BufReader::new(file), read }
    }
}

impl<R: BufRead> Input<R> {
    pub(super) const fn read_so_far(&self) -> &ReadSoFar {
        &self.read
    }

    /// Reads the next lines, each without its line feed; nothing of a line that is too long. None at the end.
    pub(super) fn piece(&mut self) -> io::Result<Vec<Option<Vec<u8>>>> {
        let (mut lines, mut octets) = (Vec::new(), 0);
        while lines.len() < PIECE_LINES && octets < PIECE_OCTETS {
            let Some(line) = self.line()? else { break };
            octets += line.as_ref().map_or(0, Vec::len);
            lines.push(line);
        }
        Ok(lines)
    }

    fn line(&mut self) -> io::Result<Option<Option<Vec<u8>>>> {
        let mut line = Vec::new();
        let limit = u64::try_from(LONGEST_LINE + 1).unwrap_or(u64::MAX);
        if self.reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.read.take(&line);
        if line.last() == Some(&b'\n') {
            line.pop();
            return Ok(Some(Some(line)));
        }
        if line.len() <= LONGEST_LINE {
            // The last one.
            return Ok(Some(Some(line)));
        }
        self.pass_over()?;
        Ok(Some(None))
    }

    /// Reads to the end of a line, and keeps nothing of it.
    fn pass_over(&mut self) -> io::Result<()> {
        loop {
            let there = self.reader.fill_buf()?;
            let end = there.iter().position(|octet| *octet == b'\n');
            let used = end.map_or(there.len(), |end| end + 1);
            self.read.take(there.get(..used).unwrap_or_default());
            self.reader.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_pieces_and_one_that_is_too_long_is_passed_over() {
        let mut text = b"one\n\n".to_vec();
        text.extend(vec![b'x'; LONGEST_LINE]);
        text.push(b'\n');
        text.extend(vec![b'y'; LONGEST_LINE * 3]);
        text.extend(b"\nlast");
        let mut input = Input { reader: BufReader::new(text.as_slice()), read: ReadSoFar::default() };
        let piece = input.piece().unwrap();
        let lengths: Vec<_> = piece.iter().map(|line| line.as_ref().map(Vec::len)).collect();
        assert_eq!(lengths, [Some(3), Some(0), Some(LONGEST_LINE), None, Some(4)]);
        assert!(input.piece().unwrap().is_empty());
        assert_eq!(input.read_so_far().octets, u64::try_from(text.len()).unwrap());
        let mut whole = ReadSoFar::default();
        whole.take(&text);
        let digest = |read: &ReadSoFar| sha2::Digest::finalize(read.hash.clone());
        assert_eq!(digest(input.read_so_far()), digest(&whole));
    }

    #[test]
    fn a_piece_ends_with_its_thousandth_line() {
        let text = "a\n".repeat(PIECE_LINES + 1);
        let mut input = Input { reader: BufReader::new(text.as_bytes()), read: ReadSoFar::default() };
        assert_eq!(input.piece().unwrap().len(), PIECE_LINES);
        assert_eq!(input.piece().unwrap().len(), 1);
    }
}
