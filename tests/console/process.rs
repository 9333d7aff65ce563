//! That nothing is left of a browser, however its test ends.

use e2e::browser::{Browser, Comes};
use e2e::patience::eventually;
use e2e::process::signal;
use e2e::rehearsal::Rehearsal;

/// The processes that write below a directory, by their command lines.
fn of(place: &str) -> usize {
    let all = std::fs::read_dir("/proc").expect("processes");
    let lines = all.filter_map(|one| std::fs::read(one.ok()?.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(place)).count()
}

#[test]
fn a_browser_ends_with_its_test_and_with_its_driver() {
    let ground = Rehearsal::not_begun();
    std::fs::write(ground.root(), "").expect("a file");
    let place = ground.scratch("browser").to_string_lossy().into_owned();
    let gone = || eventually("the browser is gone", || (of(&place) == 0).then_some(()));
    let browser = Browser::start(&ground.scratch("."), &ground.root());
    drop(browser.window("https://localhost", &Comes::default()));
    assert!(of(&place) > 1, "a driver and a browser");
    drop(browser);
    gone();
    let browser = Browser::start(&ground.scratch("."), &ground.root());
    signal(browser.number(), "KILL");
    gone();
}
