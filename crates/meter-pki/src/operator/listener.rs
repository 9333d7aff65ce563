//! The Unix socket: who connects is asked of the kernel, and only this user, root, and the users of
//! the configuration and those on record are let in.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::Request;
use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use server_kit::listener::PeerConnection;
use server_kit::shutdown::Shutdown;
use tokio::net::{UnixListener, UnixStream};

use crate::sign_in::SignedIn;

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Connected {
    /// A user of this machine, as the kernel says.
    User(u32),
    /// Somebody elsewhere, with the certificates that he showed in the handshake.
    Elsewhere(PeerConnection),
    /// Somebody elsewhere, with the token that he sent.
    SignedIn(SignedIn),
}

impl Connected {
    /// Reads who is at the other end of a request, whichever listener it came by.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let extensions = request.extensions();
        let elsewhere = || extensions.get::<PeerConnection>().cloned().map(Self::Elsewhere);
        extensions.get::<Self>().cloned().or_else(elsewhere)
    }

    /// Returns the address at the other end; that of this machine where the kernel says whose it is.
    pub(crate) const fn address(&self) -> IpAddr {
        match self {
            Self::User(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Self::Elsewhere(peer) => peer.peer_addr.ip(),
            Self::SignedIn(signed_in) => signed_in.address,
        }
    }
}

/// Tells whether a user of this machine whom the configuration does not name is heard: whether he is on record.
pub(crate) type Doorkeeper = Arc<dyn Fn(u32) -> bool + Send + Sync>;

/// A bound socket.
#[derive(Debug)]
pub(crate) struct OperatorListener {
    socket: UnixListener,
    path: PathBuf,
    /// Who is let in.
    users: BTreeSet<u32>,
}

impl OperatorListener {
    /// Binds the socket, of mode 0600 unless `others` are let in beside its owner and root; one that a dead process left behind is replaced, a live one is not.
    pub(crate) async fn bind(path: &Path, others: &BTreeSet<u32>) -> io::Result<Self> {
        if UnixStream::connect(path).await.is_ok() {
            let why = format!("{} is in use: another meter-pki is serving", path.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let socket = UnixListener::bind(path)?;
        if others.is_empty() {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        } else {
            let_others_find(path)?;
        }
        let users = others.iter().copied().chain([std::fs::metadata(path)?.uid(), 0]).collect();
        Ok(Self { socket, path: path.to_path_buf(), users })
    }

    /// Serves until shutdown, then takes the socket away.
    pub(crate) async fn serve(self, router: Router, doorkeeper: Doorkeeper, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.triggered() => break,
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => self.admit(stream, (&router, &doorkeeper), &shutdown),
                    Err(error) => tracing::warn!(%error, "operator socket: accept failed"),
                },
            }
        }
        drop(std::fs::remove_file(&self.path));
    }

    fn admit(&self, stream: UnixStream, (router, doorkeeper): (&Router, &Doorkeeper), shutdown: &Shutdown) {
        let user = match stream.peer_cred() {
            Ok(credentials) => credentials.uid(),
            Err(error) => {
                tracing::warn!(%error, "operator socket: no credentials");
                return;
            }
        };
        let (is_named, doorkeeper) = (self.users.contains(&user), Arc::clone(doorkeeper));
        let service = TowerToHyperService::new(router.clone().layer(Extension(Connected::User(user))));
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            let heard =
                is_named || tokio::task::spawn_blocking(move || doorkeeper(user)).await.unwrap_or(false);
            if !heard {
                tracing::warn!(uid = user, "operator socket: refused");
                return;
            }
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(std::time::Duration::from_secs(5))
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "operator socket: connection");
                },
                () = shutdown.cut_short() => {}
            }
        });
    }
}

/// Lets other users of this machine find the socket. Whoever is neither named nor on record is turned away by his user id,
/// before he is heard.
pub(crate) fn let_others_find(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
}
