//! One request, from credentials and octets to the answer; and the record that every refusal leaves.
//!
//! Synchronous, for the worker pool: it waits for the ledger and the signer. It knows no HTTP. What each operation does stands
//! in a module of its own. RFC 7030 §4.

mod csr_attributes;
mod server_key;
mod full_cmc;
pub(crate) mod head_end;
mod enrolment;

use std::sync::Arc;

use ca_core::actor::Actor;
use ca_core::authority::CertificationAuthority;
use ca_core::tenant::TenantId;
use server_kit::workers::Party;

use crate::answer::Answer;
use crate::config::{Challenge, EstConfig, Label};
use crate::observation;
use crate::operation::Operation;
use crate::refusal::Refusal;
use crate::reply::{Reply, reply};
use crate::requester::{AuthenticateError, Credentials, Gate, authenticate, authenticate_by_code};
use crate::wire;
use crate::wire::simple_enroll;
use crate::wire::submitted::SubmittedBody;

/// A request, as it came.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) label: Arc<Label>,
    pub(crate) operation: Operation,
    pub(crate) credentials: Credentials,
    pub(crate) body: SubmittedBody,
    pub(crate) audience: Audience,
}

/// Whom a transport serves where RFC 7030 asks for no authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever asks (RFC 7030 §4.1.2, §4.5).
    Anybody,
    /// Those who are known (RFC 9148 §4).
    Known,
}

impl Exchange {
    /// Answers, on the worker pool where it must wait; counted and logged.
    ///
    /// # Errors
    /// The answer to a refusal, which is then on record.
    pub(crate) async fn run(self, config: &Arc<EstConfig>) -> Result<Answer, Reply> {
        let (operation, peer) = (self.operation.name(), self.credentials.connection.peer_addr);
        let begun = tokio::time::Instant::now();
        // What was made beforehand is given also while all workers are busy.
        let made = self.operation == Operation::CaCerts && self.audience == Audience::Anybody;
        let outcome = if made {
            self.answer(config)
        } else {
            let (party, there) = (party(&self.label, &self.credentials), Arc::clone(config));
            config
                .workers()
                .run_for(party, move || self.answer(&there))
                .await
                .unwrap_or_else(|error| Err(error.into()))
        };
        observation::took(begun.elapsed());
        match outcome {
            Ok(answer) => {
                observation::answered(operation);
                Ok(answer)
            }
            Err(refusal) => {
                observation::refused(operation, peer, &refusal);
                Err(reply(&refusal))
            }
        }
    }

    fn answer(&self, config: &EstConfig) -> Result<Answer, Refusal> {
        match self.operation {
            Operation::CaCerts => self.ca_certificates(config),
            Operation::CsrAttrs => csr_attributes::tell(self, self.requester_if_known(config)?.as_ref()),
            Operation::SimpleEnroll => enrolment::enrol(self, &self.admitted(config)?),
            Operation::SimpleReenroll => enrolment::re_enrol(self, &self.admitted(config)?),
            Operation::ServerKeyGen => server_key::make(self, &self.admitted(config)?),
            Operation::FullCmc => full_cmc::answer(self, &self.admitted(config)?),
        }
    }

    fn ca_certificates(&self, config: &EstConfig) -> Result<Answer, Refusal> {
        // RFC 7030 §4.1.2: no authentication is asked for.
        if self.audience == Audience::Known {
            drop(self.admitted(config)?);
        }
        Ok(Answer::CaCertificates { certs_only: self.label.cacerts().to_vec() })
    }

    /// Proves who asks, and that it does not ask too often.
    fn admitted(&self, config: &EstConfig) -> Result<Actor, Refusal> {
        self.paced(config, self.requester(config)?)
    }

    fn paced(&self, config: &EstConfig, actor: Actor) -> Result<Actor, Refusal> {
        match config.pace().admit(config.clock().now(), &actor) {
            Ok(()) => Ok(actor),
            Err(excess) => Err(record(&self.label, &actor, excess.into())),
        }
    }

    /// Proves who asks.
    fn requester(&self, config: &EstConfig) -> Result<Actor, Refusal> {
        let proved = match self.authenticate(config) {
            Err(AuthenticateError::NoCredentials) if self.label.parts().challenge.takes_codes() => {
                self.authenticate_by_code(config)
            }
            proved => proved.map_err(Refusal::from),
        };
        proved.map_err(|refusal| self.unknown(config, refusal))
    }

    /// The one case in which a body is understood before it is known who asks: it says so itself.
    fn authenticate_by_code(&self, config: &EstConfig) -> Result<Actor, Refusal> {
        let content = match self.operation {
            Operation::ServerKeyGen => wire::server_key::decode(&self.body)?.request.content().clone(),
            Operation::SimpleEnroll | Operation::SimpleReenroll => {
                simple_enroll::decode(&self.body)?.csr.content().clone()
            }
            // Signed by a certificate that is shown, or by nobody.
            Operation::FullCmc | Operation::CaCerts | Operation::CsrAttrs => {
                return Err(AuthenticateError::NoCredentials.into());
            }
        };
        let meaning = self.label.parts().challenge;
        match content.challenge_password().map(|text| meaning.read(text)) {
            Some(Challenge::Code(code)) => {
                Ok(authenticate_by_code(&self.gate(config), &self.credentials, code)?)
            }
            Some(Challenge::Binding(_)) | None => Err(AuthenticateError::NoCredentials.into()),
        }
    }

    /// Tells who asks, where nobody need say so. A password is proved all the same: here too it may be guessed.
    fn requester_if_known(&self, config: &EstConfig) -> Result<Option<Actor>, Refusal> {
        if self.audience == Audience::Known {
            return self.admitted(config).map(Some);
        }
        match self.authenticate(config) {
            Ok(actor) => self.paced(config, actor).map(Some),
            Err(error) if error.is_of_a_password() => Err(self.unknown(config, error.into())),
            Err(_) => Ok(None),
        }
    }

    fn authenticate(&self, config: &EstConfig) -> Result<Actor, AuthenticateError> {
        authenticate(&self.gate(config), &self.credentials)
    }

    fn gate<'a>(&'a self, config: &'a EstConfig) -> Gate<'a> {
        Gate {
            label: &self.label,
            registry: config.registry(),
            guesses: config.guesses(),
            now: config.clock().now(),
        }
    }

    /// Returns the authority, for what can be asked only of one in this process. A label that offers that has one.
    fn authority_at_hand(&self) -> Result<&CertificationAuthority, Refusal> {
        self.label.parts().authority.at_hand().ok_or(Refusal::NoSuchOperation)
    }

    fn unknown(&self, config: &EstConfig, refusal: Refusal) -> Refusal {
        record_stranger(config, &self.label, &self.credentials, refusal)
    }
}

/// A request that came to nothing before it could be an exchange.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) label: Arc<Label>,
    /// What was asked for, as metrics and logs have it.
    pub(crate) operation: &'static str,
    pub(crate) credentials: Credentials,
    pub(crate) refusal: Refusal,
}

impl Rejected {
    /// Puts the refusal on record, on the worker pool since a record waits for the disk; counted and logged.
    pub(crate) async fn record(self, config: &Arc<EstConfig>) -> Reply {
        let Self { label, operation, credentials, refusal } = self;
        let peer = credentials.connection.peer_addr;
        let there = Arc::clone(config);
        let party = party(&label, &credentials);
        let recording = move || record_stranger(&there, &label, &credentials, refusal);
        let refusal = config.workers().run_for(party, recording).await.unwrap_or_else(Refusal::from);
        observation::refused(operation, peer, &refusal);
        reply(&refusal)
    }
}

/// Whose share of the threads a request takes: that of those at this owner's labels whose certificates claim the same tenant, or
/// none (H-09, T-18).
fn party(label: &Label, credentials: &Credentials) -> Party {
    let owner = label.parts().authority.tenant();
    let claimed = label.trust().claimed_tenant(&credentials.connection.certificates, owner);
    format!("{owner}/{}", claimed.map_or("-", TenantId::as_str)).as_str().into()
}

/// Puts the refusal of a request on record of which nobody knows who sent it; from where too many come, that they do.
fn record_stranger(
    config: &EstConfig,
    label: &Label,
    credentials: &Credentials,
    refusal: Refusal,
) -> Refusal {
    let nobody = credentials.unauthenticated(label.parts().authority.tenant());
    let address = credentials.connection.peer_addr.ip();
    let refusal = match config.pace().admit_stranger(config.clock().now(), address) {
        Ok(()) => refusal,
        Err(excess) => excess.into(),
    };
    record(label, &nobody, refusal)
}

/// Puts a refusal on record under the label's authority, and returns it; or, if that cannot be done, another one.
pub(crate) fn record(label: &Label, actor: &Actor, refusal: Refusal) -> Refusal {
    let mut detail = format!("EST request at label {}", label.name());
    if let Refusal::Excessive(excess) = &refusal {
        match excess.unrecorded {
            // A flood of requests must not become one of records.
            None => return refusal,
            Some(0) => {}
            Some(others) => detail.push_str(&format!("; {others} refusals before it are not on record")),
        }
    }
    match label.parts().authority.record_refusal(actor, &detail, refusal.code()) {
        Ok(()) => refusal,
        Err(unavailable) => Refusal::NotRecorded(unavailable),
    }
}
