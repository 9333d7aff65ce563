//! A roll-out: an owner that knows the maker of a simulated fleet, campaigns over it, and what is counted in the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::process::program;
use crate::rehearsal::Rehearsal;
use crate::tool::{Said, finish};

/// An owner that knows the maker of a simulated fleet.
#[derive(Debug)]
pub struct Owner {
    /// The server.
    pub serving: Rehearsal,
    /// The directory of the fleet.
    pub fleet: PathBuf,
    /// Its meters.
    pub titles: Vec<String>,
}

impl Owner {
    /// Makes a fleet, and serves where its maker is known and head-ends are let in.
    ///
    /// # Panics
    /// When one of them does not come about.
    #[must_use]
    pub fn of(meters: &str, more: &[&str]) -> Self {
        let mut serving = Rehearsal::start(1);
        serving.stop();
        let fleet = serving.scratch("fleet");
        let directory = text(&fleet);
        let make = ["sim", "make", &directory, "--meters", meters, "--concentrators", "3"];
        let made = serving.operator_json(&[&make[..], more].concat());
        let anchors = made["anchors"].to_string();
        serving.configure("owner.toml", |text| {
            // One operator plays all of them.
            let maker = format!(
                "[[manufacturer]]\ntenant = \"sim\"\nanchor_files = {anchors}\n\n[revocation]\ntwo_people_from = 10000000\n"
            );
            // Many meters at one address, all of one tenant: as behind a concentrator, without the limits of one.
            let label = "default_label = \"meter-op-ds-s1\"\n";
            let crowd = "limits = { max_connections_per_address = 512 }\n\
                         rates = { tenant = { per_second = 0, burst = 0 }, device = { per_second = 0, burst = 1 } }\n";
            text.replace("manufacturers = [\"maker\"]", "manufacturers = [\"maker\", \"sim\"]")
                .replace("doors = [\"factory-certificate\"", "doors = [\"campaign\", \"factory-certificate\"")
                .replace(label, &format!("{label}{crowd}"))
                + &maker
        });
        serving.serve();
        let delivery = std::fs::read_to_string(fleet.join("delivery.jsonl")).expect("a delivery");
        let lines = delivery.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let titles = lines.map(|line| line["system_title"].as_str().expect("a title").to_owned()).collect();
        Self { serving, fleet, titles }
    }

    /// Puts meters on the owner's list.
    ///
    /// # Panics
    /// When one of them is not taken.
    pub fn expect(&self, titles: &[String]) {
        let list = self.serving.unique("expected.csv");
        let rows: String = titles.iter().map(|title| format!("{title},sim\n")).collect();
        std::fs::write(&list, format!("system_title,manufacturer\n{rows}")).expect("a list");
        drop(self.serving.operator(&["device", "import", &text(&list), "--tenant", "dso"]).ok());
    }

    /// Imports what the maker delivers, factory certificates with it.
    ///
    /// # Panics
    /// When not all of it is taken.
    pub fn take_delivery(&self) {
        let file = text(&self.fleet.join("delivery.jsonl"));
        let import = [
            "delivery",
            "import",
            &file,
            "--map",
            "manifest-lines",
            "--tenant",
            "dso",
            "--manufacturer",
            "sim",
        ];
        let imported = self.serving.operator_json(&import);
        assert_eq!(imported["imported"], Value::from(self.titles.len()), "{imported}");
    }

    /// Compares what the meters hold with what is on record, as a head-end would have exported it. EST has no confirmation: by this a
    /// campaign of meters that ask by themselves hears of what they have.
    ///
    /// # Panics
    /// When the export is not written, or not compared.
    #[must_use]
    pub fn reconcile(&self) -> Value {
        let (fleet, file) = (text(&self.fleet), text(&self.serving.unique("exported.jsonl")));
        drop(self.serving.operator(&["sim", "export", &fleet, &file]).ok());
        self.serving.operator_json(&[
            "device",
            "reconcile",
            "--tenant",
            "dso",
            "--partial",
            "--exported",
            &file,
        ])
    }

    /// Plans a campaign that swaps all three certificates of the meters of a suite, and starts it.
    ///
    /// # Panics
    /// When it is not started.
    #[must_use]
    pub fn campaign(&self, name: &str, (road, suite): (&str, &str), more: &[&str]) -> Value {
        let profiles = ["ka", "ds", "tls"].map(|purpose| format!("meter-op-{purpose}-{suite}"));
        let [ka, ds, tls] = &profiles;
        let titles = self.serving.unique("titles.txt");
        let of_suite = format!("53494D0{}", suite.trim_start_matches('s'));
        let chosen: String = self
            .titles
            .iter()
            .filter(|title| title.starts_with(&of_suite))
            .map(|title| format!("{title}\n"))
            .collect();
        std::fs::write(&titles, chosen).expect("a list");
        let file = text(&titles);
        let plan = [
            "campaign",
            "plan",
            "--tenant",
            "dso",
            "--name",
            name,
            "--goal",
            "swap",
            "--road",
            road,
            "--profile",
            ka,
            "--profile",
            ds,
            "--profile",
            tls,
            "--file",
            &file,
        ];
        let planned = self.serving.operator_json(&[&plan[..], more].concat());
        let digest = planned["campaign"]["digest"].as_str().unwrap_or_else(|| panic!("{planned}")).to_owned();
        drop(self.serving.operator(&["campaign", "start", &digest]).ok());
        planned
    }

    /// Returns how a campaign stands.
    #[must_use]
    pub fn standing(&self, name: &str) -> Value {
        self.serving.operator_json(&["campaign", "show", name])
    }

    /// Returns `sim run` over this fleet, over EST.
    #[must_use]
    pub fn run(&self, more: &[&str]) -> Command {
        self.run_at(&self.serving.origin(), more)
    }

    /// Returns `sim run` over this fleet, over CMP.
    #[must_use]
    pub fn run_over_cmp(&self, more: &[&str]) -> Command {
        let place = self.serving.text("cmp");
        let origin = place.split("/.well-known").next().unwrap_or_default();
        self.run_at(origin, &[&["--road", "cmp"], more].concat())
    }

    fn run_at(&self, url: &str, more: &[&str]) -> Command {
        let mut command = Command::new(program("meter-pki"));
        command
            .args(["--json", "sim", "run", &text(&self.fleet), "--url", url, "--trust"])
            .arg(self.serving.root())
            .args(more);
        piped(command)
    }

    /// Returns `sim head-end` over this fleet, whose meters know the owner's authorities.
    #[must_use]
    pub fn head_end(&self, more: &[&str]) -> Command {
        let mut command = self.serving.operator_command(&["--json", "sim", "head-end"]);
        command.arg(&self.fleet);
        for suite in ["s1", "s2"] {
            let authority = self.serving.state(&format!("authorities/dso-operational-{suite}.cer"));
            command.arg("--authority").arg(authority);
        }
        command.args(more);
        piped(command)
    }

    /// How many certificates of their owner the meters have.
    ///
    /// # Panics
    /// When their memory cannot be read.
    #[must_use]
    pub fn certificates(&self) -> usize {
        let mut counted = Counted::default();
        counted.go_on(&self.fleet)
    }

    /// Returns how many good operational certificates of each type each meter has, by system title.
    ///
    /// # Panics
    /// When they cannot be listed.
    #[must_use]
    pub fn good(&self) -> BTreeMap<String, Vec<String>> {
        let mut good: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for suite in ["s1", "s2"] {
            let issuer = format!("dso-operational-{suite}");
            let mut after = None;
            loop {
                let mut list =
                    vec!["cert", "list", "--issuer", &issuer, "--status", "good", "--limit", "10000"];
                list.extend(after.iter().flat_map(|after: &String| ["--after", after]));
                let page = self.serving.operator_json(&list);
                for one in page["certificates"].as_array().expect("a list") {
                    let word = |field: &str| one[field].as_str().expect("a text").to_owned();
                    let subject = word("subject").trim_start_matches("CN=").to_owned();
                    good.entry(subject).or_default().push(word("purpose"));
                }
                after = page["next"].as_str().map(str::to_owned);
                if after.is_none() {
                    break;
                }
            }
        }
        good.values_mut().for_each(|types| types.sort());
        good
    }

    /// Stops the server, and has the ledger read by the program that shares no code with what wrote it.
    #[must_use]
    pub fn judged(&mut self) -> Said {
        self.serving.stop();
        let clients = self.serving.unique("clients");
        std::fs::write(&clients, "").expect("a file");
        let mut checker = Command::new(program("ledger-checker"));
        for (option, place) in
            [("--store", "store"), ("--authorities", "authorities"), ("--published", "published")]
        {
            checker.arg(option).arg(self.serving.state(place));
        }
        finish(checker.arg("--clients").arg(&clients))
    }
}

/// Counts certificates in the memory of a fleet while it grows: what was read is not read again.
#[derive(Debug, Default)]
pub struct Counted {
    read: u64,
    certificates: usize,
}

impl Counted {
    /// Reads what was added, and returns how many certificates of their owner the meters have taken so far.
    ///
    /// # Panics
    /// When the memory cannot be read.
    pub fn go_on(&mut self, fleet: &Path) -> usize {
        let mut file = File::open(fleet.join("memory.jsonl")).expect("the memory of the meters");
        file.seek(SeekFrom::Start(self.read)).expect("its end");
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        loop {
            line.clear();
            let count = reader.read_line(&mut line).expect("text");
            if count == 0 || !line.ends_with('\n') {
                return self.certificates;
            }
            self.read += count as u64;
            let is_one = line.contains(r#""life":"operational""#) && line.contains(r#""kind":"certificate""#);
            self.certificates += usize::from(is_one);
        }
    }
}

fn piped(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for a simulation; returns how it ended, and its report.
///
/// # Panics
/// When it ends without one.
#[must_use]
pub fn report(run: Child) -> (Option<i32>, Value) {
    let output = run.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    let report = serde_json::from_str(&said);
    (
        output.status.code(),
        report.unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr))),
    )
}

/// A path as text.
#[must_use]
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
