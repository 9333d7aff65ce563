//! `meter-pki store`: making a ledger, moving one into a database, the schema and the nodes there, and `show`.

use std::path::Path;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_store::{
    CreateError, Database, EngineKind, MoveError, NodeFault, Opening, SCHEMA, Store, bring_schema, move_to,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::printer::Printer;
use crate::cli::{ReachArgs, SecretArgs, StoreCommand};
use crate::compose::{SystemClock, boot_id, random_id};
use crate::config::{Config, ENGINES, reach};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::{NodePage, NodeView, StoreView};

/// Who makes a schema, as the database notes it.
const BY: &str = concat!("meter-pki ", env!("CARGO_PKG_VERSION"));

/// The ledger that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedStore)]
pub(in crate::commands) struct CreatedView {
    directory: String,
    engine: String,
    /// Whether only the directory of a further node was made.
    joined: bool,
}

/// The ledger that was moved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MovedStore)]
pub(in crate::commands) struct MovedView {
    /// The number of the last audit record.
    sequence: u64,
    /// The root of the tree over the audit records, walked over where they now are.
    root: String,
    /// How many rows there are.
    rows: u64,
    /// How many of them this attempt loaded.
    loaded: u64,
    /// The directory of the first node.
    node_directory: String,
}

/// The steps of the schema.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreSchema)]
pub(in crate::commands) struct SchemaView {
    /// The last step that was taken before.
    before: i32,
    /// The last step that is taken now.
    now: i32,
    /// The last step that this program knows.
    known: i32,
}

/// Does what needs no server.
pub(super) fn run(verb: &StoreCommand, config: &Path, printer: &Printer) -> Result<(), Failure> {
    match verb {
        StoreCommand::Create { directory, engine, join, reach } => {
            create(directory, (engine, *join), reach, printer)
        }
        StoreCommand::Migrate { to, node_directory, secrets } => {
            migrate(config, (to, secrets), node_directory, printer)
        }
        StoreCommand::Schema { to } => schema(config, to.as_deref(), printer),
        StoreCommand::Nodes | StoreCommand::Show => {
            Err(Failure::new(Exit::Usage, "store.verb", "this is asked of a server"))
        }
    }
}

fn create(
    directory: &Path,
    (engine, join): (&str, bool),
    reached: &ReachArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    let kind = EngineKind::from_name(engine).ok_or_else(|| {
        Failure::new(Exit::Usage, "store.engine", format!("there is no engine {engine}")).then(ENGINES)
    })?;
    let made = match (kind, &reached.database) {
        (EngineKind::Postgres, Some(address)) => {
            let database = database(address, &reached.secrets)?;
            let place = random_id()?;
            if join {
                Store::join_shared(directory, &database, place)
            } else {
                Store::create_shared(directory, &database, (place, BY))
            }
        }
        (EngineKind::Postgres, None) => {
            return Err(Failure::new(Exit::Usage, "store.database", "postgres needs --database ADDRESS"));
        }
        (_, Some(_)) => {
            return Err(Failure::new(Exit::Usage, "store.database", format!("{engine} takes no --database"))
                .then("say --engine postgres"));
        }
        (_, None) => Store::create(directory, kind),
    };
    made.map_err(|error| not_created(directory, &error))?;
    let view =
        CreatedView { directory: directory.display().to_string(), engine: engine.to_owned(), joined: join };
    printer.result(&view, |view| {
        vec![if view.joined {
            format!("the directory of a further node is {}", view.directory)
        } else {
            format!("an empty ledger on {} is in {}", view.engine, view.directory)
        }]
    });
    Ok(())
}

fn not_created(directory: &Path, error: &CreateError) -> Failure {
    Failure::new(Exit::Conflict, "store.not-created", format!("{}: {error}", directory.display()))
}

fn database(address: &str, secrets: &SecretArgs) -> Result<Database, Failure> {
    reach(address, secrets.password_file.as_deref(), secrets.tls_anchor_file.as_deref())
        .map_err(|why| Failure::new(Exit::Usage, "store.database", why))
}

/// Moves the ledger of the configuration, and makes the directory of its first node.
fn migrate(
    config: &Path,
    (address, secrets): (&str, &SecretArgs),
    node_directory: &Path,
    printer: &Printer,
) -> Result<(), Failure> {
    let database = database(address, secrets)?;
    let raw = Config::raw(config).map_err(|error| faulty(&error))?;
    let place = Config::store_place(config).map_err(|error| faulty(&error))?;
    if place.engine == EngineKind::Postgres {
        return Err(Failure::new(
            Exit::Conflict,
            "store.moved",
            "the configuration names a database already",
        ));
    }
    if node_directory.symlink_metadata().is_ok() {
        let message = format!("{} is there already", node_directory.display());
        return Err(Failure::new(Exit::Conflict, "store.not-created", message));
    }
    let tenant = ca_core::tenant::TenantId::parse(&raw.store.get_ref().tenant)
        .map_err(|error| Failure::new(Exit::Usage, "config.faulty", error))?;
    let now = ca_core::ports::Clock::now(&SystemClock);
    let event = AuditEvent {
        time: now,
        actor: Actor { tenant: tenant.clone(), identity: Identity::Process { name: "move" } }.to_string(),
        tenant: tenant.clone(),
        act: Act::LedgerMoved,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: format!("out of {}", place.directory.display()),
        digest: Vec::new(),
    };
    let progress = printer.steps();
    let mut told = ("", 0_u64);
    let opening = Opening { now, tenant, boot: boot_id() };
    let moved = move_to(&place.directory, (&database, BY), (&opening, event), |keyspace, loaded| {
        // One line for every hundred thousand rows, and for every table.
        if told.0 != keyspace || loaded / 100_000 > told.1 {
            progress.tell(&format!("{keyspace}: {loaded} rows"));
            told = (keyspace, loaded / 100_000);
        }
    });
    let moved = moved.map_err(|error| not_moved(&error))?;
    Store::join_shared(node_directory, &database, random_id()?)
        .map_err(|error| not_created(node_directory, &error))?;
    let view = MovedView {
        sequence: moved.sequence,
        root: hex::encode(moved.root),
        rows: moved.rows.values().sum(),
        loaded: moved.loaded,
        node_directory: node_directory.display().to_string(),
    };
    printer.result(&view, |view| {
        vec![
            format!("moved: {} rows, {} of them now", view.rows, view.loaded),
            format!("audit trail: {} records, root {}", view.sequence, view.root),
            format!(
                "now say engine = \"postgres\", directory = \"{}\" and [store.database]",
                view.node_directory
            ),
        ]
    });
    Ok(())
}

fn not_moved(error: &MoveError) -> Failure {
    let (exit, code) = match error {
        MoveError::Counts { .. } | MoveError::Trail { .. } | MoveError::Audit(_) => {
            (Exit::Integrity, "store.move-differs")
        }
        MoveError::Database(NodeFault::Session(_)) | MoveError::Rows { .. } => {
            (Exit::Unavailable, "store.away")
        }
        MoveError::Open(_)
        | MoveError::Directory(_)
        | MoveError::Marker { .. }
        | MoveError::NotEmbedded
        | MoveError::Record { .. }
        | MoveError::Database(_) => (Exit::Conflict, "store.not-moved"),
    };
    Failure::new(exit, code, error)
        .then("nothing is lost; repeat the same command, it goes on where this ended")
}

fn schema(config: &Path, to: Option<&str>, printer: &Printer) -> Result<(), Failure> {
    let place = Config::store_place(config).map_err(|error| faulty(&error))?;
    let Some(checked) = place.database else {
        return Err(Failure::new(Exit::Usage, "store.database", "the ledger is in no database"));
    };
    let to = match to {
        Some("latest") => Some(SCHEMA),
        Some(number) => Some(number.parse().map_err(|_| {
            Failure::new(Exit::Usage, "store.step", format!("{number} is neither a number nor `latest`"))
        })?),
        None => None,
    };
    let (before, now) = bring_schema(&checked.database, to, BY).map_err(|fault| {
        let away = matches!(fault, NodeFault::Session(_));
        let (exit, code) =
            if away { (Exit::Unavailable, "store.away") } else { (Exit::Conflict, "store.schema") };
        Failure::new(exit, code, fault)
    })?;
    let view = SchemaView { before, now, known: SCHEMA };
    printer.result(&view, |view| {
        let was = if view.before == view.now { String::new() } else { format!(", was at {}", view.before) };
        vec![format!("the schema is at step {}{was}; this program knows {}", view.now, view.known)]
    });
    Ok(())
}

fn faulty(error: &crate::config::CheckConfigError) -> Failure {
    Failure::new(Exit::Usage, "config.faulty", error)
}

pub(super) async fn nodes(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let page: NodePage = client.get("/v1/nodes", &()).await?;
    printer.result(&page, |page| {
        if page.nodes.is_empty() {
            return vec!["the ledger is this process's own: there are no other nodes".to_owned()];
        }
        page.nodes.iter().map(line).collect()
    });
    Ok(())
}

fn line(node: &NodeView) -> String {
    let state = match (node.fenced, node.left) {
        (false, _) => "alive",
        (true, true) => "ended",
        (true, false) => "gone",
    };
    let duties =
        if node.duties.is_empty() { String::new() } else { format!(", does {}", node.duties.join(", ")) };
    format!(
        "{} {state}, seen {} ms ago, version {}, configuration {}, clock {} ms ahead{duties}",
        node.name,
        node.seen_ago_ms,
        node.version,
        node.configuration.get(..12).unwrap_or(&node.configuration),
        node.skew_ms,
    )
}

pub(super) async fn show(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: StoreView = client.get("/v1/store", &()).await?;
    printer.result(&view, |view| {
        let epoch = view.epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
        let mut lines = vec![
            format!("engine:      {}", view.engine),
            format!("records:     {}", view.sequence),
            format!("root:        {}", view.root),
            format!("epoch:       {epoch}"),
        ];
        lines.extend(view.installation.iter().map(|id| format!("copy:        {id}")));
        if let (Some(since), Some(reason)) = (&view.recovery_since, &view.recovery_reason) {
            lines.push(format!("recovery:    since {since}: {reason}"));
        }
        lines
    });
    Ok(())
}
