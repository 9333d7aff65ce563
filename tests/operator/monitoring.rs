//! A real Prometheus: it comes to the operators' listener with a certificate, takes the rules and knows what every panel asks.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Child;

use e2e::chapter::{Shell, steps};
use e2e::patience::eventually;
use e2e::peer::{curl, path, try_curl};
use e2e::rehearsal::Rehearsal;
use e2e::tool::prometheus;
use serde_json::Value;

use crate::held::held;

const CHAPTER: &str = include_str!("../../docs/operate/metrics.md");
const DASHBOARD: &str = include_str!("../../docs/operate/prometheus/dashboard.json");

/// Queries of what a rehearsal has not: tokens, limits that were reached, meters that were refused.
const ABSENT: [&str; 3] = ["pki_hsm_", "pki_worker_jobs_refused_total", "result=\"refused\""];

struct Prometheus {
    process: Child,
    origin: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Prometheus {
    /// Starts one that looks every second; the credential is that of the chapter on metrics.
    fn start(rehearsal: &Rehearsal) -> Self {
        let directory = rehearsal.scratch("prometheus");
        std::fs::create_dir(&directory).expect("a directory");
        let text = std::fs::read_to_string(rehearsal.state("meter-pki.toml")).expect("a configuration");
        let door =
            text.split("[operator]").nth(1).and_then(|rest| rest.split("listen = \"127.0.0.1:").nth(1));
        let port = door.and_then(|rest| rest.split('"').next()).expect("a port");
        let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operate/prometheus/alerts.yml");
        let (root, certificate) = (path(&rehearsal.root()), path(&rehearsal.state("prometheus.pem")));
        let settings = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [\"{rules}\"]\n\
             scrape_configs:\n  - job_name: meter-pki\n    scheme: https\n    static_configs: [{{targets: [\"127.0.0.1:{port}\"]}}]\n\
             \x20   tls_config: {{ca_file: \"{root}\", cert_file: \"{certificate}\", key_file: \"{certificate}\", server_name: localhost}}\n"
        );
        let file = directory.join("prometheus.yml");
        std::fs::write(&file, settings).expect("a file");
        let log = directory.join("log");
        let line = format!(
            "exec '{}' --config.file='{}' --storage.tsdb.path='{}' --web.listen-address=127.0.0.1:0 2> '{}'",
            path(&prometheus()),
            path(&file),
            path(&directory.join("data")),
            path(&log)
        );
        let process = held("bash", &["-c", &line]);
        let port = eventually("Prometheus listens", || {
            let said = std::fs::read_to_string(&log).ok()?;
            let line = said.lines().find(|line| line.contains("Listening on"))?.to_owned();
            line.split("address=127.0.0.1:").nth(1).map(|port| port.trim().to_owned())
        });
        Self { process, origin: format!("http://127.0.0.1:{port}") }
    }

    /// Asks its API.
    fn ask(&self, rehearsal: &Rehearsal, path: &str, options: &[&str]) -> Value {
        // While it reads its disk it answers 503, and no JSON.
        let view: Value = eventually("Prometheus is ready", || {
            let answer = curl(rehearsal, &format!("{}/api/v1/{path}", self.origin), options);
            (answer.status != 503).then(|| serde_json::from_str(&answer.text()).expect("JSON"))
        });
        assert_eq!(view["status"], "success", "{path} {options:?}: {view}");
        view["data"].clone()
    }
}

fn texts<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().filter_map(|one| one[name].as_str()).collect()
}

/// Where there is no listener for operators: what the proxy of the chapter gives is what the socket gives.
fn by_a_proxy(rehearsal: &Rehearsal, shell: &Shell, proxy: &str) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let block = proxy
        .replace("127.0.0.1:9464", &free.to_string())
        .replace("/var/lib/meter-pki/operator.sock", &path(&rehearsal.state("operator.sock")));
    let process = shell.begin(&block, &rehearsal.scratch("proxy.log"));
    let url = format!("http://{free}/metrics");
    let none: [&str; 0] = [];
    let answer = eventually("the proxy listens", || try_curl(rehearsal, &url, &none).ok());
    assert!(answer.status == 200 && answer.text().contains("pki_build_info"), "{}", process.log());
}

#[test]
fn prometheus_comes_with_a_certificate_takes_the_rules_and_answers_every_panel() {
    let rehearsal = Rehearsal::start(5);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    let [certificate, proxy] = steps(CHAPTER);
    drop(shell.run(certificate).ok());
    by_a_proxy(&rehearsal, &shell, proxy);
    let prometheus = Prometheus::start(&rehearsal);
    eventually("the server is looked at", || {
        let data = prometheus.ask(&rehearsal, "targets?state=active", &[]);
        let target = &data["activeTargets"][0];
        assert!(target["lastError"].as_str().is_none_or(str::is_empty), "{target}");
        (target["health"] == "up").then_some(())
    });
    // Each rule was evaluated, and none of those that wake somebody is about to: before the first look, one was.
    let is_quiet = |rule: &Value| rule["labels"]["severity"] != "page" || rule["state"] == "inactive";
    let rules = eventually("the rules are evaluated, and nobody is woken", || {
        let data = prometheus.ask(&rehearsal, "rules", &[]);
        let rules = data["groups"][0]["rules"].clone();
        let all = rules.as_array().expect("rules");
        all.iter().all(|rule| rule["health"] == "ok" && is_quiet(rule)).then_some(rules)
    });
    let known = include_str!("../../docs/operate/prometheus/alerts.yml").matches("- alert: ").count();
    assert_eq!(texts(&rules, "name").len(), known);
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let queries: BTreeSet<&str> = panels.iter().flat_map(|panel| texts(&panel["targets"], "expr")).collect();
    for query in queries {
        let asked = format!("query={query}");
        let series = || {
            let data = prometheus.ask(&rehearsal, "query", &["--data-urlencode", &asked]);
            data["result"].as_array().expect("series").len()
        };
        if ABSENT.iter().any(|absent| query.contains(absent)) {
            assert_eq!(series(), 0, "{query}");
        } else {
            eventually(query, || (series() > 0).then_some(()));
        }
    }
}
