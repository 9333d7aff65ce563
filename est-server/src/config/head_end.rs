//! How much head-ends may bring at a time, and the service that DLMS tools know.

/// The path of uploads.
pub const UPLOAD_PATH: &str = "/meter-pki/v1/enrolments";

/// What head-ends may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadEndParts {
    /// How many lines an upload may have.
    pub max_lines: usize,
    /// How many octets an upload may have; it is held in memory.
    pub max_octets: usize,
    /// How many uploads are worked at once.
    pub uploads: usize,
    /// The service for DLMS tools, if there is one.
    pub dlms_tools: Option<DlmsTools>,
}

impl Default for HeadEndParts {
    /// 10,000 lines in 16 MiB, four at once; no service for tools.
    fn default() -> Self {
        Self { max_lines: 10_000, max_octets: 16 * 1024 * 1024, uploads: 4, dlms_tools: None }
    }
}

/// The JSON service that DLMS tools call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DlmsTools {
    /// Its path.
    pub path: String,
    /// The labels that it enrols at: for each request, the first whose profile fits keyUsage and curve.
    pub labels: Vec<String>,
}

impl DlmsTools {
    /// Tells whether the path is one that a route can have beside all others.
    #[must_use]
    pub fn has_sound_path(&self) -> bool {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'/' | b'-' | b'_' | b'.');
        let taken = ["/.well-known", "/meter-pki/"].iter().any(|prefix| self.path.starts_with(prefix));
        self.path.len() > 1 && self.path.starts_with('/') && self.path.bytes().all(allowed) && !taken
    }
}
