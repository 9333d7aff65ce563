//! The chapter on clusters, step by step as it stands in `docs/operate/cluster.md`.

use e2e::chapter::{Shell, blocks, steps};
use e2e::patience::eventually;
use e2e::rehearsal::Rehearsal;
use postgres_peer::Server;

use crate::house::{listening, operator, with_store};

#[test]
fn the_chapter_on_clusters_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/cluster.md");
    let [create, migrate, look, join, schema, promote, reconcile] = steps(chapter);
    let store = blocks(chapter, "toml").concat();
    let synchronous = blocks(chapter, "sql").concat();
    let primary = Server::start();
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let ledger =
        format!("host={} port={} user=pki dbname=ledger", primary.directory().display(), primary.port());
    let state = rehearsal.state("");
    let programs = rehearsal.scratch("programs");
    let shell = |place: &std::path::Path, server: &Server| {
        Shell::new(place, &programs)
            .with("LEDGER", &ledger)
            .with("PGHOST", server.directory())
            .with("PGPORT", server.port().to_string())
            .with("PGUSER", "postgres")
    };
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

    // The second site: a replica that lags, a log that does not.
    drop((promote, reconcile, standby));
}
