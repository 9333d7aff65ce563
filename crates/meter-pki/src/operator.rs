//! The operator's interface: JSON over HTTP on a Unix socket, for the command line and whatever else runs on this machine.
//!
//! Who opens the socket is told by the kernel: only the user who runs the server, root, and whom the configuration names. Every change goes
//! through the verbs of ca-core and leaves its audit record there. The store is never opened by another process.

mod acts;
mod certificate_routes;
mod ceremony_acts;
mod ceremony_desk;
mod ceremony_routes;
mod certificate_history;
mod certificate_list;
mod revocation_routes;
mod fleet_routes;
mod publication_routes;
mod statistics_routes;
mod vault_routes;
mod openapi;
mod bearer;
mod audit_search;
mod audit_acts;
mod delivery_acts;
mod doctor_acts;
mod doctor_desk;
mod emergency_acts;
mod emergency_routes;
mod signed_deliveries;
mod fleet_acts;
mod migration_routes;
pub(crate) mod migration_acts;
mod campaign_routes;
mod campaign_acts;
mod crl_acts;
mod ocsp_acts;
pub(crate) mod order_acts;
mod people_acts;
mod people_routes;
mod self_routes;
mod standing_routes;
mod standing_acts;
mod visit_acts;
mod visit_bundle;
mod visit_receipts;
mod visit_routes;
mod production_routes;
mod production_acts;
mod profile_routes;
mod profile_acts;
mod profile_version_acts;
mod reconcile_acts;
mod reconciliation_meters;
mod release_acts;
mod request_acts;
mod schedule_acts;
mod plots;
mod statistics_acts;
mod spans;
mod trust_acts;
mod vault;
mod work_acts;
mod body;
pub mod client;
mod listener;
mod routes;
mod refusals;
mod reply;
mod browsers;
mod conditional;
mod repeatable;
pub(crate) mod views;
pub mod wire;

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::{Json, Router};
use ca_core::people::Permission;
use server_kit::workers::WorkerPool;
use status_server::responder::Responder;

use crate::compose::System;
use crate::started::Started;
pub(crate) use bearer::with_tokens;
pub(crate) use browsers::is_foreign;
use doctor_desk::DoctorDesk;
pub(crate) use doctor_desk::Look;
pub(crate) use listener::{Connected, Doorkeeper, OperatorListener, let_others_find};
pub use openapi::Document;
pub(crate) use openapi::written as written_schema;
pub(crate) use reconciliation_meters::ReconciliationMeters;
pub(crate) use refusals::{in_console, not_signed_in};
use repeatable::UnderWay;
pub(crate) use reply::Reply;
use routes::{GuardedRoutes, all, each};
pub use routes::{Needs, Route, Things};

/// How long a list of serial numbers and system titles may be, in octets: some 200,000 of them.
const LONG_LIST: usize = 8 * 1024 * 1024;

/// How long a part of a delivery may be, in octets: a thousand devices, each with four certificates and six secrets.
const LONG_PART: usize = 16 * 1024 * 1024;

/// The longest body of all routes, in octets: that of a part of a delivery.
pub(crate) const LONGEST_BODY: u64 = 16 * 1024 * 1024;

/// What the routes work on.
#[derive(Clone)]
pub(crate) struct OperatorState {
    pub system: Arc<System>,
    pub pool: WorkerPool,
    pub responder: Arc<Responder>,
    pub reconciliations: Arc<ReconciliationMeters>,
    pub started: Arc<Started>,
    /// Where the doctor's reports are made.
    doctor: Arc<DoctorDesk>,
    /// Calls with keys that are being made.
    under_way: UnderWay,
    /// Changes with conditions come one after the other.
    changes: Arc<tokio::sync::Mutex<()>>,
}

impl OperatorState {
    /// Puts together what there is, with no call under way.
    pub(crate) fn new(
        (system, pool): (Arc<System>, WorkerPool),
        (responder, reconciliations): (Arc<Responder>, Arc<ReconciliationMeters>),
        (started, look): (Arc<Started>, Look),
    ) -> Self {
        let (under_way, changes) = (UnderWay::default(), Arc::default());
        let doctor = Arc::new(DoctorDesk::new(look));
        Self { system, pool, responder, reconciliations, started, doctor, under_way, changes }
    }

    /// Runs a synchronous act on the worker pool.
    async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&System) -> Result<T, crate::exit::Failure> + Send + 'static,
    ) -> Result<Json<T>, Reply> {
        self.work(act).await.map(Json)
    }

    /// The same, for what is not answered.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        act: impl FnOnce(&System) -> Result<T, crate::exit::Failure> + Send + 'static,
    ) -> Result<T, Reply> {
        let system = Arc::clone(&self.system);
        match self.pool.run(move || act(&system)).await {
            Ok(outcome) => outcome.map_err(Reply::from),
            Err(busy) => Err(Reply::from(busy)),
        }
    }
}

/// Returns the table of routes, as they are served; what other crates serve stands in it too.
#[must_use]
pub fn route_table() -> Vec<Route> {
    beside(Router::new(), Router::new()).table()
}

/// What whoever looks at health and metrics needs.
const HEALTH: Needs = all(Permission::Look);

/// Returns the routes, with those of health and metrics.
pub(crate) fn router(state: OperatorState, health: Router, metrics: Router) -> Router {
    beside(health, metrics).router(state)
}

/// All routes with what other crates serve beside them; the document does not tell of it.
fn beside(health: Router, metrics: Router) -> GuardedRoutes {
    guarded().serve("/health", HEALTH, health).serve("/metrics", HEALTH, metrics)
}

fn guarded() -> GuardedRoutes {
    GuardedRoutes::default()
        .get("/v1/openapi.json", each(Permission::Look), "Get this document.", openapi)
        .with(certificate_routes::add)
        .with(revocation_routes::add)
        .with(fleet_routes::add)
        .with(publication_routes::add)
        .with(ceremony_routes::add)
        .with(statistics_routes::add)
        .with(vault_routes::add)
        .with(people_routes::add)
        .with(self_routes::add)
        .with(emergency_routes::add)
        .with(visit_routes::add)
        .with(campaign_routes::add)
        .with(production_routes::add)
        .with(profile_routes::add)
        .with(standing_routes::add)
        .with(migration_routes::add)
}

/// The document, made once.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document(openapi::document(&guarded().operations())));

/// Returns the document of the routes (OpenAPI 3.1).
#[must_use]
pub fn api_document() -> &'static Document {
    &DOCUMENT
}

async fn openapi(State(_): State<OperatorState>) -> Result<Json<Document>, Reply> {
    Ok(Json(DOCUMENT.clone()))
}
