//! A batch of devices from its production order to its retirement, as the people around it see it: what they did last, and
//! what they hold. It outlives the issuer; whatever got no answer is done again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use der::{Decode, Encode};
use dlms::block::request_for_more;
use dlms::cosem::LogicalName;
use dlms::meter::{Identity, Meter};
use dlms::security_setup::MeterKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::Credential;
use super::wish::{Wish, serial_of};

/// How many devices an order is for, and how many titles it names: the line asks for all of them.
pub const ORDERED: usize = 3;
const TITLES: u32 = 5;

/// How many devices a part of a delivery has.
pub const IN_A_PART: usize = 2;

/// What is to be done next with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its production order is opened.
    OpenOrder,
    /// The line asks for every title, until as many devices as were ordered have a certificate.
    Make,
    /// One of them is scrapped: its place is free.
    Scrap,
    /// The line asks for one more.
    MakeAnother,
    /// The order is closed.
    CloseOrder,
    /// The line asks for a factory certificate for TLS for the first device.
    Equip,
    /// The delivery of its devices is opened.
    OpenDelivery,
    /// The part of this number is imported.
    TakePart(usize),
    /// The delivery is closed.
    CloseDelivery,
    /// A device is suspended.
    Suspend,
    /// It asks all the same.
    AskSuspended,
    /// It is put back into service.
    Resume,
    /// It asks again, where no campaign follows.
    AskResumed,
    /// A campaign is planned.
    Plan,
    /// The campaign of this digest is asked for.
    Start(String),
    /// The head-end makes its calls and brings the answers.
    Work(String),
    /// What the meters hold is compared with the evidence.
    Compare(String),
    /// A device is retired.
    Retire,
    /// It asks all the same, where its factory certificate was not swapped.
    AskRetired,
    /// Nothing.
    Over,
}

/// A device that is or may be made.
#[derive(Debug)]
pub struct Made {
    /// Its system title.
    pub title: String,
    /// What the line asks for.
    pub wish: Wish,
    /// What it was given.
    pub certificate: Option<Vec<u8>>,
    /// Whether it was scrapped.
    pub scrapped: bool,
}

/// A batch.
#[derive(Debug)]
pub struct Batch {
    /// Its number in the house.
    pub number: u32,
    /// The devices that its order names.
    pub devices: Vec<Made>,
    /// What is to be done next.
    pub step: Step,
    /// What the first device asks for, or its line for it.
    pub asks: Option<Wish>,
    /// The factory certificate for TLS of the first device.
    pub factory: Option<Credential>,
    /// The meters and their head-end.
    pub head_end: HeadEnd,
}

impl Batch {
    /// Names the devices of a batch.
    #[must_use]
    pub fn titles_of(number: u32) -> Vec<String> {
        (0..TITLES).map(|place| format!("4D504B04{:08X}", number * TITLES + place)).collect()
    }

    /// Begins with nothing done. The line asks for a certificate for each device.
    #[must_use]
    pub fn new(number: u32, wishes: Vec<Wish>) -> Self {
        let made = |(title, wish)| Made { title, wish, certificate: None, scrapped: false };
        Self {
            number,
            devices: Self::titles_of(number).into_iter().zip(wishes).map(made).collect(),
            step: Step::OpenOrder,
            asks: None,
            factory: None,
            head_end: HeadEnd::default(),
        }
    }

    /// Returns the name of its order.
    #[must_use]
    pub fn order(&self) -> String {
        format!("PO-{}", self.number)
    }

    /// Returns the digest of the file that its delivery would be.
    #[must_use]
    pub fn delivery(&self) -> String {
        hex::encode(Sha256::digest(format!("delivery {}", self.number)))
    }

    /// Whether a campaign follows its delivery.
    #[must_use]
    pub const fn has_campaign(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    /// Lists the devices that leave the line.
    pub fn good(&self) -> impl Iterator<Item = &Made> {
        self.devices.iter().filter(|made| made.certificate.is_some() && !made.scrapped)
    }

    /// Lists their titles.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        self.good().map(|made| made.title.clone()).collect()
    }

    /// Returns the part of this number, if there is one.
    #[must_use]
    pub fn part(&self, number: usize) -> Option<Vec<&Made>> {
        let good: Vec<&Made> = self.good().collect();
        good.chunks(IN_A_PART).nth(number).map(<[&Made]>::to_vec)
    }
}

/// The head-end of a batch and the meters behind it.
#[derive(Debug, Default)]
pub struct HeadEnd {
    meters: BTreeMap<String, Meter>,
    /// Answers that were not brought, or of which nobody knows whether they were.
    pub answers: Vec<Value>,
    seen: BTreeSet<Vec<u8>>,
}

impl HeadEnd {
    /// Connects meters that know the owner's authority.
    ///
    /// # Panics
    /// When the authority's certificate cannot be read.
    pub fn connect(&mut self, titles: &[String], authorities: &Path) {
        let authority = std::fs::read(authorities.join("dso-operational-s1.cer")).expect("the authority");
        let anchors = vec![Certificate::from_der(&authority).expect("a certificate")];
        for title in titles {
            let identity = Identity {
                title: SystemTitle::parse(title).expect("a title"),
                suite: SecuritySuite::Suite1,
                object: LogicalName::security_setup(0),
                max_pdu: 1_024,
                seed: Sha256::digest(title).into(),
                anchors: anchors.clone(),
            };
            self.meters.entry(title.clone()).or_insert_with(|| Meter::new(identity, Vec::new()));
        }
    }

    /// Makes a call; keeps the answer, unless it is lost on the way.
    ///
    /// # Panics
    /// When the call is none.
    pub fn call(&mut self, order: &Value, is_lost: bool) {
        let mut answer = json!({});
        for field in ["campaign", "system_title", "type", "turn"] {
            answer[field] = order[field].clone();
        }
        if order["call"] == "activate" {
            answer["result"] = json!(0);
        } else {
            let title = order["system_title"].as_str().expect("a title");
            let meter = self.meters.get_mut(title).expect("one of ours");
            let mut apdus = Vec::new();
            for apdu in order["apdus"].as_array().expect("a list") {
                let apdu = hex::decode(apdu.as_str().expect("text")).expect("hexadecimal");
                apdus.extend(meter.exchange(&apdu));
            }
            while let Some(more) = apdus.last().and_then(|answer| request_for_more(answer)) {
                apdus.extend(meter.exchange(&more));
            }
            answer["apdus"] = apdus.iter().map(hex::encode).collect::<Vec<_>>().into();
        }
        if !is_lost {
            self.answers.push(answer);
        }
    }

    /// Returns the certificates that meters took since this was asked last: profile, fingerprint of the key, certificate.
    pub fn took(&mut self) -> Vec<(String, Vec<u8>, Vec<u8>)> {
        let held = self.meters.values().flat_map(|meter| {
            MeterKey::ALL.into_iter().filter_map(|key| Some((key, meter.certificate(key)?.der().to_vec())))
        });
        let new = held.filter(|(_, der)| self.seen.insert(der.clone()));
        new.map(|(key, der)| (profile(key).to_owned(), fingerprint(&der), der)).collect()
    }

    /// Returns the certificate that a meter holds for a type, as SHA-256 of its DER and with its serial number.
    #[must_use]
    pub fn holds(&self, title: &str, purpose: &str) -> Option<(String, Vec<u8>)> {
        let key = MeterKey::ALL.into_iter().find(|key| key.name() == purpose)?;
        let der = self.meters.get(title)?.certificate(key)?.der();
        Some((hex::encode(Sha256::digest(der)), serial_of(der)))
    }
}

/// The profile of a meter's operational certificate.
const fn profile(key: MeterKey) -> &'static str {
    match key {
        MeterKey::Signature => "meter-op-ds-s1",
        MeterKey::KeyAgreement => "meter-op-ka-s1",
        MeterKey::Tls => "meter-op-tls-s1",
    }
}

/// SHA-256 of the SubjectPublicKeyInfo.
fn fingerprint(der: &[u8]) -> Vec<u8> {
    let read = x509_cert::Certificate::from_der(der).expect("a meter holds certificates");
    let key = read.tbs_certificate().subject_public_key_info().to_der().expect("it was read");
    Sha256::digest(key).to_vec()
}
