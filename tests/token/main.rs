//! Keys on tokens through their life, by `meter-pki hsm` and `meter-pki secrets` with SoftHSM2; what it says is checked with `pkcs11-tool` (opensc) and OpenSSL.

mod chapter;
mod copies;
mod desk;
mod destruction;
mod finding;
mod making;
mod recipient;
mod secrets;
