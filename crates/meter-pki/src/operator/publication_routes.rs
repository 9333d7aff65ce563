//! The routes of what is published: CRLs, OCSP answers, and what a ceremony left.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission::{Look, Publish};

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all, each};
use super::wire::crls::{RecordedCrlView, ReleasedView, RevokedQueryText, RevokedView};
use super::wire::ocsp::{PreparationText, PreparedView};
use super::wire::words::{AuthorityName, Serial};
use super::wire::{
    CrlChoice, CrlText, CrlView, ImportedCrlView, PublishedCrlsView, ReleasesText, ReleasesView,
};
use super::{OperatorState, acts, crl_acts, ocsp_acts, release_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get("/v1/crls", all(Look), "List the CRLs that are published.", crls)
        .post(
            "/v1/crls/{authority}",
            each(Publish),
            "Make and publish CRLs of an authority now.",
            publish_crls,
        )
        .get(
            "/v1/recorded-crls",
            all(Look),
            "List the CRLs on record, for who compares what is published with them.",
            recorded_crls,
        )
        .get(
            "/v1/recorded-crls/{authority}/revoked",
            all(Look),
            "List the revocations that the CRLs of an authority have to name.",
            revoked_by,
        )
        .get(
            "/v1/recorded-crls/{authority}/released/{serial}",
            all(Look),
            "Say since when a certificate is not on hold any more.",
            released_by,
        )
        .post("/v1/ocsp-answers", all(Publish), "Prepare OCSP answers for certificates.", prepare_answers)
        .post("/v1/root-crls", all(Publish), "Take in and publish a root's CRL.", import_crl)
        .get(
            "/v1/releases",
            all(Look),
            "List the objects of ceremonies that are kept until their dates.",
            releases,
        )
        .post("/v1/releases", all(Publish), "Keep objects of a ceremony until their dates.", keep_releases)
}

async fn crls(State(state): State<OperatorState>) -> Result<Json<Vec<CrlView>>, Reply> {
    state.run(acts::crls).await
}

async fn publish_crls(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(authority): Path<AuthorityName>,
    Query(choice): Query<CrlChoice>,
) -> Result<Json<PublishedCrlsView>, Reply> {
    state.run(move |system| acts::publish_crls(system, &peer, (&authority, &choice))).await
}

async fn recorded_crls(State(state): State<OperatorState>) -> Result<Json<Vec<RecordedCrlView>>, Reply> {
    state.run(crl_acts::recorded).await
}

async fn revoked_by(
    State(state): State<OperatorState>,
    Path(authority): Path<AuthorityName>,
    Query(query): Query<RevokedQueryText>,
) -> Result<Json<Vec<RevokedView>>, Reply> {
    state.run(move |system| crl_acts::revoked(system, &authority, &query)).await
}

async fn released_by(
    State(state): State<OperatorState>,
    Path((authority, serial)): Path<(AuthorityName, Serial)>,
) -> Result<Json<ReleasedView>, Reply> {
    state.run(move |system| crl_acts::released(system, &authority, &serial)).await
}

async fn prepare_answers(
    State(state): State<OperatorState>,
    Body(text): Body<PreparationText>,
) -> Result<Json<Vec<PreparedView>>, Reply> {
    let responder = Arc::clone(&state.responder);
    state.run(move |system| ocsp_acts::prepare(system, &responder, &text)).await
}

async fn import_crl(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<CrlText>,
) -> Result<Json<ImportedCrlView>, Reply> {
    state.run(move |system| acts::import_crl(system, &peer, &text)).await
}

async fn releases(State(state): State<OperatorState>) -> Result<Json<ReleasesView>, Reply> {
    state.run(|system| Ok(release_acts::releases(system))).await
}

async fn keep_releases(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<ReleasesText>,
) -> Result<Json<ReleasesView>, Reply> {
    state.run(move |system| release_acts::keep(system, &peer, &text)).await
}
