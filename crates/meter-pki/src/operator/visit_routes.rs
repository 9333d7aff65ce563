//! The routes of visits: those who lead them, those who approve them, and the technician whose they are.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, each};
use super::wire::CertificateView;
use super::wire::visits::{
    BundleView, OwnVisitQueryText, ReceiptsText, ReceiptsView, VisitCertificateText, VisitDecisionText,
    VisitEndText, VisitPage, VisitPlanText, VisitQueryText, VisitText, VisitView,
};
use super::wire::words::VisitName;
use super::{OperatorState, visit_acts, visit_bundle, visit_receipts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let (look, lead) = (each(Permission::Look), each(Permission::LeadVisits));
    let (approve, visit) = (each(Permission::Approve), each(Permission::Visit));
    routes
        .get("/v1/visits", look, "List visits of technicians.", visits)
        .post("/v1/visits", lead, "Open a visit.", open_visit)
        .get("/v1/visits/{id}", look, "Show a visit.", show_visit)
        .post(
            "/v1/visits/{id}/changes",
            lead,
            "Change what a visit is to be; what was approved is void then.",
            amend_visit,
        )
        .post("/v1/visits/{id}/decisions", approve, "Approve or refuse a visit.", decide_visit)
        .post("/v1/visits/{id}/end", lead, "End a visit, and revoke what was issued on it.", end_visit)
        .post(
            "/v1/visits/{id}/certificates",
            visit,
            "Have a certificate issued for the hand-held unit of a visit of one's own.",
            certify_on_visit,
        )
        .post(
            "/v1/visits/{id}/bundles",
            visit,
            "Make what a technician takes along where there is no coverage.",
            bundle,
        )
        .post(
            "/v1/visits/{id}/receipts",
            visit,
            "Check the log that a hand-held unit brought back.",
            take_receipts,
        )
        .get("/v1/own-visits", visit, "List one's own visits.", own_visits)
}

async fn visits(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<VisitQueryText>,
) -> Result<Json<VisitPage>, Reply> {
    state.run(move |system| visit_acts::list(system, &peer, &query)).await
}

async fn own_visits(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<OwnVisitQueryText>,
) -> Result<Json<VisitPage>, Reply> {
    state.run(move |system| visit_acts::list_own(system, &peer, query)).await
}

async fn open_visit(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<VisitText>,
) -> Result<Json<VisitView>, Reply> {
    state.run(move |system| visit_acts::open(system, &peer, &text)).await
}

async fn show_visit(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<VisitName>,
) -> Result<Json<VisitView>, Reply> {
    state.run(move |system| visit_acts::show(system, &peer, &id)).await
}

async fn amend_visit(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<VisitName>,
    Body(text): Body<VisitPlanText>,
) -> Result<Json<VisitView>, Reply> {
    state.run(move |system| visit_acts::amend(system, &peer, (&id, &text))).await
}

async fn decide_visit(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<VisitName>,
    Body(text): Body<VisitDecisionText>,
) -> Result<Json<VisitView>, Reply> {
    state.run(move |system| visit_acts::decide(system, &peer, (&id, text))).await
}

async fn end_visit(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<VisitName>,
    Body(text): Body<VisitEndText>,
) -> Result<Json<VisitView>, Reply> {
    state.run(move |system| visit_acts::end(system, &peer, (&id, text))).await
}

async fn certify_on_visit(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<VisitName>,
    Body(text): Body<VisitCertificateText>,
) -> Result<Json<CertificateView>, Reply> {
    state.run(move |system| visit_acts::certify(system, &peer, (&id, &text))).await
}

async fn bundle(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<VisitName>,
) -> Result<Json<BundleView>, Reply> {
    state.run(move |system| visit_bundle::make(system, &peer, &id)).await
}

async fn take_receipts(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<VisitName>,
    Body(text): Body<ReceiptsText>,
) -> Result<Json<ReceiptsView>, Reply> {
    state.run(move |system| visit_receipts::check(system, &peer, (&id, &text))).await
}
