//! System titles out of what makers print: whole, or of a manufacturer and a serial number in the layouts of this field.
//!
//! Layouts as meters and manuals show them; a title that stands in the file itself is always the better source. Green Book
//! 4.3.4 (generic), IDIS package 1 and 2, UNI/TS 11291 as DLMS libraries read it.

use ca_core::system_title::SystemTitle;
use serde::Deserialize;

/// How a text gives a system title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Layout {
    /// The 16 upper-case hexadecimal characters of the title.
    #[default]
    Hex,
    /// 3 letters of the manufacturer (FLAG id) and a decimal number, which becomes 5 octets, most significant first.
    FlagNumber,
    /// 3 letters of the manufacturer and 5 characters, which are the octets themselves.
    FlagText,
    /// A logical device name of IDIS: 3 letters, 3 digits of the device type (T1), up to 2 digits of the function type (T2),
    /// 8 digits of the serial number: `ELV000016000000` is 454C56 00 0 0F42400.
    Idis,
    /// UNI/TS: 3 letters, which become 2 octets as on M-Bus (EN 13757-3, least significant first), and 12 hexadecimal
    /// digits of the serial number, which become 6 octets in reverse.
    UniTs,
}

/// Why a text gives no system title.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TitleError {
    /// It is not 16 hexadecimal characters.
    #[error(transparent)]
    Hex(#[from] ca_core::system_title::ParseSystemTitleError),
    /// It does not begin with a FLAG id.
    #[error("the layout begins with 3 upper-case letters of the manufacturer")]
    Flag,
    /// What follows the FLAG id is not as the layout has it.
    #[error("after the manufacturer the layout has {what}")]
    Rest {
        /// What it has.
        what: &'static str,
    },
}

impl Layout {
    /// Reads a title.
    ///
    /// # Errors
    /// [`TitleError`].
    pub(crate) fn title(self, text: &str) -> Result<SystemTitle, TitleError> {
        if self == Self::Hex {
            return Ok(SystemTitle::parse(text)?);
        }
        let (flag, rest) = text.split_at_checked(3).ok_or(TitleError::Flag)?;
        let flag: [u8; 3] = flag.as_bytes().try_into().map_err(|_| TitleError::Flag)?;
        if !flag.iter().all(u8::is_ascii_uppercase) {
            return Err(TitleError::Flag);
        }
        match self {
            Self::Hex | Self::FlagNumber => flag_number(flag, rest),
            Self::FlagText => flag_text(flag, rest),
            Self::Idis => idis(flag, rest),
            Self::UniTs => uni_ts(flag, rest),
        }
    }
}

fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn flag_number([a, b, c]: [u8; 3], rest: &str) -> Result<SystemTitle, TitleError> {
    let wrong = TitleError::Rest { what: "a decimal number of at most 5 octets (1099511627775)" };
    let [0, 0, 0, d, e, f, g, h] = digits(rest).ok_or_else(|| wrong.clone())?.to_be_bytes() else {
        return Err(wrong);
    };
    Ok(SystemTitle::new([a, b, c, d, e, f, g, h]))
}

fn flag_text([a, b, c]: [u8; 3], rest: &str) -> Result<SystemTitle, TitleError> {
    let wrong = TitleError::Rest { what: "5 letters or digits" };
    if !rest.bytes().all(|octet| octet.is_ascii_alphanumeric()) {
        return Err(wrong);
    }
    let [d, e, f, g, h] = <[u8; 5]>::try_from(rest.as_bytes()).map_err(|_| wrong)?;
    Ok(SystemTitle::new([a, b, c, d, e, f, g, h]))
}

fn idis([a, b, c]: [u8; 3], rest: &str) -> Result<SystemTitle, TitleError> {
    let wrong = TitleError::Rest {
        what: "3 digits up to 255 (device type), at most 2 digits up to 15 (function type), 8 digits (serial number)",
    };
    let read = || {
        let (device_type, rest) = rest.split_at_checked(3)?;
        let (function_type, serial) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
        if function_type.len() > 2 {
            return None;
        }
        let device_type = u8::try_from(digits(device_type)?).ok()?;
        let function_type = if function_type.is_empty() { 0 } else { digits(function_type)? };
        let function_type = u8::try_from(function_type).ok().filter(|nibble| *nibble < 16)?;
        // 8 decimal digits always fit in 28 bits.
        let [0, 0, 0, 0, e, f, g, h] = digits(serial)?.to_be_bytes() else { return None };
        Some(SystemTitle::new([a, b, c, device_type, function_type << 4 | e, f, g, h]))
    };
    read().ok_or(wrong)
}

fn uni_ts(flag: [u8; 3], rest: &str) -> Result<SystemTitle, TitleError> {
    let wrong = TitleError::Rest { what: "12 hexadecimal digits of the serial number" };
    let serial = hex::decode(rest).map_err(|_| wrong.clone())?;
    let [h, g, f, e, d, c] = <[u8; 6]>::try_from(serial.as_slice()).map_err(|_| wrong)?;
    let code = flag.iter().fold(0_u16, |code, letter| code << 5 | u16::from(letter - b'@'));
    let [low, high] = code.to_le_bytes();
    Ok(SystemTitle::new([low, high, c, d, e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_made_in_every_layout() {
        for (layout, text, title) in [
            (Layout::Hex, "4D504B0001FEA042", "4D504B0001FEA042"),
            // the example of a maker's manual
            (Layout::Idis, "ELV000016000000", "454C560000F42400"),
            (Layout::Idis, "ISK1030773044321", "49534B67745A9161"),
            (Layout::Idis, "ISK10373044321", "49534B67045A9161"),
            (Layout::Idis, "ISK2551599999999", "49534BFFF5F5E0FF"),
            (Layout::FlagNumber, "MPK1", "4D504B0000000001"),
            (Layout::FlagNumber, "MPK1099511627775", "4D504BFFFFFFFFFF"),
            (Layout::FlagText, "MPK00042", "4D504B3030303432"),
            // A=1, B=2, C=3: 0b00001_00010_00011 = 0x0443, least significant octet first
            (Layout::UniTs, "ABC123456789012", "4304129078563412"),
        ] {
            let made = layout.title(text);
            assert_eq!(made.map(|made| made.to_string()), Ok(title.to_owned()), "{layout:?} {text}");
        }
    }

    #[test]
    fn refuses_what_no_layout_has() {
        for (layout, text) in [
            (Layout::Hex, "4d504b0001fea042"),
            (Layout::Hex, ""),
            (Layout::FlagNumber, "MPK1099511627776"),
            (Layout::FlagNumber, "MPK"),
            (Layout::FlagNumber, "MPK+1"),
            (Layout::FlagNumber, "mpk1"),
            (Layout::FlagNumber, "M"),
            (Layout::FlagNumber, "ÄÄ1"),
            (Layout::FlagText, "MPK0004"),
            (Layout::FlagText, "MPK0004é"),
            (Layout::Idis, "ISK2560773044321"),
            (Layout::Idis, "ISK1031673044321"),
            (Layout::Idis, "ISK103007730443210"),
            (Layout::Idis, "ISK103"),
            (Layout::UniTs, "ABC12345678901"),
            (Layout::UniTs, "ABC1234567890ZZ"),
        ] {
            assert!(layout.title(text).is_err(), "{layout:?} {text}");
        }
    }
}
