//! What the certification authority needs of the world: clock, randomness, signer, ledger, status, registry, waiting room,
//! transactions.
//!
//! Declared here, by what ca-core needs; implemented outside; put together in the binaries only. Every method is a verb of
//! the domain and blocks until it is done. A port never calls back.

mod calls;
mod campaigns;
mod duties;
mod findings;
mod fleet;
mod people;
mod production;
mod profile_versions;
mod sign_error;
mod taken_over;
mod visits;

use crate::audit::AuditEvent;
use crate::key_ref::KeyRef;
use crate::octets::{OctetsError, Spool};
use crate::public_key::PublicKey;
use crate::record::{
    BlockedKey, CertificateId, CertificateQuery, CertificateStatus, Conclusion, CrlChanges, CrlIntent,
    CrlNumberTaken, CrlRecord, Decision, DecisionConflict, Device, ExpectedDevice, ImportOutcome, Intent,
    IntentConflict, IssuedRecord, Opened, OrderConflict, OrderDecision, OrderQuery, OrderStep,
    ReleaseOutcome, ReleaseRecord, RevocationOrder, RevocationOutcome, RevocationRecord, RevokedEntry,
    ScheduledRevocation, Settlement, StoredCertificate, Token, Transaction, TransactionAnswer,
    TransactionBounds, TransactionConflict, Unblock, UnblockConflict, Unblocked, WaitingQuery,
    WaitingRequest,
};
use crate::scope::{CrlLine, CrlScope, Shard};
use crate::serial_number::SerialNumber;
use crate::signature::EcdsaSignature;
use crate::system_title::SystemTitle;
use crate::to_be_signed::ToBeSigned;
use crate::validity::UnixTime;

pub use calls::Calls;
pub use campaigns::{Campaigns, Swaps};
pub use duties::Duties;
pub use findings::Findings;
pub use fleet::{Deliveries, Fleet};
pub use people::People;
pub use production::Production;
pub use profile_versions::ProfileVersions;
pub use sign_error::SignError;
pub use taken_over::TakingOver;
pub use visits::Visits;

/// A port cannot do its work now; nothing was done. The cause is for the log, never for the requester.
#[derive(Debug, thiserror::Error)]
#[error("the {port} is unavailable: {cause}")]
pub struct Unavailable {
    /// Which port.
    pub port: &'static str,
    /// What its adapter says.
    #[source]
    pub cause: Box<dyn core::error::Error + Send + Sync>,
}

impl From<OctetsError> for Unavailable {
    fn from(cause: OctetsError) -> Self {
        Self { port: "place of the octets", cause: Box::new(cause) }
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the present.
    fn now(&self) -> UnixTime;
}

/// Gives random octets of cryptographic quality.
pub trait Entropy: Send + Sync {
    /// Fills `octets` with random octets.
    ///
    /// # Errors
    /// [`Unavailable`] when the source cannot deliver; `octets` must then not be used.
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable>;
}

/// Signs with private keys that never leave it.
pub trait Signer: Send + Sync {
    /// Returns the public key of `key`.
    ///
    /// # Errors
    /// [`SignError::KeyNotFound`] or [`SignError::Unavailable`].
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError>;

    /// Signs `message` with ECDSA and the hash that the key's curve fixes (P-256: SHA-256, P-384: SHA-384).
    ///
    /// # Errors
    /// [`SignError`]; the variant says whether a signature may exist all the same.
    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError>;

    /// Signs octets that may be too many to hold. A signer that signs a digest does not read them; any other, and whoever
    /// has to see what is signed, holds them after all.
    ///
    /// # Errors
    /// [`SignError`], as [`sign`](Self::sign).
    fn sign_read(&self, key: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        let message = tbs.octets().to_vec().map_err(SignError::unavailable)?;
        self.sign(key, &message)
    }

    /// Tells what is known of whether `key` could sign now. Asks nobody and waits for nothing: whoever was known to be there may
    /// be gone. Where keys do not go away, nothing is known, and it says `Ok`. Without a default: whoever asks another signer
    /// hands this on too, and one that forgot it would have intents recorded while the key is known to be away.
    ///
    /// # Errors
    /// [`SignError::Unavailable`]: the key is known to be away.
    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError>;
}

/// Keeps that certificates were released from hold: what undoes an act of the ledger, in the same transaction as its audit event.
pub trait Releases: Send + Sync {
    /// Records that a certificate on hold is good again, with its slot if that still is its own.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_release(&self, release: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable>;
}

/// Has room for octets that may be too many to hold.
pub trait Spools: Send + Sync {
    /// Begins to gather octets, of which nothing is recorded; they go when nobody has them. In memory, unless it is
    /// implemented.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn spool(&self) -> Result<Box<dyn Spool>, Unavailable> {
        Ok(Box::new(Vec::new()))
    }
}

/// Keeps intents, certificates, revocations, CRLs and the audit trail; durable before it answers.
///
/// Every method writes its audit events in the same transaction as the act. A method that answers `Err` wrote nothing.
pub trait Ledger: Releases + Spools {
    /// T1: records intents, each if its conditions hold; one durable transaction for all that do.
    ///
    /// Answers in the order of `intents`. Conditions are decided one after the other, as if the intents came singly.
    ///
    /// # Errors
    /// [`Unavailable`]: none was recorded.
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable>;

    /// Marks recorded intents as given to the signer. The mark survives the death of this process.
    ///
    /// # Errors
    /// [`Unavailable`]: the signer must not be asked.
    fn begin_signing(&self, intents: &[CertificateId]) -> Result<(), Unavailable>;

    /// T2: records signed certificates; one durable transaction for all.
    ///
    /// # Errors
    /// [`Unavailable`]: no certificate may be delivered.
    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable>;

    /// Ends intents that do not become certificates; aborted ones give back their slot, token and idempotency key.
    ///
    /// # Errors
    /// [`Unavailable`]: recovery at the next start will settle them.
    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable>;

    /// Records an event that changes nothing else, such as a refusal.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable>;

    /// Records a revocation, if the certificate exists (issued, or an intent) and [`Revocation::following`] lets it follow
    /// what stands on record.
    ///
    /// A key revoked for keyCompromise is blocked for ever; the slot that the certificate held becomes free. On hold it keeps
    /// its slot, which takes nothing else meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`].
    ///
    /// [`Revocation::following`]: crate::record::Revocation::following
    fn record_revocation(&self, revocation: RevocationRecord) -> Result<RevocationOutcome, Unavailable>;

    /// Reserves a CRL number, which must exceed every number recorded for the issuer.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_crl_intent(&self, intent: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable>;

    /// Records a signed CRL under the number that was reserved for it.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable>;
}

/// Answers what the ledger knows of shards, and of what changed in a scope of CRLs; reads only. What is not implemented answers as
/// a ledger does that divides nothing and keeps no changes.
pub trait CrlScopes: Send + Sync {
    /// Lists the shards of an issuer that have a certificate which is valid at `time` or ends later.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn shards(&self, _issuer: &KeyRef, _time: UnixTime) -> Result<Vec<Shard>, Unavailable> {
        Ok(Vec::new())
    }

    /// Lists revoked serial numbers of a shard in ascending order, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn revoked_in(
        &self,
        _shard: (&KeyRef, &Shard),
        _after: Option<&SerialNumber>,
        _limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        Ok(Vec::new())
    }

    /// Tells what changed in a scope after the audit record numbered `after`, at most `limit` changes. Of a certificate that
    /// changed several times each change is told, with the entry as it stands now.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn changes(
        &self,
        _scope: (&KeyRef, &CrlScope),
        _after: u64,
        _limit: usize,
    ) -> Result<CrlChanges, Unavailable> {
        Ok(CrlChanges::default())
    }

    /// Lists the lines of an issuer in which a CRL is on record, with the number of the last one. For those who show what others
    /// made: a ledger that one process has for itself has nothing to list.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn last_numbers(&self, _issuer: &KeyRef) -> Result<Vec<(CrlLine, u64)>, Unavailable> {
        Ok(Vec::new())
    }

    /// Returns when a certificate that is not revoked was last released from hold, if it ever was. The one proof by which an
    /// entry leaves a CRL before its time; a delta CRL lists it as removeFromCRL (RFC 5280 §5.2.4).
    ///
    /// # Errors
    /// [`Unavailable`].
    fn released_at(&self, id: &CertificateId) -> Result<Option<UnixTime>, Unavailable>;
}

/// Answers which authorities are shut out.
pub trait BlockStatus: Send + Sync {
    /// Tells whether operators have shut out whatever stands below this key of an authority.
    ///
    /// # Errors
    /// [`Unavailable`]: never to be taken as "let in".
    fn is_blocked(&self, authority: &KeyRef) -> Result<bool, Unavailable>;
}

/// Tells without asking whether statuses may have changed.
pub trait Revisions {
    /// Returns a number that is another one before anybody hears that the status of an issued certificate changed; nothing where
    /// that cannot be told, as where others write too.
    fn revision(&self) -> Option<u64> {
        None
    }
}

/// Answers what the ledger knows of certificates and CRLs; reads only.
pub trait StatusSource: CrlScopes + BlockStatus + Revisions {
    /// Returns the status of a serial number.
    ///
    /// # Errors
    /// [`Unavailable`]: never to be taken as "good".
    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable>;

    /// Returns a certificate with all that is known of it, intents included.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable>;

    /// Lists certificates, intents included.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable>;

    /// Lists revoked serial numbers of an issuer in ascending order, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn revoked(
        &self,
        issuer: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable>;

    /// Lists serial numbers of an issuer that have been uncertain since `until` or longer and are not revoked.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn uncertain(&self, issuer: &KeyRef, until: UnixTime) -> Result<Vec<SerialNumber>, Unavailable>;

    /// Returns the last CRL recorded for an issuer.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable>;

    /// Returns the last CRL recorded in a line. Where nothing is divided, that of all is the only line.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn latest_of(&self, line: &CrlLine) -> Result<Option<CrlRecord>, Unavailable> {
        if line.is_whole() { self.latest_crl(&line.issuer) } else { Ok(None) }
    }

    /// Returns the DER octets of audit records, at most `limit`, after the one numbered `after`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn audit_records(&self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>, Unavailable>;
}

/// Knows the devices and the one-time tokens of every tenant.
pub trait Registry: Send + Sync {
    /// Puts devices on their owners' lists; durable, with its audit event.
    ///
    /// # Errors
    /// [`Unavailable`]: none was imported.
    fn import_devices(
        &self,
        devices: Vec<ExpectedDevice>,
        event: AuditEvent,
    ) -> Result<ImportOutcome, Unavailable>;

    /// Returns a device, whichever tenant it belongs to: a system title is on one list at most.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn device(&self, title: &SystemTitle) -> Result<Option<Device>, Unavailable>;

    /// Keeps a one-time token; durable, with its audit event.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn keep_token(&self, token: Token, event: AuditEvent) -> Result<(), Unavailable>;

    /// Returns the token whose secret has this SHA-256, spent or not.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Unavailable>;
}

/// Keeps requests that wait for the approval of operators. They come in with their intents, by
/// [`record_intents`](Ledger::record_intents), and go when their time is over.
pub trait WaitingRoom: Send + Sync {
    /// Returns the requests whose digest begins with these octets, at most two.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn waiting_requests_named(&self, digest: &[u8]) -> Result<Vec<WaitingRequest>, Unavailable>;

    /// Lists requests, those that end first in front.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn waiting_requests(&self, query: &WaitingQuery) -> Result<Vec<WaitingRequest>, Unavailable>;

    /// Records what an operator decided, if the request stands so that it can be; returns the request as it stands then.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_decision(
        &self,
        decision: Decision,
    ) -> Result<Result<WaitingRequest, DecisionConflict>, Unavailable>;
}

/// Keeps orders to change the revocation of many certificates, with the exact list of each.
pub trait Orders: Send + Sync {
    /// Writes down an order that is planned, or that its list is whole; one that was asked for stays as it is.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn plan_order(&self, order: RevocationOrder) -> Result<(), Unavailable>;

    /// Writes down parts of the list of an order that is planned, the first of which has this number.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn plan_parts(
        &self,
        digest: &[u8; 32],
        first: u32,
        parts: Vec<Vec<CertificateId>>,
    ) -> Result<(), Unavailable>;

    /// Takes away orders that nobody asked for in time, with their lists, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn forget_plans(&self, now: UnixTime, limit: usize) -> Result<(), Unavailable>;

    /// Returns the orders whose digest begins with these octets, at most two.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn orders_named(&self, digest: &[u8]) -> Result<Vec<RevocationOrder>, Unavailable>;

    /// Lists orders by their digests.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn orders(&self, query: &OrderQuery) -> Result<Vec<RevocationOrder>, Unavailable>;

    /// Returns one part of the list of an order, from 0.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn order_part(&self, digest: &[u8; 32], part: u32) -> Result<Vec<CertificateId>, Unavailable>;

    /// Records what an operator has to say of an order, if it stands so that it can be; returns it as it stands then.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_order_act(
        &self,
        decision: OrderDecision,
    ) -> Result<Result<RevocationOrder, OrderConflict>, Unavailable>;

    /// Carries out a part, and notes that it was: one durable transaction, and never twice. Returns the order as it stands
    /// then, or as it stood where another part is the next.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing of the part was done.
    fn record_order_step(&self, step: OrderStep) -> Result<RevocationOrder, Unavailable>;
}

/// Keeps revocations that are due later. One that is revoked for good before it is due is due no more.
pub trait Schedule: Send + Sync {
    /// Puts a revocation on record that is due later, in the place of one for the same certificate.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn schedule(&self, scheduled: ScheduledRevocation, event: AuditEvent) -> Result<(), Unavailable>;

    /// Takes one back; tells whether there was one.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn cancel_schedule(&self, id: &CertificateId, event: AuditEvent) -> Result<bool, Unavailable>;

    /// Lists those that are due until this time, the first due in front, after this one, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn scheduled(
        &self,
        until: UnixTime,
        after: Option<&(UnixTime, CertificateId)>,
        limit: usize,
    ) -> Result<Vec<ScheduledRevocation>, Unavailable>;
}

/// Keeps which authorities are shut out: nobody is let in by certificates below them.
pub trait TrustBlocks: Send + Sync {
    /// Shuts an authority out; tells whether it was not before.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn block(&self, blocked: BlockedKey, event: AuditEvent) -> Result<bool, Unavailable>;

    /// Lets it in again, or records that somebody asks for it, as [`BlockedKey::unblock`] says.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn unblock(
        &self,
        authority: &KeyRef,
        unblock: Unblock,
    ) -> Result<Result<Unblocked, UnblockConflict>, Unavailable>;

    /// Lists all that are shut out.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn blocked(&self) -> Result<Vec<BlockedKey>, Unavailable>;
}

/// Keeps transactions: messages that belong together, the certificate that answers them, and whether it was confirmed.
pub trait Transactions: Send + Sync {
    /// Puts a transaction on record whose first message is to be answered, if none of its name is and there is room. It
    /// survives the death of this process, and a power cut as soon as anything that follows it does.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing of it may be worked on.
    fn open_transaction(
        &self,
        transaction: Transaction,
        bounds: TransactionBounds,
    ) -> Result<Opened, Unavailable>;

    /// Keeps an answer before it is sent, if the transaction stands so that it can follow, a certificate in it was made
    /// there, and none is being made; returns the transaction as it stands then. What may be asked again, since it is
    /// unavailable or being answered, is no answer to be kept.
    ///
    /// # Errors
    /// [`Unavailable`]: the answer must not be sent.
    fn record_answer(
        &self,
        answer: TransactionAnswer,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable>;

    /// Closes a transaction and revokes with it what was not accepted; one durable transaction, and never twice.
    ///
    /// # Errors
    /// [`Unavailable`]: it stands as before.
    fn conclude(
        &self,
        conclusion: Conclusion,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable>;

    /// Returns a transaction, closed ones for a time too.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn transaction(&self, key: &[u8; 32]) -> Result<Option<Transaction>, Unavailable>;

    /// Returns the transaction in which this certificate waits to be confirmed.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn unconfirmed(&self, certificate: &CertificateId) -> Result<Option<Transaction>, Unavailable>;

    /// Lists transactions of an issuer that are open and whose time is over, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn transactions_due(
        &self,
        issuer: &KeyRef,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Transaction>, Unavailable>;
}

/// Where requests come singly: there are no transactions, and none can be opened.
#[derive(Debug, Clone, Copy)]
pub struct NoTransactions;

impl NoTransactions {
    fn none() -> Unavailable {
        Unavailable { port: "transactions", cause: "no transactions are kept here".into() }
    }
}

impl Transactions for NoTransactions {
    fn open_transaction(&self, _: Transaction, _: TransactionBounds) -> Result<Opened, Unavailable> {
        Err(Self::none())
    }

    fn record_answer(
        &self,
        _: TransactionAnswer,
    ) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        Err(Self::none())
    }

    fn conclude(&self, _: Conclusion) -> Result<Result<Transaction, TransactionConflict>, Unavailable> {
        Err(Self::none())
    }

    fn transaction(&self, _: &[u8; 32]) -> Result<Option<Transaction>, Unavailable> {
        Ok(None)
    }

    fn unconfirmed(&self, _: &CertificateId) -> Result<Option<Transaction>, Unavailable> {
        Ok(None)
    }

    fn transactions_due(&self, _: &KeyRef, _: UnixTime, _: usize) -> Result<Vec<Transaction>, Unavailable> {
        Ok(Vec::new())
    }
}
