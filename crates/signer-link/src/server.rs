//! The signer's side of the link: a Unix socket, one thread a connection, and the kernel's word for who asks.
//!
//! Reads requests whole, in constant memory, and hands them to the desk. What may be signed is decided there.

mod incoming;
mod work;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ca_core::octets::PAGE_OCTETS;
use ca_core::signature::EcdsaSignature;
use rustix::net::sockopt::socket_peercred;

use crate::denial::Denial;
use crate::desk::{Asker, KeyList, SigningDesk, key_ref};
use crate::wire::{AskSignature, Frame, Kind, VERSION};
use work::Work;

/// How many connections there are at most.
const CONNECTIONS: usize = 128;

/// How long the rest of a request may take to arrive that has begun.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long what has begun may take when the program ends.
const LAST_WORK: Duration = Duration::from_secs(10);

/// A bound socket.
#[derive(Debug)]
pub struct LinkServer {
    listener: UnixListener,
    path: PathBuf,
    /// Who is let in.
    users: BTreeSet<u32>,
    /// Where octets lie that are too many to hold.
    spool: PathBuf,
}

impl LinkServer {
    /// Binds the socket, of mode 0600 unless `others` are let in beside its owner and root; one that a dead process left behind
    /// is replaced, a live one is not. What is too long to hold is laid into files without a name in `spool`.
    ///
    /// # Errors
    /// [`BindLinkError`].
    pub fn bind(path: &Path, others: &BTreeSet<u32>, spool: &Path) -> Result<Self, BindLinkError> {
        let unusable = |cause| BindLinkError::Unusable { path: path.to_owned(), cause };
        let directory =
            path.parent().filter(|parent| *parent != Path::new("")).unwrap_or_else(|| Path::new("."));
        let mode = fs::metadata(directory).map_err(unusable)?.permissions().mode() & 0o7777;
        // Whoever writes into the directory can put a socket of his own in the place of this one.
        if mode & 0o022 != 0 {
            return Err(BindLinkError::OpenDirectory { path: directory.to_owned(), mode });
        }
        if UnixStream::connect(path).is_ok() {
            return Err(BindLinkError::InUse { path: path.to_owned() });
        }
        match fs::remove_file(path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(unusable(cause)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path).map_err(unusable)?;
        // Whoever else connects is turned away by his user id, before he is heard.
        let mode = if others.is_empty() { 0o600 } else { 0o666 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(unusable)?;
        let owner = fs::metadata(path).map_err(unusable)?.uid();
        let users = others.iter().copied().chain([owner, 0]).collect();
        Ok(Self { listener, path: path.to_owned(), users, spool: spool.to_owned() })
    }

    /// Serves on threads of its own until it is stopped.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn serve(self, desk: Arc<dyn SigningDesk>) -> io::Result<Serving> {
        let work = Arc::new(Work::default());
        let path = self.path.clone();
        let accepting = {
            let work = Arc::clone(&work);
            thread::Builder::new().name("signer-accept".into()).spawn(move || self.accept(&desk, &work))?
        };
        Ok(Serving { work, path, accepting })
    }

    fn accept(self, desk: &Arc<dyn SigningDesk>, work: &Arc<Work>) {
        for accepted in self.listener.incoming() {
            if work.is_stopping() {
                break;
            }
            let stream = match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "signer: accept failed");
                    continue;
                }
            };
            if let Err(error) = self.admit(stream, desk, work) {
                tracing::warn!(%error, "signer: a connection is not served");
            }
        }
    }

    fn admit(&self, stream: UnixStream, desk: &Arc<dyn SigningDesk>, work: &Arc<Work>) -> io::Result<()> {
        let user = socket_peercred(&stream)?.uid.as_raw();
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        if !self.users.contains(&user) {
            tracing::warn!(user, "signer: refused, the configuration does not name this user");
            let sentence = format!("the signer lets user {user} ask nothing: its configuration names users");
            return Denial::refused("user.not-named", sentence).frame()?.send(&stream);
        }
        let Some(seat) = work.seat(CONNECTIONS, stream.try_clone()?) else {
            let sentence = format!("the signer has {CONNECTIONS} connections already");
            return Denial::unavailable("signer.crowded", sentence, 1).frame()?.send(&stream);
        };
        let talk = Talk {
            reader: BufReader::with_capacity(PAGE_OCTETS, stream),
            asker: Asker { user },
            desk: Arc::clone(desk),
            work: Arc::clone(work),
            spool: self.spool.clone(),
        };
        thread::Builder::new().name("signer-talk".into()).spawn(move || {
            if let Err(error) = talk.run() {
                tracing::debug!(%error, "signer: a connection ended");
            }
            drop(seat);
        })?;
        Ok(())
    }
}

/// A signer that serves.
#[derive(Debug)]
pub struct Serving {
    work: Arc<Work>,
    path: PathBuf,
    accepting: JoinHandle<()>,
}

impl Serving {
    /// Takes no more requests, waits for those that were begun, and takes the socket and the connections away.
    pub fn stop(self) {
        self.work.stop();
        // Whoever waits for connections looks up at the next one.
        drop(UnixStream::connect(&self.path));
        if self.accepting.join().is_err() {
            tracing::error!("signer: the thread that accepts connections panicked");
        }
        drop(fs::remove_file(&self.path));
        if !self.work.finished_within(LAST_WORK) {
            tracing::warn!("signer: requests are cut short");
        }
        self.work.hang_up();
    }
}

/// One connection.
struct Talk {
    reader: BufReader<UnixStream>,
    asker: Asker,
    desk: Arc<dyn SigningDesk>,
    work: Arc<Work>,
    spool: PathBuf,
}

impl Talk {
    fn run(mut self) -> io::Result<()> {
        let hello = Frame::read(&mut self.reader)?;
        let version: u8 = if hello.kind == Kind::Hello { hello.value()? } else { 0 };
        if version != VERSION {
            let sentence = format!("the signer speaks version {VERSION} of the link, not {version}");
            return self.answer(&Denial::refused("link.version", sentence).frame()?);
        }
        self.answer(&Frame::hello()?)?;
        while let Some(first) = self.next_octet()? {
            let request = Frame::read_after(first, &mut self.reader)?;
            let answer = match request.kind {
                Kind::AskKeys => KeyList::of(&*self.desk).frame()?,
                Kind::AskState => self.desk.state().frame()?,
                Kind::AskSignature => {
                    self.sign(&request)?;
                    continue;
                }
                Kind::Hello | Kind::Piece | Kind::Keys | Kind::State | Kind::Signature | Kind::Denial => {
                    Denial::refused("link.frame", "this is no request").frame()?
                }
            };
            self.answer(&answer)?;
        }
        Ok(())
    }

    /// Reads the first octet of the next request, however long it is in coming; `None` when the connection ended.
    fn next_octet(&mut self) -> io::Result<Option<u8>> {
        let mut octet = [0];
        loop {
            match self.reader.read(&mut octet) {
                Ok(0) => return Ok(None),
                Ok(_) => {
                    let [octet] = octet;
                    return Ok(Some(octet));
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Signs and answers. A signature that was begun is at work until its answer is sent.
    fn sign(&mut self, request: &Frame) -> io::Result<()> {
        let AskSignature { key, length } = request.value()?;
        let key = key_ref(&key)?;
        let octets = incoming::read(&mut self.reader, length, &self.spool)?;
        let octets = match octets {
            Ok(octets) => octets,
            Err(denial) => return self.answer(&denial.frame()?),
        };
        let Some(begun) = self.work.begin() else {
            let denial = Denial::unavailable("signer.stopping", "the signer is being stopped", 1);
            return self.answer(&denial.frame()?);
        };
        let answer = match self.desk.sign(self.asker, &key, octets) {
            Ok(signature) => signature_frame(&signature),
            Err(denial) => denial.frame()?,
        };
        let answered = self.answer(&answer);
        drop(begun);
        answered
    }

    fn answer(&self, frame: &Frame) -> io::Result<()> {
        frame.send(self.reader.get_ref())
    }
}

fn signature_frame(signature: &EcdsaSignature) -> Frame {
    Frame { kind: Kind::Signature, content: signature.fixed().to_vec() }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindLinkError {
    /// Another signer serves there.
    #[error("{} is in use: another signer serves there", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Others could put a socket of their own there.
    #[error("the socket's directory {} has mode {mode:04o}: others may write into it", path.display())]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system refuses.
    #[error("{}: {cause}", path.display())]
    Unusable {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}
