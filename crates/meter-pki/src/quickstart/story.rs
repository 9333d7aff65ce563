//! What happens while the servers run: the fleet is made, delivered, swapped; one certificate is revoked; CRL and OCSP are asked.
//!
//! Done as its users would do it: meters over EST, the first of them over CMP, a few behind a head-end, the operator over the socket, the relying party over plain HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use ca_core::certificate::Certificate;
use ca_core::fleet::swap::Road;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use status_server::repository::crl_path;
use utoipa::ToSchema;

use super::Verbs;
use super::claiming::{self, CampaignTold, DeliveryTold, HistoryTold};
use super::est_client::Credential;
use super::fleet::{self, Life, Meter, Surroundings};
use super::layout::Layout;
use super::status_client;
use super::technician::{self, DayTold};
use crate::config::Config;
use crate::exit::Exit;
use crate::ocsp_client::Answer;
use crate::operator::client::OperatorClient;
use crate::operator::wire::words::Serial;
use crate::operator::wire::{
    CrlView, ImportRequest, ImportView, ImportedDevice, RevocationText, RevocationView,
};
use crate::progress::Progress;

/// How long the next CRL may take after a revocation.
const CRL_PATIENCE: Duration = Duration::from_secs(30);

/// Measures from the start of the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the report says how long the person waited")]
    pub(super) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// What the report tells.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Quickstart)]
pub(crate) struct Told {
    pub state: String,
    pub est: String,
    pub cmp: Option<String>,
    /// What to type for a certificate in the place of the revoked one.
    #[schema(value_type = Option<Vec<String>>)]
    pub by_openssl: Option<[String; 2]>,
    pub status: String,
    /// Where browsers come; absent where no operator comes from elsewhere.
    pub console: Option<String>,
    pub meters: usize,
    pub manufactured: usize,
    pub swapped: usize,
    /// Absent where nothing was delivered this time.
    pub delivery: Option<DeliveryTold>,
    /// Absent where no meter waited behind the head-end.
    pub campaign: Option<CampaignTold>,
    pub history: HistoryTold,
    /// Absent where every meter is reached without anybody going there, or the day was played before.
    pub technician: Option<DayTold>,
    pub first_good_seconds: f64,
    #[schema(value_type = Serial)]
    pub revoked_serial: String,
    pub revoked_issuer: String,
    pub crl_number: u64,
    pub crl_entries: u64,
    pub ocsp_before: String,
    pub ocsp_after: String,
    pub total_seconds: f64,
}

/// Plays the story to its end.
pub(super) async fn tell(
    (layout, config): (&Layout, &Config),
    (count, began): (u32, &Stopwatch),
    verbs: Verbs,
    progress: &Progress,
) -> anyhow::Result<Told> {
    // Absent where the state is from before there were manifests.
    let delivers = layout.shipment_signer().exists();
    let meters = fleet::meters(&layout.fleet(), count, delivers);
    let around = Surroundings {
        est: config.est.listen,
        cmp: config.cmp.as_ref().and_then(|cmp| cmp.listen),
        trusted: Arc::new(vec![std::fs::read(layout.authority("dso-root-s1"))?]),
    };
    let operator = OperatorClient::new(&layout.socket());
    let station = Arc::new(station(layout)?);
    let (pioneer, others) = meters.split_first().context("a fleet has at least one meter")?;

    // One meter goes ahead, so that the first certificate in service does not wait for the fleet.
    let listed = if delivers { std::slice::from_ref(pioneer) } else { meters.as_slice() };
    list_devices(layout, listed, &operator).await?;
    fleet::manufacture(std::slice::from_ref(pioneer), &around, &station, progress).await?;
    fleet::swap_ahead(pioneer, &around, progress).await?;
    // The pioneer's TLS certificate stays good; its signature certificate will be revoked.
    let first = Relying::new(layout, config, pioneer, "tls")?.ask().await?;
    ensure!(first == Answer::Good, "OCSP says {first:?} of a certificate in service");
    let relying = Relying::new(layout, config, pioneer, "ds")?;
    let first_good_seconds = began.seconds();
    progress
        .tell(&format!("first operational certificate: OCSP says {first:?} after {first_good_seconds:.1} s"));

    let manufactured = fleet::manufacture(others, &around, &station, progress).await?;
    let mut told = (None, None);
    if delivers {
        told.0 = claiming::deliver(layout, others, (&operator, verbs), progress).await?;
    }
    let swapped = fleet::swap(others, &around, progress).await?;
    if delivers {
        told.1 = claiming::swap_by_campaign(layout, &meters, &operator, progress).await?;
    }
    let (delivery, campaign) = told;
    let followed = meters.iter().find(|meter| meter.road == Road::HeadEnd).unwrap_or(pioneer);
    let history = claiming::history(layout, followed, (&operator, verbs)).await?;
    let day = match followed.road {
        Road::HeadEnd => technician::day((layout, config), followed, (&operator, verbs), progress).await?,
        Road::Device => None,
    };
    let revoked = revoke(&operator, &relying).await?;
    let crl = wait_for_crl(&operator, &relying).await?;
    let after = relying.ask().await?;
    ensure!(after == Answer::Revoked, "OCSP says {after:?} of a revoked certificate");
    Ok(Told {
        state: layout.root().display().to_string(),
        est: format!("https://localhost:{}/.well-known/est/", config.est.listen.port()),
        cmp: around.cmp.map(|cmp| format!("http://{cmp}/.well-known/cmp/p/")),
        by_openssl: around.cmp.map(|cmp| by_openssl(layout, pioneer, cmp)),
        status: format!("http://{}/", config.status.listen),
        console: config
            .operator_door
            .as_ref()
            .map(|door| format!("https://localhost:{}/console", door.listen.port())),
        meters: meters.len(),
        manufactured,
        swapped,
        delivery,
        campaign,
        history,
        technician: day,
        first_good_seconds,
        revoked_serial: revoked,
        revoked_issuer: relying.authority.clone(),
        crl_number: crl.number,
        crl_entries: crl.entries,
        ocsp_before: format!("{first:?}").to_lowercase(),
        ocsp_after: format!("{after:?}").to_lowercase(),
        total_seconds: began.seconds(),
    })
}

/// The commands by which OpenSSL makes a key and enrols it for a meter, in the place that the revocation left.
fn by_openssl(layout: &Layout, meter: &Meter, cmp: std::net::SocketAddr) -> [String; 2] {
    let tls = |kind| meter.file(Life::Operational, "tls", kind).display().to_string();
    let label = format!("meter-op-ds-{}", meter.suite.suffix());
    [
        "openssl ecparam -name prime256v1 -genkey -noout -out new.key".to_owned(),
        format!(
            "openssl cmp -cmd cr -server {cmp} -path .well-known/cmp/p/{label} -trusted {} -cert {} -key {} \
             -newkey new.key -certout new.pem",
            layout.authority("dso-root-s1").display(),
            tls("cer"),
            tls("key")
        ),
    ]
}

/// The head-end that relies on an operational certificate.
struct Relying {
    certificate: Certificate,
    issuer: Certificate,
    authority: String,
    responder: std::net::SocketAddr,
}

impl Relying {
    fn new(layout: &Layout, config: &Config, meter: &Meter, purpose: &str) -> anyhow::Result<Self> {
        let authority = format!("dso-operational-{}", meter.suite.suffix());
        Ok(Self {
            certificate: Certificate::from_der(&meter.certificate(Life::Operational, purpose)?)?,
            issuer: Certificate::from_der(&std::fs::read(layout.authority(&authority))?)?,
            authority,
            responder: config.status.listen,
        })
    }

    async fn ask(&self) -> anyhow::Result<Answer> {
        status_client::ask(self.responder, &self.certificate, &self.issuer).await
    }

    /// Fetches the CRL and tells whether it lists the certificate.
    async fn is_on_crl(&self) -> anyhow::Result<bool> {
        let path = crl_path(&self.issuer.public_key().key_ref());
        let octets = status_client::fetch(self.responder, &path).await?;
        let crl = <x509_cert::crl::CertificateList as der::Decode>::from_der(&octets)?;
        let entries = crl.tbs_cert_list.revoked_certificates.unwrap_or_default();
        Ok(entries.iter().any(|entry| entry.serial_number.as_bytes() == self.certificate.serial().octets()))
    }
}

fn station(layout: &Layout) -> anyhow::Result<Credential> {
    let certificates =
        rustls::pki_types::CertificateDer::pem_file_iter(layout.tls().join("line-station.pem"))?
            .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
            .collect::<Result<Vec<_>, _>>()?;
    let key = PrivatePkcs8KeyDer::from_pem_file(layout.tls().join("line-station.key"))?;
    Ok(Credential { certificates, key: key.secret_pkcs8_der().to_vec() })
}

/// Writes the delivery list and puts it on the owner's list.
async fn list_devices(layout: &Layout, meters: &[Meter], operator: &OperatorClient) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_path(layout.device_list())?;
    let mut devices = Vec::with_capacity(meters.len());
    writer.write_record(["system_title", "manufacturer", "model", "batch"])?;
    for meter in meters {
        let title = meter.title.to_string();
        writer.write_record([title.as_str(), "maker", "MPK-1", "quickstart"])?;
        devices.push(ImportedDevice {
            serial_number: String::new(),
            firmware: String::new(),
            system_title: title,
            manufacturer: Some("maker".to_owned()),
            model: "MPK-1".to_owned(),
            batch: "quickstart".to_owned(),
            region: String::new(),
            concentrator: String::new(),
        });
    }
    writer.flush()?;
    for share in devices.chunks(1_000) {
        let request = ImportRequest { tenant: "dso".to_owned(), devices: share.to_vec(), made: false };
        let view: ImportView = operator.post("/v1/devices", &request).await?;
        ensure!(view.refused.is_empty(), "devices were refused: {:?}", view.refused);
    }
    Ok(())
}

/// Revokes the pioneer's certificate; at a later start it is revoked already.
async fn revoke(operator: &OperatorClient, relying: &Relying) -> anyhow::Result<String> {
    let serial = relying.certificate.serial().to_string();
    let text = RevocationText {
        issuer: Some(relying.authority.clone()),
        serial: serial.clone(),
        reason: "cessationOfOperation".to_owned(),
        invalidity_date: None,
    };
    match operator.post::<RevocationView>("/v1/revocations", &text).await {
        Ok(_) => Ok(serial),
        Err(failure) if failure.exit == Exit::Conflict => Ok(serial),
        Err(failure) => Err(failure.into()),
    }
}

/// Waits until the published CRL lists the certificate.
async fn wait_for_crl(operator: &OperatorClient, relying: &Relying) -> anyhow::Result<CrlView> {
    let published = tokio::time::timeout(CRL_PATIENCE, async {
        while !relying.is_on_crl().await? {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    });
    published.await.context("the revocation did not reach the CRL in time")??;
    let all: Vec<CrlView> = operator.get("/v1/crls", &()).await?;
    all.into_iter().find(|crl| crl.authority == relying.authority).context("the CRL is not on record")
}
