//! A signing whose outcome nobody knows, from the crash to the CRL, as operators and relying parties see it.
//!
//! The process died after it gave an intent to the signer: the ledger is left as that leaves it, and then the program starts.

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::ports::Ledger;
use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::record::{CertificateId, Conditions, Intent};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use ca_store::{BootId, Opening, Settings, Store};
use e2e::patience::eventually;
use e2e::peer::{curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

use crate::{AUTHORITY, is_on_crl};

const SERIAL: &str = "0BAD00000000000000000000000000C1";

/// Leaves the ledger of a stopped program as a crash during signing does, on the same run of the machine.
fn die_while_signing(rehearsal: &Rehearsal, key: &str) {
    let now = UnixTime::from_seconds(1_790_000_000);
    let tenant = TenantId::parse("dso").expect("a tenant");
    let id = CertificateId {
        issuer: KeyRef::parse(key).expect("the name of a key"),
        serial: SerialNumber::parse(SERIAL).expect("a serial number"),
    };
    let event = AuditEvent {
        time: now,
        tenant: tenant.clone(),
        actor: "device:4D504B01000000F1".to_owned(),
        act: Act::IntentRecorded,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: String::new(),
        detail: String::new(),
        digest: Vec::new(),
    };
    let intent = Intent {
        id: id.clone(),
        tbs: vec![0x30, 0x00],
        tenant: tenant.clone(),
        profile: ProfileId::parse("meter-op-ds-s1").expect("a profile"),
        profile_version: 2,
        subject: "4D504B01000000F1".to_owned(),
        key_fingerprint: [0xF1; 32],
        purpose: KeyPurpose::Signature,
        validity: Validity::new(now, now.plus_seconds(300_000_000)).expect("a period"),
        recorded_at: now,
        conditions: Conditions::default(),
        event,
        listing: CrlListing::ON_ALL,
    };
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let opening = Opening { now, tenant, boot: boot.as_deref().and_then(BootId::parse) };
    let settings = Settings::new(Box::new(|fatal| panic!("{fatal}")));
    let (store, _) = Store::open(&rehearsal.state("store"), &opening, settings).expect("the ledger opens");
    store.record_intents(vec![intent]).expect("it writes")[0].as_ref().expect("nothing stands against it");
    store.begin_signing(&[id]).expect("it writes");
}

/// What OCSP says of the serial number.
fn ocsp(rehearsal: &Rehearsal) -> String {
    let (root, issuer) = (path(&rehearsal.authority("dso-root-s1")), path(&rehearsal.authority(AUTHORITY)));
    let (url, serial) = (format!("{}/ocsp", rehearsal.status()), format!("0x{SERIAL}"));
    let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &issuer, "-issuer", &issuer];
    let said = openssl(whom.iter().chain(&["-serial", &serial])).ok();
    assert!(said.err.contains("Response verify OK"), "{}", said.all());
    let line = said.out.lines().find_map(|line| line.strip_prefix(&format!("{serial}: ")));
    line.expect("a status").to_owned()
}

/// A page of the operator's socket.
fn page(rehearsal: &Rehearsal, name: &str) -> String {
    let socket = path(&rehearsal.state("operator.sock"));
    curl(rehearsal, &format!("http://meter-pki/{name}"), &["--unix-socket", &socket]).text()
}

fn grace(seconds: u32) -> impl FnOnce(String) -> String {
    move |text| {
        let name = format!("name = \"{AUTHORITY}\"\n");
        text.replace(&name, &format!("{name}uncertain_grace_seconds = {seconds}\n"))
    }
}

// KP5, KP6 and O-03: unknown, then revoked after the grace time; never good. I5: on a CRL after grace.
#[test]
fn o_03_an_unknown_outcome_is_told_to_the_operator_and_ends_on_the_crl() {
    let mut rehearsal = Rehearsal::start(1);
    let key = rehearsal.operator_json(&["ca", "show", AUTHORITY])["key"].as_str().expect("a key").to_owned();
    assert!(page(&rehearsal, "metrics").contains("pki_intents{state=\"uncertain\"} 0"));
    rehearsal.stop();
    die_while_signing(&rehearsal, &key);
    rehearsal.configure("patient.toml", grace(3_600));
    rehearsal.serve();
    assert!(rehearsal.log().contains("signing outcomes are unknown"), "{}", rehearsal.log());
    assert_eq!(ocsp(&rehearsal), "unknown");
    assert!(!is_on_crl(&rehearsal, SERIAL));
    let listed = rehearsal.operator_json(&["cert", "list", "--status", "uncertain"]);
    assert_eq!(listed["certificates"][0]["serial"], SERIAL);
    assert_eq!(listed["certificates"].as_array().map(Vec::len), Some(1));
    let shown = rehearsal.operator(&["cert", "show", SERIAL]).ok().out;
    for words in
        ["status:      uncertain", "a signature may exist", "on the CRL after the grace time", "next:"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let revoke = format!("`meter-pki cert revoke {SERIAL} --issuer {AUTHORITY} --reason unspecified`");
    assert!(shown.contains(&revoke), "{shown}");
    assert!(
        page(&rehearsal, "health").contains("signing outcomes are unknown: 1;"),
        "{}",
        page(&rehearsal, "health")
    );
    eventually("the gauge tells it", || {
        page(&rehearsal, "metrics").contains("pki_intents{state=\"uncertain\"} 1").then_some(())
    });

    // When the grace time is over the publisher revokes it, without being told and long before the next CRL is due.
    rehearsal.stop();
    rehearsal.configure("impatient.toml", |text| {
        text.replace("uncertain_grace_seconds = 3600", "uncertain_grace_seconds = 1")
    });
    rehearsal.serve();
    eventually("the CRL lists it", || is_on_crl(&rehearsal, SERIAL).then_some(()));
    assert_eq!(ocsp(&rehearsal), "revoked");
    let listed = rehearsal.operator_json(&["cert", "list", "--status", "uncertain"]);
    assert_eq!(listed["certificates"].as_array().map(Vec::len), Some(0));
    let revoked = rehearsal.operator_json(&["cert", "list", "--status", "revoked", "--issuer", AUTHORITY]);
    let rows = revoked["certificates"].as_array().expect("a list");
    assert!(
        rows.iter().any(|row| row["serial"] == SERIAL) && rows.iter().all(|row| row["status"] == "revoked")
    );
    assert!(!page(&rehearsal, "health").contains("unknown"), "{}", page(&rehearsal, "health"));
    assert!(page(&rehearsal, "metrics").contains("pki_intents{state=\"uncertain\"} 0"));
}

#[test]
fn certificates_are_listed_by_their_status() {
    let rehearsal = Rehearsal::start(1);
    let count = |status: &str| {
        let listed = rehearsal.operator_json(&["cert", "list", "--limit", "1000", "--status", status]);
        let rows = listed["certificates"].as_array().expect("a list").clone();
        assert!(rows.iter().all(|row| row["status"] == status), "{rows:?}");
        rows.len()
    };
    let all = rehearsal.operator_json(&["cert", "list", "--limit", "1000"]);
    let all = all["certificates"].as_array().expect("a list").len();
    assert!(count("good") > 1 && count("revoked") > 0);
    assert_eq!(count("good") + count("revoked"), all);
    assert_eq!((count("on-hold"), count("aborted"), count("uncertain"), count("intent")), (0, 0, 0, 0));
    let said = rehearsal.operator(&["cert", "list", "--status", "lost"]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.err.contains("good, on-hold, revoked, uncertain, aborted, intent, pending"), "{}", said.err);
}
