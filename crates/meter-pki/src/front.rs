//! Starts and ends a front end: EST listeners, health and metrics, and nothing that could keep a record.

use std::sync::Arc;

use server_kit::health::Health;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;
use tokio::task::JoinSet;

use crate::coaps::Desk;
use crate::compose::front_config;
use crate::config::FrontConfig;
use crate::exit::Failure;
use crate::server::{DRAIN, Open, bind, pool, spawn, tls, watch_listener};

/// What serves until it is drained.
#[derive(Debug)]
pub(crate) struct Front {
    tasks: JoinSet<()>,
    health: Health,
    pool: WorkerPool,
}

impl Front {
    /// Runs `watch` beside what serves, until the shutdown ends it.
    pub(crate) fn watched<W>(&mut self, watch: impl FnOnce(Health) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(watch(self.health.clone()));
    }

    /// Waits until nothing is under way any more.
    pub(crate) async fn drained(mut self) {
        while self.tasks.join_next().await.is_some() {}
        self.pool.drain(DRAIN).await;
    }
}

/// Starts the listeners; when it returns they accept connections. The authority is not asked before a device asks.
pub(crate) async fn start(config: &FrontConfig, shutdown: Shutdown) -> Result<Front, Failure> {
    let metrics = Metrics::new("pki_");
    drop(metrics.install());
    let mut tasks = JoinSet::new();
    let (health, pool) = (Health::new(), pool("est", &config.est.pool, &metrics)?);
    let est_config = front_config(config, pool.clone())?;
    let desk = Desk::Est(est_server::desk::Desk::new(Arc::clone(&est_config)));
    let open = Open { est: &config.est, metrics: &metrics, health: &health, shutdown: &shutdown };
    open.coaps(&mut tasks, config.est.coaps.as_ref(), desk).await?;
    let listener = bind(config.est.listen, "est").await?;
    let listener = listener.with_limits(config.est.limits.clone()).with_metrics(&metrics);
    let est = listener.local_addr();
    watch_listener(&health, "est-listener", &listener);
    let router = est_server::routes::router(est_config);
    spawn(&mut tasks, listener.with_tls(tls(&config.est)?).serve(router, shutdown.clone()));
    if let Some(raw) = &config.health {
        let listener = bind(raw.listen, "health").await?;
        let listener = listener.with_limits(raw.limits.clone()).with_metrics(&metrics);
        tracing::info!(health = %listener.local_addr(), "serving health and metrics");
        let router = health.router().merge(health.admin_router()).merge(metrics.router());
        spawn(&mut tasks, listener.serve(router, shutdown));
    }
    health.started();
    tracing::info!(%est, upstream = %config.upstream.endpoint, "forwarding");
    Ok(Front { tasks, health, pool })
}
