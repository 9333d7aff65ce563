//! The identity provider as the server sees it: its keys are in memory, and fetched when a token names one that is not there.
//!
//! Nothing is fetched before a first token comes: a provider that is away keeps no server from starting.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ca_core::people::Credential;
use ca_core::ports::Clock;
use ca_core::validity::UnixTime;
use rustls::ClientConfig;
use tokio::sync::Mutex;

use super::fault::{TokenFault, TokenRefused};
use super::keyring::{Course, KeyRing};
use super::keys::Keys;
use super::link::Link;
use super::token::{Expected, Unjudged};

/// How long a request waits for each of the provider's two answers, where it has to.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the server judges tokens with.
pub(crate) struct SignIn {
    expected: Expected,
    clock: Arc<dyn Clock>,
    desk: Arc<Desk>,
}

/// Where keys are kept and fetched.
struct Desk {
    link: Link,
    ring: RwLock<KeyRing>,
    /// Held by whoever fetches.
    fetching: Mutex<()>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("expected", &self.expected).finish_non_exhaustive()
    }
}

impl SignIn {
    /// Makes one that trusts nobody but `tls` on the way to the provider.
    pub(crate) fn new(expected: Expected, tls: Option<ClientConfig>, clock: Arc<dyn Clock>) -> Self {
        let link = Link::new(&expected.issuer, tls, PATIENCE);
        let desk = Desk { link, ring: RwLock::default(), fetching: Mutex::default() };
        Self { expected, clock, desk: Arc::new(desk) }
    }

    /// Returns the credential that a token proves.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub(crate) async fn credential(&self, token: &str) -> Result<Credential, TokenRefused> {
        let unjudged = Unjudged::read(token, &self.expected)?;
        let keys = self.keys(&unjudged).await?;
        unjudged.judge(&keys, &self.expected, self.clock.now()).map(|judged| judged.credential)
    }

    async fn keys(&self, token: &Unjudged<'_>) -> Result<Arc<Keys>, TokenFault> {
        let knows = |keys: &Keys| token.is_by_one_of(keys);
        match self.desk.course(self.clock.now(), knows) {
            Course::Use(keys) => return Ok(keys),
            Course::UseAndRefresh(keys) => {
                let (desk, now) = (Arc::clone(&self.desk), self.clock.now());
                tokio::spawn(async move {
                    if let Ok(_held) = desk.fetching.try_lock() {
                        desk.fetch(now).await;
                    }
                });
                return Ok(keys);
            }
            Course::Fetch => {}
            Course::Away { why } => return Err(TokenFault::ProviderAway { why }),
        }
        let _held = self.desk.fetching.lock().await;
        // Whoever held it before may have fetched them.
        if let Course::Fetch = self.desk.course(self.clock.now(), knows) {
            self.desk.fetch(self.clock.now()).await;
        }
        match self.desk.course(self.clock.now(), knows) {
            Course::Use(keys) | Course::UseAndRefresh(keys) => Ok(keys),
            Course::Away { why } => Err(TokenFault::ProviderAway { why }),
            Course::Fetch => Err(TokenFault::ProviderAway { why: "the clock was set back".to_owned() }),
        }
    }
}

impl Desk {
    fn course(&self, now: UnixTime, knows: impl FnOnce(&Keys) -> bool) -> Course {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).course(now, knows)
    }

    async fn fetch(&self, now: UnixTime) {
        let fetched = async { self.link.keys(&self.link.metadata().await?).await }.await;
        if let Err(error) = &fetched {
            tracing::warn!(issuer = self.link.issuer(), error, "the identity provider's keys");
        }
        self.ring.write().unwrap_or_else(PoisonError::into_inner).note(now, fetched);
    }
}
