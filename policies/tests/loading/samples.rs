//! Small profile files that have no fault.

pub(crate) const ROOT: &str = r#"format = 1
kind = "certificate"
id = "root"
version = 1
suites = [1]
issuers = []
hierarchy = "authority"
subject = "distinguished-name"
path_length = 1
key_usage = ["keyCertSign", "cRLSign"]
validity_years = 30
"#;

pub(crate) const METER: &str = r#"format = 1
kind = "certificate"
id = "meter"
version = 1
suites = [1]
issuers = ["root"]
hierarchy = "operational"
subject = "system-title"
key_usage = ["digitalSignature"]
validity_years = 10
policy = "operational"
"#;

pub(crate) const CRL: &str = r#"format = 1
kind = "crl"
id = "crl"
validity_days = 7
reissue_days = 1
"#;

pub(crate) const OCSP: &str = r#"format = 1
kind = "ocsp"
id = "answers"
validity_hours = 12
max_requests = 16
never_issued = "extended-revoked"
expired_answered_days = 3650
"#;
