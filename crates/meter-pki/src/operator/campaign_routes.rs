//! The routes of campaigns, of the calls for head-ends and of their answers.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};

use super::listener::Peer;
use super::reply::Reply;
use super::wire::campaigns::{
    AgainView, AnsweredPage, AnswersText, CampaignActText, CampaignPage, CampaignPlanText, CampaignPlanView,
    CampaignQueryText, CampaignView, MemberPage, MemberQueryText, MemberView, WorkPage, WorkText,
};
use super::{LONG_LIST, OperatorState, campaign_acts, work_acts};

/// Returns the routes.
pub(super) fn routes() -> Router<OperatorState> {
    Router::new()
        .route("/v1/campaign-plans", post(plan_campaign).layer(DefaultBodyLimit::max(LONG_LIST)))
        .route("/v1/campaigns", get(campaigns))
        .route("/v1/campaigns/{id}", get(campaign))
        .route("/v1/campaigns/{id}/acts", post(act_on_campaign))
        .route("/v1/campaigns/{id}/again", post(again))
        .route("/v1/campaigns/{id}/devices", get(campaign_devices))
        .route("/v1/campaigns/{id}/devices/{title}", get(campaign_device))
        .route("/v1/campaigns/{id}/work-orders", post(give_work))
        .route("/v1/campaigns/{id}/answers", post(take_answers).layer(DefaultBodyLimit::max(LONG_LIST)))
}

async fn plan_campaign(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<CampaignPlanText>,
) -> Result<Json<CampaignPlanView>, Reply> {
    state.run(move |system| campaign_acts::plan(system, &peer, &text)).await
}

async fn campaigns(
    State(state): State<OperatorState>,
    Query(query): Query<CampaignQueryText>,
) -> Result<Json<CampaignPage>, Reply> {
    state.run(move |system| campaign_acts::list(system, &query)).await
}

async fn campaign(
    State(state): State<OperatorState>,
    Path(id): Path<String>,
) -> Result<Json<CampaignView>, Reply> {
    state.run(move |system| campaign_acts::show(system, &id)).await
}

async fn act_on_campaign(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<CampaignActText>,
) -> Result<Json<CampaignView>, Reply> {
    state.run(move |system| campaign_acts::act(system, &peer, &id, text)).await
}

async fn again(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<Json<AgainView>, Reply> {
    state.run(move |system| campaign_acts::again(system, &peer, &id)).await
}

async fn campaign_devices(
    State(state): State<OperatorState>,
    Path(id): Path<String>,
    Query(query): Query<MemberQueryText>,
) -> Result<Json<MemberPage>, Reply> {
    state.run(move |system| campaign_acts::devices(system, &id, &query)).await
}

async fn campaign_device(
    State(state): State<OperatorState>,
    Path((id, title)): Path<(String, String)>,
) -> Result<Json<MemberView>, Reply> {
    state.run(move |system| campaign_acts::device(system, &id, &title)).await
}

async fn give_work(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<WorkText>,
) -> Result<Json<WorkPage>, Reply> {
    state.run(move |system| work_acts::give(system, &peer, &id, &text)).await
}

async fn take_answers(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<AnswersText>,
) -> Result<Json<AnsweredPage>, Reply> {
    state.run(move |system| work_acts::take(system, &peer, &id, &text)).await
}
