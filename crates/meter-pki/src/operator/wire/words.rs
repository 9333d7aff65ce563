//! The texts of the interface by what they mean: each with the form in which it is written, or the words that it may be.
//!
//! For the document of the interface, and for the names in paths. Whether a text is meant is checked in `acts`, by the types of
//! ca-core, and never here: a form that is stricter or laxer than they are is a fault of this file.

use std::borrow::Cow;
use std::ops::Deref;

use ca_core::audit::Act;
use ca_core::fleet::campaign::{CampaignStanding, Goal};
use ca_core::fleet::swap::{Call, Proof, Road, Stage};
use ca_core::people::{Permission, Role};
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    DeliverySource, DeviceEventKind, DeviceField, DeviceState, OrderStanding, ProductionState, ProfileKind,
    SecretKind, Standing,
};
use ca_core::visits::VisitStanding;
use serde::Deserialize;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A text that has a form; names in paths are such.
pub(crate) trait Form: ToSchema {}

/// Declares texts that have a form: their name, their sentence, the form as a regular expression, and one of them. The
/// expression is one of ECMA-262 with the flag `u`, as JSON Schema wants it, and with `v`, as browsers take it in forms: a hyphen or a
/// slash in a class stands behind a backslash.
macro_rules! forms {
    ($($name:ident: $doc:literal, $pattern:expr, $example:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($doc).pattern(Some($pattern)).examples([$example]).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }

        impl Form for $name {}
    )*};
}

/// Declares texts that are one of some words: their name, their sentence, and the words.
macro_rules! words {
    ($($name:ident: $doc:literal, $words:expr;)*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($doc).enum_values(Some($words)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

fn text(sentence: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(sentence))
}

forms! {
    SystemTitle: "A system title: 8 octets, as 16 hexadecimal digits in capitals.", "^[0-9A-F]{16}$", "4D504B0001FEA042";
    TenantId: "The name of a tenant.", r"^[a-z0-9\-]{1,32}$", "dso";
    PersonId: "How a person is named in records; never what the records call a user of the machine.",
        r"^(?!uid-)[a-z0-9\-]{1,32}$", "ada";
    AuthorityName: "The name of an authority in the configuration.", r"^[^\u0000-\u001F\u007F\/]{1,64}$", "dso-operational-s1";
    ProfileName: "The name of a profile.", r"^[a-z0-9\-]{1,64}$", "meter-op-ds-s1";
    Serial: "A serial number (RFC 5280 §4.1.2.2): 1 to 20 octets in hexadecimal, positive, without needless zeros.",
        "^(?:(?:0[1-9A-Fa-f]|[1-7][0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){0,19}|00[89A-Fa-f][0-9A-Fa-f](?:[0-9A-Fa-f]{2}){0,18})$",
        "09D40123456789ABCDEF0123456789AB";
    SerialStart: "The first octets of a serial number, in hexadecimal.", "^(?:[0-9A-Fa-f]{2}){1,20}$", "09D4";
    Sha256: "A SHA-256, as 64 hexadecimal digits.", "^[0-9A-Fa-f]{64}$",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    DigestStart: "The first 8 or more hexadecimal digits of a SHA-256, an even number.", "^(?:[0-9A-Fa-f]{2}){4,32}$", "0123456789abcdef";
    CampaignName: "The first 8 or more hexadecimal digits of a campaign's digest, or what people call it.",
        r"^[^\u0000-\u001F\u007F-\u009F\/]{1,64}$", "autumn";
    KeyName: "The name of an authority's key: 40 hexadecimal digits.", "^[0-9A-Fa-f]{40}$", "0123456789abcdef0123456789abcdef01234567";
    ProductionName: "The name of a production order.", r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,47}$", "PO-2026.1";
    VisitName: "The name of a visit.", r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,47}$", "V-2026.1";
    UnitTitle: "The system title of a technician's hand-held unit, which need be no device on record: 8 octets, as 16 hexadecimal digits in capitals.",
        "^[0-9A-F]{16}$", "4D504B4800000001";
    FlagId: "A FLAG id: three capital letters, with which system titles begin.", "^[A-Z]{3}$", "MPK";
    MakerName: "A manufacturer: his name as a tenant, or his FLAG id.", r"^(?:[A-Z]{3}|[a-z0-9\-]{1,32})$", "maker";
    TitleStart: "The first octets of system titles, in hexadecimal.", "^(?:[0-9A-Fa-f]{2}){1,8}$", "4D504B";
    GridPlace: "A place in the grid: a region or a data concentrator; it names a shard of CRLs.", r"^[A-Za-z0-9\-]{1,32}$", "north";
    MaybeGridPlace: "A place in the grid, or nothing.", r"^[A-Za-z0-9\-]{0,32}$", "north";
    CountryCode: "A country, by its two letters (ISO 3166-1).", "^[A-Z]{2}$", "DE";
    GroupedDigits: "A SHA-256, as 64 hexadecimal digits, or in groups as it is shown.", "^(?:[0-9A-Fa-f] ?){63}[0-9A-Fa-f]$",
        "0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567 89ab cdef";
    ShortText: "Up to 64 printable characters.", r"^[^\u0000-\u001F\u007F-\u009F]{0,64}$", "MPK100";
    ShownName: "1 to 64 printable characters.", r"^[^\u0000-\u001F\u007F-\u009F]{1,64}$", "Ada";
    WhyText: "Why: 1 to 200 printable characters.", r"^[^\u0000-\u001F\u007F-\u009F]{1,200}$", "the meter was replaced";
    Base64Text: "Octets in base64 (RFC 4648 §4), padded.",
        r"^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/][AQgw]==|[A-Za-z0-9+\/]{2}[AEIMQUYcgkosw048]=)?$", "MAMCAQE=";
    HexText: "Octets in hexadecimal.", "^(?:[0-9A-Fa-f]{2})*$", "C70140";
    CredentialText: "By what somebody is known: uid:NUMBER, certificate:SHA256 or oidc:ISSUER SUBJECT.",
        r"^(?:uid:(?:0|[1-9][0-9]{0,8}|[1-3][0-9]{9})|certificate:[0-9a-f]{64}|oidc:[\x21-\x7E]{1,120} [\x21-\x7E]{1,120})$", "uid:1001";
    DateText: "A day of UTC.", "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$", "2031-11-21";
    PictureForm: "As what a plot is given: a drawing, a picture, or the numbers in it.", "^(?:svg|png|csv)$", "svg";
    HoursText: "Hours of the day, UTC.", "^(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:[01][0-9]|2[0-3]):[0-5][0-9]$", "22:00-05:00";
    AbsolutePath: "A file of the machine that serves, by its absolute path.", r"^/[^\u0000]{0,4095}$", "/var/backups/pki.backup";
    CertificatePlace: "A place in a list of certificates, as `next` of a page said it.",
        "^[0-9A-Fa-f]{40}[.](?:0[1-9A-Fa-f]|[1-7][0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){0,19}$",
        "0123456789abcdef0123456789abcdef01234567.09D4";
    RequestPlace: "A place in a list of requests, as `next` of a page said it.", "^(?:0|[1-9][0-9]{0,11})[.][0-9A-Fa-f]{64}$",
        "1795219200.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    SchedulePlace: "A place in a list of scheduled revocations, as `next` of a page said it.",
        "^(?:0|[1-9][0-9]{0,11})[.][0-9A-Fa-f]{40}[.](?:0[1-9A-Fa-f]|[1-7][0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){0,19}$",
        "1795219200.0123456789abcdef0123456789abcdef01234567.09D4";
    ReasonText: "A stable reason code.", r"^[a-z0-9_\-]+(?:[.][a-z0-9_\-]+)*$", "certificate.unknown";
    VersionNumber: "The number of a version, from 1.", "^[1-9][0-9]{0,8}$", "2";
    RecordNumber: "The number of an audit record, from 1.", "^[1-9][0-9]{0,18}$", "42";
}

words! {
    CertificateStatusWord: "How a certificate stands.",
        ["good", "expired", "on-hold", "revoked", "pending", "aborted", "uncertain"];
    StatusWord: "How certificates stand that are asked for; what is good may have expired.",
        ["good", "on-hold", "revoked", "uncertain", "aborted", "intent", "pending"];
    ReasonWord: "A reason of a revocation, as RFC 5280 §5.3.1 names it.", ReasonCode::ALL.map(ReasonCode::name);
    HierarchyWord: "A hierarchy.", Hierarchy::ALL.map(|(_, word)| word);
    PurposeWord: "What a key is for.", KeyPurpose::ALL.map(KeyPurpose::name);
    DeviceStateWord: "Where a device stands.", DeviceState::ALL.map(DeviceState::name);
    DeviceFieldWord: "What devices are counted by.", DeviceField::COUNTED.map(DeviceField::name);
    DeviceActWord: "An act on devices.", ["ship", "suspend", "resume", "retire", "transfer"];
    DeviceEventWord: "What became of a device.", DeviceEventKind::ALL.map(DeviceEventKind::name);
    SecretWord: "What a secret is for.", SecretKind::ALL.map(SecretKind::name);
    SourceWord: "How a delivery is read.", [DeliverySource::Manifest, DeliverySource::Mapped].map(DeliverySource::name);
    OrderWord: "How an order stands.", OrderStanding::ALL.map(OrderStanding::name);
    ChangeWord: "What an order does.", ["revoke", "release"];
    RequestWord: "How a request stands.", Standing::ALL.map(Standing::name);
    RequestKindWord: "Whether it is the first of its kind.", ["first", "again"];
    ProductionWord: "How a production order stands on record.", ProductionState::ALL.map(ProductionState::name);
    ProductionNowWord: "How a production order stands.", ["open", "expired", "closed", "cancelled"];
    VisitWord: "How a visit stands.", VisitStanding::ALL.map(VisitStanding::name);
    EmergencyWord: "How an emergency stands.", ["asked", "open", "lapsed", "unreviewed", "reviewed"];
    RoleWord: "A role.", Role::ALL.map(Role::name);
    PermissionWord: "What somebody may do.", Permission::ALL.map(Permission::name);
    PersonActWord: "A change of a person's record.", ["grant", "withdraw", "add-credential", "remove-credential", "remove"];
    CampaignActWord: "What an operator has to say of a campaign.",
        ["request", "approve", "refuse", "pause", "resume", "abandon"];
    OrderActWord: "What an operator has to say of an order.", ["request", "approve", "refuse"];
    AnsweredWord: "What OCSP says of a certificate.", ["good", "revoked"];
    CampaignWord: "How a campaign stands.", CampaignStanding::ALL.map(CampaignStanding::name);
    GoalWord: "What a campaign is for.", Goal::ALL.map(Goal::name);
    RoadWord: "By which road certificates come to devices.", Road::ALL.map(Road::name);
    PhaseWord: "How a device of a campaign stands.", ["waiting", "underway", "stuck", "done", "ended"];
    StageWord: "Where a swap stands.", Stage::NAMES;
    ProofWord: "How it is known that a device holds a certificate.", Proof::ALL.map(Proof::name);
    CallWord: "A call that a head-end makes.", Call::ALL.map(Call::name);
    PolicyWord: "A word of the policy that meters are to keep.",
        ["nothing", "authenticated-request", "encrypted-request", "signed-request", "authenticated-response",
         "encrypted-response", "signed-response"];
    ReleaseWord: "How an object of a ceremony stands.", ["out", "next", "later", "overtaken"];
    RootPartWord: "What of a root ends.", ["crl", "certificate"];
    SpanWord: "How long a span is, by the calendar of UTC; weeks begin on Mondays.", ["day", "week", "month"];
    SeriesWord: "By what certificates are parted.", ["issuer", "hierarchy"];
    CrlKindWord: "Whether a CRL is whole.", ["complete", "delta"];
    CurveWord: "A curve.", ["P-256", "P-384"];
    PossessionWord: "How it is known that a requester holds the key: by the signature of the request, on the word of a registration authority, since it was made here, or since it is a key of this server.",
        ["request", "registration-authority", "made-here", "own-signer"];
    ActWord: "What an audit record tells of.", acts().map(Act::name);
    LightWord: "How the whole stands, in one word.", ["ok", "warning", "critical", "unknown"];
    SeverityWord: "How bad a finding is.", ["ok", "not-checked", "notice", "warning", "fault"];
    KeyPlaceWord: "Where private keys are.", ["files", "tokens", "signer"];
    KeyUseWord: "What a key of the server is for.", ["authority", "responder", "checkpoints"];
    ProfileKindWord: "What a profile is of.", ProfileKind::ALL.map(ProfileKind::name);
}

/// Every act of audit records, in the order of their numbers.
pub(crate) fn acts() -> impl Iterator<Item = Act> {
    (0..=u8::MAX).filter_map(|number| Act::try_from(number).ok())
}

/// A time in seconds since 1970 (POSIX.1-2017 §4.16), such as 1952985600.
#[derive(Debug, Clone, Copy)]
pub struct UnixSeconds;

impl PartialSchema for UnixSeconds {
    fn schema() -> RefOr<Schema> {
        let seconds: Object = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("A time, in seconds since 1970."))
            .examples([1_952_985_600])
            .build();
        seconds.into()
    }
}

impl ToSchema for UnixSeconds {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("UnixSeconds")
    }
}

/// A time (RFC 3339), such as 2031-11-21T00:00:00Z.
#[derive(Debug, Clone, Copy)]
pub struct TimeText;

impl PartialSchema for TimeText {
    fn schema() -> RefOr<Schema> {
        let sentence = "A time (RFC 3339), in UTC where it is told.";
        let time: Object = text(sentence)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2031-11-21T00:00:00Z"])
            .build();
        time.into()
    }
}

impl ToSchema for TimeText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TimeText")
    }
}
