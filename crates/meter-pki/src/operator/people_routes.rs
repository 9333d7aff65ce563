//! The routes of people: who may do what.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use ca_core::people::Permission;

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all};
use super::wire::people::{NewcomerText, PersonChangeText, PersonView};
use super::wire::words::PersonId;
use super::{OperatorState, people_acts};

/// Adds the routes. People are the installation's.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    let (look, change) = (all(Permission::LookAtPeople), all(Permission::ChangePeople));
    routes
        .get("/v1/people", look, "List people and what they may do.", people)
        .post("/v1/people", change, "Put somebody on record.", add_person)
        .get("/v1/people/{id}", look, "Show a person.", person)
        .post(
            "/v1/people/{id}/changes",
            change,
            "Change a person's roles or credentials, or remove him.",
            change_person,
        )
}

async fn people(State(state): State<OperatorState>) -> Result<Json<Vec<PersonView>>, Reply> {
    state.run(people_acts::list).await
}

async fn person(
    State(state): State<OperatorState>,
    Path(id): Path<PersonId>,
) -> Result<Json<PersonView>, Reply> {
    state.run(move |system| people_acts::show(system, &id)).await
}

async fn add_person(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<NewcomerText>,
) -> Result<Json<PersonView>, Reply> {
    state.run(move |system| people_acts::add(system, &peer, text)).await
}

async fn change_person(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<PersonId>,
    Body(text): Body<PersonChangeText>,
) -> Result<Json<PersonView>, Reply> {
    state.run(move |system| people_acts::change(system, &peer, (&id, &text))).await
}
