//! `ca close`: the last CRL of a factory authority, the end of its key, and what is published from then on.

use std::path::Path;

use ca_core::audit::AuditRecord;
use ca_core::ports::StatusSource;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::{Opening, Settings, Store};
use e2e::crash::shim;
use e2e::peer::{curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, openssl, run};

const AUTHORITY: &str = "maker-factory-s1";

fn serial(rehearsal: &Rehearsal) -> String {
    let said = openssl(["x509", "-in", &path(&rehearsal.authority(AUTHORITY)), "-noout", "-serial"]).ok().out;
    said.trim().trim_start_matches("serial=").to_owned()
}

/// The configuration without the authority, and with it among those that were closed.
fn without(text: String) -> String {
    let begins = text.find(&format!("[[authority]]\nname = \"{AUTHORITY}\"")).expect("it is configured");
    let ends = text[begins + 2..].find("[[authority]]").expect("another follows") + begins + 2;
    let rest = format!("{}{}", &text[..begins], &text[ends..]);
    let closed = format!("closed_authority_files = [\"authorities/{AUTHORITY}.cer\"]");
    rest.replace("directory = \"published\"\n", &format!("directory = \"published\"\n{closed}\n"))
}

#[test]
fn a_factory_authority_signs_its_last_crl_and_its_key_is_destroyed() {
    let mut rehearsal = Rehearsal::start(1);
    let view = rehearsal.operator_json(&["ca", "show", AUTHORITY]);
    let uri = view["crl_uri"].as_str().expect("a CRL").to_owned();
    let key = rehearsal.state(&format!("keys/{}.pem", view["key"].as_str().expect("a key")));
    let number_before = rehearsal
        .operator_json(&["crl", "list"])
        .as_array()
        .and_then(|crls| crls.iter().find(|crl| crl["authority"] == AUTHORITY))
        .and_then(|crl| crl["number"].as_u64());
    let (serial, last) = (serial(&rehearsal), rehearsal.state("last.crl"));
    let last_text = path(&last);
    let close = |serial: &str| {
        let said = ["ca", "close", AUTHORITY, "--serial", serial, "--reason", "the line is sold out"];
        [&said[..], &["--last-crl", &last_text]].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let call = |rehearsal: &Rehearsal, serial: &str| {
        let arguments = close(serial);
        rehearsal.operator(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // Not beside a server, and not another authority.
    let beside = call(&rehearsal, &serial);
    assert!(!beside.success && key.exists() && !last.exists(), "{}", beside.all());
    rehearsal.stop();
    let other = call(&rehearsal, "0BADC0DE");
    assert_eq!(other.code, Some(4), "{}", other.all());
    assert!(other.err.contains("close.another-authority") && key.exists(), "{}", other.all());

    let said = call(&rehearsal, &serial).ok();
    assert!(said.out.contains("is closed") && said.out.contains("close-subca"), "{}", said.out);
    assert!(!key.exists(), "the key is gone");
    let authority = path(&rehearsal.authority(AUTHORITY));
    is_last_crl(&last, &authority);
    let numbered = openssl(["crl", "-inform", "DER", "-in", &last_text, "-noout", "-crlnumber"]).ok().out;
    let number = u64::from_str_radix(numbered.trim().rsplit(['=', 'x']).next().expect("a number"), 16).ok();
    assert!(number > number_before, "{number:?} {number_before:?}");

    // Whoever configures it still is told that its key is missing.
    let (code, log) = rehearsal.serve_to_its_end();
    assert!(code != Some(0) && log.contains("key.missing"), "{log}");
    rehearsal.configure("closed.toml", without);
    rehearsal.serve();
    let published = curl(&rehearsal, &uri, &[] as &[&str]);
    assert_eq!((published.status, published.body), (200, std::fs::read(&last).expect("it is there")));
    let acts: Vec<String> = rehearsal
        .audit_after(0)
        .iter()
        .filter(|record| {
            record["detail"].as_str().is_some_and(|detail| detail.contains("the line is sold out"))
        })
        .map(|record| record["act"].as_str().expect("an act").to_owned())
        .collect();
    assert_eq!(acts, ["authority-closed", "key-destruction-intended", "key-destroyed"]);
}

/// What a stopped ledger has on record of the closing.
fn acts(rehearsal: &Rehearsal) -> Vec<&'static str> {
    let tenant = TenantId::parse("dso").expect("a tenant");
    let opening = Opening { now: UnixTime::from_seconds(1_900_000_000), tenant, boot: None };
    let settings = Settings::new(Box::new(|fatal| panic!("{fatal}")));
    let (store, _) = Store::open(&rehearsal.state("store"), &opening, settings).expect("the ledger opens");
    let records = store.audit_records(0, 100_000).expect("the trail can be read");
    let events = records.iter().map(|der| AuditRecord::from_der(der).expect("a record").event);
    events.filter(|event| event.detail.contains("cut short")).map(|event| event.act.name()).collect()
}

/// the program is killed in the midst of each write that it makes below the state directory, one after the other.
#[test]
fn r_07_a_closing_that_is_killed_at_any_write_is_finished_by_the_same_command() {
    let mut rehearsal = Rehearsal::start(1);
    let view = rehearsal.operator_json(&["ca", "show", AUTHORITY]);
    let key = rehearsal.state(&format!("keys/{}.pem", view["key"].as_str().expect("a key")));
    rehearsal.stop();
    let (serial, last) = (serial(&rehearsal), rehearsal.state("last.crl"));
    let (library, authority) =
        (shim::compile(&rehearsal.scratch(".")), path(&rehearsal.authority(AUTHORITY)));
    let (state, copy) = (path(&rehearsal.scratch("state")), path(&rehearsal.scratch("copy")));
    let restore = |from: &str, to: &str| {
        drop(run("rm", ["-rf", to]).ok());
        drop(run("cp", ["-a", from, to]).ok());
    };
    restore(&state, &copy);
    let close = |fault: Option<&str>| -> Said {
        let wish = ["ca", "close", AUTHORITY, "--serial", &serial, "--reason", "cut short", "--last-crl"];
        let mut command = rehearsal.operator_command(&[&wish[..], &[&path(&last)]].concat());
        if let Some(fault) = fault {
            command
                .env("LD_PRELOAD", &library)
                .env("CRASH_SHIM_DIRECTORY", &state)
                .env("CRASH_SHIM_FAULT", fault);
        }
        finish(&mut command)
    };
    let (mut stopped_behind, mut writes) = (Vec::new(), 0);
    loop {
        writes += 1;
        restore(&copy, &state);
        let cut = close(Some(&format!("torn-write {writes}")));
        if cut.code.is_some() {
            assert!(cut.success, "{}", cut.all());
            break;
        }
        stopped_behind.push((key.exists(), acts(&rehearsal).last().copied()));
        let finished = close(None);
        let done = finished.success || finished.code == Some(7) && finished.err.contains("close.done");
        assert!(done, "write {writes}: {}", finished.all());
        assert!(!key.exists(), "write {writes}: the key is gone");
        let recorded = acts(&rehearsal);
        let ends_with = |act: &str| recorded.iter().filter(|found| **found == act).count() == 1;
        assert!(ends_with("key-destroyed") && recorded.last() == Some(&"key-destroyed"), "{recorded:?}");
        is_last_crl(&last, &authority);
        let again = close(None);
        assert!(again.code == Some(7) && again.err.contains("close.done"), "{}", again.all());
    }
    // The cuts were where they matter: before anything, behind the intent with the key, and behind the key's end.
    for place in
        [(true, None), (true, Some("key-destruction-intended")), (false, Some("key-destruction-intended"))]
    {
        assert!(stopped_behind.contains(&place), "{place:?}: {stopped_behind:?}");
    }
}

fn is_last_crl(file: &Path, authority: &str) {
    let file = path(file);
    let said =
        openssl(["crl", "-inform", "DER", "-in", &file, "-CAfile", authority, "-noout", "-nextupdate"]).ok();
    assert!(said.all().contains("verify OK") && said.out.contains("Dec 31 23:59:59 9999"), "{}", said.all());
}
