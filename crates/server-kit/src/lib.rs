//! stub
pub mod workers;
pub mod health;
pub mod metrics;
pub mod limits;
pub mod config;
pub mod shutdown;
