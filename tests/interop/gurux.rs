//! Octets of class 64, compared with the DLMS library that most head-ends are tested with: what it sends for each call, what
//! it reads of our requests and of a meter's answers, and attribute 6 both ways. Where it differs, the difference stands here.

use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use dlms::apdu::{ActionRequest, Apdu, GetResponse, GetResult, InvokeId};
use dlms::axdr::Data;
use dlms::cosem::LogicalName;
use dlms::meter::{Identity, Meter};
use dlms::security_setup::{
    Attribute, CertificateEntity, CertificateEntry, CertificateIdentification, CertificateType, KeyId,
    MeterKey, Method, SecurityPolicy, SetupError, TransferredKey, certificates_to_data, read_certificates,
};
use dlms::work_order::{
    Addressee, Answer, AuthorityCertificate, Call, IssuedCertificate, RemovableCertificate, Task,
};
use e2e::peer::path;
use e2e::tool::{gurux, run};
use serde_json::{Value, json};

const HEAD_END: SystemTitle = SystemTitle::new(*b"HES\0\0\0\0\x01");

/// Asks the library, one line for each question.
fn ask(questions: &[Value]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("questions");
    let lines: Vec<String> = questions.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).expect("it can be written");
    let program = path(&Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/gurux_setup.py"));
    let said = run(&path(&gurux("python")), [program.as_str(), &path(&file)]).ok();
    let answers: Vec<Value> =
        said.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(answers.len(), questions.len(), "{}", said.all());
    answers
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).expect("it is short").to_be_bytes();
    let head = match (high, low) {
        (0, 0..=0x7F) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

/// A golden vector with a signature by nobody around it: its form is what counts here.
fn golden(profile: &str, suite: SecuritySuite) -> Vec<u8> {
    let file = format!("../policies/golden/{profile}-{}.der", suite.suffix());
    let tbs = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a golden vector");
    let oid: &[u8] = match suite {
        SecuritySuite::Suite1 => &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2],
        SecuritySuite::Suite2 => &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3],
    };
    let integer = element(2, &vec![0x11; suite.curve().field_octets()]);
    let signature = element(0x30, &integer.repeat(2));
    let bits = element(3, &[&[0], signature.as_slice()].concat());
    element(0x30, &[tbs, element(0x30, &element(6, oid)), bits].concat())
}

struct Scene {
    addressee: Addressee,
    own: Vec<(MeterKey, Vec<u8>)>,
    authority: Vec<u8>,
}

impl Scene {
    fn new(suite: SecuritySuite, max_pdu: u16) -> Self {
        let profiles = [
            (MeterKey::Signature, "meter-op-ds"),
            (MeterKey::KeyAgreement, "meter-op-ka"),
            (MeterKey::Tls, "meter-op-tls"),
        ];
        let own: Vec<_> = profiles.into_iter().map(|(key, profile)| (key, golden(profile, suite))).collect();
        let title = Certificate::from_der(&own[0].1).expect("a certificate").system_title().expect("a title");
        let addressee = Addressee { title, suite, object: LogicalName::security_setup(0), max_pdu };
        Self { addressee, own, authority: golden("sub-operational", suite) }
    }

    fn issued(&self, key: MeterKey) -> IssuedCertificate {
        let (_, der) = self.own.iter().find(|(own, _)| *own == key).expect("one for each key");
        IssuedCertificate::new(&self.addressee, key, der).expect("it fits the meter")
    }

    /// Each call, and how the library is asked for the same.
    fn calls(&self) -> Vec<(Call, Value)> {
        let title = hex::encode(self.addressee.title.octets());
        let mut tasks = Vec::new();
        for key in MeterKey::ALL {
            let number = key.number();
            let issued = self.issued(key);
            tasks.extend([
                (Task::GenerateKeyPair(key), json!({"call": "generate_key_pair", "number": number})),
                (Task::GenerateRequest(key), json!({"call": "generate_certificate_request", "number": number})),
                (
                    Task::ImportOwn(issued.clone()),
                    json!({"call": "import_certificate", "certificate": hex::encode(issued.certificate().der())}),
                ),
                (
                    Task::Confirm(issued),
                    json!({"call": "export_by_entity", "entity": 0, "number": number, "title": title}),
                ),
            ]);
            let removable =
                RemovableCertificate::of_client(&self.addressee, HEAD_END, CertificateType::Of(key))
                    .expect("another's");
            let client = hex::encode(HEAD_END.octets());
            tasks.push((
                Task::Remove(removable),
                json!({"call": "remove_by_entity", "entity": 1, "number": number, "title": client}),
            ));
        }
        let authority = AuthorityCertificate::new(&self.authority).expect("a CA's");
        tasks.push((
            Task::ImportAuthority(authority),
            json!({"call": "import_certificate", "certificate": hex::encode(&self.authority)}),
        ));
        let policy = SecurityPolicy::from_bits(0xFC).expect("all bits of version 1");
        tasks.push((Task::Activate(policy), json!({"call": "security_activate", "number": 0xFC})));
        for attribute in Attribute::ALL {
            tasks.push((Task::Read(attribute), json!({"call": "read", "number": attribute.number()})));
        }
        let number = |at: usize| u16::try_from(at + 1).expect("a few");
        let call = |(at, (task, question))| (Call::new(number(at), self.addressee, task), question);
        tasks.into_iter().enumerate().map(call).collect()
    }

    fn question(&self, call: &Call, question: &Value, what: &str) -> Value {
        let mut question = question.clone();
        question["do"] = json!(what);
        question["invoke"] = json!(call.invoke().number());
        question["max_pdu"] = json!(self.addressee.max_pdu);
        question
    }
}

/// What the library should say that it sends.
fn apdus(call: &Call) -> Value {
    json!({"apdus": call.apdus().iter().map(hex::encode).collect::<Vec<_>>()})
}

#[test]
fn the_library_sends_the_same_octets_for_every_call_in_both_suites_whole_and_in_blocks() {
    for suite in SecuritySuite::ALL {
        for max_pdu in [200, 400, 2_000] {
            let scene = Scene::new(suite, max_pdu);
            let calls = scene.calls();
            let questions: Vec<Value> =
                calls.iter().map(|(call, question)| scene.question(call, question, "send")).collect();
            for ((call, _), answer) in calls.iter().zip(ask(&questions)) {
                assert_eq!(apdus(call), answer, "{} in {max_pdu} octets", call.text());
            }
        }
    }
}

// It wraps under key encryption keys of 16 octets only, which is suite 1; the octets around wrapped keys are the same in both.
#[test]
fn the_library_wraps_keys_and_transfers_them_as_we_do() {
    for (suite, octets) in [(SecuritySuite::Suite1, 16), (SecuritySuite::Suite2, 32)] {
        let scene = Scene::new(suite, 2_000);
        let transfer = |keys: &[(KeyId, Vec<u8>)]| {
            let keys: Vec<Value> =
                keys.iter().map(|(id, key)| json!([id.number(), hex::encode(key)])).collect();
            json!({"do": "send", "call": "key_transfer", "invoke": 1, "keys": keys})
        };
        let clear = KeyId::ALL.map(|id| (id, vec![id.number() + 1; octets]));
        let mut wrapping = transfer(&clear);
        wrapping["kek"] = json!(hex::encode(vec![0x77; octets]));
        let wrapped = KeyId::ALL.map(|id| (id, vec![id.number() + 9; TransferredKey::wrapped_octets(suite)]));
        let [wrapping, around] = ask(&[wrapping, transfer(&wrapped)]).try_into().expect("two answers");
        let keys = wrapped.map(|(id, wrapped)| TransferredKey { id, wrapped }).to_vec();
        assert_eq!(around, apdus(&Call::new(1, scene.addressee, Task::TransferKeys(keys))));
        if suite == SecuritySuite::Suite2 {
            assert_eq!(wrapping, json!({"raised": "ValueError"}));
            continue;
        }
        let keys = transferred(&wrapping);
        assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), KeyId::ALL);
        assert!(keys.iter().all(|key| key.wrapped.len() == TransferredKey::wrapped_octets(suite)));
        assert_eq!(wrapping, apdus(&Call::new(1, scene.addressee, Task::TransferKeys(keys))));
    }
}

/// The keys in the library's `key_transfer`, as we read them.
fn transferred(answer: &Value) -> Vec<TransferredKey> {
    match Method::read(2, &parameters(answer)) {
        Ok(Method::KeyTransfer(keys)) => keys,
        other => panic!("{answer}: {other:?}"),
    }
}

/// The parameters in the library's only APDU, as we read them.
fn parameters(answer: &Value) -> Data {
    let octets = hex::decode(answer["apdus"][0].as_str().expect("octets")).expect("hexadecimal digits");
    match Apdu::decode(&octets) {
        Ok(Apdu::ActionRequest(ActionRequest::Normal { parameters: Some(parameters), .. })) => parameters,
        other => panic!("{answer}: {other:?}"),
    }
}

// A serial number whose first bit is set it writes without the sign octet, as a negative number: ours begin with 0x40 to 0x7F.
#[test]
fn the_library_names_certificates_by_serial_number_as_we_do_where_it_can() {
    let authority = Scene::new(SecuritySuite::Suite1, 2_000).authority;
    let issuer = Certificate::from_der(&authority).expect("a CA's").subject().der().to_vec();
    let export = |serial: &str| json!({"do": "send", "call": "export_by_serial", "invoke": 1, "serial": serial, "issuer": hex::encode(&issuer)});
    for serial in ["40000102030405060708090A0B0C0D0E", "7F01", "01"] {
        let [answer] = ask(&[export(serial)]).try_into().expect("one answer");
        let serial = SerialNumber::parse(serial).expect("a serial number");
        let named = CertificateIdentification::BySerial { serial, issuer: issuer.clone() };
        assert_eq!(parameters(&answer), Method::ExportCertificate(named).parameter());
    }
    let [negative] = ask(&[export("FF01")]).try_into().expect("one answer");
    assert_eq!(Method::read(7, &parameters(&negative)), Err(SetupError::NotDer { what: "serial_number" }));
}

// Its remove by serial number writes the text of both instead of DER, and its key agreement ends with an exception.
#[test]
fn what_the_library_cannot_do_is_known() {
    let remove =
        json!({"do": "send", "call": "remove_by_serial", "invoke": 1, "serial": "4001", "issuer": "CN=X"});
    let agree = json!({"do": "send", "call": "key_agree", "invoke": 1, "number": 0});
    let [removed, agreed] = ask(&[remove, agree]).try_into().expect("two answers");
    assert!(parameters(&removed).encode().ends_with(b"\x09\x044001\x09\x04CN=X"), "{removed}");
    let read = Method::read(8, &parameters(&removed));
    assert_eq!(read, Err(SetupError::NotDer { what: "serial_number" }));
    assert!(agreed["raised"].is_string(), "{agreed}");
}

// Its translator reads everything but the block forms of ACTION: nothing of a request, and of an answer an exception.
#[test]
fn the_library_reads_our_requests() {
    let scene = Scene::new(SecuritySuite::Suite1, 2_000);
    let calls = scene.calls();
    let xml = |octets: &[u8]| json!({"do": "xml", "octets": hex::encode(octets)});
    let questions: Vec<Value> = calls.iter().map(|(call, _)| xml(&call.apdu())).collect();
    for ((call, _), answer) in calls.iter().zip(ask(&questions)) {
        let text = answer["xml"].as_str().unwrap_or_else(|| panic!("{}: {answer}", call.text()));
        let id = if matches!(call.task(), Task::Read(_)) { "AttributeId" } else { "MethodId" };
        assert!(
            text.contains(r#"<ClassId Value="0040" />"#)
                && text.contains(r#"<InstanceId Value="00002B0000FF" />"#)
        );
        assert!(text.contains(&format!(r#"<{id} Value="{:02X}" />"#, call.member())), "{text}");
        if let Some(Data::OctetString(octets)) = call.method().map(|method| method.parameter()) {
            assert!(
                text.contains(&format!(r#"<OctetString Value="{}" />"#, hex::encode_upper(octets))),
                "{text}"
            );
        }
    }
    let short = Scene::new(SecuritySuite::Suite1, 200);
    let blocks = Call::new(1, short.addressee, Task::ImportOwn(short.issued(MeterKey::Tls))).apdus();
    let [first] = ask(&[xml(&blocks[0])]).try_into().expect("one answer");
    assert!(!first["xml"].as_str().expect("text").contains("ClassId"), "{first}");
}

/// A meter that trusts the golden authority, for answers; what it imports it cannot verify, and need not here.
fn meter(scene: &Scene) -> Meter {
    Meter::new(
        Identity {
            title: scene.addressee.title,
            suite: scene.addressee.suite,
            object: scene.addressee.object,
            max_pdu: scene.addressee.max_pdu,
            seed: [3; 32],
            anchors: vec![Certificate::from_der(&scene.authority).expect("a CA's")],
        },
        Vec::new(),
    )
}

#[test]
fn the_library_reads_a_meters_requests_and_lists_whole_and_in_blocks() {
    for suite in SecuritySuite::ALL {
        for max_pdu in [100, 200, 2_000] {
            let scene = Scene::new(suite, max_pdu);
            let mut meter = meter(&scene);
            let mut put = |number, task| {
                let call = Call::new(number, scene.addressee, task);
                let Answer::Apdus(answers) = meter.put_through(&call).answer else {
                    panic!("nothing is lost")
                };
                (call, answers)
            };
            drop(put(1, Task::GenerateKeyPair(MeterKey::Tls)));
            let (request, answers) = put(2, Task::GenerateRequest(MeterKey::Tls));
            let (list, listed) = put(3, Task::Read(Attribute::Certificates));
            let question = |call: &Call, what: Value, answers: &[Vec<u8>]| {
                let mut question = scene.question(call, &what, "read");
                question["answers"] = json!(answers.iter().map(hex::encode).collect::<Vec<_>>());
                question
            };
            let of_request = json!({"call": "generate_certificate_request", "number": 2});
            let said = ask(&[
                question(&request, of_request, &answers),
                question(&list, json!({"call": "read", "number": 6}), &listed),
            ]);
            let reply = dlms::work_order::Reply { call: 2, answer: Answer::Apdus(answers.clone()) };
            let Ok(dlms::work_order::Outcome::Request(csr)) = request.judge(&reply, &|_| None) else {
                panic!("a request comes")
            };
            assert_eq!(said[0]["error"], 0, "{}", said[0]);
            assert_eq!(said[0]["value"], hex::encode(csr.der()));
            // It asks for the further blocks with the octets that we would.
            let more: Vec<String> = answers
                .iter()
                .filter_map(|answer| dlms::block::request_for_more(answer))
                .map(hex::encode)
                .collect();
            assert_eq!(said[0]["more"], json!(more), "{max_pdu}");
            let anchor = Certificate::from_der(&scene.authority).expect("a CA's");
            let serial = [
                &[2, u8::try_from(anchor.serial().octets().len()).expect("short")],
                anchor.serial().octets(),
            ]
            .concat();
            let expected = json!([[
                2,
                3,
                hex::encode(serial),
                hex::encode(anchor.issuer().der()),
                hex::encode(anchor.subject().der())
            ]]);
            assert_eq!(said[1]["certificates"], expected, "{}", said[1]);
        }
    }
}

// The longest names that we issue, and longer ones: both write and read them with a long form of length.
#[test]
fn the_library_reads_our_lists_of_certificates_and_writes_its_own_as_text() {
    let scene = Scene::new(SecuritySuite::Suite1, 0xFFFF);
    let entry = |octets: usize| CertificateEntry {
        entity: CertificateEntity::Client,
        kind: CertificateType::Of(MeterKey::KeyAgreement),
        serial: vec![0x40, 1],
        issuer: element(0x30, &vec![0; octets]),
        subject: vec![0x30, 0],
        alternative_name: Vec::new(),
    };
    for octets in [100, 125, 126, 200, 300] {
        let entry = entry(octets);
        let result = GetResult::Data(certificates_to_data(std::slice::from_ref(&entry)));
        let response = GetResponse::Normal { invoke: InvokeId::confirmed(1), result }.encode();
        let call = Call::new(1, scene.addressee, Task::Read(Attribute::Certificates));
        let mut question = scene.question(&call, &json!({"call": "read", "number": 6}), "read");
        question["answers"] = json!([hex::encode(response)]);
        let [said] = ask(&[question]).try_into().expect("one answer");
        assert_eq!(
            said["certificates"],
            json!([[1, 1, "02024001", hex::encode(entry.issuer), "3000"]]),
            "{octets}"
        );
    }
    // As a server it writes the serial number and the names as text, and every certificate as the server's for signatures:
    // another form than its own .NET version has, and than its reader takes. We tell, and guess nothing.
    let write =
        json!({"do": "write_certificates", "entries": [["12345", "CN=Issuer", "CN=4D504B000000002A"]]});
    let [written] = ask(&[write]).try_into().expect("one answer");
    let octets = hex::decode(written["octets"].as_str().expect("octets")).expect("hexadecimal digits");
    let data = Data::decode(&octets).expect("it is A-XDR");
    assert_eq!(read_certificates(&data), Err(SetupError::NotDer { what: "serial_number" }));
}
