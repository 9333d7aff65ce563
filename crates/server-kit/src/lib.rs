//! What every server of this workspace stands on: a listener with limits, TLS, a worker pool, health, metrics, an orderly
//! end, and configuration that says what is wrong with it. It serves any [`axum::Router`] and knows nothing of what the
//! routes are for.
//!
//! In reading order, each module using only those below it:
//!
//! | module | what it gives |
//! |---|---|
//! | [`listener`] | one socket that serves a router under limits, and tells routes about the peer |
//! | [`tls`] | the TLS settings of a listener, replaceable while it serves |
//! | [`workers`] | a bounded pool of threads for work that blocks |
//! | [`supervisor`] | telling systemd that it is ready, that it lives, and what fails |
//! | [`health`] | `/livez`, `/readyz`, `/startupz` from named checks |
//! | [`metrics`] | counters by reason code, and the route on which Prometheus reads them |
//! | [`limits`] | how many, how much, how long: checked, with secure defaults |
//! | [`config`] | a TOML file into any serde type, every fault with file and line |
//! | [`spread`] | waits that many are told at once, spread |
//! | [`shutdown`] | one token that ends everything in order |
//!
//! What it does *not* do: HTTP/2, routing, authentication, rate limits per requester, logging set-up, reading of files and
//! environment other than one configuration file. Composition is the binary's:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use server_kit::{
//!     health::Health,
//!     limits::Limits,
//!     listener::{Listener, PeerConnection},
//!     metrics::Metrics,
//!     shutdown::Shutdown,
//!     tls::{AnyCertificate, ClientCertificates, Tls, TlsIdentity},
//!     workers::{PoolSize, WorkerPool},
//! };
//! use std::{sync::Arc, time::Duration};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let shutdown = Shutdown::new(Duration::from_secs(20));
//! shutdown.on_signals()?;
//! let metrics = Metrics::new("shop_");
//! metrics.install()?;
//! let pool = WorkerPool::start("till", &PoolSize::default(), &metrics)?;
//!
//! let identity = TlsIdentity::from_pem(&std::fs::read("server.pem")?, &std::fs::read("server.key")?)?;
//! let clients = ClientCertificates::Asked(Arc::new(AnyCertificate::new()));
//! let listener = Listener::bind("[::]:8443".parse()?)
//!     .await?
//!     .named("shop")
//!     .with_limits(Limits::default())
//!     .with_tls(Tls::new(&identity, &clients)?)
//!     .with_metrics(&metrics);
//!
//! let health = Health::new();
//! let (watched, till) = (listener.watch(), pool.clone());
//! health.ready("listener", move || watched.condition());
//! health.ready("till", move || till.condition(Duration::from_secs(30)));
//! let operators = Listener::bind("127.0.0.1:9090".parse()?).await?.named("operators");
//! let operators_routes = health.router().merge(health.admin_router()).merge(metrics.router());
//! let operating = tokio::spawn(operators.serve(operators_routes, shutdown.clone()));
//!
//! let sum = async move |peer: PeerConnection| match pool.run(|| 6 * 7).await {
//!     Ok(sum) => format!("{sum}, {}\n", peer.peer_addr),
//!     Err(error) => format!("{error}\n"),
//! };
//! health.started();
//! listener.serve(Router::new().route("/sum", get(sum)), shutdown).await;
//! operating.await?;
//! # Ok(())
//! # }
//! ```

pub mod listener;
pub mod tls;
pub mod workers;
pub mod supervisor;
pub mod health;
pub mod metrics;
pub mod limits;
pub mod config;
pub mod spread;
pub mod shutdown;

/// The TLS library, for those who bring a verifier or a signer of their own.
pub use rustls;
