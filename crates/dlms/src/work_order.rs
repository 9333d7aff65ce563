//! Work orders: for one meter, which calls in which order, and what each answer is worth.
//!
//! A [`WorkOrder`] is a list that can be written down; a [`Conversation`] goes through it, call by call or as many at once as
//! can be sent before a certificate has to be issued. Who keeps the list over restarts, how often something is tried again and
//! when is not said here: a saga drives one conversation for each device and key, a bulk order hundreds of thousands.

mod answer;
mod call;
mod conversation;
mod judge;
mod material;
mod returned;

pub use answer::{Answer, AnswerError, Reply};
pub use call::{Call, Expected, Task};
pub use conversation::{Conversation, Next, TurnError};
pub use judge::{JudgeError, KnownKey, KnownKeys, Outcome, Remedy, RequestFault};
pub use material::{
    AuthorityCertificate, ClientCertificate, IssuedCertificate, MaterialError, RemovableCertificate,
};

use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;

use crate::cosem::LogicalName;
use crate::security_setup::{Attribute, MeterKey, SecurityPolicy, TransferredKey};

/// The meter that a work order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressee {
    /// Its system title.
    pub title: SystemTitle,
    /// The suite that its keys are of.
    pub suite: SecuritySuite,
    /// The Security setup object.
    pub object: LogicalName,
    /// The longest APDU that the meter takes, in octets, in clear: what was negotiated less what ciphering adds.
    pub max_pdu: u16,
}

/// What a work order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The meter comes to another owner: title and suite are asked first, and everything is listed at the end.
    Swap,
    /// The meter gets new keys and certificates of the same owner.
    Renew,
}

/// What shall be on the meter in the end, and what no more. Lists may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// Certification authorities' certificates that it needs to verify the others.
    pub authorities: Vec<AuthorityCertificate>,
    /// Keys that it makes, and gets certificates for.
    pub keys: Vec<MeterKey>,
    /// Certificates of clients.
    pub clients: Vec<ClientCertificate>,
    /// Certificates of others that are removed, once the new ones are in.
    pub removals: Vec<RemovableCertificate>,
    /// Symmetric keys, wrapped already.
    pub transfers: Vec<TransferredKey>,
    /// The policy that is activated, last of all.
    pub policy: Option<SecurityPolicy>,
}

/// One step of a work order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A call that can be made as it stands.
    Do(Task),
    /// The certification authority issues for the key's request.
    Issue(MeterKey),
    /// `import_certificate` of what was issued.
    Import(MeterKey),
    /// `export_certificate`, which must show what was issued: an import is in force only when this is seen.
    Confirm(MeterKey),
}

/// The ordered list for one meter. The number of a step, from 1, is that of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkOrder {
    addressee: Addressee,
    steps: Vec<Step>,
}

impl WorkOrder {
    /// Orders what is wished: authorities first, since a meter verifies what it imports; then key pairs and requests; after
    /// issuing, import and confirmation, key by key; clients, removals and symmetric keys when that is done; the policy last.
    ///
    /// A certificate of the meter's own is never removed: import replaces it, and removal destroys its key (Green Book
    /// 9.2.6.6.7). [`RemovableCertificate`] cannot name one.
    #[must_use]
    pub fn new(addressee: Addressee, goal: Goal, wishes: Wishes) -> Self {
        let mut steps = Vec::new();
        let tasks = |tasks: Vec<Task>| tasks.into_iter().map(Step::Do);
        if goal == Goal::Swap {
            steps.extend(tasks(vec![
                Task::Read(Attribute::ServerSystemTitle),
                Task::Read(Attribute::SecuritySuite),
            ]));
        }
        let keys = wishes.keys;
        steps.extend(tasks(wishes.authorities.into_iter().map(Task::ImportAuthority).collect()));
        steps.extend(keys.iter().map(|key| Step::Do(Task::GenerateKeyPair(*key))));
        steps.extend(keys.iter().map(|key| Step::Do(Task::GenerateRequest(*key))));
        steps.extend(keys.iter().map(|key| Step::Issue(*key)));
        steps.extend(keys.iter().flat_map(|key| [Step::Import(*key), Step::Confirm(*key)]));
        steps.extend(tasks(wishes.clients.into_iter().map(Task::ImportClient).collect()));
        steps.extend(tasks(wishes.removals.into_iter().map(Task::Remove).collect()));
        if !wishes.transfers.is_empty() {
            steps.push(Step::Do(Task::TransferKeys(wishes.transfers)));
        }
        if goal == Goal::Swap {
            steps.push(Step::Do(Task::Read(Attribute::Certificates)));
        }
        steps.extend(wishes.policy.map(Task::Activate).map(Step::Do));
        Self { addressee, steps }
    }

    /// Makes a list of reads: what a meter has and demands.
    #[must_use]
    pub fn reading(addressee: Addressee, attributes: &[Attribute]) -> Self {
        Self {
            addressee,
            steps: attributes.iter().map(|attribute| Step::Do(Task::Read(*attribute))).collect(),
        }
    }

    /// Returns the meter.
    #[must_use]
    pub const fn addressee(&self) -> &Addressee {
        &self.addressee
    }

    /// Returns the steps in their order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}
