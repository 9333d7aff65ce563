//! What is read, written and refused of A-XDR.

use super::*;

fn refused(octets: &[u8]) -> (usize, AxdrFault) {
    let error = Data::decode(octets).unwrap_err();
    (error.position, error.fault)
}

fn every_type() -> Data {
    Data::Structure(vec![
        Data::Null,
        Data::Array(vec![Data::Unsigned(7), Data::Enum(2)]),
        Data::Boolean(true),
        Data::BitString(BitString::new(11, vec![0xA5, 0xE0]).unwrap()),
        Data::DoubleLong(-2),
        Data::DoubleLongUnsigned(4_000_000_000),
        Data::OctetString(vec![9; 300]),
        Data::VisibleString("MPK".to_owned()),
        Data::Utf8String("Zähler".to_owned()),
        Data::Integer(-1),
        Data::Long(-300),
        Data::LongUnsigned(60_000),
        Data::Long64(i64::MIN),
        Data::Long64Unsigned(u64::MAX),
    ])
}

#[test]
fn every_type_comes_back_as_it_was_written() {
    let data = every_type();
    let octets = data.encode();
    assert_eq!(Data::decode(&octets), Ok(data));
    assert!(octets.starts_with(&[2, 14, 0, 1, 2, 17, 7, 22, 2, 3, 1, 4, 11, 0xA5, 0xE0, 5]));
}

// IEC 61334-6 §6.9: lengths below 128 in one octet, others behind their number of octets.
#[test]
fn lengths_are_written_and_read_in_their_shortest_form_only() {
    for (length, head) in [(0, vec![9, 0]), (127, vec![9, 127]), (128, vec![9, 0x81, 128])] {
        let octets = Data::OctetString(vec![1; length]).encode();
        assert_eq!(octets.get(..head.len()), Some(head.as_slice()));
    }
    let head = Data::OctetString(vec![1; 500]).encode();
    assert_eq!(head.get(..4), Some([9, 0x82, 1, 0xF4].as_slice()));
    assert_eq!(refused(&[9, 0x81, 1, 7]), (1, AxdrFault::Length { first: 0x81 }));
    assert_eq!(refused(&[9, 0x82, 0, 200]), (1, AxdrFault::Length { first: 0x82 }));
    assert_eq!(refused(&[9, 0x80]), (1, AxdrFault::Length { first: 0x80 }));
}

// facts 1.5.3d: a library writes 138 octets behind one octet of length.
#[test]
fn a_length_of_128_or_more_in_one_octet_is_refused_where_it_stands() {
    let octets = [&[2, 1, 9, 0x8A][..], &[0x30; 138]].concat();
    assert_eq!(refused(&octets), (3, AxdrFault::Length { first: 0x8A }));
}

#[test]
fn what_is_cut_off_and_what_stands_behind_is_refused() {
    let octets = every_type().encode();
    for end in 0..octets.len() {
        let (_, fault) = refused(&octets[..end]);
        assert!(matches!(fault, AxdrFault::Ends { .. }), "{end}: {fault}");
    }
    let longer = [octets.as_slice(), &[0]].concat();
    assert_eq!(refused(&longer), (octets.len(), AxdrFault::Trailing { octets: 1 }));
}

#[test]
fn nothing_is_allocated_for_elements_that_cannot_be_there() {
    assert_eq!(refused(&[1, 0x82, 0xFF, 0xFF, 0]), (1, AxdrFault::Ends { wanted: 65_535 }));
}

#[test]
fn depth_count_and_length_have_bounds() {
    let deep = [[1, 1].repeat(MAX_DEPTH), vec![0]].concat();
    assert!(Data::decode(&deep).is_ok());
    let deeper = [[1, 1].repeat(MAX_DEPTH + 1), vec![0]].concat();
    assert_eq!(refused(&deeper), (2 * MAX_DEPTH + 2, AxdrFault::TooDeep));
    let many = Data::Array(vec![Data::Null; MAX_ELEMENTS]).encode();
    assert!(Data::decode(&many).is_ok());
    let more = Data::Array(vec![Data::Null; MAX_ELEMENTS + 1]).encode();
    assert_eq!(refused(&more), (1, AxdrFault::TooMany));
    let longest = vec![0; MAX_OCTETS + 1];
    assert_eq!(refused(&longest), (0, AxdrFault::TooLong { octets: MAX_OCTETS + 1 }));
}

#[test]
fn types_of_no_use_here_and_malformed_content_are_refused() {
    for tag in [7, 8, 11, 13, 14, 19, 23, 24, 25, 26, 27, 255] {
        assert_eq!(refused(&[tag, 0]), (0, AxdrFault::Type { tag }));
    }
    assert_eq!(refused(&[3, 2]), (1, AxdrFault::Boolean { octet: 2 }));
    assert_eq!(refused(&[4, 3, 0b1010_0001]), (1, AxdrFault::Bits));
    assert_eq!(refused(&[10, 1, 0xE4]), (1, AxdrFault::Text));
    assert_eq!(refused(&[12, 1, 0xE4]), (1, AxdrFault::Text));
}

#[test]
fn an_error_says_where() {
    let text = Data::decode(&[2, 1, 23]).unwrap_err().to_string();
    assert_eq!(text, "octet 2: the tag 23 is of no type that is read here");
}
