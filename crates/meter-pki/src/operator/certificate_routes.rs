//! The routes of certificates: issued, shown, revoked and released one by one, and the requests for them that wait.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission::{DecideRequests, Issue, Look, Revoke};

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, each};
use super::wire::certificate_history::CertificateHistoryView;
use super::wire::requests::{DecisionText, RequestPage, RequestQueryText, RequestView};
use super::wire::words::{AuthorityName, DigestStart, Serial};
use super::wire::{
    AuthorityView, CertificatePage, CertificateQueryText, CertificateView, CertificationText,
    HoldReleaseText, HoldReleaseView, RevocationText, RevocationView,
};
use super::{OperatorState, acts, certificate_history, certificate_list, request_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get("/v1/authorities", each(Look), "List the authorities.", authorities)
        .get("/v1/certificates", each(Look), "List certificates.", certificates)
        .post("/v1/certificates", each(Issue), "Have a certificate issued by the door of operators.", certify)
        .get(
            "/v1/certificates/{issuer}/{serial}",
            each(Look),
            "Show a certificate; with `-` for the authority, whichever issued the number.",
            certificate,
        )
        .get(
            "/v1/certificates/{issuer}/{serial}/history",
            each(Look),
            "Show the path of a certificate, how it was asked for, and what became of it.",
            history,
        )
        .post("/v1/revocations", each(Revoke), "Revoke a certificate.", revoke)
        .post("/v1/hold-releases", each(Revoke), "Release a certificate from hold.", release)
        .get("/v1/requests", each(Look), "List requests that wait or waited for approval.", requests)
        .get("/v1/requests/{id}", each(Look), "Show a request.", request)
        .post(
            "/v1/requests/{id}/decisions",
            each(DecideRequests),
            "Approve or refuse a request.",
            decide_request,
        )
}

async fn authorities(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
) -> Result<Json<Vec<AuthorityView>>, Reply> {
    state.run(move |system| Ok(acts::authorities(system, &peer))).await
}

async fn certificates(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<CertificateQueryText>,
) -> Result<Json<CertificatePage>, Reply> {
    state.run(move |system| certificate_list::certificates(system, &peer, &query)).await
}

async fn certify(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<CertificationText>,
) -> Result<Json<CertificateView>, Reply> {
    state.run(move |system| acts::certify(system, &peer, &text)).await
}

async fn certificate(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path((issuer, serial)): Path<(AuthorityName, Serial)>,
) -> Result<Json<CertificateView>, Reply> {
    state.run(move |system| acts::certificate(system, &peer, (&issuer, &serial))).await
}

async fn history(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path((issuer, serial)): Path<(AuthorityName, Serial)>,
) -> Result<Json<CertificateHistoryView>, Reply> {
    state.run(move |system| certificate_history::show(system, &peer, (&issuer, &serial))).await
}

async fn revoke(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<RevocationText>,
) -> Result<Json<RevocationView>, Reply> {
    state.run(move |system| acts::revoke(system, &peer, &text)).await
}

async fn release(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<HoldReleaseText>,
) -> Result<Json<HoldReleaseView>, Reply> {
    state.run(move |system| acts::release(system, &peer, &text)).await
}

async fn requests(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<RequestQueryText>,
) -> Result<Json<RequestPage>, Reply> {
    state.run(move |system| request_acts::list(system, &peer, &query)).await
}

async fn request(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<DigestStart>,
) -> Result<Json<RequestView>, Reply> {
    state.run(move |system| request_acts::show(system, &peer, &id)).await
}

async fn decide_request(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<DigestStart>,
    Body(text): Body<DecisionText>,
) -> Result<Json<RequestView>, Reply> {
    state.run(move |system| request_acts::decide(system, &peer, &id, text)).await
}
