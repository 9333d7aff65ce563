//! The routes of campaigns, of the calls for head-ends and of their answers.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all};
use super::wire::campaigns::{
    AgainView, AnsweredPage, AnswersText, CampaignActText, CampaignPage, CampaignPlanText, CampaignPlanView,
    CampaignQueryText, CampaignView, MemberPage, MemberQueryText, MemberView, WorkPage, WorkText,
};
use super::wire::words::{CampaignName, SystemTitle};
use super::{LONG_LIST, OperatorState, campaign_acts, work_acts};

/// Adds the routes. A campaign is the installation's.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let (look, lead) = (all(Permission::Look), all(Permission::LeadCampaigns));
    routes
        .post_long(
            "/v1/campaign-plans",
            (lead, LONG_LIST),
            "Plan a campaign: what it would come to, and the campaign that is on record then.",
            plan_campaign,
        )
        .get("/v1/campaigns", look, "List campaigns.", campaigns)
        .get("/v1/campaigns/{id}", look, "Show a campaign.", campaign)
        .post(
            "/v1/campaigns/{id}/acts",
            lead,
            "Ask for a campaign, pause it, resume it or give it up.",
            act_on_campaign,
        )
        .post(
            "/v1/campaigns/{id}/decisions",
            all(Permission::Approve),
            "Approve or refuse a campaign of somebody else.",
            decide_campaign,
        )
        .post("/v1/campaigns/{id}/again", lead, "Take up the stuck devices of a campaign again.", again)
        .get("/v1/campaigns/{id}/devices", look, "List the devices of a campaign.", campaign_devices)
        .get("/v1/campaigns/{id}/devices/{title}", look, "Show a device of a campaign.", campaign_device)
        .post(
            "/v1/campaigns/{id}/work-orders",
            lead,
            "Give a head-end the calls that it is to make.",
            give_work,
        )
        .post_long(
            "/v1/campaigns/{id}/answers",
            (lead, LONG_LIST),
            "Take in what a head-end was answered.",
            take_answers,
        )
}

async fn plan_campaign(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<CampaignPlanText>,
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
    Path(id): Path<CampaignName>,
) -> Result<Json<CampaignView>, Reply> {
    state.run(move |system| campaign_acts::show(system, &id)).await
}

async fn act_on_campaign(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<CampaignName>,
    Body(text): Body<CampaignActText>,
) -> Result<Json<CampaignView>, Reply> {
    state.run(move |system| campaign_acts::act(system, &peer, &id, text)).await
}

async fn decide_campaign(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<CampaignName>,
    Body(text): Body<CampaignActText>,
) -> Result<Json<CampaignView>, Reply> {
    state.run(move |system| campaign_acts::decide(system, &peer, &id, text)).await
}

async fn again(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<CampaignName>,
) -> Result<Json<AgainView>, Reply> {
    state.run(move |system| campaign_acts::again(system, &peer, &id)).await
}

async fn campaign_devices(
    State(state): State<OperatorState>,
    Path(id): Path<CampaignName>,
    Query(query): Query<MemberQueryText>,
) -> Result<Json<MemberPage>, Reply> {
    state.run(move |system| campaign_acts::devices(system, &id, &query)).await
}

async fn campaign_device(
    State(state): State<OperatorState>,
    Path((id, title)): Path<(CampaignName, SystemTitle)>,
) -> Result<Json<MemberView>, Reply> {
    state.run(move |system| campaign_acts::device(system, &id, &title)).await
}

async fn give_work(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<CampaignName>,
    Body(text): Body<WorkText>,
) -> Result<Json<WorkPage>, Reply> {
    state.run(move |system| work_acts::give(system, &peer, &id, &text)).await
}

async fn take_answers(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<CampaignName>,
    Body(text): Body<AnswersText>,
) -> Result<Json<AnsweredPage>, Reply> {
    state.run(move |system| work_acts::take(system, &peer, &id, &text)).await
}
