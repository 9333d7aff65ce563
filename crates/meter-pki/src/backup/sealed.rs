//! The encryption of a backup: a header with the envelope, then chunks of AES-256-GCM in STREAM.
//!
//! The place of a chunk and whether it is the last are part of its nonce, the header is authenticated with each of them: what
//! was cut, reordered, repeated or mixed of two files does not open. Memory is that of two chunks, however long the file.

use std::io::{self, Read, Write};

use aead_stream::aead::Payload;
use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::Aes256Gcm;
use ca_core::ports::Entropy;
use sha2::{Digest, Sha256};

use super::envelope::{DataKey, Envelope, EnvelopeError, seal};
use super::recovery_key::{RecoveryKey, RecoveryKeyId, RecoveryPublicKey};

const MAGIC: &[u8] = b"meter-pki backup 1\n";

/// Octets of plaintext in a chunk; the last one may have fewer.
const CHUNK_OCTETS: usize = 65_536;

/// Octets that authenticate a chunk.
const TAG_OCTETS: usize = 16;

/// The longest envelope.
const MAX_ENVELOPE_OCTETS: u32 = 4_096;

/// Octets of the nonce that STREAM does not count with.
const NONCE_OCTETS: usize = 7;

/// Encrypts what is written.
pub(super) struct SealedWriter<W: Write> {
    out: W,
    encryptor: Option<EncryptorBE32<Aes256Gcm>>,
    header: [u8; 32],
    buffer: Vec<u8>,
}

impl<W: Write> SealedWriter<W> {
    /// Writes the header, with a fresh data key for the recovery key.
    pub(super) fn begin(
        mut out: W,
        recipient: &RecoveryPublicKey,
        entropy: &dyn Entropy,
    ) -> Result<Self, BeginError> {
        let (mut key, mut nonce) = (DataKey::default(), [0; NONCE_OCTETS]);
        entropy.fill(&mut *key).map_err(|_| EnvelopeError::Randomness)?;
        entropy.fill(&mut nonce).map_err(|_| EnvelopeError::Randomness)?;
        let envelope = seal(recipient, &key, entropy)?;
        let length = u32::try_from(envelope.len()).unwrap_or(u32::MAX).to_be_bytes();
        let header = [MAGIC, &length, &envelope, &nonce].concat();
        out.write_all(&header)?;
        Ok(Self {
            out,
            encryptor: Some(EncryptorBE32::new(&(*key).into(), &nonce.into())),
            header: Sha256::digest(&header).into(),
            buffer: Vec::with_capacity(CHUNK_OCTETS),
        })
    }

    /// Writes the last chunk and returns what is below.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let encryptor = self.encryptor.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let payload = Payload { msg: &self.buffer, aad: &self.header };
        let chunk = encryptor.encrypt_last(payload).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.out.write_all(&chunk)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // A full buffer is written when more comes: what is left at the end is the last chunk.
        if self.buffer.len() == CHUNK_OCTETS {
            let encryptor = self.encryptor.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            let payload = Payload { msg: &self.buffer, aad: &self.header };
            let chunk = encryptor.encrypt_next(payload).map_err(|_| io::ErrorKind::FileTooLarge)?;
            self.out.write_all(&chunk)?;
            self.buffer.clear();
        }
        let taken = octets.len().min(CHUNK_OCTETS.saturating_sub(self.buffer.len()));
        self.buffer.extend(octets.iter().take(taken));
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Why nothing could be begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("it cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// A backup whose header was read.
pub(super) struct SealedFile<R: Read> {
    input: R,
    header: [u8; 32],
    nonce: [u8; NONCE_OCTETS],
    envelope: Envelope,
}

impl<R: Read> SealedFile<R> {
    /// Reads the header; `None` when it is that of no backup.
    pub(super) fn open(mut input: R) -> io::Result<Option<Self>> {
        let mut start = [0; MAGIC.len() + 4];
        let read = read_full(&mut input, &mut start)?;
        let Some((MAGIC, length)) = start.get(..read).and_then(|start| start.split_at_checked(MAGIC.len()))
        else {
            return Ok(None);
        };
        let length = length.try_into().map_or(u32::MAX, u32::from_be_bytes);
        if length > MAX_ENVELOPE_OCTETS {
            return Ok(None);
        }
        let mut envelope = vec![0; usize::try_from(length).unwrap_or_default()];
        let mut nonce = [0; NONCE_OCTETS];
        if read_full(&mut input, &mut envelope)? < envelope.len()
            || read_full(&mut input, &mut nonce)? < NONCE_OCTETS
        {
            return Ok(None);
        }
        let header = Sha256::digest([&start[..], &envelope, &nonce].concat()).into();
        let envelope = Envelope::from_der(&envelope);
        Ok(envelope.map(|envelope| Self { input, header, nonce, envelope }))
    }

    /// Returns the name of the recovery key that it was made for.
    pub(super) const fn recipient(&self) -> RecoveryKeyId {
        self.envelope.recipient()
    }

    /// Begins to decrypt.
    pub(super) fn unseal(self, key: &RecoveryKey) -> Result<SealedReader<R>, EnvelopeError> {
        let data_key = self.envelope.open(key)?;
        Ok(SealedReader {
            input: self.input,
            decryptor: Some(DecryptorBE32::new(&(*data_key).into(), &self.nonce.into())),
            header: self.header,
            ahead: None,
            plain: Vec::new(),
            place: 0,
        })
    }
}

/// Decrypts what is read. Nothing comes out of a chunk that is not authentic.
pub(super) struct SealedReader<R: Read> {
    input: R,
    decryptor: Option<DecryptorBE32<Aes256Gcm>>,
    header: [u8; 32],
    /// The next chunk: only whoever has read beyond a chunk knows that it is not the last.
    ahead: Option<Vec<u8>>,
    plain: Vec<u8>,
    place: usize,
}

impl<R: Read> SealedReader<R> {
    fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = vec![0; CHUNK_OCTETS + TAG_OCTETS];
        let read = read_full(&mut self.input, &mut chunk)?;
        chunk.truncate(read);
        Ok(chunk)
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let altered = || io::Error::new(io::ErrorKind::InvalidData, "the backup was cut or altered");
        let Some(mut decryptor) = self.decryptor.take() else { return Ok(()) };
        let chunk = match self.ahead.take() {
            Some(chunk) => chunk,
            None => self.chunk()?,
        };
        let ahead = self.chunk()?;
        let payload = Payload { msg: &chunk, aad: &self.header };
        if ahead.is_empty() {
            self.plain = decryptor.decrypt_last(payload).map_err(|_| altered())?;
        } else {
            self.plain = decryptor.decrypt_next(payload).map_err(|_| altered())?;
            self.decryptor = Some(decryptor);
            self.ahead = Some(ahead);
        }
        self.place = 0;
        Ok(())
    }
}

impl<R: Read> Read for SealedReader<R> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        while self.place == self.plain.len() && self.decryptor.is_some() {
            self.next_chunk()?;
        }
        let mut left = self.plain.get(self.place..).unwrap_or_default();
        let read = left.read(octets)?;
        self.place = self.place.saturating_add(read);
        Ok(read)
    }
}

/// Reads until the buffer is full or the input ends; returns how many octets came.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(more) => read = read.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use signer_file::SystemEntropy;

    use super::*;

    fn sealed(key: &RecoveryKey, plain: &[u8]) -> Vec<u8> {
        let mut writer = SealedWriter::begin(Vec::new(), &key.public(), &SystemEntropy).unwrap();
        writer.write_all(plain).unwrap();
        writer.finish().unwrap()
    }

    fn unsealed(key: &RecoveryKey, octets: &[u8]) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        let mut reader = SealedFile::open(octets).unwrap()?.unseal(key).ok()?;
        reader.read_to_end(&mut plain).ok().map(|_| plain)
    }

    #[test]
    fn what_is_written_is_read_whatever_its_length() {
        let key = RecoveryKey::generate();
        for length in [0, 1, CHUNK_OCTETS - 1, CHUNK_OCTETS, CHUNK_OCTETS + 1, 3 * CHUNK_OCTETS] {
            let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
            assert_eq!(unsealed(&key, &sealed(&key, &plain)).unwrap(), plain, "{length}");
        }
    }

    #[test]
    fn what_was_cut_reordered_repeated_or_altered_is_not_read() {
        let key = RecoveryKey::generate();
        let octets = sealed(&key, &vec![7; 3 * CHUNK_OCTETS + 5]);
        let start = octets.len() - 3 * (CHUNK_OCTETS + TAG_OCTETS) - 5 - TAG_OCTETS;
        let chunk = |number: usize| {
            let from = start + number * (CHUNK_OCTETS + TAG_OCTETS);
            &octets[from..(from + CHUNK_OCTETS + TAG_OCTETS).min(octets.len())]
        };
        let header = &octets[..start];
        let of = |chunks: &[usize]| {
            let chunks: Vec<u8> = chunks.iter().flat_map(|number| chunk(*number)).copied().collect();
            unsealed(&key, &[header, &chunks].concat())
        };
        assert!(of(&[0, 1, 2, 3]).is_some());
        for chunks in [&[0, 1, 2][..], &[0], &[], &[0, 2, 1, 3], &[0, 1, 1, 2, 3], &[0, 1, 3], &[1, 2, 3]] {
            assert!(of(chunks).is_none(), "{chunks:?}");
        }
        assert!(unsealed(&key, &octets[..octets.len() - 1]).is_none());
        assert!(unsealed(&key, &[octets.as_slice(), &[0]].concat()).is_none());
        for place in (0..start).step_by(7).chain([start, octets.len() - 1]) {
            let mut altered = octets.clone();
            altered[place] ^= 1;
            assert!(unsealed(&key, &altered).is_none(), "{place}");
        }
        // The chunks of another file with the same key.
        let other = sealed(&key, &vec![7; 3 * CHUNK_OCTETS + 5]);
        assert!(unsealed(&key, &[header, &other[start..]].concat()).is_none());
    }

    #[test]
    fn what_is_no_backup_is_told_from_one() {
        for octets in [&b""[..], b"meter-pki backup 1\n", b"meter-pki backup 2\n\0\0\0\0", &[0x30; 5_000]] {
            assert!(SealedFile::open(octets).unwrap().is_none());
        }
    }
}
