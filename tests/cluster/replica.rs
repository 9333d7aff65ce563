//! K-03: lists may be read from a standby that is behind; what is decided is read where it is written.

use e2e::patience::eventually;
use e2e::peer::{certificate_of, serial};
use postgres_peer::Server;

use crate::house::House;
use crate::losses::enrolled;

const TITLES: [&str; 2] = ["4D504B01000000F1", "4D504B01000000F2"];

#[test]
fn k_03_lists_come_from_a_replica_that_is_behind_and_decisions_never_do() {
    let primary = Server::start();
    let (place, port) = (primary.directory().display().to_string(), primary.port());
    let mut name = String::new();
    let mut house = House::found(
        &primary,
        |database| {
            database.clone_into(&mut name);
            format!("host={place} port={port} user=postgres dbname={database}")
        },
        1,
    );
    let replica = primary.standby("reports");
    let reports = house.address.replace(&place, &replica.directory().display().to_string());
    let reports = reports.replace(&format!("port={port}"), &format!("port={}", replica.port()));
    house.rehearsal.stop();
    house.rehearsal.configure("replica.toml", |text| {
        text.replace("lease_seconds", &format!("replica = \"{reports}\"\nlease_seconds"))
    });
    house.rehearsal.serve();
    let shown = house.expect(&TITLES);
    eventually("the replica has followed", || {
        let behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn < pg_current_wal_lsn()";
        (primary.sql("postgres", behind) == "0").then_some(())
    });
    drop(replica.sql("postgres", "SELECT pg_wal_replay_pause()"));

    let certificate =
        certificate_of(&house.rehearsal, &enrolled(&house, 0, &house.request(TITLES[0]), &shown[0]));
    let number = serial(&certificate);
    let listed = |house: &House, title: &str| house.rehearsal.certificates_of(title).len();
    assert_eq!(listed(&house, TITLES[0]), 0, "the list is the replica's");
    let known = house.rehearsal.operator_json(&["cert", "show", &number]);
    assert_eq!(known["status"], "good", "what is asked of one certificate is not");
    // The slot is taken where it is written, whatever the replica shows.
    let again = house.try_enrol(0, &house.request(TITLES[0]), &shown[0]).expect("it is answered");
    assert_eq!(again.status, 409, "{}", again.text());
    drop(replica.sql("postgres", "SELECT pg_wal_replay_resume()"));
    eventually("the replica has followed", || (listed(&house, TITLES[0]) == 1).then_some(()));

    replica.kill();
    drop(enrolled(&house, 0, &house.request(TITLES[1]), &shown[1]));
    assert_eq!(listed(&house, TITLES[1]), 1, "without the replica the ledger itself is read");
}
