//! What every engine's ledger must do: one suite, run for each engine.
//!
//! Each function takes the ground that a fresh ledger stands on, and is a test for each engine by the macro at its file's end.

mod audit;
mod backup;
mod calls;
mod campaigns;
mod campaign_rows;
mod claims;
mod cluster;
mod crls;
mod days;
mod deliveries;
mod devices;
mod duties;
mod encrypted;
mod engines;
mod faults;
mod fleet;
mod followers;
mod ground;
mod handovers;
mod holds;
mod intents;
mod listings;
mod load;
mod migrations;
mod model;
mod moves;
mod orders;
mod people;
mod production;
mod profiles;
mod races;
mod restarts;
mod revocations;
mod scopes;
mod searches;
mod slots;
mod taken_over;
mod transactions;
mod upgrades;
mod visits;
mod waiting;

/// Makes a test for each engine of each function named.
macro_rules! on_every_engine {
    ($($name:ident),+ $(,)?) => {
        super::on_embedded_engines! { $($name),+ }
        mod on_postgres {
            $(#[test]
            fn $name() {
                super::$name(&super::Ground::new(crate::EngineKind::Postgres));
            })+
        }
    };
}
use on_every_engine;

/// The same for those engines alone that keep their files in the directory.
macro_rules! on_embedded_engines {
    ($($name:ident),+ $(,)?) => {
        mod on_fjall {
            $(#[test]
            fn $name() {
                super::$name(&super::Ground::new(crate::EngineKind::Fjall));
            })+
        }
        mod on_sled {
            $(#[test]
            fn $name() {
                super::$name(&super::Ground::new(crate::EngineKind::Sled));
            })+
        }
    };
}
use on_embedded_engines;
