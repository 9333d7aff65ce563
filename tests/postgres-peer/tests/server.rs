//! What tests may rely on: servers start, databases are fresh, a commit outlives a crash.

use postgres_peer::Server;

#[test]
fn a_committed_row_outlives_a_crash() {
    let server = Server::start();
    let database = server.database();
    database.sql("CREATE TABLE t (n integer); INSERT INTO t VALUES (7)");
    server.kill();
    assert!(server.try_sql(database.name(), "SELECT 1").is_err(), "it is gone");
    server.restart();
    assert_eq!(database.sql("SELECT n FROM t"), "7");
    assert!(server.log().contains("automatic recovery in progress"), "{}", server.log());
}

#[test]
fn a_database_is_fresh_and_goes_with_its_value() {
    let server = Server::shared();
    let (one, two) = (server.database(), Server::shared().database());
    one.sql("CREATE TABLE t (n integer)");
    two.sql("CREATE TABLE t (n integer)");
    let name = one.name().to_owned();
    let count =
        || server.sql("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'"));
    assert_eq!(count(), "1");
    drop(one);
    assert_eq!(count(), "0");
}

#[test]
fn both_urls_lead_to_the_database() {
    let database = Server::shared().database();
    for url in [database.url(), database.tcp_url()] {
        let asked = std::process::Command::new("psql")
            .args(["-XAtq", "-d", &url, "-c", "SELECT current_database()"])
            .output();
        let said = asked.unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), database.name(), "{url}: {said:?}");
    }
}

#[test]
fn tcp_wants_the_password() {
    let database = Server::shared().database();
    let url = database.tcp_url().replace(database.server().password(), "wrong");
    let asked =
        std::process::Command::new("psql").args(["-XAtq", "-d", &url, "-c", "SELECT 1"]).output().unwrap();
    assert!(String::from_utf8_lossy(&asked.stderr).contains("password authentication failed"), "{asked:?}");
}

#[test]
fn a_frozen_server_answers_when_it_thaws() {
    let server = Server::start();
    let database = server.database();
    server.freeze();
    let url = format!("{}&connect_timeout=2", database.url());
    let ask =
        || std::process::Command::new("psql").args(["-XAtq", "-d", &url, "-c", "SELECT 1"]).output().unwrap();
    assert!(!ask().status.success(), "nobody answers");
    server.thaw();
    assert!(ask().status.success(), "{:?}", ask());
}

#[test]
fn settings_hold_from_the_start_and_change() {
    let server = Server::with(&[("work_mem", "5MB"), ("fsync", "off")]);
    assert_eq!(server.sql("postgres", "SHOW work_mem"), "5MB");
    assert_eq!(server.sql("postgres", "SHOW fsync"), "off");
    server.set("work_mem", "6MB");
    assert_eq!(server.sql("postgres", "SHOW work_mem"), "6MB");
}
