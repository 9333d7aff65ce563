//! The port [`Orders`]: orders to change the revocation of many certificates.

use ca_core::ports::{Orders, Unavailable};
use ca_core::record::{CertificateId, OrderConflict, OrderDecision, OrderQuery, OrderStep, RevocationOrder};
use ca_core::validity::UnixTime;

use crate::act::orders;
use crate::engine::{Durability, View};
use crate::keyspace::Keyspace;
use crate::row::{OrderPartRow, OrderRow, Row, RowFault};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "order book";

/// How many rows are looked at together when orders are listed.
const PAGE: usize = 256;

impl Orders for Store {
    fn plan_order(&self, order: RevocationOrder) -> Result<(), Unavailable> {
        self.write(PORT, Durability::Durable, |tx| orders::plan(tx, order))
    }

    fn plan_parts(
        &self,
        digest: &[u8; 32],
        first: u32,
        parts: Vec<Vec<CertificateId>>,
    ) -> Result<(), Unavailable> {
        let digest = *digest;
        self.write(PORT, Durability::ProcessCrash, move |tx| orders::plan_parts(tx, &digest, first, parts))
    }

    fn forget_plans(&self, now: UnixTime, limit: usize) -> Result<(), Unavailable> {
        self.write(PORT, Durability::ProcessCrash, move |tx| orders::forget_plans(tx, now, limit))
    }

    fn orders_named(&self, digest: &[u8]) -> Result<Vec<RevocationOrder>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::Orders, digest, &[], 2)?;
            rows.into_iter().map(|(_, octets)| Ok(OrderRow::decode(&octets)?.order)).collect()
        })
    }

    fn orders(&self, query: &OrderQuery) -> Result<Vec<RevocationOrder>, Unavailable> {
        self.read(PORT, |view| list(view, query))
    }

    fn order_part(&self, digest: &[u8; 32], part: u32) -> Result<Vec<CertificateId>, Unavailable> {
        self.read(PORT, |view| {
            let row = view.row::<OrderPartRow>(&(*digest, part))?;
            let missing = RowFault::Key { keyspace: Keyspace::OrderParts.name() };
            Ok(row.ok_or(missing)?.certificates)
        })
    }

    fn record_order_act(
        &self,
        decision: OrderDecision,
    ) -> Result<Result<RevocationOrder, OrderConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| orders::decide(tx, decision))
    }

    fn record_order_step(&self, step: OrderStep) -> Result<RevocationOrder, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| orders::step(tx, step))
    }
}

/// Looks at rows page by page until enough are as they are asked for.
fn list(view: &dyn View, query: &OrderQuery) -> Result<Vec<RevocationOrder>, ReadFault> {
    let mut found = Vec::new();
    let mut after = query.after.map(Vec::from).unwrap_or_default();
    while found.len() < query.limit {
        let page = view.rows_after(Keyspace::Orders, &[], &after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (_, octets) in page {
            let OrderRow { order } = OrderRow::decode(&octets)?;
            let wanted = query.standing.is_none_or(|standing| order.standing(query.now) == standing);
            found.extend((wanted && found.len() < query.limit).then_some(order));
        }
    }
    Ok(found)
}
