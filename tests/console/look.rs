//! What every page has to be, whatever it shows.

use e2e::browser::Window;

/// How wide a desk's and a telephone's windows are, in pixels, and how high.
const DESK: (u32, u32) = (1280, 800);
const TELEPHONE: (u32, u32) = (360, 740);

/// What is around the fields of a form has to say what they are.
const UNLABELLED: &str =
    "() => [...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]
    .filter((one) => one.labels.length === 0).map((one) => one.outerHTML.slice(0, 120))";

/// A form of a text that a browser does not understand (it reads it with the flag `v`) is no form: whatever is typed passes.
const UNREAD: &str = "() => [...document.querySelectorAll('[pattern]')].filter((one) => {
    try { new RegExp(`^(?:${one.pattern})$`, 'v'); return false; } catch { return true; } }).map((one) => one.pattern)";

/// Returns what is wrong with the page that a window shows.
#[track_caller]
pub(crate) fn faults(window: &Window<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let headings = window.texts("h1");
    if headings.len() != 1 || headings.iter().any(|heading| heading.trim().is_empty()) {
        faults.push(format!("headings: {headings:?}"));
    }
    if window.title().trim().len() < "x · meter-pki".len() {
        faults.push(format!("title: {}", window.title()));
    }
    for scheme in ["dark", "light"] {
        window.prefer(scheme);
        faults.extend(window.axe().into_iter().map(|told| format!("axe, {scheme}: {told}")));
    }
    for (width, height) in [TELEPHONE, DESK] {
        window.size(width, height);
        let wider = window.wider();
        if !wider.is_empty() {
            faults.push(format!("wider than {width}: {wider:#?}"));
        }
    }
    for (what, script) in [("without a label", UNLABELLED), ("not understood", UNREAD)] {
        let told = window.run(script);
        if told.as_array().is_none_or(|all| !all.is_empty()) {
            faults.push(format!("{what}: {told}"));
        }
    }
    if window.run("() => typeof window.ran") != "undefined" {
        faults.push("a text was run as a script".to_owned());
    }
    faults.extend(window.faults());
    faults.extend(elsewhere(window));
    faults
}

/// Returns the requests that went to anybody but the server.
#[track_caller]
fn elsewhere(window: &Window<'_>) -> Vec<String> {
    let own = |address: &str| address.strip_prefix(&window.origin).is_some_and(|rest| rest.starts_with('/'));
    let others = window.requests().into_iter().filter(|request| !own(&request.address));
    others.map(|request| format!("asked elsewhere: {} {}", request.method, request.address)).collect()
}

/// What is wrong, page by page.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pages: usize,
    wrong: Vec<String>,
}

impl Found {
    /// Looks at the page that a window shows.
    #[track_caller]
    pub(crate) fn look(&mut self, window: &Window<'_>, page: &str) {
        self.pages += 1;
        self.wrong.extend(faults(window).into_iter().map(|fault| format!("{page}: {fault}")));
    }

    /// Keeps what is wrong with a page beside that.
    pub(crate) fn add(&mut self, page: &str, fault: &str) {
        self.wrong.push(format!("{page}: {fault}"));
    }

    /// Asserts that nothing is, on so many pages at least.
    #[track_caller]
    pub(crate) fn is_nothing(&self, pages: usize) {
        assert!(self.pages >= pages, "{} pages were looked at", self.pages);
        assert!(
            self.wrong.is_empty(),
            "{} faults on {} pages:\n{}",
            self.wrong.len(),
            self.pages,
            self.wrong.join("\n")
        );
    }
}
