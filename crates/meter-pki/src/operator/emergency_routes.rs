//! The routes of emergencies: asked for, agreed to, ended and reviewed.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all};
use super::wire::emergencies::{AskText, EmergenciesView, EmergencyView, ReviewText};
use super::wire::words::PersonId;
use super::{OperatorState, emergency_acts};

/// Adds the routes. An emergency's role is for the installation, and so must be the role of whoever has to do with it.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let break_glass = all(Permission::BreakGlass);
    routes
        .get("/v1/emergencies", all(Permission::Look), "List emergencies.", emergencies)
        .get(
            "/v1/emergencies/{person}",
            all(Permission::Look),
            "Show somebody's emergencies, the newest in front.",
            emergencies_of,
        )
        .post("/v1/emergencies", break_glass, "Ask for a role in an emergency.", ask)
        .post("/v1/emergencies/{person}/agreement", break_glass, "Agree to somebody's emergency.", agree)
        .post("/v1/emergencies/{person}/end", break_glass, "End somebody's emergency.", end)
        .post(
            "/v1/emergencies/{person}/review",
            all(Permission::ReviewEmergencies),
            "Put on record that an emergency was looked at after its end.",
            review,
        )
}

async fn emergencies(State(state): State<OperatorState>) -> Result<Json<Vec<EmergencyView>>, Reply> {
    state.run(emergency_acts::list).await
}

async fn emergencies_of(
    State(state): State<OperatorState>,
    Path(person): Path<PersonId>,
) -> Result<Json<EmergenciesView>, Reply> {
    state.run(move |system| emergency_acts::of(system, &person)).await
}

async fn ask(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<AskText>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::ask(system, &peer, text)).await
}

async fn agree(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(person): Path<PersonId>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::agree(system, &peer, &person)).await
}

async fn end(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(person): Path<PersonId>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::end(system, &peer, &person)).await
}

async fn review(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(person): Path<PersonId>,
    Body(text): Body<ReviewText>,
) -> Result<Json<EmergencyView>, Reply> {
    state.run(move |system| emergency_acts::review(system, &peer, (&person, text))).await
}
