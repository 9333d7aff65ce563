//! What the certification authority promises, one test per promise, through its public verbs.
//!
//! The ports are doubles in memory; certification requests and foreign certificates are written octet for octet. Tests whose
//! names begin with a letter and a number are cases of the abuse catalogue.

#![cfg(test)]

mod certificate_octets;
mod doubles;
mod octets;
mod profiles;
mod request_octets;
mod scenarios;
mod world;

mod approvals;
mod batches;
mod codes;
mod delivered;
mod doors;
mod drafts;
mod faults;
mod forwarding;
mod hold;
mod made_keys;
mod order;
mod path;
mod production;
mod properties;
mod re_enrolment;
mod renewals;
mod repeats;
mod request_content;
mod request_form;
mod revocation;
mod scopes;
mod serials;
mod signers;
mod swap;
mod transactions;
mod validity;
mod vectors;
