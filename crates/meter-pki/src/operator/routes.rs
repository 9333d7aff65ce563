//! The one table of routes: each names the permission that it needs, and there is no other way to add one (case M-06).
//!
//! Before a handler runs, who connects is made a person and the person a permit; the handler gets the permit and nothing else
//! of him. Whose a thing is, an act finds out, and asks the permit again. Whatever is refused for want of a permission leaves
//! one audit record with the reason code.

use std::fmt;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use ca_core::people::{Denied, Permission, Permit, may};
use ca_core::tenant::TenantId;

use super::acts::{tenant, unavailable};
use super::listener::Connected;
use super::openapi::{Described, Shape};
use super::refusals::{refused, strange, subject};
use super::reply::{Refusal, Reply, told};
use super::{OperatorState, browsers, conditional, repeatable};
use crate::compose::System;
use crate::exit::{Exit, Failure};
use crate::people;

/// What the reason codes of refusals for want of a permission begin with.
const OURS: &str = "people.";

/// Whose the things are that a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Things {
    /// The installation's: a role for single tenants does not suffice.
    Installations,
    /// A tenant's: the act finds out whose, and compares.
    Tenants,
}

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Which permission.
    pub permission: Permission,
    /// For whose things.
    pub things: Things,
}

/// Needs a permission for every tenant.
pub(super) const fn all(permission: Permission) -> Needs {
    Needs { permission, things: Things::Installations }
}

/// Needs a permission for the tenant whose the thing is.
pub(super) const fn each(permission: Permission) -> Needs {
    Needs { permission, things: Things::Tenants }
}

/// A route, as the table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its path, with names in braces.
    pub path: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// What it does, in a sentence; of what another crate serves here, nothing.
    pub summary: &'static str,
}

/// A route that the document tells of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) route: Route,
    /// What its handler takes and gives.
    pub(super) shape: fn() -> Shape,
    /// How long its body may be, in octets.
    pub(super) octets: usize,
}

/// How long the body of a request may be, in octets, where the table does not say more.
const USUAL_BODY: usize = 2 * 1024 * 1024;

/// Routes that are guarded, and their table.
#[derive(Debug, Default)]
pub(super) struct GuardedRoutes {
    router: Router<OperatorState>,
    table: Vec<Route>,
    operations: Vec<Operation>,
}

impl GuardedRoutes {
    /// Adds a route that reads.
    pub(super) fn get<T: 'static, P, H: Handler<T, OperatorState> + Described<P>>(
        self,
        path: &'static str,
        needs: Needs,
        summary: &'static str,
        handler: H,
    ) -> Self {
        let route = Route { method: "GET", path, needs, summary };
        self.add(route, get(handler)).tell(Operation { route, shape: H::shape, octets: 0 })
    }

    /// Adds a route that changes.
    pub(super) fn post<T: 'static, P, H: Handler<T, OperatorState> + Described<P>>(
        self,
        path: &'static str,
        needs: Needs,
        summary: &'static str,
        handler: H,
    ) -> Self {
        self.post_long(path, (needs, USUAL_BODY), summary, handler)
    }

    /// Adds a route that takes up to `octets`.
    pub(super) fn post_long<T: 'static, P, H: Handler<T, OperatorState> + Described<P>>(
        self,
        path: &'static str,
        (needs, octets): (Needs, usize),
        summary: &'static str,
        handler: H,
    ) -> Self {
        let route = Route { method: "POST", path, needs, summary };
        let limited = post(handler).layer(DefaultBodyLimit::max(octets));
        self.add(route, limited).tell(Operation { route, shape: H::shape, octets })
    }

    /// Adds what another crate serves at this path.
    pub(super) fn serve(mut self, path: &'static str, needs: Needs, router: Router) -> Self {
        let guarded = router.layer(from_fn(
            move |Extension(state): Extension<OperatorState>, request: Request, next: Next| {
                guard(needs, state, request, next)
            },
        ));
        self.router = self.router.merge(guarded.with_state(()));
        self.table.push(Route { method: "GET", path, needs, summary: "" });
        self
    }

    /// Adds the routes of another file.
    pub(super) fn with(self, more: impl FnOnce(Self) -> Self) -> Self {
        more(self)
    }

    fn add(mut self, route: Route, handler: MethodRouter<OperatorState>) -> Self {
        let needs = route.needs;
        let guarded = handler.route_layer(from_fn(
            move |Extension(state): Extension<OperatorState>, request: Request, next: Next| {
                guard(needs, state, request, next)
            },
        ));
        self.router = self.router.route(route.path, guarded);
        self.table.push(route);
        self
    }

    fn tell(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Returns what the document tells of.
    pub(super) fn operations(self) -> Vec<Operation> {
        self.operations
    }

    /// Returns the table.
    pub(super) fn table(self) -> Vec<Route> {
        self.table
    }

    /// Returns the routes, which work on `state`.
    pub(super) fn router(self, state: OperatorState) -> Router {
        let changes = Arc::clone(&state.changes);
        let browsers = from_fn_with_state(state.clone(), browsers::harmless);
        let routes = self.router.layer(Extension(state.clone())).with_state(state);
        let routes = Router::new().fallback(move |request: Request| {
            let (routes, changes) = (routes.clone(), Arc::clone(&changes));
            async move { conditional::answer(routes, request, &changes).await }
        });
        routes.layer(map_response(told)).layer(browsers)
    }
}

/// Who asks, as far as a handler needs to know: what he may do.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    permit: Permit,
}

impl Peer {
    /// Returns the permit.
    pub(crate) const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Checks that he may for what belongs to this tenant.
    pub(crate) fn check(&self, tenant: &TenantId) -> Result<(), Failure> {
        self.permit.check(tenant).map_err(|denied| denied_failure(&denied))
    }

    /// Reads which tenant a list is bounded to, so that he sees nothing of another.
    pub(crate) fn bounded(&self, asked: Option<&str>) -> Result<Option<TenantId>, Failure> {
        let asked = asked.map(tenant).transpose()?;
        self.permit.bounded(asked).map_err(|denied| denied_failure(&denied))
    }
}

impl fmt::Display for Peer {
    /// Writes the name that records have.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator:{}", self.permit.name())
    }
}

/// Lets a request through with the permit that it needs, or answers why there is none.
async fn guard(needs: Needs, state: OperatorState, mut request: Request, next: Next) -> Response {
    let Some(connected) = Connected::of(&request) else {
        let message = "nobody is at the other end";
        return Reply::from(Failure::new(Exit::Permission, "people.unknown", message)).into_response();
    };
    let asking = connected.clone();
    let permit = match state.work(move |system| permit(system, &asking, needs)).await {
        Ok(permit) => permit,
        Err(reply) => return reply.into_response(),
    };
    let name = permit.name().to_owned();
    drop(request.extensions_mut().insert(Peer { permit }));
    let response = repeatable::run(&state, &name, request, next).await;
    // What an act refuses since the thing is another tenant's.
    match response.extensions().get::<Refusal>().cloned() {
        Some(Refusal(failure)) if failure.code.starts_with(OURS) => {
            let told = state.work(move |system| Err::<(), _>(refused(system, &connected, failure))).await;
            told.map_or_else(IntoResponse::into_response, |()| response)
        }
        _ => response,
    }
}

fn permit(system: &System, connected: &Connected, needs: Needs) -> Result<Permit, Failure> {
    let caller = match connected {
        Connected::User(user) => people::user(system, *user).map_err(unavailable)?,
        Connected::Elsewhere(peer) => {
            let known = people::certificate::caller(system, &peer.certificates);
            known.map_err(|not_known| strange(system, peer, not_known))?
        }
        Connected::SignedIn(signed_in) => subject(system, signed_in)?,
    };
    let permit = may(&caller, needs.permission, None, system.clock.now());
    let permit = permit.and_then(|permit| match needs.things {
        Things::Installations => permit.check_everything().map(|()| permit),
        Things::Tenants => Ok(permit),
    });
    permit.map_err(|denied| refused(system, connected, denied_failure(&denied)))
}

/// Tells somebody what he may not do.
pub(super) fn denied_failure(denied: &Denied) -> Failure {
    let next = match denied.code() {
        "people.which-tenant" => "name it with --tenant",
        _ => "an administrator types `meter-pki people show` and `meter-pki people change`",
    };
    Failure::new(Exit::Permission, denied.code(), denied).then(next)
}
