//! A report of a campaign as a workbook: how far it is, and every device.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::report::{COLUMNS, lines, rows};
use crate::exit::{Exit, Failure};
use crate::operator::wire::campaigns::{CampaignView, MemberView};

/// Writes the workbook. Everything in it is text or a count: nothing is a formula, whatever a model or a name begins with.
pub(super) fn workbook(view: &CampaignView, devices: &[MemberView]) -> Result<Vec<u8>, Failure> {
    written(view, devices).map_err(|error| Failure::new(Exit::Failed, "report.xlsx", error))
}

fn written(view: &CampaignView, devices: &[MemberView]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let bold = Format::new().set_bold();
    let summary = book.add_worksheet().set_name("campaign")?;
    for (row, line) in (0_u32..).zip(lines(view)) {
        summary.write_string(row, 0, line)?;
    }
    let sheet = book.add_worksheet().set_name("devices")?;
    for (column, name) in (0_u16..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, name, &bold)?;
    }
    for (row, cells) in (1_u32..).zip(devices.iter().flat_map(rows)) {
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string(row, column, cell)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    book.save_to_buffer()
}
