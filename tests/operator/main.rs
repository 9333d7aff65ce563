//! The operator's command line: what each verb says, how it ends, and what it never says.

mod bad_input;
mod campaigns;
mod claiming;
mod clock;
mod closing;
mod configuration;
mod deliveries;
mod devices;
mod doctor;
mod exhaustion;
mod renewals;
mod generations;
mod lifecycle;
mod message_signer;
mod metrics;
mod people;
mod compromise;
mod requests;
mod responder;
mod secrets;
mod shipments;
mod technicians;
mod transcript;
mod uplifts;
mod verbs;
