//! Many certificates revoked or released at once, as an operator does it, and as two do.

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::Orders;
use ca_core::record::{Mark, OrderAct, OrderDecision, Verdict};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::{BootId, Opening, Settings, Store};
use e2e::fleet::{Meter, Suite};
use e2e::operators::{let_in, run_as};
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

use crate::{METER, is_on_crl, ocsp, revoke};

/// Shows what a revocation of many would come to.
#[track_caller]
fn plan(rehearsal: &Rehearsal, selection: &[&str]) -> Value {
    let verb = ["cert", "revoke", "--reason", "cessationOfOperation"];
    rehearsal.operator_json(&[verb.as_slice(), selection].concat())
}

#[track_caller]
fn apply(rehearsal: &Rehearsal, digest: &str) -> Value {
    rehearsal.operator_json(&["cert", "revoke", "--apply", digest])
}

fn digest(plan: &Value) -> &str {
    plan["order"]["digest"].as_str().unwrap_or_else(|| panic!("no order: {plan}"))
}

fn good(rehearsal: &Rehearsal, title: &str) -> usize {
    rehearsal.certificates_of(title).iter().filter(|one| one["status"] == "good").count()
}

fn refused(rehearsal: &Rehearsal) -> Option<String> {
    let records = rehearsal.audit_after(0);
    let mut refusals = records.iter().filter(|record| record["act"] == "request-refused");
    refusals.next_back().map(|record| record["reason"].as_str().expect("a code").to_owned())
}

#[test]
fn i_13_what_was_shown_is_revoked_and_nothing_else() {
    let mut rehearsal = Rehearsal::start(2);
    let other = "4D504B0100000001";
    let plan = plan(&rehearsal, &["--profile", "meter-op-*", "--manufacturer", "MPK"]);
    let count = plan["order"]["count"].as_u64().expect("a number");
    assert_eq!(plan["first"].as_array().map(Vec::len), usize::try_from(count).ok(), "{plan}");
    assert_eq!(plan["order"]["needed"], 0, "{plan}");
    let before = good(&rehearsal, METER) + good(&rehearsal, other);
    assert!(before >= usize::try_from(count).unwrap() && count >= 4, "nothing was changed: {plan}");

    // One of them is revoked otherwise meanwhile, and one is issued that was not shown.
    let ka = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka");
    revoke(&rehearsal, &ka.serial(), "keyCompromise");
    let tls = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-tls");
    let newer = Meter::new(&rehearsal, METER, Suite::One).enrol("meter-op-ka", &tls.shown());
    let done = apply(&rehearsal, digest(&plan));
    assert_eq!((&done["state"], &done["skipped"]), (&"done".into(), &1.into()), "{done}");
    assert_eq!(done["changed"], count - 1, "{done}");
    assert_eq!(ocsp(&rehearsal, &newer.certificate), "good", "it was not shown");
    assert_eq!(ocsp(&rehearsal, &tls.certificate), "revoked");
    eventually("the CRL lists it", || is_on_crl(&rehearsal, &tls.serial()).then_some(()));
    let shown = rehearsal.operator_json(&["cert", "show", &ka.serial()]);
    assert_eq!(shown["reason"], "keyCompromise", "what was revoked before stays as it was");
    // The same command goes on with what is done, also after a kill.
    let serial = newer.serial();
    rehearsal.kill();
    rehearsal.serve();
    assert_eq!(apply(&rehearsal, digest(&plan)), done);
    assert_eq!(rehearsal.operator_json(&["cert", "show", &serial])["status"], "good");
    let acts = rehearsal.audit_after(0);
    let told: Vec<&Value> = acts.iter().filter(|record| record["act"] == "order-finished").collect();
    assert_eq!(told.len(), 1, "it was carried out once: {told:?}");
    let listed = rehearsal.operator(&["revocation", "show", digest(&plan), "--certificates"]).ok().out;
    assert_eq!(listed.lines().count(), usize::try_from(count).unwrap() + 1, "{listed}");
}

fn two_people(from: u32) -> Rehearsal {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let text = text.replace("[operator]\n", "[operator]\nusers = [1001, 1002]\n");
        format!("{text}\n[revocation]\ntwo_people_from = {from}\n")
    });
    let_in(&rehearsal);
    rehearsal
}

// M-02, M-04.
#[test]
fn m_02_many_certificates_are_revoked_by_two_people_and_one_of_them_cannot_be_both() {
    let mut rehearsal = two_people(2);
    let plan = plan(&rehearsal, &["--system-title", METER]);
    assert_eq!(plan["order"]["needed"], 1, "{plan}");
    let digest = digest(&plan).to_owned();
    let approve = format!("meter-pki revocation approve {digest}");
    let early = run_as(&rehearsal, 1001, &approve);
    assert!(early.err.contains("(order.not-requested)"), "{}", early.all());
    assert_eq!(apply(&rehearsal, &digest)["state"], "waiting");
    assert_eq!(apply(&rehearsal, &digest)["state"], "waiting", "the same command again");
    let before = good(&rehearsal, METER);
    let own = rehearsal.operator(&["revocation", "approve", &digest[..8]]);
    assert_eq!((own.code, own.err.contains("(order.own)")), (Some(6), true), "{}", own.all());
    assert_eq!(refused(&rehearsal).as_deref(), Some("order.own"));
    rehearsal.kill();
    rehearsal.serve();
    assert_eq!(good(&rehearsal, METER), before, "nothing is revoked before it is approved");
    let said = run_as(&rehearsal, 1002, &approve).ok();
    assert!(said.out.contains("is carried out"), "{}", said.all());
    assert_eq!(good(&rehearsal, METER), 0);
    let again = run_as(&rehearsal, 1001, &approve);
    assert_eq!((again.code, again.err.contains("(order.enough)")), (Some(7), true), "{}", again.all());
    let told = rehearsal.audit_after(0);
    let acts: Vec<_> = told.iter().map(|record| record["act"].as_str().expect("an act").to_owned()).collect();
    let wanted = ["order-requested", "order-approved", "order-finished"];
    let steps: Vec<_> = acts.iter().filter(|act| act.starts_with("order-")).collect();
    assert_eq!(steps, wanted, "{acts:?}");
}

#[test]
fn m_04_whatever_is_edited_is_another_order_and_needs_an_approval_of_its_own() {
    let rehearsal = two_people(1);
    let first = plan(&rehearsal, &["--system-title", METER]);
    let date = ["--system-title", METER, "--invalidity-date", "2026-11-01T00:00:00Z"];
    let second = plan(&rehearsal, &date);
    assert_ne!(digest(&first), digest(&second));
    apply(&rehearsal, digest(&first));
    drop(
        run_as(&rehearsal, 1001, &format!("meter-pki revocation refuse {} --reason 'why?'", digest(&first)))
            .ok(),
    );
    let said = rehearsal.operator(&["cert", "revoke", "--apply", digest(&first)]);
    assert_eq!((said.code, said.err.contains("(order.refused)")), (Some(7), true), "{}", said.all());
    assert_eq!(apply(&rehearsal, digest(&second))["state"], "waiting");
    // Where one is many, not even one is revoked by one person.
    let serial = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka").serial();
    let said = rehearsal.operator(&["cert", "revoke", &serial, "--reason", "superseded"]);
    assert_eq!((said.code, said.err.contains("(order.two-people)")), (Some(4), true), "{}", said.all());
    assert_eq!(refused(&rehearsal).as_deref(), Some("order.two-people"));
}

// The file is read when it is planned, and what it says after that concerns nobody.
#[test]
fn m_04_an_approved_order_does_what_was_shown_and_its_file_edited_afterwards_does_not_run() {
    let rehearsal = two_people(1);
    let held = |row| Meter::new(&rehearsal, METER, Suite::One).held(row);
    let (ka, tls) = (held("meter-op-ka"), held("meter-op-tls"));
    let file = rehearsal.unique("list.csv");
    let list = |serials: &[&str]| {
        let rows: String = serials.iter().map(|serial| format!("{serial}\n")).collect();
        std::fs::write(&file, format!("serial\n{rows}")).expect("it can be written");
    };
    let (ka_serial, tls_serial) = (ka.serial(), tls.serial());
    list(&[&ka_serial]);
    let first = plan(&rehearsal, &["--file", &path(&file)]);
    assert_eq!(apply(&rehearsal, digest(&first))["state"], "waiting");
    list(&[&ka_serial, &tls_serial]);
    drop(run_as(&rehearsal, 1002, &format!("meter-pki revocation approve {}", digest(&first))).ok());
    let done = apply(&rehearsal, digest(&first));
    assert_eq!((&done["state"], &done["changed"]), (&"done".into(), &1.into()), "{done}");
    let told = || [&ka, &tls].map(|one| ocsp(&rehearsal, &one.certificate));
    assert_eq!(told(), ["revoked", "good"]);
    // The edited file is another order, and the approval of the first is none of it.
    let second = plan(&rehearsal, &["--file", &path(&file)]);
    assert_ne!(digest(&first), digest(&second));
    assert_eq!(apply(&rehearsal, digest(&second))["state"], "waiting");
    assert_eq!(apply(&rehearsal, digest(&first)), done);
    assert_eq!(told(), ["revoked", "good"]);
}

/// Lets an operator who is none approve an order, in the ledger of a program that is stopped.
fn approve_as_stranger(rehearsal: &Rehearsal, digest: &str) {
    let tenant = TenantId::parse("dso").expect("a tenant");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let now = UnixTime::from_seconds(1_790_000_000);
    let opening = Opening { now, tenant: tenant.clone(), boot: boot.as_deref().and_then(BootId::parse) };
    let settings = Settings::new(Box::new(|fatal| panic!("{fatal}")));
    let (store, _) = Store::open(&rehearsal.state("store"), &opening, settings).expect("the ledger opens");
    let octets: Vec<u8> =
        (0..32).map(|i| u8::from_str_radix(&digest[2 * i..2 * i + 2], 16).unwrap()).collect();
    let mark = Mark { by: "operator:uid-4711".to_owned(), at: now };
    let event = AuditEvent {
        time: now,
        tenant,
        actor: mark.by.clone(),
        act: Act::OrderApproved,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: String::new(),
        digest: octets.clone(),
    };
    let digest = octets.try_into().expect("a digest");
    let decision = OrderDecision { digest, mark, act: OrderAct::Decide(Verdict::Approve), event };
    store.record_order_act(decision).expect("it writes").expect("it waits");
}

#[test]
fn m_03_the_approval_of_who_is_no_operator_any_more_is_void() {
    let mut rehearsal = two_people(2);
    let plan = plan(&rehearsal, &["--system-title", METER]);
    let digest = digest(&plan).to_owned();
    apply(&rehearsal, &digest);
    let before = good(&rehearsal, METER);
    rehearsal.stop();
    approve_as_stranger(&rehearsal, &digest);
    rehearsal.serve();
    let order = eventually("the order is refused", || {
        let order = rehearsal.operator_json(&["revocation", "show", &digest]);
        (order["state"] == "refused").then_some(order)
    });
    assert_eq!((&order["changed"], order["refused"]["by"].as_str()), (&0.into(), Some("process:orders")));
    assert_eq!(good(&rehearsal, METER), before);
}

#[test]
fn certificates_are_put_on_hold_and_released_by_the_file_that_names_them() {
    let rehearsal = Rehearsal::start(1);
    let meter = || Meter::new(&rehearsal, METER, Suite::One);
    let (ka, tls) = (meter().held("meter-op-ka"), meter().held("meter-op-tls"));
    let file = rehearsal.unique("list.csv");
    std::fs::write(&file, format!("serial,system_title\n{},\n{},\n", ka.serial(), tls.serial())).unwrap();
    let file = path(&file);
    let hold = ["cert", "revoke", "--reason", "certificateHold", "--file", &file];
    let plan = rehearsal.operator_json(&hold);
    assert_eq!(plan["order"]["count"], 2, "{plan}");
    apply(&rehearsal, digest(&plan));
    assert_eq!(
        (ocsp(&rehearsal, &ka.certificate), ocsp(&rehearsal, &tls.certificate)),
        ("revoked".into(), "revoked".into())
    );
    let none = rehearsal.operator_json(&hold);
    assert!(none["order"].is_null() && none["passed_over"][0]["status"] == "on-hold", "{none}");
    let plan = rehearsal.operator_json(&["cert", "release", "--status", "on-hold", "--tenant", "dso"]);
    assert_eq!(plan["order"]["count"], 2, "{plan}");
    let done = rehearsal.operator_json(&["cert", "release", "--apply", digest(&plan)]);
    assert_eq!((&done["state"], &done["changed"]), (&"done".into(), &2.into()), "{done}");
    assert_eq!(
        (ocsp(&rehearsal, &ka.certificate), ocsp(&rehearsal, &tls.certificate)),
        ("good".into(), "good".into())
    );
}

#[test]
fn every_faulty_row_of_a_file_is_told_and_whatever_nobody_knows() {
    let rehearsal = Rehearsal::start(1);
    let file = rehearsal.unique("faulty.csv");
    let verb = |file: &str| rehearsal.operator(&["cert", "revoke", "--reason", "superseded", "--file", file]);
    std::fs::write(&file, "serial,system_title\nnot-a-number,\n,\n,4D50\n01,4D504B0100000000\n").unwrap();
    let said = verb(&path(&file));
    assert_eq!((said.code, said.err.contains("(selection.file)")), (Some(2), true), "{}", said.all());
    for line in ["line 2:", "line 3:", "line 4:", "line 5:"] {
        assert!(said.err.contains(line), "{line} {}", said.err);
    }
    std::fs::write(&file, format!("system_title\n{METER}\n4D504B01FFFFFFFF\n")).unwrap();
    let said = verb(&path(&file));
    assert_eq!((said.code, said.err.contains("(selection.unknown)")), (Some(3), true), "{}", said.all());
    assert!(said.err.contains("4D504B01FFFFFFFF") && said.out.contains("digest:"), "{}", said.all());
    let said = rehearsal.operator(&["cert", "revoke", "--reason", "superseded"]);
    assert_eq!((said.code, said.err.contains("(selection.everything)")), (Some(2), true), "{}", said.all());
    assert_eq!(refused(&rehearsal).as_deref(), Some("selection.everything"));
}

#[test]
fn a_certificate_is_found_by_its_key_however_the_key_is_given() {
    let rehearsal = Rehearsal::start(1);
    let held = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-ka");
    let spki = rehearsal.unique("key.pem");
    let extract = ["pkey", "-in", &path(&held.key), "-pubout", "-out", &path(&spki)];
    drop(e2e::tool::openssl(extract).ok());
    for key in [path(&held.certificate), path(&spki)] {
        let plan = plan(&rehearsal, &["--key", &key]);
        assert_eq!(plan["order"]["count"], 1, "{plan}");
        assert_eq!(plan["first"][0]["serial"], held.serial(), "{plan}");
    }
    let said = rehearsal.operator(&["cert", "revoke", "--reason", "superseded", "--key", "nowhere.pem"]);
    assert_eq!((said.code, said.err.contains("(key.file)")), (Some(2), true), "{}", said.all());
}
