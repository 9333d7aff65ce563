//! What programs are made of, as a `CycloneDX` 1.5 document: each crate that is linked into them, with version, licence and the
//! SHA-256 of its source, and which needs which.
//!
//! Not what only builds or tests them, and not the C library: a package says under `Depends` what it needs of the system.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::called::run;

/// What is described.
pub(super) struct Product<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    /// The time of the release, RFC 3339.
    pub(super) time: &'a str,
    /// The packages of this workspace whose programs it contains.
    pub(super) members: &'a [&'a str],
}

/// Asks cargo what is linked into a product, and writes it down.
pub(super) fn of(root: &Path, product: &Product<'_>) -> anyhow::Result<String> {
    let mut graph = Graph::default();
    for member in product.members {
        let said = run(cargo()?.current_dir(root).args([
            "tree",
            "--locked",
            "--package",
            member,
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "depth",
            "--format",
            "\t{p}\t{l}",
        ]))?;
        graph.read(&String::from_utf8(said)?)?;
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    let document = graph.document(product, &checksums(&lock)?);
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

/// A crate at one version, as `cargo tree` names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
}

impl Crate {
    /// Reads `name v1.2.3`, whatever follows.
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        Some(Self { name: name.to_owned(), version: version.to_owned() })
    }

    /// How packages are named across registries.
    fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }
}

/// Crates with their licences, and the crates that each needs.
#[derive(Debug, Default)]
struct Graph {
    licences: BTreeMap<Crate, String>,
    needs: BTreeMap<Crate, BTreeSet<Crate>>,
    tops: BTreeSet<Crate>,
}

impl Graph {
    /// Reads a tree: on each line its depth, the crate and its licence. What a crate needs is told where it comes first.
    fn read(&mut self, tree: &str) -> anyhow::Result<()> {
        let mut path: Vec<Crate> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let mut fields = line.split('\t');
            let parsed = (|| {
                let depth: usize = fields.next()?.parse().ok()?;
                let (one, licence) = (Crate::read(fields.next()?)?, fields.next()?);
                Some((depth, one, licence.trim_end_matches(" (*)").to_owned()))
            })();
            let (depth, one, licence) = parsed.with_context(|| format!("cargo tree says `{line}`"))?;
            path.truncate(depth);
            match path.last() {
                Some(parent) => self.needs.entry(parent.clone()).or_default().insert(one.clone()),
                None => self.tops.insert(one.clone()),
            };
            self.licences.insert(one.clone(), licence);
            path.push(one);
        }
        Ok(())
    }

    fn document(&self, product: &Product<'_>, checksums: &BTreeMap<Crate, String>) -> Value {
        let components =
            self.licences.iter().map(|(one, licence)| component(one, licence, checksums.get(one)));
        let purls = |needed: &BTreeSet<Crate>| needed.iter().map(Crate::purl).collect::<Vec<_>>();
        let none = BTreeSet::new();
        let needs = self.licences.keys().map(|one| (one.purl(), self.needs.get(one).unwrap_or(&none)));
        let needs = needs.map(|(purl, needed)| json!({ "ref": purl, "dependsOn": purls(needed) }));
        let itself = std::iter::once(json!({ "ref": product.name, "dependsOn": purls(&self.tops) }));
        json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "timestamp": product.time,
                "lifecycles": [{ "phase": "build" }],
                "component": {
                    "type": "application",
                    "bom-ref": product.name,
                    "name": product.name,
                    "version": product.version,
                    "licenses": [{ "expression": "Apache-2.0 OR MIT" }],
                },
            },
            "components": components.collect::<Vec<_>>(),
            "dependencies": itself.chain(needs).collect::<Vec<_>>(),
        })
    }
}

/// A crate of ours has no checksum: its source is that of the product.
fn component(one: &Crate, licence: &str, checksum: Option<&String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": one.purl(),
        "name": one.name,
        "version": one.version,
        "scope": "required",
        "licenses": [{ "expression": licence.replace('/', " OR ") }],
    });
    if let (Some(checksum), Some(members)) = (checksum, component.as_object_mut()) {
        members.insert("purl".to_owned(), one.purl().into());
        members.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": checksum }]));
    }
    component
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// SHA-256 of the source of each crate from outside.
fn checksums(lock: &str) -> anyhow::Result<BTreeMap<Crate, String>> {
    let lock: Lock = toml::from_str(lock).context("Cargo.lock has an unknown form")?;
    let of = |Locked { name, version, checksum }| Some((Crate { name, version }, checksum?));
    Ok(lock.package.into_iter().filter_map(of).collect())
}

fn cargo() -> anyhow::Result<Command> {
    Ok(Command::new(std::env::var_os("CARGO").context("call this as `cargo xtask package`")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0\tshop v0.1.0 (/sources/shop)\tMIT OR Apache-2.0\n1\ttill v2.0.1\tMIT/Apache-2.0\n2\tcoin v1.0.0+x\tBSD-3-Clause\n1\tcoin v1.0.0+x\tBSD-3-Clause (*)\n";
    const LOCK: &str = "version = 4\n[[package]]\nname = \"coin\"\nversion = \"1.0.0+x\"\nchecksum = \"ab\"\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n";

    fn document() -> Value {
        let mut graph = Graph::default();
        graph.read(TREE).unwrap();
        let product = Product { name: "shop", version: "0.1.0", time: "2026-11-30T00:00:00Z", members: &[] };
        graph.document(&product, &checksums(LOCK).unwrap())
    }

    #[test]
    fn each_crate_is_named_once_with_licence_and_checksum() {
        let document = document();
        let components = document["components"].as_array().unwrap();
        let names: Vec<_> = components.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["coin", "shop", "till"]);
        assert_eq!(components[0]["hashes"][0]["content"], "ab");
        assert_eq!(components[0]["purl"], "pkg:cargo/coin@1.0.0%2Bx");
        assert_eq!(components[2]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert!(components[1].get("purl").is_none(), "ours are in no registry");
    }

    #[test]
    fn who_needs_whom_is_told_from_the_product_down() {
        let document = document();
        let needs = |of: &str| {
            let all = document["dependencies"].as_array().unwrap();
            all.iter().find(|one| one["ref"] == of).unwrap()["dependsOn"].clone()
        };
        assert_eq!(needs("shop"), json!(["pkg:cargo/shop@0.1.0"]));
        assert_eq!(
            needs("pkg:cargo/shop@0.1.0"),
            json!(["pkg:cargo/coin@1.0.0%2Bx", "pkg:cargo/till@2.0.1"])
        );
        assert_eq!(needs("pkg:cargo/till@2.0.1"), json!(["pkg:cargo/coin@1.0.0%2Bx"]));
        assert_eq!(needs("pkg:cargo/coin@1.0.0%2Bx"), json!([]));
    }
}
