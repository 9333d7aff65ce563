"""Reads a CMC response by the definitions of pyasn1-alt-modules (RFC 5652, RFC 5272, RFC 6402), and prints what it says.

usage: read_cmc_response.py FILE    DER; a line for each control
"""

import sys

from pyasn1.codec.der.decoder import decode
from pyasn1.codec.der.encoder import encode
from pyasn1_alt_modules import rfc5652, rfc6402


def der(octets, of):
    value, rest = decode(octets, asn1Spec=of)
    if rest or encode(value) != octets:
        sys.exit("this is not DER of one " + type(of).__name__)
    return value


content_info = der(open(sys.argv[1], "rb").read(), rfc5652.ContentInfo())
signed = der(bytes(content_info["content"]), rfc5652.SignedData())
print("content", signed["encapContentInfo"]["eContentType"])
print("signers", len(signed["signerInfos"]))
response = der(bytes(signed["encapContentInfo"]["eContent"]), rfc6402.ResponseBody())
for control in response["controlSequence"]:
    kind, value = control["attrType"], bytes(control["attrValues"][0])
    if kind == rfc6402.id_cmc_statusInfoV2:
        status = der(value, rfc6402.CMCStatusInfoV2())
        print("status", int(status["cMCStatus"]), *[int(part["bodyPartID"]) for part in status["bodyList"]])
        if status["otherInfo"].isValue:
            print("failInfo", int(status["otherInfo"]["failInfo"]))
            print("text", status["statusString"])
    elif kind == rfc6402.id_cmc_recipientNonce:
        print("recipientNonce", bytes(decode(value)[0]).hex())
    elif kind == rfc6402.id_cmc_transactionId:
        print("transactionId", int(decode(value)[0]))
    else:
        print("control", kind)
