//! The route of everybody on record: who he is to the server, and what he may do.

use axum::extract::State;
use axum::{Extension, Json};
use ca_core::people::{Caller, Permission, PersonId, may};

use super::acts::unavailable;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, each};
use super::wire::people::SelfView;
use super::{OperatorState, people_acts};
use crate::compose::System;
use crate::exit::Failure;

/// Adds the route.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes.get("/v1/self", each(Permission::LookAtOneself), "Tells who one is to the server.", oneself)
}

async fn oneself(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
) -> Result<Json<SelfView>, Reply> {
    state.run(move |system| view(system, &peer)).await
}

/// Whom the configuration alone lets in is on nobody's record.
fn view(system: &System, peer: &Peer) -> Result<SelfView, Failure> {
    let name = peer.permit().name().to_owned();
    let id = PersonId::parse(&name).ok();
    let person = id.map(|id| system.people.person(&id)).transpose().map_err(unavailable)?.flatten();
    let now = system.clock.now();
    // Whoever comes in and is on nobody's record is let in by the configuration, and may do everything.
    let has = |permission: &Permission| match &person {
        Some(person) => may(&Caller::Person(Box::new(person.clone())), *permission, None, now).is_ok(),
        None => true,
    };
    let permissions = Permission::ALL.into_iter().filter(has).map(|one| one.name().to_owned()).collect();
    Ok(SelfView { name, person: person.map(|person| people_acts::view(&person, now)), permissions })
}
