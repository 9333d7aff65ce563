//! What the memory knows of requests that wait for approval: as the port promises, but for bounds, which are the ledger's.

use ca_core::ports::{Unavailable, WaitingRoom};
use ca_core::record::{
    Awaiting, Decision, DecisionConflict, Intent, IntentConflict, Standing, WaitingQuery, WaitingRequest,
};

use super::{Memory, State};

impl State {
    /// Lets an intent answer its request, or the request wait.
    pub(super) fn check_approval(&mut self, intent: &Intent) -> Result<(), IntentConflict> {
        let Some(condition) = &intent.conditions.approval else { return Ok(()) };
        let digest = condition.request.digest;
        let now = intent.recorded_at;
        if self.waiting.get(&digest).is_none_or(|known| known.standing(now) == Standing::Expired) {
            self.events.push(condition.event.clone());
            self.waiting.insert(digest, condition.request.clone());
        }
        let known = self.waiting.get_mut(&digest).unwrap();
        match known.standing(now) {
            Standing::Approved => {
                known.answer = Some(intent.id.clone());
                Ok(())
            }
            Standing::Refused => Err(IntentConflict::ApprovalRefused),
            Standing::Waiting | Standing::Answered | Standing::Expired => {
                Err(IntentConflict::AwaitsApproval(Awaiting {
                    digest,
                    expires_at: known.expires_at,
                    retry_after_seconds: condition.retry_after_seconds,
                }))
            }
        }
    }
}

impl WaitingRoom for Memory {
    fn waiting_requests_named(&self, digest: &[u8]) -> Result<Vec<WaitingRequest>, Unavailable> {
        let named = |known: &&WaitingRequest| known.digest.starts_with(digest);
        Ok(self.open()?.waiting.values().filter(named).take(2).cloned().collect())
    }

    fn waiting_requests(&self, query: &WaitingQuery) -> Result<Vec<WaitingRequest>, Unavailable> {
        Ok(self.open()?.waiting.values().take(query.limit).cloned().collect())
    }

    fn record_decision(
        &self,
        decision: Decision,
    ) -> Result<Result<WaitingRequest, DecisionConflict>, Unavailable> {
        let mut state = self.open()?;
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
