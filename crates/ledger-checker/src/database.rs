//! All rows of a ledger in PostgreSQL, as they stand at one moment: each keyspace is a table of the schema `meter_pki`, named like
//! it with `_` for `-`, whose columns `key` and `value` are the octets that every engine keeps.
//!
//! Not by the way that nodes take: a connection and statements of its own, and nothing is written. It speaks no TLS, and so
//! it is run where the database is, or the address says that the network is protected otherwise.

use std::fmt::Display;
use std::path::Path;

use tokio::runtime::Builder;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::engines::{KEYSPACES, Rows};
use crate::unreadable::Unreadable;

/// Reads everything in one transaction.
pub(crate) fn read(address: &str, password_file: Option<&Path>) -> Result<Rows, Unreadable> {
    let mut config = config(address)?;
    if let Some(path) = password_file {
        let password =
            std::fs::read(path).map_err(|cause| Unreadable::Disk { path: path.to_owned(), cause })?;
        config.password(password.trim_ascii_end());
    }
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|cause| failed(&cause))?;
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await.map_err(|cause| failed(&said(&cause)))?;
        let driven = tokio::spawn(connection);
        let rows = all(&client).await.map_err(|cause| failed(&said(&cause)));
        drop(client);
        // What became of the connection shows in what was read.
        drop(driven.await);
        rows
    })
}

/// Refuses an address that would send what the ledger holds over a network without saying that it may, or that holds a secret.
fn config(address: &str) -> Result<Config, Unreadable> {
    let config: Config =
        address.parse().map_err(|_| failed(&"the address is none that PostgreSQL's programs take"))?;
    if config.get_password().is_some() {
        return Err(failed(
            &"the address holds a password: put it into a file, and name that by --password-file",
        ));
    }
    let here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    };
    if config.get_ssl_mode() != SslMode::Disable && !config.get_hosts().iter().all(here) {
        return Err(failed(
            &"it is on another machine: run this program there, or say sslmode=disable where the network is protected",
        ));
    }
    Ok(config)
}

async fn all(client: &Client) -> Result<Rows, Error> {
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut rows = Rows::new();
    for (number, keyspace) in KEYSPACES {
        let table = format!("meter_pki.{}", keyspace.replace('-', "_"));
        // What a ledger has only later is not there, as with the other engines.
        let there = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?;
        if !there.try_get(0)? {
            continue;
        }
        for row in client.query(&format!("SELECT key, value FROM {table}"), &[]).await? {
            rows.insert((number, row.try_get(0)?), row.try_get(1)?);
        }
    }
    client.batch_execute("COMMIT").await?;
    Ok(rows)
}

fn failed(cause: &dyn Display) -> Unreadable {
    Unreadable::Database { cause: cause.to_string() }
}

/// What the server says, or what became of the connection.
fn said(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    error.as_db_error().map_or_else(|| format!("{error}{cause}"), |server| server.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_holds_a_secret_or_leaves_the_machine_unasked() {
        let refused = |address: &str| config(address).unwrap_err().to_string();
        assert!(refused("postgres://pki:secret@localhost/ledger").contains("--password-file"));
        assert!(refused("postgres://pki@db1,db2/ledger").contains("another machine"));
        assert!(refused("a ledger").contains("none"));
        for address in [
            "postgres:///ledger?host=/run/postgresql",
            "host=db1 user=pki sslmode=disable",
            "host=::1 user=pki",
        ] {
            assert!(config(address).is_ok(), "{address}");
        }
    }
}
