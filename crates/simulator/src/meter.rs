//! One meter's way to its owner's certificates: key, request, and asking until there is an answer or no more patience.

use std::io;
use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::profile::KeyPurpose;
use est_client::Connection;

use crate::desk::{self, Counter, NotYet, Notebook, Road, Server, Shown};
use crate::key::MeterKey;
use crate::link::{Link, Loss};
use crate::luck::{Luck, Occasion};
use crate::memory::{Fleet, Kind, Life, Meter, Place};
use crate::mishap::{Faults, Mishap};
use crate::wrong::Wrong;

/// The three certificates of a meter, TLS first: with it the meter authenticates.
pub(crate) const PURPOSES: [KeyPurpose; 3] =
    [KeyPurpose::Tls, KeyPurpose::Signature, KeyPurpose::KeyAgreement];

/// The first wait after a try that came to nothing, doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest wait that a meter takes by itself.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What all meters of a run share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) fleet: Fleet,
    pub(crate) server: Server,
    pub(crate) road: Road,
    pub(crate) faults: Faults,
    pub(crate) luck: Luck,
    /// How often a meter asks for one certificate before it gives up.
    pub(crate) patience: u32,
}

/// What asking for one certificate took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effort {
    pub(crate) tries: u32,
    pub(crate) lost: u32,
    pub(crate) restarts: u32,
    /// Wrong requests that were refused, as they have to be.
    pub(crate) wrong_refused: u32,
}

/// Why a meter has no certificate for a purpose.
#[derive(Debug)]
pub(crate) enum NoCertificate {
    /// The server refuses, or patience is over.
    Stuck { why: String },
    /// The server certified what nobody may certify, or answered with a certificate that is not the meter's.
    Defect { what: String },
    /// The meter's own memory or key fails.
    Broken { why: String },
}

impl From<io::Error> for NoCertificate {
    fn from(error: io::Error) -> Self {
        Self::Broken { why: error.to_string() }
    }
}

/// A meter at work.
pub(crate) struct AtWork<'a> {
    around: &'a Surroundings,
    meter: &'a Meter,
    link: &'a Link,
    connection: Option<Connection>,
}

impl<'a> AtWork<'a> {
    pub(crate) const fn new(around: &'a Surroundings, meter: &'a Meter, link: &'a Link) -> Self {
        Self { around, meter, link, connection: None }
    }

    /// Tells whether the meter has this certificate of its owner.
    pub(crate) fn has(&self, purpose: KeyPurpose) -> bool {
        self.around.fleet.certificate(&self.meter.title, Life::Operational, purpose).is_some()
    }

    /// Asks for one certificate until it is there.
    pub(crate) async fn enrol(
        &mut self,
        purpose: KeyPurpose,
        effort: &mut Effort,
    ) -> Result<(), NoCertificate> {
        let (key, request) = self.request(purpose)?;
        let mut why = String::new();
        for attempt in 0..self.around.patience {
            let occasion = Occasion { title: &self.meter.title, about: purpose.name(), attempt };
            effort.tries = effort.tries.saturating_add(1);
            match self.attempt(purpose, &request, occasion, effort).await {
                Ok(Some(certificate)) => return self.keep(purpose, &key, &certificate),
                Ok(None) => {}
                Err(NotYet::Passing { why: told, again_in }) => {
                    why = told;
                    self.connection = None;
                    tokio::time::sleep(again_in.unwrap_or_else(|| wait(attempt))).await;
                }
                Err(NotYet::Refused { why }) => return Err(NoCertificate::Stuck { why }),
            }
        }
        Err(NoCertificate::Stuck { why: format!("no answer after {} tries: {why}", self.around.patience) })
    }

    /// Returns key and request of a purpose; what was begun before is gone on with.
    fn request(&self, purpose: KeyPurpose) -> Result<(MeterKey, Vec<u8>), NoCertificate> {
        let broken = |error: crate::key::NoKey| NoCertificate::Broken { why: error.to_string() };
        let (key_place, place) = (self.place(purpose, Kind::Key), self.place(purpose, Kind::Request));
        let fleet = &self.around.fleet;
        if let (Some(key), Some(request)) = (fleet.held(&key_place), fleet.held(&place)) {
            return Ok((MeterKey::from_der(&key).map_err(broken)?, request));
        }
        let key = MeterKey::generate(self.meter.suite).map_err(broken)?;
        let request = key.request(&self.meter.title).map_err(broken)?;
        fleet.keep(key_place, key.pkcs8())?;
        fleet.keep(place, &request)?;
        Ok((key, request))
    }

    const fn place(&self, purpose: KeyPurpose, kind: Kind) -> Place {
        Place { title: self.meter.title, life: Life::Operational, purpose, kind }
    }

    /// Tries once. `None` says that something went wrong on purpose, and nothing was to come of it.
    async fn attempt(
        &mut self,
        purpose: KeyPurpose,
        request: &[u8],
        occasion: Occasion<'_>,
        effort: &mut Effort,
    ) -> Result<Option<Vec<u8>>, NotYet> {
        let mishap = self.around.faults.mishap(self.around.luck, occasion);
        let delay = self.around.faults.delay(self.around.luck, occasion);
        let loss = match mishap {
            Mishap::RequestLost => Loss::Request,
            Mishap::AnswerLost => Loss::Answer,
            Mishap::Restart => {
                effort.restarts = effort.restarts.saturating_add(1);
                self.connection = None;
                Loss::None
            }
            Mishap::Wrong(wrong) => return self.ask_wrongly(wrong, purpose, effort).await.map(|()| None),
            Mishap::None => Loss::None,
        };
        if loss != Loss::None {
            effort.lost = effort.lost.saturating_add(1);
        }
        self.ask(purpose, request, (loss, delay)).await.map(Some)
    }

    /// Asks for what no server may certify. That it was certified is told as a refusal of ours, and ends the meter's way.
    async fn ask_wrongly(
        &mut self,
        wrong: Wrong,
        purpose: KeyPurpose,
        effort: &mut Effort,
    ) -> Result<(), NotYet> {
        // CMP carries a request in a message of its own making, which is not made of what is no request.
        if self.around.road == Road::Cmp && wrong == Wrong::NoRequest {
            return Ok(());
        }
        let request = wrong.request(&self.meter.title, self.meter.suite).map_err(NotYet::refused)?;
        let answered = match self.around.road {
            Road::Est => self.ask(purpose, &request, (Loss::None, Duration::ZERO)).await,
            Road::Cmp => {
                let shown = self.shown(KeyPurpose::Signature)?;
                let label = self.label(purpose);
                let at = Counter { server: &self.around.server, way: self.link.address(), label: &label };
                desk::enrol_cmp(&at, &shown, &request, &Forgetful).await
            }
        };
        match answered {
            Ok(_) => Err(NotYet::refused(format!("{DEFECT} ({wrong:?})"))),
            Err(NotYet::Refused { .. }) => {
                effort.wrong_refused = effort.wrong_refused.saturating_add(1);
                Ok(())
            }
            Err(passing @ NotYet::Passing { .. }) => Err(passing),
        }
    }

    async fn ask(
        &mut self,
        purpose: KeyPurpose,
        request: &[u8],
        (loss, delay): (Loss, Duration),
    ) -> Result<Vec<u8>, NotYet> {
        let label = self.label(purpose);
        match self.around.road {
            Road::Est => {
                let mut connection = match self.connection.take() {
                    Some(connection) => connection,
                    None => {
                        let shown = self.shown(KeyPurpose::Tls)?;
                        desk::open_est(&self.around.server, self.link.address(), &shown).await?
                    }
                };
                self.link.expect(loss, delay);
                let answered = desk::enrol_est(&mut connection, &label, request).await;
                self.connection = Some(connection);
                answered
            }
            Road::Cmp => {
                let shown = self.shown(KeyPurpose::Signature)?;
                let at = Counter { server: &self.around.server, way: self.link.address(), label: &label };
                self.link.expect(loss, delay);
                let place = self.place(purpose, Kind::Conversation);
                let notebook = Page { fleet: &self.around.fleet, place };
                let answered = desk::enrol_cmp(&at, &shown, request, &notebook).await;
                if matches!(answered, Err(NotYet::Refused { .. })) {
                    notebook.keep(&[]).map_err(NotYet::refused)?;
                }
                answered
            }
        }
    }

    /// What the meter shows: what its maker gave it.
    fn shown(&self, purpose: KeyPurpose) -> Result<Shown, NotYet> {
        let held = |kind| {
            let place = Place { title: self.meter.title, life: Life::Factory, purpose, kind };
            let missing =
                || NotYet::refused(format!("the meter has no factory certificate for {}", purpose.name()));
            self.around.fleet.held(&place).ok_or_else(missing)
        };
        Ok(Shown { certificate: held(Kind::Certificate)?, key: held(Kind::Key)? })
    }

    fn label(&self, purpose: KeyPurpose) -> String {
        let short = match purpose {
            KeyPurpose::KeyAgreement => "ka",
            KeyPurpose::Tls => "tls",
            KeyPurpose::Signature | KeyPurpose::CertificateSigning => "ds",
        };
        self.around.server.label.replace("{purpose}", short).replace("{suite}", self.meter.suite.suffix())
    }

    /// Takes a certificate as a meter does: it has to be for this meter and this key.
    fn keep(&self, purpose: KeyPurpose, key: &MeterKey, certificate: &[u8]) -> Result<(), NoCertificate> {
        let defect = |what: &str| NoCertificate::Defect { what: what.to_owned() };
        let read = Certificate::from_der(certificate).map_err(|_| defect("the answer is no certificate"))?;
        if read.public_key() != key.public() {
            return Err(defect("the certificate is for another key than was asked for"));
        }
        let expected = format!("CN={}", self.meter.title);
        if read.subject().to_string() != expected {
            return Err(defect("the certificate is for another meter"));
        }
        Ok(self.around.fleet.keep(self.place(purpose, Kind::Certificate), certificate)?)
    }
}

/// How a wrong request that was certified begins its complaint.
pub(crate) const DEFECT: &str = "the server certified what it must refuse";

fn wait(attempt: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(LONGEST_WAIT)
}

/// The page of one conversation in a meter's memory; an empty page is none.
struct Page<'a> {
    fleet: &'a Fleet,
    place: Place,
}

impl Notebook for Page<'_> {
    fn kept(&self) -> Option<Vec<u8>> {
        self.fleet.held(&self.place).filter(|octets| !octets.is_empty())
    }

    fn keep(&self, octets: &[u8]) -> io::Result<()> {
        self.fleet.keep(self.place, octets)
    }
}

/// Keeps nothing: for requests of which nothing is to come.
struct Forgetful;

impl Notebook for Forgetful {
    fn kept(&self) -> Option<Vec<u8>> {
        None
    }

    fn keep(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
