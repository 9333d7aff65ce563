//! The octets that are to be signed, as they arrive: few in memory, many in a file without a name.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

use ca_core::octets::{Octets, PAGE_OCTETS};

use crate::denial::Denial;
use crate::wire::{Frame, Kind, LONGEST_REQUEST, unsound};

/// Reads so many octets in pieces.
///
/// # Errors
/// That of the connection; a denial, after which the connection is of use, when there is no room for them.
pub(super) fn read(mut from: impl Read, length: u64, spool: &Path) -> io::Result<Result<Octets, Denial>> {
    if length > LONGEST_REQUEST {
        return Err(unsound("more is to be signed than ever is"));
    }
    match usize::try_from(length) {
        Ok(few) if few <= PAGE_OCTETS => {
            let mut octets = Vec::with_capacity(few);
            pieces(&mut from, length, |piece| {
                octets.extend_from_slice(piece);
            })?;
            Ok(Ok(Octets::from(octets)))
        }
        Ok(_) | Err(_) => {
            // The pieces are read in any case: they stand before the next request.
            let mut file = tempfile::tempfile_in(spool);
            pieces(&mut from, length, |piece| {
                if let Err(cause) = file.as_mut().map_or(Ok(()), |file| file.write_all(piece)) {
                    file = Err(cause);
                }
            })?;
            Ok(file.map(|file| kept(file, length)).map_err(|cause| {
                let sentence = format!("{}: {cause}", spool.display());
                Denial::unavailable("signer.no-room", sentence, 60)
            }))
        }
    }
}

fn pieces(mut from: impl Read, length: u64, mut keep: impl FnMut(&[u8])) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let piece = Frame::read(&mut from)?;
        let octets = u64::try_from(piece.content.len()).unwrap_or(u64::MAX);
        if piece.kind != Kind::Piece || octets == 0 || octets > left {
            return Err(unsound("a piece of what is to be signed is expected"));
        }
        keep(&piece.content);
        left -= octets;
    }
    Ok(())
}

fn kept(file: File, length: u64) -> Octets {
    Octets::read_by(length, move |offset, page: &mut [u8]| file.read_at(page, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(octets: &[u8], piece: usize) -> Vec<u8> {
        let mut sent = Vec::new();
        for piece in octets.chunks(piece) {
            Frame { kind: Kind::Piece, content: piece.to_vec() }.append_to(&mut sent).unwrap();
        }
        sent
    }

    #[test]
    fn gathers_few_octets_in_memory_and_many_in_a_file() {
        let spool = tempfile::tempdir().unwrap();
        for length in [0, 1, PAGE_OCTETS, PAGE_OCTETS + 1, 5 * PAGE_OCTETS + 3] {
            let octets: Vec<u8> = (0..=250).cycle().take(length).collect();
            let sent = sent(&octets, 60_000);
            let length = u64::try_from(length).unwrap();
            let read = read(sent.as_slice(), length, spool.path()).unwrap().unwrap();
            assert_eq!(read.to_vec().unwrap(), octets);
        }
        assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn refuses_more_or_fewer_octets_than_were_announced() {
        let spool = tempfile::tempdir().unwrap();
        let sent = sent(&[7; 100], 60);
        for length in [99, 101, LONGEST_REQUEST + 1] {
            read(sent.as_slice(), length, spool.path()).unwrap_err();
        }
    }

    #[test]
    fn where_there_is_no_room_the_request_is_read_and_denied() {
        let octets = vec![7; 2 * PAGE_OCTETS];
        let sent = sent(&octets, PAGE_OCTETS);
        let mut rest = sent.as_slice();
        let denial = read(&mut rest, 2 * 65_536, Path::new("/nowhere/at/all")).unwrap().unwrap_err();
        assert_eq!((denial.code.as_str(), rest.len()), ("signer.no-room", 0));
    }
}
