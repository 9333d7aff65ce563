//! All rows of a store, read with the engines themselves: fjall has a tree for each keyspace, sled an octet in front of keys.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};

use crate::journal::cut_torn_end;
use crate::unreadable::Unreadable;

/// The keyspaces by number and name, as ca-store documents them.
pub(crate) const KEYSPACES: [(u8, &str); 65] = [
    (1, "meta"),
    (2, "audit"),
    (3, "open"),
    (4, "signing"),
    (5, "certificates"),
    (6, "titles"),
    (7, "expiry"),
    (8, "keys"),
    (9, "slots"),
    (10, "requests"),
    (11, "revocations"),
    (12, "uncertain"),
    (13, "crl-heads"),
    (14, "crls"),
    (15, "crl-octets"),
    (16, "tokens"),
    (17, "devices"),
    (18, "device-lists"),
    (19, "tree"),
    (20, "request-ends"),
    (21, "waiting"),
    (22, "waiting-ends"),
    (23, "waiting-counts"),
    (24, "transactions"),
    (25, "transaction-octets"),
    (26, "transaction-deadlines"),
    (27, "transaction-ends"),
    (28, "transaction-counts"),
    (29, "unconfirmed"),
    (30, "releases"),
    (31, "shards"),
    (32, "shard-revocations"),
    (33, "changes"),
    (34, "orders"),
    (35, "order-parts"),
    (36, "scheduled"),
    (37, "scheduled-times"),
    (38, "blocked"),
    (39, "device-index"),
    (40, "device-counts"),
    (41, "device-history"),
    (42, "device-credentials"),
    (43, "device-secrets"),
    (44, "deliveries"),
    (45, "delivery-parts"),
    (46, "delivery-refusals"),
    (47, "swaps"),
    (48, "campaigns"),
    (49, "campaign-members"),
    (50, "campaign-agenda"),
    (51, "campaign-counts"),
    (52, "campaign-places"),
    (53, "evidence"),
    (55, "production-orders"),
    (56, "production-devices"),
    (57, "production-lists"),
    (58, "production-stations"),
    (59, "day-counts"),
    (63, "people"),
    (64, "person-credentials"),
    (65, "visits"),
    (66, "visit-units"),
    (68, "calls"),
    (69, "call-ends"),
    (70, "call-octets"),
];

/// Values by keyspace and key.
pub type Rows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

/// Returns the name of a keyspace.
#[must_use]
pub fn keyspace_name(number: u8) -> &'static str {
    KEYSPACES.iter().find(|(known, _)| *known == number).map_or("unknown", |(_, name)| name)
}

/// Reads a store in the engine that its marker names.
pub(crate) fn read(store: &Path) -> Result<Rows, Unreadable> {
    let marker = std::fs::read_to_string(store.join("marker"))
        .map_err(|cause| Unreadable::Disk { path: store.join("marker"), cause })?;
    let failed =
        |cause: &dyn Display| Unreadable::Engine { path: store.to_owned(), cause: cause.to_string() };
    if marker.contains("\nengine sled\n") {
        read_sled(&store.join("engine")).map_err(|cause| failed(&cause))
    } else {
        read_fjall(&store.join("engine")).map_err(|cause| failed(&cause))
    }
}

fn read_fjall(directory: &Path) -> fjall::Result<Rows> {
    cut_torn_end(directory)?;
    let database = Database::builder(directory).open()?;
    let mut rows = Rows::new();
    for (number, name) in KEYSPACES {
        if database.keyspace_exists(name) {
            for guard in database.keyspace(name, || options(name))?.iter() {
                let (key, value) = guard.into_inner()?;
                rows.insert((number, key.to_vec()), value.to_vec());
            }
        }
    }
    Ok(rows)
}

fn options(name: &str) -> KeyspaceCreateOptions {
    let separation = (name == "certificates").then(KvSeparationOptions::default);
    KeyspaceCreateOptions::default().with_kv_separation(separation)
}

fn read_sled(directory: &Path) -> sled::Result<Rows> {
    // sled 0.34.7 takes a snapshot that it was killed over for a finished one.
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "generating") {
            std::fs::remove_file(path)?;
        }
    }
    let database = sled::Config::new().path(directory).flush_every_ms(None).open()?;
    let mut rows = Rows::new();
    for row in &*database {
        let (key, value) = row?;
        if let Some((number, key)) = key.split_first() {
            rows.insert((*number, key.to_vec()), value.to_vec());
        }
    }
    Ok(rows)
}

/// Writes rows into a new store on fjall: for tests of the checker, which need stores that no program of ours would write.
///
/// # Errors
/// What fjall or the operating system says.
pub fn write_fjall(store: &Path, rows: &Rows) -> Result<(), Box<dyn core::error::Error>> {
    std::fs::create_dir_all(store)?;
    std::fs::write(store.join("marker"), "meter-pki ledger\nformat 3\nengine fjall\n")?;
    let database = Database::builder(store.join("engine")).open()?;
    for ((number, key), value) in rows {
        database
            .keyspace(keyspace_name(*number), || options(keyspace_name(*number)))?
            .insert(key.clone(), value.clone())?;
    }
    Ok(database.persist(PersistMode::SyncAll)?)
}
