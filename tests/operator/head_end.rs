//! A head-end that works by files, and the simulated meters behind it.

use std::collections::BTreeMap;
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use dlms::block::request_for_more;
use dlms::cosem::LogicalName;
use dlms::meter::{Identity, Meter};
use e2e::rehearsal::Rehearsal;
use serde_json::{Value, json};

/// Meters that know the owner's authority of suite 1.
pub(crate) struct HeadEnd {
    pub(crate) meters: BTreeMap<String, Meter>,
    /// Every call that was made: meter, type, call.
    pub(crate) made: Vec<(String, String, String)>,
    /// Whether the answer to the first import was lost.
    lost: bool,
}

/// The certificate of an authority of the rehearsed owner.
pub(crate) fn authority(rehearsal: &Rehearsal, name: &str) -> Certificate {
    let der = std::fs::read(rehearsal.state(&format!("authorities/{name}.cer"))).expect("it is there");
    Certificate::from_der(&der).expect("a certificate")
}

impl HeadEnd {
    pub(crate) fn new(rehearsal: &Rehearsal, titles: impl Iterator<Item = String>) -> Self {
        let anchors = vec![authority(rehearsal, "dso-operational-s1")];
        let meter = |(number, title): (u8, String)| {
            let identity = Identity {
                title: SystemTitle::parse(&title).expect("a title"),
                suite: SecuritySuite::Suite1,
                object: LogicalName::security_setup(0),
                max_pdu: 1_024,
                seed: [number; 32],
                anchors: anchors.clone(),
            };
            (title, Meter::new(identity, Vec::new()))
        };
        Self { meters: (1..).zip(titles).map(meter).collect(), made: Vec::new(), lost: false }
    }

    /// Has the answer to the next import lost.
    pub(crate) const fn lose_an_answer(&mut self) {
        self.lost = false;
    }

    /// Makes the calls of a file, and writes the answers into another.
    pub(crate) fn work(&mut self, orders: &Path, answers: &Path) {
        let mut all = String::new();
        for line in std::fs::read_to_string(orders).expect("the orders").lines() {
            let order: Value = serde_json::from_str(line).expect("JSON");
            if let Some(answer) = self.answer(&order) {
                all.push_str(&format!("{answer}\n"));
            }
        }
        std::fs::write(answers, all).expect("it can be written");
    }

    fn answer(&mut self, order: &Value) -> Option<Value> {
        let mut answer = json!({});
        for field in ["campaign", "system_title", "type", "turn"] {
            answer[field] = order[field].clone();
        }
        let text = |field: &str| order[field].as_str().expect("a text").to_owned();
        self.made.push((text("system_title"), text("type"), text("call")));
        let calls = order["apdus"].as_array().expect("a list");
        if calls.is_empty() {
            answer["result"] = json!(0);
            return Some(answer);
        }
        let meter = self.meters.get_mut(&text("system_title")).expect("one of ours");
        let mut apdus = Vec::new();
        for apdu in calls {
            let apdu = hex::decode(apdu.as_str().expect("text")).expect("hexadecimal");
            apdus.push(meter.exchange(&apdu).expect("an answer"));
        }
        while let Some(more) = apdus.last().and_then(|answer| request_for_more(answer)) {
            apdus.push(meter.exchange(&more).expect("an answer"));
        }
        if order["call"] == "import-certificate" && !self.lost {
            self.lost = true;
            return None;
        }
        answer["apdus"] = apdus.iter().map(hex::encode).collect::<Vec<_>>().into();
        Some(answer)
    }
}
