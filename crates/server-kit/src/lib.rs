//! stub
pub mod listener;
pub mod tls;
pub mod workers;
pub mod health;
pub mod metrics;
pub mod limits;
pub mod config;
pub mod shutdown;
pub use rustls;
