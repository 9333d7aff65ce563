//! The simulated head-end and the meters behind it: work orders in, answers out.
//!
//! Meters are those of the crate `dlms`. What they do follows from a seed and from what was sent to them, so that both are kept
//! in a journal: a meter of a run that was stopped is played up to where it was.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use ca_core::certificate::Certificate;
use ca_core::fleet::swap::Road;
use ca_core::ports::Entropy as _;
use dlms::block::request_for_more;
use dlms::cosem::LogicalName;
use dlms::meter::{Identity, Meter as DlmsMeter};
use dlms::security_setup::MeterKey;
use signer_file::SystemEntropy;

use super::fleet::{Life, Meter, keep};
use super::layout::Layout;
use crate::operator::wire::campaigns::{AnswerText, WorkOrderLine};

/// A head-end with its meters.
#[derive(Debug)]
pub(super) struct HeadEnd(BTreeMap<String, Behind>);

/// A meter behind it.
#[derive(Debug)]
struct Behind {
    meter: Meter,
    speaks: DlmsMeter,
    journal: PathBuf,
}

impl HeadEnd {
    /// The longest APDU that its meters take, in octets.
    pub(super) const MAX_PDU: u16 = 1_024;

    /// Reaches those of the fleet that speak only DLMS. They know their owner's authority.
    pub(super) fn new(layout: &Layout, fleet: &[Meter]) -> anyhow::Result<Self> {
        let authority = std::fs::read(layout.authority("dso-operational-s1"))?;
        let anchor = Certificate::from_der(&authority)?;
        let behind = fleet.iter().filter(|meter| meter.road == Road::HeadEnd);
        let meters = behind.map(|meter| Ok((meter.title.to_string(), Behind::begin(meter, &anchor)?)));
        Ok(Self(meters.collect::<anyhow::Result<_>>()?))
    }

    /// Makes a call, and writes down what the meter said.
    pub(super) fn put_through(&mut self, order: &WorkOrderLine) -> anyhow::Result<AnswerText> {
        let mut answer = AnswerText {
            campaign: Some(order.campaign.clone()),
            system_title: order.system_title.clone(),
            purpose: order.purpose.clone(),
            turn: order.turn,
            apdus: Vec::new(),
            result: None,
            returned: None,
            nothing: false,
        };
        if order.apdus.is_empty() {
            // No call to the meter: the head-end takes the new certificate alone from now on.
            answer.result = Some(0);
            return Ok(answer);
        }
        let behind = self.0.get_mut(&order.system_title);
        let behind = behind.with_context(|| format!("no meter {} here", order.system_title))?;
        answer.apdus = behind.exchanged(&order.apdus)?;
        answer.nothing = answer.apdus.is_empty();
        behind.remember()?;
        Ok(answer)
    }
}

impl Behind {
    /// Makes a meter, or plays one up to where it was.
    fn begin(meter: &Meter, anchor: &Certificate) -> anyhow::Result<Self> {
        let journal = meter.journal();
        if !journal.exists() {
            let mut seed = [0; 32];
            SystemEntropy.fill(&mut seed)?;
            keep(&journal, format!("{}\n", hex::encode(seed)).as_bytes())?;
        }
        let text = std::fs::read_to_string(&journal)?;
        // The last line may be torn: what was not written was not sent.
        let whole = text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default();
        keep(&journal, whole.as_bytes())?;
        let mut lines = whole.lines();
        let seed = hex::decode(lines.next().unwrap_or_default())?;
        let identity = Identity {
            title: meter.title,
            suite: meter.suite,
            object: LogicalName::security_setup(0),
            max_pdu: HeadEnd::MAX_PDU,
            seed: seed.try_into().ok().context("a journal begins with a seed")?,
            anchors: vec![anchor.clone()],
        };
        let mut speaks = DlmsMeter::new(identity, Vec::new());
        for line in lines {
            speaks.exchange(&hex::decode(line)?);
        }
        Ok(Self { meter: meter.clone(), speaks, journal })
    }

    /// Sends the APDUs of a call and asks for the blocks of the answer. A meter that falls silent ends it.
    fn exchanged(&mut self, apdus: &[String]) -> anyhow::Result<Vec<String>> {
        let mut answers = Vec::new();
        for apdu in apdus {
            let Some(answer) = self.exchange(&hex::decode(apdu)?)? else { return Ok(Vec::new()) };
            answers.push(answer);
        }
        while let Some(more) = answers.last().and_then(|answer| request_for_more(answer)) {
            let Some(answer) = self.exchange(&more)? else { return Ok(Vec::new()) };
            answers.push(answer);
        }
        Ok(answers.iter().map(hex::encode).collect())
    }

    fn exchange(&mut self, apdu: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let mut journal = OpenOptions::new().append(true).open(&self.journal)?;
        journal.write_all(format!("{}\n", hex::encode(apdu)).as_bytes())?;
        Ok(self.speaks.exchange(apdu))
    }

    /// Keeps what is in force in the meter beside what the other meters hold.
    fn remember(&self) -> anyhow::Result<()> {
        for (key, purpose) in
            [(MeterKey::Signature, "ds"), (MeterKey::KeyAgreement, "ka"), (MeterKey::Tls, "tls")]
        {
            if let Some(certificate) = self.speaks.certificate(key) {
                keep(&self.meter.file(Life::Operational, purpose, "cer"), certificate.der())?;
            }
        }
        Ok(())
    }
}
