//! A PKCS#11 module (v2.40) that hands every call to a real one and, as a plan says, fails as tokens do: for tests only.
//!
//! The environment names the real module ([`MODULE`]) and the file of the plan ([`PLAN`]), which is read anew at each call,
//! so that a test changes it while calls run. Calls are written down beside it, one name a line.
//! Not a token: keys, sessions and signatures are those of the module behind it.

mod module;
mod deeds;
mod calls;
mod real;
mod plan;

pub use module::C_GetFunctionList;
pub use plan::{Deed, Plan, calls, file_of_module};

/// The variable that names the real module.
pub const MODULE: &str = "PKCS11_FAULTS_MODULE";

/// The variable that names the file of the plan.
pub const PLAN: &str = "PKCS11_FAULTS_PLAN";
