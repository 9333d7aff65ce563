//! Writes the golden vectors of this crate anew. Run by hand, when a profile was meant to change; the change is reviewed.
//!
//! `cargo run -p policies --example vectors`

#[path = "../tests/certificates/hierarchy.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is test code that this program shares"
)]
mod hierarchy;

use std::path::Path;
use std::{fs, io};

use const_oid::ObjectIdentifier;
use hierarchy::Hierarchy;
use policies::{Settings, Variant};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = root.join("golden");
    fs::create_dir_all(golden.join("variants"))?;
    let hierarchy = Hierarchy::new(&Settings::default());
    for id in hierarchy.profiles.ids() {
        fs::write(golden.join(format!("{id}.der")), hierarchy.drafted(id.as_str()).tbs)?;
    }
    let hw_type = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");
    for variant in [Variant::GreenBookSan { hw_type }, Variant::StrictEmpty { hw_type }, Variant::Small] {
        let hierarchy = Hierarchy::new(&Settings { variant, ..Settings::default() });
        for id in ["meter-op-ds-s1", "meter-op-tls-s2"] {
            let name = format!("variants/{id}-{}.der", variant.name());
            fs::write(golden.join(name), hierarchy.drafted(id).tbs)?;
        }
    }
    fs::write(root.join("schema/profile-v1.json"), policies::schema())
}
