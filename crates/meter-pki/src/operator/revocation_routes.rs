//! The routes of changes to many certificates, to come and now, and of authorities that are shut out.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission::{Approve, LetInAgain, Look, Revoke, ShutOut};

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all, each};
use super::wire::HoldReleaseText;
use super::wire::orders::{
    OrderActText, OrderPage, OrderPartQuery, OrderPartView, OrderQueryText, OrderView, PlanText, PlanView,
};
use super::wire::shut_out::{
    BlockText, CancelledView, SchedulePage, ScheduleQueryText, ScheduleText, ScheduledView, TrustedView,
    UnblockText,
};
use super::wire::words::DigestStart;
use super::{LONG_LIST, OperatorState, order_acts, schedule_acts, trust_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .post_long("/v1/plans", (all(Revoke), LONG_LIST), "Plan to revoke or release many certificates: what it would come to, and the order that is on record then.", plan)
        .get("/v1/orders", all(Look), "List orders to revoke or release many certificates.", orders)
        .get("/v1/orders/{id}", all(Look), "Show an order.", order)
        .get("/v1/orders/{id}/certificates", all(Look), "List a part of the certificates of an order.", order_certificates)
        .post("/v1/orders/{id}/acts", all(Revoke), "Ask for an order to be carried out.", act_on_order)
        .post("/v1/orders/{id}/decisions", all(Approve), "Approve or refuse an order of somebody else.", decide_order)
        .get("/v1/schedule", all(Look), "List revocations that are due later.", scheduled)
        .post("/v1/schedule", each(Revoke), "Schedule a revocation.", schedule)
        .post("/v1/schedule/cancellations", each(Revoke), "Take back a scheduled revocation.", cancel_schedule)
        .get("/v1/trust", all(Look), "List the authorities by whose certificates somebody is let in.", trusted)
        .post("/v1/trust/blocks", all(ShutOut), "Shut out an authority, or all of a manufacturer.", block)
        .post("/v1/trust/unblocks", all(LetInAgain), "Ask for an authority to be let in again, or agree to it.", unblock)
}

async fn plan(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<PlanText>,
) -> Result<Json<PlanView>, Reply> {
    state.run(move |system| order_acts::plan(system, &peer, &text)).await
}

async fn orders(
    State(state): State<OperatorState>,
    Query(query): Query<OrderQueryText>,
) -> Result<Json<OrderPage>, Reply> {
    state.run(move |system| order_acts::list(system, &query)).await
}

async fn order(
    State(state): State<OperatorState>,
    Path(id): Path<DigestStart>,
) -> Result<Json<OrderView>, Reply> {
    state.run(move |system| order_acts::show(system, &id)).await
}

async fn order_certificates(
    State(state): State<OperatorState>,
    Path(id): Path<DigestStart>,
    Query(query): Query<OrderPartQuery>,
) -> Result<Json<OrderPartView>, Reply> {
    state.run(move |system| order_acts::certificates(system, &id, query)).await
}

async fn act_on_order(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<DigestStart>,
    Body(text): Body<OrderActText>,
) -> Result<Json<OrderView>, Reply> {
    state.run(move |system| order_acts::act(system, &peer, &id, text)).await
}

async fn decide_order(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<DigestStart>,
    Body(text): Body<OrderActText>,
) -> Result<Json<OrderView>, Reply> {
    state.run(move |system| order_acts::decide(system, &peer, &id, text)).await
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
    Body(text): Body<ScheduleText>,
) -> Result<Json<ScheduledView>, Reply> {
    state.run(move |system| schedule_acts::schedule(system, &peer, &text)).await
}

async fn cancel_schedule(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<HoldReleaseText>,
) -> Result<Json<CancelledView>, Reply> {
    state.run(move |system| schedule_acts::cancel(system, &peer, &text)).await
}

async fn trusted(State(state): State<OperatorState>) -> Result<Json<Vec<TrustedView>>, Reply> {
    state.run(trust_acts::list).await
}

async fn block(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<BlockText>,
) -> Result<Json<Vec<TrustedView>>, Reply> {
    state.run(move |system| trust_acts::block(system, &peer, &text)).await
}

async fn unblock(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<UnblockText>,
) -> Result<Json<TrustedView>, Reply> {
    state.run(move |system| trust_acts::unblock(system, &peer, &text)).await
}
