//! How many certificates per second the ledger takes through T1, the signing mark and T2, for each engine of one process, with 1
//! and 64 requesters that each wait for their own answers. Not the whole chain: nothing is signed here.
//!
//! `cargo bench -p ca-store --bench commits` prints one line for each; `-- SECONDS DIRECTORY` changes how long and where.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on says why and ends")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "load/issuing.rs"]
mod load;

use std::path::PathBuf;
use std::time::Duration;

use ca_core::tenant::TenantId;
use ca_store::{EngineKind, Opening, Settings, Store};
use load::{NOW, measure};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let length = Duration::from_secs(arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5));
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    for kind in EngineKind::EMBEDDED {
        for requesters in [1, 64] {
            let directory = tempfile::tempdir_in(&parent).unwrap();
            let path = directory.path().join("ledger");
            Store::create(&path, kind).unwrap();
            let opening = Opening { now: NOW, tenant: TenantId::parse("dso").unwrap(), boot: None };
            let settings = Settings::new(Box::new(|fatal| println!("{fatal}")));
            let (store, _) = Store::open(&path, &opening, settings).unwrap();
            println!("{}", measure(kind.name(), &[store], requesters, length));
        }
    }
}
