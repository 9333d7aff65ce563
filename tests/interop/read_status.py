"""A relying party made of the python package `cryptography`: asks OCSP, or reads a CRL, checks the signature, and prints what is said.

usage: read_status.py ocsp URL ISSUER SERIAL HASH    PEM; hexadecimal; sha1 or sha256; always with a nonce (RFC 6960, RFC 9654)
       read_status.py crl ISSUER CRL                 PEM and DER (RFC 5280 §5)
"""

import datetime
import hashlib
import os
import sys
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID


def sole(values):
    (value,) = values
    return value


def extension(extensions, of):
    try:
        return extensions.get_extension_for_class(of)
    except x509.ExtensionNotFound:
        return None


def authority(file):
    with open(file, "rb") as octets:
        return x509.load_pem_x509_certificate(octets.read())


def ask(url, issuer, serial, name):
    key = issuer.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    named = [hashlib.new(name, octets).digest() for octets in (issuer.subject.public_bytes(), key)]
    algorithm = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}[name]()
    nonce = os.urandom(32)
    asked = ocsp.OCSPRequestBuilder().add_certificate_by_hash(*named, serial, algorithm)
    octets = asked.add_extension(x509.OCSPNonce(nonce), False).build().public_bytes(serialization.Encoding.DER)
    posted = urllib.request.Request(url, octets, {"Content-Type": "application/ocsp-request"})
    with urllib.request.urlopen(posted, timeout=20) as answer:
        return ocsp.load_der_ocsp_response(answer.read()), named, nonce


def print_ocsp(url, issuer, serial, name):
    answer, named, nonce = ask(url, issuer, serial, name)
    assert answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL, answer.response_status
    responder = sole(answer.certificates)
    # RFC 6960 §4.2.2.2: issued directly by the CA, for signing answers; §4.2.2.2.1: and not asked for in its turn.
    responder.verify_directly_issued_by(issuer)
    assert ExtendedKeyUsageOID.OCSP_SIGNING in extension(responder.extensions, x509.ExtendedKeyUsage).value
    assert extension(responder.extensions, x509.OCSPNoCheck)
    digest = ec.ECDSA(answer.signature_hash_algorithm)
    responder.public_key().verify(answer.signature, answer.tbs_response_bytes, digest)
    assert extension(answer.extensions, x509.OCSPNonce).value.nonce == nonce
    one = sole(answer.responses)
    assert [one.issuer_name_hash, one.issuer_key_hash, one.serial_number] == [*named, serial]
    now = datetime.datetime.now(datetime.timezone.utc)
    assert one.this_update_utc <= now <= one.next_update_utc
    print("status", one.certificate_status.name, *([one.revocation_reason.name] if one.revocation_reason else []))


def uris(points):
    return [name.value for point in points for name in point.full_name]


def print_crl(issuer, octets):
    crl = x509.load_der_x509_crl(octets)
    assert crl.issuer == issuer.subject and crl.is_signature_valid(issuer.public_key())
    now = datetime.datetime.now(datetime.timezone.utc)
    assert crl.last_update_utc <= now <= crl.next_update_utc
    print("number", extension(crl.extensions, x509.CRLNumber).value.crl_number)
    base = extension(crl.extensions, x509.DeltaCRLIndicator)
    if base:
        print("base", base.value.crl_number, "critical" if base.critical else "")
    point = extension(crl.extensions, x509.IssuingDistributionPoint)
    if point:
        print("point", *uris([point.value]), "critical" if point.critical else "")
    freshest = extension(crl.extensions, x509.FreshestCRL)
    if freshest:
        print("freshest", *uris(freshest.value), "critical" if freshest.critical else "")
    for entry in crl:
        reason = extension(entry.extensions, x509.CRLReason)
        print(f"entry {entry.serial_number:X}", reason.value.reason.name if reason else "")


what, *rest = sys.argv[1:]
if what == "ocsp":
    url, issuer, serial, name = rest
    print_ocsp(url, authority(issuer), int(serial, 16), name)
else:
    issuer, file = rest
    with open(file, "rb") as octets:
        print_crl(authority(issuer), octets.read())
