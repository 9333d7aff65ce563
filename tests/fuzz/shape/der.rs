//! DER as a forest: read as far as it is one, changed in one element, and written with lengths that fit again, or on purpose not.

use fastrand::Rng;

/// What is deeper is content without form.
const MAX_DEPTH: usize = 24;

const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const CONSTRUCTED: u8 = 0x20;

/// Values that readers have stumbled over, each a whole element.
const NOTED: [&[u8]; 10] = [
    &[0x05, 0x00],
    &[0x02, 0x00],
    &[0x02, 0x02, 0x00, 0x01],
    &[0x02, 0x09, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    &[0x01, 0x01, 0x01],
    &[0x03, 0x01, 0x08],
    &[0x06, 0x00],
    &[0x06, 0x03, 0x80, 0x80, 0x80],
    &[0x0C, 0x02, 0xC3, 0x28],
    &[0x30, 0x00],
];

/// An element: its tag, and its content as far as it has elements itself.
#[derive(Debug, Clone)]
struct Element {
    tag: u8,
    content: Content,
    /// How its length is written.
    length: Length,
}

#[derive(Debug, Clone)]
enum Content {
    Octets(Vec<u8>),
    Elements(Vec<Element>),
}

/// The forms of a length; only the first is DER.
#[derive(Debug, Clone, Copy)]
enum Length {
    Shortest,
    Long,
    Indefinite,
    Wrong(i8),
}

/// Changes one element, or blindly what is none.
pub(super) fn mutate(octets: &[u8], rng: &mut Rng) -> Vec<u8> {
    let Some(mut forest) = forest(octets, MAX_DEPTH) else { return super::blind(octets.to_vec(), rng) };
    let count = size(&forest);
    let donor = nth(&forest, &mut rng.usize(0..count)).cloned();
    change(&mut forest, &mut rng.usize(0..count), donor, rng);
    let mut written = Vec::new();
    forest.iter().for_each(|element| element.write(&mut written));
    written
}

/// Takes the first element off, with its head; lengths of at most three octets.
pub(super) fn split(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, length) = head(octets)?;
    octets.split_at_checked(head.checked_add(length)?)
}

/// The lengths of head and content, of an element with a tag of one octet.
fn head(octets: &[u8]) -> Option<(usize, usize)> {
    match *octets {
        [_, short @ 0..=0x7F, ..] => Some((2, usize::from(short))),
        [_, 0x81, one, ..] => Some((3, usize::from(one))),
        [_, 0x82, high, low, ..] => Some((4, usize::from(u16::from_be_bytes([high, low])))),
        [_, 0x83, high, mid, low, ..] => Some((5, u32::from_be_bytes([0, high, mid, low]).try_into().ok()?)),
        _ => None,
    }
}

/// Reads elements to the end, or none.
fn forest(mut octets: &[u8], depth: usize) -> Option<Vec<Element>> {
    let mut all = Vec::new();
    while let [tag, ..] = *octets {
        let (element, rest) = split(octets)?;
        let content = element.get(head(octets)?.0..)?;
        let may_hold = tag & CONSTRUCTED != 0 || tag == OCTET_STRING;
        let inside = if may_hold && depth > 0 { forest(content, depth - 1) } else { None };
        let content = inside.map_or_else(|| Content::Octets(content.to_vec()), Content::Elements);
        all.push(Element { tag, content, length: Length::Shortest });
        octets = rest;
    }
    (!all.is_empty()).then_some(all)
}

/// How many elements there are, at all depths.
fn size(forest: &[Element]) -> usize {
    forest.iter().map(|element| 1 + size(element.elements())).sum()
}

/// The element of this number, counted with all that stand in those before it.
fn nth<'a>(forest: &'a [Element], number: &mut usize) -> Option<&'a Element> {
    for element in forest {
        if *number == 0 {
            return Some(element);
        }
        *number -= 1;
        if let Some(found) = nth(element.elements(), number) {
            return Some(found);
        }
    }
    None
}

/// Changes the element of this number; tells whether it was found.
fn change(forest: &mut Vec<Element>, number: &mut usize, donor: Option<Element>, rng: &mut Rng) -> bool {
    for place in 0..forest.len() {
        if *number == 0 {
            change_at(forest, place, donor, rng);
            return true;
        }
        *number -= 1;
        let inside = match forest.get_mut(place) {
            Some(Element { content: Content::Elements(inside), .. }) => inside,
            Some(_) | None => continue,
        };
        if change(inside, number, donor.clone(), rng) {
            return true;
        }
    }
    false
}

fn change_at(forest: &mut Vec<Element>, place: usize, donor: Option<Element>, rng: &mut Rng) {
    let Some(element) = forest.get_mut(place) else { return };
    match rng.u8(0..12) {
        0 => drop(forest.remove(place)),
        1 => {
            let again = element.clone();
            forest.insert(place, again);
        }
        2 => {
            let repeated = vec![element.clone(); rng.usize(2..400)];
            forest.splice(place..place, repeated);
        }
        3 => forest.swap(place, 0),
        4 => element.tag = rng.u8(..),
        5 => element.tag ^= 1 << rng.u8(0..8),
        6 => element.wrap(rng.usize(1..60)),
        7 => {
            let wrong = Length::Wrong(rng.i8(..));
            element.length = rng.choice([Length::Long, Length::Indefinite, wrong]).unwrap_or(wrong);
        }
        8 => element.content = Content::Octets(Vec::new()),
        9 => forest.extend(donor),
        10 => {
            let noted = rng.choice(NOTED).unwrap_or(&[]);
            forest.splice(place..=place, self::forest(noted, 1).unwrap_or_default());
        }
        _ => {
            let mut content = Vec::new();
            element.write_content(&mut content);
            element.content = Content::Octets(super::blind(content, rng));
        }
    }
}

impl Element {
    fn elements(&self) -> &[Self] {
        match &self.content {
            Content::Elements(elements) => elements,
            Content::Octets(_) => &[],
        }
    }

    /// Puts it into so many SEQUENCEs.
    fn wrap(&mut self, times: usize) {
        for _ in 0..times {
            let outer =
                Self { tag: SEQUENCE, content: Content::Octets(Vec::new()), length: Length::Shortest };
            let inner = std::mem::replace(self, outer);
            self.content = Content::Elements(vec![inner]);
        }
    }

    fn write(&self, written: &mut Vec<u8>) {
        let mut content = Vec::new();
        self.write_content(&mut content);
        written.push(self.tag);
        let actual = u32::try_from(content.len()).unwrap_or(u32::MAX);
        match self.length {
            Length::Shortest => shortest(actual, written),
            Length::Long => written.extend([&[0x84][..], &actual.to_be_bytes()].concat()),
            Length::Indefinite => {
                written.push(0x80);
                content.extend([0, 0]);
            }
            Length::Wrong(by) => shortest(actual.saturating_add_signed(by.into()), written),
        }
        written.append(&mut content);
    }

    fn write_content(&self, written: &mut Vec<u8>) {
        match &self.content {
            Content::Octets(octets) => written.extend(octets),
            Content::Elements(elements) => elements.iter().for_each(|element| element.write(written)),
        }
    }
}

fn shortest(length: u32, written: &mut Vec<u8>) {
    match length.to_be_bytes() {
        [0, 0, 0, short @ 0..0x80] => written.push(short),
        [0, 0, 0, one] => written.extend([0x81, one]),
        [0, 0, high, low] => written.extend([0x82, high, low]),
        [0, a, b, c] => written.extend([0x83, a, b, c]),
        [a, b, c, d] => written.extend([0x84, a, b, c, d]),
    }
}
