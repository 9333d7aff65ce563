//! The chapter on clusters, step by step as it stands in `docs/operate/cluster.md`.

use std::path::Path;

use e2e::chapter::{Shell, blocks, steps};
use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
use e2e::peer::{certificate_of, serial};
use e2e::rehearsal::Rehearsal;
use postgres_peer::Server;

use crate::house::{listening, operator, with_store};

#[test]
fn the_chapter_on_clusters_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/cluster.md");
    let [create, migrate, look, join, schema, promote, reconcile, publish] = steps(chapter);
    let store = blocks(chapter, "toml").concat();
    let synchronous = blocks(chapter, "sql").concat();
    let primary = Server::start();
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let ledger =
        format!("host={} port={} user=pki dbname=ledger", primary.directory().display(), primary.port());
    let state = rehearsal.state("");
    let programs = rehearsal.scratch("programs");
    let shell = |place: &Path, server: &Server| shell((place, &programs), server, &ledger);
    let first = shell(&state, &primary);
    let run = |block: &str| first.run(block).ok().out;

    drop(run(create));
    let moved = run(migrate);
    assert!(moved.contains("moved:") && moved.contains("audit trail:"), "{moved}");
    let second = rehearsal.scratch("ca-2");
    drop(e2e::tool::run("cp", ["-a", &e2e::peer::path(&state), &e2e::peer::path(&second)]).ok());
    for own in ["store", "node"] {
        std::fs::remove_dir_all(second.join(own)).expect("it was copied");
    }

    rehearsal.configure("meter-pki.toml", |text| {
        with_store(&text, &format!("{}\n", store.replace("$LEDGER", &ledger)))
    });
    rehearsal.serve();
    let seen = run(look);
    assert!(seen.contains("postgres") && seen.contains("ca-1 alive"), "{seen}");

    drop(shell(&second, &primary).run(join).ok());
    let text = std::fs::read_to_string(rehearsal.state("meter-pki.toml")).expect("ours");
    let text = listening(&text, "127.0.0.2").replace("\"ca-1\"", "\"ca-2\"");
    std::fs::write(second.join("shared.toml"), text).expect("a configuration of its own");
    let configuration = e2e::peer::path(&second.join("shared.toml"));
    let log = rehearsal.scratch("ca-2.log");
    let node = e2e::process::Process::start(&["--config", &configuration, "serve"], log.clone());
    eventually("the second node answers", || {
        operator(&second, &["store", "nodes"]).out.contains("ca-2 alive").then_some(())
    });
    let status = node.stop();
    assert!(status.success(), "{status}: {}", std::fs::read_to_string(log).unwrap_or_default());

    let standby = primary.standby("db2");
    primary.sql("postgres", synchronous.lines().next().expect("the setting"));
    primary.sql("postgres", synchronous.lines().nth(1).expect("the reload"));
    eventually("the standby is synchronous", || {
        let state = primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication");
        (state == "sync").then_some(())
    });

    let steps = run(schema);
    assert!(steps.lines().all(|line| line.contains("the schema is at step")), "{steps}");

    the_second_site(&mut rehearsal, &primary, (&second, &ledger), [promote, reconcile, publish]);
    drop(standby);
}

/// A shell on a machine of a node, in which psql finds the server as its administrator.
fn shell((place, programs): (&Path, &Path), server: &Server, ledger: &str) -> Shell {
    Shell::new(place, programs)
        .with("LEDGER", ledger)
        .with("PGHOST", server.directory())
        .with("PGPORT", server.port().to_string())
        .with("PGUSER", "postgres")
}

/// Loses the first site and goes on at the second, whose node stands in `second` and whose replica lacks the last moments.
fn the_second_site(
    rehearsal: &mut Rehearsal,
    primary: &Server,
    (second, ledger): (&Path, &str),
    [promote, reconcile, publish]: [&str; 3],
) {
    // The second site has a replica, and the log of the first. It loses its link before the last certificate is issued.
    let far = primary.standby("site2");
    eventually("the replica has everything", || {
        let behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn < pg_current_wal_lsn()";
        (primary.sql("postgres", behind) == "0").then_some(())
    });
    far.stop();
    rehearsal.expect_devices("dso", &[LATE]);
    let token = rehearsal.token(LATE, "meter-op-tls-s1").into();
    let answer = Meter::new(rehearsal, LATE, Suite::One).try_enrol("meter-op-tls", &token);
    let late = serial(&certificate_of(rehearsal, &answer));
    exported(rehearsal);
    rehearsal.kill();
    primary.kill();
    far.restart();

    let site = rehearsal.scratch("site2");
    drop(e2e::tool::run("mv", [e2e::peer::path(second), e2e::peer::path(&site)]).ok());
    std::fs::remove_dir_all(site.join("audit")).expect("it was copied when it was young");
    drop(
        e2e::tool::run("cp", ["-a", &e2e::peer::path(&rehearsal.state("audit")), &e2e::peer::path(&site)])
            .ok(),
    );
    let there = format!("host={} port={} user=pki dbname=ledger", far.directory().display(), far.port());
    let text = std::fs::read_to_string(site.join("shared.toml")).expect("ours").replace(ledger, &there);
    std::fs::write(site.join("shared.toml"), &text).expect("ours");
    std::fs::write(site.join("meter-pki.toml"), &text).expect("ours");
    let away = shell((&site, &rehearsal.scratch("programs")), &far, ledger);
    assert_eq!(away.run(promote).ok().out.trim(), "t");
    let serve = |log: &str| {
        let configuration = e2e::peer::path(&site.join("shared.toml"));
        let log = rehearsal.scratch(log);
        let mut node = e2e::process::Process::start(&["--config", &configuration, "serve"], log);
        eventually("the node of the second site answers", || {
            assert!(node.ended().is_none(), "it ended: {}", node.log());
            operator(&site, &["store", "show"]).success.then_some(())
        });
        node
    };
    let node = serve("site2-first.log");
    let shown = operator(&site, &["store", "show"]).ok().out;
    assert!(shown.contains("recovery:"), "{shown}");
    assert!(node.stop().success());
    let reconciled = away.run(reconcile).ok().out;
    assert!(reconciled.contains("taken in:") && reconciled.contains("epoch 2"), "{reconciled}");
    let node = serve("site2-second.log");
    assert!(away.run(publish).ok().out.contains("dso-operational-s1"));
    let known = operator(&site, &["--json", "cert", "show", &late]).ok().out;
    assert!(known.contains("good"), "{known}");
    assert!(node.stop().success());
}

/// A meter that enrols when the replica has lost its link.
const LATE: &str = "4D504B01000000D1";

/// Waits until everything on record is exported.
fn exported(rehearsal: &Rehearsal) {
    let sequence = rehearsal.operator_json(&["store", "show"])["sequence"].as_u64().expect("a number");
    eventually("the audit log is exported", || {
        let records = std::fs::read_to_string(rehearsal.state("audit/records")).unwrap_or_default();
        let last = records.lines().last()?.split(' ').next()?.parse::<u64>().ok()?;
        (last >= sequence && records.ends_with('\n')).then_some(())
    });
}
