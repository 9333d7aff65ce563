//! The operator's interface: JSON over HTTP on a Unix socket, for the command line and whatever else runs on this machine.
//!
//! Who opens the socket is told by the kernel: only the user who runs the server, root, and whom the configuration names. Every change goes
//! through the verbs of ca-core and leaves its audit record there. The store is never opened by another process.

mod acts;
mod bearer;
mod audit_acts;
mod delivery_acts;
mod doctor_acts;
mod emergency_acts;
mod emergency_routes;
mod signed_deliveries;
mod fleet_acts;
mod campaign_routes;
mod campaign_acts;
mod crl_acts;
mod ocsp_acts;
pub(crate) mod order_acts;
mod people_acts;
mod people_routes;
mod self_routes;
mod visit_acts;
mod visit_bundle;
mod visit_receipts;
mod visit_routes;
mod production_routes;
mod production_acts;
mod reconcile_acts;
mod reconciliation_meters;
mod release_acts;
mod request_acts;
mod schedule_acts;
mod trust_acts;
mod vault;
mod work_acts;
pub mod client;
mod listener;
mod routes;
mod reply;
pub(crate) mod views;
pub mod wire;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json, Router};
use ca_core::people::Permission;
use server_kit::workers::WorkerPool;
use status_server::responder::Responder;

use crate::compose::System;
use crate::started::Started;
pub(crate) use bearer::with_tokens;
pub(crate) use listener::{Doorkeeper, OperatorListener, let_others_find};
pub(crate) use reconciliation_meters::ReconciliationMeters;
use reply::Reply;
pub(crate) use routes::Peer;
use routes::{GuardedRoutes, all, each};
pub use routes::{Needs, Route, Things};
use wire::crls::{RecordedCrlView, ReleasedView, RevokedQueryText, RevokedView};
use wire::deliveries::{
    DeliveryCloseText, DeliveryPage, DeliveryPartText, DeliveryPartView, DeliveryQueryText, DeliveryText,
    DeliveryView,
};
use wire::doctor::ProcessView;
use wire::fleet::{
    ChangeText, ChangeView, CountQueryText, CountView, DeviceDetailView, DevicePage, DeviceQueryText,
    HistoryPage, HistoryProofsView, HistoryQueryText, SecretText, SecretsRequest,
};
use wire::ocsp::{PreparationText, PreparedView};
use wire::orders::{
    OrderActText, OrderPage, OrderPartQuery, OrderPartView, OrderQueryText, OrderView, PlanText, PlanView,
};
use wire::reconciliation::{DifferenceView, ReconciliationText};
use wire::requests::{DecisionText, RequestPage, RequestQueryText, RequestView};
use wire::shut_out::{
    BlockText, CancelledView, SchedulePage, ScheduleQueryText, ScheduleText, ScheduledView, TrustedView,
    UnblockText,
};
use wire::{
    AuditPage, AuditQuery, AuthorityView, BackupText, BackupView, CertificatePage, CertificateQueryText,
    CertificateView, CertificationText, CheckpointView, ConsistencyQuery, ConsistencyView, CrlChoice,
    CrlText, CrlView, HoldReleaseText, HoldReleaseView, ImportRequest, ImportView, ImportedCrlView,
    IssuanceProofView, PublishedCrlsView, ReleasesText, ReleasesView, RevocationText, RevocationView,
    StoreView, TokenText, TokenView,
};

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
}

impl OperatorState {
    /// Runs a synchronous act on the worker pool.
    async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&System) -> Result<T, crate::exit::Failure> + Send + 'static,
    ) -> Result<Json<T>, Reply> {
        self.work(act).await.map(Json)
    }

    /// The same, for what is not answered.
    async fn work<T: Send + 'static>(
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
    guarded().serve("/health", HEALTH, Router::new()).serve("/metrics", HEALTH, Router::new()).table()
}

/// What whoever looks at health and metrics needs.
const HEALTH: Needs = all(Permission::Look);

/// Returns the routes, with those of health and metrics.
pub(crate) fn router(state: OperatorState, health: Router, metrics: Router) -> Router {
    guarded().serve("/health", HEALTH, health).serve("/metrics", HEALTH, metrics).router(state)
}

fn guarded() -> GuardedRoutes {
    use Permission::{
        Approve, BackUp, DecideRequests, ExportSecrets, Issue, LetInAgain, Look, Publish, ReadAudit,
        Register, Revoke, ShutOut,
    };
    GuardedRoutes::default()
        .get("/v1/authorities", each(Look), authorities)
        .get("/v1/certificates", each(Look), certificates)
        .post("/v1/certificates", each(Issue), certify)
        .get("/v1/certificates/{issuer}/{serial}", each(Look), certificate)
        .post("/v1/revocations", each(Revoke), revoke)
        .post("/v1/hold-releases", each(Revoke), release)
        .post_long("/v1/plans", (all(Revoke), LONG_LIST), plan)
        .get("/v1/orders", all(Look), orders)
        .get("/v1/orders/{id}", all(Look), order)
        .get("/v1/orders/{id}/certificates", all(Look), order_certificates)
        .post("/v1/orders/{id}/acts", all(Revoke), act_on_order)
        .post("/v1/orders/{id}/decisions", all(Approve), decide_order)
        .get("/v1/schedule", all(Look), scheduled)
        .post("/v1/schedule", each(Revoke), schedule)
        .post("/v1/schedule/cancellations", each(Revoke), cancel_schedule)
        .get("/v1/trust", all(Look), trusted)
        .post("/v1/trust/blocks", all(ShutOut), block)
        .post("/v1/trust/unblocks", all(LetInAgain), unblock)
        .get("/v1/requests", each(Look), requests)
        .get("/v1/requests/{id}", each(Look), request)
        .post("/v1/requests/{id}/decisions", each(DecideRequests), decide_request)
        .get("/v1/devices", each(Look), devices)
        .post("/v1/devices", each(Register), import_devices)
        .get("/v1/devices/{title}", each(Look), device)
        .get("/v1/devices/{title}/history", each(Look), device_history)
        .get("/v1/devices/{title}/proofs", each(Look), prove_history)
        .post("/v1/devices/{title}/secrets", each(ExportSecrets), export_secrets)
        .get("/v1/device-counts", each(Look), device_counts)
        .post("/v1/device-changes", each(Register), change_devices)
        .get("/v1/deliveries", all(Look), deliveries)
        .post("/v1/deliveries", each(Register), open_delivery)
        .post_long("/v1/deliveries/{digest}/parts", (each(Register), LONG_PART), take_part)
        .post("/v1/deliveries/{digest}/close", each(Register), close_delivery)
        .post_long("/v1/reconciliations", (each(Register), LONG_PART), reconcile)
        .post("/v1/tokens", each(Register), make_token)
        .get("/v1/crls", all(Look), crls)
        .post("/v1/crls/{authority}", each(Publish), publish_crls)
        .get("/v1/recorded-crls", all(Look), recorded_crls)
        .get("/v1/recorded-crls/{authority}/revoked", all(Look), revoked_by)
        .get("/v1/recorded-crls/{authority}/released/{serial}", all(Look), released_by)
        .post("/v1/ocsp-answers", all(Publish), prepare_answers)
        .post("/v1/root-crls", all(Publish), import_crl)
        .get("/v1/releases", all(Look), releases)
        .post("/v1/releases", all(Publish), keep_releases)
        .get("/v1/audit", all(ReadAudit), audit)
        .get("/v1/audit/checkpoint", all(ReadAudit), checkpoint)
        .get("/v1/audit/consistency", all(ReadAudit), consistency)
        .get("/v1/audit/proofs/{issuer}/{serial}", all(ReadAudit), prove_issuance)
        .post("/v1/backups", all(BackUp), create_backup)
        .get("/v1/store", all(Look), store)
        .get("/v1/process", all(Look), process)
        .with(people_routes::add)
        .with(self_routes::add)
        .with(emergency_routes::add)
        .with(visit_routes::add)
        .with(campaign_routes::add)
        .with(production_routes::add)
}

async fn authorities(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
) -> Result<Json<Vec<AuthorityView>>, Reply> {
    state.run(move |system| Ok(acts::authorities(system, &peer))).await
}

async fn certificates(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<CertificateQueryText>,
) -> Result<Json<CertificatePage>, Reply> {
    state.run(move |system| acts::certificates(system, &peer, &query)).await
}

async fn certify(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<CertificationText>,
) -> Result<Json<CertificateView>, Reply> {
    state.run(move |system| acts::certify(system, &peer, &text)).await
}

async fn certificate(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path((issuer, serial)): Path<(String, String)>,
) -> Result<Json<CertificateView>, Reply> {
    state.run(move |system| acts::certificate(system, &peer, (&issuer, &serial))).await
}

async fn revoke(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<RevocationText>,
) -> Result<Json<RevocationView>, Reply> {
    state.run(move |system| acts::revoke(system, &peer, &text)).await
}

async fn release(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<HoldReleaseText>,
) -> Result<Json<HoldReleaseView>, Reply> {
    state.run(move |system| acts::release(system, &peer, &text)).await
}

async fn scheduled(
    State(state): State<OperatorState>,
    Query(query): Query<ScheduleQueryText>,
) -> Result<Json<SchedulePage>, Reply> {
    state.run(move |system| schedule_acts::list(system, &query)).await
}

async fn schedule(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<ScheduleText>,
) -> Result<Json<ScheduledView>, Reply> {
    state.run(move |system| schedule_acts::schedule(system, &peer, &text)).await
}

async fn cancel_schedule(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<HoldReleaseText>,
) -> Result<Json<CancelledView>, Reply> {
    state.run(move |system| schedule_acts::cancel(system, &peer, &text)).await
}

async fn trusted(State(state): State<OperatorState>) -> Result<Json<Vec<TrustedView>>, Reply> {
    state.run(trust_acts::list).await
}

async fn block(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<BlockText>,
) -> Result<Json<Vec<TrustedView>>, Reply> {
    state.run(move |system| trust_acts::block(system, &peer, &text)).await
}

async fn unblock(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<UnblockText>,
) -> Result<Json<TrustedView>, Reply> {
    state.run(move |system| trust_acts::unblock(system, &peer, &text)).await
}

async fn plan(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<PlanText>,
) -> Result<Json<PlanView>, Reply> {
    state.run(move |system| order_acts::plan(system, &peer, &text)).await
}

async fn orders(
    State(state): State<OperatorState>,
    Query(query): Query<OrderQueryText>,
) -> Result<Json<OrderPage>, Reply> {
    state.run(move |system| order_acts::list(system, &query)).await
}

async fn order(State(state): State<OperatorState>, Path(id): Path<String>) -> Result<Json<OrderView>, Reply> {
    state.run(move |system| order_acts::show(system, &id)).await
}

async fn order_certificates(
    State(state): State<OperatorState>,
    Path(id): Path<String>,
    Query(query): Query<OrderPartQuery>,
) -> Result<Json<OrderPartView>, Reply> {
    state.run(move |system| order_acts::certificates(system, &id, query)).await
}

async fn act_on_order(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<OrderActText>,
) -> Result<Json<OrderView>, Reply> {
    state.run(move |system| order_acts::act(system, &peer, &id, text)).await
}

async fn decide_order(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<OrderActText>,
) -> Result<Json<OrderView>, Reply> {
    state.run(move |system| order_acts::decide(system, &peer, &id, text)).await
}

async fn requests(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<RequestQueryText>,
) -> Result<Json<RequestPage>, Reply> {
    state.run(move |system| request_acts::list(system, &peer, &query)).await
}

async fn request(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<Json<RequestView>, Reply> {
    state.run(move |system| request_acts::show(system, &peer, &id)).await
}

async fn decide_request(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<DecisionText>,
) -> Result<Json<RequestView>, Reply> {
    state.run(move |system| request_acts::decide(system, &peer, &id, text)).await
}

async fn devices(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<DeviceQueryText>,
) -> Result<Json<DevicePage>, Reply> {
    state.run(move |system| fleet_acts::devices(system, &peer, &query)).await
}

async fn device(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<String>,
) -> Result<Json<DeviceDetailView>, Reply> {
    state.run(move |system| fleet_acts::show(system, &peer, &title)).await
}

async fn device_history(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<String>,
    Query(query): Query<HistoryQueryText>,
) -> Result<Json<HistoryPage>, Reply> {
    state.run(move |system| fleet_acts::history(system, &peer, (&title, &query))).await
}

async fn prove_history(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<String>,
) -> Result<Json<HistoryProofsView>, Reply> {
    state.run(move |system| fleet_acts::proofs(system, &peer, &title)).await
}

async fn export_secrets(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<String>,
    Json(request): Json<SecretsRequest>,
) -> Result<Json<Vec<SecretText>>, Reply> {
    state.run(move |system| fleet_acts::export_secrets(system, &peer, &title, &request)).await
}

async fn device_counts(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<CountQueryText>,
) -> Result<Json<Vec<CountView>>, Reply> {
    state.run(move |system| fleet_acts::counts(system, &peer, &query)).await
}

async fn change_devices(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<ChangeText>,
) -> Result<Json<ChangeView>, Reply> {
    state.run(move |system| fleet_acts::change(system, &peer, &text)).await
}

async fn deliveries(
    State(state): State<OperatorState>,
    Query(query): Query<DeliveryQueryText>,
) -> Result<Json<DeliveryPage>, Reply> {
    state.run(move |system| delivery_acts::list(system, &query)).await
}

async fn open_delivery(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<DeliveryText>,
) -> Result<Json<DeliveryView>, Reply> {
    state.run(move |system| delivery_acts::open(system, &peer, &text)).await
}

async fn take_part(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(digest): Path<String>,
    Json(text): Json<DeliveryPartText>,
) -> Result<Json<DeliveryPartView>, Reply> {
    state.run(move |system| delivery_acts::take_part(system, &peer, (&digest, text))).await
}

async fn close_delivery(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(digest): Path<String>,
    Json(text): Json<DeliveryCloseText>,
) -> Result<Json<DeliveryView>, Reply> {
    state.run(move |system| delivery_acts::close(system, &peer, (&digest, &text))).await
}

async fn import_devices(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<ImportRequest>,
) -> Result<Json<ImportView>, Reply> {
    state.run(move |system| acts::import_devices(system, &peer, &request)).await
}

async fn reconcile(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<ReconciliationText>,
) -> Result<Json<Vec<DifferenceView>>, Reply> {
    let (meters, lines) = (Arc::clone(&state.reconciliations), text.exported.len());
    let found = state.run(move |system| reconcile_acts::reconcile(system, &peer, &text)).await?;
    meters.count(lines, &found);
    Ok(found)
}

async fn make_token(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<TokenText>,
) -> Result<Json<TokenView>, Reply> {
    state.run(move |system| acts::make_token(system, &peer, &text)).await
}

async fn crls(State(state): State<OperatorState>) -> Result<Json<Vec<CrlView>>, Reply> {
    state.run(acts::crls).await
}

async fn publish_crls(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(authority): Path<String>,
    Query(choice): Query<CrlChoice>,
) -> Result<Json<PublishedCrlsView>, Reply> {
    state.run(move |system| acts::publish_crls(system, &peer, (&authority, &choice))).await
}

async fn recorded_crls(State(state): State<OperatorState>) -> Result<Json<Vec<RecordedCrlView>>, Reply> {
    state.run(crl_acts::recorded).await
}

async fn revoked_by(
    State(state): State<OperatorState>,
    Path(authority): Path<String>,
    Query(query): Query<RevokedQueryText>,
) -> Result<Json<Vec<RevokedView>>, Reply> {
    state.run(move |system| crl_acts::revoked(system, &authority, &query)).await
}

async fn released_by(
    State(state): State<OperatorState>,
    Path((authority, serial)): Path<(String, String)>,
) -> Result<Json<ReleasedView>, Reply> {
    state.run(move |system| crl_acts::released(system, &authority, &serial)).await
}

async fn releases(State(state): State<OperatorState>) -> Result<Json<ReleasesView>, Reply> {
    state.run(|system| Ok(release_acts::releases(system))).await
}

async fn keep_releases(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<ReleasesText>,
) -> Result<Json<ReleasesView>, Reply> {
    state.run(move |system| release_acts::keep(system, &peer, &text)).await
}

async fn prepare_answers(
    State(state): State<OperatorState>,
    Json(text): Json<PreparationText>,
) -> Result<Json<Vec<PreparedView>>, Reply> {
    let responder = Arc::clone(&state.responder);
    state.run(move |system| ocsp_acts::prepare(system, &responder, &text)).await
}

async fn import_crl(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<CrlText>,
) -> Result<Json<ImportedCrlView>, Reply> {
    state.run(move |system| acts::import_crl(system, &peer, &text)).await
}

async fn audit(
    State(state): State<OperatorState>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, Reply> {
    state.run(move |system| audit_acts::records(system, query)).await
}

async fn checkpoint(State(state): State<OperatorState>) -> Result<Json<CheckpointView>, Reply> {
    state.run(audit_acts::checkpoint).await
}

async fn consistency(
    State(state): State<OperatorState>,
    Query(query): Query<ConsistencyQuery>,
) -> Result<Json<ConsistencyView>, Reply> {
    state.run(move |system| audit_acts::consistency(system, query)).await
}

async fn prove_issuance(
    State(state): State<OperatorState>,
    Path((issuer, serial)): Path<(String, String)>,
) -> Result<Json<IssuanceProofView>, Reply> {
    state.run(move |system| audit_acts::prove_issuance(system, &issuer, &serial)).await
}

async fn create_backup(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<BackupText>,
) -> Result<Json<BackupView>, Reply> {
    state.run(move |system| vault::create_backup(system, &peer, &text)).await
}

async fn store(State(state): State<OperatorState>) -> Result<Json<StoreView>, Reply> {
    state.run(vault::store).await
}

async fn process(State(state): State<OperatorState>) -> Result<Json<ProcessView>, Reply> {
    let started = Arc::clone(&state.started);
    state.run(move |system| doctor_acts::process(system, &started)).await
}
