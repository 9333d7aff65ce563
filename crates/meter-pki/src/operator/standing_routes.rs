//! The routes of how the whole stands: the doctor's report, the keys, and the overview of a first page. All of them read.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use ca_core::people::Permission::Look;

use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all, each};
use super::wire::standing::{DoctorView, KeysView, OverviewView};
use super::{OperatorState, standing_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get(
            "/v1/doctor",
            all(Look),
            "Have the doctor look at the whole PKI, from the server's machine; a report is given again for a minute.",
            doctor,
        )
        .get("/v1/keys", each(Look), "List the keys that the server uses, and how their tokens stand.", keys)
        .get("/v1/overview", all(Look), "Show how the whole stands, in short, without waiting.", overview)
}

async fn doctor(State(state): State<OperatorState>) -> Result<Json<DoctorView>, Reply> {
    let report = state.doctor.report().await.map_err(Reply::from)?;
    Ok(Json(DoctorView::clone(&report)))
}

async fn keys(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
) -> Result<Json<KeysView>, Reply> {
    state.run(move |system| Ok(standing_acts::keys(system, &peer))).await
}

async fn overview(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
) -> Result<Json<OverviewView>, Reply> {
    let report = Arc::clone(&state.doctor).standing();
    let responder = Arc::clone(&state.responder);
    state.run(move |system| standing_acts::overview(system, (&peer, &responder), report.as_deref())).await
}
