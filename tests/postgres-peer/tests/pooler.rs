//! pgbouncer stands before a server, and gives its sessions to many.

use std::process::{Command, Stdio};

use postgres_peer::{Pooler, Server};

fn psql(url: &str, sql: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
    command
}

#[test]
fn one_session_serves_many_connections() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pooler::start(&server, 1);
    let url = pooler.url(&database);
    let ask =
        || psql(&url, "SELECT pg_sleep(0.01), pg_backend_pid()").stdout(Stdio::piped()).spawn().unwrap();
    let asking: Vec<_> = (0..5).map(|_| ask()).collect();
    let said = asking.into_iter().map(|child| child.wait_with_output().unwrap());
    let mut sessions: Vec<_> = said.map(|said| String::from_utf8(said.stdout).unwrap()).collect();
    sessions.sort_unstable();
    sessions.dedup();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert!(sessions[0].trim().len() > 1, "it said something");
}
