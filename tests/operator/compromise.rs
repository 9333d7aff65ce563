//! The drill on a compromised factory CA, as its chapter has it, with two operators who are two users of this machine.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use e2e::chapter::steps;
use e2e::fleet::{Meter, Suite};
use e2e::operators::{let_in, run_as};
use e2e::peer::{curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/compromise.md");

/// A meter of the rehearsed fleet.
const METER: &str = "4D504B0100000000";

/// One that was delivered and never enrolled.
const DELIVERED: &str = "4D504B0100000C01";

const FIRST: u32 = 1001;
const SECOND: u32 = 1002;

fn set_up() -> Rehearsal {
    let rehearsal = Rehearsal::start_with(2, |text| {
        let text = text.replace("[operator]\n", "[operator]\nusers = [1001, 1002]\n");
        format!("{text}\n[revocation]\ntwo_people_from = 2\n")
    });
    let_in(&rehearsal);
    let case = rehearsal.state("case");
    std::fs::create_dir(&case).expect("it can be made");
    std::fs::set_permissions(&case, Permissions::from_mode(0o777)).expect("ours");
    rehearsal
}

fn step(rehearsal: &Rehearsal, user: u32, block: &str) -> Said {
    let case = path(&rehearsal.state("case"));
    run_as(rehearsal, user, &format!("umask 022; CASE={case}; SINCE=2026-01-01T00:00:00Z\n{block}"))
}

fn file(rehearsal: &Rehearsal, name: &str) -> String {
    std::fs::read_to_string(rehearsal.state("case").join(name)).expect("the step wrote it")
}

#[test]
fn the_drill_on_a_compromised_factory_ca_works_as_it_stands() {
    let [block, look, ask, approve, publish, export, _] = steps(CHAPTER);
    let rehearsal = set_up();
    let delivered = Meter::new(&rehearsal, DELIVERED, Suite::One);
    let factory = delivered.manufacture().shown();
    delivered.deliver();
    let operational = Meter::new(&rehearsal, METER, Suite::One).held("meter-op-tls");

    let said = step(&rehearsal, FIRST, block).ok();
    assert!(said.out.contains("blocked by operator:uid-1001"), "{}", said.out);
    let refused = delivered.try_enrol("meter-op-tls", &factory);
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("(trust.blocked)"), "{}", refused.text());

    let said = step(&rehearsal, FIRST, look).ok();
    let standing = file(&rehearsal, "standing.txt");
    assert!(standing.contains(DELIVERED) && !standing.contains(METER), "{standing}");
    assert!(said.out.contains("another operator approves it"), "{}", said.out);

    let said = step(&rehearsal, FIRST, ask).ok();
    assert!(said.out.contains("waits for another operator"), "{}", said.out);
    let own = step(&rehearsal, FIRST, approve);
    assert!(own.err.contains("(order.own)"), "{}", own.all());
    let said = step(&rehearsal, SECOND, approve).ok();
    assert!(said.out.contains("is carried out"), "{}", said.out);

    drop(step(&rehearsal, SECOND, publish).ok());
    drop(step(&rehearsal, SECOND, export).ok());
    let revoked = file(&rehearsal, "revoked.csv");
    let row = revoked.lines().find(|row| row.starts_with(&operational.serial())).expect("it is on the list");
    assert!(row.contains(",revoked,") && row.contains(",privilegeWithdrawn,"), "{row}");
    let audit = file(&rehearsal, "audit.txt");
    for act in ["trust-blocked", "order-requested", "order-approved", "order-finished"] {
        assert!(audit.contains(act), "{act}: {audit}");
    }
    assert_on_crl(&rehearsal, &operational.serial());
}

/// What relying parties fetch says so, with the date since when the key is suspected.
fn assert_on_crl(rehearsal: &Rehearsal, serial: &str) {
    let crls: serde_json::Value = serde_json::from_str(&file(rehearsal, "crls.json")).expect("JSON");
    let crls = crls.as_array().expect("a list");
    let crl = crls.iter().find(|crl| crl["authority"] == "dso-operational-s1").expect("one of the owner's");
    let answer = curl(rehearsal, crl["uri"].as_str().expect("a URI"), &[] as &[&str]);
    let place = rehearsal.unique("crl.der");
    std::fs::write(&place, answer.body).expect("it can be written");
    let text = openssl(["crl", "-inform", "DER", "-noout", "-text", "-in", &path(&place)]).ok().out;
    let entry = text.split("Serial Number: ").find(|entry| entry.starts_with(serial)).expect("it is listed");
    assert!(entry.contains("Privilege Withdrawn") && entry.contains("Invalidity Date"), "{entry}");
}

#[test]
fn what_is_blocked_stays_so_over_a_kill_and_two_operators_let_it_in_again() {
    let [.., unblock] = steps::<7>(CHAPTER);
    let mut rehearsal = set_up();
    let keys: Vec<String> = {
        let blocked =
            rehearsal.operator_json(&["trust", "block", "--manufacturer", "maker", "--reason", "drill"]);
        let keys = blocked.as_array().expect("a list").iter();
        keys.map(|one| one["key"].as_str().expect("a key").to_owned()).collect()
    };
    rehearsal.kill();
    rehearsal.serve();
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    // The line station's certificate leads to another authority of the maker, which is not blocked.
    let shown = meter.manufacture().shown();
    meter.deliver();
    let answer = meter.try_enrol("meter-op-tls", &shown);
    assert!(answer.text().contains("(trust.blocked)"), "{}", answer.text());
    for key in &keys {
        drop(rehearsal.operator(&["trust", "unblock", key]).ok());
        let own = rehearsal.operator(&["trust", "unblock", key]);
        assert_eq!((own.code, own.err.contains("(trust.same-operator)")), (Some(6), true), "{}", own.all());
        drop(run_as(&rehearsal, SECOND, &format!("KEY={key}\n{unblock}")).ok());
    }
    let answer = meter.try_enrol("meter-op-tls", &shown);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let again = rehearsal.operator(&["trust", "unblock", &keys[0]]);
    assert_eq!((again.code, again.err.contains("(trust.not-blocked)")), (Some(7), true), "{}", again.all());
    let none = rehearsal.operator(&["trust", "block", "--manufacturer", "nobody", "--reason", "drill"]);
    assert_eq!((none.code, none.err.contains("(trust.unknown)")), (Some(5), true), "{}", none.all());
}
