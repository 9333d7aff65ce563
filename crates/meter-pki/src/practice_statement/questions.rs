//! What only the organisation can say: who has to say it, and the question. The same for every configuration.

use super::writer::Writer;

pub(super) fn write(writer: &mut Writer) {
    for (number, by, question) in QUESTIONS {
        writer.asks(number, by, question);
    }
}

const POLICY: &str = "the policy authority";
const SECURITY: &str = "the security officer";
const OPERATIONS: &str = "operations";
const PERSONNEL: &str = "human resources";
const SITES: &str = "facility management";
const LEGAL: &str = "legal counsel";
const AUDIT: &str = "internal audit";

/// By section.
const QUESTIONS: &[(&str, &str, &str)] = &[
    (
        "1.1",
        POLICY,
        "for which organisation and region is this PKI run, and by which law or contract is it required?",
    ),
    ("1.2", POLICY, "what are title, version and date of this document, and its object identifier?"),
    (
        "1.3.2",
        POLICY,
        "which organisations are behind the registration authorities above, and under which agreement?",
    ),
    ("1.3.4", POLICY, "who relies on these certificates, and under which agreement?"),
    ("1.4.2", POLICY, "which uses are forbidden beyond what keyUsage excludes?"),
    ("1.5.1", POLICY, "which organisation keeps this document, and at which address?"),
    ("1.5.2", POLICY, "who answers questions on it, by which telephone number and e-mail address?"),
    ("1.5.3", POLICY, "who decides whether practice fits the policy?"),
    ("1.5.4", POLICY, "how is a version of this document approved, and by whom?"),
    ("2.2", POLICY, "where is this document published?"),
    ("2.3", POLICY, "how soon after its approval is a version published?"),
    ("3.1.6", LEGAL, "how are trademarks in names of servers and organisations dealt with?"),
    (
        "3.2.2",
        POLICY,
        "how is an organisation identified before its registration authority, manufacturer or tenant is configured?",
    ),
    (
        "3.2.3",
        POLICY,
        "how is a person identified before he is put on record or gets a certificate, and by which papers?",
    ),
    (
        "3.2.6",
        POLICY,
        "with which other PKIs does this one interoperate, and who decides of cross-certification?",
    ),
    ("4.5.1", POLICY, "to what are holders of certificates bound, by which agreement?"),
    ("4.9.1", POLICY, "which events oblige to revoke: loss, theft, sale, decommissioning, suspicion?"),
    (
        "4.9.2",
        POLICY,
        "who of customers, contractors and authorities may ask an operator to revoke, and by which telephone number, day and night?",
    ),
    ("4.9.4", POLICY, "within which time must a holder report that a key may be compromised?"),
    (
        "4.9.6",
        POLICY,
        "which relying parties must look at CRL or OCSP, and how old may what they look at be? Meters in the field look at neither.",
    ),
    (
        "4.10.2",
        OPERATIONS,
        "which availability of CRL and OCSP is promised, and what happens when it is missed?",
    ),
    (
        "5.1.1",
        SITES,
        "where are the machines of the authorities, of the ceremony and of the backup, and how are the rooms built?",
    ),
    ("5.1.2", SITES, "who enters these rooms, how is that controlled and recorded, and who opens the safes?"),
    ("5.1.3", SITES, "for how long do power and cooling last without the grid?"),
    ("5.1.4", SITES, "how are the rooms kept from water?"),
    ("5.1.5", SITES, "how is fire prevented, noticed and put out?"),
    ("5.1.6", SITES, "where are media, tokens, shares and bundles of ceremonies kept?"),
    ("5.1.7", SITES, "how are disks, tokens and paper destroyed?"),
    (
        "5.2.1",
        SECURITY,
        "who has which role, and who stands in for him? The people on record tell it (`meter-pki people list`).",
    ),
    ("5.2.2", SECURITY, "which tasks on the machine itself (root, backups, tokens) need two people?"),
    ("5.3.1", PERSONNEL, "which qualification and clearance does each role ask for?"),
    ("5.3.2", PERSONNEL, "how is somebody's background checked before he gets a role, and how often again?"),
    ("5.3.3", PERSONNEL, "which training comes before a role?"),
    (
        "5.3.4",
        PERSONNEL,
        "how often is it repeated? The drills of the operator's documents are meant for once a year.",
    ),
    ("5.3.5", PERSONNEL, "do roles rotate, and in which order?"),
    ("5.3.6", PERSONNEL, "what follows on an act that was not permitted?"),
    ("5.3.7", PERSONNEL, "what holds for contractors?"),
    ("5.3.8", PERSONNEL, "which documents does each role get, beside the manual?"),
    ("5.4.2", AUDIT, "who reads the log, how often, and looking for what?"),
    ("5.4.5", AUDIT, "who keeps checkpoints outside the reach of operators, and compares them?"),
    ("5.4.8", SECURITY, "how often are the systems examined for vulnerabilities, and by whom?"),
    ("5.5.2", LEGAL, "for how long must records be kept, and what is done after that?"),
    ("5.7.1", SECURITY, "who is called, who decides, and who is told, in which time?"),
    (
        "5.7.4",
        OPERATIONS,
        "how long may each service be away, where does it run then, and when was that last rehearsed?",
    ),
    (
        "5.8",
        POLICY,
        "who is told, how long before, and who keeps the records when an authority or registration authority ends?",
    ),
    ("6.1.4", OPERATIONS, "how is the SHA-256 of each root made known to who has to trust it?"),
    ("6.2.2", SECURITY, "how many of how many people open a root's key, and who are they?"),
    (
        "6.2.4",
        OPERATIONS,
        "how are tokens or key files backed up, where are the copies, and who restores them?",
    ),
    (
        "6.4.1",
        SECURITY,
        "who chooses PINs and passphrases, how long are they, and how often are they changed?",
    ),
    ("6.5.2", SECURITY, "has the system a rating (Common Criteria or another), and which?"),
    ("6.6.1", SECURITY, "how is a release accepted here before it runs?"),
    ("6.6.3", SECURITY, "how are changes of machines and configuration approved and recorded?"),
    ("6.7", SECURITY, "which networks lead to these addresses, and through which filters?"),
    ("6.8", OPERATIONS, "from where do the clocks of the servers get their time, and how exact is it?"),
    ("8.1", AUDIT, "how often is this PKI audited?"),
    ("8.2", AUDIT, "by whom, with which qualification?"),
    ("8.3", AUDIT, "how is the auditor independent of who operates it?"),
    ("8.4", AUDIT, "against which criteria?"),
    ("8.5", AUDIT, "who decides what follows from a finding, and by when?"),
    ("8.6", AUDIT, "who gets the report?"),
    ("9.1.1", LEGAL, "are there fees for certificates?"),
    ("9.1.2", LEGAL, "for access to them?"),
    ("9.1.3", LEGAL, "for status information?"),
    ("9.1.4", LEGAL, "for other services?"),
    ("9.1.5", LEGAL, "are fees refunded?"),
    ("9.2.1", LEGAL, "which insurance is there?"),
    ("9.2.2", LEGAL, "which other assets stand behind the liability?"),
    ("9.2.3", LEGAL, "which insurance or warranty have end entities?"),
    ("9.3.1", LEGAL, "which information is confidential?"),
    ("9.3.2", LEGAL, "which is not? Certificates of authorities, CRLs and OCSP answers are public."),
    ("9.3.3", LEGAL, "who has to protect it?"),
    (
        "9.4.1",
        LEGAL,
        "which privacy plan applies? Certificates of operators and technicians have names of persons; a system title may lead to a customer.",
    ),
    ("9.4.2", LEGAL, "which information is private?"),
    ("9.4.3", LEGAL, "which is not?"),
    ("9.4.4", LEGAL, "who has to protect it?"),
    ("9.4.5", LEGAL, "who consents to its use, and how?"),
    ("9.4.6", LEGAL, "who discloses it to courts and authorities?"),
    ("9.4.7", LEGAL, "to whom else?"),
    ("9.5", LEGAL, "to whom do names, keys and this document belong?"),
    ("9.6.1", LEGAL, "what does the certification authority warrant?"),
    ("9.6.2", LEGAL, "what do registration authorities warrant?"),
    ("9.6.3", LEGAL, "what do subscribers warrant?"),
    ("9.6.4", LEGAL, "what do relying parties warrant?"),
    ("9.6.5", LEGAL, "what do manufacturers and others warrant?"),
    ("9.7", LEGAL, "which warranties are disclaimed?"),
    ("9.8", LEGAL, "how is liability limited?"),
    ("9.9", LEGAL, "who indemnifies whom?"),
    ("9.10.1", LEGAL, "from when does this document hold?"),
    ("9.10.2", LEGAL, "how does it end?"),
    ("9.10.3", LEGAL, "what survives its end?"),
    ("9.11", LEGAL, "how do participants give notice to each other?"),
    ("9.12.1", POLICY, "how is this document amended?"),
    ("9.12.2", POLICY, "who is told of an amendment, and how long before?"),
    ("9.12.3", POLICY, "which amendments need another object identifier?"),
    ("9.13", LEGAL, "how are disputes resolved?"),
    ("9.14", LEGAL, "which law governs?"),
    ("9.15", LEGAL, "with which laws has it to comply (metering, data protection, critical infrastructure)?"),
    ("9.16.1", LEGAL, "which agreements are the entire agreement?"),
    ("9.16.2", LEGAL, "may rights be assigned?"),
    ("9.16.3", LEGAL, "what holds when a provision is void?"),
    ("9.16.4", LEGAL, "who bears the costs of enforcement, and is a right waived by not being used?"),
    ("9.16.5", LEGAL, "what is force majeure?"),
    ("9.17", LEGAL, "what else is agreed?"),
];
