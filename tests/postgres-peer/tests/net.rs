//! Servers on hosts of their own, between which the way is cut.

use std::process::{Output, Stdio};

use postgres_peer::{Host, Net, Server};

fn ask(from: &Host, url: &str, sql: &str) -> Output {
    let mut command = from.command("psql");
    command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]).env("PGCONNECT_TIMEOUT", "2");
    command.output().unwrap()
}

#[test]
fn a_cut_link_hangs_and_heals() {
    let net = Net::new();
    let (here, there, third) = (net.host(), net.host(), net.host());
    let server = Server::on(&there, &[]);
    let database = server.database();
    assert!(database.tcp_url().contains(&there.address()));
    let reaches = |from: &Host| ask(from, &database.tcp_url(), "SELECT 1").status.success();
    assert!(reaches(&here));
    here.cut(&there);
    let said = ask(&here, &database.tcp_url(), "SELECT 1");
    assert!(String::from_utf8_lossy(&said.stderr).contains("timeout expired"), "it hangs: {said:?}");
    assert!(reaches(&third), "others are not cut");
    here.heal(&there);
    assert!(reaches(&here));
}

#[test]
fn a_commit_waits_while_the_standby_is_cut_off() {
    let net = Net::new();
    let (one, two) = (net.host(), net.host());
    let primary = Server::on(&one, &[]);
    let database = primary.database();
    let standby = primary.standby_on(&two, "second");
    primary.make_synchronous("second");
    database.sql("CREATE TABLE t (n integer)");
    one.cut(&two);
    let insert = one
        .command("psql")
        .args(["-XAtq", "-d", &database.url(), "-c", "INSERT INTO t VALUES (1)"])
        .stderr(Stdio::piped())
        .spawn();
    let waiting =
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()";
    assert!((0..2000).any(|_| !database.sql(waiting).is_empty()), "it waits");
    assert_eq!(standby.sql(database.name(), "SELECT count(*) FROM t"), "0");
    one.heal(&two);
    assert!(insert.unwrap().wait_with_output().unwrap().status.success());
    assert_eq!(database.sql("SELECT n FROM t"), "1");
}

#[test]
fn hosts_go_with_their_last_value() {
    let net = Net::new();
    let host = net.host();
    drop(net);
    let said = host.command("ip").args(["-brief", "address", "show", "eth0"]).output().unwrap();
    assert!(
        String::from_utf8_lossy(&said.stdout).contains("UP"),
        "the switch stays with its hosts: {said:?}"
    );
}
