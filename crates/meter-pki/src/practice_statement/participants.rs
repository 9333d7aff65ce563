//! Sections 1 to 3: who takes part, what is published where, and who is known by what.

use ca_core::profile::{AlternativeNameRule, SubjectRule};
use ca_core::registration::Door;
use est_server::config::BindingPolicy;
use policies::Settings;
use policies::described::length;

use super::known::{Known, door};
use super::writer::Writer;
use crate::profile_reference::{alternative_name, subject};

pub(super) fn write(known: &Known<'_>, writer: &mut Writer) {
    overview(known, writer);
    authorities(known, writer);
    participants(known, writer);
    repository(known, writer);
    names(known, writer);
    validation(known, writer);
}

fn overview(known: &Known<'_>, writer: &mut Writer) {
    let authorities = &known.config.authorities;
    writer.says(
        "1.1",
        format!(
            "This PKI certifies the keys of smart meters, gateways, head-ends, hand-held units and of who operates them (DLMS/COSEM, Green \
             Book security suites 1 and 2). {} certification authorities issue online, below roots that are kept off line. They run on \
             meter-pki {}. Enrolment is over EST (RFC 7030, RFC 8951){}; status is published as CRL (RFC 5280) and OCSP (RFC 6960).",
            authorities.len(),
            known.own(env!("CARGO_PKG_VERSION"), "a version"),
            if known.config.cmp.is_some() { " and CMP (RFC 9483, RFC 9810)" } else { "" },
        ),
    );
    let tenants = known.config.authorities.iter().map(|one| one.issuer.tenant().as_str());
    let tenants: std::collections::BTreeSet<&str> =
        tenants.chain(known.config.manufacturers.iter().map(|one| one.tenant.as_str())).collect();
    let listed: Vec<String> = tenants.iter().map(|tenant| format!("`{tenant}`")).collect();
    writer.says(
        "1.1",
        format!(
            "Tenants: {}. Each authority, device, request and record belongs to one, and nothing passes from one to another unless the \
             configuration says so. The installation's own is `{}`.",
            listed.join(", "),
            known.config.tenant.as_str(),
        ),
    );
    let arc = known.config.profiles.settings().policy_arc;
    writer.says("1.2", format!("Certificate policies are below the arc {arc}."));
    if arc == Settings::PLACEHOLDER_ARC {
        writer.asks(
            "1.2",
            "the policy authority",
            "which arc of your own stands in `profiles.policy_arc`? The one in use is set aside for documentation (RFC 5612) and belongs to nobody.",
        );
    }
}

fn authorities(known: &Known<'_>, writer: &mut Writer) {
    writer.says("1.3.1", "Authorities that issue online:");
    for one in &known.config.authorities {
        let certificate = one.issuer.certificate();
        let head = format!("**{}**: `{}`", one.name, certificate.subject());
        let more = [
            ("tenant", format!("`{}`", one.issuer.tenant().as_str())),
            ("issues until", known.time(one.issuer.window_ends())),
        ];
        let entries: Vec<_> = known.certificate(certificate).into_iter().chain(more).collect();
        writer.list("1.3.1", &head, &entries);
    }
    writer.says("1.3.1", "Roots, and what else is above them:");
    for one in known.above() {
        writer.list("1.3.1", &format!("`{}`", one.subject()), &known.certificate(one));
    }
    let closed = &known.config.closed_authorities;
    if !closed.is_empty() {
        writer.says("1.3.1", "Closed authorities, whose last CRLs are still published:");
    }
    for one in closed {
        writer.list("1.3.1", &format!("`{}`", one.subject()), &known.certificate(one));
    }
    writer.says(
        "1.3.1",
        "Roots are founded, used and ended by `offline-root` on a machine without network, in ceremonies that leave a bundle which anybody can \
         check (`ceremony-verify`).",
    );
}

fn participants(known: &Known<'_>, writer: &mut Writer) {
    let bounds = |prefix: &[u8]| match prefix {
        [] => "any".to_owned(),
        octets => format!("begins with `{}`", hex::encode_upper(octets)),
    };
    let rows: Vec<Vec<String>> = known
        .config
        .registration_authorities
        .iter()
        .map(|one| {
            let profiles = one.profiles.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
            let domains =
                if one.dns_suffixes.is_empty() { "none".to_owned() } else { one.dns_suffixes.join(", ") };
            vec![
                format!("`{}`", one.name),
                format!("`{}`", one.tenant.as_str()),
                format!("`{}`", one.common_name),
                profiles,
                bounds(&one.title_prefix),
                domains,
                if one.forwards { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect();
    let said = if rows.is_empty() {
        "No registration authority is configured; operators decide (5.2.1)."
    } else {
        "Registration authorities are known by a certificate with id-kp-cmcRA and this common name, and ask within these bounds alone:"
    };
    writer.says("1.3.2", said);
    let columns = [
        "name",
        "tenant",
        "common name",
        "profiles",
        "system titles",
        "domains",
        "is believed which certificate a device showed it",
    ];
    writer.table("1.3.2", &columns, rows);
    writer
        .says("1.3.3", "Subscribers are the devices, servers and people to whom these profiles are issued:");
    let rows = known.profiles().into_iter().map(|profile| {
        vec![
            format!("`{}`", profile.id()),
            known.purpose(profile),
            profile.parts().hierarchy.name().to_owned(),
        ]
    });
    writer.grouped("1.3.3", &["profile", "for", "hierarchy"], rows);
    let makers = known.config.manufacturers.iter().map(|one| {
        let anchors: Vec<String> = one.anchors.iter().map(|anchor| format!("`{}`", anchor.name())).collect();
        let shipments = match (one.shipments.anchors.len(), &one.shipments.organization) {
            (0, _) => "none is taken in".to_owned(),
            (count, None) => format!("by who is vouched for by one of {count} roots"),
            (count, Some(organization)) => {
                format!("by `{organization}`, vouched for by one of {count} roots")
            }
        };
        vec![format!("`{}`", one.tenant.as_str()), anchors.join(", "), shipments]
    });
    writer.says("1.3.5", "Manufacturers, whose factory certificates introduce devices, and who sign manifests of what they deliver:");
    writer.table(
        "1.3.5",
        &["manufacturer", "authorities trusted for factory certificates", "manifests"],
        makers,
    );
    if let Some(sign_in) = known.config.operator_door.as_ref().and_then(|door| door.sign_in.as_ref()) {
        writer.says("1.3.5", format!("Identity provider of operators: `{}`.", sign_in.expected.issuer));
    }
    let rows = known.profiles().into_iter().map(|profile| {
        vec![
            format!("`{}`", profile.id()),
            known.field(profile, "key_usage"),
            known.field(profile, "extended_key_usage"),
        ]
    });
    writer.says("1.4.1", "A key has one use, which its certificate states and a relying party checks:");
    writer.grouped("1.4.1", &["profile", "key usage", "extended key usage"], rows);
}

fn repository(known: &Known<'_>, writer: &mut Writer) {
    let status = &known.config.status;
    writer.says(
        "2.1",
        format!(
            "CRLs, certificates of authorities and OCSP are served over plain HTTP at {}; CRLs are files in {}.",
            known.own(status.listen, "an address and port"),
            known.place(&status.directory)
        ),
    );
    for target in &status.push {
        let place = match (&target.directory, &target.endpoint) {
            (Some(directory), _) => known.place(directory),
            (None, endpoint) => format!("`{}`", endpoint.as_deref().unwrap_or_default()),
        };
        writer.says("2.1", format!("What is published is also put to {place}."));
    }
    let rows = known.config.authorities.iter().map(|one| {
        let points = one.issuer.points();
        let uris = [&points.crl, &points.ca_issuers, &points.ocsp].map(|uri| known.uri(uri.as_ref()));
        [vec![format!("`{}`", one.name)], uris.to_vec()].concat()
    });
    writer.says("2.2", "Published are CRLs, certificates of authorities with those above them, and OCSP answers; end-entity certificates are not.");
    writer.table("2.2", &["authority", "CRL", "certificate", "OCSP"], rows);
    let kept = match &status.releases_directory {
        Some(directory) => format!(
            "CRLs of roots are signed ahead in ceremonies, kept in {}, and each is published by the server on its date.",
            known.place(directory)
        ),
        None => "CRLs of roots are published when they are imported; none is kept for later.".to_owned(),
    };
    writer.says(
        "2.3",
        format!("A revocation is in the next OCSP answer. A CRL is made anew as 4.9.7 says. {kept}"),
    );
}

fn names(known: &Known<'_>, writer: &mut Writer) {
    let rows = known.profiles().into_iter().map(|profile| {
        vec![
            format!("`{}`", profile.id()),
            subject(profile),
            alternative_name(&profile.parts().alternative_name),
        ]
    });
    writer.grouped("3.1.1", &["profile", "subject", "subject alternative name"], rows);
    let of_devices = known
        .profiles()
        .into_iter()
        .any(|profile| matches!(profile.parts().subject, SubjectRule::SystemTitle | SubjectRule::Empty));
    if of_devices {
        writer.says(
            "3.1.2",
            "The name of a device is its system title, the identity of 8 octets by which DLMS/COSEM knows it; its first three octets are the FLAG \
             identifier of its manufacturer.",
        );
    }
    let named_hosts = known
        .profiles()
        .into_iter()
        .any(|profile| matches!(profile.parts().alternative_name, AlternativeNameRule::DnsNames { .. }));
    if named_hosts {
        writer.says("3.1.2", "A dNSName is the host's; who may name which is bounded by `dns_suffixes` of registration authorities, or is an operator's word.");
    }
}

fn validation(known: &Known<'_>, writer: &mut Writer) {
    let bindings = known.offers().filter(|(_, offer)| offer.label.is_some()).map(|(_, offer)| {
        let binding = match offer.binding {
            BindingPolicy::IfPresent => "checked where the request has one",
            BindingPolicy::Required => "required",
            BindingPolicy::Off => "not looked at",
        };
        vec![format!("`{}`", offer.label.as_deref().unwrap_or_default()), binding.to_owned()]
    });
    writer.grouped("3.2.1", &["EST label", "binding of the request to its TLS connection"], bindings);
    let rows = known.offers().map(|(authority, offer)| {
        let hierarchy = offer.profile.parts().hierarchy;
        let doors: Vec<String> = offer.doors.iter().map(|&one| door(one, hierarchy)).collect();
        let doors = if doors.is_empty() { "nobody".to_owned() } else { doors.join("; ") };
        vec![format!("`{}`", offer.profile.id()), format!("`{}`", authority.name), doors]
    });
    writer.says("3.2.5", "Who may have a certificate of which profile; whoever is not named has none:");
    writer.grouped("3.2.5", &["profile", "authority", "who"], rows);
    let has_expired = known
        .offers()
        .flat_map(|(_, offer)| &offer.doors)
        .any(|door| matches!(door, Door::FactoryCertificate { expired_seconds: 1.., .. }));
    if has_expired {
        writer.says("3.2.5", "Where an expired factory certificate still opens a door, its end alone is waived, and each use is on record.");
    }
    let rows = known.renewed().into_iter().map(|profile| {
        let keys = ["renewal_window", "renewal_limit", "key_reuse", "name_change"];
        let said = keys.map(|key| known.field(profile, key));
        [vec![format!("`{}`", profile.id())], said.to_vec()].concat()
    });
    writer.says(
        "3.3.1",
        "A certificate of these profiles that is valid and not revoked introduces its holder, in this part of its validity; who has one of \
         another profile comes as for the first time:",
    );
    let columns = ["profile", "window", "times within one length of validity", "the same key", "other names"];
    writer.grouped("3.3.1", &columns, rows);
    let cmp = match &known.config.cmp {
        Some(_) => {
            "Over CMP (rr) a device asks for the certificate that signs the message, and a registration authority within its bounds."
        }
        None => "CMP is not served, so that no device and no registration authority asks by itself.",
    };
    let orders = known.config.orders;
    writer.says("3.4", format!("An operator with the permission `revoke` is known as 5.2.3 says. {cmp}"));
    writer.says(
        "3.4",
        match orders.two_people_from {
            0 => "However many certificates are revoked at once, one operator does it.".to_owned(),
            1 => "Each revocation by an operator is approved by another one.".to_owned(),
            count => format!(
                "From {count} certificates on, another operator approves the list, within {}.",
                length(orders.lifetime_seconds)
            ),
        },
    );
}
