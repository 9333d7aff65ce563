//! Section 6: keys, where they are and what they are for, as far as the configuration decides it.

use policies::described::length;

use super::known::Known;
use super::writer::Writer;
use crate::config::KeySource;

pub(super) fn write(known: &Known<'_>, writer: &mut Writer) {
    keys(known, writer);
    let rows = known.config.authorities.iter().map(|one| {
        let key = one.issuer.certificate().public_key().curve();
        let responder = known.own(one.responder_key, "name of a key");
        vec![
            format!("`{}`", one.name),
            format!("EC on {key}"),
            known.own(one.issuer.key(), "name of a key"),
            responder,
        ]
    });
    writer.says(
        "6.1.5",
        "256 bits (P-256) in suite 1 and 384 bits (P-384) in suite 2; no other size is certified.",
    );
    writer.table("6.1.5", &["authority", "key", "name of the key", "key of its OCSP responder"], rows);
    let rows = known
        .profiles()
        .into_iter()
        .map(|profile| vec![format!("`{}`", profile.id()), known.field(profile, "key_usage")]);
    writer.grouped("6.1.7", &["profile", "keyUsage, critical"], rows);
    let rows = known.profiles().into_iter().map(|profile| {
        vec![format!("`{}`", profile.id()), known.validity(profile), known.field(profile, "backdate")]
    });
    writer.grouped("6.3.2", &["profile", "operational period", "begins before issuance by"], rows);
    let rows = known.config.authorities.iter().map(|one| {
        let validity = one.issuer.certificate().validity();
        vec![
            format!("`{}`", one.name),
            known.time(validity.not_after()),
            known.time(one.issuer.window_ends()),
        ]
    });
    writer.table("6.3.2", &["authority", "certificate ends", "key issues until"], rows);
    network(known, writer);
}

fn keys(known: &Known<'_>, writer: &mut Writer) {
    match &known.config.keys {
        KeySource::Files { directory, passphrase_file } => {
            let place = known.place(directory);
            writer.says("6.2.1", format!(
                "Keys of authorities and responders are kept by software, in encrypted files in {place}: there is no cryptographic module. This is for \
                 rehearsals and pilots (`keys.allow_software_key`)."
            ));
            writer.says("6.2.7", "On none.");
            writer.says(
                "6.2.8",
                format!(
                    "The passphrase in {} opens the files when the server starts.",
                    known.place(passphrase_file)
                ),
            );
            writer.says("6.4.2", "The file with the passphrase has mode 0600 and is the user's who runs the server; a file that others can read is refused.");
            writer.asks(
                "6.2.1",
                "the security officer",
                "which tokens will hold these keys in operation, and from when?",
            );
        }
        KeySource::Tokens { uris, options } => {
            // What follows the question mark says how the token is opened.
            let shown: Vec<String> =
                uris.iter().map(|uri| format!("`{}`", uri.split('?').next().unwrap_or_default())).collect();
            writer.says(
                "6.2.1",
                format!("Keys of authorities and responders are on PKCS#11 tokens: {}.", shown.join(", ")),
            );
            writer.says("6.2.7", format!(
                "Keys are made on the token and are neither extractable nor readable; weaker ones are refused ({:?}). A token signs {} at once at most.",
                options.weakest_protection, options.sessions
            ));
            writer.says("6.2.8", "The PIN of the token's user is read from the file that the URI names, when the server starts and after the token was away.");
            writer.says("6.4.2", "The file with the PIN has mode 0600; a PIN in an argument or in the environment is not taken. No PIN is offered when it is the last try.");
            writer.asks("6.2.11", "the security officer", "which certification do the tokens named in 6.2.1 have (FIPS 140 level, Common Criteria), by model and firmware?");
        }
        KeySource::Signer { socket } => {
            writer.says("6.2.1", format!(
                "Keys are held by a process of its own (`meter-pki signer`) behind the socket {}, as its own configuration says; this statement does not read that.",
                known.place(socket)
            ));
            writer.says("6.2.7", "As the signer's configuration says. The signer looks at what it signs, counts, and keeps a log of its own.");
            writer
                .says("6.2.8", "The signer is activated when it starts, by its own PIN or passphrase file.");
            writer.says(
                "6.4.2",
                "The signer runs as a user of its own, who alone can read the PIN or the key files.",
            );
            writer.asks(
                "6.2.1",
                "the security officer",
                "on which tokens are the keys of the signer, and what protects its machine?",
            );
        }
    }
}

fn network(known: &Known<'_>, writer: &mut Writer) {
    let config = known.config;
    let address = |listen: std::net::SocketAddr| known.own(listen, "an address and port");
    let mut rows = vec![
        vec![
            "EST".to_owned(),
            address(config.est.listen),
            "TLS; devices, registration authorities".to_owned(),
        ],
        vec![
            "CRL, OCSP".to_owned(),
            address(config.status.listen),
            "plain HTTP, read only; anybody".to_owned(),
        ],
        vec![
            "operators".to_owned(),
            known.place(&config.operator_socket),
            "Unix socket of this machine".to_owned(),
        ],
    ];
    if let Some(listen) = config.cmp.as_ref().and_then(|cmp| cmp.listen) {
        rows.push(vec![
            "CMP".to_owned(),
            address(listen),
            "plain HTTP; messages protect themselves".to_owned(),
        ]);
    }
    let est = config.est.coaps.as_ref().map(|coaps| ("EST over CoAP", coaps.listen));
    let cmp = config.cmp.as_ref().and_then(|cmp| Some(("CMP over CoAP", cmp.coaps.as_ref()?.listen)));
    for (what, listen) in est.into_iter().chain(cmp) {
        rows.push(vec![what.to_owned(), address(listen), "UDP, DTLS".to_owned()]);
    }
    if let Some(door) = &config.operator_door {
        rows.push(vec![
            "operators elsewhere".to_owned(),
            address(door.listen),
            "TLS 1.3 with a client certificate or a token".to_owned(),
        ]);
    }
    writer.says(
        "6.7",
        "The server listens here and nowhere else; each listener bounds connections, sizes and times:",
    );
    writer.table("6.7", &["for", "where", "how, and who"], rows);
    let body = config.est.limits.body_octets();
    writer.says(
        "6.7",
        format!(
            "A body of EST has at most {body} octets; a handshake ends within {}.",
            length(seconds(config.est.limits.handshake()))
        ),
    );
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
