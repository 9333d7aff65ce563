//! The routes of production orders.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};

use super::listener::Peer;
use super::reply::Reply;
use super::wire::production::{
    LineAnswers, LineRequests, ProducedPage, ProducedQueryText, ProductionEndText, ProductionPage,
    ProductionQueryText, ProductionText, ProductionView, ScrapText, ScrapView,
};
use super::{LONG_LIST, OperatorState, production_acts};

/// Returns the routes.
pub(super) fn routes() -> Router<OperatorState> {
    Router::new()
        .route(
            "/v1/production",
            get(productions).post(open_production).layer(DefaultBodyLimit::max(LONG_LIST)),
        )
        .route("/v1/production/{id}", get(production))
        .route("/v1/production/{id}/end", post(end_production))
        .route("/v1/production/{id}/scraps", post(scrap_device))
        .route("/v1/production/{id}/devices", get(produced))
        .route("/v1/production/{id}/requests", post(issue_for_line).layer(DefaultBodyLimit::max(LONG_LIST)))
}

async fn productions(
    State(state): State<OperatorState>,
    Query(query): Query<ProductionQueryText>,
) -> Result<Json<ProductionPage>, Reply> {
    state.run(move |system| production_acts::list(system, &query)).await
}

async fn open_production(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<ProductionText>,
) -> Result<Json<ProductionView>, Reply> {
    state.run(move |system| production_acts::open(system, &peer, text)).await
}

async fn production(
    State(state): State<OperatorState>,
    Path(id): Path<String>,
) -> Result<Json<ProductionView>, Reply> {
    state.run(move |system| production_acts::show(system, &id)).await
}

async fn end_production(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<ProductionEndText>,
) -> Result<Json<ProductionView>, Reply> {
    state.run(move |system| production_acts::end(system, &peer, &id, &text)).await
}

async fn scrap_device(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<ScrapText>,
) -> Result<Json<ScrapView>, Reply> {
    state.run(move |system| production_acts::scrap(system, &peer, &id, &text)).await
}

async fn issue_for_line(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<LineRequests>,
) -> Result<Json<LineAnswers>, Reply> {
    state.run(move |system| production_acts::issue(system, &peer, &id, &text)).await
}

async fn produced(
    State(state): State<OperatorState>,
    Path(id): Path<String>,
    Query(query): Query<ProducedQueryText>,
) -> Result<Json<ProducedPage>, Reply> {
    state.run(move |system| production_acts::devices(system, &id, &query)).await
}
