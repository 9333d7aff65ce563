//! The day of a field technician: a visit that two people approve, certificates for his hand-held unit, what he takes along and
//! what he brings back, and that nothing is good when it is over.
//!
//! Each of them is at the server with his own certificate, over TLS, by the routes of `meter-pki visit`.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::ports::{Clock, Signer};
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use client_kit::FileKey;
use cms_messages::signed::{Draft, SignerName};
use const_oid::db::rfc5911::ID_DATA;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::Verbs;
use super::fleet::{Meter, keep};
use super::key_pair;
use super::layout::Layout;
use super::people::{Person, equip};
use super::status_client;
use crate::compose::SystemClock;
use crate::config::Config;
use crate::exit::Exit;
use crate::ocsp_client::Answer;
use crate::operator::client::OperatorClient;
use crate::operator::wire::CertificateView;
use crate::operator::wire::visits::{
    BundleView, ReceiptsText, ReceiptsView, VisitCertificateText, VisitDecisionText, VisitEndText,
    VisitPlanText, VisitText, VisitView,
};
use crate::operator::wire::words::{self, Serial, TimeText};
use crate::progress::Progress;

const VISIT: &str = "QUICKSTART-1";
const AUTHORITY: &str = "dso-maintenance-s1";
const PROFILE: &str = "hhu-op-ds-s1";

/// The system title of the hand-held unit.
const UNIT: SystemTitle = SystemTitle::new(*b"MPKH\0\0\0\x01");

/// How long the visit may last, in seconds.
const LASTS: i64 = 4 * 3_600;

const DISPATCH: Person = Person { id: "dispatch", name: "Dispatch", role: "ra-officer" };
const TECHNICIAN: Person = Person { id: "field-1", name: "Field technician", role: "technician" };
const APPROVERS: [Person; 2] = [
    Person { id: "shift-lead", name: "Shift lead", role: "approver" },
    Person { id: "grid-control", name: "Grid control", role: "approver" },
];

/// What is told of the day.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = QuickstartDay)]
pub(crate) struct DayTold {
    pub visit: String,
    pub technician: String,
    pub unit: String,
    #[schema(value_type = words::SystemTitle)]
    pub meter: String,
    pub approved_by: Vec<String>,
    /// The serial number of the first certificate.
    #[schema(value_type = Serial)]
    pub first: String,
    #[schema(value_type = TimeText)]
    pub first_good_until: String,
    /// The serial number of the one that took its place.
    #[schema(value_type = Serial)]
    pub second: String,
    /// What OCSP says of both: before the second was there, with it, and after the end of the visit.
    #[schema(value_type = Vec<Vec<Option<String>>>)]
    pub ocsp: [[Option<String>; 2]; 3],
    pub bundle: String,
    pub receipts: usize,
    pub faults: usize,
    /// The file by which the command line is the technician.
    pub client_file: String,
}

/// The people of the day, each at the server.
struct Crew {
    dispatch: OperatorClient,
    technician: OperatorClient,
    approvers: Vec<OperatorClient>,
    client_file: PathBuf,
}

/// Plays the day, on a meter that no link reaches; nothing is told of one that was played before.
pub(super) async fn day(
    (layout, config): (&Layout, &Config),
    meter: &Meter,
    (administrator, verbs): (&OperatorClient, Verbs),
    progress: &Progress,
) -> anyhow::Result<Option<DayTold>> {
    let Some(door) = &config.operator_door else { return Ok(None) };
    let known = known(administrator).await?;
    if known.as_ref().is_some_and(|visit| !is_open(visit)) {
        return Ok(None);
    }
    let origin = format!("https://localhost:{}", door.listen.port());
    let crew = Crew::gather(layout, &origin, (administrator, verbs)).await?;
    let visit = approved(&crew, known, meter).await?;
    progress.tell(&format!("visit {VISIT} to meter {}: approved by two", meter.title));

    let units = Units { layout, config };
    let first = units.certificate(&crew.technician, 1).await?;
    let before = [Some(units.ocsp(&first).await?), None];
    let bundle = take_along(layout, &crew.technician).await?;
    let second = units.certificate(&crew.technician, 2).await?;
    let renewed = units.both(&first, &second).await?;
    let receipts = units.bring_back(&crew.technician, &second, meter).await?;
    let text = VisitEndText { reason: "the meter answers again".to_owned() };
    drop(crew.dispatch.post::<VisitView>(&route("/end"), &text).await?);
    let after = units.both(&first, &second).await?;
    let told =
        |answers: [Option<Answer>; 2]| answers.map(|one| one.map(|one| format!("{one:?}").to_lowercase()));
    let (good, revoked) = (Some(Answer::Good), Some(Answer::Revoked));
    ensure!(
        before == [good, None] && renewed == [revoked, good] && after == [revoked, revoked],
        "OCSP says {before:?}, {renewed:?}, {after:?} of the certificates of a visit"
    );
    Ok(Some(DayTold {
        visit: VISIT.to_owned(),
        technician: TECHNICIAN.id.to_owned(),
        unit: UNIT.to_string(),
        meter: meter.title.to_string(),
        approved_by: visit
            .approvals
            .iter()
            .map(|mark| mark.by.trim_start_matches("operator:").to_owned())
            .collect(),
        first: first.serial,
        first_good_until: first.not_after,
        second: second.serial,
        ocsp: [told(before), told(renewed), told(after)],
        bundle: bundle.display().to_string(),
        receipts: receipts.entries,
        faults: receipts.faults.len(),
        client_file: crew.client_file.display().to_string(),
    }))
}

impl Crew {
    async fn gather(
        layout: &Layout,
        origin: &str,
        (administrator, verbs): (&OperatorClient, Verbs),
    ) -> anyhow::Result<Self> {
        let dispatch = (verbs.operate_elsewhere)(&equip(layout, origin, &DISPATCH, administrator).await?)?;
        let client_file = equip(layout, origin, &TECHNICIAN, administrator).await?;
        let technician = (verbs.operate_elsewhere)(&client_file)?;
        let mut approvers = Vec::with_capacity(APPROVERS.len());
        for person in &APPROVERS {
            approvers.push((verbs.operate_elsewhere)(&equip(layout, origin, person, administrator).await?)?);
        }
        Ok(Self { dispatch, technician, approvers, client_file })
    }
}

fn route(what: &str) -> String {
    format!("/v1/visits/{VISIT}{what}")
}

/// The visit, if an earlier run opened it.
async fn known(operator: &OperatorClient) -> anyhow::Result<Option<VisitView>> {
    match operator.get(&route(""), &()).await {
        Ok(visit) => Ok(Some(visit)),
        Err(failure) if failure.exit == Exit::NotFound => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

fn is_open(visit: &VisitView) -> bool {
    ["waiting", "approved", "under-way"].contains(&visit.state.as_str())
}

/// Opens the visit, and has it approved by its digest. What an interrupted run did is not done again.
async fn approved(crew: &Crew, known: Option<VisitView>, meter: &Meter) -> anyhow::Result<VisitView> {
    let mut visit = match known {
        Some(visit) => visit,
        None => {
            let text = VisitText { id: VISIT.to_owned(), plan: plan(meter) };
            crew.dispatch.post("/v1/visits", &text).await?
        }
    };
    for approver in &crew.approvers {
        if visit.state != "waiting" {
            break;
        }
        let text = VisitDecisionText { digest: visit.digest.clone(), refused_for: None };
        visit = match approver.post(&route("/decisions"), &text).await {
            Err(failure) if failure.code == "visit.same-person" => continue,
            decided => decided?,
        };
    }
    Ok(visit)
}

fn plan(meter: &Meter) -> VisitPlanText {
    let now = SystemClock.now();
    VisitPlanText {
        tenant: "dso".to_owned(),
        technician: TECHNICIAN.id.to_owned(),
        unit: UNIT.to_string(),
        meters: vec![meter.title.to_string()],
        region: String::new(),
        from: now.to_string(),
        until: now.plus_seconds(LASTS).to_string(),
        reason: "no answer for two weeks".to_owned(),
    }
}

/// The bundle for where there is no coverage.
async fn take_along(layout: &Layout, technician: &OperatorClient) -> anyhow::Result<PathBuf> {
    let view: BundleView = technician.post(&route("/bundles"), &()).await?;
    let file = layout.unit("bundle.p7");
    keep(&file, &STANDARD.decode(&view.bundle)?)?;
    Ok(file)
}

/// The hand-held unit, and who asks what its certificates are worth.
struct Units<'a> {
    layout: &'a Layout,
    config: &'a Config,
}

impl Units<'_> {
    /// The unit makes a key; the technician asks for its certificate.
    async fn certificate(&self, technician: &OperatorClient, number: u8) -> anyhow::Result<CertificateView> {
        let key = key_pair::generate(SecuritySuite::Suite1)?;
        let request = STANDARD.encode(key_pair::device_request(&UNIT, &key)?);
        keep(&self.key_file(number), key.serialized_der())?;
        let text = VisitCertificateText { profile: PROFILE.to_owned(), request };
        let view: CertificateView = technician.post(&route("/certificates"), &text).await?;
        keep(
            &self.layout.unit(&format!("unit-{number}.pem")),
            view.pem.as_deref().unwrap_or_default().as_bytes(),
        )?;
        Ok(view)
    }

    fn key_file(&self, number: u8) -> PathBuf {
        self.layout.unit(&format!("unit-{number}.key"))
    }

    async fn both(
        &self,
        first: &CertificateView,
        second: &CertificateView,
    ) -> anyhow::Result<[Option<Answer>; 2]> {
        Ok([Some(self.ocsp(first).await?), Some(self.ocsp(second).await?)])
    }

    async fn ocsp(&self, view: &CertificateView) -> anyhow::Result<Answer> {
        let issuer = Certificate::from_der(&std::fs::read(self.layout.authority(AUTHORITY))?)?;
        status_client::ask(self.config.status.listen, &certificate(view)?, &issuer).await
    }

    /// The unit signs its log, as `docs/operate/technicians.md` describes it, and the technician hands it in.
    async fn bring_back(
        &self,
        technician: &OperatorClient,
        with: &CertificateView,
        meter: &Meter,
    ) -> anyhow::Result<ReceiptsView> {
        let key = FileKey::from_der(&std::fs::read(self.key_file(2))?)?;
        let log = signed(log(meter), &certificate(with)?, &key)?;
        keep(&self.layout.unit("log.p7"), &log)?;
        Ok(technician.post(&route("/receipts"), &ReceiptsText { log: STANDARD.encode(log) }).await?)
    }
}

fn certificate(view: &CertificateView) -> anyhow::Result<Certificate> {
    let pem = view.pem.as_deref().context("the answer has no certificate")?;
    Ok(Certificate::from_der(&der::pem::decode_vec(pem.as_bytes())?.1)?)
}

/// Two entries, each with the hash of the line before.
fn log(meter: &Meter) -> String {
    let mut lines = vec![format!("meter-pki receipts 1; visit {VISIT}; unit {UNIT}")];
    for (number, what) in [(1, "read the registers"), (2, "exchanged the battery")] {
        let before = lines.last().map(|line| hex::encode(Sha256::digest(line))).unwrap_or_default();
        lines.push(format!("{number} {before} {} {} {what}", SystemClock.now(), meter.title));
    }
    lines.join("\n") + "\n"
}

fn signed(log: String, certificate: &Certificate, key: &FileKey) -> anyhow::Result<Vec<u8>> {
    let public = certificate.public_key();
    let draft = Draft::new(public.curve(), ID_DATA, log.into_bytes())?;
    let signature = key.sign(&public.key_ref(), &draft.to_be_signed()?)?;
    let signed = draft.signed((certificate, SignerName::IssuerAndSerialNumber), &signature, &[])?;
    Ok(signed.in_der_order()?.to_content_info()?)
}
