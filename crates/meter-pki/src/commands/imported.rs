//! What came of a delivery that was imported, in words: of a manifest as of a file that a map reads.

use crate::operator::wire::deliveries::TotalsView;
use crate::operator::wire::fleet::RefusedDeviceView;

pub(super) fn lines(what: &str, totals: TotalsView, refusals: &[RefusedDeviceView]) -> Vec<String> {
    let TotalsView { announced, received, imported, unchanged, refused } = totals;
    let mut lines = vec![format!(
        "{what} is imported: {received} of {announced} devices, {imported} new, {unchanged} on the list before, {refused} refused"
    )];
    lines.extend(refusals.iter().map(|one| format!("{}: {} ({})", one.system_title, one.message, one.code)));
    lines
}
