//! `tls-unique` of a TLS 1.2 connection (RFC 5929 §3.1), which rustls does not give.
//!
//! The value is the first Finished message of the handshake, without resumption that of the client. It travels encrypted,
//! but whoever knows the master secret computes it from the handshake messages before it, which travel in clear:
//! `PRF(master_secret, "client finished", Hash(handshake_messages))`, 12 octets (RFC 5246 §7.4.9). So the cleartext of
//! the handshake is recorded under the TLS stream, the master secret is taken from the key log of this one connection,
//! and both are dropped when the handshake is over, the secret wiped.
//!
//! It is *not* an implementation of the PRF: hash and PRF are those of the negotiated cipher suite in rustls.

use rustls::{KeyLog, SupportedCipherSuite};
use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

/// A direction with more cleartext handshake than this is not recorded to its end, and has no `tls-unique`.
const MOST_OCTETS: usize = 64 * 1024;

const HANDSHAKE_RECORD: u8 = 22;
const CHANGE_CIPHER_SPEC_RECORD: u8 = 20;
const SERVER_HELLO_DONE: u8 = 14;

/// What is needed of one handshake: the octets of both directions and the master secret.
#[derive(Default)]
pub(super) struct Recording {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    from_client: Vec<u8>,
    from_server: Vec<u8>,
    master_secret: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

impl KeyLog for Recording {
    fn log(&self, _label: &str, _client_random: &[u8], secret: &[u8]) {
        self.lock().master_secret = Some(Zeroizing::new(secret.to_vec()));
    }

    fn will_log(&self, label: &str) -> bool {
        label == "CLIENT_RANDOM"
    }
}

impl Recording {
    /// The value for a finished handshake, `None` under TLS 1.3.
    pub(super) fn tls_unique(&self, suite: SupportedCipherSuite) -> Option<[u8; 12]> {
        let SupportedCipherSuite::Tls12(suite) = suite else {
            return None;
        };
        let state = self.lock();
        let transcript = transcript(&state.from_client, &state.from_server)?;
        let digest = suite.common.hash_provider.hash(&transcript);
        let mut unique = [0; 12];
        let secret = state.master_secret.as_ref()?;
        suite.prf_provider.for_secret(&mut unique, secret, b"client finished", digest.as_ref());
        Some(unique)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// RFC 5246 §7.4.9: all handshake messages before the Finished of the client, in the order they were sent: its hello, the
/// server's flight up to `ServerHelloDone`, the client's second flight.
fn transcript(from_client: &[u8], from_server: &[u8]) -> Option<Vec<u8>> {
    let from_client = cleartext(from_client)?;
    let from_server = cleartext(from_server)?;
    let (hello, _) = first_message(&from_client)?;
    let mut transcript = hello.to_vec();
    let mut rest = from_server.as_slice();
    loop {
        let (message, after) = first_message(rest)?;
        transcript.extend_from_slice(message);
        rest = after;
        if message.first() == Some(&SERVER_HELLO_DONE) {
            break;
        }
    }
    transcript.extend_from_slice(from_client.get(hello.len()..)?);
    Some(transcript)
}

/// The handshake messages of one direction, taken out of their records, up to its `ChangeCipherSpec`.
fn cleartext(mut records: &[u8]) -> Option<Vec<u8>> {
    let mut messages = Vec::new();
    loop {
        let (header, after) = records.split_first_chunk::<5>()?;
        let [kind, _, _, high, low] = *header;
        match kind {
            CHANGE_CIPHER_SPEC_RECORD => return Some(messages),
            HANDSHAKE_RECORD => {
                let (fragment, after) =
                    after.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
                messages.extend_from_slice(fragment);
                records = after;
            }
            _ => return None,
        }
    }
}

fn first_message(messages: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, after) = messages.split_first()?;
    let (length, _) = after.split_first_chunk::<3>()?;
    let [high, middle, low] = *length;
    let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
    messages.split_at_checked(length.checked_add(4)?)
}

/// A stream that lets a [`Recording`] listen while it has one.
#[derive(Debug)]
pub(crate) struct Recorded<S> {
    stream: S,
    recording: Option<Arc<Recording>>,
}

impl<S> Recorded<S> {
    pub(super) fn new(stream: S, recording: Option<Arc<Recording>>) -> Self {
        Self { stream, recording }
    }

    /// Ends the recording; the octets and the secret are freed with its last owner.
    pub(super) fn stop(&mut self) {
        self.recording = None;
    }

    fn keep(&self, octets: &[u8], direction: impl FnOnce(&mut State) -> &mut Vec<u8>) {
        if let Some(recording) = &self.recording {
            let mut state = recording.lock();
            let kept = direction(&mut state);
            let room = MOST_OCTETS.saturating_sub(kept.len()).min(octets.len());
            kept.extend_from_slice(octets.get(..room).unwrap_or_default());
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.keep(buf.filled().get(before..).unwrap_or_default(), |state| &mut state.from_client);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, octets);
        if let Poll::Ready(Ok(written)) = polled {
            self.keep(octets.get(..written).unwrap_or_default(), |state| &mut state.from_server);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::provider;

    /// Handshakes of a client that is not ours, with its own idea of their `tls-unique`.
    const VECTORS: &str = include_str!("../../tests/vectors/tls-unique.txt");

    fn field<'a>(vector: &'a str, name: &str) -> &'a str {
        vector.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
    }

    fn octets(hexadecimal: &str) -> Vec<u8> {
        let digits = hexadecimal.as_bytes().chunks(2);
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn suite(name: &str) -> SupportedCipherSuite {
        let suites = provider().cipher_suites.clone();
        suites.into_iter().find(|suite| format!("{:?}", suite.suite()) == name).unwrap()
    }

    fn recorded(vector: &str) -> Recording {
        let recording = Recording::default();
        let client = Recorded::new((), Some(Arc::new(Recording::default())));
        client.keep(&octets(field(vector, "from_client")), |state| &mut state.from_client);
        client.keep(&octets(field(vector, "from_server")), |state| &mut state.from_server);
        let state = std::mem::take(&mut *client.recording.unwrap().lock());
        *recording.lock() = state;
        recording.log("CLIENT_RANDOM", &[], &octets(field(vector, "master_secret")));
        recording
    }

    fn vectors() -> impl Iterator<Item = &'static str> {
        VECTORS.split("\n\n").skip(1)
    }

    // RFC 5929 §3.1: the first Finished message of the handshake.
    #[test]
    fn agrees_with_a_client_that_is_not_ours() {
        assert_eq!(vectors().count(), 2);
        for vector in vectors() {
            let unique = recorded(vector).tls_unique(suite(field(vector, "suite"))).unwrap();
            assert_eq!(unique.as_slice(), octets(field(vector, "tls_unique")));
        }
    }

    #[test]
    fn there_is_none_on_tls_1_3_or_without_the_secret() {
        for vector in vectors() {
            let recording = recorded(vector);
            assert_eq!(recording.tls_unique(suite("TLS13_AES_128_GCM_SHA256")), None);
            recording.lock().master_secret = None;
            assert_eq!(recording.tls_unique(suite(field(vector, "suite"))), None);
        }
    }

    #[test]
    fn a_recording_that_was_cut_gives_none() {
        for vector in vectors() {
            let whole = octets(field(vector, "from_client"));
            // ChangeCipherSpec and Finished are the last two records, of 6 and 45 octets.
            for length in 0..whole.len() - 46 {
                let recording = recorded(vector);
                recording.lock().from_client.truncate(length);
                assert_eq!(recording.tls_unique(suite(field(vector, "suite"))), None, "{length}");
            }
        }
    }

    #[test]
    fn a_recording_is_bounded() {
        let recording = Arc::new(Recording::default());
        let stream = Recorded::new((), Some(Arc::clone(&recording)));
        for _ in 0..100 {
            stream.keep(&[0; 1000], |state| &mut state.from_client);
        }
        assert_eq!(recording.lock().from_client.len(), MOST_OCTETS);
    }

    #[test]
    fn asks_for_no_secret_but_the_one_of_tls_1_2() {
        let recording = Recording::default();
        assert!(recording.will_log("CLIENT_RANDOM"));
        for label in ["EXPORTER_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_HANDSHAKE_TRAFFIC_SECRET"] {
            assert!(!recording.will_log(label));
        }
    }
}
