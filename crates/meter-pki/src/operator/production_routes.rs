//! The routes of production orders.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, each};
use super::wire::production::{
    LineAnswers, LineRequests, ProducedPage, ProducedQueryText, ProductionEndText, ProductionPage,
    ProductionQueryText, ProductionText, ProductionView, ScrapText, ScrapView,
};
use super::wire::words::ProductionName;
use super::{LONG_LIST, OperatorState, production_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let (look, lead) = (each(Permission::Look), each(Permission::LeadProduction));
    routes
        .get("/v1/production", look, "List production orders.", productions)
        .post_long("/v1/production", (lead, LONG_LIST), "Open a production order.", open_production)
        .get("/v1/production/{id}", look, "Show a production order.", production)
        .post("/v1/production/{id}/end", lead, "Close or cancel a production order.", end_production)
        .post(
            "/v1/production/{id}/scraps",
            lead,
            "Scrap a device, and revoke its certificates.",
            scrap_device,
        )
        .get("/v1/production/{id}/devices", look, "List the devices of a production order.", produced)
        .post_long(
            "/v1/production/{id}/requests",
            (lead, LONG_LIST),
            "Issue certificates to a line.",
            issue_for_line,
        )
}

async fn productions(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<ProductionQueryText>,
) -> Result<Json<ProductionPage>, Reply> {
    state.run(move |system| production_acts::list(system, &peer, &query)).await
}

async fn open_production(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<ProductionText>,
) -> Result<Json<ProductionView>, Reply> {
    state.run(move |system| production_acts::open(system, &peer, text)).await
}

async fn production(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<ProductionName>,
) -> Result<Json<ProductionView>, Reply> {
    state.run(move |system| production_acts::show(system, &peer, &id)).await
}

async fn end_production(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<ProductionName>,
    Body(text): Body<ProductionEndText>,
) -> Result<Json<ProductionView>, Reply> {
    state.run(move |system| production_acts::end(system, &peer, &id, &text)).await
}

async fn scrap_device(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<ProductionName>,
    Body(text): Body<ScrapText>,
) -> Result<Json<ScrapView>, Reply> {
    state.run(move |system| production_acts::scrap(system, &peer, &id, &text)).await
}

async fn issue_for_line(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<ProductionName>,
    Body(text): Body<LineRequests>,
) -> Result<Json<LineAnswers>, Reply> {
    state.run(move |system| production_acts::issue(system, &peer, &id, &text)).await
}

async fn produced(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<ProductionName>,
    Query(query): Query<ProducedQueryText>,
) -> Result<Json<ProducedPage>, Reply> {
    state.run(move |system| production_acts::devices(system, &peer, (&id, &query))).await
}
