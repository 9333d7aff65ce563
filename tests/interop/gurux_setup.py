"""Class 64 of the Gurux library, asked line by line: JSON in the file that is named, JSON on standard output.

What is written here is only which of its functions is called with what; every octet is made or read by the library.
"""

import json
import sys
from unittest import mock

from gurux_dlms import GXDLMSClient, GXDLMSTranslator, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, TranslatorOutputType
from gurux_dlms.objects import GXDLMSSecuritySetup
from gurux_dlms.objects.enums import CertificateEntity, CertificateType, GlobalKeyType, SecurityPolicy
from gurux_dlms.secure import GXDLMSSecureClient


class Certificate:
    def __init__(self, encoded):
        self.encoded = encoded


class Listed:
    def __init__(self, entry):
        self.serialNumber, self.issuer, self.subject = entry


class Settings:
    """As much of a server's settings as the writer of attribute 6 looks at."""

    def __init__(self, certificates):
        self.cipher = self
        self.certificates = certificates


def made(line):
    client = GXDLMSClient(True, 16, 1, Authentication.NONE, None, InterfaceType.PDU)
    # setInvokeID sets a field that nothing reads.
    client.settings.invokeId = line["invoke"]
    client.settings.maxPduSize = line.get("max_pdu", 0xFFFF)
    return client, GXDLMSSecuritySetup("0.0.43.0.0.255")


def octets(text):
    return bytearray.fromhex(text)


def send(client, setup, line):
    """The library's own octets for a call."""
    what = line["call"]
    if what == "read":
        return client.read(setup, line["number"])
    if what == "security_activate":
        return setup.activate(client, SecurityPolicy(line["number"]))
    if what == "key_transfer":
        keys = [(GlobalKeyType(number), octets(key)) for number, key in line["keys"]]
        if "kek" in line:
            return setup.globalKeyTransfer(client, octets(line["kek"]), keys)
        # Keys that are wrapped already, for the octets around them: it wraps under keys of 16 octets only.
        with mock.patch.object(GXDLMSSecureClient, "encrypt", lambda kek, key: key):
            return setup.globalKeyTransfer(client, None, keys)
    if what == "generate_key_pair":
        return setup.generateKeyPair(client, CertificateType(line["number"]))
    if what == "generate_certificate_request":
        return setup.generateCertificate(client, CertificateType(line["number"]))
    if what == "import_certificate":
        return setup.importCertificate(client, Certificate(octets(line["certificate"])))
    if what in ("export_by_entity", "remove_by_entity"):
        entity, kind = CertificateEntity(line["entity"]), CertificateType(line["number"])
        by = setup.exportCertificateByEntity if what.startswith("export") else setup.removeCertificateByEntity
        return by(client, entity, kind, octets(line["title"]))
    if what == "export_by_serial":
        return setup.exportCertificateBySerial(client, int(line["serial"], 16), octets(line["issuer"]))
    if what == "remove_by_serial":
        return setup.removeCertificateBySerial(client, line["serial"], line["issuer"])
    if what == "key_agree":
        return setup.keyAgreement(client, GlobalKeyType(line["number"]))
    raise ValueError(what)


def answered(line):
    """The library reads the answers to its own call; tells what it would send for the next block of each."""
    client, setup = made(line)
    send(client, setup, line)
    reply, more = GXReplyData(), []
    for answer in line["answers"]:
        client.getData(octets(answer), reply, None)
        if reply.moreData:
            more.append(client.receiverReady(reply).hex())
    result = {"error": int(reply.error), "more": more}
    if line["call"] == "read" and line["number"] == 6 and not reply.error:
        client.updateValue(setup, 6, reply.value)
        result["certificates"] = [
            [int(it.entity), int(it.type_), *(bytes(part).hex() for part in (it.serialNumber, it.issuer, it.subject))]
            for it in setup.certificates
        ]
    elif isinstance(reply.value, (bytes, bytearray)):
        result["value"] = bytes(reply.value).hex()
    else:
        result["value"] = reply.value if reply.value is None else int(reply.value)
    return result


def answer(line):
    if line["do"] == "send":
        client, setup = made(line)
        return {"apdus": [bytes(apdu).hex() for apdu in send(client, setup, line)]}
    if line["do"] == "read":
        return answered(line)
    if line["do"] == "xml":
        return {"xml": GXDLMSTranslator(TranslatorOutputType.SIMPLE_XML).pduToXml(octets(line["octets"]))}
    if line["do"] == "write_certificates":
        settings = Settings([Listed(entry) for entry in line["entries"]])
        return {"octets": bytes(GXDLMSSecuritySetup.getCertificatesByteArray(settings)).hex()}
    raise ValueError(line["do"])


for text in open(sys.argv[1], encoding="utf-8"):
    try:
        print(json.dumps(answer(json.loads(text))))
    except Exception as error:  # what the library raises is an answer too
        print(json.dumps({"raised": type(error).__name__}))
