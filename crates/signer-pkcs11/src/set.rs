//! Several tokens as one signer: other keys on each, or the same key on more than one.
//!
//! A key is the same where its public key is: labels and ids are each token's own. Among the tokens that hold it, the one
//! with the fewest calls in flight signs; another one is asked only where the answer proves that nothing was signed (rule R7).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::to_be_signed::ToBeSigned;

use crate::breaker::TokenState;
use crate::keeper::Observer;
use crate::signer::TokenSigner;
use crate::standing::TokenStanding;

/// Signs with keys on several tokens.
pub struct TokenSet {
    members: Vec<Member>,
}

struct Member {
    signer: Arc<TokenSigner>,
    in_flight: AtomicUsize,
}

/// One call, counted until it ends.
struct InFlight<'a>(&'a AtomicUsize);

impl TokenSet {
    /// Takes the tokens. Those that are away now count as soon as they are back, if they were opened by
    /// [`TokenSigner::attend`].
    #[must_use]
    pub fn new(tokens: Vec<Arc<TokenSigner>>) -> Self {
        let members = tokens.into_iter().map(|signer| Member { signer, in_flight: AtomicUsize::new(0) });
        Self { members: members.collect() }
    }

    /// Returns the tokens, for their states.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<TokenSigner>> {
        self.members.iter().map(|member| &member.signer)
    }

    /// Tells whether a token that works was seen to have a key.
    #[must_use]
    pub fn serves(&self, key: &KeyRef) -> bool {
        self.tokens().any(|token| token.holds(key) && token.state() == TokenState::Serving)
    }

    /// Tells how each token stands and what it did, in the order of the tokens.
    pub fn standings(&self) -> impl Iterator<Item = TokenStanding> {
        self.members.iter().map(|member| member.signer.standing())
    }

    /// Sets who is told when one of the tokens fails and when it works again.
    pub fn observe(&self, observer: &Observer) {
        self.members.iter().for_each(|member| member.signer.observe(Observer::clone(observer)));
    }

    /// Returns how many calls each token has in flight, in the order of the tokens.
    pub fn in_flight(&self) -> impl Iterator<Item = usize> {
        self.members.iter().map(|member| member.in_flight.load(Ordering::SeqCst))
    }

    /// Asks the tokens that hold a key, one after the other, until one has answered or may have signed.
    fn ask<T>(
        &self,
        key: &KeyRef,
        ask: impl Fn(&TokenSigner) -> Result<T, SignError>,
    ) -> Result<T, SignError> {
        let mut refusal = SignError::KeyNotFound { key: *key };
        let mut asked = vec![false; self.members.len()];
        while let Some((member, asked)) = self.next(key, &mut asked) {
            *asked = true;
            let counted = InFlight::begin(&member.in_flight);
            let answer = ask(&member.signer);
            drop(counted);
            match answer {
                Err(SignError::KeyNotFound { .. }) => {}
                Err(cause @ SignError::Unavailable { .. }) => {
                    tracing::debug!(token = %member.signer.token(), %cause, "asking another token, if there is one");
                    refusal = sooner(refusal, cause);
                }
                answer => return answer,
            }
        }
        Err(refusal)
    }

    /// Those that were seen to hold a key; all, where none was.
    fn candidates(&self, key: &KeyRef) -> impl Iterator<Item = &TokenSigner> {
        let is_held = self.tokens().any(|token| token.holds(key));
        self.tokens().map(Arc::as_ref).filter(move |token| !is_held || token.holds(key))
    }

    /// The best of those not asked yet: one that was seen to hold the key, that works, that has the fewest calls in flight.
    fn next<'a>(&self, key: &KeyRef, asked: &'a mut [bool]) -> Option<(&Member, &'a mut bool)> {
        let left = self.members.iter().zip(asked).filter(|(_, asked)| !**asked);
        left.min_by_key(|(member, _)| {
            let works = member.signer.state() == TokenState::Serving;
            (!member.signer.holds(key), !works, member.in_flight.load(Ordering::SeqCst))
        })
    }
}

/// Of two tokens that are away, the one that is asked again sooner says when to come; of one that has not the key, nothing follows.
fn sooner(one: SignError, other: SignError) -> SignError {
    match (one.again_in(), other.again_in()) {
        (Some(first), Some(second)) if first <= second => one,
        (Some(_), None) => one,
        (Some(_) | None, _) => other,
    }
}

impl Signer for TokenSet {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.ask(key, |signer| signer.public_key(key))
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.ask(key, |signer| signer.sign(key, message))
    }

    fn sign_read(&self, key: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        self.ask(key, |signer| signer.sign_read(key, tbs))
    }

    /// One that serves is enough.
    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        let mut away: Option<SignError> = None;
        for token in self.candidates(key) {
            let Err(cause) = token.check_at_hand(key) else { return Ok(()) };
            away = Some(match away {
                Some(other) => sooner(other, cause),
                None => cause,
            });
        }
        away.map_or(Ok(()), Err)
    }
}

impl<'a> InFlight<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tokens()).finish()
    }
}
