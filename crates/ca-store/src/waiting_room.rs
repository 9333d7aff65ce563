//! The port [`WaitingRoom`]: requests that wait for the approval of operators. They come in with their intents.

use ca_core::ports::{Unavailable, WaitingRoom};
use ca_core::record::{Decision, DecisionConflict, WaitingQuery, WaitingRequest};

use crate::act::waiting;
use crate::engine::{Durability, View};
use crate::keyspace::{Keyspace, parse_request, waiting_end_key};
use crate::row::{Row, RowFault, WaitingRow};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "waiting room";

/// How many rows are looked at together when requests are listed.
const PAGE: usize = 256;

impl WaitingRoom for Store {
    fn waiting_requests_named(&self, digest: &[u8]) -> Result<Vec<WaitingRequest>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::Waiting, digest, &[], 2)?;
            rows.into_iter().map(|(_, octets)| Ok(WaitingRow::decode(&octets)?.request)).collect()
        })
    }

    fn waiting_requests(&self, query: &WaitingQuery) -> Result<Vec<WaitingRequest>, Unavailable> {
        self.read(PORT, |view| list(view, query))
    }

    fn record_decision(
        &self,
        decision: Decision,
    ) -> Result<Result<WaitingRequest, DecisionConflict>, Unavailable> {
        self.write_new(PORT, Durability::Durable, |tx| waiting::decide(tx, decision))
    }
}

/// Looks at rows page by page until enough are as they are asked for.
fn list(view: &dyn View, query: &WaitingQuery) -> Result<Vec<WaitingRequest>, ReadFault> {
    let mut found = Vec::new();
    let mut after = query.after.map(|(end, digest)| waiting_end_key(end, &digest)).unwrap_or_default();
    while found.len() < query.limit {
        let page = view.rows_after(Keyspace::WaitingEnds, &[], &after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (key, _) in page {
            let fault = RowFault::Key { keyspace: Keyspace::WaitingEnds.name() };
            let digest = parse_request(&key).ok_or(fault)?;
            let request = view.row::<WaitingRow>(&digest)?.map(|row| row.request);
            found.extend(request.filter(|request| found.len() < query.limit && fits(query, request)));
        }
    }
    Ok(found)
}

fn fits(query: &WaitingQuery, request: &WaitingRequest) -> bool {
    query.tenant.as_ref().is_none_or(|tenant| *tenant == request.tenant)
        && query.standing.is_none_or(|standing| request.standing(query.now) == standing)
}
