//! `postgres-peer`: starts the server that all tests of a run share, says on one line where it is, and ends it when its
//! standard input ends.
//!
//! Not for tests, which start servers by the library.

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let server = postgres_peer::Server::for_sharing();
    writeln!(std::io::stdout(), "{}", server.directory().display())?;
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
