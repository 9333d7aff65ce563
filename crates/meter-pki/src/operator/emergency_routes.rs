//! The routes of emergencies: asked for, agreed to, ended and reviewed.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all};
use super::wire::emergencies::{AskText, EmergencyView, ReviewText};
use super::{OperatorState, emergency_acts};

/// Adds the routes. An emergency's role is for the installation, and so must be the role of whoever has to do with it.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let break_glass = all(Permission::BreakGlass);
    routes
        .get("/v1/emergencies", all(Permission::Look), emergencies)
        .post("/v1/emergencies", break_glass, ask)
        .post("/v1/emergencies/{person}/agreement", break_glass, agree)
        .post("/v1/emergencies/{person}/end", break_glass, end)
        .post("/v1/emergencies/{person}/review", all(Permission::ReviewEmergencies), review)
}

async fn emergencies(State(state): State<OperatorState>) -> Result<Json<Vec<EmergencyView>>, Reply> {
    state.run(emergency_acts::list).await
}

async fn ask(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<AskText>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::ask(system, &peer, text)).await
}

async fn agree(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(person): Path<String>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::agree(system, &peer, &person)).await
}

async fn end(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(person): Path<String>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::end(system, &peer, &person)).await
}

async fn review(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(person): Path<String>,
    Json(text): Json<ReviewText>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::review(system, &peer, (&person, text))).await
}
