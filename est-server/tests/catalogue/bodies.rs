//! Bodies: E-11, E-14, E-15, P-14, T-10.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use est_server::config::DEFAULT_BODY_OCTETS;

use crate::csr::Csr;
use crate::octets::{attribute, sequence, tlv};
use crate::world::{DEVICE, World, enrol, password, tls};

// PP_CA FIA_ESTS_EXT.1, E-11: whichever octet of the request info is changed, nothing is issued.
#[tokio::test]
async fn e_11_a_request_changed_in_any_octet_is_refused() {
    let csr = Csr::new(DEVICE, 40).with_attribute(attribute("1.2.840.113549.1.9.2", &tlv(0x0C, b"free")));
    let info = csr.info();
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    for place in 0..info.len() {
        let mut changed = info.clone();
        changed[place] ^= 0x01;
        let request = password(enrol("simpleenroll"), DEVICE, "secret");
        let body = STANDARD.encode(csr.der_of(&changed, &info));
        let answer = world.send(request, tls(), body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "octet {place}: {}", answer.body);
    }
    assert_eq!((world.memory.rows(), world.signer.calls()), (0, 0));
    assert_eq!(world.memory.events().len(), info.len());
}

#[tokio::test]
async fn e_11_a_change_that_leaves_the_request_well_formed_is_a_lack_of_possession() {
    let csr = Csr::new(DEVICE, 40).with_attribute(attribute("1.2.840.113549.1.9.2", &tlv(0x0C, b"free")));
    let info = csr.info();
    let mut changed = info.clone();
    let last = changed.len() - 1;
    changed[last] ^= 0x01;
    let world = World::new();
    world.refuses_der(&csr.der_of(&changed, &info), (400, "pop.invalid")).await;
    let by_another = Csr::new(DEVICE, 41).der_of(&info, &info);
    world.refuses_der(&by_another, (400, "pop.invalid")).await;
}

async fn accepted(body: String) {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let answer = world.send(password(enrol("simpleenroll"), DEVICE, "secret"), tls(), body).await;
    answer.certificate();
}

// RFC 8951 §3.1: white space is tolerated; armour is too.
#[tokio::test]
async fn e_14_lines_spaces_and_armour_are_tolerated() {
    let digits = Csr::new(DEVICE, 40).body();
    let broken = |width: usize, with: &str| {
        let lines: Vec<&str> =
            digits.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join(with)
    };
    for body in [
        digits.clone(),
        format!("{digits}\n"),
        broken(64, "\n"),
        broken(76, "\r\n") + "\r\n",
        broken(1, " "),
        broken(10, "\t"),
        format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
            broken(64, "\n")
        ),
        format!("-----BEGIN CERTIFICATE REQUEST-----{digits}-----END CERTIFICATE REQUEST-----"),
        format!(
            "-----BEGIN NEW CERTIFICATE REQUEST-----\r\n{digits}\r\n-----END NEW CERTIFICATE REQUEST-----"
        ),
    ] {
        accepted(body).await;
    }
}

#[tokio::test]
async fn e_14_what_is_not_base64_of_one_request_is_refused() {
    let digits = Csr::new(DEVICE, 40).body();
    let der = Csr::new(DEVICE, 40).der();
    let trailing = |more: &[u8]| STANDARD.encode([&der[..], more].concat());
    for (body, code) in [
        (Vec::new(), "body.empty"),
        (b"\r\n".to_vec(), "body.empty"),
        (der.clone(), "body.not-base64"),
        (digits.trim_end_matches('=').as_bytes()[..digits.len() - 3].to_vec(), "body.not-base64"),
        (
            format!("{digits}{digits}").into_bytes(),
            if digits.ends_with('=') { "body.not-base64" } else { "csr.not-der" },
        ),
        (format!("{digits}#").into_bytes(), "body.not-base64"),
        (trailing(&[0]).into_bytes(), "csr.not-der"),
        (trailing(&der).into_bytes(), "csr.not-der"),
        (STANDARD.encode(&der[..der.len() - 1]).into_bytes(), "csr.not-der"),
        (b"MAA=".to_vec(), "csr.not-der"),
        (STANDARD.encode(vec![0x30; 20_000]).into_bytes(), "csr.too-long"),
    ] {
        let world = World::new();
        world.token("secret", DEVICE, "meter-op-ds");
        let request = password(enrol("simpleenroll"), DEVICE, "secret");
        world.refuses(request, tls(), body, (400, code)).await;
    }
}

// RFC 8951 §3: whatever Content-Transfer-Encoding says is ignored.
#[tokio::test]
async fn e_14_content_transfer_encoding_changes_nothing() {
    for value in ["base64", "binary", "8bit", "quoted-printable", "x-unknown"] {
        let world = World::new();
        world.token("secret", DEVICE, "meter-op-ds");
        let request =
            password(enrol("simpleenroll"), DEVICE, "secret").header("content-transfer-encoding", value);
        world.send(request, tls(), Csr::new(DEVICE, 40).body()).await.certificate();
    }
}

// RFC 7030 §4.2.1: the media type is application/pkcs10.
#[tokio::test]
async fn e_14_other_media_types_are_refused() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let post = || {
        let request = axum::http::Request::post("/.well-known/est/simpleenroll");
        password(request, DEVICE, "secret")
    };
    let body = || Csr::new(DEVICE, 40).body();
    let refused = (415, "body.media-type");
    world.refuses(post(), tls(), body(), refused).await;
    for other in [
        "application/x-www-form-urlencoded",
        "application/pkcs7-mime",
        "text/plain",
        "application/pkcs100",
        "",
    ] {
        world.refuses(post().header("content-type", other), tls(), body(), refused).await;
    }
    for right in ["application/pkcs10", "Application/PKCS10", "application/pkcs10; charset=us-ascii"] {
        let answer = world.send(post().header("content-type", right), tls(), body()).await;
        answer.certificate();
    }
}

#[tokio::test]
async fn e_15_a_body_above_the_limit_is_refused_whether_announced_or_not() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let request = || password(enrol("simpleenroll"), DEVICE, "secret");
    let refused = (413, "body.too-large");
    let announced = request().header("content-length", DEFAULT_BODY_OCTETS + 1);
    world.refuses(announced, tls(), Body::empty(), refused).await;
    world.refuses(request(), tls(), vec![b'A'; DEFAULT_BODY_OCTETS + 1], refused).await;
    let body = Csr::new(DEVICE, 40).body();
    let padded = body.clone() + &" ".repeat(DEFAULT_BODY_OCTETS - body.len());
    world.send(request(), tls(), padded).await.certificate();
}

// P-14: lengths and depths that lie are refused at the octet where they do.
#[tokio::test]
async fn p_14_hostile_encodings_are_refused() {
    let world = World::new();
    let not_der = (400, "csr.not-der");
    let csr = Csr::new(DEVICE, 40);
    let whole = csr.der();
    let inside = &whole[4..];
    let announced = |length: &[u8]| [&[0x30], length, inside].concat();
    let deep = |depth: usize| {
        let mut der = vec![0x05, 0x00];
        for _ in 0..depth {
            let length = u32::try_from(der.len()).unwrap().to_be_bytes();
            der = [&[0x30, 0x84][..], &length, &der].concat();
        }
        der
    };
    for der in [
        announced(&[0x80]),
        announced(&[0x84, 0xFF, 0xFF, 0xFF, 0xFF]),
        announced(&[0x85, 0x00, 0x00, 0x00, 0x01, 0x00]),
        announced(&[0x83, 0x00, 0x01, 0x00]),
        [&[0x30, 0x80], inside, &[0x00, 0x00]].concat(),
        vec![0x30; 16_000],
        vec![0xFF; 64],
        vec![0x1F; 64],
    ] {
        world.refuses_der(&der, not_der).await;
    }
    for der in [deep(2_500), sequence(&vec![vec![0x05, 0x00]; 4_000])] {
        world.refuses_der(&der, (400, "csr.crowded")).await;
    }
    let mut negative = csr.clone();
    negative.version = vec![0x02, 0x01, 0xFF];
    world.refuses_csr(&negative, not_der).await;
    let mut later = csr.clone();
    later.version = vec![0x02, 0x01, 0x01];
    world.refuses_csr(&later, (400, "csr.version")).await;
    let mut long = csr.clone();
    long.version = tlv(0x02, &[0x01; 200]);
    world.refuses_csr(&long, not_der).await;
    let mut giant = csr;
    giant.algorithm = sequence(&[tlv(0x06, &[&[0x2A][..], &[0xFF; 60], &[0x7F]].concat())]);
    world.refuses_csr(&giant, not_der).await;
}

// T-10: lengths and depths that are made up cost nothing, whoever sends them; the limits are those of P-14.
#[tokio::test]
async fn t_10_crafted_lengths_and_depths_are_refused() {
    let world = World::new();
    let deep = (0..10_000)
        .fold(Vec::new(), |inner, _| if inner.len() < 40_000 { sequence(&[inner]) } else { inner });
    let too_long = "csr.too-long";
    for (crafted, reason) in [
        (vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], "csr.not-der"),
        (vec![0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "csr.not-der"),
        ([0x30, 0xFF].repeat(100), "csr.not-der"),
        ([0x30, 0x80].repeat(1_000), "csr.not-der"),
        ([0x30, 0x80].repeat(10_000), too_long),
        (deep, too_long),
    ] {
        world.refuses_der(&crafted, (400, reason)).await;
    }
}
