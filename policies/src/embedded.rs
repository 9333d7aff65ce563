//! The profile files that are compiled in, by name and text.
//!
//! A deployment that needs other profiles loads a directory of its own instead.

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../profiles/", $name)))),+]
    };
}

/// Every file in `profiles/`, in the order of their names.
pub(crate) const FILES: &[(&str, &str)] = files![
    "cmp-signer.toml",
    "crl-deltas.toml",
    "crl-hourly.toml",
    "crl-online.toml",
    "crl-root.toml",
    "cross.toml",
    "est-tls.toml",
    "fw-signer-dlms.toml",
    "fw-signer.toml",
    "gw-factory-ds.toml",
    "gw-factory-ka.toml",
    "gw-factory-tls.toml",
    "gw-op-ds.toml",
    "gw-op-ka.toml",
    "gw-op-tls.toml",
    "hes-ds.toml",
    "hes-ka.toml",
    "hes-tls.toml",
    "hhu-device-tls.toml",
    "hhu-op-ds.toml",
    "hhu-op-ka.toml",
    "hhu-op-offline.toml",
    "hhu-op-tls.toml",
    "kga-signer.toml",
    "log-signer.toml",
    "meter-factory-ds.toml",
    "meter-factory-ka.toml",
    "meter-factory-tls.toml",
    "meter-op-ds.toml",
    "meter-op-ka.toml",
    "meter-op-tls.toml",
    "ocsp-hourly.toml",
    "ocsp-online.toml",
    "ocsp.toml",
    "ra-operator.toml",
    "ra-station.toml",
    "recovery.toml",
    "root-30y.toml",
    "root-link.toml",
    "root.toml",
    "ship-recipient.toml",
    "ship-signer.toml",
    "sub-factory.toml",
    "sub-infra.toml",
    "sub-maintenance.toml",
    "sub-operational.toml",
    "time-stamper.toml",
];
