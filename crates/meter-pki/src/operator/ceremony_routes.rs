//! The routes of ceremonies: what is known of them, requests out, responses in, and reports on bundles.

use axum::extract::State;
use axum::{Extension, Json};
use ca_core::people::Permission::{HoldCeremonies, Look};

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all};
use super::wire::bundles::{BundleText, CheckedBundleView};
use super::wire::ceremonies::{
    CeremoniesView, CeremonyRequestText, CeremonyResponseText, CeremonyTakenInView, MadeCeremonyRequestView,
};
use super::{LONG_PART, OperatorState, ceremony_acts, ceremony_desk};

/// How long the body with a response may be, in octets: its text form, in base64.
const RESPONSE: usize = 4 * 1024 * 1024;

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get(
            "/v1/ceremonies",
            all(Look),
            "Show what is known of ceremonies: requests that are out, responses, and what is kept for later.",
            ceremonies,
        )
        .post(
            "/v1/ceremonies/requests",
            all(HoldCeremonies),
            "Make the key of an authority and a request to the offline root, which is open from then on.",
            request,
        )
        .post_long(
            "/v1/ceremonies/responses",
            (all(HoldCeremonies), RESPONSE),
            "Take in the response to an open request; the authority serves once the configuration names it.",
            response,
        )
        .post_long(
            "/v1/ceremonies/bundle-reports",
            (all(Look), LONG_PART),
            "Check the bundle of a ceremony again, from the bundle alone; nothing of it is kept.",
            report,
        )
}

async fn ceremonies(State(state): State<OperatorState>) -> Result<Json<CeremoniesView>, Reply> {
    state.run(ceremony_acts::show).await
}

async fn request(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<CeremonyRequestText>,
) -> Result<Json<MadeCeremonyRequestView>, Reply> {
    state.run(move |system| ceremony_desk::request(system, &peer, &text)).await
}

async fn response(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<CeremonyResponseText>,
) -> Result<Json<CeremonyTakenInView>, Reply> {
    state.run(move |system| ceremony_desk::response(system, &peer, &text)).await
}

async fn report(
    State(state): State<OperatorState>,
    Body(text): Body<BundleText>,
) -> Result<Json<CheckedBundleView>, Reply> {
    state.run(move |_| ceremony_desk::report(&text)).await
}
