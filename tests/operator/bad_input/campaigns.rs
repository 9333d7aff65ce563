//! Answers of head-ends that are not what they should be. Each is told, on record, and moves the swap nowhere.

use ca_core::certificate::Certificate;
use e2e::fleet::{Meter, Suite};
use e2e::head_end::HeadEnd;
use e2e::patience::eventually;
use e2e::peer::{Answer, path, to_der};
use e2e::rehearsal::Rehearsal;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};

use super::assert_on_record;
use crate::devices::ask;

const METER: &str = "4D504B0100000F21";
const NEIGHBOUR: &str = "4D504B0100000F22";

/// A request for a title by a key.
fn request(title: &str, key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, title);
    params.serialize_request(key).expect("a request").der().to_vec()
}

/// A head-end, its meter, and a campaign that is under way.
struct Scene {
    rehearsal: Rehearsal,
    head_end: HeadEnd,
    campaign: String,
}

impl Scene {
    fn new() -> Self {
        let rehearsal = Rehearsal::start(1);
        rehearsal.expect_devices("dso", &[METER]);
        let titles = path(&rehearsal.unique("titles"));
        std::fs::write(&titles, METER).expect("it can be written");
        let plan = [
            ["campaign", "plan", "--tenant", "dso", "--name", "bad", "--goal", "swap"].as_slice(),
            &["--road", "head-end", "--profile", "meter-op-ka-s1", "--profile", "meter-op-tls-s1"],
            &["--file", &titles, "--lease-seconds", "3600", "--pause-seconds", "1", "--attempts", "2"],
        ]
        .concat();
        let planned = rehearsal.operator_json(&plan);
        let campaign = planned["campaign"]["digest"].as_str().expect("a digest").to_owned();
        drop(rehearsal.operator(&["campaign", "start", &campaign]).ok());
        let head_end = HeadEnd::new(&rehearsal, &[METER.to_owned()]);
        Self { rehearsal, head_end, campaign }
    }

    /// The next call, as soon as there is one.
    fn order(&self) -> Value {
        let target = format!("/v1/campaigns/{}/work-orders", self.campaign);
        eventually("a call for the meter", || {
            let (_, page) = ask(&self.rehearsal, "POST", &target, &json!({"limit": 10, "max_pdu": 1024}));
            page["orders"].as_array().and_then(|orders| orders.first()).cloned()
        })
    }

    fn bring(&self, answer: &Value) -> Value {
        let target = format!("/v1/campaigns/{}/answers", self.campaign);
        let (status, page) = ask(&self.rehearsal, "POST", &target, &json!({"answers": [answer]}));
        assert_eq!(status, "200", "{page}");
        page["answers"][0].clone()
    }

    /// Brings a wrong answer: refused with this code, on record, and the swap stands where it stood.
    #[track_caller]
    fn refused(&self, answer: &Value, code: &str) {
        let (before, stood) = (self.rehearsal.audited(), self.stages());
        let view = self.bring(answer);
        assert_eq!(view["code"], code, "{view}");
        assert_on_record(&self.rehearsal, before, code);
        assert_eq!(self.stages(), stood, "nothing is half done");
    }

    /// Lets the meter answer a call, which is taken.
    #[track_caller]
    fn taken(&mut self, order: &Value) {
        let answer = self.head_end.answer(order).expect("an answer");
        let view = self.bring(&answer);
        assert!(view["stage"].is_string() && view["code"].is_null(), "{view}");
    }

    fn stages(&self) -> Vec<(Value, Value)> {
        let view =
            self.rehearsal.operator_json(&["campaign", "show", &self.campaign, "--system-title", METER]);
        let swaps = view["swaps"].as_array().expect("a list");
        swaps.iter().map(|swap| (swap["stage"].clone(), swap["stuck"].clone())).collect()
    }
}

/// An answer with what a head-end's own stack read: success, and an octet string (A-XDR: 9, length, octets).
fn returned(order: &Value, octets: &[u8]) -> Value {
    // The length in its shortest form, as A-XDR asks for.
    let length = match u16::try_from(octets.len()).expect("short").to_be_bytes() {
        [0, short @ 0..0x80] => vec![short],
        [0, long] => vec![0x81, long],
        [high, low] => vec![0x82, high, low],
    };
    let value = [&[0x09], &length[..], octets].concat();
    let mut answer = answer_to(order);
    answer["result"] = json!(0);
    answer["returned"] = hex::encode(value).into();
    answer
}

fn answer_to(order: &Value) -> Value {
    let mut answer = json!({});
    for field in ["campaign", "system_title", "type", "turn"] {
        answer[field] = order[field].clone();
    }
    answer
}

fn with(answer: &Value, field: &str, value: Value) -> Value {
    let mut changed = answer.clone();
    changed[field] = value;
    changed
}

#[test]
fn a_head_end_that_answers_out_of_order_moves_nothing() {
    let mut scene = Scene::new();
    let generate = scene.order();
    assert_eq!(generate["call"], "generate-key-pair");
    let right = scene.head_end.answer(&generate).expect("an answer");
    scene.refused(&with(&right, "turn", 9.into()), "swap.not_given");
    scene.refused(&with(&right, "type", "tls".into()), "swap.not_given");
    scene.refused(&with(&right, "system_title", NEIGHBOUR.into()), "swap.unknown");
    scene.refused(&with(&right, "apdus", json!(["c401c1001602"])), "dlms.other_apdu");
    scene.refused(&with(&right, "apdus", json!(["ff"])), "dlms.unreadable");
    let view = scene.bring(&right);
    assert_eq!(view["stage"], "key-generated", "{view}");

    let ask_for_request = scene.order();
    // The answer to the call before, once more and too late; and as if it were one to this call.
    scene.refused(&right, "swap.out_of_order");
    let early = with(&right, "turn", ask_for_request["turn"].clone());
    let view = scene.bring(&early);
    assert!(view["stage"].is_null() && view["code"].is_string(), "{view}");
    scene.taken(&ask_for_request);
}

#[test]
fn a_request_with_the_key_of_another_device_or_another_type_is_not_issued() {
    let mut scene = Scene::new();
    let neighbour = KeyPair::generate().expect("a key");
    certify(&scene.rehearsal, NEIGHBOUR, "meter-factory-tls", &neighbour);
    let own = KeyPair::generate().expect("a key");
    certify(&scene.rehearsal, METER, "meter-factory-tls", &own);
    let generate = scene.order();
    scene.taken(&generate);
    let order = scene.order();
    assert_eq!(
        (&order["call"], &order["type"]),
        (&json!("generate-certificate-request"), &json!("key-agreement"))
    );
    let certificates = scene.rehearsal.certificates_of(METER).len();
    scene.refused(&returned(&order, &request(METER, &neighbour)), "swap.key_of_other_device");
    scene.refused(&returned(&order, &request(METER, &own)), "swap.key_of_other_type");
    scene.refused(&returned(&order, &request(NEIGHBOUR, &neighbour)), "swap.other_device");
    scene.refused(&returned(&order, b"no request"), "dlms.request_unreadable");
    assert_eq!(scene.rehearsal.certificates_of(METER).len(), certificates, "nothing was issued");
    scene.taken(&order);
}

#[test]
fn an_export_of_another_certificate_than_was_issued_stops_the_meter_until_a_person_looks() {
    let mut scene = Scene::new();
    for call in ["generate-key-pair", "generate-certificate-request", "import-certificate"] {
        let order = scene.order();
        assert_eq!(order["call"], call);
        scene.taken(&order);
    }
    let export = scene.order();
    assert_eq!(export["call"], "export-certificate");
    let others = Meter::new(&scene.rehearsal, "4D504B0100000000", Suite::One).held("meter-op-ka");
    let before = scene.rehearsal.audited();
    let view = scene.bring(&returned(&export, &to_der(&others.certificate)));
    assert_eq!(view["code"], "swap.other_certificate", "{view}");
    let records = scene.rehearsal.audit_after(before);
    let stuck: Vec<&Value> = records.iter().filter(|record| record["act"] == "swap-stuck").collect();
    assert_eq!((stuck.len(), &stuck[0]["reason"]), (1, &json!("swap.other_certificate")), "{records:?}");
    let report = scene.rehearsal.operator(&["campaign", "stuck", "bad"]).ok();
    assert!(report.out.contains(METER) && report.out.contains("swap.other_certificate"), "{}", report.out);
    assert!(scene.stages().iter().all(|(stage, _)| stage != "confirmed" && stage != "activated"));
    let shown = scene.rehearsal.operator_json(&["device", "show", METER]);
    assert!(
        shown["device"]["factory_superseded_at"].is_null(),
        "its factory certificate opens the door still"
    );
}

/// Has the rehearsed line certify a key for a device.
fn certify(rehearsal: &Rehearsal, title: &str, row: &str, key: &KeyPair) {
    let meter = Meter::new(rehearsal, title, Suite::One);
    let answer: Answer =
        e2e::peer::enrol(rehearsal, &meter.label(row), &request(title, key), &e2e::fleet::station(rehearsal));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let _read = Certificate::from_der(&to_der(&e2e::peer::certificate_of(rehearsal, &answer)));
}
