//! The Containerfile and the chart, judged by hadolint, by Helm itself and by the schemas of Kubernetes; and what the chart makes
//! of the values of an operator.
//!
//! Nothing is started: there is no engine of containers here, and no cluster.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::tool::{Said, finish, release_readers};
use serde_json::{Value, json};

use crate::packages::SOURCES;

const CHART: &str = "crates/xtask/packaging/helm/meter-pki";

fn source(place: &str) -> PathBuf {
    Path::new(SOURCES).join(place)
}

/// Renders the chart with values of the tests, and those beside them.
fn try_render(named: Option<&str>, further: &Value) -> Said {
    let file = tempfile::NamedTempFile::new().expect("a private file");
    std::fs::write(file.path(), further.to_string()).expect("values");
    let mut command = Command::new(release_readers("python"));
    command.arg(source("tests/install/render_chart.py")).arg(source(CHART));
    command.args(named.map(|name| source(&format!("tests/install/values/{name}.yaml"))));
    finish(command.arg(file.path()))
}

fn render(named: &str) -> Vec<Value> {
    let said = try_render(Some(named), &json!({})).ok();
    serde_json::from_str(&said.out).expect("a list of manifests")
}

fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    manifests.iter().filter(|one| one["kind"] == kind).collect()
}

/// What the standard *restricted* of Kubernetes' pods asks for, and a root that nobody writes to.
fn assert_restricted(set: &Value) {
    let pod = &set["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(pod["securityContext"]["fsGroupChangePolicy"], "OnRootMismatch");
    assert_eq!(pod["automountServiceAccountToken"], false);
    let containers = pod["containers"].as_array().expect("containers");
    assert!(!containers.is_empty());
    for container in containers {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["capabilities"], json!({ "drop": ["ALL"] }));
    }
    assert_eq!(set["spec"]["replicas"], 1, "a node is one process");
    let volumes = pod["volumes"].as_array().expect("volumes");
    assert!(volumes.iter().all(|volume| volume.get("hostPath").is_none()), "{volumes:?}");
}

#[test]
fn hadolint_has_nothing_to_say_of_the_containerfile() {
    let file = source("crates/xtask/packaging/container/Containerfile");
    let said = finish(Command::new(release_readers("hadolint")).arg("--no-color").arg(&file));
    assert!(said.success && said.all().trim().is_empty(), "{}", said.all());
    let text = std::fs::read_to_string(file).expect("the Containerfile");
    assert!(text.contains("\nUSER 65532:65532\n"), "no root: {text}");
    let base = text.lines().find_map(|line| line.strip_prefix("ARG BASE=")).expect("a base");
    assert!(base.starts_with("gcr.io/distroless/") && base.ends_with(":nonroot"), "no shell: {base}");
}

#[test]
fn one_node_keeps_its_ledger_and_lets_nobody_in_who_is_not_listed() {
    let manifests = render("single");
    let [set] = of_kind(&manifests, "StatefulSet")[..] else { panic!("{manifests:?}") };
    assert_restricted(set);
    assert_eq!(set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"], "Retain");
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    let mounts = container["volumeMounts"].as_array().expect("mounts");
    let secret = "/run/credentials/meter-pki/meter-pki.passphrase";
    let mount = mounts.iter().find(|mount| mount["mountPath"] == secret).expect("the credential");
    assert_eq!(mount["subPath"], "meter-pki.passphrase", "a link would be refused");
    let [policy] = of_kind(&manifests, "NetworkPolicy")[..] else { panic!("{manifests:?}") };
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    assert!(policy["spec"]["ingress"].as_array().is_none_or(Vec::is_empty), "{policy}");
    assert!(policy["spec"]["egress"].as_array().is_none_or(Vec::is_empty), "{policy}");
    assert_eq!(of_kind(&manifests, "PodDisruptionBudget").len(), 1);
    assert!(of_kind(&manifests, "ServiceMonitor").is_empty());
}

#[test]
fn each_node_of_a_cluster_has_a_name_a_volume_and_a_configuration_of_its_own() {
    let manifests = render("cluster");
    let sets = of_kind(&manifests, "StatefulSet");
    assert_eq!(sets.len(), 3);
    for (set, node) in sets.iter().zip(["ca-1", "ca-2", "ca-3"]) {
        assert_restricted(set);
        let of_node = of_kind(&manifests, "ConfigMap");
        let of_node = of_node.iter().find(|map| map["metadata"]["name"] == format!("pki-{node}"));
        let text = of_node.expect("a configuration")["data"]["meter-pki.toml"].as_str().expect("text");
        assert!(text.contains(&format!("node = \"{node}\"\n")), "{text}");
        drop(toml::from_str::<toml::Table>(text).expect("it is TOML still"));
        let image = set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image");
        assert!(image.starts_with("registry.example/meter-pki@sha256:"), "{image}");
    }
    let [policy] = of_kind(&manifests, "NetworkPolicy")[..] else { panic!("{manifests:?}") };
    let rules = policy["spec"]["ingress"].as_array().expect("rules");
    let ports: Vec<_> = rules.iter().map(|rule| rule["ports"][0]["port"].clone()).collect();
    assert_eq!(ports, ["est", "operator"], "the list of `status` is empty");
    assert!(rules.iter().all(|rule| rule["from"].as_array().is_some_and(|from| !from.is_empty())));
    let [monitor] = of_kind(&manifests, "ServiceMonitor")[..] else { panic!("{manifests:?}") };
    assert_eq!(monitor["spec"]["endpoints"][0]["scheme"], "https");
    // What was signed is served while a node is not ready.
    let services = of_kind(&manifests, "Service");
    let shown = |name: &str| {
        let found = services.iter().find(|one| one["metadata"]["name"] == name).expect("a service");
        found["spec"]["publishNotReadyAddresses"] == true
    };
    assert!(shown("pki-status") && !shown("pki-est"));
}

#[test]
fn values_that_could_not_work_are_refused_with_a_sentence() {
    let nothing = try_render(None, &json!({}));
    assert!(
        !nothing.success && nothing.err.contains("configuration is empty: give the text"),
        "{}",
        nothing.err
    );
    let two = try_render(Some("single"), &json!({ "nodes": ["ca-1", "ca-2"] }));
    assert!(
        !two.success && two.err.contains("several nodes share a ledger on PostgreSQL only"),
        "{}",
        two.err
    );
    let alike = json!({ "configuration": "engine = \"postgres\"\nnode = \"ca-1\"\n" });
    let alike = try_render(Some("cluster"), &alike);
    assert!(!alike.success && alike.err.contains("each node has a name of its own"), "{}", alike.err);
    let unknown = try_render(Some("single"), &json!({ "replicas": 3 }));
    assert!(!unknown.success && unknown.err.contains("replicas"), "{}", unknown.err);
}

#[test]
fn the_chart_is_made_for_the_version_of_the_workspace() {
    let read = |place: &str| std::fs::read_to_string(source(place)).expect("a file");
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).expect("the root manifest");
    let version = manifest["workspace"]["package"]["version"].as_str().expect("a version");
    assert!(read(&format!("{CHART}/Chart.yaml")).contains(&format!("\nappVersion: \"{version}\"\n")));
}
