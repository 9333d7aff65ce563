//! A head-end that works by files: work orders in, answers out, and the simulated meters of the crate `dlms` behind it.

use std::collections::BTreeMap;
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use dlms::block::request_for_more;
use dlms::cosem::LogicalName;
use dlms::meter::{Identity, Meter};
use serde_json::{Value, json};

use crate::rehearsal::Rehearsal;

/// A head-end with its meters, which begin in suite 1.
#[derive(Debug)]
pub struct HeadEnd {
    /// The meters by their system titles.
    pub meters: BTreeMap<String, Meter>,
    /// Every call that was made: meter, type, call.
    pub made: Vec<(String, String, String)>,
    /// The call of which the next does not reach its meter.
    mislays: Option<String>,
    /// The call whose next answer is lost.
    loses: Option<String>,
}

/// Returns the certificate of an authority of the rehearsed owner.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn authority(rehearsal: &Rehearsal, name: &str) -> Certificate {
    let der = std::fs::read(rehearsal.state(&format!("authorities/{name}.cer"))).expect("it is there");
    Certificate::from_der(&der).expect("a certificate")
}

impl HeadEnd {
    /// Makes meters with these titles, which know the authority of the rehearsed owner.
    ///
    /// # Panics
    /// When the authority's certificate is not there, or a title is none.
    #[must_use]
    pub fn new(rehearsal: &Rehearsal, titles: &[String]) -> Self {
        let anchors = vec![authority(rehearsal, "dso-operational-s1")];
        let meter = |(number, title): (u8, &String)| {
            let identity = Identity {
                title: SystemTitle::parse(title).expect("a title"),
                suite: SecuritySuite::Suite1,
                object: LogicalName::security_setup(0),
                max_pdu: 1_024,
                seed: [number; 32],
                anchors: anchors.clone(),
            };
            (title.clone(), Meter::new(identity, Vec::new()))
        };
        Self { meters: (1..).zip(titles).map(meter).collect(), made: Vec::new(), mislays: None, loses: None }
    }

    /// Has the next call of this kind not reach its meter; before the answer to one is lost.
    pub fn mislay_one(&mut self, call: &str) {
        self.mislays = Some(call.to_owned());
    }

    /// Has the next answer to this call be lost, on its way from the meter.
    pub fn lose_one(&mut self, call: &str) {
        self.loses = Some(call.to_owned());
    }

    /// Returns one of the meters.
    ///
    /// # Panics
    /// When there is none with this title.
    #[must_use]
    pub fn meter(&mut self, title: &str) -> &mut Meter {
        self.meters.get_mut(title).expect("one of ours")
    }

    /// Makes the calls of a file, and writes the answers into another.
    ///
    /// # Panics
    /// When the orders cannot be read, or the answers not be written.
    pub fn work(&mut self, orders: &Path, answers: &Path) {
        let orders = std::fs::read_to_string(orders).expect("the orders");
        let orders = orders.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let said: String =
            orders.filter_map(|order| self.answer(&order)).map(|answer| format!("{answer}\n")).collect();
        std::fs::write(answers, said).expect("it can be written");
    }

    /// Makes one call; nothing where the answer is lost.
    ///
    /// # Panics
    /// When the order is none.
    pub fn answer(&mut self, order: &Value) -> Option<Value> {
        let mut answer = json!({});
        for field in ["campaign", "system_title", "type", "turn"] {
            answer[field] = order[field].clone();
        }
        let text = |field: &str| order[field].as_str().expect("a text").to_owned();
        self.made.push((text("system_title"), text("type"), text("call")));
        let calls = order["apdus"].as_array().expect("a list");
        if calls.is_empty() {
            // No call to the meter: the head-end takes the new certificate alone from now on.
            answer["result"] = json!(0);
            return Some(answer);
        }
        if self.mislays.as_deref() == order["call"].as_str() {
            self.mislays = None;
            return None;
        }
        let meter = self.meter(&text("system_title"));
        let mut apdus = Vec::new();
        for apdu in calls {
            let apdu = hex::decode(apdu.as_str().expect("text")).expect("hexadecimal");
            apdus.push(meter.exchange(&apdu).expect("an answer"));
        }
        while let Some(more) = apdus.last().and_then(|answer| request_for_more(answer)) {
            apdus.push(meter.exchange(&more).expect("an answer"));
        }
        if self.loses.as_deref() == order["call"].as_str() {
            self.loses = None;
            return None;
        }
        answer["apdus"] = apdus.iter().map(hex::encode).collect::<Vec<_>>().into();
        Some(answer)
    }
}
