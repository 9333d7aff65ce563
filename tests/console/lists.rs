//! Lists of more than one page, and what is chosen from them.

use std::collections::BTreeSet;

use e2e::browser::Window;
use e2e::office::Office;
use e2e::peer::path;

/// How many devices there are beside the rehearsed meter.
const DEVICES: usize = 120;

/// What stands in the first column, page after page.
#[track_caller]
fn all_of(window: &Window<'_>, page: &str) -> Vec<String> {
    assert_eq!(window.open(page), 200, "{}", window.text("main"));
    let mut all = window.texts("main tbody td:first-child");
    while window.count("main nav a") > 0 {
        assert!(window.texts("main tbody tr").len() <= 50, "a page has fifty rows at most");
        window.click("link", "Next page");
        all.extend(window.texts("main tbody td:first-child"));
    }
    all
}

#[test]
fn a_long_list_is_read_page_by_page_and_each_row_once() {
    let office = Office::open(1);
    let file = office.rehearsal.scratch("devices.csv");
    let row = |number: usize| format!("4D504B03{number:08X},,MPK-{}\n", number % 2);
    let rows: String = (0..DEVICES).map(row).collect();
    std::fs::write(&file, format!("system_title,manufacturer,model\n{rows}")).expect("a list");
    drop(office.operator(&["device", "import", &path(&file), "--tenant", "dso"]));
    let browser = office.browser();
    let lee = office.window(&browser, "lee");

    let devices = all_of(&lee, "/console/v1/devices?tenant=dso");
    let each: BTreeSet<&String> = devices.iter().collect();
    assert_eq!((devices.len(), each.len()), (DEVICES + 1, DEVICES + 1), "{devices:?}");
    // What was chosen stays chosen on the next page.
    let chosen = all_of(&lee, "/console/v1/devices?tenant=dso&model=MPK-1&title_prefix=4D504B03");
    let odd: Vec<String> =
        (0..DEVICES).filter(|number| number % 2 == 1).map(|number| format!("4D504B03{number:08X}")).collect();
    assert_eq!(chosen, odd);
    // Chosen by the form of the page.
    lee.open("/console/v1/devices");
    lee.click_within("main", "link", "dso");
    drop(lee.run("() => { document.querySelector('main details').open = true; }"));
    lee.fill("Title prefix", "4D504B0300000007");
    lee.click("button", "Search");
    assert_eq!(lee.texts("main tbody td:first-child"), ["4D504B0300000007"]);
    assert!(lee.faults().is_empty());
}
