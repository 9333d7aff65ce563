//! The table of refusals names tests that there are.

/// The page that operators read.
const PAGE: &str = include_str!("../../../docs/operate/refusals.md");

/// Where the tests of the table are.
const TESTS: [&str; 9] = [
    include_str!("campaigns.rs"),
    include_str!("deliveries.rs"),
    include_str!("../claiming.rs"),
    include_str!("../devices.rs"),
    include_str!("../deliveries.rs"),
    include_str!("../shipments.rs"),
    include_str!("../../../crates/shipment/tests/manifest/altered.rs"),
    include_str!("../../../crates/shipment/tests/manifest/forged.rs"),
    include_str!("../../../crates/shipment/tests/manifest/share.rs"),
];

#[test]
fn every_test_that_the_table_of_refusals_names_is_there() {
    let rows: Vec<&str> =
        PAGE.lines().filter(|line| line.starts_with("| ") && line.contains("` |")).collect();
    assert!(rows.len() >= 20, "{rows:?}");
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit('|').next().expect("a cell");
        let name = last.trim().trim_matches('`');
        let function = format!("fn {name}()");
        assert!(TESTS.iter().any(|text| text.contains(&function)), "{name} of {row}");
    }
}
