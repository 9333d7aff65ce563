//! The routes of people: who may do what.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all};
use super::wire::people::{NewcomerText, PersonChangeText, PersonView};
use super::{OperatorState, people_acts};

/// Adds the routes. People are the installation's.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let (look, change) = (all(Permission::LookAtPeople), all(Permission::ChangePeople));
    routes
        .get("/v1/people", look, people)
        .post("/v1/people", change, add_person)
        .get("/v1/people/{id}", look, person)
        .post("/v1/people/{id}/changes", change, change_person)
}

async fn people(State(state): State<OperatorState>) -> Result<Json<Vec<PersonView>>, Reply> {
    state.run(people_acts::list).await
}

async fn person(
    State(state): State<OperatorState>,
    Path(id): Path<String>,
) -> Result<Json<PersonView>, Reply> {
    state.run(move |system| people_acts::show(system, &id)).await
}

async fn add_person(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Json(text): Json<NewcomerText>,
) -> Result<Json<PersonView>, Reply> {
    state.run(move |system| people_acts::add(system, &peer, text)).await
}

async fn change_person(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(text): Json<PersonChangeText>,
) -> Result<Json<PersonView>, Reply> {
    state.run(move |system| people_acts::change(system, &peer, (&id, &text))).await
}
