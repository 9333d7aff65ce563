//! Work orders put through to simulated meters: to the end, and with everything that can go wrong by plan.

#![cfg(test)]

mod answers;
mod faults;
mod issuing;
mod material;

use ca_core::suite::SecuritySuite;
use dlms::meter::Meter;
use dlms::security_setup::{
    Attribute, CertificateEntity, CertificateType, KeyId, MeterKey, SecurityPolicy, TransferredKey,
};
use dlms::work_order::{
    ClientCertificate, Conversation, Goal, KnownKey, Next, Outcome, RemovableCertificate, Step, TurnError,
    Wishes, WorkOrder,
};
use issuing::{Authority, TITLE};

/// No key is known.
fn nobody(_: &[u8; 32]) -> Option<KnownKey> {
    None
}

/// Goes on until something is not the awaited answer, or all is done; tells what the answers brought.
fn go(
    conversation: &mut Conversation,
    meter: &mut Meter,
    authority: &Authority,
) -> Result<Vec<Outcome>, TurnError> {
    let mut outcomes = Vec::new();
    loop {
        match conversation.next() {
            Next::Done => return Ok(outcomes),
            Next::Call(call) => {
                let reply = meter.put_through(&call);
                outcomes.push(conversation.answer(&reply, &nobody)?);
            }
            Next::Issue(key) => {
                let request = conversation.request(key).expect("the request has come").clone();
                let issued = authority.answer(conversation.order().addressee(), key, &request);
                conversation.issued(issued).unwrap();
            }
        }
    }
}

fn keys_only(keys: &[MeterKey]) -> Wishes {
    Wishes { keys: keys.to_vec(), ..Wishes::default() }
}

/// Everything that can be wished for at once.
fn everything(authority: &Authority, max_pdu: u16) -> Wishes {
    let addressee = authority.addressee(max_pdu);
    let wrapped = vec![0x5A; TransferredKey::wrapped_octets(addressee.suite)];
    let client = ClientCertificate::new(&addressee, &authority.client(MeterKey::Signature)).unwrap();
    let left = ClientCertificate::new(&addressee, &authority.client(MeterKey::KeyAgreement)).unwrap();
    let removal = RemovableCertificate::of_certificate(&addressee, left.certificate().der()).unwrap();
    Wishes {
        authorities: vec![authority.certificate()],
        keys: MeterKey::ALL.to_vec(),
        clients: vec![client, left],
        removals: vec![removal],
        transfers: vec![TransferredKey { id: KeyId::Gak, wrapped }],
        policy: SecurityPolicy::from_bits(0x24),
    }
}

#[test]
fn a_meter_is_swapped_in_both_suites_in_short_and_long_apdus() {
    for suite in SecuritySuite::ALL {
        let authority = Authority::new(suite, "Grid North");
        for max_pdu in [64, 128, 400, 2_000] {
            let mut meter = authority.meter(max_pdu, Vec::new());
            let order =
                WorkOrder::new(authority.addressee(max_pdu), Goal::Swap, everything(&authority, max_pdu));
            let mut conversation = Conversation::new(order);
            let outcomes = go(&mut conversation, &mut meter, &authority).unwrap();
            assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Confirmed).count(), 3);
            for key in MeterKey::ALL {
                assert_eq!(meter.certificate(key).unwrap().system_title(), Some(TITLE));
            }
            assert_eq!(meter.policy().bits(), 0x24);
            assert!(meter.transferred(KeyId::Gak).is_some());
            let mut listed = Vec::new();
            for outcome in &outcomes {
                if let Outcome::Certificates(entries) = outcome {
                    listed.clone_from(entries);
                }
            }
            let count = |entity| listed.iter().filter(|entry| entry.entity == entity).count();
            assert_eq!(count(CertificateEntity::Server), 3);
            assert_eq!(count(CertificateEntity::Client), 1, "one of the two clients was removed");
            assert_eq!(count(CertificateEntity::Authority), 2, "its anchor, and the authority");
        }
    }
}

#[test]
fn a_renewal_replaces_keys_and_certificates_at_once() {
    let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
    let mut meter = authority.meter(400, Vec::new());
    let first = Wishes { authorities: vec![authority.certificate()], ..keys_only(&[MeterKey::Tls]) };
    let order = WorkOrder::new(authority.addressee(400), Goal::Swap, first);
    drop(go(&mut Conversation::new(order), &mut meter, &authority).unwrap());
    let before = meter.certificate(MeterKey::Tls).unwrap().public_key().clone();
    let order = WorkOrder::new(authority.addressee(400), Goal::Renew, keys_only(&[MeterKey::Tls]));
    drop(go(&mut Conversation::new(order), &mut meter, &authority).unwrap());
    assert_ne!(meter.certificate(MeterKey::Tls).unwrap().public_key(), &before);
}

// Green Book 9.2.6.6: authorities before what they sign; confirmation right behind the import; the policy last.
#[test]
fn the_order_of_steps_is_the_one_a_meter_needs() {
    let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
    let order = WorkOrder::new(authority.addressee(400), Goal::Swap, everything(&authority, 400));
    let words: Vec<String> = order
        .steps()
        .iter()
        .map(|step| match step {
            Step::Do(task) => dlms::work_order::Call::new(1, *order.addressee(), task.clone()).text(),
            Step::Issue(key) => format!("issue {}", key.name()),
            Step::Import(key) => format!("import {}", key.name()),
            Step::Confirm(key) => format!("confirm {}", key.name()),
        })
        .map(|text| text.split(" (").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        words,
        [
            "read server_system_title",
            "read security_suite",
            "import_certificate",
            "generate_key_pair",
            "generate_key_pair",
            "generate_key_pair",
            "generate_certificate_request",
            "generate_certificate_request",
            "generate_certificate_request",
            "issue signature",
            "issue key-agreement",
            "issue tls",
            "import signature",
            "confirm signature",
            "import key-agreement",
            "confirm key-agreement",
            "import tls",
            "confirm tls",
            "import_certificate",
            "import_certificate",
            "remove_certificate",
            "key_transfer",
            "read certificates",
            "security_activate",
        ]
    );
}

#[test]
fn what_can_be_sent_at_once_ends_where_something_is_to_be_issued() {
    let authority = Authority::new(SecuritySuite::Suite2, "Grid North");
    let mut meter = authority.meter(400, Vec::new());
    let wishes = Wishes { authorities: vec![authority.certificate()], ..keys_only(&MeterKey::ALL) };
    let mut conversation = Conversation::new(WorkOrder::new(authority.addressee(400), Goal::Renew, wishes));
    let first = conversation.ready();
    assert_eq!(first.iter().map(dlms::work_order::Call::number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    for call in &first {
        let reply = meter.put_through(call);
        drop(conversation.answer(&reply, &nobody).unwrap());
    }
    assert!(conversation.ready().is_empty());
    for key in MeterKey::ALL {
        let request = conversation.request(key).unwrap().clone();
        let issued = authority.answer(conversation.order().addressee(), key, &request);
        conversation.issued(issued).unwrap();
    }
    let second = conversation.ready();
    assert_eq!(
        second.iter().map(dlms::work_order::Call::number).collect::<Vec<_>>(),
        [11, 12, 13, 14, 15, 16]
    );
}

#[test]
fn a_conversation_is_taken_up_after_a_restart() {
    let authority = Authority::new(SecuritySuite::Suite1, "Grid North");
    let mut meter = authority.meter(400, Vec::new());
    let wishes = Wishes { authorities: vec![authority.certificate()], ..keys_only(&[MeterKey::Signature]) };
    let order = WorkOrder::new(authority.addressee(400), Goal::Renew, wishes);
    let mut conversation = Conversation::new(order.clone());
    for call in conversation.ready() {
        let reply = meter.put_through(&call);
        drop(conversation.answer(&reply, &nobody).unwrap());
    }
    let request = conversation.request(MeterKey::Signature).unwrap().clone();
    let issued = authority.answer(conversation.order().addressee(), MeterKey::Signature, &request);
    let done = conversation.done();
    drop(conversation);
    let mut again = Conversation::at(order, done, []);
    assert_eq!(again.next(), Next::Issue(MeterKey::Signature));
    again.issued(issued.clone()).unwrap();
    assert!(matches!(again.next(), Next::Call(call) if call.text().starts_with("import_certificate")));
    drop(go(&mut again, &mut meter, &authority).unwrap());
    assert_eq!(meter.certificate(MeterKey::Signature), Some(issued.certificate()));
}

#[test]
fn a_meter_is_read_and_says_what_it_is() {
    let authority = Authority::new(SecuritySuite::Suite2, "Grid North");
    let mut meter = authority.meter(128, Vec::new());
    let order = WorkOrder::reading(authority.addressee(128), &Attribute::ALL);
    let outcomes = go(&mut Conversation::new(order), &mut meter, &authority).unwrap();
    assert_eq!(outcomes[0], Outcome::Policy(SecurityPolicy::NOTHING));
    assert_eq!(outcomes[1], Outcome::Suite(2));
    assert_eq!(outcomes[3], Outcome::Title(TITLE));
    let Outcome::Certificates(entries) = &outcomes[4] else { panic!("{outcomes:?}") };
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].kind, CertificateType::Other);
}
