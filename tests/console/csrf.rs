//! Pages of another site, in a browser that holds an operator's certificate (case M-08): they can make it send forms and show pages in
//! frames, and nothing comes of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use e2e::office::Office;
use serde_json::{Value, json};

use crate::work::{HOSTILE, at_work};

/// Another site: whatever is asked of it, it answers with one page, until `/end` is asked for.
struct Site {
    address: String,
    serving: Option<JoinHandle<()>>,
}

impl Site {
    fn with(page: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let serving = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                let Some(path) = asked(&stream) else { continue };
                answer(stream, &page(&path));
                if path == "/end" {
                    return;
                }
            }
        });
        Self { address: format!("http://{address}"), serving: Some(serving) }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let address = self.address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("it listens");
        drop(stream.write_all(b"GET /end HTTP/1.1\r\n\r\n"));
        if let Some(serving) = self.serving.take() {
            drop(serving.join());
        }
    }
}

fn asked(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    Some(path)
}

fn answer(mut stream: TcpStream, page: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        page.len()
    );
    // Whoever asked may be gone.
    drop(stream.write_all(format!("{head}{page}").as_bytes()));
}

/// What the other site's pages have a browser do to a server.
fn attack(origin: &str, path: &str) -> String {
    let fields = "<input name=id value=eve><input name=name value=Eve>";
    let form = |kind: &str| {
        let target = format!("{origin}/console/do/v1/people");
        format!(
            "<form method=post action='{target}' enctype='{kind}'>{fields}</form><script>document.forms[0].submit()</script>"
        )
    };
    match path {
        "/form" => form("application/x-www-form-urlencoded"),
        "/parts" => form("multipart/form-data"),
        "/text" => form("text/plain"),
        "/frame" => format!("<iframe src='{origin}/console/do/v1/people?id=eve&name=Eve'></iframe>"),
        "/fetch" => format!(
            "<script>onload = async () => {{ const told = [];
               for (const mode of ['no-cors', 'cors']) for (const method of ['GET', 'POST']) try {{
                 const answer = await fetch('{origin}/console/do/v1/people', {{method, mode, credentials: 'include',
                   body: method === 'POST' ? new URLSearchParams({{id: 'eve', name: 'Eve'}}) : undefined}});
                 told.push(answer.type + ' ' + (await answer.text()).length);
               }} catch {{ told.push('nothing'); }}
               document.body.append(told.join(', ') + '.'); }};</script>"
        ),
        "/link" => format!("<a href='{origin}/console/v1/people'>People</a>"),
        _ => String::new(),
    }
}

#[test]
fn m_08_pages_of_another_site_change_nothing_and_see_nothing() {
    let office = Office::open(2);
    let browser = office.browser();
    let eva = office.window(&browser, "eva");
    // She is signed in as far as anybody is: her certificate goes with every request to the server.
    assert_eq!(eva.open("/console/v1/people"), 200);
    let (origin, before) = (office.origin.clone(), office.ask("/v1/people", None));
    let site = Site::with(move |path| attack(&origin, path));
    let audited = office.rehearsal.audited();
    for form in ["form", "parts", "text"] {
        eva.open(&format!("{}/{form}", site.address));
        eva.await_text("main", "console.cross-site");
        assert_eq!(office.ask("/v1/people", None), before, "{form}");
    }
    eva.open(&format!("{}/frame", site.address));
    let frames = eva.frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert!(frames[0].starts_with("chrome-error:"), "{frames:?}");
    eva.open(&format!("{}/fetch", site.address));
    eva.await_text("body", ".");
    assert_eq!(eva.text("body").trim(), "nothing, nothing, nothing, nothing.");
    assert_eq!(office.ask("/v1/people", None), before);
    drop(eva.faults());
    let told = refusals(&office, audited);
    assert!(!told.is_empty() && told.iter().all(|(_, code)| code == "console.cross-site"), "{told:?}");
    // A link to the console may stand anywhere.
    eva.open(&format!("{}/link", site.address));
    eva.click("link", "People");
    assert_eq!(eva.text("h1"), "People");
}

/// What was refused after an audit record of this number: to whom, and with which code.
fn refusals(office: &Office, after: u64) -> Vec<(String, String)> {
    let records = office.rehearsal.audit_after(after);
    let refused = records.iter().filter(|one| one["act"] == "request-refused");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    refused.map(|one| (text(&one["actor"]), text(&one["reason"]))).collect()
}

/// The stamp of the form that a window shows.
const STAMP: &str = "document.querySelector('main form [name=stamp]').value";

#[test]
fn m_08_a_form_is_for_who_saw_it_and_counts_once() {
    let office = Office::open(2);
    drop(at_work(&office, &HOSTILE));
    let browser = office.browser();
    let [eva, kim] = ["eva", "kim"].map(|id| office.window(&browser, id));
    let (form, button) = ("/console/do/v1/people", "Put somebody on record");
    kim.open(form);
    let foreign = kim.run(&format!("() => {STAMP}"));
    let fill = |id: &str| {
        eva.open(form);
        eva.fill("ID", id);
        eva.fill("Name", "Kay");
    };
    let has = |id: &str| office.ask("/v1/people", None).to_string().contains(&format!("\"id\":\"{id}\""));
    // With the stamp of somebody else's form, with none, and with one that was changed.
    for stamp in [foreign, json!(""), json!("0.9999999999.00")] {
        fill("kay");
        let audited = office.rehearsal.audited();
        drop(eva.run(&format!("() => {{ {STAMP} = {stamp}; }}")));
        eva.click_within("main form", "button", button);
        assert!(eva.text("main").contains("console.stamp"), "{}", eva.text("main"));
        assert_eq!(eva.value("ID"), "kay", "what was filled in stays");
        assert!(!has("kay"));
        let told = refusals(&office, audited);
        assert_eq!(told, [("operator:eva".to_owned(), "console.stamp".to_owned())]);
    }
    // What was filled in is sent again from the page that says so; then once more, as a browser does.
    eva.click_within("main form", "button", button);
    assert!(eva.text("main").contains("Done.") && has("kay"), "{}", eva.text("main"));
    let added = || {
        let records = office.rehearsal.audit_after(0);
        records.iter().filter(|one| one["act"] == "person-added" && one.to_string().contains("kay")).count()
    };
    let once = added();
    assert_eq!(once, 1, "{:?}", office.rehearsal.audit_after(0).last());
    for _ in 0..2 {
        eva.again();
        assert!(eva.text("main").contains("Done."), "{}", eva.text("main"));
    }
    assert_eq!(added(), once);
}
