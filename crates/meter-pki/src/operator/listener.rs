//! The Unix socket: who connects is asked of the kernel, and only this user, root, and the users of
//! the configuration are let in.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use server_kit::shutdown::Shutdown;
use tokio::net::{UnixListener, UnixStream};

/// Who is at the other end, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    user: u32,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid-{}", self.user)
    }
}

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
        // Whoever else connects is turned away by his user id, before he is heard.
        let mode = if others.is_empty() { 0o600 } else { 0o666 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        let users = others.iter().copied().chain([std::fs::metadata(path)?.uid(), 0]).collect();
        Ok(Self { socket, path: path.to_path_buf(), users })
    }

    /// Serves until shutdown, then takes the socket away.
    pub(crate) async fn serve(self, router: Router, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.triggered() => break,
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => self.admit(stream, &router, &shutdown),
                    Err(error) => tracing::warn!(%error, "operator socket: accept failed"),
                },
            }
        }
        drop(std::fs::remove_file(&self.path));
    }

    fn admit(&self, stream: UnixStream, router: &Router, shutdown: &Shutdown) {
        let user = match stream.peer_cred() {
            Ok(credentials) if self.users.contains(&credentials.uid()) => credentials.uid(),
            Ok(credentials) => {
                tracing::warn!(uid = credentials.uid(), "operator socket: refused");
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "operator socket: no credentials");
                return;
            }
        };
        let service = TowerToHyperService::new(router.clone().layer(Extension(Peer { user })));
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
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
