//! Production orders: opening and ending them, and counting what is made. Which request an order admits is ca-core's; that a
//! place is taken once, and given back once, is decided here.
//!
//! A device has a place from its first intent on. It loses it with its last one that comes to nothing, or when it is scrapped;
//! not when its certificates are revoked.

use ca_core::audit::{Act, AuditEvent};
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::record::{
    CertificateId, Intent, OrderedTitles, ProducedCertificate, ProductionConflict, ProductionEnd,
    ProductionId, ProductionOf, ProductionOrder, ProductionRefusal, ProductionState, Revocation,
    RevocationOutcome, RevocationRecord, ScrapRecord, Scrapped,
};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use super::refusal::Refusal;
use super::revocation;
use crate::keyspace::{
    Keyspace, parse_listed_title, production_list_key, production_list_prefix, station_key,
};
use crate::row::{CertificateRow, ProducedRow, ProductionRow, RowFault};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// A device of a manufacturer: what the row of one that has a place is found by.
type Place = (TenantId, SystemTitle);

/// How many rows of a list are read at a time.
const PAGE: usize = 1_024;

/// Gives an intent its place in a production order, and returns the order; nothing where it needs none.
pub(super) fn admit(tx: &mut Transaction<'_>, intent: &Intent) -> Result<Option<ProductionId>, Refusal> {
    let Some(of) = &intent.conditions.production else { return Ok(None) };
    let id = named(tx, of, &intent.tenant)?.ok_or(refused(ProductionRefusal::Required))?;
    let row = tx.row::<ProductionRow>(&id)?.ok_or(refused(ProductionRefusal::Unknown))?;
    let mut order = row.order;
    // What is no device's has no title, so that it is on no list.
    let Some((slot, _)) = &intent.conditions.slot else { return Err(refused(ProductionRefusal::Title)) };
    let listed =
        matches!(order.titles, OrderedTitles::Listed { .. }) && scraps(tx, &id, &slot.title)?.is_some();
    order
        .admits((&intent.tenant, &intent.profile, intent.purpose), (&slot.title, listed), intent.recorded_at)
        .map_err(refused)?;
    let key = (intent.tenant.clone(), slot.title);
    let mut device = match tx.row::<ProducedRow>(&key)? {
        Some(device) if device.order != id => return Err(refused(ProductionRefusal::Title)),
        Some(device) if device.certificates.iter().any(|one| one.purpose == intent.purpose) => {
            return Err(refused(ProductionRefusal::Purpose));
        }
        Some(device) => device,
        None => {
            order.take_place().map_err(refused)?;
            ProducedRow { order: id.clone(), certificates: Vec::new() }
        }
    };
    add(tx, &mut order, &mut device, (&slot.title, intent.purpose, &intent.id))?;
    tx.put(&id, &ProductionRow { order })?;
    tx.put(&key, &device)?;
    Ok(Some(id))
}

const fn refused(refusal: ProductionRefusal) -> Refusal {
    Refusal::Conflict(ca_core::record::IntentConflict::Production(refusal))
}

fn named(
    tx: &Transaction<'_>,
    of: &ProductionOf,
    tenant: &TenantId,
) -> Result<Option<ProductionId>, ReadFault> {
    match of {
        ProductionOf::Order(id) => Ok(Some(id.clone())),
        ProductionOf::Station(station) => works_on(tx, tenant, station),
        ProductionOf::None => Ok(None),
    }
}

/// Returns the open order that a station works on.
fn works_on(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    station: &str,
) -> Result<Option<ProductionId>, ReadFault> {
    let Some(name) = tx.octets(Keyspace::ProductionStations, &station_key(tenant, station))? else {
        return Ok(None);
    };
    let read = core::str::from_utf8(&name).ok().and_then(|name| ProductionId::parse(name).ok());
    Ok(Some(read.ok_or(RowFault::Value { keyspace: Keyspace::ProductionStations.name() })?))
}

/// Returns how often a title on the list of an order was scrapped; nothing where it is not on it.
fn scraps(tx: &Transaction<'_>, id: &ProductionId, title: &SystemTitle) -> Result<Option<u32>, ReadFault> {
    let octets = tx.octets(Keyspace::ProductionLists, &production_list_key(id, title))?;
    octets.map(|octets| parse_scraps(&octets)).transpose()
}

/// Reads what stands under a title on a list.
pub(crate) fn parse_scraps(octets: &[u8]) -> Result<u32, ReadFault> {
    let count = octets.try_into().map(u32::from_be_bytes);
    count.map_err(|_| RowFault::Value { keyspace: Keyspace::ProductionLists.name() }.into())
}

/// Notes an intent of a device, whose place was taken before.
fn add(
    tx: &mut Transaction<'_>,
    order: &mut ProductionOrder,
    device: &mut ProducedRow,
    (title, purpose, id): (&SystemTitle, KeyPurpose, &CertificateId),
) -> Result<(), ActFault> {
    order.count.under_way = order.count.under_way.saturating_add(1);
    device.certificates.push(ProducedCertificate { purpose, id: id.clone(), issued: false });
    if scraps(tx, &device.order, title)?.is_none() {
        list(tx, &device.order, title, 0)?;
    }
    Ok(())
}

fn list(
    tx: &mut Transaction<'_>,
    id: &ProductionId,
    title: &SystemTitle,
    scraps: u32,
) -> Result<(), ActFault> {
    tx.put_octets(Keyspace::ProductionLists, production_list_key(id, title), scraps.to_be_bytes().into())
}

/// Notes that an intent became a certificate.
pub(super) fn issued(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<(), ActFault> {
    let Some((key, mut device)) = counted(tx, id, row)? else { return Ok(()) };
    for one in device.certificates.iter_mut().filter(|one| one.id == *id) {
        one.issued = true;
    }
    if let Some(ProductionRow { mut order }) = tx.row(&device.order)? {
        order.count.under_way = order.count.under_way.saturating_sub(1);
        if is_complete(&order, &device) {
            order.count.complete = order.count.complete.saturating_add(1);
        }
        tx.put(&device.order, &ProductionRow { order })?;
    }
    tx.put(&key, &device)
}

/// Notes that an intent came to nothing. Its device loses its place if it has nothing else.
pub(super) fn ended(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<(), ActFault> {
    let Some((key, mut device)) = counted(tx, id, row)? else { return Ok(()) };
    device.certificates.retain(|one| one.id != *id);
    if let Some(ProductionRow { mut order }) = tx.row(&device.order)? {
        order.count.under_way = order.count.under_way.saturating_sub(1);
        if device.certificates.is_empty() {
            order.count.places = order.count.places.saturating_sub(1);
        }
        tx.put(&device.order, &ProductionRow { order })?;
    }
    if device.certificates.is_empty() {
        tx.remove::<ProducedRow>(&key);
        Ok(())
    } else {
        tx.put(&key, &device)
    }
}

/// Returns the device for whose order an open intent counts. Of what came back from a log its title alone is known.
fn counted(
    tx: &Transaction<'_>,
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<Option<(Place, ProducedRow)>, ReadFault> {
    if row.slot.as_ref().is_some_and(|slot| slot.hierarchy != Hierarchy::Factory) {
        return Ok(None);
    }
    let Some(title) = row.title() else { return Ok(None) };
    let key = (row.tenant.clone(), title);
    let device = tx.row::<ProducedRow>(&key)?;
    let is_open = |device: &ProducedRow| device.certificates.iter().any(|one| one.id == *id && !one.issued);
    Ok(device.filter(is_open).map(|device| (key, device)))
}

fn is_complete(order: &ProductionOrder, device: &ProducedRow) -> bool {
    order.is_complete(device.certificates.iter().filter(|one| one.issued).map(|one| one.purpose))
}

/// Opens an order.
pub(crate) fn open(
    tx: &mut Transaction<'_>,
    mut order: ProductionOrder,
    titles: &[SystemTitle],
    mut event: AuditEvent,
) -> Result<Result<ProductionOrder, ProductionConflict>, ActFault> {
    if tx.has::<ProductionRow>(&order.id)? {
        return Ok(Err(ProductionConflict::Known));
    }
    for station in &order.stations {
        if let Some(by) = works_on(tx, &order.tenant, station)? {
            return Ok(Err(ProductionConflict::StationTaken { station: station.clone(), by }));
        }
    }
    for station in &order.stations {
        let key = station_key(&order.tenant, station);
        tx.put_octets(Keyspace::ProductionStations, key, order.id.as_str().into())?;
    }
    take_up(tx, &mut order)?;
    if order.count.places > 0 {
        event.detail.push_str(&format!("; {} devices of it stand on record", order.count.places));
    }
    for title in titles {
        if scraps(tx, &order.id, title)?.is_none() {
            list(tx, &order.id, title, 0)?;
        }
    }
    tx.seal(event)?;
    tx.put(&order.id.clone(), &ProductionRow { order: order.clone() })?;
    Ok(Ok(order))
}

/// Counts what came back from a log for an order of this name, which itself does not.
fn take_up(tx: &Transaction<'_>, order: &mut ProductionOrder) -> Result<(), ActFault> {
    let (prefix, mut after) = (production_list_prefix(&order.id), Vec::new());
    loop {
        let page = tx
            .view()
            .rows_after(Keyspace::ProductionLists, &prefix, &after, PAGE)
            .map_err(ReadFault::from)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        for (key, octets) in page {
            let damaged = RowFault::Key { keyspace: Keyspace::ProductionLists.name() };
            let title = parse_listed_title(&key).ok_or(damaged)?;
            let count = &mut order.count;
            count.scrapped = count.scrapped.saturating_add(parse_scraps(&octets)?.into());
            let device = tx.row::<ProducedRow>(&(order.tenant.clone(), title))?;
            let Some(device) = device.filter(|device| device.order == order.id) else { continue };
            count.places = count.places.saturating_add(1);
            let open = device.certificates.iter().filter(|one| !one.issued).count();
            count.under_way = count.under_way.saturating_add(u64::try_from(open).unwrap_or(u64::MAX));
            if is_complete(order, &device) {
                order.count.complete = order.count.complete.saturating_add(1);
            }
        }
    }
}

/// Ends an order under which nothing is being made.
pub(crate) fn end(
    tx: &mut Transaction<'_>,
    end: ProductionEnd,
) -> Result<Result<ProductionOrder, ProductionConflict>, ActFault> {
    let ProductionEnd { id, state, mark, reason, mut event } = end;
    let Some(ProductionRow { mut order }) = tx.row(&id)? else {
        return Ok(Err(ProductionConflict::Unknown));
    };
    if let Some((by, _)) = &order.ended {
        return Ok(Err(ProductionConflict::Ended { by: by.clone() }));
    }
    if order.count.under_way > 0 {
        return Ok(Err(ProductionConflict::UnderWay { certificates: order.count.under_way }));
    }
    let count = order.count;
    event.detail.push_str(&format!(
        "; {} ordered, {} complete, {} with a place, {} scrapped",
        order.ordered, count.complete, count.places, count.scrapped
    ));
    tx.seal(event)?;
    write_end(tx, &mut order, state, (mark, reason))?;
    Ok(Ok(order))
}

/// Writes down that an order ended; the audit record of it stands already.
fn write_end(
    tx: &mut Transaction<'_>,
    order: &mut ProductionOrder,
    state: ProductionState,
    ended: (ca_core::record::Mark, String),
) -> Result<(), ActFault> {
    for station in &order.stations {
        tx.remove_key(Keyspace::ProductionStations, station_key(&order.tenant, station));
    }
    order.state = state;
    order.ended = Some(ended);
    tx.put(&order.id.clone(), &ProductionRow { order: order.clone() })
}

/// Scraps a device: revokes what it was given, and frees its place.
pub(crate) fn scrap(
    tx: &mut Transaction<'_>,
    scrap: ScrapRecord,
) -> Result<Result<Scrapped, ProductionConflict>, ActFault> {
    let ScrapRecord { id, title, reason, mut event } = scrap;
    let Some(ProductionRow { order }) = tx.row(&id)? else { return Ok(Err(ProductionConflict::Unknown)) };
    let key = (order.tenant.clone(), title);
    let device = tx.row::<ProducedRow>(&key)?.filter(|device| device.order == id);
    let Some(device) = device else { return Ok(Err(ProductionConflict::NotMade)) };
    let open = device.certificates.iter().filter(|one| !one.issued).count();
    if open > 0 {
        let certificates = u64::try_from(open).unwrap_or(u64::MAX);
        return Ok(Err(ProductionConflict::UnderWay { certificates }));
    }
    let mut revoked = Vec::new();
    for one in &device.certificates {
        let revocation = Revocation { time: event.time, reason, invalidity_date: None };
        let said = AuditEvent {
            act: Act::CertificateRevoked,
            issuer: Some(one.id.issuer),
            serial: Some(one.id.serial.clone()),
            ..event.clone()
        };
        let record = RevocationRecord { id: one.id.clone(), revocation, event: said };
        if matches!(revocation::record(tx, record)?, RevocationOutcome::Recorded { .. }) {
            revoked.push(one.id.clone());
        }
    }
    event.detail.push_str(&format!("; {} certificates revoked", revoked.len()));
    tx.seal(event)?;
    let order = free(tx, order, (&key, &device))?;
    Ok(Ok(Scrapped { revoked, order }))
}

/// Frees the place of a device that was scrapped; the audit record of it stands already.
fn free(
    tx: &mut Transaction<'_>,
    mut order: ProductionOrder,
    (key, device): (&Place, &ProducedRow),
) -> Result<ProductionOrder, ActFault> {
    let before = scraps(tx, &order.id, &key.1)?.unwrap_or_default();
    list(tx, &order.id, &key.1, before.saturating_add(1))?;
    tx.remove::<ProducedRow>(key);
    let complete = u64::from(is_complete(&order, device));
    let count = &mut order.count;
    count.places = count.places.saturating_sub(1);
    count.complete = count.complete.saturating_sub(complete);
    count.scrapped = count.scrapped.saturating_add(1);
    tx.put(&order.id.clone(), &ProductionRow { order: order.clone() })?;
    Ok(order)
}

/// Gives an intent of an exported log its place again, be there more of them than were ordered: they left the line.
pub(crate) fn retake(
    tx: &mut Transaction<'_>,
    order: &ProductionId,
    (tenant, title): (&TenantId, SystemTitle),
    (purpose, id): (KeyPurpose, &CertificateId),
) -> Result<(), ActFault> {
    let key = (tenant.clone(), title);
    let known = tx.row::<ProductionRow>(order)?.map(|row| row.order);
    let device = tx.row::<ProducedRow>(&key)?.filter(|device| device.order == *order);
    let takes = device.is_none();
    let mut device = device.unwrap_or_else(|| ProducedRow { order: order.clone(), certificates: Vec::new() });
    match known {
        Some(mut order) => {
            order.count.places = order.count.places.saturating_add(u64::from(takes));
            add(tx, &mut order, &mut device, (&title, purpose, id))?;
            tx.put(&order.id.clone(), &ProductionRow { order })?;
        }
        // It was opened after the backup, and is counted when it is opened again.
        None => {
            device.certificates.push(ProducedCertificate { purpose, id: id.clone(), issued: false });
            if scraps(tx, order, &title)?.is_none() {
                list(tx, order, &title, 0)?;
            }
        }
    }
    tx.put(&key, &device)
}

/// Does again what the record of an order's end or of a scrapped device tells of; nothing where the order is not known.
pub(crate) fn redo(tx: &mut Transaction<'_>, event: &AuditEvent) -> Result<(), ActFault> {
    let mut parts = event.detail.split("; ");
    let id = parts.next().and_then(|part| ProductionId::parse(part.strip_prefix("order ")?).ok());
    let Some(id) = id else { return Ok(()) };
    let row = tx.row::<ProductionRow>(&id)?;
    if event.act == Act::DeviceScrapped {
        let Some(title) = parts.next().and_then(|part| SystemTitle::parse(part).ok()) else { return Ok(()) };
        let key = (event.tenant.clone(), title);
        let device = tx.row::<ProducedRow>(&key)?.filter(|device| device.order == id);
        let Some(device) = device else { return Ok(()) };
        return match row {
            Some(row) => free(tx, row.order, (&key, &device)).map(drop),
            None => {
                let before = scraps(tx, &id, &title)?.unwrap_or_default();
                tx.remove::<ProducedRow>(&key);
                list(tx, &id, &title, before.saturating_add(1))
            }
        };
    }
    let Some(ProductionRow { mut order }) = row.filter(|row| row.order.ended.is_none()) else {
        return Ok(());
    };
    let mark = ca_core::record::Mark { by: event.actor.clone(), at: event.time };
    if event.act == Act::ProductionCancelled {
        let reason = parts.next().unwrap_or_default().to_owned();
        write_end(tx, &mut order, ProductionState::Cancelled, (mark, reason))
    } else {
        write_end(tx, &mut order, ProductionState::Closed, (mark, String::new()))
    }
}
