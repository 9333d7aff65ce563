"""Checks a proof that a record is in an audit log: the proof file and the public key of its checkpoints are all it knows.

usage: check_proof.py PROOF_FILE PUBLIC_KEY_PEM    prints the record in hexadecimal; ends with 1 when the proof is false
"""

import base64
import hashlib
import subprocess
import sys
import tempfile


def sha256(octets):
    return hashlib.sha256(octets).digest()


def verified_by_openssl(key, text, signature):
    with tempfile.NamedTemporaryFile() as file:
        file.write(signature)
        file.flush()
        command = ["openssl", "dgst", "-sha256", "-verify", key, "-signature", file.name]
        return subprocess.run(command, input=text, capture_output=True).returncode == 0


def root(leaf, index, size, path):
    """RFC 9162, 2.1.3.2."""
    first, last = index, size - 1
    for sibling in path:
        if last == 0:
            sys.exit("the proof is too long")
        if first % 2 == 1 or first == last:
            leaf = sha256(b"\x01" + sibling + leaf)
            while first % 2 == 0 and first != 0:
                first, last = first >> 1, last >> 1
        else:
            leaf = sha256(b"\x01" + leaf + sibling)
        first, last = first >> 1, last >> 1
    return leaf if last == 0 else sys.exit("the proof is too short")


proof, note = open(sys.argv[1], encoding="utf-8").read().split("\n\n", 1)
title, extra, index, *path = proof.split("\n")
text, signatures = note.rsplit("\n\n", 1)
origin, size, signed_root = text.split("\n")[:3]
record = base64.b64decode(extra.removeprefix("extra "))
name, signature = signatures.split("\n")[0].removeprefix("\u2014 ").split(" ")
signature = base64.b64decode(signature)
place = int(index.removeprefix("index "))
if title != "c2sp.org/tlog-proof@v1" or name != origin or place >= int(size):
    sys.exit("this is no proof")
if not verified_by_openssl(sys.argv[2], text.encode() + b"\n", signature[4:]):
    sys.exit("the signature of the checkpoint is false")
hashes = [base64.b64decode(line) for line in path]
if root(sha256(b"\x00" + record), place, int(size), hashes) != base64.b64decode(signed_root):
    sys.exit("the record is not in the log")
print(record.hex())
