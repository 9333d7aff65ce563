//! A factory line that enrols for devices over CMP (RFC 9483 §4.1.1): ir, ip, certConf, pkiConf, each signed, on kept HTTP
//! connections. The first message of each is made beforehand; all others are made, and all answers judged, while time is measured.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::certification_request;
use ca_core::oid;
use ca_core::path::TrustAnchor;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::trust::{Anchor, Voucher};
use ca_store::EngineKind;
use client_kit::FileKey;
use cmp_client::{CmpClient, Conversation, Outcome, Question, Request, Step};
use cmp_server::config::{
    BatchLimits, CmpConfig, CmpParts, Confirmations, DEFAULT_BODY_OCTETS, FinalNonce, Label, LabelParts,
    MessageSigner,
};
use hyper::body::Bytes;
use server_kit::metrics::Metrics;
use server_kit::workers::{PoolSize, WorkerPool};
use signer_file::SystemEntropy;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::applicants::{Applicant, Queue, applicants, on_all_processors};
use crate::authorities::certified_request;
use crate::est_ground::station;
use crate::house::House;
use crate::http::{Client, Site, Target, bare_router};
use crate::kept::{CLIENTS, connect_all, exchanges, finished};
use crate::measure::{Limit, Scene, Term, measure};
use crate::speed::Stopwatch;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

pub(crate) const MEDIA_TYPE: &str = "application/pkixcmp";

/// The label, and the profile that it opens.
const LABEL: &str = "meter-factory-ds";

/// How long an answer is, about, in octets.
pub(crate) const ANSWER_OCTETS: usize = 3_000;

/// Measures all rows about CMP.
pub(crate) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    for suite in SecuritySuite::ALL {
        let name = format!("CMP, {}, ir confirmed, kept connections", suite.curve());
        if stage.wants(&name) {
            let house = stage.house(&format!("cmp-{suite}"), suite, EngineKind::Fjall)?;
            let mut line = runtime.block_on(Line::open(&house, runtime))?;
            stage.keep(measure(&name, &mut line, stage.pace(), yardsticks)?);
            runtime.block_on(line.close())?;
        }
    }
    Ok(())
}

/// The line, and the server that it asks.
struct Line<'g> {
    house: &'g House,
    runtime: &'g Runtime,
    client: Arc<CmpClient>,
    cmp: Site,
    bare: Site,
    last: Option<SystemTitle>,
}

impl<'g> Line<'g> {
    async fn open(house: &'g House, runtime: &'g Runtime) -> anyhow::Result<Self> {
        let cmp = Site::open(cmp_server::routes::router(Arc::new(config(house)?)), None).await?;
        let bare = Site::open(bare_router(ANSWER_OCTETS), None).await?;
        Ok(Self { house, runtime, client: Arc::new(client(house)?), cmp, bare, last: None })
    }

    async fn close(self) -> anyhow::Result<()> {
        self.cmp.close().await?;
        self.bare.close().await
    }

    fn target(&self) -> Target {
        Target {
            address: self.cmp.address,
            path: format!("/.well-known/cmp/p/{LABEL}"),
            media_type: MEDIA_TYPE,
            is_good: |body| !body.is_empty(),
        }
    }
}

impl Scene for Line<'_> {
    type Work = (Vec<Client>, Vec<Conversation>);

    fn step(&self) -> usize {
        CLIENTS
    }

    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work> {
        let titles = self.house.new_titles(count);
        self.last = titles.last().copied();
        let devices = applicants(self.house.suite, titles)?;
        let begun = on_all_processors(devices, |device| begin(&self.client, &device))?;
        Ok((self.runtime.block_on(connect_all(&self.target(), None))?, begun))
    }

    fn run(&mut self, (clients, begun): Self::Work) -> anyhow::Result<Vec<Duration>> {
        self.runtime.block_on(talk_all(clients, begun, &self.target()))
    }

    /// Four messages are signed, and the certificate; verified are the four, the proof of possession, and the new certificate by
    /// whoever signed and whoever asked for it. Those behind the messages were verified when they were first seen.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let bare = Target::bare(&self.bare, MEDIA_TYPE);
        let slice = yardsticks.slice();
        let found = self.runtime.block_on(async {
            let sample = Bytes::from(vec![0x30; ANSWER_OCTETS]);
            exchanges(connect_all(&bare, None).await?, &sample, &bare, slice).await
        })?;
        let (curve, workers) = (self.house.suite.curve(), PoolSize::default().workers.get());
        // The first of the four is made beforehand.
        let sign = Term::new(4, "sign", yardsticks.signatures(curve, workers)?);
        let verify = Term::new(7, "verify", yardsticks.verifications(curve, workers)?);
        let syncs = Term::new(3, "fdatasync", yardsticks.syncs()?).shared_by(u32::try_from(CLIENTS)?);
        Ok(Limit::of(vec![vec![Term::new(2, "exchange", found), sign, verify], vec![syncs]]))
    }

    fn stored(&self) -> Option<u32> {
        Some(self.house.stored())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        self.house.expect_issued(&self.house.factory, &self.last.context("no device was prepared")?)
    }
}

/// Brings every conversation to its end, each over whichever connection is free. Returns how long each took.
async fn talk_all(
    clients: Vec<Client>,
    begun: Vec<Conversation>,
    target: &Target,
) -> anyhow::Result<Vec<Duration>> {
    let queue = Queue::new(begun);
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let (queue, target) = (queue.clone(), target.clone());
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while let Some(conversation) = queue.take() {
                let watch = Stopwatch::start();
                talk(&mut client, conversation, &target).await?;
                waits.push(watch.elapsed());
            }
            client.close().await?;
            Ok(waits)
        });
    }
    finished(tasks).await
}

/// Makes the first message about a device.
pub(crate) fn begin(client: &Arc<CmpClient>, device: &Applicant) -> anyhow::Result<Conversation> {
    let key = FileKey::from_der(&device.key)?;
    let subject = DistinguishedName::of_device(&device.title)?;
    let request = Request { subject: &subject, extensions: &[], key: &key.public().key_ref(), signer: &key };
    Ok(client.begin(&Question::Initialization(request))?)
}

/// Brings a conversation to its end: a certificate.
pub(crate) async fn talk(
    client: &mut Client,
    mut conversation: Conversation,
    target: &Target,
) -> anyhow::Result<()> {
    loop {
        let answer = client.post(target, Bytes::from(conversation.outgoing()?)).await?;
        match conversation.answered(&answer)? {
            Step::Send => {}
            Step::Done(Outcome::Issued(_)) => return Ok(()),
            other @ (Step::Wait { .. } | Step::Done(_)) => bail!("no certificate came, but {other:?}"),
        }
    }
}

/// The line as somebody who asks.
pub(crate) fn client(house: &House) -> anyhow::Result<CmpClient> {
    let (certificates, key) = (house.station.certificates.clone(), FileKey::from_der(&house.station.key)?);
    let means = cmp_client::Means::Signature(cmp_client::Credential {
        certificates,
        key: key.public().key_ref(),
        signer: Arc::new(key),
    });
    Ok(CmpClient {
        means,
        agreement: None,
        trust: vec![house.root.clone()],
        recipient: DistinguishedName::empty(),
        profile: None,
        confirms: true,
        takes_roots: false,
        clock_window: None,
        clock: Arc::clone(&house.ports.clock),
        entropy: Arc::new(SystemEntropy),
    })
}

fn config(house: &House) -> anyhow::Result<CmpConfig> {
    let label = Label::new(LabelParts {
        name: LABEL.to_owned(),
        authority: Arc::clone(&house.factory),
        profile: house.profile(LABEL)?,
        anchors: vec![Anchor {
            anchor: TrustAnchor::from_certificate(house.infrastructure.issuer().certificate()),
            vouches_for: Voucher::Infrastructure,
        }],
        registration_authorities: vec![station(house)?],
        messages: messages(house)?,
        secrets: None,
        central_keys: None,
        confirmations: Confirmations::default(),
        final_nonce: FinalNonce::default(),
        on_revocation: Arc::new(|| {}),
        ca_certificates: vec![house.root.clone(), house.factory.issuer().certificate().clone()],
    })
    .map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let parts = CmpParts {
        labels: vec![label],
        default_label: None,
        alias_paths: std::collections::BTreeMap::new(),
        clock: Arc::clone(&house.ports.clock),
        registry: Arc::clone(&house.ports.registry),
        workers: WorkerPool::start("cmp", &PoolSize::default(), &Metrics::new("bench"))?,
        max_body_octets: DEFAULT_BODY_OCTETS,
        batches: BatchLimits::default(),
        time_window_seconds: 300,
    };
    CmpConfig::new(parts).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}

/// Who signs the server's messages: a key like those of the authorities.
fn messages(house: &House) -> anyhow::Result<MessageSigner> {
    let name = DistinguishedName::from_attributes(&[(oid::COMMON_NAME, "CMP Signer")])?;
    let csr = certification_request(&name, &house.message_key, &*house.ports.signer)?;
    let path = certified_request(&house.infrastructure, &house.profile("cmp-signer")?, csr)?;
    let mut chain = path.iter().map(|der| Certificate::from_der(der));
    let own = chain.next().context("the signer of messages has no certificate")??;
    Ok(MessageSigner::new(own, chain.collect::<Result<_, _>>()?, Arc::clone(&house.ports.signer))?)
}
