//! The routes of profiles: which are in force, what they say, and what comes of them. All of them read.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission::Look;

use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, each};
use super::wire::profiles::{
    ProfileDetailView, ProfileDifferenceQueryText, ProfileDifferencesView, ProfilePage, ProfileQueryText,
    ProfileSampleView, ProfileVersionDetailView, ProfileVersionPage, ProfileVersionQueryText,
};
use super::wire::words::{ProfileName, VersionNumber};
use super::{OperatorState, profile_acts, profile_version_acts};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get("/v1/profiles", each(Look), "List the profiles that are in force.", profiles)
        .get("/v1/profiles/{id}", each(Look), "Show all that a profile says.", profile)
        .get(
            "/v1/profiles/{id}/sample",
            each(Look),
            "Make a sample certificate of a profile, lint it and throw it away; no real key signs.",
            sample,
        )
        .get(
            "/v1/profiles/{id}/versions",
            each(Look),
            "List what a profile said since when, and what was changed each time.",
            versions,
        )
        .get(
            "/v1/profiles/{id}/versions/{number}",
            each(Look),
            "Show all that a profile said from some moment on.",
            version,
        )
        .get(
            "/v1/profile-differences",
            each(Look),
            "Compare two profiles field by field, one with the built-in one of its name, or two versions of one.",
            differences,
        )
}

async fn profiles(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Query(query): Query<ProfileQueryText>,
) -> Result<Json<ProfilePage>, Reply> {
    state.run(move |system| profile_acts::list(system, &peer, &query)).await
}

async fn profile(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<ProfileName>,
) -> Result<Json<ProfileDetailView>, Reply> {
    state.run(move |system| profile_acts::show(system, &peer, &id)).await
}

async fn sample(
    State(state): State<OperatorState>,
    Path(id): Path<ProfileName>,
) -> Result<Json<ProfileSampleView>, Reply> {
    state.run(move |system| profile_acts::sample_of(system, &id)).await
}

async fn versions(
    State(state): State<OperatorState>,
    Path(id): Path<ProfileName>,
    Query(query): Query<ProfileVersionQueryText>,
) -> Result<Json<ProfileVersionPage>, Reply> {
    state.run(move |system| profile_version_acts::list(system, &id, &query)).await
}

async fn version(
    State(state): State<OperatorState>,
    Path((id, number)): Path<(ProfileName, VersionNumber)>,
) -> Result<Json<ProfileVersionDetailView>, Reply> {
    state.run(move |system| profile_version_acts::show(system, &id, &number)).await
}

async fn differences(
    State(state): State<OperatorState>,
    Query(query): Query<ProfileDifferenceQueryText>,
) -> Result<Json<ProfileDifferencesView>, Reply> {
    state.run(move |system| profile_acts::differ(system, &query)).await
}
