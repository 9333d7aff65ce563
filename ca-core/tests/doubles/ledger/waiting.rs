//! What the memory knows of requests that wait for approval.

use ca_core::ports::{Unavailable, WaitingRoom};
use ca_core::record::{
    ApprovalCondition, Awaiting, Decision, DecisionConflict, Intent, IntentConflict, Standing, WaitingQuery,
    WaitingRequest,
};

use super::super::journal::Step;
use super::{MemoryLedger, State};

/// What stands against an intent before anything else is looked at: an answer, or a refusal.
pub(super) fn is_settled(state: &State, intent: &Intent) -> Result<(), IntentConflict> {
    let Some(known) = known(state, intent) else { return Ok(()) };
    match (known.standing(intent.recorded_at), &known.answer) {
        (Standing::Refused, _) => Err(IntentConflict::ApprovalRefused),
        (Standing::Answered, Some(id)) => {
            let stored = &state.rows[id].stored;
            if stored.certificate.is_empty() {
                return Err(IntentConflict::InFlight);
            }
            Err(IntentConflict::AlreadyIssued(Box::new(stored.clone())))
        }
        _ => Ok(()),
    }
}

/// Whether operators approved, once nothing else stands against an intent.
pub(super) fn is_approved(state: &State, intent: &Intent) -> Result<(), IntentConflict> {
    let Some(condition) = &intent.conditions.approval else { return Ok(()) };
    let known = known(state, intent);
    if known.is_some_and(|known| known.standing(intent.recorded_at) == Standing::Approved) {
        return Ok(());
    }
    let expires_at = match known.filter(|known| known.standing(intent.recorded_at) == Standing::Waiting) {
        Some(known) => known.expires_at,
        None if is_full(state, condition) => return Err(IntentConflict::TooManyWaiting),
        None => condition.request.expires_at,
    };
    let (digest, retry_after_seconds) = (condition.request.digest, condition.retry_after_seconds);
    Err(IntentConflict::AwaitsApproval(Awaiting { digest, expires_at, retry_after_seconds }))
}

fn is_full(state: &State, condition: &ApprovalCondition) -> bool {
    let now = condition.request.requested_at;
    let open = || {
        let waits = |known: &&WaitingRequest| {
            known.tenant == condition.request.tenant && known.is_open() && now <= known.expires_at
        };
        state.waiting.values().filter(waits)
    };
    let of_requester = open().filter(|known| known.requester == condition.request.requester).count();
    of_requester >= usize::try_from(condition.bounds.of_requester).unwrap()
        || open().count() >= usize::try_from(condition.bounds.of_tenant).unwrap()
}

fn known<'a>(state: &'a State, intent: &Intent) -> Option<&'a WaitingRequest> {
    state.waiting.get(&intent.conditions.approval.as_ref()?.request.digest)
}

impl State {
    /// Lets a request wait that does not wait yet.
    pub(super) fn let_wait(&mut self, intent: &Intent) {
        let Some(condition) = &intent.conditions.approval else { return };
        let waits =
            known(self, intent).is_some_and(|known| known.standing(intent.recorded_at) != Standing::Expired);
        if !waits {
            self.events.push(condition.event.clone());
            self.waiting.insert(condition.request.digest, condition.request.clone());
        }
    }
}

impl WaitingRoom for MemoryLedger {
    fn waiting_requests_named(&self, digest: &[u8]) -> Result<Vec<WaitingRequest>, Unavailable> {
        let named = |known: &&WaitingRequest| known.digest.starts_with(digest);
        Ok(self.state.lock().unwrap().waiting.values().filter(named).take(2).cloned().collect())
    }

    fn waiting_requests(&self, query: &WaitingQuery) -> Result<Vec<WaitingRequest>, Unavailable> {
        let asked = |known: &&WaitingRequest| {
            query.standing.is_none_or(|standing| known.standing(query.now) == standing)
        };
        Ok(self.state.lock().unwrap().waiting.values().filter(asked).take(query.limit).cloned().collect())
    }

    fn record_decision(
        &self,
        decision: Decision,
    ) -> Result<Result<WaitingRequest, DecisionConflict>, Unavailable> {
        let mut state = self.enter(Step::RecordDecision)?;
        let Some(known) = state.waiting.get_mut(&decision.digest) else {
            return Ok(Err(DecisionConflict::Unknown));
        };
        let decided = known.decide(decision.mark, decision.verdict).map(|()| known.clone());
        if decided.is_ok() {
            state.events.push(decision.event);
        }
        Ok(decided)
    }
}
