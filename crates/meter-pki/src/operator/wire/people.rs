//! People and what they may do, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::MarkView;
use super::words::{
    CredentialText, PermissionWord, PersonActWord, PersonId, RoleWord, ShownName, TenantId, TimeText,
};

/// Somebody to be put on record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewcomerText {
    /// How he is named in records: 1 to 32 of a-z, 0-9 and -.
    #[schema(value_type = PersonId)]
    pub id: String,
    /// The name that is shown.
    #[schema(value_type = ShownName)]
    pub name: String,
}

/// One change of a person's record.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonChangeText {
    /// `grant`, `withdraw`, `add-credential`, `remove-credential` or `remove`.
    #[schema(value_type = PersonActWord)]
    pub act: String,
    /// Which role.
    #[schema(value_type = Option<RoleWord>)]
    pub role: Option<String>,
    /// For which tenant; for every one unless given.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// The last second of the role; without an end unless given.
    #[schema(value_type = Option<TimeText>)]
    pub until: Option<String>,
    /// `uid:NUMBER`, `certificate:SHA256` or `oidc:ISSUER SUBJECT`.
    #[schema(value_type = Option<CredentialText>)]
    pub credential: Option<String>,
}

/// A person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// How he is named in records.
    #[schema(value_type = PersonId)]
    pub id: String,
    /// The name that is shown.
    pub name: String,
    /// Who added him, and when.
    pub added: MarkView,
    /// Who removed him, and when.
    pub removed: Option<MarkView>,
    /// What he was granted.
    pub grants: Vec<GrantView>,
    /// By what he is known.
    pub credentials: Vec<BoundView>,
    /// What he gets once another administrator asks for the same.
    #[serde(default)]
    pub waiting: Vec<WaitingChangeView>,
}

/// A change that waits for the word of another administrator.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitingChangeView {
    /// The role and for whom, or the credential.
    pub what: String,
    /// Who asked, and when.
    pub asked: MarkView,
    /// The last second for which it waits.
    #[schema(value_type = TimeText)]
    pub until: String,
}

/// Who somebody is to the server.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SelfView {
    /// How records name him.
    pub name: String,
    /// What is on record of him; nothing of whom the configuration alone lets in.
    pub person: Option<PersonView>,
    /// Which permissions he has now, for one tenant at least.
    #[schema(value_type = Vec<PermissionWord>)]
    pub permissions: Vec<String>,
}

/// A role that somebody was granted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GrantView {
    /// Which.
    #[schema(value_type = RoleWord)]
    pub role: String,
    /// For which tenant; absent for every one.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// By whom and when.
    pub granted: MarkView,
    /// The last second of it.
    #[schema(value_type = Option<TimeText>)]
    pub until: Option<String>,
    /// Whether it holds now.
    pub holds: bool,
}

/// A credential that somebody has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BoundView {
    /// Which.
    #[schema(value_type = CredentialText)]
    pub credential: String,
    /// By whom and when it was added.
    pub added: MarkView,
}
