//! What stands where: how pages are called and grouped, which members of a list are its columns, and what belongs together across paths.
//! Whatever the table does not name is shown all the same, as the document tells it.
//!
//! Page and path go by the same name: what the interface has at `/v1/people` is at `/console/v1/people`.

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use crate::document::{Kind, Member, Operation, Schema, braced};

/// Where the console is.
pub(crate) const ROOT: &str = "/console";

/// A list, and what is to be known about it beyond the document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The path of the list in the interface.
    pub(crate) path: &'static str,
    /// How its page is called.
    pub(crate) title: &'static str,
    /// What is seen there, and what for.
    pub(crate) about: &'static str,
    /// Which members of a row are shown, in their order; all that are texts, words, numbers and flags where none is named.
    pub(crate) columns: &'static [&'static str],
    /// How a single one is called, and by which member people know it.
    pub(crate) one: Option<(&'static str, &'static str)>,
    /// Which member of a row stands for a name of the single one's path, where the two differ.
    pub(crate) names: &'static [(&'static str, &'static str)],
    /// What else can be done with a single one, and which of its members go into the form.
    pub(crate) acts: &'static [Act],
    /// What is shown on the page of a single one of what lies beneath it: the last parts of paths.
    pub(crate) parts: &'static [&'static str],
    /// Plots of the same, by the paths of their pictures without the form.
    pub(crate) plots: &'static [&'static str],
    /// Whether it changes by itself while somebody looks.
    pub(crate) is_live: bool,
}

/// A change that is asked for elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Act {
    pub(crate) path: &'static str,
    /// The field of the form, and the member; one deeper down as a JSON pointer (RFC 6901).
    pub(crate) presets: &'static [(&'static str, &'static str)],
}

/// A list with nothing more to be known.
const fn place(path: &'static str, title: &'static str, about: &'static str) -> Place {
    Place {
        path,
        title,
        about,
        columns: &[],
        one: None,
        names: &[],
        acts: &[],
        parts: &[],
        plots: &[],
        is_live: false,
    }
}

const CERTIFICATE: &[(&str, &str)] = &[("serial", "serial"), ("issuer", "issuer")];
const DEVICE: &[(&str, &str)] = &[("system_titles", "/device/system_title"), ("tenant", "/device/tenant")];

/// Named by a digest over what is approved.
const BY_DIGEST: &[(&str, &str)] = &[("id", "digest")];

const VISITS: &[&str] = &["id", "state", "opened", "needed", "approvals", "ended"];

/// Groups of pages, as the navigation has them.
pub(crate) const GROUPS: &[(&str, &[Place])] = &[
    ("Certificates", CERTIFICATES),
    ("Devices", DEVICES),
    ("Field work", FIELD_WORK),
    ("Authorities", AUTHORITIES),
    ("Statistics", STATISTICS),
    ("Oversight", OVERSIGHT),
];

const CERTIFICATES: &[Place] = &[
    Place {
        columns: &["serial", "subject", "status", "not_after", "profile", "purpose", "issuer"],
        one: Some(("Certificate", "subject")),
        acts: &[
            Act { path: "/v1/revocations", presets: CERTIFICATE },
            Act { path: "/v1/hold-releases", presets: CERTIFICATE },
            Act { path: "/v1/schedule", presets: CERTIFICATE },
        ],
        parts: &["history"],
        ..place(
            "/v1/certificates",
            "Certificates",
            "Every certificate that was issued here, with its status as of now.",
        )
    },
    Place {
        columns: &["id", "state", "subject", "profile", "requester", "requested_at", "expires_at"],
        one: Some(("Request", "subject")),
        is_live: true,
        ..place("/v1/requests", "Requests", "What is issued only once people have approved it.")
    },
    Place {
        columns: &["digest", "state", "change", "reason", "count", "changed", "skipped", "expires_at"],
        one: Some(("Mass revocation", "digest")),
        names: BY_DIGEST,
        is_live: true,
        ..place(
            "/v1/orders",
            "Mass revocations",
            "Many certificates revoked or released at once, as a list that others approve.",
        )
    },
    Place {
        columns: &["due", "issuer", "serial", "reason", "asked", "if_replaced"],
        ..place("/v1/schedule", "Due revocations", "What is revoked by itself once its time has come.")
    },
];

const DEVICES: &[Place] = &[
    Place {
        columns: &[
            "system_title",
            "state",
            "manufacturer",
            "model",
            "firmware",
            "batch",
            "region",
            "concentrator",
        ],
        one: Some(("Device", "/device/system_title")),
        names: &[("title", "system_title")],
        acts: &[
            Act { path: "/v1/device-changes", presets: DEVICE },
            Act { path: "/v1/tokens", presets: &[("system_title", "/device/system_title")] },
        ],
        ..place("/v1/devices", "Devices", "The devices of one owner, and where each stands.")
    },
    place(
        "/v1/device-counts",
        "Device counts",
        "How many devices stand where, by model, firmware, batch or region.",
    ),
    Place {
        columns: &[
            "name",
            "state",
            "goal",
            "road",
            "count",
            "begun_at",
            "expected_at",
            "finished_at",
            "digest",
        ],
        one: Some(("Campaign", "name")),
        names: &[("id", "digest"), ("title", "system_title")],
        parts: &["devices"],
        is_live: true,
        ..place(
            "/v1/campaigns",
            "Campaigns",
            "Fleets that come to certificates of their own, or to new ones: how far each is, and what is stuck.",
        )
    },
    Place {
        columns: &[
            "id",
            "state",
            "model",
            "firmware",
            "batch",
            "ordered",
            "complete",
            "under_way",
            "missing",
            "until",
        ],
        one: Some(("Production order", "id")),
        parts: &["devices"],
        is_live: true,
        ..place(
            "/v1/production",
            "Production orders",
            "What factory lines may have certified, and how much of it they did.",
        )
    },
    Place {
        columns: &[
            "batch",
            "manufacturer",
            "announced",
            "received",
            "imported",
            "refused",
            "closed",
            "digest",
        ],
        ..place(
            "/v1/deliveries",
            "Deliveries",
            "Devices as their makers described them, and what was taken in.",
        )
    },
];

const FIELD_WORK: &[Place] = &[
    Place {
        columns: VISITS,
        one: Some(("Visit", "id")),
        is_live: true,
        ..place(
            "/v1/visits",
            "Visits",
            "Who goes out to which devices, for how long, and what was issued for it.",
        )
    },
    Place {
        columns: VISITS,
        ..place("/v1/own-visits", "My visits", "Where you are to go, and what you get for it.")
    },
];

const AUTHORITIES: &[Place] = &[
    Place {
        columns: &["name", "tenant", "subject", "curve", "not_after", "key", "crl_uri"],
        ..place("/v1/authorities", "Authorities", "Who signs here, for whom, and where the CRLs are.")
    },
    place("/v1/keys", "Keys", "Where each private key is, and whether it answers."),
    place("/v1/trust", "Who is let in", "By whose certificates somebody is let in, and whose are shut out."),
    Place {
        columns: &[
            "id",
            "kind",
            "version",
            "number",
            "since",
            "purpose",
            "hierarchy",
            "authorities",
            "version_reused",
        ],
        one: Some(("Profile", "id")),
        parts: &["versions", "sample"],
        ..place(
            "/v1/profiles",
            "Profiles",
            "What is in a certificate, a CRL or an OCSP answer, and what is not.",
        )
    },
    Place {
        columns: &["authority", "shard", "number", "base", "this_update", "next_update", "entries", "octets"],
        ..place("/v1/crls", "CRLs", "The lists that relying parties find now.")
    },
    place(
        "/v1/profile-differences",
        "Compare profiles",
        "In what two profiles differ, one and the built-in one of its name, or two versions of one.",
    ),
    place("/v1/ceremonies", "Ceremonies", "What was asked of the offline root, and what came back."),
    place("/v1/releases", "Releases of ceremonies", "What a ceremony made for later, and when it comes out."),
];

const STATISTICS: &[Place] = &[
    Place {
        plots: &["/v1/plots/expiries", "/v1/plots/expiry-calendar"],
        ..place("/v1/statistics/expiries", "Ends", "When the certificates end that are good now.")
    },
    Place {
        plots: &["/v1/plots/issuance"],
        ..place(
            "/v1/statistics/issuance",
            "Issued and revoked",
            "What was issued, and what was revoked, over time.",
        )
    },
    Place {
        plots: &["/v1/plots/swaps"],
        ..place("/v1/statistics/swaps", "Swaps", "How far devices have come to certificates of their owner.")
    },
    Place {
        plots: &["/v1/plots/crls"],
        ..place("/v1/statistics/crls", "Length of CRLs", "How long CRLs were, over their numbers.")
    },
    Place {
        plots: &["/v1/plots/signing"],
        ..place("/v1/statistics/signing", "Time of signatures", "How long signatures took, by key.")
    },
];

const OVERSIGHT: &[Place] = &[
    Place {
        columns: &["id", "name", "grants", "added", "removed"],
        one: Some(("Person", "name")),
        ..place("/v1/people", "People", "Who may do what, since when, and who said so.")
    },
    Place {
        columns: &["person", "role", "state", "reason", "seconds", "asked", "agreed", "until", "review_due"],
        one: Some(("Emergencies", "person")),
        is_live: true,
        ..place(
            "/v1/emergencies",
            "Emergencies",
            "Roles that somebody has for hours, on the word of another.",
        )
    },
    Place {
        columns: &["sequence", "time", "act", "actor", "issuer", "serial", "reason", "detail"],
        one: Some(("Audit record", "sequence")),
        ..place(
            "/v1/audit-records",
            "Audit trail",
            "Everything that was done, refused or changed, by whom and when.",
        )
    },
    place("/v1/nodes", "Nodes", "The machines that share the ledger."),
    place("/v1/doctor", "Doctor", "What is wrong, and what to type about it."),
    place("/v1/process", "Process", "The process that answers, and the end of its records."),
    place("/v1/store", "Ledger", "The ledger as a whole."),
];

/// The page on which values of a kind are shown singly: the name of the schema, and the path before the value.
const HOMES: &[(&str, &str)] = &[
    ("CampaignName", "/v1/campaigns"),
    ("PersonId", "/v1/people"),
    ("ProductionName", "/v1/production"),
    ("ProfileName", "/v1/profiles"),
    ("SystemTitle", "/v1/devices"),
    ("VisitName", "/v1/visits"),
];

/// Lists whose rows also stand elsewhere, by the schema of a row.
const ROWS: &[(&str, &str)] = &[
    ("CampaignView", "/v1/campaigns"),
    ("CertificateView", "/v1/certificates"),
    ("CrlView", "/v1/crls"),
    ("DeviceView", "/v1/devices"),
    ("EmergencyView", "/v1/emergencies"),
    ("PersonView", "/v1/people"),
    ("RequestView", "/v1/requests"),
    ("VisitView", "/v1/visits"),
];

/// Returns the list in which rows of this schema are at home.
pub(crate) fn home_of_rows(schema: Option<&str>) -> Option<&'static Place> {
    let (_, path) = ROWS.iter().find(|(name, _)| Some(*name) == schema)?;
    of(path)
}

/// Which members of a row are shown.
pub(crate) fn columns<'a>(item: Schema<'a>, place: Option<&Place>) -> Vec<Member<'a>> {
    let members = item.members();
    match place.map_or(&[][..], |place| place.columns) {
        [] => members
            .into_iter()
            .filter(|member| !matches!(member.schema.kind(), Kind::Object(_)) || is_mark(member))
            .collect(),
        named => named
            .iter()
            .filter_map(|name| members.iter().find(|member| member.name == *name).copied())
            .collect(),
    }
}

/// The schema of who did something, and when.
pub(crate) const MARK: &str = "MarkView";

fn is_mark(member: &Member<'_>) -> bool {
    member.schema.name == Some(MARK)
}

/// Returns what is known of a list.
pub(crate) fn of(path: &str) -> Option<&'static Place> {
    GROUPS.iter().flat_map(|(_, places)| places.iter()).find(|place| place.path == path)
}

/// Returns the page of a path of the interface.
pub(crate) fn page(path: &str) -> String {
    format!("{ROOT}{path}")
}

/// Returns the page of the form of a change.
pub(crate) fn form(path: &str) -> String {
    format!("{ROOT}/do{path}")
}

/// Returns the page of a value of a kind.
pub(crate) fn home(schema: Option<&str>, value: &str) -> Option<String> {
    let (_, path) = HOMES.iter().find(|(name, _)| Some(*name) == schema)?;
    Some(page(&format!("{path}/{}", segment(value))))
}

/// Returns the template of the single one whose row this is, with what the row says filled in.
pub(crate) fn single(operation: &Operation<'_>, row: &Value, list: &str) -> String {
    let names = above(list).map_or(&[][..], |place| place.names);
    let part = |part: &str| {
        let said = braced(part).and_then(|name| {
            let member = names.iter().find(|(there, _)| *there == name).map_or(name, |(_, member)| member);
            plain(row.get(member)?)
        });
        said.map_or_else(|| part.to_owned(), |text| segment(&text))
    };
    operation.template.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What is known of a list, or of that to which it belongs.
fn above(path: &str) -> Option<&'static Place> {
    let is_above = |place: &&Place| {
        path.strip_prefix(place.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    GROUPS.iter().flat_map(|(_, places)| places.iter()).find(is_above)
}

/// Returns a member by its name, or by its place further down.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    if name.starts_with('/') { value.pointer(name) } else { value.get(name) }
}

/// Fills in the names of a template.
pub(crate) fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let part = |part: &str| {
        let given = braced(part).and_then(|name| parts.iter().find(|(known, _)| *known == name));
        given.map_or_else(|| part.to_owned(), |(_, value)| segment(value))
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A text as a part of a path.
fn segment(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A text or a number as text.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
