//! One connection to the database: statements prepared once, sent together, and waited for no longer than so long.
//!
//! Not what is asked for. Whoever loses patience with a session, or meets an error on it, gives it up: what it was doing is then
//! ended by the server, and what became of that is looked up on another.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls, Row, Socket, Statement};

use super::address::Database;
use super::tls::Rustls;

/// How long connecting may take with all hosts together.
const CONNECTING: Duration = Duration::from_secs(20);

/// The thread on which all connections of an engine are driven.
pub(super) struct Wire(Option<Runtime>);

impl Drop for Wire {
    fn drop(&mut self) {
        // Whoever drops it may be at work for another runtime, in which nobody may wait for this one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Wire {
    /// Starts the thread.
    pub(super) fn start() -> std::io::Result<Self> {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    /// Connects to the host that takes writes, or to any where it is only read.
    pub(super) fn connect(&self, database: &Database) -> Result<Session, SessionFault> {
        let Some(handle) = self.0.as_ref().map(Runtime::handle) else { return Err(SessionFault::Ended) };
        let doubtful = Arc::new(AtomicBool::new(false));
        let client = within(handle, CONNECTING, async {
            match &database.tls {
                Some(tls) => {
                    drive(handle, database.config.connect(Rustls(Arc::clone(tls))).await?, &doubtful)
                }
                None => drive(handle, database.config.connect(NoTls).await?, &doubtful),
            }
        })
        .map_err(of_proxy)?;
        let session = Session { client, handle: handle.clone(), doubtful, statements: Mutex::default() };
        Ok(session)
    }
}

/// Takes what only a proxy says for what it is: a server knows the options of a session, and pgbouncer refuses them.
fn of_proxy(fault: SessionFault) -> SessionFault {
    let refused = |error: &Error| {
        error.code() == Some(&SqlState::PROTOCOL_VIOLATION)
            && error.as_db_error().is_some_and(|said| said.message().contains("startup parameter"))
    };
    let is_of_proxy = matches!(&fault, SessionFault::Server(error) if refused(error));
    if is_of_proxy { SessionFault::Pooled } else { fault }
}

/// Has a connection driven until it is over, and hears what the server says beside its answers.
fn drive<S>(
    handle: &Handle,
    (client, mut connection): (Client, Connection<Socket, S>),
    doubtful: &Arc<AtomicBool>,
) -> Result<Client, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    NoTls: MakeTlsConnect<Socket>,
{
    let doubtful = Arc::clone(doubtful);
    handle.spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => {
                    // A commit whose wait for the standby was cancelled is answered like any other, with this beside it.
                    if *notice.code() == SqlState::WARNING {
                        doubtful.store(true, Ordering::SeqCst);
                        tracing::warn!(notice = notice.message(), "the database warns");
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    Ok(client)
}

/// Waits for something on the connections' thread, for so long.
fn within<T>(
    handle: &Handle,
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, SessionFault> {
    let _timers = handle.enter();
    match futures_executor::block_on(async { tokio::time::timeout(limit, work).await }) {
        Ok(done) => done.map_err(SessionFault::Server),
        Err(_) => Err(SessionFault::Silent { limit }),
    }
}

/// A statement on its way.
pub(super) type Sent<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;

/// Waits for statements that are sent together, in this order: each is sent when it is polled first.
pub(super) async fn in_order<T>(mut sent: Vec<Sent<'_, T>>) -> Vec<Result<T, Error>> {
    let mut answers: Vec<Option<Result<T, Error>>> = sent.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_waiting = false;
        for (statement, answer) in sent.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                match statement.as_mut().poll(context) {
                    Poll::Ready(done) => *answer = Some(done),
                    Poll::Pending => is_waiting = true,
                }
            }
        }
        if is_waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// A connection.
pub(super) struct Session {
    client: Client,
    handle: Handle,
    doubtful: Arc<AtomicBool>,
    statements: Mutex<HashMap<String, Statement>>,
}

impl Session {
    /// The client of the connection, for statements that are sent together.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Tells whether the connection is over.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Tells whether the server warned of something, so that what it acknowledged is not to be relied on.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::SeqCst)
    }

    /// Waits for what was begun on the client.
    pub(super) fn wait<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, SessionFault> {
        within(&self.handle, limit, work)
    }

    /// Asks a question that is prepared on this connection, and waits for the rows.
    pub(super) fn ask(
        &self,
        limit: Duration,
        (text, parameters): (&str, &[&(dyn ToSql + Sync)]),
    ) -> Result<Vec<Row>, SessionFault> {
        self.wait(limit, async {
            let statement = self.prepared(text).await?;
            self.client.query(&statement, parameters).await
        })
    }

    /// Returns a statement that is prepared on this connection.
    pub(super) async fn prepared(&self, text: &str) -> Result<Statement, Error> {
        let known = self.lock().get(text).cloned();
        match known {
            Some(statement) => Ok(statement),
            None => {
                let statement = self.client.prepare(text).await?;
                self.lock().insert(text.to_owned(), statement.clone());
                Ok(statement)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Statement>> {
        // Nothing can panic while the lock is held.
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a session gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionFault {
    #[error("{}", said(.0))]
    Server(#[source] Error),
    #[error("the database said nothing for {} seconds", limit.as_secs())]
    Silent { limit: Duration },
    #[error("the database has given no answer for {} seconds", since.as_secs())]
    Away { since: Duration },
    #[error(
        "the session is not the one that was opened: a proxy gives each transaction another one; connect to the server itself, or let the proxy pool sessions"
    )]
    Pooled,
    #[error("the connection ended")]
    Ended,
}

impl SessionFault {
    /// Tells whether the database gave no answer at all, so that whoever asks next waits in vain, too.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Server(error) => {
                let cause = std::error::Error::source(error);
                error.is_closed() || cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
            }
            Self::Silent { .. } => true,
            Self::Away { .. } | Self::Pooled | Self::Ended => false,
        }
    }

    /// Tells whether the server undid a transaction since it stood in the way of another one, or another one in its way.
    pub(super) fn is_for_others(&self) -> bool {
        self.state().is_some_and(|state| {
            [
                &SqlState::T_R_SERIALIZATION_FAILURE,
                &SqlState::T_R_DEADLOCK_DETECTED,
                &SqlState::LOCK_NOT_AVAILABLE,
            ]
            .contains(&state)
        })
    }

    /// Returns the SQLSTATE, where the server gave one.
    pub(super) fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Server(error) => error.code(),
            Self::Silent { .. } | Self::Away { .. } | Self::Pooled | Self::Ended => None,
        }
    }
}

/// What the server says, with its code; without it, what became of the connection.
fn said(error: &Error) -> String {
    match error.as_db_error() {
        Some(server) => format!("{} (SQLSTATE {})", server.message(), server.code().code()),
        None => {
            let cause =
                std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{error}{cause}")
        }
    }
}
