//! What the other keys sign: answers of responders (RFC 6960 §4.2.1), checkpoints (C2SP `tlog-checkpoint`), and messages of
//! enrolment protocols (RFC 5652 §5.4; RFC 9810 §5.1.3).

use ca_core::key_ref::KeyRef;
use ca_core::ocsp::{IssuerHashes, ToldResponse};
use ca_core::octets::Octets;
use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;
use der::{Decode, Header, Reader as _, SliceReader};

use super::{CLOCKS_APART, Judgement, Subject};
use crate::denial::Denial;
use crate::log::Kind;

/// How many octets an answer has at most: that of a few hundred certificates.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// How many a checkpoint.
const LONGEST_CHECKPOINT: u64 = 1_024;

/// Looks at an answer of the responder whose key this is, of the certificates of this authority.
pub(super) fn answer(
    (issuer, hashes): (KeyRef, &IssuerHashes),
    responder: KeyRef,
    octets: &Octets,
    now: UnixTime,
) -> Judgement {
    let mut subject = Subject::of(Kind::Ocsp, Some(issuer));
    let refused = |code, sentence: &str| Err(Denial::refused(code, sentence));
    let told = held(octets, LONGEST_ANSWER).and_then(|der| ToldResponse::from_der(&der).ok());
    let Some(told) = told else {
        return (subject, refused("ocsp.not-der", "this is no DER of what an answer says"));
    };
    let serials = told.certificates().iter().map(|one| one.serial().map(ToString::to_string));
    subject.name = serials.take(1).flatten().collect();
    let judged = if told.responder() != responder {
        refused("ocsp.responder", "the answer is said to be another key's")
    } else if told.produced_at().seconds().abs_diff(now.seconds()) > CLOCKS_APART {
        let sentence = format!("the answer is of {}, and it is {now}", told.produced_at());
        refused("ocsp.produced-at", &sentence)
    } else if told.certificates().is_empty() || !told.certificates().iter().all(|one| hashes.name(one)) {
        refused("ocsp.issuer", "the answer speaks of nothing, or of certificates of another authority")
    } else {
        Ok(())
    };
    (subject, judged)
}

/// Looks at a checkpoint: origin, size and root, each on a line.
pub(super) fn checkpoint(origin: &str, octets: &Octets) -> Judgement {
    let mut subject = Subject::of(Kind::Checkpoint, None);
    let text = held(octets, LONGEST_CHECKPOINT).and_then(|octets| String::from_utf8(octets).ok());
    let lines: Vec<&str> = text.as_deref().map(|text| text.split('\n').collect()).unwrap_or_default();
    let (Some(size), [named, _, root, ""]) = (lines.get(1).and_then(|size| decimal(size)), lines.as_slice())
    else {
        let sentence = "this is no checkpoint: origin, size and root are expected, each on a line";
        return (subject, Err(Denial::refused("checkpoint.form", sentence)));
    };
    subject.name = size.to_string();
    subject.number = Some(size);
    // 32 octets in base64.
    let is_root = root.len() == 44
        && root.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'='));
    if *named != origin || !is_root {
        let sentence = format!("the checkpoint is not one of {origin}, or has no root");
        return (subject, Err(Denial::refused("checkpoint.origin", sentence)));
    }
    (subject, Ok(()))
}

fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// Looks at a message: signed attributes of CMS, or header and body of CMP, or a request for a certificate of the key itself. It
/// is neither certificate, CRL nor answer.
pub(super) fn message(octets: &Octets, key: &PublicKey) -> Judgement {
    let in_sequence = content(octets, 0x30).unwrap_or_default();
    // RFC 5652 §5.4: what is signed is the SET OF attributes, each a SEQUENCE.
    let attributes = content(octets, 0x31).and_then(|content| content.first().copied()) == Some(0x30);
    // RFC 9810 §5.1.3: ProtectedPart ::= SEQUENCE { header, body }, and the header begins with pvno, an INTEGER. No certificate,
    // CRL or answer begins with a SEQUENCE.
    let protected = in_sequence.first() == Some(&0x30) && within_first(&in_sequence) == Some(0x02);
    // RFC 2986 §4.1: version 0, which a CRL never has, and the key of whoever asks.
    let names_key =
        |content: &[u8]| content.windows(key.spki_der().len()).any(|window| window == key.spki_der());
    if attributes || protected {
        (Subject::of(Kind::Message, None), Ok(()))
    } else if in_sequence.starts_with(&[0x02, 0x01, 0x00]) && names_key(&in_sequence) {
        (Subject::of(Kind::Request, None), Ok(()))
    } else {
        let sentence =
            "this is no message of CMP, no attributes of CMS, and no request for a certificate of this key";
        (Subject::unknown(), Err(Denial::refused("message.form", sentence)))
    }
}

/// Returns the first octet of the content of the first value.
fn within_first(values: &[u8]) -> Option<u8> {
    let mut reader = SliceReader::new(values).ok()?;
    Header::decode(&mut reader).ok()?;
    values.get(usize::try_from(u32::from(reader.position())).ok()?).copied()
}

/// Returns the octets, if there are not too many.
fn held(octets: &Octets, most: u64) -> Option<Vec<u8>> {
    (octets.length() <= most).then(|| octets.to_vec().ok()).flatten()
}

/// Returns the first octets of the content of the one value of this tag that the octets are.
pub(super) fn content(octets: &Octets, tag: u8) -> Option<Vec<u8>> {
    let mut page = octets.page(0).ok()?;
    if page.first() != Some(&tag) {
        return None;
    }
    let mut reader = SliceReader::new(&page).ok()?;
    let length = u64::from(u32::from(Header::decode(&mut reader).ok()?.length()));
    let header = u32::from(reader.position());
    if u64::from(header) + length != octets.length() {
        return None;
    }
    Some(page.split_off(usize::try_from(header).ok()?))
}
