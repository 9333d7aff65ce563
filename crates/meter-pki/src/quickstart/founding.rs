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
use ca_core::key_ref::KeyRef;
use ca_core::ports::Entropy;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use ca_core::suite::{Curve, SecuritySuite};
use ca_store::{EngineKind, Store};
use policies::{ProfileSet, Settings};
use signer_file::{Iterations, KeyDirectory, Passphrase, SystemEntropy};

use super::ceremony::{self, Founded, Room};
use super::configuration::{self, LINE_STATION};
use super::key_pair;
use super::layout::Layout;
use super::progress::Progress;
use crate::compose::{System, compose};
use crate::config::Config;

/// Makes everything, on a thread that may block.
pub(super) async fn found(
    layout: &Layout,
    addresses: (SocketAddr, SocketAddr),
    progress: &Progress,
) -> anyhow::Result<()> {
    tokio::task::block_in_place(|| found_blocking(layout, addresses, progress))
}

fn found_blocking(
    layout: &Layout,
    (est, status): (SocketAddr, SocketAddr),
    progress: &Progress,
) -> anyhow::Result<()> {
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
    ] {
        private_directory(directory)?;
    }
    let passphrase = make_passphrase(layout)?;
    let profiles = ProfileSet::load_embedded(&Settings::default())?;
    // Held until everything is made, so that nobody else takes the ports that the certificates name.
    let held = (hold(est)?, hold(status)?);
    let (est, status) = (held.0.local_addr()?, held.1.local_addr()?);
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
    Store::create(&layout.store(), EngineKind::Fjall)?;
    let settings = configuration::Settings { est, status, checkpoint_key, authorities: &authorities };
    let text = configuration::text(&settings);
    // Checked and used under a name that does not yet say "finished".
    let draft = layout.root().join("meter-pki.draft.toml");
    std::fs::write(&draft, text)?;
    equip(layout, &draft)?;
    std::fs::rename(&draft, layout.config())?;
    drop(held);
    Ok(())
}

/// Issues the certificates of the EST server and of the line station by the operator's own door.
fn equip(layout: &Layout, draft: &Path) -> anyhow::Result<()> {
    let config = Config::load_in_founding(draft)?;
    let system = compose(&config, std::convert::identity)?;
    let server = ("dso-infra-s1", "est-tls-s1", "Example Grid", "EST Server", ["localhost"].as_slice());
    issue_named(layout, &system, server, "server")?;
    let station = ("maker-infra-s1", "ra-station-s1", "Example Meters", LINE_STATION, [].as_slice());
    issue_named(layout, &system, station, "line-station")
}

fn issue_named(
    layout: &Layout,
    system: &System,
    (authority, profile, organization, common_name, hosts): (&str, &str, &str, &str, &[&str]),
    file: &str,
) -> anyhow::Result<()> {
    let served = system
        .authorities
        .iter()
        .find(|served| served.name == authority)
        .with_context(|| format!("there is no authority {authority}"))?;
    let key = key_pair::generate(SecuritySuite::Suite1)?;
    let csr =
        CertificationRequest::from_der(&key_pair::named_request(organization, common_name, hosts, &key)?)?;
    let names = csr
        .requested_extensions()
        .iter()
        .find(|extension| extension.extn_id == ca_core::oid::SUBJECT_ALT_NAME)
        .map(|extension| extension.extn_value.as_bytes());
    let issuer = served.authority.issuer();
    let identity = Identity::Operator { name: "quickstart".to_owned() };
    let issued = served.authority.enrol(EnrolmentRequest {
        actor: Actor { tenant: issuer.tenant().clone(), identity },
        profile: ca_core::profile::ProfileId::parse(profile)?,
        subject: Subject::read(csr.subject(), names)?,
        evidence: Evidence::Request(Box::new(csr)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    })?;
    // The server sends its own certificate and its issuer's; clients know the root.
    let mut pem = pem(issued.der())?;
    pem.push_str(&self::pem(issuer.certificate().der())?);
    write_private(&layout.tls().join(format!("{file}.pem")), pem.as_bytes())?;
    write_private(&layout.tls().join(format!("{file}.key")), key.serialize_pem().as_bytes())
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
