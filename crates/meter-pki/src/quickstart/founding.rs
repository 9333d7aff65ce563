//! From an empty state directory to a configuration that `serve` can read: passphrase, keys, ceremony, ledger, server
//! certificate, line station.
//!
//! The configuration file is written last: it exists exactly when everything it names does.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ca_core::actor::{Actor, Identity};
use ca_core::csr::CertificationRequest;
use ca_core::exchange::certification_request;
use ca_core::key_ref::KeyRef;
use ca_core::ports::Entropy;
use ca_core::profile::ProfileId;
use ca_core::suite::{Curve, SecuritySuite};
use ca_store::{EngineKind, Store};
use policies::{ProfileSet, Settings};
use signer_file::{Iterations, KeyDirectory, Passphrase, SystemEntropy};

use super::ceremony::{self, Founded, Room};
use super::configuration::{self, LINE_STATION};
use super::key_pair;
use super::layout::Layout;
use crate::compose::keys::Absence;
use crate::compose::{ServedAuthority, System, compose, name_beside};
use crate::config::Config;
use crate::progress::Progress;

/// Makes everything, on a thread that may block.
pub(super) async fn found(
    layout: &Layout,
    addresses: [SocketAddr; 4],
    progress: &Progress,
) -> anyhow::Result<()> {
    tokio::task::block_in_place(|| found_blocking(layout, addresses, progress))
}

fn found_blocking(layout: &Layout, addresses: [SocketAddr; 4], progress: &Progress) -> anyhow::Result<()> {
    if layout.root().exists() && std::fs::read_dir(layout.root())?.next().is_some() {
        bail!(
            "{} is not empty and holds no finished quickstart: name another directory with --state, or take it away",
            layout.root().display()
        );
    }
    for directory in [
        layout.root(),
        &layout.authorities(),
        &layout.tls(),
        &layout.published(),
        &layout.releases(),
        &layout.audit(),
        &layout.fleet(),
        &layout.shipments(),
        &layout.people(),
        &layout.unit(""),
    ] {
        private_directory(directory)?;
    }
    let passphrase = make_passphrase(layout)?;
    let profiles = ProfileSet::load_embedded(&Settings::default())?;
    // Held until everything is made, so that nobody else takes the ports that the certificates name.
    let held = addresses.into_iter().map(hold).collect::<anyhow::Result<Vec<TcpListener>>>()?;
    let listens = held.iter().map(TcpListener::local_addr).collect::<std::io::Result<Vec<SocketAddr>>>()?;
    let [est, cmp, status, operator] = listens.try_into().ok().context("one listener for each address")?;
    // The passphrase has 192 random bits: no number of iterations makes a guess at it dearer.
    let online = KeyDirectory::create(&layout.keys())?.with_iterations(Iterations::LEAST);
    let room = Room {
        layout,
        profiles: &profiles,
        passphrase: &passphrase,
        online: &online,
        status_uri: &format!("http://{status}"),
    };
    progress.tell("rehearsal ceremony: roots and sub-CAs of both suites");
    let founded = ceremony::hold(&room, progress)?;
    let authorities = with_responders(founded, &online, &passphrase)?;
    let checkpoint_key = online.generate(Curve::P256, &passphrase)?.key_ref();
    let message_key = online.generate(Curve::P256, &passphrase)?.key_ref();
    Store::create(&layout.store(), EngineKind::Fjall)?;
    let settings =
        configuration::Settings { est, cmp, status, operator, checkpoint_key, authorities: &authorities };
    let text = configuration::text(&settings);
    // Checked and used under a name that does not yet say "finished".
    let draft = layout.root().join("meter-pki.draft.toml");
    std::fs::write(&draft, text)?;
    equip(layout, &draft, &message_key)?;
    std::fs::rename(&draft, layout.config())?;
    drop(held);
    Ok(())
}

/// Issues the certificates of the EST server, of the signer of CMP's answers, of the line station and of both ends of shipments by
/// the operator's own door.
fn equip(layout: &Layout, draft: &Path, message_key: &KeyRef) -> anyhow::Result<()> {
    let config = Config::load_in_founding(draft)?;
    let system = compose(&config, Absence::Fails, std::convert::identity)?;
    let server = ("dso-infra-s1", "est-tls-s1", "Example Grid", "EST Server", ["localhost"].as_slice());
    issue_named(layout, &system, server, "server")?;
    issue_message_signer(layout, &system, message_key)?;
    let station = ("maker-infra-s1", "ra-station-s1", "Example Meters", LINE_STATION, [].as_slice());
    issue_named(layout, &system, station, "line-station")?;
    equip_for_shipments(layout, &system)
}

/// Lets the manufacturer sign manifests of what he delivers, and the owner open them.
fn equip_for_shipments(layout: &Layout, system: &System) -> anyhow::Result<()> {
    let signer = ("maker-infra-s1", "ship-signer-s1", "Example Meters", "Shipments", [].as_slice());
    let (own, above, key) = certified(system, signer)?;
    write_private(&layout.shipment_signer(), format!("{own}{above}{key}").as_bytes())?;
    let recipient = ("dso-infra-s1", "ship-recipient-s1", "Example Grid", "Deliveries", [].as_slice());
    let (own, _, key) = certified(system, recipient)?;
    write_private(&layout.shipment_recipient_certificate(), own.as_bytes())?;
    write_private(&layout.shipment_recipient(), format!("{own}{key}").as_bytes())
}

/// Who is certified: authority, profile, organization, common name, host names.
type Named<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [&'a str]);

fn issue_named(layout: &Layout, system: &System, named: Named<'_>, file: &str) -> anyhow::Result<()> {
    let (own, above, key) = certified(system, named)?;
    // The server sends its own certificate and its issuer's; clients know the root.
    write_private(&layout.tls().join(format!("{file}.pem")), format!("{own}{above}").as_bytes())?;
    write_private(&layout.tls().join(format!("{file}.key")), key.as_bytes())
}

/// Makes a key and certifies it; returns the certificate, that of its issuer, and the key, PEM each.
fn certified(
    system: &System,
    (authority, profile, organization, common_name, hosts): Named<'_>,
) -> anyhow::Result<(String, String, String)> {
    let served = served(system, authority)?;
    let key = key_pair::generate(SecuritySuite::Suite1)?;
    let csr =
        CertificationRequest::from_der(&key_pair::named_request(organization, common_name, hosts, &key)?)?;
    let issuer = served.authority.issuer();
    let issued = served.certify(operator(served), ProfileId::parse(profile)?, csr)?;
    Ok((pem(issued.der())?, pem(issuer.certificate().der())?, key.serialize_pem()))
}

/// As `meter-pki cert message-signer` does it.
fn issue_message_signer(layout: &Layout, system: &System, key: &KeyRef) -> anyhow::Result<()> {
    let served = served(system, "dso-infra-s1")?;
    let subject = name_beside(served.authority.issuer().name(), "Messages")?;
    let csr = certification_request(&subject, key, &*system.ports().signer)?;
    let issued = served.certify(operator(served), ProfileId::parse("cmp-signer-s1")?, csr)?;
    Ok(std::fs::write(layout.message_signer(), issued.der())?)
}

fn served<'a>(system: &'a System, name: &str) -> anyhow::Result<&'a ServedAuthority> {
    let found = system.authorities.iter().find(|served| served.name == name);
    found.with_context(|| format!("there is no authority {name}"))
}

fn operator(served: &ServedAuthority) -> Actor {
    let identity = Identity::Operator { name: "quickstart".to_owned() };
    Actor { tenant: served.authority.issuer().tenant().clone(), identity }
}

fn with_responders(
    founded: Vec<Founded>,
    keys: &KeyDirectory,
    passphrase: &Passphrase,
) -> anyhow::Result<Vec<(Founded, KeyRef)>> {
    founded
        .into_iter()
        .map(|one| {
            let key = keys.generate(one.suite.curve(), passphrase)?.key_ref();
            Ok((one, key))
        })
        .collect()
}

fn make_passphrase(layout: &Layout) -> anyhow::Result<Passphrase> {
    let mut octets = [0; 24];
    SystemEntropy.fill(&mut octets)?;
    write_private(&layout.passphrase(), URL_SAFE_NO_PAD.encode(octets).as_bytes())?;
    Ok(Passphrase::load(&layout.passphrase())?)
}

/// Takes an address; port 0 becomes one that is free, so that the URIs in certificates stay true at later starts.
fn hold(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen at {address}"))
}

fn private_directory(path: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Ok(())
}

fn write_private(path: &Path, octets: &[u8]) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    file.sync_all()?;
    Ok(())
}

fn pem(der: &[u8]) -> anyhow::Result<String> {
    Ok(der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, der)?)
}
