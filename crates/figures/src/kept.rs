//! Clients that keep their connections and send one request after the other, and clients that make a new one each time.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use rustls::ClientConfig;
use tokio::task::JoinSet;

use crate::applicants::Queue;
use crate::http::{Client, Target};
use crate::speed::{Speed, Stopwatch};

/// How many clients there are at the same time.
pub(crate) const CLIENTS: usize = 64;

/// Connects every client.
pub(crate) async fn connect_all(
    target: &Target,
    tls: Option<&Arc<ClientConfig>>,
) -> anyhow::Result<Vec<Client>> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(target.address, tls).await?);
    }
    Ok(clients)
}

/// Sends every body once, each over whichever connection is free. Returns how long each waited for its answer.
pub(crate) async fn send_all(
    clients: Vec<Client>,
    bodies: Vec<Bytes>,
    target: &Target,
) -> anyhow::Result<Vec<Duration>> {
    let queue = Queue::new(bodies);
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let (queue, target) = (queue.clone(), target.clone());
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while let Some(body) = queue.take() {
                let watch = Stopwatch::start();
                client.post(&target, body).await?;
                waits.push(watch.elapsed());
            }
            client.close().await?;
            Ok(waits)
        });
    }
    finished(tasks).await
}

/// Sends the same body again and again for as long as `slice` over each connection.
pub(crate) async fn exchanges(
    clients: Vec<Client>,
    body: &Bytes,
    target: &Target,
    slice: Duration,
) -> anyhow::Result<Speed> {
    let watch = Stopwatch::start();
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let (body, target) = (body.clone(), target.clone());
        tasks.spawn(async move {
            let mut count = 0_usize;
            while count == 0 || watch.elapsed() < slice {
                client.post(&target, body.clone()).await?;
                count += 1;
            }
            anyhow::Ok((client, count))
        });
    }
    let mut count = 0;
    let mut used = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let (client, done) = ended??;
        count += done;
        used.push(client);
    }
    let found = watch.speed(count);
    for client in used {
        client.close().await?;
    }
    found
}

/// Somebody who connects to send one thing.
#[derive(Clone)]
pub(crate) struct Errand {
    /// With TLS if there are settings for it.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) body: Bytes,
}

impl Errand {
    async fn run(self, target: &Target) -> anyhow::Result<()> {
        let mut client = Client::connect(target.address, self.tls.as_ref()).await?;
        client.post(target, self.body).await?;
        client.close().await
    }
}

/// Has every errand done once. Returns how long each took.
pub(crate) async fn run_all(errands: Vec<Errand>, target: &Target) -> anyhow::Result<Vec<Duration>> {
    let queue = Queue::new(errands);
    let mut tasks = JoinSet::new();
    for _ in 0..CLIENTS {
        let (queue, target) = (queue.clone(), target.clone());
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while let Some(errand) = queue.take() {
                let watch = Stopwatch::start();
                errand.run(&target).await?;
                waits.push(watch.elapsed());
            }
            Ok(waits)
        });
    }
    finished(tasks).await
}

/// Has errands done again and again for as long as `slice`, each over a connection of its own.
pub(crate) async fn connections(
    errands: &[Errand],
    target: &Target,
    slice: Duration,
) -> anyhow::Result<Speed> {
    let watch = Stopwatch::start();
    let mut tasks = JoinSet::new();
    for errand in errands.iter().take(CLIENTS) {
        let (errand, target) = (errand.clone(), target.clone());
        tasks.spawn(async move {
            let mut count = 0_usize;
            while count == 0 || watch.elapsed() < slice {
                errand.clone().run(&target).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(ended) = tasks.join_next().await {
        count += ended??;
    }
    watch.speed(count)
}

/// Waits for every task; the first failure ends the others.
pub(crate) async fn finished(
    mut tasks: JoinSet<anyhow::Result<Vec<Duration>>>,
) -> anyhow::Result<Vec<Duration>> {
    let mut waits = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        waits.extend(ended??);
    }
    Ok(waits)
}
