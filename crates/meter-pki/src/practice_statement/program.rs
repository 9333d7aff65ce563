//! What the program decides, whatever the configuration says: the same in every statement.

use super::writer::Writer;

pub(super) fn write(writer: &mut Writer) {
    for (number, fact) in FACTS {
        writer.says(number, *fact);
    }
}

/// By section.
const FACTS: &[(&str, &str)] = &[
    (
        "1.4.2",
        "A key that is certified for one use or one device is not certified for another. A factory certificate introduces a device for its first operational certificates, and for nothing else.",
    ),
    (
        "1.6",
        "Words are those of RFC 5280, RFC 6960, RFC 7030, RFC 9483 and RFC 9810, of RFC 3647, and of the DLMS/COSEM Green Book: certification authority (CA), registration authority (RA), end entity, certificate revocation list (CRL), Online Certificate Status Protocol (OCSP), Enrolment over Secure Transport (EST), Certificate Management Protocol (CMP), system title, head-end system (HES), hand-held unit (HHU), distribution system operator (DSO).",
    ),
    (
        "2.4",
        "Anybody reads, without a certificate and without a password; nobody writes over the network. Files are written by the server, beside the old ones, and renamed when they are whole. A lower CRL number is never published.",
    ),
    (
        "3.1.3",
        "There are no pseudonyms: a device is named by its system title, which names no customer; a person by the name in the certificate.",
    ),
    (
        "3.1.4",
        "A system title is 16 hexadecimal digits in capitals in CN, or 8 octets in hardwareModuleName. Names are compared octet for octet.",
    ),
    (
        "3.1.5",
        "A device has one certificate in service of each hierarchy and purpose; another is issued as its replacement only. Serial numbers are unique by issuer, for ever, and no requester chooses one. A key belongs to one device and one purpose.",
    ),
    (
        "3.2.1",
        "The request is signed with the private key that belongs to its public key (PKCS#10, or CMP's proof of possession), a key for key agreement too. The signature is verified before anything is issued.",
    ),
    (
        "3.2.4",
        "None: a certificate contains what its profile names and nothing that a request brings beyond that.",
    ),
    (
        "3.2.5",
        "A device is certified for the owner on whose list it stands, and for no other; a device out of service for nobody. The label of EST or CMP, not the request, decides the profile.",
    ),
    (
        "3.3.2",
        "A revoked certificate introduces nobody (`authn.revoked`), one on hold neither. Its holder enrols as for the first time (3.2). After keyCompromise the key is never certified again.",
    ),
    (
        "4.2.1",
        "Who asks is known by the TLS connection, by the signature or MAC of a CMP message, or by a one-time token; the status of a certificate that is shown comes from the ledger. Then the request is held against the door (3.2.5), the device's state and owner, the profile and the tenant.",
    ),
    (
        "4.2.2",
        "What does not fit is refused with a stable reason code, and each refusal is on record. Who asked does not approve, and one person with two credentials counts once. An approval is for one key, subject, profile and requester, and for one certificate.",
    ),
    (
        "4.2.3",
        "A request that waits for nobody is answered in the same connection; one that waits for approval, when it is asked for again after that; one that finds the server busy is told when to come again.",
    ),
    (
        "4.3.1",
        "The to-be-signed octets and their audit record are on disk before anything is signed (1). Each draft is linted before (2). The signature is verified with the authority's public key, and the octets are compared with the recorded ones (3). Certificate and audit record are on disk before the answer leaves (4). A signing whose outcome is unknown is never repeated: its serial number is revoked after the grace time.",
    ),
    ("4.3.2", "The certificate is the answer to the request."),
    (
        "4.4.1",
        "Over CMP, the confirmation of the device, unless it asked for none; a certificate that is refused, or not confirmed in time, is revoked. Over EST, its use.",
    ),
    ("4.4.2", "Certificates of end entities are not published."),
    ("4.4.3", "Operators see each certificate in the records and in the audit log; nobody else is told."),
    (
        "4.5.2",
        "A relying party validates the path to a root that it was given (RFC 5280 §6), checks keyUsage and extendedKeyUsage for the use, and the status as 4.9.6 says.",
    ),
    ("4.6.2", "Who holds the certificate, by showing it; an operator's campaign."),
    ("4.6.3", "As 4.2 and 4.3: every check is made anew."),
    ("4.6.4", "As 4.3.2."),
    ("4.6.5", "As 4.4.1."),
    ("4.6.6", "As 4.4.2."),
    ("4.6.7", "As 4.4.3."),
    ("4.7.2", "As 4.6.2."),
    ("4.7.3", "As 4.2 and 4.3: every check is made anew, possession of the new key among them."),
    ("4.7.4", "As 4.3.2."),
    ("4.7.5", "As 4.4.1."),
    ("4.7.6", "As 4.4.2."),
    ("4.7.7", "As 4.4.3."),
    ("4.8.2", "As 4.6.2, or a registration authority within its bounds."),
    (
        "4.8.3",
        "As 4.2 and 4.3. What is certified otherwise than before is a certificate of its own, with its own serial number.",
    ),
    ("4.8.4", "As 4.3.2."),
    ("4.8.5", "As 4.4.1."),
    ("4.8.6", "As 4.4.2."),
    ("4.8.7", "As 4.4.3."),
    (
        "4.9.1",
        "With one of the reasons of RFC 5280 §5.3.1: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, aACompromise. The program itself revokes what was not confirmed in time, what was replaced where the profile says so, and what may or may not have been signed.",
    ),
    ("4.9.2", "Who is named in 3.4."),
    (
        "4.9.3",
        "Operators: `meter-pki cert revoke`, one certificate, or a selection that is shown, digested and then carried out, exactly as it was shown. CMP: rr. Each revocation is on record with who, when, why and, where it is known, since when the key is suspected. What is revoked for good stays so.",
    ),
    ("4.9.5", "At once: it is on record when the request is answered."),
    (
        "4.9.8",
        "A new CRL is made when a revocation is on record, and not only when its time has come; until it is out, the one before is served, and an alarm is raised well before nextUpdate.",
    ),
    (
        "4.9.10",
        "None: anybody may ask, by GET and POST. `good` is said only of what the ledger knows to be issued.",
    ),
    (
        "4.9.11",
        "None beyond CRL and OCSP; `meter-pki ocsp export` signs answers ahead for other web servers.",
    ),
    (
        "4.9.12",
        "After keyCompromise the key is never certified again. When a manufacturer's authority may be compromised it is shut out at once (`meter-pki trust block`), and what it introduced is selected and revoked.",
    ),
    ("4.9.14", "Who may revoke; over CMP a device for itself, which never releases itself."),
    (
        "4.9.15",
        "As 4.9.3, with the reason certificateHold; `meter-pki cert release` ends it, with an entry in the audit log.",
    ),
    ("4.9.16", "None is enforced: the records list what is on hold."),
    (
        "4.10.1",
        "CRL: complete, of shards and deltas where 4.9.7 says so, each a DER object with ETag and ranges. OCSP: basic responses by a delegated responder, GET and POST (RFC 6960).",
    ),
    (
        "4.10.3",
        "OCSP nonces of 1 to 128 octets (RFC 9654); archive cutoff. Preferred signature algorithms are read and have no effect: a suite has one.",
    ),
    (
        "4.11",
        "A device is retired on record: nothing is issued to it any more, through whichever door. An operator revokes its certificates, or they end.",
    ),
    ("4.12.2", "None: there are no session keys in certificates."),
    (
        "5.2.4",
        "Auditor and CA operations are held with no other role. Nobody changes what he himself may do, and nobody approves what he asked for.",
    ),
    (
        "5.4.1",
        "Every act and every refusal: intents, certificates, revocations, CRLs, devices, deliveries, tokens, orders, campaigns, visits, people and roles, emergencies, signing-in that failed, starts, restores, changes of the clock, destruction of keys. Each record has time, actor, act, reason code and what it is about. Refusals by rate limits are counted, one record a minute for each.",
    ),
    ("5.4.3", "For ever: there is no verb, route or setting that changes or removes a record."),
    (
        "5.4.4",
        "Records are chained by hashes and are the leaves of a Merkle tree (RFC 9162). `meter-pki audit verify` finds any that was changed, removed or added; who keeps a checkpoint finds a log that was cut or rewritten.",
    ),
    ("5.4.7", "None: who is refused is told the reason code, and nobody is told of the record."),
    (
        "5.5.3",
        "As 5.4.4; certificates, CRLs and revocations are held against their audit records by `meter-pki backup verify` and by the checker of ledgers.",
    ),
    (
        "5.5.5",
        "Each record has the time of the server's clock, taken once for a request. A clock that goes back or jumps is noticed, put on record and alarmed. No trusted time-stamp is added.",
    ),
    ("5.5.6", "Internal: the ledger."),
    (
        "5.5.7",
        "An auditor reads the log with the role `auditor`; `meter-pki audit verify --export` checks an exported directory without program or ledger.",
    ),
    (
        "5.6",
        "Generations of a root have keys of their own and are linked by certificates of the new key by the old one and the other way round (RFC 9810 §4.4.1); devices are given all generations.",
    ),
    (
        "5.7.3",
        "An authority: it issues nothing more, its superior revokes it in a ceremony, and its subscribers are swapped to a successor by campaigns. A subscriber: 4.9.12.",
    ),
    (
        "5.8",
        "An authority is closed for good by `meter-pki ca close`: its last CRL is valid until its certificate ends and goes on being published, then its key is destroyed; the ceremony records it.",
    ),
    (
        "6.1.1",
        "By the subscriber, unless 6.1.2 says otherwise. Keys of authorities, responders and signers are made where they are kept (6.2.1), keys of roots in a ceremony, on a token or in shares. Random numbers are the operating system's or the token's.",
    ),
    ("6.1.3", "In a PKCS#10 or CMP request (3.2.1)."),
    (
        "6.1.4",
        "By EST (`/cacerts`) and CMP to who knows a root already; certificates of authorities by HTTP (2.1). A root is shown in the ceremony with its SHA-256 in digits and in words, and is brought to devices by their manufacturer or by a campaign.",
    ),
    (
        "6.1.6",
        "Named curves alone. A public key is an uncompressed point that lies on its curve and is not the identity; others are refused.",
    ),
    ("6.2.3", "None."),
    ("6.2.5", "None."),
    (
        "6.2.6",
        "None, but from one token to another or to a backup of a token, wrapped, where the key was made for that (`meter-pki hsm copy`, `hsm backup`).",
    ),
    ("6.2.9", "By ending the process that uses it."),
    (
        "6.2.10",
        "`meter-pki hsm destroy` and `meter-pki ca close`, on record with the reason; the root's by `offline-root destroy-key`, in a ceremony.",
    ),
    ("6.3.1", "Every certificate stays in the ledger and in its backups, for ever."),
    (
        "6.4.1",
        "PINs and passphrases are typed into files, or at the prompt in a ceremony; no argument and no variable of the environment takes one.",
    ),
    (
        "6.4.3",
        "Shares of a recovery key or of a root's key are made by Shamir's scheme, each with checksum, number and the name of its key.",
    ),
    (
        "6.5.1",
        "The server needs no privileges of root. It creates nothing that should exist: a missing ledger, key or trust anchor stops the start. Secrets appear in no log, error or audit record. It is written in Rust without unsafe code of its own.",
    ),
    (
        "6.6.1",
        "Every build is tested against the programs of others and against fuzzed input; programs of the ceremony are built reproducibly; each release has a bill of materials.",
    ),
    (
        "6.6.2",
        "`meter-pki config check` reads a configuration before it is used; `meter-pki doctor` examines the whole PKI; `meter-pki watch` tells when something turns bad.",
    ),
    (
        "6.8",
        "The audit log's times are the server's (5.5.5). The profile `time-stamper` certifies a time-stamping authority; the program is none.",
    ),
    ("7.1.1", "v3 (2)."),
    ("7.1.4", "As 3.1.1. Attributes are single-valued; C, O, OU, CN and serialNumber alone."),
    ("7.1.5", "nameConstraints is in no certificate; bounds are those of registration authorities (1.3.2)."),
    ("7.1.7", "policyConstraints is in no certificate."),
    ("7.1.8", "None."),
    ("7.1.9", "certificatePolicies is not critical."),
    ("7.2.1", "v2 (1)."),
    ("7.3.1", "v1 (0)."),
    ("7.3.2", "The nonce where the request has one, and archive cutoff, not critical."),
];
