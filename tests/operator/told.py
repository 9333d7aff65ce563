"""Who is told: a mail server (aiosmtpd) and a receiver of webhooks, each with STARTTLS or TLS. None of it is ours.

Arguments: a PEM file with certificate and key, the file of the webhook's secret, a directory. In the directory `mail.jsonl` and
`web.jsonl` get a line for each notice; as long as the file `refuse` stands there, webhooks are answered 503.
"""

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import threading
import time
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP

pem, secret_file, directory = sys.argv[1:]
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(pem)


def write(name, line):
    with open(os.path.join(directory, name), "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


class Mail:
    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        attached = [part.get_content() for part in message.iter_attachments()]
        if isinstance(attached[0], bytes):
            attached[0] = attached[0].decode()
        write(
            "mail.jsonl",
            {
                "to": envelope.rcpt_tos,
                "tls": session.ssl is not None,
                "subject": message["Subject"],
                "id": message["Message-ID"],
                "automatic": message["Auto-Submitted"],
                "text": message.get_body(("plain",)).get_content(),
                "notice": json.loads(attached[0]),
            },
        )
        return "250 taken"


class Web(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        identity, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        with open(secret_file, encoding="ascii") as file:
            secret = base64.b64decode(file.read().strip().removeprefix("whsec_"))
        signed = f"{identity}.{at}.".encode() + body
        tag = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        good = hmac.compare_digest(self.headers["webhook-signature"], "v1," + tag)
        refused = os.path.exists(os.path.join(directory, "refuse"))
        late = abs(time.time() - int(at)) > 300
        status = 503 if refused else 200 if good else 401
        write("web.jsonl", {"id": identity, "status": status, "late": late, "notice": json.loads(body)})
        self.send_response(status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


async def serve():
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(
        lambda: SMTP(Mail(), tls_context=tls, require_starttls=True, loop=loop), "localhost", 0
    )
    web = http.server.ThreadingHTTPServer(("localhost", 0), Web)
    web.socket = tls.wrap_socket(web.socket, server_side=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    # One port for each family may be given; the first will do.
    print(mail.sockets[0].getsockname()[1], web.socket.getsockname()[1], flush=True)
    await mail.serve_forever()


asyncio.run(serve())
