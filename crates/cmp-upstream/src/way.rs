//! The way to the authority: connections that are kept while they hold, and a time after which no answer is waited for.
//!
//! Called by threads that may block, never within the runtime that does the work.

use core::fmt;
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use client_kit::{Identity, TlsError};
use cmp_client::{Connection, Endpoint, Operation, TransferError};
use tokio::runtime::Handle;

/// The most connections that are kept while nobody uses them.
const MAX_IDLE: usize = 16;

/// A way to the authority, shared by all labels.
pub struct Way {
    endpoint: Endpoint,
    roots: Vec<Vec<u8>>,
    identity: Identity,
    patience: Duration,
    runtime: Handle,
    idle: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// It is out of reach, or says so.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The settings of TLS, which were sound before.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It took too long.
    #[error("the CMP server did not answer within {} s", patience.as_secs())]
    Late {
        /// How long it was waited for.
        patience: Duration,
    },
}

impl Way {
    /// Prepares the way; `roots`, DER, vouch for the server where it is spoken to over TLS, and `identity` is shown to it there.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn prepare(
        endpoint: Endpoint,
        roots: Vec<Vec<u8>>,
        identity: Identity,
        (patience, runtime): (Duration, Handle),
    ) -> Result<Self, TlsError> {
        let first = Connection::prepare(endpoint.clone(), &roots, &identity)?;
        Ok(Self { endpoint, roots, identity, patience, runtime, idle: Mutex::new(vec![first]) })
    }

    /// Sends a message and waits for what answers it.
    pub(crate) fn exchange(&self, message: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let mut connection = self.connection()?;
        let answered = self.runtime.block_on(async {
            tokio::time::timeout(self.patience, connection.exchange(Operation::Pkcs10, message)).await
        });
        let answer = answered.map_err(|_| NoAnswer::Late { patience: self.patience })??;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        Ok(answer)
    }

    fn connection(&self) -> Result<Connection, NoAnswer> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match kept {
            Some(connection) => Ok(connection),
            None => Ok(Connection::prepare(self.endpoint.clone(), &self.roots, &self.identity)?),
        }
    }
}
