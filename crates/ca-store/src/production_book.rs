//! The port [`Production`]: production orders, and what is made of them.

use ca_core::audit::AuditEvent;
use ca_core::ports::{Production, Unavailable};
use ca_core::record::{
    ProducedDevice, ProductionConflict, ProductionEnd, ProductionId, ProductionOrder, ProductionQuery,
    ScrapRecord, Scrapped,
};
use ca_core::system_title::SystemTitle;

use crate::act::production;
use crate::engine::{Durability, View};
use crate::keyspace::{Keyspace, parse_listed_title, production_list_key, production_list_prefix};
use crate::row::{ProducedRow, ProductionRow, Row, RowFault};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "production book";

/// How many rows are looked at together.
const PAGE: usize = 256;

impl Production for Store {
    fn open_production(
        &self,
        order: ProductionOrder,
        titles: Vec<SystemTitle>,
        event: AuditEvent,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable> {
        self.write_new(PORT, Durability::Durable, move |tx| {
            // A conflict leaves nothing behind: it is found before anything is written.
            production::open(tx, order, &titles, event)
        })
    }

    fn end_production(
        &self,
        end: ProductionEnd,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| production::end(tx, end))
    }

    fn scrap_device(&self, scrap: ScrapRecord) -> Result<Result<Scrapped, ProductionConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| production::scrap(tx, scrap))
    }

    fn production(&self, id: &ProductionId) -> Result<Option<ProductionOrder>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<ProductionRow>(id)?.map(|row| row.order)))
    }

    fn productions(&self, query: &ProductionQuery) -> Result<Vec<ProductionOrder>, Unavailable> {
        self.read(PORT, |view| list(view, query))
    }

    fn produced(
        &self,
        id: &ProductionId,
        after: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<(Vec<ProducedDevice>, Option<SystemTitle>), Unavailable> {
        self.read(PORT, |view| devices(view, id, after, limit))
    }
}

/// Looks at rows page by page until enough are as they are asked for.
fn list(view: &dyn View, query: &ProductionQuery) -> Result<Vec<ProductionOrder>, ReadFault> {
    let mut found = Vec::new();
    let mut after = query.after.as_ref().map(|id| id.as_str().as_bytes().to_vec()).unwrap_or_default();
    while found.len() < query.limit {
        let page = view.rows_after(Keyspace::ProductionOrders, &[], &after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (_, octets) in page {
            let ProductionRow { order } = ProductionRow::decode(&octets)?;
            let wanted = query.tenant.as_ref().is_none_or(|tenant| order.tenant == *tenant)
                && query.state.is_none_or(|state| order.state == state);
            found.extend((wanted && found.len() < query.limit).then_some(order));
        }
    }
    Ok(found)
}

fn devices(
    view: &dyn View,
    id: &ProductionId,
    after: Option<&SystemTitle>,
    limit: usize,
) -> Result<(Vec<ProducedDevice>, Option<SystemTitle>), ReadFault> {
    let Some(ProductionRow { order }) = view.row(id)? else { return Ok((Vec::new(), None)) };
    let after = after.map(|title| production_list_key(id, title)).unwrap_or_default();
    let page = view.rows_after(Keyspace::ProductionLists, &production_list_prefix(id), &after, limit)?;
    let full = page.len() == limit;
    let (mut found, mut last) = (Vec::new(), None);
    for (key, octets) in page {
        let damaged = RowFault::Key { keyspace: Keyspace::ProductionLists.name() };
        let title = parse_listed_title(&key).ok_or(damaged)?;
        last = Some(title);
        let scrapped = production::parse_scraps(&octets)?;
        let device = view.row::<ProducedRow>(&(order.tenant.clone(), title))?;
        let certificates =
            device.filter(|device| device.order == *id).map(|device| device.certificates).unwrap_or_default();
        if scrapped > 0 || !certificates.is_empty() {
            found.push(ProducedDevice { title, certificates, scrapped });
        }
    }
    Ok((found, last.filter(|_| full)))
}
