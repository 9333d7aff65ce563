//! Section 4: from the request to the end of a certificate, as far as the configuration decides it.

use ca_core::profile::{KeyReuse, NameChange};
use ca_core::registration::ProductionRule;
use ca_core::sharding::CrlPlan;
use est_server::config::ServerKeys;
use policies::described::length;

use super::known::{Known, people};
use super::writer::Writer;

pub(super) fn write(known: &Known<'_>, writer: &mut Writer) {
    application(known, writer);
    replacement(known, writer);
    crls(known, writer);
    ocsp(known, writer);
    keys_made_here(known, writer);
}

fn application(known: &Known<'_>, writer: &mut Writer) {
    writer.says("4.1.1", "Whom 3.2.5 names, of each profile.");
    let est = &known.config.est;
    writer.says(
        "4.1.2",
        format!(
            "EST over TLS at {}, a label for each profile; without a label `{}` answers.",
            known.own(est.listen, "an address and port"),
            est.default_label
        ),
    );
    if let Some(cmp) = &known.config.cmp {
        let labels: Vec<String> = cmp.labels.iter().map(|label| format!("`{label}`")).collect();
        let own = cmp.listen.map_or_else(String::new, |listen| {
            format!(
                ", and at {} over plain HTTP, where messages protect themselves",
                known.own(listen, "an address and port")
            )
        });
        writer
            .says("4.1.2", format!("CMP on the listener of EST{own}, for the labels {}.", labels.join(", ")));
    }
    let rows = known.offers().map(|(authority, offer)| {
        let rule = &offer.approval;
        let needed = rule.needed.max(offer.profile.parts().approval);
        let order = match offer.production {
            ProductionRule::Unasked => "no",
            ProductionRule::Required => "yes",
        };
        vec![
            format!("`{}`", offer.profile.id()),
            format!("`{}`", authority.name),
            people(needed).to_owned(),
            order.to_owned(),
        ]
    });
    writer.says(
        "4.2.2",
        "Who approves a request before it is answered, and whether it counts against a production order:",
    );
    writer.grouped("4.2.2", &["profile", "authority", "approved by", "production order"], rows);
    writer.says(
        "4.2.2",
        format!(
            "A visit of a technician, on which certificates of hand-held units are issued, is approved by {} beside who opens it.",
            people(known.config.visit_approvals)
        ),
    );
}

fn replacement(known: &Known<'_>, writer: &mut Writer) {
    let rows = known.renewed().into_iter().map(|profile| {
        let keys = ["validity", "renewal_window", "renewal_spread", "revoke_replaced_after"];
        let said = keys.map(|key| known.field(profile, key));
        [vec![format!("`{}`", profile.id())], said.to_vec()].concat()
    });
    let columns = [
        "profile",
        "validity",
        "replaced in",
        "devices are spread over",
        "what was replaced is revoked after",
    ];
    writer.says(
        "4.7.1",
        "A certificate of these profiles is replaced in the last part of its validity, or before by an operator's campaign; one of another \
         profile, by whom and when 3.2.5 lets it be asked for:",
    );
    writer.grouped("4.7.1", &columns, rows);
    let renewing: Vec<String> = known
        .profiles()
        .into_iter()
        .filter(|profile| profile.parts().key_reuse == KeyReuse::Allowed)
        .map(|profile| format!("`{}`", profile.id()))
        .collect();
    let said = if renewing.is_empty() {
        "A replacement has a new key, of every profile: there is re-key (4.7) and no renewal.".to_owned()
    } else {
        format!(
            "A replacement may keep its key under {}; of all others it has a new one (4.7).",
            renewing.join(", ")
        )
    };
    writer.says("4.6.1", said);
    let changing: Vec<String> = known
        .profiles()
        .into_iter()
        .filter(|profile| profile.parts().name_change == NameChange::Allowed)
        .map(|profile| format!("`{}`", profile.id()))
        .collect();
    let said = if changing.is_empty() {
        "There is none: who needs other names enrols anew.".to_owned()
    } else {
        format!(
            "In a replacement alternative names may change under {}, as far as the requester is entitled to them (RFC 6402 §2.8).",
            changing.join(", ")
        )
    };
    writer.says("4.8.1", said);
}

fn crls(known: &Known<'_>, writer: &mut Writer) {
    let rows = known.config.authorities.iter().map(|one| {
        let profile = &one.crl_profile;
        let deltas = profile.deltas().map_or_else(
            || "none".to_owned(),
            |times| {
                format!("{}, valid for {}", length(times.reissue_seconds), length(times.validity_seconds))
            },
        );
        let plan =
            if one.issuer.crl_plan() == CrlPlan::default() { "none" } else { "yes, beside the CRL of all" };
        vec![
            format!("`{}`", one.name),
            length(profile.reissue_seconds()),
            length(profile.validity_seconds()),
            deltas,
            plan.to_owned(),
            if profile.offers_hold() { "yes" } else { "no" }.to_owned(),
        ]
    });
    let columns = [
        "authority",
        "made anew after at most",
        "thisUpdate to nextUpdate",
        "deltas",
        "shards",
        "certificateHold",
    ];
    writer.grouped("4.9.7", &columns, rows);
    let slow = known
        .config
        .authorities
        .iter()
        .map(|one| vec![format!("`{}`", one.name), length(one.uncertain_grace_seconds)]);
    writer.says("4.9.4", "None of a request: it is recorded when it is made. A certificate of which nobody knows whether it was signed is revoked after:");
    writer.grouped("4.9.4", &["authority", "grace"], slow);
    let short: Vec<String> = known
        .profiles()
        .into_iter()
        .filter(|profile| profile.parts().short_lived)
        .map(|profile| format!("`{}`", profile.id()))
        .collect();
    if !short.is_empty() {
        writer.says(
            "4.9.6",
            format!(
                "No CRL lists certificates of {}: they end before it would help. OCSP tells of each.",
                short.join(", ")
            ),
        );
    }
    let holds = known.config.authorities.iter().any(|one| one.crl_profile.offers_hold());
    let said = if holds {
        "certificateHold, for a device of which nobody knows whether it is lost; 4.9.7 says which authorities offer it."
    } else {
        "No authority offers certificateHold."
    };
    writer.says("4.9.13", said);
}

fn ocsp(known: &Known<'_>, writer: &mut Writer) {
    let rows = known.config.authorities.iter().map(|one| {
        let profile = &one.ocsp_profile;
        let archive = profile.expired_answered_seconds().map_or_else(|| "for ever".to_owned(), length);
        vec![
            format!("`{}`", one.name),
            known.uri(one.issuer.points().ocsp.as_ref()),
            length(profile.validity_seconds()),
            format!("`{}`, {}", one.responder_profile.id(), known.field(&one.responder_profile, "validity")),
            archive,
        ]
    });
    let columns = [
        "authority",
        "where",
        "thisUpdate to nextUpdate",
        "certificate of the responder",
        "after the end of a certificate",
    ];
    writer.table("4.9.9", &columns, rows);
}

fn keys_made_here(known: &Known<'_>, writer: &mut Writer) {
    let made: Vec<String> = known
        .offers()
        .filter(|(_, offer)| offer.server_keys != ServerKeys::Off)
        .filter_map(|(_, offer)| Some(format!("`{}`", offer.label.as_deref()?)))
        .collect();
    let central = known.config.cmp.as_ref().and_then(|cmp| cmp.central_keys.as_ref());
    let central: Vec<String> =
        central.into_iter().flat_map(|one| &one.labels).map(|label| format!("`{label}` over CMP")).collect();
    let all = [made, central].concat();
    let (escrow, delivery) = if all.is_empty() {
        (
            "No key of a subscriber is made or kept here.".to_owned(),
            "None: subscribers make their own keys.".to_owned(),
        )
    } else {
        (
            format!(
                "Keys are made here for who asks under {}. Each is in clear in memory alone, until it is answered; the answer is kept \
                 sealed for its device, and nothing can recover the key from the records.",
                all.join(", ")
            ),
            format!(
                "Under {}: encrypted to its device (RFC 9483 §4.1.6), or inside the TLS connection where the offer says so.",
                all.join(", ")
            ),
        )
    };
    writer.says("4.12.1", escrow);
    writer.says("6.1.2", delivery);
}
