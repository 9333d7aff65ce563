//! Where everything of a quickstart lies below its state directory. Paths only.

use std::path::{Path, PathBuf};

/// The state directory of a quickstart.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Names the places below `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The state directory itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Exists exactly when the ceremony came to its end.
    pub(super) fn config(&self) -> PathBuf {
        self.root.join("meter-pki.toml")
    }

    /// The ledger of the online authorities.
    pub(super) fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// The encrypted keys of the online authorities.
    pub(super) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Opens the key files of this rehearsal.
    pub(super) fn passphrase(&self) -> PathBuf {
        self.root.join("passphrase")
    }

    /// Certificates of roots and authorities, DER.
    pub(super) fn authorities(&self) -> PathBuf {
        self.root.join("authorities")
    }

    /// The certificate of a root or authority.
    pub(super) fn authority(&self, name: &str) -> PathBuf {
        self.authorities().join(format!("{name}.cer"))
    }

    /// The rehearsed offline root: its ledger and keys, used during the ceremony only.
    pub(super) fn offline(&self, name: &str) -> PathBuf {
        self.root.join("offline").join(name)
    }

    /// Certificates and keys of servers and the line station.
    pub(super) fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// The certificate of who signs CMP's answers; its key is among those of the authorities.
    pub(super) fn message_signer(&self) -> PathBuf {
        self.tls().join("cmp-signer.cer")
    }

    /// Published CRLs.
    pub(super) fn published(&self) -> PathBuf {
        self.root.join("published")
    }

    /// What the ceremony makes for later.
    pub(super) fn releases(&self) -> PathBuf {
        self.root.join("releases")
    }

    /// The copy of the audit trail.
    pub(super) fn audit(&self) -> PathBuf {
        self.root.join("audit")
    }

    /// What each simulated meter holds in its memory.
    pub(super) fn fleet(&self) -> PathBuf {
        self.root.join("fleet")
    }

    /// Manifests of delivered meters, and the files that they were made of.
    pub(super) fn shipments(&self) -> PathBuf {
        self.root.join("shipments")
    }

    /// Certificate and key of who signs the manufacturer's manifests, and the certificate above.
    pub(super) fn shipment_signer(&self) -> PathBuf {
        self.tls().join("ship-signer.pem")
    }

    /// Certificate and key for which manifests are sealed.
    pub(super) fn shipment_recipient(&self) -> PathBuf {
        self.tls().join("ship-recipient.pem")
    }

    /// That certificate alone, as the manufacturer has it.
    pub(super) fn shipment_recipient_certificate(&self) -> PathBuf {
        self.tls().join("ship-recipient-cert.pem")
    }

    /// People, each with certificate and key, and the file by which the command line is him.
    pub(super) fn people(&self) -> PathBuf {
        self.root.join("people")
    }

    /// A person's file of a kind.
    pub(super) fn person(&self, id: &str, kind: &str) -> PathBuf {
        self.people().join(format!("{id}.{kind}"))
    }

    /// A file in the memory of the technician's hand-held unit.
    pub(super) fn unit(&self, file: &str) -> PathBuf {
        self.root.join("unit").join(file)
    }

    /// Where proofs of a device's history are written.
    pub(super) fn history(&self) -> PathBuf {
        self.root.join("history.json")
    }

    /// The list of devices that the operator imports.
    pub(super) fn device_list(&self) -> PathBuf {
        self.root.join("devices.csv")
    }

    /// The operator's socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.root.join("operator.sock")
    }
}
