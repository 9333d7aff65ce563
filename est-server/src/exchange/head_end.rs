//! What head-ends and concentrators bring for devices that do not speak EST: many certification requests in one piece.
//!
//! Only registration authorities are served, each at the labels that know it and within its bounds there. The label decides
//! authority and profile, as everywhere. A group of items is one durable transaction for each authority; one refusal touches no
//! neighbour, and the same item again gets the same certificate, so that what was cut off is simply sent once more. RFC 7030 §3.7.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::csr::CertificationRequest;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence, asked_names};
use ca_core::upstream::Upstream;
use server_kit::workers::Party;

use crate::config::{EstConfig, Label};
use crate::observation;
use crate::refusal::Refusal;
use crate::reply::{Told, tell};
use crate::requester::{AuthenticateError, Credentials, Gate, authenticate};
use crate::wire::base64::BodyForm;
use crate::wire::bulk::{self, AnswerError, AnswerLine, Item, ItemKind};
use crate::wire::dlms_tools::{self, Wish};

/// The name in metrics and logs.
pub(crate) const UPLOAD: &str = "bulk";
/// The name in metrics and logs.
pub(crate) const DLMS: &str = "dlms-tools";

/// A head-end that is known, and where.
#[derive(Debug)]
pub(crate) struct HeadEnd {
    credentials: Credentials,
    /// By the names of their labels.
    desks: BTreeMap<String, Desk>,
    /// Where what belongs to no label is put on record.
    front: Desk,
}

/// A label at which the head-end is served, and as whom.
#[derive(Debug, Clone)]
struct Desk {
    label: Arc<Label>,
    actor: Actor,
}

/// One certificate that is wanted.
struct Order {
    label: String,
    kind: EnrolmentKind,
    csr: CertificationRequest,
    form: BodyForm,
}

/// Requests to one authority, with their places in the group.
struct Batch {
    authority: Arc<dyn Upstream>,
    places: Vec<(usize, Arc<Label>)>,
    requests: Vec<EnrolmentRequest>,
}

type Outcome = Result<Vec<u8>, Refusal>;

impl HeadEnd {
    /// Finds the labels at which the requester is a registration authority that is known.
    ///
    /// # Errors
    /// What the default label says of it when there is none; or that it asks too often.
    pub(crate) fn open(credentials: Credentials, config: &EstConfig) -> Result<Self, Refusal> {
        let at = |label: &Arc<Label>| {
            let gate = Gate {
                label,
                registry: config.registry(),
                guesses: config.guesses(),
                now: config.clock().now(),
            };
            let actor = authenticate(&gate, &credentials)?;
            if matches!(actor.identity, Identity::RegistrationAuthority(_)) {
                Ok(Desk { label: Arc::clone(label), actor })
            } else {
                Err(Refusal::NotRegistrationAuthority)
            }
        };
        // A password opens no desk, and is not tried at each of them.
        if credentials.connection.certificates.is_empty() {
            return Err(AuthenticateError::NoCredentials.into());
        }
        let served = config.labels().filter(|label| !label.parts().registration_authorities.is_empty());
        let desks: BTreeMap<String, Desk> =
            served.filter_map(|label| Some((label.name().to_owned(), at(label).ok()?))).collect();
        match desks.values().next().cloned() {
            Some(front) => {
                config.pace().admit(config.clock().now(), &front.actor)?;
                Ok(Self { credentials, desks, front })
            }
            None => Err(at(config.default_label()).err().unwrap_or(Refusal::NotRegistrationAuthority)),
        }
    }

    /// Returns whose share of the threads its requests take: one for all head-ends of its tenant.
    pub(crate) fn party(&self) -> Party {
        format!("{}/head-ends", self.front.actor.tenant).as_str().into()
    }

    /// Answers a group of lines, each with its number, in their order.
    pub(crate) fn answer_lines(&self, lines: &[(usize, &[u8])]) -> Vec<u8> {
        let mut ids = Vec::with_capacity(lines.len());
        let orders = lines.iter().map(|(_, line)| match bulk::read(line) {
            Ok(item) => {
                ids.push(Some(item.id.clone()));
                Ok(Order::from(item))
            }
            Err((id, error)) => {
                ids.push(id);
                Err(Refusal::from(error))
            }
        });
        let outcomes = self.fill(orders.collect(), UPLOAD);
        let mut octets = Vec::new();
        for (((line, _), id), outcome) in lines.iter().zip(&ids).zip(&outcomes) {
            octets.extend(written(*line, id.as_deref(), outcome));
        }
        octets
    }

    /// Answers what a DLMS tool asks for: all certificates, or the first refusal with its number.
    ///
    /// A tool does not say whether a device has a certificate already, which is then succeeded.
    ///
    /// # Errors
    /// The refusal, which is then on record as all others of the request are; what was issued is given again to the same request.
    pub(crate) fn answer_tool(
        &self,
        body: &[u8],
        config: &EstConfig,
    ) -> Result<Vec<u8>, (Option<usize>, Refusal)> {
        let wishes = dlms_tools::read(body)
            .map_err(|error| (None, self.record(&self.front, DLMS, Refusal::from(error))))?;
        let orders = wishes.into_iter().map(|wish| self.order(wish, config.dlms_labels()));
        let certificates = self
            .fill(orders.collect(), DLMS)
            .into_iter()
            .enumerate()
            .map(|(place, outcome)| {
                outcome.map(|der| bulk::base64_of(&der)).map_err(|refusal| (Some(place + 1), refusal))
            })
            .collect::<Result<Vec<String>, _>>()?;
        dlms_tools::write(certificates).map_err(|_| (None, Refusal::NotWritten))
    }

    /// Tells whether so many items may follow now; how long to wait otherwise.
    ///
    /// # Errors
    /// The time after which to ask again.
    pub(crate) fn may_go_on(&self, config: &EstConfig, items: usize) -> Result<(), Duration> {
        let paced = config.pace().admit_many(config.clock().now(), &self.front.actor.tenant, items);
        paced.map_err(|excess| Duration::from_secs(excess.wait_seconds))
    }

    /// Puts a refusal of a request that came to nothing on record.
    pub(crate) fn refuse(&self, operation: &'static str, refusal: Refusal) -> Refusal {
        self.record(&self.front, operation, refusal)
    }

    /// The first of the service's labels that serves the head-end and certifies such keys for such a purpose.
    fn order(&self, wish: Wish, labels: &[String]) -> Result<Order, Refusal> {
        let Wish { purpose, csr, form } = wish;
        let fits = |desk: &&Desk| {
            let parts = desk.label.parts();
            parts.authority.profile(&parts.profile).is_some_and(|profile| {
                profile.purpose() == purpose && profile.curve() == csr.public_key().curve()
            })
        };
        let desk = labels.iter().filter_map(|name| self.desks.get(name)).find(fits);
        let label = desk.ok_or(Refusal::NoLabelForKey)?.label.name().to_owned();
        Ok(Order { label, kind: again(), csr, form })
    }

    /// Answers each order in its place.
    fn fill(&self, orders: Vec<Result<Order, Refusal>>, operation: &'static str) -> Vec<Outcome> {
        let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
        let mut batches: Vec<Batch> = Vec::new();
        for (place, order) in orders.into_iter().enumerate() {
            let wanted =
                order.map_err(|refusal| (&self.front, refusal)).and_then(|order| self.request(order));
            match wanted {
                Ok((desk, request)) => put(&mut batches, desk, place, request),
                Err((desk, refusal)) => {
                    outcomes.insert(place, Err(self.record(desk, operation, refusal)));
                }
            }
        }
        for batch in batches {
            // What the authority refuses it records itself.
            let answers = batch.authority.enrol_batch(batch.requests);
            for ((place, label), answer) in batch.places.into_iter().zip(answers) {
                let outcome = match answer {
                    Ok(issued) => {
                        observation::issued(&*batch.authority, &label.parts().profile, &issued);
                        Ok(issued.der().to_vec())
                    }
                    Err(error) => Err(self.counted(operation, error.into())),
                };
                outcomes.insert(place, outcome);
            }
        }
        outcomes.into_values().collect()
    }

    /// RFC 7030 §3.7: no channel binding is looked at, since the device is not the one that is connected.
    fn request(&self, order: Order) -> Result<(&Desk, EnrolmentRequest), (&Desk, Refusal)> {
        let Order { label, kind, csr, form } = order;
        let desk = self.desks.get(&label).ok_or((&self.front, Refusal::LabelClosed))?;
        observation::leniencies(&label, form, csr.leniencies());
        let (subject, kind) =
            asked_names(&desk.actor, csr.content(), kind).map_err(|error| (desk, error.into()))?;
        let request = EnrolmentRequest {
            actor: desk.actor.clone(),
            profile: desk.label.parts().profile.clone(),
            subject,
            evidence: Evidence::Request(Box::new(csr)),
            kind,
            validity_seconds: None,
            transaction: None,
        };
        Ok((desk, request))
    }

    fn record(&self, desk: &Desk, operation: &'static str, refusal: Refusal) -> Refusal {
        self.counted(operation, super::record(&desk.label, &desk.actor, refusal))
    }

    fn counted(&self, operation: &'static str, refusal: Refusal) -> Refusal {
        observation::refused(operation, self.credentials.connection.peer_addr, &refusal);
        refusal
    }
}

impl From<Item> for Order {
    fn from(item: Item) -> Self {
        let kind = match item.kind {
            ItemKind::First => EnrolmentKind::First,
            ItemKind::Again => again(),
        };
        Self { label: item.label, kind, csr: item.csr, form: item.form }
    }
}

/// A registration authority need not show what is succeeded.
const fn again() -> EnrolmentKind {
    EnrolmentKind::ReEnrolment { renewed: None, former: None }
}

/// The same request twice goes into two batches, of which the later finds the answer of the earlier.
fn put(batches: &mut Vec<Batch>, desk: &Desk, place: usize, request: EnrolmentRequest) {
    let authority = &desk.label.parts().authority;
    let issuer = authority.certificate();
    let place = (place, Arc::clone(&desk.label));
    let fits =
        |batch: &&mut Batch| batch.authority.certificate() == issuer && !batch.requests.contains(&request);
    match batches.iter_mut().find(fits) {
        Some(batch) => {
            batch.places.push(place);
            batch.requests.push(request);
        }
        None => batches.push(Batch {
            authority: Arc::clone(authority),
            places: vec![place],
            requests: vec![request],
        }),
    }
}

/// Writes the answer to one line. A line that cannot be written is one too few, which its reader sees.
fn written(line: usize, id: Option<&str>, outcome: &Outcome) -> Vec<u8> {
    let told = outcome.as_ref().err().map(tell);
    let error = told.as_ref().map(|Told { code, sentence, retry_after, .. }| AnswerError {
        code,
        sentence,
        retry_after: *retry_after,
    });
    let certificate = outcome.as_ref().ok().map(|der| bulk::base64_of(der));
    AnswerLine { line, id, certificate, error }.write().unwrap_or_default()
}
