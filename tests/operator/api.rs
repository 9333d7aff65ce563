//! The operator's interface as programs of others find it: the chapter as it stands, and what schemathesis makes of the document.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use e2e::chapter::steps;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, schemathesis};
use serde_json::{Value, json};

use crate::door::Door;
use crate::people::{Known, ask, with_all_things};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/api.md");

/// How schemathesis asks.
const SETTINGS: &str = include_str!("schemathesis.toml");

/// How many requests fuzzing makes for each operation; `METER_PKI_API_EXAMPLES` says another number, for a longer run.
const EXAMPLES: &str = "5";

/// The document that stands in the repository.
fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operate/openapi.json")
}

/// Carries what comes over TCP to a Unix socket and back, since schemathesis knows no such sockets; the server hears this process.
fn carry(socket: &Path) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, socket) = (listener.local_addr().expect("an address"), socket.to_owned());
    thread::spawn(move || {
        for outer in listener.incoming().flatten() {
            if let Ok(inner) = UnixStream::connect(&socket) {
                both(outer, inner);
            }
        }
    });
    address
}

fn both(outer: TcpStream, inner: UnixStream) {
    let (Ok(mut from), Ok(mut to)) = (outer.try_clone(), inner.try_clone()) else { return };
    thread::spawn(move || {
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
    let (mut from, mut to) = (inner, outer);
    thread::spawn(move || {
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Both));
    });
}

/// Has schemathesis ask by these settings, with these options.
fn examine(rehearsal: &Rehearsal, settings: &str, options: &[&str]) -> Said {
    let file = rehearsal.scratch("schemathesis.toml");
    std::fs::write(&file, settings).expect("a file");
    let mut command = Command::new(schemathesis("schemathesis"));
    command.args(["--config-file", &path(&file), "run"]).arg(document());
    command.args(["--checks", "all", "--generation-deterministic"]);
    command.args(["--continue-on-failure", "--no-shrink", "--no-color"]).args(options);
    finish(command.current_dir(rehearsal.scratch("")).env("PYTHONHASHSEED", "0"))
}

/// An order that is on record.
fn planned(known: &Known) -> String {
    let text = json!({"selection": {"serials": [known.serial]}, "reason": "superseded", "show": 1});
    let (status, body) = ask(&known.rehearsal, 0, &[("POST", "/v1/plans".to_owned(), text)]).remove(0);
    assert_eq!(status, 200, "{body}");
    let told: Value = serde_json::from_str(&body).expect("JSON");
    told["order"]["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn schemathesis_finds_nothing_on_the_document() {
    let known = with_all_things();
    let order = planned(&known);
    let names = [
        ("@title@", &known.title),
        ("@serial@", &known.serial),
        ("@delivery@", &known.delivery),
        ("@waiting@", &known.waiting),
        ("@order@", &order),
    ];
    let settings = names.iter().fold(SETTINGS.to_owned(), |text, (name, value)| text.replace(name, value));
    let address = carry(&known.rehearsal.state("operator.sock"));
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for from outside")]
    let examples = std::env::var("METER_PKI_API_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let url = format!("http://{address}");
    let said = examine(&known.rehearsal, &settings, &["--url", &url, "--max-examples", &examples]).ok();
    assert!(said.out.contains("Operations:       120 selected"), "{}", said.out);
    assert!(said.out.contains("No issues found") || said.out.contains("passed"), "{}", said.out);
}

/// By the documents' blocks, where the server is; then every example of the document, with the certificate of an administrator.
#[test]
fn the_chapter_on_the_interface_works_as_it_stands() {
    let [print, socket, elsewhere, pages, once, seen, calls, fails] = steps::<8>(CHAPTER);
    let door = Door::with_eva();
    let root = std::fs::read(door.rehearsal.root()).expect("the root");
    std::fs::write(door.rehearsal.state("roots.pem"), root).expect("a file");
    let run = |block: &str| door.run(&block.replace("https://pki.example:9443", &door.origin));
    drop(run(print).ok());
    assert!(run(socket).ok().out.contains("dso-operational-s1"));
    drop(run(elsewhere).ok());
    let certificates = door.rehearsal.operator_json(&["cert", "list", "--limit", "1000"]);
    let count = certificates["certificates"].as_array().expect("a list").len();
    assert!(count > 10 && run(pages).ok().out.contains(&format!("{count} certificates")));
    let before = door.rehearsal.audited();
    let said = run(once).ok().out;
    let half = said.len() / 2;
    assert!(said.contains("night shift") && said[..half] == said[half..], "{said}");
    let said = run(seen).ok().out;
    assert!(said.contains("\"approver\"") && said.contains("\"api.changed\""), "{said}");
    assert_eq!(door.rehearsal.audited(), before + 2, "one person and one role");
    assert!(run(calls).ok().err.starts_with("curl --unix-socket "));
    let told: Value = serde_json::from_str(&run(fails).ok().out).expect("JSON");
    let shown = CHAPTER.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    assert_eq!(told, serde_json::from_str::<Value>(shown).expect("JSON"));

    let (root, eva) = (path(&door.rehearsal.root()), path(&door.rehearsal.state("eva.pem")));
    let options =
        ["--url", &door.origin, "--tls-verify", &root, "--request-cert", &eva, "--phases", "examples"];
    let settings = SETTINGS.split("\n# A request that names").next().expect("the checks");
    drop(examine(&door.rehearsal, settings, &options).ok());
}
