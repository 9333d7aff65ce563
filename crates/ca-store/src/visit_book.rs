//! The port [`Visits`]: visits of technicians.

use ca_core::ports::{Unavailable, Visits};
use ca_core::record::VisitId;
use ca_core::validity::UnixTime;
use ca_core::visits::{Visit, VisitChange, VisitConflict, VisitQuery};

use crate::act::visits;
use crate::engine::{Durability, View};
use crate::keyspace::Keyspace;
use crate::row::VisitRow;
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "visit book";

/// How many rows are looked at together.
const PAGE: usize = 256;

impl Visits for Store {
    fn record_visit_change(&self, change: VisitChange) -> Result<Result<Visit, VisitConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| visits::change(tx, &change))
    }

    fn end_visits_over(&self, now: UnixTime, limit: usize) -> Result<usize, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| visits::end_over(tx, now, limit))
    }

    fn visit(&self, id: &VisitId) -> Result<Option<Visit>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<VisitRow>(id)?.map(|row| row.visit)))
    }

    fn visits(&self, query: &VisitQuery) -> Result<Vec<Visit>, Unavailable> {
        self.read(PORT, |view| list(view, query))
    }
}

/// Looks at rows page by page until enough are as they are asked for.
fn list(view: &dyn View, query: &VisitQuery) -> Result<Vec<Visit>, ReadFault> {
    let mut found = Vec::new();
    let mut after = query.after.as_ref().map(|id| id.as_str().as_bytes().to_vec()).unwrap_or_default();
    while found.len() < query.limit {
        let page = view.rows_after(Keyspace::Visits, &[], &after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (_, octets) in page {
            let visit = visits::decode(&octets)?;
            let wanted = query.tenant.as_ref().is_none_or(|tenant| visit.tenant == *tenant)
                && query.technician.as_ref().is_none_or(|who| visit.plan.technician == *who)
                && query.standing.is_none_or(|standing| visit.standing(query.now) == standing);
            found.extend((wanted && found.len() < query.limit).then_some(visit));
        }
    }
    Ok(found)
}
