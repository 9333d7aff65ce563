//! The watchman: the chapter as it stands, with a mail server, a collector of syslog and a receiver of webhooks that are not ours; and what
//! he tells when the server goes and comes, a key is stolen, and the log is put back.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use e2e::chapter::{Shell, blocks, steps};
use e2e::clock::WallClock;
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, openssl};
use serde_json::Value;

use crate::held::held;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/watch.md");

/// Who is told, ended when it is dropped.
struct Told {
    directory: PathBuf,
    mail: String,
    web: String,
    log: String,
    children: Vec<Child>,
}

impl Drop for Told {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Told {
    /// Starts all three; the certificate of two of them goes into `roots.pem` beside the configuration.
    fn start(rehearsal: &Rehearsal) -> Self {
        let directory = rehearsal.scratch("told");
        fs::create_dir(&directory).expect("a directory");
        let pem = directory.join("server.pem");
        certify(&pem, &rehearsal.state("roots.pem"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("operator/told.py");
        let secret = rehearsal.state("webhook.secret");
        let arguments = [&script, &pem, &secret, &directory].map(|file| path(file));
        let mut python = held("/usr/bin/python3", &arguments.each_ref().map(String::as_str));
        let out = python.stdout.take().expect("standard output is read once");
        let mut line = String::new();
        let read = BufReader::new(out).read_line(&mut line).expect("a line");
        assert!(read > 0, "the servers do not start: apt-get install python3-aiosmtpd");
        let (mail, web) = line.trim().split_once(' ').expect("two ports");
        let (mail, web) = (mail.to_owned(), web.to_owned());
        let (collector, log) = collect(&directory);
        Self { directory, mail, web, log, children: vec![python, collector] }
    }

    /// What one of them got, each a line.
    fn got(&self, whom: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.directory.join(whom)).unwrap_or_default();
        let whole = text.lines().filter(|line| line.ends_with('}'));
        whole.map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The turns of the notices about one check that arrived by webhook.
    fn turns(&self, check: &str) -> Vec<String> {
        let of = |line: &Value| line["status"] == 200 && line["notice"]["check"] == check;
        let taken = self.got("web.jsonl").into_iter().filter(of);
        taken.map(|line| line["notice"]["turn"].as_str().expect("a turn").to_owned()).collect()
    }

    /// The configuration of the chapter, for these ports.
    fn configuration(&self) -> String {
        let [text] = blocks(CHAPTER, "toml").try_into().expect("the chapter has one configuration");
        let text: &str = text;
        text.replace("localhost:8443", &format!("localhost:{}", self.web))
            .replace("localhost:2525", &format!("localhost:{}", self.mail))
            .replace("localhost:1601", &format!("localhost:{}", self.log))
    }
}

/// A certificate for this host.
fn certify(pem: &Path, root: &Path) {
    let (key, certificate) = (path(&pem.with_extension("key")), path(root));
    let request =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7"];
    let names = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    drop(openssl([&request[..], &names, &["-keyout", &key, "-out", &certificate]].concat()).ok());
    let both = [fs::read(&key).expect("a key"), fs::read(&certificate).expect("a certificate")].concat();
    fs::write(pem, both).expect("both in one file");
}

/// rsyslog, which writes down what it made of each message.
fn collect(directory: &Path) -> (Child, String) {
    let place = path(directory);
    let settings = directory.join("rsyslog.conf");
    let text = format!(
        "global(workDirectory=\"{place}\")\nmodule(load=\"imtcp\")\n\
         template(name=\"parts\" type=\"list\") {{ property(name=\"jsonmesg\") constant(value=\"\\n\") }}\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"0\" listenPortFileName=\"{place}/log.port\")\n\
         action(type=\"omfile\" file=\"{place}/log.jsonl\" template=\"parts\")\n"
    );
    fs::write(&settings, text).expect("a configuration");
    let process = format!("{place}/rsyslog.pid");
    // A copy: where there is AppArmor, it lets the one that is installed write into /var/log alone.
    let program = directory.join("rsyslogd");
    fs::copy("/usr/sbin/rsyslogd", &program).expect("rsyslog is installed: apt-get install rsyslog");
    let collector = held(&path(&program), &["-n", "-f", &path(&settings), "-i", &process]);
    let port = eventually("rsyslog listens", || {
        let port = fs::read_to_string(directory.join("log.port")).ok()?;
        (!port.trim().is_empty()).then(|| port.trim().to_owned())
    });
    (collector, port)
}

/// A watchman who looks, by a clock that can be set.
fn look(rehearsal: &Rehearsal) -> Said {
    let configuration = path(&rehearsal.state("watch.toml"));
    let mut command = Command::new(e2e::process::program("meter-pki"));
    command.args(["--config", &configuration, "watch", "--once"]);
    command.env("LD_PRELOAD", rehearsal.scratch("clock.so"));
    command.env("CLOCK_SHIM_SECONDS", rehearsal.scratch("clock-is-set-by"));
    finish(&mut command)
}

#[test]
fn the_chapter_on_being_told_works_as_it_stands_and_what_happens_is_told_once() {
    let mut rehearsal = Rehearsal::start(1);
    let clock = WallClock::new(&mut rehearsal);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    let [secret, test, once] = steps(CHAPTER);
    drop(shell.run(secret).ok());
    let told = Told::start(&rehearsal);
    fs::write(rehearsal.state("watch.toml"), told.configuration()).expect("a configuration");

    let said = shell.run(test).ok();
    assert_eq!(said.out.matches(" taken").count(), 3, "{}", said.out);
    let mail = told.got("mail.jsonl").pop().expect("a mail");
    let id = mail["notice"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        (&mail["tls"], &mail["automatic"], &mail["to"][0]),
        (&true.into(), &"auto-generated".into(), &"duty@example.org".into())
    );
    assert_eq!(mail["id"], format!("<{id}@example.org>"));
    assert!(
        mail["subject"].as_str().is_some_and(|text| text.starts_with("grid: notice watch.test test: ")),
        "{mail}"
    );
    let web = told.got("web.jsonl").pop().expect("a webhook");
    assert_eq!(
        (&web["id"], &web["status"], &web["late"]),
        (&Value::from(id.as_str()), &200.into(), &false.into())
    );
    let line = eventually("rsyslog wrote it down", || told.got("log.jsonl").pop());
    assert_eq!(
        (&line["msgid"], &line["syslogseverity"], &line["syslogfacility"]),
        (&Value::from("watch.test"), &Value::from("6"), &Value::from("3")),
        "{line}"
    );
    assert!(line["msg"].as_str().is_some_and(|text| text.contains(&id)), "{line}");

    // What a rehearsal has to show is told once.
    drop(shell.run(once).ok());
    let first = told.got("web.jsonl").len();
    drop(look(&rehearsal).ok());
    assert_eq!(told.got("web.jsonl").len(), first);

    a_server_goes_and_comes(&mut rehearsal, &told, &clock);
    keys_are_stolen_and_the_log_is_put_back(&mut rehearsal, &told);
}

fn a_server_goes_and_comes(rehearsal: &mut Rehearsal, told: &Told, clock: &WallClock) {
    const AWAY: &str = "doctor.server.nobody";
    rehearsal.kill();
    fs::write(told.directory.join("refuse"), "").expect("a file");
    let said = look(rehearsal);
    assert_eq!((said.code, said.err.contains("watch.undelivered")), (Some(3), true), "{}", said.all());
    assert!(told.turns(AWAY).is_empty());
    let mails = told.got("mail.jsonl");
    assert!(mails.iter().any(|mail| mail["notice"]["check"] == AWAY), "the others got it: {mails:?}");
    // A quarter of a minute later it is sent again, under the same id, in the order in which it came.
    fs::remove_file(told.directory.join("refuse")).expect("it was there");
    clock.set_by(16);
    drop(look(rehearsal).ok());
    assert_eq!(told.turns(AWAY), ["raised"]);
    let tried: Vec<Value> = told.got("web.jsonl").into_iter().filter(|line| line["status"] == 503).collect();
    let again = |line: &Value| {
        told.got("web.jsonl").iter().any(|other| other["status"] == 200 && other["id"] == line["id"])
    };
    assert!(!tried.is_empty() && tried.iter().all(again), "{tried:?}");

    rehearsal.serve();
    drop(look(rehearsal).ok());
    assert_eq!(told.turns(AWAY), ["raised"], "once may be chance");
    drop(look(rehearsal).ok());
    assert_eq!(told.turns(AWAY), ["raised", "over"]);
}

fn keys_are_stolen_and_the_log_is_put_back(rehearsal: &mut Rehearsal, told: &Told) {
    rehearsal.stop();
    let (store, copy) = (rehearsal.state("store"), rehearsal.scratch("copy"));
    drop(e2e::tool::run("cp", ["-a".to_owned(), path(&store), path(&copy)]).ok());
    rehearsal.serve();
    let page =
        rehearsal.operator_json(&["cert", "list", "--tenant", "dso", "--status", "good", "--limit", "1"]);
    rehearsal.revoke(page["certificates"][0]["serial"].as_str().expect("a number"), "keyCompromise");
    drop(look(rehearsal).ok());
    assert_eq!(told.turns("watch.compromised"), ["raised"]);
    assert!(told.turns("watch.trail").is_empty());

    rehearsal.stop();
    fs::remove_dir_all(&store).expect("the ledger goes");
    fs::rename(&copy, &store).expect("an older one takes its place");
    rehearsal.serve();
    drop(look(rehearsal).ok());
    assert_eq!(told.turns("watch.trail"), ["raised"], "{:?}", told.got("web.jsonl").last());
}

#[test]
fn a_faulty_configuration_of_the_watchman_is_told_with_its_lines() {
    let rehearsal = Rehearsal::not_begun();
    fs::create_dir(rehearsal.state("")).expect("a directory");
    fs::write(
        rehearsal.state("watch.toml"),
        "configuration = \"x\"\ndirectory = \".\"\ninstallation = \"grid\"\n",
    )
    .expect("a file");
    let said = finish(Command::new(e2e::process::program("meter-pki")).args([
        "--config",
        &path(&rehearsal.state("watch.toml")),
        "watch",
    ]));
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.err.contains("watch.toml:1: webhook, mail, syslog: nobody is told"), "{}", said.err);
}
