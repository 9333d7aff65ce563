"""Reads the answer to /csrattrs by the definitions of pyasn1-alt-modules (RFC 8951, RFC 9908), and prints what it says.

usage: read_csr_attributes.py FILE    DER; a line for each element, and for each field of the template
"""

import sys

from pyasn1.codec.der.decoder import decode
from pyasn1.codec.der.encoder import encode
from pyasn1.type import univ
from pyasn1_alt_modules import rfc5280, rfc7030, rfc9908


def der(octets, of):
    value, rest = decode(octets, asn1Spec=of)
    if rest or encode(value) != octets:
        sys.exit("this is not DER of one " + type(of).__name__)
    return value


def print_template(template):
    print("template version", int(template["version"]))
    if template["subject"].isValue:
        print("template subject", len(template["subject"]["rdnSequence"]))
        for rdn in template["subject"]["rdnSequence"]:
            for part in rdn:
                value = str(decode(part["value"])[0]) if part["value"].isValue else "?"
                print("template rdn", part["type"], value)
    key = template["subjectPKInfo"]["algorithm"]
    print("template key", key["algorithm"], decode(key["parameters"])[0])
    for attribute in template["attributes"]:
        if not len(attribute["values"]):
            print("template attribute", attribute["type"])
            continue
        for extension in der(bytes(attribute["values"][0]), rfc9908.ExtensionReqTemplate()):
            value = bytes(extension["extnValue"]).hex() if extension["extnValue"].isValue else "?"
            print("template extension", attribute["type"], extension["extnID"], bool(extension["critical"]), value)


for element in der(open(sys.argv[1], "rb").read(), rfc7030.CsrAttrs()):
    if element.getName() == "oid":
        print("oid", element["oid"])
        continue
    attribute = element["attribute"]
    kind, values = attribute["attrType"], [bytes(value) for value in attribute["attrValues"]]
    if kind == rfc9908.id_aa_certificationRequestInfoTemplate:
        print_template(der(values[0], rfc9908.CertificationRequestInfoTemplate()))
    elif kind == univ.ObjectIdentifier("1.2.840.113549.1.9.14"):
        for extension in der(values[0], rfc5280.Extensions()):
            print("extension", extension["extnID"], bool(extension["critical"]), bytes(extension["extnValue"]).hex())
    else:
        print("attribute", kind, *[decode(value)[0] for value in values])
