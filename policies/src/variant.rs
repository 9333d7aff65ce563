//! The encoding variants: one deployment writes the certificates that meters load in one of four forms.
//!
//! A pure change of profile parts, made once at load; no other code knows that variants exist. No single form is read by
//! every DLMS library in the field, which is why there is a choice. Green Book 9.2.6.4.

use ca_core::profile::{AlternativeNameRule, Hierarchy, ProfileParts, SubjectRule};
use ca_core::public_key::KeyIdentifierMethod;
use const_oid::ObjectIdentifier;

/// In which form meter-facing certificates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variant {
    /// As the profiles say: the subject is the system title, and there is no subject alternative name. Read by the DLMS
    /// libraries most in use.
    #[default]
    GuruxSafe,
    /// Adds a subject alternative name that is not critical: one hardwareModuleName (RFC 4108 §5).
    GreenBookSan {
        /// hwType, in the arc of the deployment's owner.
        hw_type: ObjectIdentifier,
    },
    /// Leaves the subject empty; a critical subject alternative name holds one hardwareModuleName.
    StrictEmpty {
        /// hwType, in the arc of the deployment's owner.
        hw_type: ObjectIdentifier,
    },
    /// Writes key identifiers of 8 octets, in the certificates of CAs too: 24 octets less per certificate.
    Small,
}

impl Variant {
    /// The names of the variants, as configuration writes them.
    pub const NAMES: [&'static str; 4] = ["gurux-safe", "greenbook-san", "strict-empty", "small"];

    /// Returns the variant of this name; `hw_type` is needed by two of them and refused by the others.
    ///
    /// # Errors
    /// [`VariantError`].
    pub fn named(name: &str, hw_type: Option<ObjectIdentifier>) -> Result<Self, VariantError> {
        match (name, hw_type) {
            ("gurux-safe", None) => Ok(Self::GuruxSafe),
            ("small", None) => Ok(Self::Small),
            ("greenbook-san", Some(hw_type)) => Ok(Self::GreenBookSan { hw_type }),
            ("strict-empty", Some(hw_type)) => Ok(Self::StrictEmpty { hw_type }),
            ("gurux-safe" | "small", Some(_)) => Err(VariantError::HwTypeNotUsed),
            ("greenbook-san" | "strict-empty", None) => Err(VariantError::HwTypeMissing),
            _ => Err(VariantError::Unknown { name: name.to_owned() }),
        }
    }

    /// Returns the name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GuruxSafe => "gurux-safe",
            Self::GreenBookSan { .. } => "greenbook-san",
            Self::StrictEmpty { .. } => "strict-empty",
            Self::Small => "small",
        }
    }

    /// Changes what the variant changes; leaves alone what no meter reads.
    #[must_use]
    pub fn apply(self, parts: ProfileParts) -> ProfileParts {
        let of_device = parts.hierarchy != Hierarchy::Authority && parts.subject == SubjectRule::SystemTitle;
        match self {
            // Chosen for every certificate alike: the authority key identifier repeats the CA's own.
            Self::Small => ProfileParts { key_identifier: KeyIdentifierMethod::Sha1Short, ..parts },
            // Green Book 9.2.6.4: if used, the alternative name is exactly one hardwareModuleName, so no dNSName beside it.
            Self::GreenBookSan { hw_type } if of_device => {
                ProfileParts { alternative_name: AlternativeNameRule::HardwareModule { hw_type }, ..parts }
            }
            Self::StrictEmpty { hw_type } if of_device => ProfileParts {
                subject: SubjectRule::Empty,
                alternative_name: AlternativeNameRule::HardwareModule { hw_type },
                ..parts
            },
            Self::GuruxSafe | Self::GreenBookSan { .. } | Self::StrictEmpty { .. } => parts,
        }
    }
}

/// Why a name and a hwType do not make a variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariantError {
    /// No variant has this name.
    #[error("there is no variant {name}; there are {}", Variant::NAMES.join(", "))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The variant writes a hardwareModuleName and has no hwType for it.
    #[error("this variant writes a hardwareModuleName and needs a hwType for it")]
    HwTypeMissing,
    /// The variant writes no hardwareModuleName.
    #[error("this variant writes no hardwareModuleName, so a hwType has no use")]
    HwTypeNotUsed,
}
