//! A simulated meter: the Security setup object as a server, for tests and simulations.
//!
//! It behaves as the Green Book says, not as any library does: it verifies what it imports by the authorities that it holds,
//! an import replaces the certificate at once, and removing a certificate of its own destroys the key. What goes wrong goes
//! wrong by plan ([`PlannedFault`]). Its keys follow from a seed, so that a run can be repeated: they protect nothing. There is
//! no association, no ciphering and no clock; `key_agree` is refused, and transferred keys are kept wrapped, as they came.
//! What it holds for its own keys can be taken out and put in again ([`Held`]), so that a meter outlives the program that plays it.

mod fault;
mod held;
mod key;
mod store;
mod transfer;

pub use fault::{Fault, PlannedFault};
pub use held::Held;

use std::collections::BTreeMap;

use ca_core::certificate::Certificate;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;

use crate::apdu::{ActionResponse, ActionResult, Apdu, DataAccessResult, Exception, GetResult};
use crate::axdr::Data;
use crate::block::request_for_more;
use crate::cosem::{Descriptor, LogicalName, SECURITY_SETUP};
use crate::security_setup::{Attribute, KeyId, MeterKey, Method, SecurityPolicy, TransferredKey};
use crate::work_order::{Answer, Call, Reply};
use fault::Plan;
use key::SimulatedKey;
use store::CertificateStore;
use transfer::Transfer;

/// What a simulated meter is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its system title.
    pub title: SystemTitle,
    /// The suite of its keys.
    pub suite: SecuritySuite,
    /// Its Security setup object.
    pub object: LogicalName,
    /// The longest APDU that it takes and sends, in octets.
    pub max_pdu: u16,
    /// What its keys follow from; another one for each meter.
    pub seed: [u8; 32],
    /// Trust anchors that it was made with.
    pub anchors: Vec<Certificate>,
}

/// A simulated meter.
#[derive(Debug)]
pub struct Meter {
    identity: Identity,
    drawn: u32,
    keys: BTreeMap<MeterKey, KeyPairs>,
    store: CertificateStore,
    policy: SecurityPolicy,
    client: SystemTitle,
    transferred: BTreeMap<KeyId, Vec<u8>>,
    transfer: Transfer,
    plan: Plan,
}

/// The keys of one purpose: the one in use, and one that waits for its certificate.
#[derive(Debug, Default)]
struct KeyPairs {
    current: Option<SimulatedKey>,
    pending: Option<SimulatedKey>,
}

impl KeyPairs {
    const fn newest(&self) -> Option<&SimulatedKey> {
        match &self.pending {
            Some(pending) => Some(pending),
            None => self.current.as_ref(),
        }
    }
}

/// How a service ended: a value or nothing, or the number of the failure.
type Ended<F> = Result<Option<Data>, F>;

impl Meter {
    /// Makes a meter without keys, that demands no protection.
    #[must_use]
    pub fn new(identity: Identity, faults: Vec<PlannedFault>) -> Self {
        let store = CertificateStore::new(identity.title, identity.anchors.clone());
        let transfer = Transfer::new(identity.max_pdu);
        Self {
            identity,
            drawn: 0,
            keys: BTreeMap::new(),
            store,
            policy: SecurityPolicy::NOTHING,
            client: SystemTitle::new([0; 8]),
            transferred: BTreeMap::new(),
            transfer,
            plan: Plan::new(faults),
        }
    }

    /// Plays a firmware update after which its object is of another suite, and it knows these anchors too. What it holds stays.
    pub fn update(&mut self, suite: SecuritySuite, anchors: impl IntoIterator<Item = Certificate>) {
        self.identity.suite = suite;
        self.store.trust(anchors);
    }

    /// Takes an APDU in clear and gives the one that it answers; nothing where it was, or its answer is, lost.
    pub fn exchange(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        let Ok(apdu) = Apdu::decode(request) else {
            // service-unknown, service-not-supported
            return Some(
                Apdu::Exception(Exception { state: 2, service: 2, invocation_counter: None }).encode(),
            );
        };
        let answer = match apdu {
            Apdu::ActionRequest(request) => match self.transfer.take_action(request) {
                Ok((method, parameters)) => {
                    let fault = self.plan.strikes(method.number);
                    if fault == Some(Fault::LoseRequest) {
                        self.transfer.forget();
                        return None;
                    }
                    let ended = self.invoke(method, parameters, fault.as_ref());
                    let answer = self.transfer.answer_action(ended);
                    if fault == Some(Fault::LoseAnswer) {
                        return None;
                    }
                    answer
                }
                Err(answer) => answer,
            },
            Apdu::GetRequest(request) => match self.transfer.take_get(request) {
                Ok(attribute) => {
                    let ended = self.read(attribute);
                    self.transfer.answer_get(ended)
                }
                Err(answer) => answer,
            },
            Apdu::GetResponse(_) | Apdu::ActionResponse(_) | Apdu::Exception(_) => {
                Apdu::Exception(Exception { state: 1, service: 1, invocation_counter: None })
            }
        };
        Some(answer.encode())
    }

    /// Plays the head-end: sends a call in the APDUs that it needs, asks for the blocks of the answer, and brings back all that
    /// came.
    pub fn put_through(&mut self, call: &Call) -> Reply {
        let answer = self.converse(&call.apdus()).map_or(Answer::Nothing, Answer::Apdus);
        Reply { call: call.number(), answer }
    }

    /// The same with a call in octets: takes its APDUs one after the other, is asked for the blocks of the answer, and gives back all
    /// that it answered; nothing where one was lost.
    pub fn converse(&mut self, requests: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
        let mut answers = Vec::new();
        for request in requests {
            let answer = self.exchange(request)?;
            let goes_on =
                matches!(Apdu::decode(&answer), Ok(Apdu::ActionResponse(ActionResponse::NextBlock { .. })));
            answers.push(answer);
            if !goes_on {
                break;
            }
        }
        while let Some(request) = answers.last().and_then(|answer| request_for_more(answer)) {
            answers.push(self.exchange(&request)?);
        }
        Some(answers)
    }

    /// Returns the certificate that is in force for one of its own keys.
    #[must_use]
    pub fn certificate(&self, key: MeterKey) -> Option<&Certificate> {
        self.store.own(key)
    }

    /// Tells whether it has a key pair in use for this purpose.
    #[must_use]
    pub fn has_key(&self, key: MeterKey) -> bool {
        self.keys.get(&key).is_some_and(|pairs| pairs.current.is_some())
    }

    /// Returns a symmetric key as it was transferred: wrapped.
    #[must_use]
    pub fn transferred(&self, id: KeyId) -> Option<&[u8]> {
        self.transferred.get(&id).map(Vec::as_slice)
    }

    /// Returns the policy that is in force.
    #[must_use]
    pub const fn policy(&self) -> SecurityPolicy {
        self.policy
    }

    fn is_here(&self, at: Descriptor) -> bool {
        at.class_id == SECURITY_SETUP && at.instance == self.identity.object
    }

    fn read(&self, at: Descriptor) -> Result<Data, DataAccessResult> {
        let attribute = Attribute::from_number(at.number).ok().filter(|_| self.is_here(at));
        Ok(match attribute.ok_or(DataAccessResult::OBJECT_UNDEFINED)? {
            Attribute::SecurityPolicy => Data::Enum(self.policy.bits()),
            Attribute::SecuritySuite => Data::Enum(self.identity.suite.number()),
            Attribute::ClientSystemTitle => Data::OctetString(self.client.octets().to_vec()),
            Attribute::ServerSystemTitle => Data::OctetString(self.identity.title.octets().to_vec()),
            Attribute::Certificates => self.store.listed(),
        })
    }

    fn invoke(
        &mut self,
        at: Descriptor,
        parameters: Option<Data>,
        fault: Option<&Fault>,
    ) -> Ended<ActionResult> {
        if !self.is_here(at) {
            return Err(ActionResult::OBJECT_UNDEFINED);
        }
        if let Some(Fault::Refuse(result)) = fault {
            return Err(*result);
        }
        let method = Method::read(at.number, parameters.as_ref().unwrap_or(&Data::Null));
        match method.map_err(|_| ActionResult::TYPE_UNMATCHED)? {
            Method::SecurityActivate(policy) if policy.demands_all_of(self.policy) => {
                self.policy = policy;
                Ok(None)
            }
            Method::SecurityActivate(_) | Method::KeyAgree(_) => Err(ActionResult::READ_WRITE_DENIED),
            Method::KeyTransfer(keys) => self.take_keys(keys),
            Method::GenerateKeyPair(key) => {
                if fault != Some(&Fault::KeepOldKey) {
                    let made = self.draw(self.identity.suite);
                    self.keys.entry(key).or_default().pending = Some(made);
                }
                Ok(None)
            }
            Method::GenerateCertificateRequest(key) => {
                self.request(key, fault).map(Data::OctetString).map(Some)
            }
            Method::ImportCertificate(der) => self.import(&der, fault),
            Method::ExportCertificate(identification) => {
                let shown = self.store.find(&identification).ok_or(ActionResult::OBJECT_UNAVAILABLE)?;
                let der = match fault {
                    Some(Fault::ShowCertificate(other)) => other.clone(),
                    _ => shown.der().to_vec(),
                };
                Ok(Some(Data::OctetString(der)))
            }
            Method::RemoveCertificate(identification) => {
                let removed = self.store.remove(&identification).ok_or(ActionResult::OBJECT_UNAVAILABLE)?;
                if let Some(key) = removed {
                    // Green Book 9.2.6.6.7: the private key goes with a certificate of the server's own.
                    drop(self.keys.remove(&key));
                }
                Ok(None)
            }
        }
    }

    fn take_keys(&mut self, keys: Vec<TransferredKey>) -> Ended<ActionResult> {
        let octets = TransferredKey::wrapped_octets(self.identity.suite);
        if keys.iter().any(|key| key.wrapped.len() != octets) {
            return Err(ActionResult::OTHER_REASON);
        }
        self.transferred.extend(keys.into_iter().map(|key| (key.id, key.wrapped)));
        Ok(None)
    }

    fn draw(&mut self, suite: SecuritySuite) -> SimulatedKey {
        self.drawn = self.drawn.saturating_add(1);
        SimulatedKey::drawn(suite.curve(), &self.identity.seed, self.drawn)
    }

    fn request(&mut self, key: MeterKey, fault: Option<&Fault>) -> Result<Vec<u8>, ActionResult> {
        let title = match fault {
            Some(Fault::NameInRequest(other)) => *other,
            _ => self.identity.title,
        };
        let other = match fault {
            Some(Fault::RequestOnOtherCurve) => {
                let suite = match self.identity.suite {
                    SecuritySuite::Suite1 => SecuritySuite::Suite2,
                    SecuritySuite::Suite2 => SecuritySuite::Suite1,
                };
                Some(self.draw(suite))
            }
            _ => None,
        };
        let of = match fault {
            Some(Fault::RequestForKey(other)) => *other,
            _ => key,
        };
        let pair = other.as_ref().or_else(|| self.keys.get(&of)?.newest());
        let request = pair.ok_or(ActionResult::OBJECT_UNAVAILABLE)?.request(&title, fault);
        request.ok_or(ActionResult::OTHER_REASON)
    }

    fn import(&mut self, der: &[u8], fault: Option<&Fault>) -> Ended<ActionResult> {
        let certificate = self.store.verified(der).ok_or(ActionResult::OTHER_REASON)?;
        if fault == Some(&Fault::ForgetImport) {
            return Ok(None);
        }
        let Some(key) = self.store.own_key_of(&certificate) else {
            self.store.keep_of_others(certificate);
            return Ok(None);
        };
        let pairs = self.keys.entry(key).or_default();
        let is_of = |pair: &Option<SimulatedKey>| {
            pair.as_ref().is_some_and(|pair| pair.point() == Some(certificate.public_key().point()))
        };
        if is_of(&pairs.pending) {
            pairs.current = pairs.pending.take();
        } else if !is_of(&pairs.current) {
            return Err(ActionResult::OTHER_REASON);
        }
        self.store.keep_own(key, certificate);
        Ok(None)
    }
}

/// Turns the end of a read into what goes on the wire.
pub(super) fn wire_result(ended: Result<Data, DataAccessResult>) -> GetResult {
    ended.map_or_else(GetResult::Refused, GetResult::Data)
}
