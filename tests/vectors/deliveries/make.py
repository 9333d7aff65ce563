"""Three meters, delivered in every form by programs of others. How it is run: README.md. Files that it made are kept, never edited."""

import base64
import csv
import io
import json
import os
import secrets
import subprocess
import tempfile
import xml.etree.ElementTree as et

import openpyxl
from lxml import etree as lxml_etree

SERIALS = [16000000, 16000001, 16000002]


def title(serial):
    return f"454C5600{serial:08X}"


def run(*words, given=None):
    return subprocess.run(words, input=given, check=True, capture_output=True).stdout


def certificates(room):
    """A factory CA of P-256 and two certificates for each meter, by OpenSSL. The keys are thrown away."""
    path = lambda name: os.path.join(room, name)
    key = lambda name: run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path(name))
    key("ca.key")
    run("openssl", "req", "-x509", "-new", "-sha256", "-key", path("ca.key"), "-subj", "/C=SE/O=Vector Meters/CN=Vector Factory CA",
        "-days", "36500", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "factory-ca.pem")
    made = {}
    os.makedirs("certificates", exist_ok=True)
    for serial in SERIALS:
        for letter, usage in [("D", "digitalSignature"), ("A", "keyAgreement")]:
            name = f"{letter}{title(serial)}"
            key("device.key")
            run("openssl", "req", "-new", "-sha256", "-key", path("device.key"), "-subj", f"/CN={title(serial)}", "-out", path("device.csr"))
            with open(path("device.cnf"), "w") as file:
                file.write(f"keyUsage = critical, {usage}\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n")
            run("openssl", "x509", "-req", "-sha256", "-in", path("device.csr"), "-CA", "factory-ca.pem", "-CAkey", path("ca.key"),
                "-days", "36499", "-extfile", path("device.cnf"), "-set_serial", str(secrets.randbits(120)),
                "-out", f"certificates/{name}.pem")
            made[name] = run("openssl", "x509", "-in", f"certificates/{name}.pem", "-outform", "DER")
    return made


def devices():
    with tempfile.TemporaryDirectory() as room:
        made = certificates(room)
    for serial in SERIALS:
        yield {
            "system_title": title(serial),
            "serial_number": f"00{serial}",
            "model": "Zähler 3~ <L1 & L2>",
            "firmware": "2.4.1",
            "batch": "2027-W05",
            "certificates": [base64.b64encode(made[letter + title(serial)]).decode() for letter in "DA"],
            "secrets": [
                {"kind": kind, "wrapped_by": "transport-2027", "octets": base64.b64encode(secrets.token_bytes(24)).decode()}
                for kind in ("guek", "gak")
            ],
        }


def hexadecimal(text, between=""):
    return base64.b64decode(text).hex(between) if between else base64.b64decode(text).hex()


def semicolons(all_devices):
    """What a spreadsheet of a German office saves: Windows-1252, semicolons, lines above and below."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(["Lieferschein", "2027-W05", "", "", "", "", "", "", ""])
    writer.writerow(["für die Stadtwerke", "", "", "", "", "", "", "", ""])
    writer.writerow(["Seriennummer", "Systemtitel", "Typ", "Firmware", "Zert. Signatur", "Zert. Schlüssel", "GUEK", "GAK", "Hüllschlüssel"])
    for one in all_devices:
        spaced = " ".join([one["system_title"][:6].lower(), one["system_title"][6:8], one["system_title"][8:]])
        writer.writerow([one["serial_number"], spaced, one["model"], one["firmware"], *one["certificates"],
                         *[hexadecimal(secret["octets"], " ") for secret in one["secrets"]], "transport-2027"])
    writer.writerow(["ENDE", len(all_devices), "", "", "", "", "", "", ""])
    with open("semicolons.csv", "wb") as file:
        file.write(text.getvalue().encode("windows-1252"))


def tabs(all_devices):
    """Tabs and UTF-16 with a mark, certificates as PEM over several lines of one cell."""
    with open("tabs.csv", "w", encoding="utf-16", newline="") as file:
        writer = csv.writer(file, dialect="excel-tab")
        writer.writerow(["title", "serial", "model", "pem"])
        for one in all_devices:
            with open(f"certificates/D{one['system_title']}.pem") as pem:
                writer.writerow([one["system_title"], one["serial_number"], one["model"], pem.read()])


def sheet(all_devices):
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Devices"
    first["A1"], first["B1"] = "Batch", "2027-W05"
    first.append([])
    first.append(["Logical device name", "Serial number", "Type", "Firmware"])
    for one in all_devices:
        first.append([f"ELV000{int(one['serial_number']):09}", one["serial_number"], one["model"], one["firmware"]])
    first.append(["Total", len(all_devices)])
    other = book.create_sheet("Notes")
    other.append(["nothing of importance"])
    book.save("sheet.xlsx")


def numbers(all_devices):
    """The same serial numbers as numbers, as sheets like to have them, and a date among them."""
    import datetime
    book = openpyxl.Workbook()
    book.active.append(["title", "serial"])
    book.active.append([all_devices[0]["system_title"], 16000000])
    book.active.append([all_devices[1]["system_title"], 1600000012345678912])
    book.active.append([all_devices[2]["system_title"], datetime.date(2027, 2, 1)])
    book.save("numbers.xlsx")


def note(all_devices):
    """ElementTree: a namespace, attributes, ISO 8859-1."""
    space = "urn:example:delivery-note:3"
    et.register_namespace("n", space)
    top = et.Element(f"{{{space}}}DeliveryNote", {"count": str(len(all_devices))})
    head = et.SubElement(top, f"{{{space}}}Header")
    et.SubElement(head, f"{{{space}}}BatchNumber").text = "2027-W05"
    listing = et.SubElement(top, f"{{{space}}}Devices")
    for one in all_devices:
        device = et.SubElement(listing, f"{{{space}}}Device", {"serial": one["serial_number"]})
        et.SubElement(device, f"{{{space}}}SystemTitle").text = one["system_title"]
        et.SubElement(device, f"{{{space}}}Type").text = one["model"]
        for usage, certificate in zip(("digitalSignature", "keyAgreement"), one["certificates"]):
            et.SubElement(device, f"{{{space}}}Certificate", {"usage": usage}).text = certificate
        for secret in one["secrets"]:
            key = et.SubElement(device, f"{{{space}}}Key", {"wrappedBy": secret["wrapped_by"]})
            et.SubElement(key, f"{{{space}}}Name").text = secret["kind"].upper()
            et.SubElement(key, f"{{{space}}}Value").text = hexadecimal(secret["octets"])
    et.ElementTree(top).write("note.xml", encoding="iso-8859-1", xml_declaration=True)


def pretty(all_devices):
    """lxml: indented, UTF-16, CDATA, as the map delivery-note-xml has it."""
    top = lxml_etree.Element("DeliveryNote")
    head = lxml_etree.SubElement(top, "Header")
    lxml_etree.SubElement(head, "BatchNumber").text = " 2027-W05 "
    lxml_etree.SubElement(head, "DeviceCount").text = str(len(all_devices))
    listing = lxml_etree.SubElement(top, "Devices")
    for one in all_devices:
        device = lxml_etree.SubElement(listing, "Device")
        device.append(lxml_etree.Comment(" a meter "))
        lxml_etree.SubElement(device, "SystemTitle").text = one["system_title"]
        lxml_etree.SubElement(device, "SerialNumber").text = one["serial_number"]
        lxml_etree.SubElement(device, "Type").text = lxml_etree.CDATA(one["model"])
        lxml_etree.SubElement(device, "Firmware").text = one["firmware"]
        listed = lxml_etree.SubElement(device, "Certificates")
        for usage, certificate in zip(("digitalSignature", "keyAgreement"), one["certificates"]):
            lxml_etree.SubElement(listed, "Certificate", usage=usage).text = "\n".join(certificate[i:i + 64] for i in range(0, len(certificate), 64))
    lxml_etree.ElementTree(top).write("pretty.xml", encoding="utf-16", xml_declaration=True, pretty_print=True)


def main():
    all_devices = list(devices())
    with open("expected.json", "w") as file:
        json.dump(all_devices, file, indent=1)
    with open("lines.jsonl", "w") as file:
        for one in all_devices:
            file.write(json.dumps(one) + "\n")
    with open("array.json", "w", encoding="utf-8") as file:
        json.dump({"delivery": {"batch": "2027-W05", "count": len(all_devices), "devices": all_devices}}, file, ensure_ascii=False, indent=2)
    for write in (semicolons, tabs, sheet, numbers, note, pretty):
        write(all_devices)


main()
