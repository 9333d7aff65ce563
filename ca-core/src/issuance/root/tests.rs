//! The founding of a root, told step by step with a ledger that writes down what it is asked and can fail at any step.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use super::*;
use crate::audit::{Act, AuditEvent};
use crate::certificate::Certificate;
use crate::fault::Fault;
use crate::ocsp::doubles::{DAY, MemorySigner, NOW, actor, at};
use crate::oid;
use crate::ports::{Releases, Spools, Unavailable};
use crate::profile::{
    AlternativeNameRule, Approval, Hierarchy, KeyReuse, KeyUsageBit, NameChange, Pointers, ProfileId,
    ProfileParts, RenewalRule, SubjectRule, ValidityRule,
};
use crate::public_key::KeyIdentifierMethod;
use crate::record::{
    CertificateId, CrlIntent, CrlNumberTaken, CrlRecord, Intent, IntentConflict, IssuedRecord,
    ReleaseOutcome, ReleaseRecord, RevocationOutcome, RevocationRecord, Settlement,
};
use crate::suite::SecuritySuite;

const ROOT_KEY: u8 = 9;

/// Writes down each step, with the signatures made before it.
struct StepLedger<'a> {
    signer: &'a MemorySigner,
    steps: Mutex<Vec<(&'static str, usize)>>,
    events: Mutex<Vec<AuditEvent>>,
    tbs: Mutex<Vec<Vec<u8>>>,
    fails_at: &'static str,
    serials_taken: Mutex<usize>,
}

impl<'a> StepLedger<'a> {
    fn new(signer: &'a MemorySigner) -> Self {
        Self {
            signer,
            steps: Mutex::default(),
            events: Mutex::default(),
            tbs: Mutex::default(),
            fails_at: "",
            serials_taken: Mutex::new(0),
        }
    }

    fn step(&self, name: &'static str) -> Result<(), Unavailable> {
        self.steps.lock().unwrap().push((name, self.signer.signatures.load(Ordering::SeqCst)));
        let cause = || Unavailable { port: "ledger", cause: "it is switched off".into() };
        if name == self.fails_at { Err(cause()) } else { Ok(()) }
    }

    fn names(&self) -> Vec<&'static str> {
        self.steps.lock().unwrap().iter().map(|(name, _)| *name).collect()
    }

    fn refusals(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter(|event| event.act == Act::RequestRefused)
            .map(|event| event.reason.clone())
            .collect()
    }
}

impl Releases for StepLedger<'_> {
    fn record_release(&self, _: ReleaseRecord) -> Result<ReleaseOutcome, Unavailable> {
        Ok(ReleaseOutcome::NotIssued)
    }
}

impl Spools for StepLedger<'_> {}

impl Ledger for StepLedger<'_> {
    fn record_intents(&self, intents: Vec<Intent>) -> Result<Vec<Result<(), IntentConflict>>, Unavailable> {
        self.step("intent")?;
        self.tbs.lock().unwrap().extend(intents.iter().map(|intent| intent.tbs.clone()));
        let mut taken = self.serials_taken.lock().unwrap();
        let answer = if *taken > 0 { Err(IntentConflict::SerialTaken) } else { Ok(()) };
        *taken = taken.saturating_sub(1);
        Ok(vec![answer])
    }

    fn begin_signing(&self, _: &[CertificateId]) -> Result<(), Unavailable> {
        self.step("signing")
    }

    fn record_issued(&self, issued: Vec<IssuedRecord>) -> Result<(), Unavailable> {
        self.step("issued")?;
        self.events.lock().unwrap().extend(issued.into_iter().map(|record| record.event));
        Ok(())
    }

    fn settle_intents(&self, ended: Vec<(CertificateId, Settlement, AuditEvent)>) -> Result<(), Unavailable> {
        self.step("settled")?;
        self.events.lock().unwrap().extend(ended.into_iter().map(|(_, _, event)| event));
        Ok(())
    }

    fn record_event(&self, event: AuditEvent) -> Result<(), Unavailable> {
        self.step("event")?;
        self.events.lock().unwrap().push(event);
        Ok(())
    }

    fn record_revocation(&self, _: RevocationRecord) -> Result<RevocationOutcome, Unavailable> {
        Ok(RevocationOutcome::NotIssued)
    }

    fn record_crl_intent(&self, _: CrlIntent) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        Ok(Err(CrlNumberTaken { last: 0 }))
    }

    fn record_crl(&self, _: CrlRecord, _: AuditEvent) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// Always the same octets: a serial number is drawn again all the same.
struct Constant;

impl Entropy for Constant {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        octets.fill(0x55);
        Ok(())
    }
}

fn parts(suite: SecuritySuite) -> ProfileParts {
    ProfileParts {
        id: ProfileId::parse("root").unwrap(),
        version: 1,
        suite,
        hierarchy: Hierarchy::Authority,
        subject: SubjectRule::DistinguishedName { max_octets: 127 },
        alternative_name: AlternativeNameRule::Absent,
        path_length: Some(1),
        key_usage: vec![KeyUsageBit::KeyCertSign, KeyUsageBit::CrlSign],
        extended_key_usage: None,
        validity: ValidityRule::Fixed { seconds: 1_000 * DAY },
        backdate_seconds: 0,
        issuing_window_seconds: None,
        policy: None,
        key_identifier: KeyIdentifierMethod::Sha1Full,
        pointers: Pointers::None,
        ocsp_no_check: false,
        full_length_signature: true,
        key_reuse: KeyReuse::Refused,
        name_change: NameChange::Refused,
        renewal: RenewalRule::DEFAULT,
        short_lived: false,
        revoke_replaced_after_seconds: None,
        approval: Approval::NotNeeded,
        transition_issuer: false,
        max_octets: 1_024,
    }
}

/// Everything a founding refers to.
struct World {
    signer: MemorySigner,
    key: KeyRef,
    subject: DistinguishedName,
    profile: CertificateProfile,
    linter: Linter,
    actor: Actor,
}

impl World {
    fn new() -> Self {
        let mut signer = MemorySigner::default();
        let key = signer.add(ROOT_KEY).key_ref();
        let subject = [(oid::COUNTRY_NAME, "ZZ"), (oid::COMMON_NAME, "Root S1 G1")];
        Self {
            signer,
            key,
            subject: DistinguishedName::from_attributes(&subject).unwrap(),
            profile: CertificateProfile::new(parts(SecuritySuite::Suite1)).unwrap(),
            linter: Linter::new(Vec::new()),
            actor: actor(),
        }
    }

    fn founding<'a>(&'a self, ledger: &'a dyn Ledger) -> RootFounding<'a> {
        RootFounding {
            actor: &self.actor,
            profile: &self.profile,
            subject: &self.subject,
            key: &self.key,
            now: at(NOW),
            linter: &self.linter,
            entropy: &Constant,
            signer: &self.signer,
            ledger,
        }
    }
}

// RFC 5280 §3.2: a self-signed certificate is one whose signature its own key verifies.
#[test]
fn makes_a_self_signed_ca_certificate_of_the_profile() {
    let world = World::new();
    let ledger = StepLedger::new(&world.signer);
    let root = establish_root(&world.founding(&ledger)).unwrap();
    let certificate = Certificate::from_der(root.der()).unwrap();
    assert_eq!((certificate.subject(), certificate.issuer()), (&world.subject, &world.subject));
    certificate.public_key().verify(certificate.tbs(), certificate.signature()).unwrap();
    assert!(certificate.signature().has_full_length_integers());
    assert_eq!(certificate.basic_constraints().unwrap().path_len_constraint, Some(1));
    assert_eq!(certificate.validity().not_before(), at(NOW));
    assert_eq!(certificate.validity().not_after(), at(NOW + 1_000 * DAY - 1));
    assert_eq!(root.id(), &CertificateId { issuer: world.key, serial: certificate.serial().clone() });
    assert_eq!(ledger.tbs.lock().unwrap().as_slice(), [certificate.tbs().to_vec()]);
}

#[test]
fn records_the_intent_before_the_key_is_used_and_the_certificate_before_it_is_given_out() {
    let world = World::new();
    let ledger = StepLedger::new(&world.signer);
    establish_root(&world.founding(&ledger)).unwrap();
    let steps = ledger.steps.lock().unwrap().clone();
    let [("intent", 0), ("signing", 0), ("issued", made)] = steps.as_slice() else { panic!("{steps:?}") };
    assert!(*made > 0);
}

#[test]
fn a_ledger_that_fails_gives_no_root_and_before_signing_no_signature() {
    for (fails_at, signed) in [("intent", false), ("signing", false), ("issued", true)] {
        let world = World::new();
        let ledger = StepLedger { fails_at, ..StepLedger::new(&world.signer) };
        let error = establish_root(&world.founding(&ledger)).unwrap_err();
        assert_eq!((error.code(), error.fault()), ("unavailable", Fault::Unavailable), "{fails_at}");
        assert_eq!(world.signer.signatures.load(Ordering::SeqCst) > 0, signed, "{fails_at}");
        assert_eq!(ledger.refusals(), ["unavailable"]);
    }
}

#[test]
fn a_token_that_is_gone_leaves_an_aborted_intent_and_a_refusal_on_record() {
    let world = World::new();
    world.signer.down.store(true, Ordering::SeqCst);
    let ledger = StepLedger::new(&world.signer);
    assert_eq!(establish_root(&world.founding(&ledger)).unwrap_err().code(), "signer.unavailable");
    assert_eq!(ledger.names(), ["intent", "signing", "settled", "event"]);
    let acts: Vec<Act> = ledger.events.lock().unwrap().iter().map(|event| event.act).collect();
    assert_eq!(acts, [Act::IntentAborted, Act::RequestRefused]);
}

#[test]
fn s_11_a_taken_serial_number_is_drawn_again_before_signing_but_not_for_ever() {
    let world = World::new();
    let ledger = StepLedger { serials_taken: Mutex::new(2), ..StepLedger::new(&world.signer) };
    establish_root(&world.founding(&ledger)).unwrap();
    assert_eq!(ledger.names(), ["intent", "intent", "intent", "signing", "issued"]);
    let ledger = StepLedger { serials_taken: Mutex::new(3), ..StepLedger::new(&world.signer) };
    assert_eq!(establish_root(&world.founding(&ledger)).unwrap_err().code(), "serial.exhausted");
}

#[test]
fn r_05_a_draft_that_breaks_a_rule_is_neither_recorded_nor_signed() {
    let world = World::new();
    let subject = DistinguishedName::from_attributes(&[(oid::COUNTRY_NAME, "zz")]).unwrap();
    let ledger = StepLedger::new(&world.signer);
    let error = establish_root(&RootFounding { subject: &subject, ..world.founding(&ledger) }).unwrap_err();
    assert_eq!(error.code(), "lint.failed");
    assert_eq!((ledger.names(), ledger.refusals()), (vec!["event"], vec!["lint.failed".to_owned()]));
    assert_eq!(world.signer.signatures.load(Ordering::SeqCst), 0);
}

#[test]
fn refuses_a_key_of_another_suite_an_absent_key_and_a_profile_for_end_entities() {
    let world = World::new();
    let ledger = StepLedger::new(&world.signer);
    let suite_2 = CertificateProfile::new(parts(SecuritySuite::Suite2)).unwrap();
    let end_entity = CertificateProfile::new(ProfileParts {
        hierarchy: Hierarchy::Infrastructure,
        path_length: None,
        key_usage: vec![KeyUsageBit::DigitalSignature],
        ..parts(SecuritySuite::Suite1)
    })
    .unwrap();
    let code = |founding: &RootFounding<'_>| establish_root(founding).unwrap_err().code();
    let founding = world.founding(&ledger);
    assert_eq!(code(&RootFounding { profile: &suite_2, ..founding }), "key.curve");
    assert_eq!(code(&RootFounding { profile: &end_entity, ..founding }), "profile.unknown");
    assert_eq!(code(&RootFounding { key: &KeyRef::new([0; 20]), ..founding }), "signer.unavailable");
}
