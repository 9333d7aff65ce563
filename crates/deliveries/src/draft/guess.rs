//! What a name of a column, an element or a member may mean, in English, German, French, Italian, Spanish and Polish.

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    Title,
    LogicalDeviceName,
    SerialNumber,
    Model,
    Firmware,
    Batch,
    Region,
    Concentrator,
    /// For this purpose; the empty text when the name does not say.
    Certificate(&'static str),
    /// Of this kind.
    Secret(&'static str),
    WrappedBy,
}

/// The plain fields of a device, by their names in maps.
pub(super) const PLAIN: [(&str, Guess); 6] = [
    ("serial_number", Guess::SerialNumber),
    ("model", Guess::Model),
    ("firmware", Guess::Firmware),
    ("batch", Guess::Batch),
    ("region", Guess::Region),
    ("concentrator", Guess::Concentrator),
];

/// Parts of names, letters and digits alone and in lower case, the most telling first.
const WORDS: &[(&str, Guess)] = &[
    ("wrap", Guess::WrappedBy),
    ("hullschl", Guess::WrappedBy),
    ("envelopp", Guess::WrappedBy),
    ("transportkey", Guess::WrappedBy),
    ("keylabel", Guess::WrappedBy),
    ("systemtit", Guess::Title),
    ("titresyst", Guess::Title),
    ("titolodisist", Guess::Title),
    ("titolosist", Guess::Title),
    ("titulodelsist", Guess::Title),
    ("titulodesist", Guess::Title),
    ("tytulsyst", Guess::Title),
    ("logicaldevice", Guess::LogicalDeviceName),
    ("ldn", Guess::LogicalDeviceName),
    ("guek", Guess::Secret("guek")),
    ("unicast", Guess::Secret("guek")),
    ("gbek", Guess::Secret("gbek")),
    ("broadcast", Guess::Secret("gbek")),
    ("gak", Guess::Secret("gak")),
    ("authenticationkey", Guess::Secret("gak")),
    ("kek", Guess::Secret("kek")),
    ("masterkey", Guess::Secret("kek")),
    ("hls", Guess::Secret("hls")),
    ("lls", Guess::Secret("lls")),
    ("password", Guess::Secret("lls")),
    ("firmware", Guess::Firmware),
    ("fwversion", Guess::Firmware),
    ("softwareversion", Guess::Firmware),
    ("concentrat", Guess::Concentrator),
    ("konzentrat", Guess::Concentrator),
    ("koncentrat", Guess::Concentrator),
    ("serial", Guess::SerialNumber),
    ("serien", Guess::SerialNumber),
    ("deserie", Guess::SerialNumber),
    ("diserie", Guess::SerialNumber),
    ("seryjny", Guess::SerialNumber),
    ("matricola", Guess::SerialNumber),
    ("zahlernummer", Guess::SerialNumber),
    ("batch", Guess::Batch),
    ("charge", Guess::Batch),
    ("losnummer", Guess::Batch),
    ("lotto", Guess::Batch),
    ("lote", Guess::Batch),
    ("partia", Guess::Batch),
    ("region", Guess::Region),
    ("gebiet", Guess::Region),
    ("model", Guess::Model),
    ("devicetype", Guess::Model),
    ("geratetyp", Guess::Model),
];

/// Whole names that are too short to be looked for within others.
const SHORT: &[(&str, Guess)] = &[
    ("title", Guess::Title),
    ("sn", Guess::SerialNumber),
    ("type", Guess::Model),
    ("typ", Guess::Model),
    ("tipo", Guess::Model),
    ("fw", Guess::Firmware),
    ("lot", Guess::Batch),
    ("dcu", Guess::Concentrator),
];

/// Guesses what a name means.
pub(super) fn of(name: &str) -> Option<Guess> {
    let plain = plain(name);
    if ["cert", "zert"].iter().any(|word| plain.contains(word)) {
        return Some(Guess::Certificate(purpose(&plain)));
    }
    let short = SHORT.iter().find(|(word, _)| plain == *word);
    short.or_else(|| WORDS.iter().find(|(word, _)| plain.contains(word))).map(|(_, guess)| *guess)
}

fn purpose(plain: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    if has(&["tls"]) {
        "tls"
    } else if has(&["agree", "schluss", "ecdh", "accord", "accordo", "acuerdo", "uzgadn"]) {
        "agreement"
    } else if has(&["sign", "firma", "podpis"]) {
        "signature"
    } else {
        ""
    }
}

/// Letters and digits of a name, in lower case and without accents.
fn plain(name: &str) -> String {
    name.chars()
        .flat_map(char::to_lowercase)
        .filter_map(|one| match one {
            'ä' | 'à' | 'á' | 'â' | 'ą' => Some('a'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' => Some('e'),
            'í' | 'ì' | 'î' => Some('i'),
            'ö' | 'ó' | 'ò' | 'ô' => Some('o'),
            'ü' | 'ú' | 'ù' | 'û' => Some('u'),
            'ł' => Some('l'),
            'ñ' | 'ń' => Some('n'),
            'ç' | 'ć' => Some('c'),
            _ => one.is_alphanumeric().then_some(one),
        })
        .collect()
}
