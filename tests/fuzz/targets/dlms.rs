//! What head-ends bring back from meters, and what they are given: APDUs and values of class 64.

use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use dlms::apdu::Apdu;
use dlms::axdr::Data;
use dlms::cosem::LogicalName;
use dlms::description::describe;
use dlms::meter::{Identity, Meter};
use dlms::security_setup::{
    Attribute, CertificateIdentification, KeyId, MeterKey, Method, SecurityPolicy, TransferredKey,
    read_certificates,
};
use dlms::work_order::{Addressee, Answer, Call, Reply, Task};

use super::vectors;

const ADDRESSEE: Addressee = Addressee {
    title: SystemTitle::new(*b"MPK\0\0\0\0\x2A"),
    suite: SecuritySuite::Suite1,
    object: LogicalName::security_setup(0),
    max_pdu: 300,
};

/// What is read comes back when it is written again, and whatever it is can be told in words.
pub(crate) fn octets(octets: &[u8]) {
    if let Ok(apdu) = Apdu::decode(octets) {
        assert_eq!(Apdu::decode(&apdu.encode()).as_ref(), Ok(&apdu));
    }
    if let Ok(data) = Data::decode(octets) {
        let written = data.encode();
        assert_eq!(written.len(), octets.len(), "there is one form of every length");
        for number in 1..=8 {
            if let Ok(method) = Method::read(number, &data) {
                assert_eq!((method.number(), method.parameter()), (number, data.clone()));
            }
        }
        let _ = read_certificates(&data);
    }
    match describe(octets) {
        Ok(told) => assert!(!told.what.is_empty()),
        Err(error) => assert!(error.position <= octets.len()),
    }
}

/// An answer to a call for a certification request, as the meter's APDU, and as the value alone.
pub(crate) fn answer(octets: &[u8]) {
    let call = Call::new(1, ADDRESSEE, Task::GenerateRequest(MeterKey::Signature));
    for answer in
        [Answer::Apdus(vec![octets.to_vec()]), Answer::Result { result: 0, returned: Some(octets.to_vec()) }]
    {
        if let Err(error) = call.judge(&Reply { call: 1, answer }, &|_| None) {
            assert!(error.code().starts_with("dlms."));
            assert!(!call.remedy(&error).name().is_empty());
        }
    }
}

fn meter() -> Meter {
    let identity = Identity {
        title: ADDRESSEE.title,
        suite: ADDRESSEE.suite,
        object: ADDRESSEE.object,
        max_pdu: ADDRESSEE.max_pdu,
        seed: [1; 32],
        anchors: vec![
            ca_core::certificate::Certificate::from_der(&vectors::file("path/sub.cer"))
                .expect("a vector is in order"),
        ],
    };
    Meter::new(identity, Vec::new())
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let methods = [
        Method::SecurityActivate(SecurityPolicy::NOTHING),
        Method::KeyTransfer(vec![TransferredKey { id: KeyId::Gak, wrapped: vec![7; 24] }]),
        Method::ImportCertificate(vectors::file("path/sub.cer")),
        Method::ExportCertificate(CertificateIdentification::own(ADDRESSEE.title, MeterKey::Tls)),
    ];
    let mut seeds: Vec<Vec<u8>> = methods.iter().map(|method| method.parameter().encode()).collect();
    let mut meter = meter();
    let tasks = [
        Task::GenerateKeyPair(MeterKey::Signature),
        Task::GenerateRequest(MeterKey::Signature),
        Task::Read(Attribute::Certificates),
    ];
    for (number, task) in (1..).zip(tasks) {
        let call = Call::new(number, ADDRESSEE, task);
        seeds.extend(call.apdus());
        let Answer::Apdus(answers) = meter.put_through(&call).answer else { panic!("nothing is lost") };
        seeds.extend(answers);
    }
    seeds.push(vectors::file("path/sub.cer"));
    seeds
}

pub(crate) fn answers() -> Vec<Vec<u8>> {
    let mut meter = meter();
    let mut put = |task| match meter.put_through(&Call::new(1, ADDRESSEE, task)).answer {
        Answer::Apdus(answers) => answers,
        Answer::Result { .. } | Answer::Nothing => panic!("nothing is lost"),
    };
    let mut answers = put(Task::GenerateKeyPair(MeterKey::Signature));
    answers.extend(put(Task::GenerateRequest(MeterKey::Signature)));
    let Ok(value) = dlms::apdu::Apdu::decode(&answers[1]) else { panic!("it is an APDU") };
    if let Apdu::ActionResponse(dlms::apdu::ActionResponse::Normal {
        returned: Some(dlms::apdu::GetResult::Data(data)),
        ..
    }) = value
    {
        answers.push(data.encode());
    }
    answers
}
