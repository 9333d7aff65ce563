//! One connection to the signer: a hello, and then one request after the other.

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::octets::{Octets, OctetsError};
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use der::asn1::OctetString;

use super::{LinkBounds, OpenLinkError};
use crate::denial::Denial;
use crate::desk::{KeyList, SignerState};
use crate::wire::{AskSignature, Frame, Kind, LONGEST_REQUEST, VERSION, unsound};

/// How long a living signer takes to say hello, at most.
const HELLO: Duration = Duration::from_secs(2);

/// How many octets of an answer are read at once: more than a signature has.
const SHORT_ANSWER: usize = 512;

/// Where the signer is, and the connections to it that nobody uses at the moment.
#[derive(Debug)]
pub(super) struct Place {
    socket: PathBuf,
    bounds: LinkBounds,
    idle: Mutex<Vec<Connection>>,
}

impl Place {
    pub(super) fn new(socket: &Path, bounds: LinkBounds) -> Self {
        Self { socket: socket.to_owned(), bounds, idle: Mutex::new(Vec::new()) }
    }

    pub(super) const fn bounds(&self) -> LinkBounds {
        self.bounds
    }

    pub(super) fn name(&self) -> String {
        self.socket.display().to_string()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_idle(&self) -> Option<Connection> {
        self.idle().pop()
    }

    pub(super) fn give_back(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < self.bounds.requests {
            idle.push(connection);
        }
    }

    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Opens a connection, over which the signer has said hello.
    pub(super) fn connect(&self) -> Result<Connection, OpenLinkError> {
        let broken = |cause| OpenLinkError::broken(self, cause);
        let stream = UnixStream::connect(&self.socket).map_err(broken)?;
        let greet = || {
            stream.set_read_timeout(Some(HELLO))?;
            stream.set_write_timeout(Some(self.bounds.answer))?;
            // Whoever is refused may find the connection closed; what was said before that is still there.
            drop(Frame::hello()?.send(&stream));
            Frame::read(&stream)
        };
        let hello = greet().map_err(broken)?;
        match hello.kind {
            Kind::Hello if hello.value::<u8>().map_err(broken)? == VERSION => {}
            Kind::Denial => {
                let denial = Denial::read(&hello).map_err(broken)?;
                return Err(OpenLinkError::Denied { socket: self.name(), denial });
            }
            Kind::Hello
            | Kind::AskKeys
            | Kind::AskState
            | Kind::AskSignature
            | Kind::Piece
            | Kind::Keys
            | Kind::State
            | Kind::Signature => return Err(broken(unsound("it speaks another version of the link"))),
        }
        stream.set_read_timeout(Some(self.bounds.answer)).map_err(broken)?;
        Ok(Connection { stream, socket: self.name() })
    }
}

/// A connection over which the signer has said hello.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    socket: String,
}

/// Why a request was not sent whole: nothing was signed.
#[derive(Debug)]
pub(super) enum SendError {
    /// The connection broke.
    Broken(io::Error),
    /// The octets that are to be signed could not be read.
    Octets(OctetsError),
}

impl From<io::Error> for SendError {
    fn from(cause: io::Error) -> Self {
        Self::Broken(cause)
    }
}

impl Connection {
    fn broken(&self, cause: io::Error) -> OpenLinkError {
        OpenLinkError::Broken { socket: self.socket.clone(), cause }
    }

    /// Sends a request to sign. Where this is an error, the signer has not got all of it, and signs nothing.
    pub(super) fn send(&self, key: &KeyRef, octets: &Octets) -> Result<(), SendError> {
        if octets.length() > LONGEST_REQUEST {
            return Err(unsound("there are more octets than a signer signs").into());
        }
        let key = OctetString::new(key.octets().as_slice()).map_err(unsound)?;
        let mut together = Vec::new();
        let ask = AskSignature { key, length: octets.length() };
        Frame::of(Kind::AskSignature, &ask)?.append_to(&mut together)?;
        for page in octets.pages() {
            let content = page.map_err(SendError::Octets)?;
            Frame { kind: Kind::Piece, content }.append_to(&mut together)?;
            io::Write::write_all(&mut &self.stream, &together)?;
            together.clear();
        }
        // Without octets there is no piece; a signer refuses that, and it is for the signer to refuse.
        Ok(io::Write::write_all(&mut &self.stream, &together)?)
    }

    /// Reads what became of the request that was sent.
    ///
    /// # Errors
    /// No answer came, or none that could be understood: a signature may exist.
    pub(super) fn signature(&self, curve: Curve) -> Result<Result<EcdsaSignature, Denial>, OpenLinkError> {
        let answer = self.answer().map_err(|cause| self.broken(cause))?;
        match answer.kind {
            Kind::Signature => EcdsaSignature::from_fixed(curve, &answer.content)
                .map(Ok)
                .map_err(|cause| self.broken(unsound(cause))),
            Kind::Denial => Denial::read(&answer).map(Err).map_err(|cause| self.broken(cause)),
            Kind::Hello
            | Kind::AskKeys
            | Kind::AskState
            | Kind::AskSignature
            | Kind::Piece
            | Kind::Keys
            | Kind::State => Err(self.broken(unsound("this answers another question"))),
        }
    }

    /// Asks which keys there are.
    pub(super) fn keys(&self) -> Result<KeyList, OpenLinkError> {
        let keys = self.ask(Kind::AskKeys, Kind::Keys).and_then(|answer| KeyList::read(&answer));
        keys.map_err(|cause| self.broken(cause))
    }

    /// Asks how the signer stands.
    pub(super) fn state(&self) -> Result<SignerState, OpenLinkError> {
        let state = self.ask(Kind::AskState, Kind::State).and_then(|answer| SignerState::read(&answer));
        state.map_err(|cause| self.broken(cause))
    }

    /// Reads an answer, at once as a rule: there is one to each question, and nothing behind it.
    fn answer(&self) -> io::Result<Frame> {
        Frame::read(BufReader::with_capacity(SHORT_ANSWER, &self.stream))
    }

    fn ask(&self, question: Kind, answer: Kind) -> io::Result<Frame> {
        Frame { kind: question, content: Vec::new() }.send(&self.stream)?;
        let frame = self.answer()?;
        if frame.kind == answer { Ok(frame) } else { Err(unsound("this answers another question")) }
    }
}
