//! The installed program of meter-pki: every role as a sub-command, and the operator's commands.
//!
//! A library beside the binary so that tests and benches can compose a system in their own process. Composition happens in
//! [`compose`] and nowhere else; no certificate is decided here.

pub mod commands;
pub mod quickstart;
pub mod cli;
mod front;
mod factory;
pub mod server;
mod watch;
mod doctor;
mod orders;
mod due;
pub mod delivered_text;
pub mod operator;
mod campaigns;
mod emergencies;
mod people;
mod visits;
mod nodes;
mod key_watch;
mod system_meters;
pub mod compose;
mod signer_metrics;
mod strangers;
mod token_meters;
mod signing_pace;
mod exported_log;
pub mod audit;
mod deadlines;
mod rounds;
pub mod publisher;
mod releases;
mod push;
mod intents;
mod crl_check;
mod ocsp_client;
mod approvals;
mod clock_watch;
mod open_requests;
mod exchange_journal;
mod alike;
mod started;
pub mod config;
mod sign_in;
mod web;
mod severity;
mod prepared_answers;
pub mod coaps;
mod backup;
mod json_text;
mod progress;
pub mod work_orders;
pub mod exit;
mod plain_text;
mod private_text;
mod time_text;
