//! The routes by which the record of another program is taken over.

use axum::extract::State;
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, each};
use super::wire::migration::{LastCrlText, LastCrlView, TakeOverText, TakeOverView};
use super::{LONG_PART, OperatorState, migration_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let take_over = each(Permission::TakeOver);
    routes
        .post_long(
            "/v1/migrations/certificates",
            (take_over, LONG_PART),
            "Take over certificates that another program issued under an authority's key.",
            certificates,
        )
        .post_long(
            "/v1/migrations/crl",
            (take_over, LONG_PART),
            "Go on where the CRLs of another program ended.",
            last_crl,
        )
}

async fn certificates(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<TakeOverText>,
) -> Result<Json<TakeOverView>, Reply> {
    state.run(move |system| migration_acts::take_over(system, &peer, &text)).await
}

async fn last_crl(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<LastCrlText>,
) -> Result<Json<LastCrlView>, Reply> {
    state.run(move |system| migration_acts::last_crl(system, &peer, &text)).await
}
