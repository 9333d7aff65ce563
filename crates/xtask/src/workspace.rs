//! The crates of the workspace, the crates from outside that they build on, and the arrows between them.
//!
//! Not the manifests: what cargo resolved from them and from Cargo.lock, for the two Linux targets we ship.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// All packages by cargo's identifier for them.
#[derive(Debug)]
pub(crate) struct Workspace {
    packages: BTreeMap<String, Package>,
}

/// One package at one version.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SPDX expression.
    pub(crate) licence: Option<String>,
    /// Whether it links a library that is not Rust.
    pub(crate) is_native: bool,
    pub(crate) origin: Origin,
    arrows: Vec<Arrow>,
}

/// Who writes a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A member of this workspace; the path of its manifest from the root.
    Ours { manifest: String },
    /// Anyone else.
    Outside,
}

/// A dependency on the package of that identifier.
#[derive(Debug)]
struct Arrow {
    to: String,
    kind: ArrowKind,
}

/// What the dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrowKind {
    /// Linked into the product, or run while it is built.
    Product,
    /// Tests, examples and benches only.
    Tests,
}

impl Workspace {
    /// Asks cargo for the resolved graph of the workspace at `root`.
    ///
    /// # Errors
    /// When cargo fails, above all when Cargo.lock is not up to date.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root);
        for target in TARGETS {
            command.args(["--filter-platform", target]);
        }
        let answer = command.output().context("cannot run cargo metadata")?;
        if !answer.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&answer.stderr).trim_end());
        }
        let metadata: Metadata =
            serde_json::from_slice(&answer.stdout).context("cargo metadata has an unknown form")?;
        Ok(Self::resolved(metadata, root))
    }

    fn resolved(metadata: Metadata, root: &Path) -> Self {
        let mut arrows: BTreeMap<String, Vec<Arrow>> = metadata
            .resolve
            .nodes
            .into_iter()
            .map(|node| (node.id, node.deps.iter().map(Arrow::of).collect()))
            .collect();
        let members: BTreeSet<String> = metadata.workspace_members.into_iter().collect();
        let mut packages = BTreeMap::new();
        for package in metadata.packages {
            let Some(arrows) = arrows.remove(&package.id) else {
                continue;
            };
            let manifest = Path::new(&package.manifest_path);
            let manifest = manifest.strip_prefix(root).unwrap_or(manifest).to_string_lossy().into_owned();
            let origin =
                if members.contains(&package.id) { Origin::Ours { manifest } } else { Origin::Outside };
            let Stated { id, name, version, license, links, .. } = package;
            let is_native = links.is_some();
            packages.insert(id, Package { name, version, licence: license, is_native, origin, arrows });
        }
        Self { packages }
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.values()
    }

    /// Our packages, each with the path of its manifest.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&Package, &str)> {
        self.packages.values().filter_map(|package| match &package.origin {
            Origin::Ours { manifest } => Some((package, manifest.as_str())),
            Origin::Outside => None,
        })
    }

    /// What a package depends on directly.
    pub(crate) fn depends_on<'a>(
        &'a self,
        package: &'a Package,
    ) -> impl Iterator<Item = (&'a Package, ArrowKind)> {
        package.arrows.iter().filter_map(|arrow| self.packages.get(&arrow.to).map(|to| (to, arrow.kind)))
    }

    /// The names of everything that goes into the product of the member of that name, itself left out.
    pub(crate) fn closure(&self, member: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut pending: Vec<&Package> =
            self.members().map(|(package, _)| package).filter(|p| p.name == member).collect();
        while let Some(package) = pending.pop() {
            for (to, kind) in self.depends_on(package) {
                if kind == ArrowKind::Product && reached.insert(to.name.as_str()) {
                    pending.push(to);
                }
            }
        }
        reached
    }
}

impl Arrow {
    fn of(dependency: &NodeDependency) -> Self {
        let tests_only = dependency.dep_kinds.iter().all(|kind| kind.kind.as_deref() == Some("dev"));
        let kind = if tests_only { ArrowKind::Tests } else { ArrowKind::Product };
        Self { to: dependency.pkg.clone(), kind }
    }
}

/// The part of cargo's answer that we read.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Stated>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Stated {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    links: Option<String>,
    manifest_path: String,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Debug, Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

#[cfg(test)]
pub(crate) mod fixture {
    //! Workspaces that exist in memory only.

    use super::{Arrow, ArrowKind, Origin, Package, Workspace};

    /// A member and what it depends on; a name that starts with `dev:` is for tests only.
    pub(crate) type Ours<'a> = (&'a str, &'a [&'a str]);

    /// Members as told, and every other name they mention as an outside package under MIT.
    pub(crate) fn workspace(members: &[Ours<'_>]) -> Workspace {
        let mut packages = std::collections::BTreeMap::new();
        for (name, _) in members {
            packages.insert(
                (*name).to_owned(),
                package(name, Some("MIT"), Origin::Ours { manifest: format!("{name}/Cargo.toml") }),
            );
        }
        let mut all = Workspace { packages };
        for (name, dependencies) in members {
            for dependency in *dependencies {
                add_arrow(&mut all, name, dependency);
            }
        }
        all
    }

    /// Adds a dependency, and the package it is on when that is not there yet.
    pub(crate) fn add_arrow(workspace: &mut Workspace, from: &str, dependency: &str) {
        let (name, kind) = match dependency.strip_prefix("dev:") {
            Some(name) => (name, ArrowKind::Tests),
            None => (dependency, ArrowKind::Product),
        };
        let outside = || package(name, Some("MIT"), Origin::Outside);
        workspace.packages.entry(name.to_owned()).or_insert_with(outside);
        if let Some(package) = workspace.packages.get_mut(from) {
            package.arrows.push(Arrow { to: name.to_owned(), kind });
        }
    }

    /// Gives a package another licence.
    pub(crate) fn licence(workspace: &mut Workspace, name: &str, licence: Option<&str>) {
        if let Some(package) = workspace.packages.get_mut(name) {
            package.licence = licence.map(str::to_owned);
        }
    }

    /// Has a package link a library that is not Rust.
    pub(crate) fn link(workspace: &mut Workspace, name: &str) {
        if let Some(package) = workspace.packages.get_mut(name) {
            package.is_native = true;
        }
    }

    fn package(name: &str, licence: Option<&str>, origin: Origin) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: licence.map(str::to_owned),
            is_native: false,
            origin,
            arrows: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "packages": [
            {"id": "a", "name": "a", "version": "1.0.0", "license": null, "manifest_path": "/top/a/Cargo.toml"},
            {"id": "b", "name": "b", "version": "2.0.0", "license": "MIT", "manifest_path": "/elsewhere/b/Cargo.toml"},
            {"id": "c", "name": "c", "version": "3.0.0", "license": "MIT", "links": "crypto", "manifest_path": "/elsewhere/c/Cargo.toml"},
            {"id": "w", "name": "only-on-windows", "version": "4.0.0", "license": "MIT", "manifest_path": "/elsewhere/w/Cargo.toml"}
        ],
        "workspace_members": ["a"],
        "resolve": {"nodes": [
            {"id": "a", "deps": [
                {"pkg": "b", "dep_kinds": [{"kind": "dev"}, {"kind": null}]},
                {"pkg": "c", "dep_kinds": [{"kind": "dev"}]}
            ]},
            {"id": "b", "deps": []},
            {"id": "c", "deps": []}
        ]}
    }"#;

    #[test]
    fn reads_members_arrows_and_their_kinds_from_cargo() {
        let workspace = Workspace::resolved(serde_json::from_str(METADATA).unwrap(), Path::new("/top"));
        let (member, manifest) = workspace.members().next().unwrap();
        assert_eq!((member.name.as_str(), manifest), ("a", "a/Cargo.toml"));
        let arrows: Vec<(&str, ArrowKind)> =
            workspace.depends_on(member).map(|(to, kind)| (to.name.as_str(), kind)).collect();
        assert_eq!(arrows, [("b", ArrowKind::Product), ("c", ArrowKind::Tests)]);
        let native: Vec<&str> = workspace
            .packages()
            .filter(|package| package.is_native)
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(native, ["c"]);
        assert_eq!(workspace.packages().count(), 3, "what no target of ours resolves is left out");
    }

    #[test]
    fn the_closure_follows_product_arrows_only() {
        let mut workspace =
            fixture::workspace(&[("top", &["middle", "dev:proptest"]), ("middle", &["leaf"])]);
        fixture::add_arrow(&mut workspace, "leaf", "deep");
        fixture::add_arrow(&mut workspace, "proptest", "rand");
        assert_eq!(workspace.closure("top").into_iter().collect::<Vec<_>>(), ["deep", "leaf", "middle"]);
    }
}
