//! What makes a configuration unreadable as a whole.

/// Why a file is no configuration of its program.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationFault {
    /// The program has none that is read.
    #[error("columns of our own have no configuration")]
    NoProgram,
    /// It is no text.
    #[error("it is not UTF-8")]
    Text,
    /// It is longer than any that is written by hand.
    #[error("it has {octets} octets, and none is read that has more than {most}")]
    Long {
        /// How long it is.
        octets: usize,
        /// The limit.
        most: usize,
    },
    /// A line of config(5).
    #[error("line {line} is neither a section in brackets nor a name, an equals sign and a value")]
    Line {
        /// Which.
        line: usize,
    },
    /// A bracket or brace.
    #[error("line {line} does not close what it opens")]
    Open {
        /// Which.
        line: usize,
    },
    /// Values that are made of others.
    #[error("line {line} makes its values longer than {most} octets")]
    Growth {
        /// Which.
        line: usize,
        /// The limit.
        most: usize,
    },
    /// JSON.
    #[error("it cannot be read as JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// XML.
    #[error("it cannot be read as XML: {0}")]
    Xml(#[source] quick_xml::Error),
    /// A document type, or an entity that only one could define.
    #[error("it has a document type or an entity, which no such file needs")]
    DocumentType,
    /// Elements in elements.
    #[error("its elements stand more than {most} deep")]
    Deep {
        /// The limit.
        most: usize,
    },
    /// What every such configuration has.
    #[error("it has no {what}")]
    Missing {
        /// What.
        what: &'static str,
    },
    /// A value that is not of its form.
    #[error("{key} is no {wanted}")]
    Value {
        /// Where it stands.
        key: String,
        /// What it should be.
        wanted: &'static str,
    },
}
