//! Which crate may depend on which: our own arrows, the homes of outside crates, and what the ceremony program never links.
//!
//! Not a reading of manifests: the graph is what cargo resolved. `.cargo/deny.toml` says the same to cargo-deny, for those
//! who have it.

use super::{Breach, House, Rule};
use crate::workspace::{ArrowKind, Package};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "own-arrows",
        sentence: "a crate of ours depends only on those of ours that ARCHITECTURE.md allows it",
        check: own_arrows,
    },
    Rule {
        id: "tops-of-the-graph",
        sentence: "nothing depends on the tests or on these tools, not even for tests",
        check: tops_of_the_graph,
    },
    Rule {
        id: "core-dependencies",
        sentence: "ca-core builds on format and cryptography crates only",
        check: core_dependencies,
    },
    Rule { id: "one-home", sentence: "an outside crate with one home is used nowhere else", check: one_home },
    Rule {
        id: "not-in-the-tree",
        sentence: "some outside crates are nowhere in the build, not even through another, or in one place only",
        check: not_in_the_tree,
    },
    Rule {
        id: "ceremony-without-network",
        sentence: "no network code goes into offline-root or bundle-verifier, at any depth, and no key or token into the latter",
        check: ceremony_without_network,
    },
    Rule {
        id: "native-code",
        sentence: "offline-root and bundle-verifier link one library that is not Rust, which is aws-lc, and ledger-checker links none (ADR 64)",
        check: native_code,
    },
];

/// Each member, and the members that its product code may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("ca-core", &[]),
    ("server-kit", &[]),
    ("xtask", &[]),
    // It judges what the others write: it shares nothing with them.
    ("ledger-checker", &[]),
    // It carries octets and knows no PKI word.
    ("paper", &[]),
    // It asks the operator's interface by its document and knows nothing of the program.
    ("operator-console", &[]),
    // It draws what it is given and knows no PKI word.
    ("plots", &[]),
    // It reads files and decides nothing about devices.
    ("deliveries", &["ca-core"]),
    // It reads the records of other programs, and decides nothing about certificates.
    ("migration", &["ca-core"]),
    // What is sealed for somebody and signed by somebody; it knows no protocol.
    ("cms-messages", &["ca-core"]),
    // The manifest of a delivery: it opens no socket and knows no ledger.
    ("shipment", &["ca-core", "cms-messages"]),
    // Clients know nothing of the servers they speak to.
    ("client-kit", &["ca-core", "cms-messages"]),
    ("est-client", &["ca-core", "client-kit", "cms-messages"]),
    ("policies", &["ca-core"]),
    ("ca-store", &["ca-core"]),
    ("signer-file", &["ca-core"]),
    // It looks at what it signs, and holds no key: the program gives it the signer that does.
    ("signer-link", &["ca-core"]),
    // A token that fails, for tests; it knows nothing of ours.
    ("pkcs11-faults", &[]),
    // Database servers for tests; it knows nothing of what we store in them.
    ("postgres-peer", &[]),
    ("signer-pkcs11", &["ca-core"]),
    ("est-server", &["ca-core", "cms-messages", "server-kit"]),
    // What servers and clients both speak; it knows neither.
    ("cmp-messages", &["ca-core"]),
    ("cmp-client", &["ca-core", "client-kit", "cmp-messages", "cms-messages"]),
    ("cmp-server", &["ca-core", "cmp-messages", "cms-messages", "server-kit"]),
    // The port of front ends on an authority elsewhere; it asks as any client does.
    ("cmp-upstream", &["ca-core", "client-kit", "cmp-client"]),
    // It carries octets and knows no PKI word.
    ("coap-kit", &["server-kit"]),
    // Another transport of the same front end, each.
    ("cmp-coaps", &["cmp-server", "coap-kit", "server-kit"]),
    ("est-coaps", &["coap-kit", "est-server", "server-kit"]),
    ("status-server", &["ca-core", "cms-messages", "server-kit"]),
    // What is said to a meter through a head-end; it sends nothing.
    ("dlms", &["ca-core"]),
    // It plays devices, with the clients that devices have, and with the object that a head-end calls.
    ("simulator", &["ca-core", "client-kit", "cmp-client", "dlms", "est-client"]),
    // It measures the parts that the installed program is put together from, and is given what tells the time.
    (
        "figures",
        &[
            "ca-core",
            "ca-store",
            "client-kit",
            "cmp-client",
            "cmp-server",
            "est-server",
            "policies",
            "server-kit",
            "signer-file",
            "status-server",
        ],
    ),
    // What outsiders rest on holds no key: it opens no signer.
    ("ceremony", &["ca-core", "policies"]),
    ("bundle-verifier", &["ceremony"]),
    ("offline-root", &["ca-core", "ceremony", "paper", "policies", "signer-file", "signer-pkcs11"]),
    (
        "meter-pki",
        &[
            "ca-core",
            "ca-store",
            "ceremony",
            "client-kit",
            "cmp-client",
            "cmp-coaps",
            "cmp-server",
            "cmp-upstream",
            "coap-kit",
            "cms-messages",
            "operator-console",
            "dlms",
            "deliveries",
            "est-client",
            "est-coaps",
            "est-server",
            "figures",
            "migration",
            "paper",
            "plots",
            "policies",
            "server-kit",
            "shipment",
            "signer-file",
            "signer-link",
            "signer-pkcs11",
            "simulator",
            "status-server",
        ],
    ),
];

/// On these nothing may depend.
const TOPS: [&str; 2] = ["e2e", "xtask"];

/// What ca-core may use from outside.
const CORE: &[&str] = &[
    "aws-lc-rs",
    "const-oid",
    "der",
    "ecdsa",
    "p256",
    "p384",
    "sha1",
    "sha2",
    "spki",
    "subtle",
    "thiserror",
    "x509-cert",
    "zeroize",
];

/// Outside crates, and the only members whose product code may use them.
const HOMES: &[(&str, &[&str])] = &[
    ("anyhow", &["e2e", "figures", "meter-pki", "offline-root", "xtask"]),
    ("aes-gcm", &["meter-pki"]),
    ("aes-kw", &["cms-messages"]),
    (
        "axum",
        &[
            "cmp-server",
            "operator-console",
            "est-server",
            "figures",
            "meter-pki",
            "server-kit",
            "status-server",
        ],
    ),
    // It has no integrity of its own: two places know what to put around it.
    ("blahaj", &["meter-pki", "offline-root"]),
    // What calamine unpacks is counted before, which takes the same archive and XML readers.
    ("calamine", &["deliveries"]),
    ("clap", &["e2e", "figures", "ledger-checker", "meter-pki", "offline-root", "xtask"]),
    ("coap-lite", &["coap-kit"]),
    ("cryptoki", &["signer-pkcs11"]),
    ("encoding_rs", &["deliveries"]),
    // The checker opens the engines themselves, so that a fault of the store cannot hide itself.
    ("fjall", &["ca-store", "ledger-checker"]),
    ("maud", &["operator-console"]),
    ("png", &["paper"]),
    ("qrcode", &["paper"]),
    // Deliveries, and profiles of EJBCA.
    ("quick-xml", &["deliveries", "migration"]),
    ("resvg", &["plots"]),
    ("rqrr", &["paper"]),
    ("sled", &["ca-store", "ledger-checker"]),
    ("tokio-postgres", &["ca-store", "ledger-checker"]),
    // Sheets of deliveries, and requests of a line in an archive.
    ("zip", &["deliveries", "meter-pki"]),
];

/// Outside crates that are not to be built at all but by those named, and what to use instead.
const NOWHERE: &[(&str, &[&str], &str)] = &[
    ("native-tls", &[], "use rustls"),
    // DTLS, which rustls does not have.
    ("openssl", &["coap-kit"], "use rustls for TLS and aws-lc-rs for keys"),
    ("openssl-sys", &["openssl"], "use aws-lc-rs"),
    ("rsa", &[], "the profiles know P-256 and P-384 only"),
];

/// What the ceremony program must not contain.
const NETWORK: &[&str] = &["axum", "hyper", "mio", "reqwest", "rustls", "server-kit", "socket2", "tokio"];

/// Programs that few shall have to trust, and what they may link that is not Rust.
const NATIVE: &[(&str, &str, &[&str])] = &[
    ("offline-root", "offline-root/Cargo.toml", &["aws-lc-rs", "aws-lc-sys"]),
    ("bundle-verifier", "crates/bundle-verifier/Cargo.toml", &["aws-lc-rs", "aws-lc-sys"]),
    // It judges what was verified by aws-lc.
    ("ledger-checker", "crates/ledger-checker/Cargo.toml", &[]),
];

fn own_arrows(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (member, manifest) in house.workspace.members() {
        if member.name == "e2e" {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
            let remedy = "write down which crates of ours it may depend on: ARCHITECTURE.md and ARROWS in crates/xtask";
            breaches.push(Breach::at(manifest, 1, remedy));
            continue;
        };
        for dependency in product_dependencies(house, member) {
            let ours = house.workspace.members().any(|(other, _)| other.name == dependency.name);
            if ours && !allowed.contains(&dependency.name.as_str()) {
                let remedy = format!(
                    "{} may not depend on {}: declare what it needs as a port in ca-core, or compose it in a binary",
                    member.name, dependency.name
                );
                breaches.push(at_dependency(house, manifest, &dependency.name, remedy));
            }
        }
    }
    breaches
}

fn tops_of_the_graph(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (member, manifest) in house.workspace.members() {
        for (dependency, _) in house.workspace.depends_on(member) {
            if TOPS.contains(&dependency.name.as_str()) {
                let remedy = format!(
                    "nothing depends on {}: move what is shared to where it belongs",
                    dependency.name
                );
                breaches.push(at_dependency(house, manifest, &dependency.name, remedy));
            }
        }
    }
    breaches
}

fn core_dependencies(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (member, manifest) in house.workspace.members().filter(|(member, _)| member.name == "ca-core") {
        for dependency in product_dependencies(house, member) {
            if !CORE.contains(&dependency.name.as_str()) {
                let remedy = format!(
                    "{} is neither a format nor a cryptography crate: use it at the edge, behind a port",
                    dependency.name
                );
                breaches.push(at_dependency(house, manifest, &dependency.name, remedy));
            }
        }
    }
    breaches
}

fn one_home(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (member, manifest) in house.workspace.members() {
        for dependency in product_dependencies(house, member) {
            let home = HOMES.iter().find(|(name, _)| *name == dependency.name);
            if let Some((name, homes)) = home.filter(|(_, homes)| !homes.contains(&member.name.as_str())) {
                let remedy = format!("{name} is for {} only", homes.join(", "));
                breaches.push(at_dependency(house, manifest, name, remedy));
            }
        }
    }
    breaches
}

fn not_in_the_tree(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in house.workspace.packages() {
        for (dependency, _) in house.workspace.depends_on(package) {
            let found = NOWHERE.iter().find(|(name, ..)| *name == dependency.name);
            if let Some((name, _, instead)) =
                found.filter(|(_, through, _)| !through.contains(&package.name.as_str()))
            {
                let remedy = format!(
                    "{name} must not be built by {}: {instead}; `cargo tree -i {name}`",
                    package.name
                );
                breaches.push(at_dependency(house, "Cargo.lock", name, remedy));
            }
        }
    }
    breaches
}

/// What the program of auditors, who only look, must not contain beside.
const KEYS: &[&str] = &["cryptoki", "signer-file", "signer-pkcs11"];

fn ceremony_without_network(house: &House) -> Vec<Breach> {
    let verifier = "crates/bundle-verifier/Cargo.toml";
    let mut breaches = foreign_to(house, "offline-root", "offline-root/Cargo.toml", NETWORK);
    breaches.extend(foreign_to(house, "bundle-verifier", verifier, NETWORK));
    breaches.extend(foreign_to(house, "bundle-verifier", verifier, KEYS));
    breaches
}

fn native_code(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (program, manifest, allowed) in NATIVE {
        let closure = house.workspace.closure(program);
        let native = house.workspace.packages().filter(|package| package.is_native);
        let found = native.filter(|package| closure.contains(package.name.as_str()));
        for package in found.filter(|package| !allowed.contains(&package.name.as_str())) {
            let name = &package.name;
            let remedy = format!(
                "{name} links a library that is not Rust into {program}: `cargo tree -p {program} -e normal,build -i {name}`"
            );
            breaches.push(at_dependency(house, manifest, name, remedy));
        }
    }
    breaches
}

fn foreign_to(house: &House, program: &str, manifest: &str, names: &[&str]) -> Vec<Breach> {
    let closure = house.workspace.closure(program);
    names
        .iter()
        .filter(|name| closure.contains(**name))
        .map(|name| {
            let remedy =
                format!("{name} must not reach {program}: `cargo tree -p {program} -e normal -i {name}`");
            at_dependency(house, manifest, name, remedy)
        })
        .collect()
}

fn product_dependencies<'a>(house: &'a House, member: &'a Package) -> impl Iterator<Item = &'a Package> {
    house
        .workspace
        .depends_on(member)
        .filter(|(_, kind)| *kind == ArrowKind::Product)
        .map(|(package, _)| package)
}

/// The line of the manifest that names the dependency, or its first.
fn at_dependency(house: &House, manifest: &str, name: &str, remedy: String) -> Breach {
    let names_it = |line: &str| {
        let line = line.strip_prefix("name = \"").unwrap_or(line);
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=', '"']))
    };
    let file = house.tree.file(manifest);
    let line = file.and_then(|file| file.lines().find(|(_, line)| names_it(line)).map(|(number, _)| number));
    Breach::at(manifest, line.unwrap_or(1), remedy)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, crates};
    use super::*;
    use crate::tree::Tree;
    use crate::workspace::fixture::{add_arrow, link, workspace};

    #[test]
    fn a_front_end_may_not_see_the_ledger() {
        let house = House {
            tree: Tree::of(&[(
                "est-server/Cargo.toml",
                "[dependencies]\nca-core.workspace = true\nca-store.workspace = true\n",
            )]),
            workspace: workspace(&[
                ("est-server", &["ca-core", "ca-store"]),
                ("ca-core", &[]),
                ("ca-store", &["ca-core"]),
            ]),
        };
        assert_eq!(breaches("own-arrows", &house), ["est-server/Cargo.toml:3"]);
    }

    #[test]
    fn a_member_that_the_table_does_not_know_is_a_breach() {
        assert_eq!(
            breaches("own-arrows", &crates(workspace(&[("new-server", &[])]))),
            ["new-server/Cargo.toml:1"]
        );
    }

    #[test]
    fn the_tests_may_depend_on_anything_and_nothing_on_them() {
        let house = crates(workspace(&[("e2e", &["ca-store", "axum"]), ("ca-store", &["dev:e2e"])]));
        assert_eq!(breaches("own-arrows", &house), Vec::<String>::new());
        assert_eq!(breaches("tops-of-the-graph", &house), ["ca-store/Cargo.toml:1"]);
    }

    #[test]
    fn the_core_may_not_use_serde_but_its_tests_may() {
        assert_eq!(
            breaches("core-dependencies", &crates(workspace(&[("ca-core", &["der", "serde"])]))),
            ["ca-core/Cargo.toml:1"]
        );
        let house = crates(workspace(&[("ca-core", &["der", "dev:serde"])]));
        assert_eq!(breaches("core-dependencies", &house), Vec::<String>::new());
    }

    #[test]
    fn only_one_crate_loads_a_token_library() {
        let house = crates(workspace(&[("offline-root", &["cryptoki"]), ("signer-pkcs11", &["cryptoki"])]));
        assert_eq!(breaches("one-home", &house), ["offline-root/Cargo.toml:1"]);
    }

    #[test]
    fn openssl_is_found_behind_another_crate() {
        let mut workspace = workspace(&[("meter-pki", &["hyper-tls"])]);
        add_arrow(&mut workspace, "hyper-tls", "openssl");
        let tree =
            Tree::of(&[("Cargo.lock", "version = 4\n\nname = \"openssl-macros\"\nname = \"openssl\"\n")]);
        assert_eq!(breaches("not-in-the-tree", &House { tree, workspace }), ["Cargo.lock:4"]);
    }

    #[test]
    fn openssl_is_for_dtls_only() {
        let mut workspace = workspace(&[("coap-kit", &["openssl"]), ("est-server", &[])]);
        add_arrow(&mut workspace, "openssl", "openssl-sys");
        assert_eq!(breaches("not-in-the-tree", &crates(workspace)), Vec::<String>::new());
        let elsewhere = crate::workspace::fixture::workspace(&[("est-server", &["openssl"])]);
        assert_eq!(breaches("not-in-the-tree", &crates(elsewhere)), ["Cargo.lock:1"]);
    }

    #[test]
    fn a_token_is_found_at_any_depth_of_the_program_of_auditors() {
        let mut workspace = workspace(&[("bundle-verifier", &["ceremony"]), ("ceremony", &["keeper"])]);
        add_arrow(&mut workspace, "keeper", "cryptoki");
        let house = crates(workspace);
        assert_eq!(breaches("ceremony-without-network", &house), ["crates/bundle-verifier/Cargo.toml:1"]);
    }

    #[test]
    fn a_library_that_is_not_rust_is_found_at_any_depth_of_the_programs_that_few_shall_have_to_trust() {
        let mut workspace =
            workspace(&[("offline-root", &["policies"]), ("policies", &["aws-lc-rs", "zip"])]);
        add_arrow(&mut workspace, "aws-lc-rs", "aws-lc-sys");
        link(&mut workspace, "aws-lc-sys");
        assert_eq!(breaches("native-code", &crates(workspace)), Vec::<String>::new());
        let mut workspace = crate::workspace::fixture::workspace(&[
            ("offline-root", &["zip"]),
            ("ledger-checker", &["aws-lc-sys"]),
            ("meter-pki", &["sqlite"]),
        ]);
        add_arrow(&mut workspace, "zip", "bzip2-sys");
        for name in ["bzip2-sys", "aws-lc-sys", "sqlite"] {
            link(&mut workspace, name);
        }
        let found = breaches("native-code", &crates(workspace));
        assert_eq!(found, ["crates/ledger-checker/Cargo.toml:1", "offline-root/Cargo.toml:1"]);
    }

    #[test]
    fn network_code_is_found_at_any_depth_of_the_ceremony_program() {
        let mut workspace = workspace(&[("offline-root", &["policies"]), ("policies", &["fetcher"])]);
        add_arrow(&mut workspace, "fetcher", "tokio");
        assert_eq!(breaches("ceremony-without-network", &crates(workspace)), ["offline-root/Cargo.toml:1"]);
    }
}
