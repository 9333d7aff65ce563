//! One DTLS connection without a socket: datagrams are put in and taken out by whoever has one.
//!
//! OpenSSL keeps the timers of the handshake by its own clock and looks at them whenever it is called (RFC 6347 §4.2.4):
//! [`Session::progress`] is to be called now and then also when nothing came.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, ShutdownState, Ssl, SslRef, SslStream};
use openssl::x509::X509Ref;

/// RFC 5929 §3: the length of a Finished message's contents.
const FINISHED_OCTETS: usize = 12;
/// The most that a record holds (RFC 6347 §4.1.1).
const RECORD_OCTETS: usize = 16_384;

/// The network, as OpenSSL sees it.
#[derive(Debug, Default)]
struct Datagrams {
    inbound: VecDeque<Vec<u8>>,
    outbound: Vec<Vec<u8>>,
}

impl Read for Datagrams {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let datagram = self.inbound.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        // A datagram is read whole or not at all: what does not fit was no DTLS of ours.
        let Some(place) = room.get_mut(..datagram.len()) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        place.copy_from_slice(&datagram);
        Ok(datagram.len())
    }
}

impl Write for Datagrams {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.outbound.push(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What came of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing more can be done before something comes.
    Waiting,
    /// The handshake has ended well.
    Established,
    /// What the peer said in one record.
    Heard(Vec<u8>),
    /// The peer has ended the connection.
    Closed,
}

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("DTLS failed: {cause}")]
pub(crate) struct SessionError {
    /// What OpenSSL says.
    cause: openssl::ssl::Error,
}

/// What is known of the peer once the handshake has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The certificates, DER, the peer's own first.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// The length of the cipher's key, in bits.
    pub(crate) cipher_bits: Option<u16>,
    /// RFC 5929 §3.
    pub(crate) tls_unique: Option<[u8; FINISHED_OCTETS]>,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Session {
    stream: SslStream<Datagrams>,
    established: bool,
}

impl Session {
    pub(super) fn new(ssl: Ssl) -> Result<Self, ErrorStack> {
        Ok(Self { stream: SslStream::new(ssl, Datagrams::default())?, established: false })
    }

    pub(super) fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    /// Puts in a datagram from the peer.
    pub(crate) fn put(&mut self, datagram: Vec<u8>) {
        self.stream.get_mut().inbound.push_back(datagram);
    }

    /// Takes out the datagrams for the peer.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.stream.get_mut().outbound)
    }

    /// Goes on with the handshake, or reads one record.
    ///
    /// # Errors
    /// [`SessionError`] when the connection is over.
    pub(crate) fn progress(&mut self) -> Result<Progress, SessionError> {
        if self.established { self.read() } else { self.shake_hands() }
    }

    /// Begins a handshake as a client, which is how the gate comes by its rehearsed hello.
    pub(super) fn begin(&mut self) {
        // It can only wait for an answer, which never comes.
        drop(self.stream.connect());
    }

    fn shake_hands(&mut self) -> Result<Progress, SessionError> {
        match self.stream.accept() {
            Ok(()) => {
                self.established = true;
                Ok(Progress::Established)
            }
            Err(error) if error.code() == ErrorCode::WANT_READ => Ok(Progress::Waiting),
            Err(cause) => Err(SessionError { cause }),
        }
    }

    fn read(&mut self) -> Result<Progress, SessionError> {
        let mut room = vec![0; RECORD_OCTETS];
        match self.stream.ssl_read(&mut room) {
            Ok(length) => {
                room.truncate(length);
                Ok(Progress::Heard(room))
            }
            Err(error) if error.code() == ErrorCode::WANT_READ => Ok(Progress::Waiting),
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(Progress::Closed),
            Err(cause) => Err(SessionError { cause }),
        }
    }

    /// Says something to the peer, in one record.
    ///
    /// # Errors
    /// [`SessionError`] when the connection is over.
    pub(crate) fn say(&mut self, octets: &[u8]) -> Result<(), SessionError> {
        self.stream.ssl_write(octets).map(drop).map_err(|cause| SessionError { cause })
    }

    /// Ends the connection in order: the peer is told (RFC 5246 §7.2.1).
    pub(crate) fn close(&mut self) {
        if !self.stream.get_shutdown().contains(ShutdownState::SENT) {
            // The peer's own farewell is not waited for.
            drop(self.stream.shutdown());
        }
    }

    /// Returns what the peer showed in the handshake.
    ///
    /// # Errors
    /// What OpenSSL says when it cannot write a certificate it has read.
    pub(crate) fn shown(&self) -> Result<Shown, ErrorStack> {
        let own = self.ssl().peer_certificate();
        // OpenSSL keeps the certificate of a client apart from those it sent along.
        let others = self.ssl().peer_cert_chain().into_iter().flatten().map(X509Ref::to_der);
        let certificates = match own {
            Some(own) => std::iter::once(own.to_der()).chain(others).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let mut finished = [0; FINISHED_OCTETS];
        // RFC 5929 §3: the first Finished message of a full handshake is the client's.
        let length = self.ssl().peer_finished(&mut finished);
        // RFC 9148 §9.1, RFC 7627: without the extended master secret it binds nothing, and is taken for absent.
        let binds = self.ssl().extms_support() == Some(true) && length == FINISHED_OCTETS;
        let bits = self.ssl().current_cipher().and_then(|cipher| u16::try_from(cipher.bits().secret).ok());
        Ok(Shown { certificates, cipher_bits: bits, tls_unique: binds.then_some(finished) })
    }
}
