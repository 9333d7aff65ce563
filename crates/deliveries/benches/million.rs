//! A million rows.
fn main() {}
