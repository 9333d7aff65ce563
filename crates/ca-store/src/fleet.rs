//! The port [`Fleet`]: finding devices by what is known of them, counting them, their history, and acts on many.
//!
//! A search is driven by the rows of one index, the one with the fewest, and compares the others in the devices' rows. All
//! indexes stand in the order of system titles, so that a search goes on after a title whichever index drives it.

use ca_core::audit::AuditEvent;
use ca_core::ports::{Fleet, Unavailable};
use ca_core::record::{
    ChangeOutcome, Device, DeviceChange, DeviceCount, DeviceCredential, DeviceEvent, DeviceField,
    DeviceQuery, DeviceState, ExpectedDevice, FoundDevices, ImportOutcome, WrappedSecret,
};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use crate::act::device;
use crate::certificate::certificate_row;
use crate::engine::{Durability, View};
use crate::keyspace::fleet::{Found, count_prefix, history_key, index_prefix, parse_history};
use crate::keyspace::{Keyspace, device_list_prefix, parse_listed_title};
use crate::row::{
    CredentialRow, DeliveryRow, DeviceCountRow, DeviceRow, HistoryRow, KeyRow, Row, RowFault, SecretRow,
};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "fleet";

/// How many candidates one search looks at: what bounds its time, however little is found.
const LOOKED_AT: usize = 4_096;

/// How many candidates are read at a time.
const PAGE: usize = 256;

/// How many rows may stand under one device that are listed at once.
const OF_A_DEVICE: usize = 1_024;

impl Fleet for Store {
    fn find_devices(&self, query: &DeviceQuery) -> Result<FoundDevices, Unavailable> {
        self.read(PORT, |view| find(view, query))
    }

    fn count_devices(
        &self,
        tenant: &TenantId,
        field: Option<DeviceField>,
    ) -> Result<Vec<DeviceCount>, Unavailable> {
        self.read(PORT, |view| {
            let (prefix, mut after) = (count_prefix(tenant, field), Vec::new());
            let mut counts = Vec::new();
            loop {
                let page = view.rows_after(Keyspace::DeviceCounts, &prefix, &after, PAGE)?;
                let Some((last, _)) = page.last() else { return Ok(counts) };
                after.clone_from(last);
                for (_, octets) in page {
                    let DeviceCountRow { text, states } = DeviceCountRow::decode(&octets)?;
                    counts.push(DeviceCount { value: text, states });
                }
            }
        })
    }

    fn history(
        &self,
        title: &SystemTitle,
        after: u64,
        limit: usize,
    ) -> Result<Vec<DeviceEvent>, Unavailable> {
        self.read(PORT, |view| {
            let after = history_key(title, after);
            let rows = view.rows_after(Keyspace::DeviceHistory, title.octets(), &after, limit)?;
            rows.iter().map(|(key, octets)| event(key, octets)).collect()
        })
    }

    fn credentials(&self, title: &SystemTitle) -> Result<Vec<DeviceCredential>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::DeviceCredentials, title.octets(), &[], OF_A_DEVICE)?;
            rows.iter().map(|(_, octets)| Ok(CredentialRow::decode(octets)?.credential)).collect()
        })
    }

    fn secrets(&self, title: &SystemTitle) -> Result<Vec<WrappedSecret>, Unavailable> {
        self.read(PORT, |view| secrets(view, title))
    }

    fn export_secrets(
        &self,
        title: &SystemTitle,
        event: AuditEvent,
    ) -> Result<Option<Vec<WrappedSecret>>, Unavailable> {
        let (title, named) = (*title, *title);
        let ours = self
            .write_new(PORT, Durability::Durable, move |tx| device::give_out_secrets(tx, &named, &event))?;
        if ours { self.read(PORT, |view| secrets(view, &title)).map(Some) } else { Ok(None) }
    }

    fn change_devices(&self, change: DeviceChange) -> Result<ChangeOutcome, Unavailable> {
        // Taking a device out of service protects whoever relies on it, and is always done.
        self.write(PORT, Durability::Durable, move |tx| device::change(tx, &change))
    }

    fn record_made(
        &self,
        devices: Vec<ExpectedDevice>,
        event: AuditEvent,
    ) -> Result<ImportOutcome, Unavailable> {
        self.write_new(PORT, Durability::Durable, move |tx| device::record_made(tx, devices, &event))
    }
}

fn event(key: &[u8], octets: &[u8]) -> Result<DeviceEvent, ReadFault> {
    let fault = RowFault::Key { keyspace: Keyspace::DeviceHistory.name() };
    let (_, sequence) = parse_history(key).ok_or(fault)?;
    let HistoryRow { kind, owner, state, delivery, certificate } = HistoryRow::decode(octets)?;
    Ok(DeviceEvent { sequence, kind, owner, state, delivery, certificate })
}

fn secrets(view: &dyn View, title: &SystemTitle) -> Result<Vec<WrappedSecret>, ReadFault> {
    let rows = view.rows_after(Keyspace::DeviceSecrets, title.octets(), &[], OF_A_DEVICE)?;
    rows.iter().map(|(_, octets)| Ok(SecretRow::decode(octets)?.secret)).collect()
}

/// Where the candidates of a search come from.
enum Candidates {
    /// The rows of a keyspace that begin so.
    Rows(Keyspace, Vec<u8>),
    /// These devices, in order.
    Named(Vec<SystemTitle>),
    /// There is none.
    Nobody,
}

fn find(view: &dyn View, query: &DeviceQuery) -> Result<FoundDevices, ReadFault> {
    let mut found = FoundDevices::default();
    match candidates(view, query)? {
        Candidates::Nobody => Ok(found),
        Candidates::Named(mut titles) => {
            titles.retain(|title| query.after.is_none_or(|after| *title > after));
            for title in titles {
                look(view, query, &title, &mut found)?;
            }
            Ok(found)
        }
        Candidates::Rows(keyspace, prefix) => {
            walk(view, query, (keyspace, &prefix), &mut found)?;
            Ok(found)
        }
    }
}

/// Goes through the rows of an index until enough is found, or enough was looked at.
fn walk(
    view: &dyn View,
    query: &DeviceQuery,
    (keyspace, prefix): (Keyspace, &[u8]),
    found: &mut FoundDevices,
) -> Result<(), ReadFault> {
    let under = [prefix, &query.title_prefix].concat();
    let mut after = query.after.map(|title| [prefix, title.octets()].concat()).unwrap_or_default();
    let mut last_seen = query.after;
    loop {
        let page = view.rows_after(keyspace, &under, &after, PAGE)?;
        let is_last = page.len() < PAGE;
        for (key, _) in page {
            let title =
                parse_listed_title(&key).ok_or_else(|| RowFault::Key { keyspace: keyspace.name() })?;
            let enough = found.devices.len() >= query.limit
                || usize::try_from(found.looked_at).unwrap_or(usize::MAX) >= LOOKED_AT;
            if enough {
                found.next = last_seen;
                return Ok(());
            }
            look(view, query, &title, found)?;
            last_seen = Some(title);
            after = key;
        }
        if is_last {
            return Ok(());
        }
    }
}

fn look(
    view: &dyn View,
    query: &DeviceQuery,
    title: &SystemTitle,
    found: &mut FoundDevices,
) -> Result<(), ReadFault> {
    found.looked_at = found.looked_at.saturating_add(1);
    let device = view.row::<DeviceRow>(title)?.map(|row| row.device);
    found.devices.extend(device.filter(|device| is_meant(query, device)));
    Ok(())
}

/// Compares all that the device's own row says. Key and certificate name their devices, and are not compared again.
fn is_meant(query: &DeviceQuery, device: &Device) -> bool {
    let expected = &device.expected;
    expected.tenant == query.tenant
        && query.state.is_none_or(|state| device.state == state)
        && query.fields.iter().all(|(field, text)| expected.field(*field) == Some(text.as_str()))
        && expected.title.octets().starts_with(&query.title_prefix)
        && query.delivery.is_none_or(|digest| device.delivery == Some(digest))
        && !(query.without_operational && device.state == DeviceState::Operational)
}

/// Chooses what drives a search: what names devices, otherwise the index with the fewest rows, as the counts tell.
fn candidates(view: &dyn View, query: &DeviceQuery) -> Result<Candidates, ReadFault> {
    if let Some(key) = &query.key {
        let row = view.row::<KeyRow>(key)?;
        let title = row.and_then(|row| SystemTitle::parse(&row.subject).ok());
        return Ok(title.map_or(Candidates::Nobody, |title| Candidates::Named(vec![title])));
    }
    if query.certificate.is_some() {
        return certified(view, query);
    }
    let mut best: Option<(u64, Found<'_>)> = None;
    let mut offer = |count: u64, found| {
        if best.as_ref().is_none_or(|(least, _)| count < *least) {
            best = Some((count, found));
        }
    };
    for (field, text) in &query.fields {
        // Each device has a serial number of its own.
        let count = if *field == DeviceField::SerialNumber {
            1
        } else {
            counted(view, query, (Some(*field), text), None)?
        };
        // What is nowhere in the state that is asked for is not looked for.
        if *field != DeviceField::SerialNumber
            && counted(view, query, (Some(*field), text), query.state)? == 0
        {
            return Ok(Candidates::Nobody);
        }
        offer(count, Found::Field(*field, text));
    }
    if let Some(digest) = &query.delivery {
        let delivery = view.row::<DeliveryRow>(digest)?;
        offer(delivery.map_or(0, |row| row.delivery.imported), Found::Delivery(digest));
    }
    if let Some(state) = query.state {
        offer(counted(view, query, (None, ""), Some(state))?, Found::State(state));
    }
    let tenant = &query.tenant;
    Ok(match best {
        Some((0, _)) => Candidates::Nobody,
        Some((_, found)) => Candidates::Rows(Keyspace::DeviceIndex, index_prefix(tenant, &found)),
        None => Candidates::Rows(Keyspace::DeviceLists, device_list_prefix(tenant)),
    })
}

/// Tells how many devices have a text in a field, in a state or in all.
fn counted(
    view: &dyn View,
    query: &DeviceQuery,
    (field, text): (Option<DeviceField>, &str),
    wanted: Option<DeviceState>,
) -> Result<u64, ReadFault> {
    let row = view.row::<DeviceCountRow>(&(query.tenant.clone(), field, text.to_owned()))?;
    let Some(DeviceCountRow { states, .. }) = row else { return Ok(0) };
    let wanted = |state: &DeviceState| wanted.is_none_or(|wanted| wanted == *state);
    let counts = DeviceState::ALL.iter().zip(states).filter(|(state, _)| wanted(state));
    Ok(counts.fold(0, |sum: u64, (_, count)| sum.saturating_add(count)))
}

/// Names the devices that have a certificate of the serial number: delivered with them, or issued here.
fn certified(view: &dyn View, query: &DeviceQuery) -> Result<Candidates, ReadFault> {
    let Some((serial, issuers)) = &query.certificate else { return Ok(Candidates::Nobody) };
    let mut titles = std::collections::BTreeSet::new();
    let prefix = index_prefix(&query.tenant, &Found::Certificate(serial));
    for (key, _) in view.rows_after(Keyspace::DeviceIndex, &prefix, &[], LOOKED_AT)? {
        titles.extend(parse_listed_title(&key));
    }
    for issuer in issuers {
        let id = ca_core::record::CertificateId { issuer: *issuer, serial: serial.clone() };
        titles.extend(certificate_row(view, &id)?.and_then(|row| row.title()));
    }
    Ok(Candidates::Named(titles.into_iter().collect()))
}
