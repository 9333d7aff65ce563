//! Keys on tokens through their life, by `meter-pki hsm` with SoftHSM2; what it says is checked with OpenSC's `pkcs11-tool` and OpenSSL.

mod chapter;
mod copies;
mod desk;
mod destruction;
mod finding;
mod making;
