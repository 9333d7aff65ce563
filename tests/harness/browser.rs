//! A browser that somebody uses: Debian's Chromium, driven by Playwright, and axe, which judges what can be seen. The script beside this
//! file speaks to them.
//!
//! Whatever cannot be done, such as a button that is not there, ends the test with what the browser says of it.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::peer::path;
use crate::tool::{chromium, playwright};

/// A browser that runs. It ends when this is dropped, and by itself should the test die before that.
#[derive(Debug)]
pub struct Browser {
    child: RefCell<Child>,
    asked: RefCell<Option<ChildStdin>>,
    told: RefCell<BufReader<ChildStdout>>,
    windows: Cell<u32>,
}

/// How somebody comes.
#[derive(Debug, Clone, Default)]
pub struct Comes {
    /// The file that has his certificate and key, PEM; nothing where he shows none.
    pub certificate: Option<PathBuf>,
    /// The file that has both as PKCS#12, and its password, where he shows that.
    pub bundle: Option<(PathBuf, String)>,
    /// Whether his browser runs no script.
    pub without_script: bool,
}

/// A request that a browser made.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its address.
    pub address: String,
    /// The status of the answer; 0 without one.
    pub status: u16,
}

/// What has the focus.
#[derive(Debug, Clone)]
pub struct Focus {
    /// The kind of element, such as `a`.
    pub tag: String,
    /// Its name in a form.
    pub name: String,
    /// What it says.
    pub text: String,
    /// Whether one sees that it has the focus: an outline, inside the window.
    pub is_seen: bool,
}

impl Browser {
    /// Starts one that trusts servers by this root (PEM) and writes below this directory.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(directory: &Path, root: &Path) -> Self {
        let profile = directory.join("browser");
        std::fs::create_dir_all(&profile).expect("a directory");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/browser.py");
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(playwright("python"))
            .args([&script, &profile, &root.to_path_buf()])
            .env("METER_PKI_CHROMIUM", chromium())
            .env("TMPDIR", &profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("setpriv of util-linux starts python");
        let (asked, told) = (child.stdin.take(), child.stdout.take().expect("it is piped"));
        let browser = Self {
            child: RefCell::new(child),
            asked: RefCell::new(asked),
            told: RefCell::new(BufReader::new(told)),
            windows: Cell::new(0),
        };
        drop(browser.answer("the browser starts"));
        browser
    }

    /// Opens a window of somebody's at a server, such as `https://localhost:1234`.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[must_use]
    #[track_caller]
    pub fn window(&self, origin: &str, comes: &Comes) -> Window<'_> {
        self.windows.set(self.windows.get() + 1);
        let window = Window { browser: self, number: self.windows.get(), origin: origin.to_owned() };
        let file = comes.certificate.as_deref().map(path);
        let mut given =
            json!({"origin": origin, "certificate": file, "key": file, "script": !comes.without_script});
        if let Some((file, password)) = &comes.bundle {
            given["bundle"] = json!(path(file));
            given["password"] = json!(password);
        }
        drop(window.ask("enter", given));
        window
    }

    /// Returns the number of its process.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.child.borrow().id()
    }

    #[track_caller]
    fn answer(&self, what: &str) -> Value {
        let mut line = String::new();
        let read = self.told.borrow_mut().read_line(&mut line).expect("it can be read");
        assert!(read > 0, "{what}: the browser ended");
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{what}: {line}"));
        if let Some(failed) = answer["failed"].as_str() {
            panic!("{what}: {failed}");
        }
        answer["told"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends with its standard input, and the browser before it.
        drop(self.asked.take());
        drop(self.child.borrow_mut().wait());
    }
}

/// A window of somebody's.
#[derive(Debug)]
pub struct Window<'a> {
    browser: &'a Browser,
    number: u32,
    /// Scheme, host and port of the server at which he shows his certificate.
    pub origin: String,
}

impl Window<'_> {
    #[track_caller]
    fn ask(&self, verb: &str, mut given: Value) -> Value {
        given["verb"] = verb.into();
        given["window"] = self.number.into();
        let line = format!("{given}\n");
        let mut asked = self.browser.asked.borrow_mut();
        let written = asked.as_mut().expect("it runs").write_all(line.as_bytes());
        written.unwrap_or_else(|error| panic!("{given}: the browser ended: {error}"));
        drop(asked);
        self.browser.answer(line.trim_end())
    }

    #[track_caller]
    fn texts_of(&self, verb: &str, given: Value) -> Vec<String> {
        let told = self.ask(verb, given);
        let all = told.as_array().cloned().unwrap_or_default();
        all.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    #[track_caller]
    fn text_of(&self, verb: &str, given: Value) -> String {
        self.ask(verb, given).as_str().unwrap_or_default().to_owned()
    }

    /// Types an address, or its path at the window's server; returns the status of the answer.
    #[track_caller]
    pub fn open(&self, address: &str) -> u16 {
        let address =
            if address.starts_with('/') { format!("{}{address}", self.origin) } else { address.to_owned() };
        let status = self.ask("open", json!({"address": address}));
        status.as_u64().and_then(|status| status.try_into().ok()).expect("a status")
    }

    /// Clicks what has this role and name, such as a `link`, and waits for the page that it leads to, if to any.
    #[track_caller]
    pub fn click(&self, role: &str, name: &str) {
        drop(self.ask("click", json!({"role": role, "name": name})));
    }

    /// The same, inside of what a selector finds.
    #[track_caller]
    pub fn click_within(&self, selector: &str, role: &str, name: &str) {
        drop(self.ask("click", json!({"role": role, "name": name, "within": selector})));
    }

    /// Opens what is folded under this name, or folds it.
    #[track_caller]
    pub fn unfold(&self, name: &str) {
        drop(self.ask("unfold", json!({"name": name})));
    }

    /// Fills in the field with this label, or chooses from it.
    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        drop(self.ask("fill", json!({"label": label, "text": text})));
    }

    /// Chooses a file for the field with this label.
    #[track_caller]
    pub fn attach(&self, label: &str, file: &Path) {
        drop(self.ask("attach", json!({"label": label, "file": path(file)})));
    }

    /// Presses a key, such as `Tab`.
    #[track_caller]
    pub fn press(&self, key: &str) {
        drop(self.ask("press", json!({"key": key})));
    }

    /// Presses a key that leads to another page, and waits for that.
    #[track_caller]
    pub fn go(&self, key: &str) {
        drop(self.ask("go", json!({"key": key})));
    }

    /// Types a text into whatever has the focus.
    #[track_caller]
    pub fn write(&self, text: &str) {
        drop(self.ask("write", json!({"text": text})));
    }

    /// Asks for the page again as it was asked for: a form that was sent is sent again.
    #[track_caller]
    pub fn again(&self) {
        drop(self.ask("again", json!({})));
    }

    /// Stops the clock of the page: from now on its time goes on by [`Self::let_pass`] alone.
    #[track_caller]
    pub fn stop_clock(&self) {
        drop(self.ask("stop_clock", json!({})));
    }

    /// Lets seconds pass in the page.
    #[track_caller]
    pub fn let_pass(&self, seconds: u32) {
        drop(self.ask("let_pass", json!({"seconds": seconds})));
    }

    /// Makes the window as wide and high as this, in pixels.
    #[track_caller]
    pub fn size(&self, width: u32, height: u32) {
        drop(self.ask("size", json!({"width": width, "height": height})));
    }

    /// Prefers `light` or `dark` colours.
    #[track_caller]
    pub fn prefer(&self, scheme: &str) {
        drop(self.ask("scheme", json!({"scheme": scheme})));
    }

    /// Returns the visible text of the first element that a selector finds.
    #[must_use]
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        self.text_of("text", json!({"selector": selector}))
    }

    /// Returns the visible text of every element that a selector finds.
    #[must_use]
    #[track_caller]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.texts_of("texts", json!({"selector": selector}))
    }

    /// Returns how many elements a selector finds.
    #[must_use]
    #[track_caller]
    pub fn count(&self, selector: &str) -> u64 {
        self.ask("count", json!({"selector": selector})).as_u64().expect("a number")
    }

    /// Returns an attribute of the first element that a selector finds.
    #[must_use]
    #[track_caller]
    pub fn attribute(&self, selector: &str, attribute: &str) -> Option<String> {
        let told = self.ask("attribute", json!({"selector": selector, "attribute": attribute}));
        told.as_str().map(str::to_owned)
    }

    /// Returns what stands in the field with this label.
    #[must_use]
    #[track_caller]
    pub fn value(&self, label: &str) -> String {
        self.text_of("value", json!({"label": label}))
    }

    /// Returns the title of the page.
    #[must_use]
    #[track_caller]
    pub fn title(&self) -> String {
        self.text_of("title", json!({}))
    }

    /// Returns the address of the page.
    #[must_use]
    #[track_caller]
    pub fn address(&self) -> String {
        self.text_of("address", json!({}))
    }

    /// Waits until the first element that a selector finds says this.
    #[track_caller]
    pub fn await_text(&self, selector: &str, text: &str) {
        drop(self.ask("await_text", json!({"selector": selector, "text": text})));
    }

    /// Returns the addresses of what the page shows in frames.
    #[must_use]
    #[track_caller]
    pub fn frames(&self) -> Vec<String> {
        self.texts_of("frames", json!({}))
    }

    /// Returns what has the focus, if anything has.
    #[must_use]
    #[track_caller]
    pub fn focus(&self) -> Option<Focus> {
        let told = self.ask("focus", json!({}));
        let text = |member: &str| told[member].as_str().unwrap_or_default().to_owned();
        let is_seen = told["seen"].as_bool()?;
        Some(Focus { tag: text("tag"), name: text("name"), text: text("text"), is_seen })
    }

    /// Returns what makes the page wider than the window; nothing where it is not.
    #[must_use]
    #[track_caller]
    pub fn wider(&self) -> Vec<String> {
        self.texts_of("wider", json!({}))
    }

    /// Runs a script of the test in the page.
    #[must_use]
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.ask("run", json!({"script": script}))
    }

    /// Returns what axe has to say against the page.
    #[must_use]
    #[track_caller]
    pub fn axe(&self) -> Vec<String> {
        self.texts_of("axe", json!({}))
    }

    /// Makes a picture of the whole page, or of what the window shows of it.
    #[track_caller]
    pub fn picture(&self, file: &Path, is_whole: bool) {
        drop(self.ask("picture", json!({"file": path(file), "whole": is_whole})));
    }

    /// Returns how many milliseconds the page took: from asking for it to its last octet, and until it could be used.
    #[must_use]
    #[track_caller]
    pub fn took(&self) -> [f64; 2] {
        let told = self.ask("took", json!({}));
        [0, 1].map(|place: usize| told[place].as_f64().expect("milliseconds"))
    }

    /// Returns the requests that were made since this was asked last.
    #[must_use]
    #[track_caller]
    pub fn requests(&self) -> Vec<Request> {
        let told = self.ask("asked_for", json!({}));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |one: &Value| Request {
            method: text(&one["method"]),
            address: text(&one["address"]),
            status: one["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or_default(),
        };
        told.as_array().expect("a list").iter().map(one).collect()
    }

    /// Returns what went wrong in pages since this was asked last: errors of scripts, what the policy of the page forbids, dialogues.
    #[must_use]
    #[track_caller]
    pub fn faults(&self) -> Vec<String> {
        self.texts_of("failed", json!({}))
    }

    /// Closes it.
    #[track_caller]
    pub fn leave(self) {
        drop(self.ask("leave", json!({})));
    }
}
