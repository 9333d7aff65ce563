//! The routes of statistics, and of the plots of them.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission::Look;

use super::plots::{self, Form, Picture};
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all, each};
use super::wire::statistics::{
    CalendarQueryText, CrlSizeQueryText, CrlSizesView, ExpiriesView, ExpiryQueryText, IssuanceQueryText,
    IssuanceView, SigningView, SwapQueryText, SwapsView,
};
use super::wire::words::PictureForm;
use super::{OperatorState, statistics_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get(
            "/v1/statistics/expiries",
            each(Look),
            "Count the good certificates that end in spans.",
            expiries,
        )
        .get("/v1/statistics/issuance", each(Look), "Count what was issued and revoked in spans.", issuance)
        .get("/v1/statistics/swaps", each(Look), "Count by a field how far devices are swapped.", swaps)
        .get("/v1/statistics/crls", each(Look), "Tell how long CRLs were.", crls)
        .get("/v1/statistics/signing", all(Look), "Tell how long signatures took, by key.", signing)
        .get("/v1/plots/expiries/{form}", each(Look), "Plot when certificates end.", expiry_plot)
        .get(
            "/v1/plots/expiry-calendar/{form}",
            each(Look),
            "Plot when certificates end as a calendar, by days.",
            calendar_plot,
        )
        .get("/v1/plots/issuance/{form}", each(Look), "Plot what was issued and revoked.", issuance_plot)
        .get("/v1/plots/swaps/{form}", each(Look), "Plot how far devices are swapped.", swap_plot)
        .get("/v1/plots/crls/{form}", each(Look), "Plot how long CRLs were.", crl_plot)
        .get("/v1/plots/signing/{form}", all(Look), "Plot how long signatures took.", signing_plot)
}

async fn expiries(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<ExpiryQueryText>,
) -> Result<Json<ExpiriesView>, Reply> {
    state.run(move |system| statistics_acts::expiries(system, &peer, &query)).await
}

async fn issuance(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<IssuanceQueryText>,
) -> Result<Json<IssuanceView>, Reply> {
    state.run(move |system| statistics_acts::issuance(system, &peer, &query)).await
}

async fn swaps(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<SwapQueryText>,
) -> Result<Json<SwapsView>, Reply> {
    state.run(move |system| statistics_acts::swaps(system, &peer, &query)).await
}

async fn crls(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<CrlSizeQueryText>,
) -> Result<Json<CrlSizesView>, Reply> {
    state.run(move |system| statistics_acts::crls(system, &peer, &query)).await
}

async fn signing(State(state): State<OperatorState>) -> Result<Json<SigningView>, Reply> {
    state.run(|system| Ok(statistics_acts::signing(system))).await
}

async fn expiry_plot(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(form): Path<PictureForm>,
    Query(query): Query<ExpiryQueryText>,
) -> Result<Picture, Reply> {
    state
        .work(move |system| {
            let form = Form::parse(&form)?;
            plots::expiries(&statistics_acts::expiries(system, &peer, &query)?, form)
        })
        .await
}

async fn calendar_plot(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(form): Path<PictureForm>,
    Query(query): Query<CalendarQueryText>,
) -> Result<Picture, Reply> {
    state
        .work(move |system| {
            let form = Form::parse(&form)?;
            plots::expiry_calendar(&statistics_acts::expiries(system, &peer, &query.by_days())?, form)
        })
        .await
}

async fn issuance_plot(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(form): Path<PictureForm>,
    Query(query): Query<IssuanceQueryText>,
) -> Result<Picture, Reply> {
    state
        .work(move |system| {
            let form = Form::parse(&form)?;
            plots::issuance(&statistics_acts::issuance(system, &peer, &query)?, form)
        })
        .await
}

async fn swap_plot(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(form): Path<PictureForm>,
    Query(query): Query<SwapQueryText>,
) -> Result<Picture, Reply> {
    state
        .work(move |system| {
            let form = Form::parse(&form)?;
            plots::swaps(&statistics_acts::swaps(system, &peer, &query)?, form)
        })
        .await
}

async fn crl_plot(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(form): Path<PictureForm>,
    Query(query): Query<CrlSizeQueryText>,
) -> Result<Picture, Reply> {
    state
        .work(move |system| {
            let form = Form::parse(&form)?;
            plots::crls(&statistics_acts::crls(system, &peer, &query)?, form)
        })
        .await
}

async fn signing_plot(
    State(state): State<OperatorState>,
    Path(form): Path<PictureForm>,
) -> Result<Picture, Reply> {
    state
        .work(move |system| {
            let form = Form::parse(&form)?;
            plots::signing(&statistics_acts::signing(system), form)
        })
        .await
}
