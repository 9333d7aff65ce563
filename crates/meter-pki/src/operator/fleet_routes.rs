//! The routes of devices: their list, what became of them, their deliveries, and what meters show.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission::{ExportSecrets, Look, Register};

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all, each};
use super::wire::deliveries::{
    DeliveryCloseText, DeliveryPage, DeliveryPartText, DeliveryPartView, DeliveryQueryText, DeliveryText,
    DeliveryView,
};
use super::wire::fleet::{
    ChangeText, ChangeView, CountQueryText, CountView, DeviceDetailView, DevicePage, DeviceQueryText,
    HistoryPage, HistoryProofsView, HistoryQueryText, SecretText, SecretsRequest,
};
use super::wire::reconciliation::{DifferenceView, ReconciliationText};
use super::wire::words::{Sha256, SystemTitle};
use super::wire::{ImportRequest, ImportView, TokenText, TokenView};
use super::{LONG_PART, OperatorState, acts, delivery_acts, fleet_acts, reconcile_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get("/v1/devices", each(Look), "List devices of an owner.", devices)
        .post("/v1/devices", each(Register), "Put devices on their owner's list.", import_devices)
        .get("/v1/devices/{title}", each(Look), "Show everything that is known of a device.", device)
        .get("/v1/devices/{title}/history", each(Look), "List what became of a device.", device_history)
        .get(
            "/v1/devices/{title}/proofs",
            each(Look),
            "Prove that a device's history is in the audit log.",
            prove_history,
        )
        .post(
            "/v1/devices/{title}/secrets",
            each(ExportSecrets),
            "Give out the wrapped secrets of a device.",
            export_secrets,
        )
        .get("/v1/device-counts", each(Look), "Count devices by a field and by their states.", device_counts)
        .post(
            "/v1/device-changes",
            each(Register),
            "Ship, suspend, resume, retire or transfer devices, or say what would become of them.",
            change_devices,
        )
        .get("/v1/deliveries", all(Look), "List deliveries.", deliveries)
        .post("/v1/deliveries", each(Register), "Open a delivery, or go on with it.", open_delivery)
        .post_long(
            "/v1/deliveries/{digest}/parts",
            (each(Register), LONG_PART),
            "Take in a part of a delivery.",
            take_part,
        )
        .post(
            "/v1/deliveries/{digest}/close",
            each(Register),
            "Close a delivery that is whole.",
            close_delivery,
        )
        .post_long(
            "/v1/reconciliations",
            (each(Register), LONG_PART),
            "Compare what meters showed with the records.",
            reconcile,
        )
        .post("/v1/tokens", each(Register), "Make a token for the first certificate of a device.", make_token)
}

async fn devices(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<DeviceQueryText>,
) -> Result<Json<DevicePage>, Reply> {
    state.run(move |system| fleet_acts::devices(system, &peer, &query)).await
}

async fn import_devices(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(request): Body<ImportRequest>,
) -> Result<Json<ImportView>, Reply> {
    state.run(move |system| acts::import_devices(system, &peer, &request)).await
}

async fn device(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<SystemTitle>,
) -> Result<Json<DeviceDetailView>, Reply> {
    state.run(move |system| fleet_acts::show(system, &peer, &title)).await
}

async fn device_history(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<SystemTitle>,
    Query(query): Query<HistoryQueryText>,
) -> Result<Json<HistoryPage>, Reply> {
    state.run(move |system| fleet_acts::history(system, &peer, (&title, &query))).await
}

async fn prove_history(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<SystemTitle>,
) -> Result<Json<HistoryProofsView>, Reply> {
    state.run(move |system| fleet_acts::proofs(system, &peer, &title)).await
}

async fn export_secrets(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(title): Path<SystemTitle>,
    Body(request): Body<SecretsRequest>,
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
    Body(text): Body<ChangeText>,
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
    Body(text): Body<DeliveryText>,
) -> Result<Json<DeliveryView>, Reply> {
    state.run(move |system| delivery_acts::open(system, &peer, &text)).await
}

async fn take_part(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(digest): Path<Sha256>,
    Body(text): Body<DeliveryPartText>,
) -> Result<Json<DeliveryPartView>, Reply> {
    state.run(move |system| delivery_acts::take_part(system, &peer, (&digest, text))).await
}

async fn close_delivery(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(digest): Path<Sha256>,
    Body(text): Body<DeliveryCloseText>,
) -> Result<Json<DeliveryView>, Reply> {
    state.run(move |system| delivery_acts::close(system, &peer, (&digest, &text))).await
}

async fn reconcile(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<ReconciliationText>,
) -> Result<Json<Vec<DifferenceView>>, Reply> {
    let (meters, lines) = (Arc::clone(&state.reconciliations), text.exported.len());
    let found = state.run(move |system| reconcile_acts::reconcile(system, &peer, &text)).await?;
    meters.count(lines, &found);
    Ok(found)
}

async fn make_token(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<TokenText>,
) -> Result<Json<TokenView>, Reply> {
    state.run(move |system| acts::make_token(system, &peer, &text)).await
}
