DROP VIEW meter_pki.sizes;
DROP VIEW meter_pki.audit_keys;
DROP VIEW meter_pki.revocation_keys;
DROP VIEW meter_pki.expiry_keys;
DROP VIEW meter_pki.certificate_keys;
