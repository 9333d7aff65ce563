//! A synchronous standby has every committed row, and takes over.

use postgres_peer::Server;

#[test]
fn a_promoted_standby_has_what_was_committed_and_the_old_primary_follows() {
    let primary = Server::start();
    let database = primary.database();
    let standby = primary.standby("second");
    primary.make_synchronous("second");
    database.sql("CREATE TABLE t (n integer); INSERT INTO t VALUES (1)");
    primary.kill();
    standby.promote();
    assert_eq!(standby.sql(database.name(), "SELECT n FROM t"), "1");
    standby.sql(database.name(), "INSERT INTO t VALUES (2)");

    primary.follow(&standby, "first");
    standby.make_synchronous("first");
    standby.sql(database.name(), "INSERT INTO t VALUES (3)");
    assert_eq!(primary.sql("postgres", "SELECT pg_is_in_recovery()"), "t");
    let url = database.tcp_url_among(&[&primary, &standby]);
    let asked = std::process::Command::new("psql")
        .args([
            "-XAtq",
            "-d",
            &url,
            "-c",
            "SELECT string_agg(n::text, ',' ORDER BY n), inet_server_port() FROM t",
        ])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&asked.stdout).trim(),
        format!("1,2,3|{}", standby.port()),
        "{asked:?}"
    );
}

#[test]
fn a_commit_waits_for_the_synchronous_standby() {
    let primary = Server::start();
    let database = primary.database();
    let standby = primary.standby("second");
    primary.make_synchronous("second");
    database.sql("CREATE TABLE t (n integer)");
    standby.freeze();
    let insert = std::process::Command::new("psql")
        .args(["-XAtq", "-d", &database.url(), "-c", "INSERT INTO t VALUES (1)"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let waiting =
        "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()";
    assert!((0..2000).any(|_| !database.sql(waiting).is_empty()), "it waits");
    standby.thaw();
    assert!(insert.wait_with_output().unwrap().status.success());
    assert_eq!(database.sql("SELECT n FROM t"), "1");
}
