"""An OpenID provider of others (glewlwyd), set up, and a browser before it. None of it is ours.

    make DIRECTORY HOME          from what the package has in HOME: the database by its SQL, its pages; keys, certificates, the
                                 configuration; prints a port
    settle DIRECTORY WORD        plugin, person with this password, and clients, by the provider's API of administrators
    browse DIRECTORY ADDRESS     signs in at an authorisation request, and follows the redirection to its end
    consent DIRECTORY ADDRESS    the same, and prints where the redirection leads
    admit DIRECTORY ADDRESS      has an authorisation request's client redirected to where it says
    device DIRECTORY CODE        signs in on another machine, with a user code
    ask DIRECTORY PATH           prints what is at a path of the provider
"""

import gzip
import http.client
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request

PLUGIN = "oidc"
RESOURCE = "https://pki.example"
CLIENTS = {
    "meter-pki": ["http://127.0.0.1/callback"],
    "other": ["http://127.0.0.1/callback"],
    "meter-pki-console": ["https://localhost/console/signed-in"],
}

verb, directory, *more = sys.argv[1:]


def place(name):
    return os.path.join(directory, name)


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def curve(key):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", place(key))


def signing_key():
    """Its JWK leaves out zeros in front of a coordinate, against RFC 7518 §6.2.1.2: one key of 128 would be read by nobody."""
    while True:
        curve("sign.key")
        openssl("pkey", "-in", place("sign.key"), "-pubout", "-outform", "DER", "-out", place("sign.pub"))
        with open(place("sign.pub"), "rb") as file:
            point = file.read()[-64:]
        if point[0] and point[32]:
            return


def pages(home):
    """Where one signs in: the package's own pages, with the settings that it has for them."""
    shared = os.path.join(home, "share/glewlwyd")

    # Links lead to other packages; those with fonts are not there, nor is the one into /etc.
    def missing(folder, names):
        return [name for name in names if not os.path.exists(os.path.join(folder, name))]

    shutil.copytree(os.path.join(shared, "webapp"), place("pages"), ignore=missing)
    shutil.copyfile(os.path.join(shared, "templates/config.json"), place("pages/config.json"))


def make(home):
    database = sqlite3.connect(place("provider.db"))
    sql = os.path.join(home, "share/doc/glewlwyd/database/init.sqlite3.sql.gz")
    with gzip.open(sql, "rt", encoding="utf-8") as text:
        database.executescript(text.read())
    database.commit()
    database.close()
    for key in ("root.key", "tls.key"):
        curve(key)
    signing_key()
    openssl("pkey", "-in", place("sign.key"), "-pubout", "-out", place("sign.pem"))
    root = ["-subj", "/CN=root of the provider", "-addext", "keyUsage=critical,keyCertSign", "-days", "7"]
    openssl("req", "-x509", "-key", place("root.key"), "-out", place("root.pem"), *root)
    openssl("req", "-new", "-key", place("tls.key"), "-subj", "/CN=localhost", "-out", place("tls.csr"))
    with open(place("tls.ext"), "w", encoding="ascii") as file:
        file.write("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:false\n")
    signs = ["-CA", place("root.pem"), "-CAkey", place("root.key"), "-days", "7", "-extfile", place("tls.ext")]
    openssl("x509", "-req", "-in", place("tls.csr"), *signs, "-out", place("tls.pem"))
    # It takes no port of the system's choice by itself.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pages(home)
    os.makedirs(place("none"), exist_ok=True)
    modules = os.path.join(home, "lib/glewlwyd")
    types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
    kept = [f'{{ extension="{end}" mime_type="{kind}" compress=0 }}' for end, kind in types.items()]
    kinds = {"user": "user", "client": "client", "user_auth_scheme": "scheme", "plugin": "plugin"}
    lines = [
        f"port={port}",
        'bind_address="127.0.0.1"',
        f'external_url="https://localhost:{port}"',
        'login_url="login.html"',
        'api_prefix="api"',
        f'static_files_path="{place("pages")}"',
        'log_mode="file"',
        'log_level="INFO"',
        f'log_file="{place("provider.log")}"',
        'cookie_domain="localhost"',
        "cookie_secure=1",
        'admin_scope="g_admin"',
        'profile_scope="g_profile"',
        f'user_middleware_module_path="{place("none")}"',
        *(f'{kind}_module_path="{os.path.join(modules, folder)}"' for kind, folder in kinds.items()),
        "use_secure_connection=true",
        f'secure_connection_key_file="{place("tls.key")}"',
        f'secure_connection_pem_file="{place("tls.pem")}"',
        f'secure_connection_ca_file="{place("root.pem")}"',
        'hash_algorithm="SHA512"',
        f'database={{ type="sqlite3" path="{place("provider.db")}" }}',
        f"static_files_mime_types=( {', '.join(kept)} )",
    ]
    with open(place("provider.conf"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    with open(place("port"), "w", encoding="ascii") as file:
        file.write(str(port))
    print(port, flush=True)


class Browser:
    """Keeps cookies, follows nothing by itself."""

    def __init__(self):
        with open(place("port"), encoding="ascii") as file:
            self.port = int(file.read())
        self.tls = ssl.create_default_context(cafile=place("root.pem"))
        self.cookies = {}

    def ask(self, method, path, body=None):
        fields = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            body, fields["Content-Type"] = json.dumps(body), "application/json"
        link = http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=60)
        link.request(method, path, body, fields)
        answer = link.getresponse()
        text = answer.read().decode()
        for field in answer.headers.get_all("Set-Cookie") or []:
            name, value = field.split(";")[0].split("=", 1)
            self.cookies[name] = value
        if answer.status >= 400:
            sys.exit(f"{method} {path} answers {answer.status}: {text}")
        return text, answer.headers.get("Location")

    def sign_in(self, user, word):
        self.ask("POST", "/api/auth/", {"username": user, "password": word})
        return self


def administrator():
    return Browser().sign_in("admin", "password")


def tim_signed_in():
    with open(place("word"), encoding="utf-8") as file:
        return Browser().sign_in("tim", file.read())


def client(name, redirections):
    return {
        "client_id": name,
        "name": name,
        "confidential": False,
        "enabled": True,
        "scope": ["openid"],
        "authorization_type": ["code", "device_authorization", "refresh_token"],
        "redirect_uri": redirections,
        "token_endpoint_auth_method": ["none"],
    }


def settle(word):
    admin = administrator()
    with open(place("sign.key"), encoding="ascii") as key, open(place("sign.pem"), encoding="ascii") as public:
        pair = {"key": key.read(), "cert": public.read()}
    parameters = {
        "iss": f"https://localhost:{admin.port}/api/{PLUGIN}",
        "jwt-type": "ecdsa",
        "jwt-key-size": "256",
        **pair,
        "access-token-duration": 3600,
        "refresh-token-duration": 86400,
        "code-duration": 600,
        "refresh-token-rolling": True,
        "refresh-token-one-use": "always",
        "allow-non-oidc": False,
        "auth-type-code-enabled": True,
        "auth-type-device-enabled": True,
        "auth-type-refresh-enabled": True,
        "auth-type-token-enabled": False,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": False,
        "device-authorization-expiration": 600,
        "device-authorization-interval": 1,
        "pkce-allowed": True,
        "pkce-required": True,
        "pkce-method-plain-allowed": False,
        "pkce-scopes": [],
        "subject-type": "public",
        "jwks-show": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-allow-target-client": True,
        "resource-allowed": True,
        "resource-scope": {"openid": [RESOURCE]},
        "resource-client-property": "",
        "resource-scope-and-client-property": False,
        "session-management-allowed": False,
    }
    plugin = {"module": "oidc", "name": PLUGIN, "display_name": PLUGIN, "parameters": parameters}
    admin.ask("POST", "/api/mod/plugin/", {**plugin, "order_rank": 0, "readonly": False})
    person = {"username": "tim", "name": "Tim", "password": word, "scope": ["openid"], "enabled": True}
    admin.ask("POST", "/api/user/", person)
    with open(place("word"), "w", encoding="utf-8") as file:
        file.write(word)
    for name, redirections in CLIENTS.items():
        admin.ask("POST", "/api/client/", client(name, redirections))


def admit(address):
    parts = urllib.parse.urlsplit(address)
    asked = dict(urllib.parse.parse_qsl(parts.query))
    name = asked["client_id"]
    # RFC 8252 §7.3 lets a provider take any port of this machine; this one compares redirections octet for octet.
    administrator().ask("PUT", f"/api/client/{name}", client(name, CLIENTS[name] + [asked["redirect_uri"]]))
    return parts, name


def redirected(address):
    parts, name = admit(address)
    tim = tim_signed_in()
    tim.ask("PUT", f"/api/auth/grant/{name}", {"scope": "openid"})
    _, location = tim.ask("GET", f"{parts.path}?{parts.query}&g_continue")
    return location


def browse(address):
    with urllib.request.urlopen(redirected(address), timeout=60) as page:
        print(page.read().decode())


def consent(address):
    print(redirected(address))


def device(code):
    tim = tim_signed_in()
    tim.ask("PUT", "/api/auth/grant/meter-pki", {"scope": "openid"})
    _, location = tim.ask("GET", f"/api/{PLUGIN}/device?code={urllib.parse.quote(code)}&g_continue")
    print(location)


def ask(path):
    print(Browser().ask("GET", path)[0])


acts = {"make": make, "settle": settle, "browse": browse, "consent": consent, "admit": admit, "device": device, "ask": ask}
acts[verb](*more)
