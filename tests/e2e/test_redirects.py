"""Redirects (PX-22): the proxy follows none, and a client that follows one to another origin carries nothing there, whatever
the redirect's target looks like. In namespaces of its own, with addresses that look public (see test_addresses.py)."""
from test_addresses import *

CODES = (301, 302, 303, 307, 308)


class Catcher:
    """A TLS server that notes each request; the API among them answers /to/CODE?URL with a redirect."""

    def __init__(self, world, address, port, plain=False):
        self.seen = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                code = int(self.path.split("/")[2].split("?")[0]) if self.path.startswith("/v1/to/") or self.path.startswith("/to/") else 200
                self.send_response(code)
                if code != 200:
                    token = self.headers.get("Authorization", "").rsplit(" ", 1)[-1]
                    self.send_header("Location", urllib.parse.unquote(self.path.split("?", 1)[1]).replace("TOKEN", token))
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = handle_any

            def log_message(self, *arguments):
                pass
        self.server = Server((address, port), Handler)
        self.server.daemon_threads = True
        if not plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(world.public_cert, world.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closing.append(lambda: (self.server.shutdown(), self.server.server_close()))


def certificate(world, *names):
    world.certificates()
    d = world.directory
    (d / "public.ext").write_text("subjectAltName=" + ",".join("DNS:" + name for name in names) + "\nextendedKeyUsage=serverAuth\n")
    world.public_cert = d / "public.pem"
    subprocess.run(["openssl", "x509", "-req", "-in", d / "server.csr", "-CA", world.ca_file, "-CAkey", d / "ca.key", "-days", "2", "-extfile", d / "public.ext",
                    "-out", world.public_cert], check=True, capture_output=True)


def redirects_carry_nothing(world):
    names = namespace(world)
    names.names.update({"api.acme.example": [[PUBLIC]], "other.acme.example": [[PUBLIC]], "evil.example": [[SECOND]], "second.example": [[SECOND]]})
    certificate(world, "api.acme.example", "other.acme.example", "evil.example", "second.example")
    api, other_port = Catcher(world, PUBLIC, 443), Catcher(world, PUBLIC, 8443)
    evil, plain = Catcher(world, SECOND, 443), Catcher(world, SECOND, 80, plain=True)
    plain_api = Catcher(world, PUBLIC, 80, plain=True)
    keys = {}
    for name, place in (("acme", "https://api.acme.example/to"), ("second", "https://second.example/")):
        keys[name] = world.canaries.new(f"{name} key")
        world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_url=place, api_key={"header_name": "Authorization", "header_prefix": "Bearer", "env_var": f"{name.upper()}_KEY"}), "--yes")
        world.run("login", name, "--input", "stdin", stdin=keys[name])
    targets = ["https://evil.example/a", "https://evil.example/a?t=TOKEN", "//evil.example/b", "https://api.acme.example@evil.example/c", "http://evil.example/d", "http://api.acme.example/e",
               "https://other.acme.example/f", "https://api.acme.example:8443/g", "https://second.example/h", "/elsewhere", "https://api.acme.example/elsewhere", "https://API.ACME.EXAMPLE:443/x/../elsewhere"]
    urls = [f"https://api.acme.example/to/{code}?{urllib.parse.quote(target, safe='')}" for code in CODES for target in targets]

    # A real environment trusts this authority for the hosts that are tunnelled; the session's bundle holds it.
    def fetch(*options):
        script = 'for url in "$@"; do curl -sS -k -m 20 ' + " ".join(options) + ' -o /dev/null -H "Authorization: Bearer $ACME_KEY" "$url" 2>/dev/null; done; true'
        world.run("run", "--no-sandbox", "--", "sh", "-c", script, "sh", *urls, timeout=400)

    fetch()
    equal(len(api.seen), len(urls), "requests of the API")
    equal([len(c.seen) for c in (evil, plain, other_port, plain_api)], [0, 0, 0, 0], "the proxy follows no redirect")
    check(all(headers["authorization"] == "Bearer " + keys["acme"] for _, headers in api.seen), "the API got its credential")

    del api.seen[:]
    fetch("-L", "--location-trusted", "--max-redirs", "2")  # the careless client: sends its header on to every origin
    followed = {"evil": evil.seen, "plain": plain.seen, "other port": other_port.seen, "plain api": plain_api.seen, "api": [r for r in api.seen if "/to/" not in r[0]]}
    check(len(evil.seen) >= 25 and len(followed["api"]) >= 15, f"redirects were followed: { {name: len(seen) for name, seen in followed.items()} }")
    for name, seen in followed.items():
        for path, headers in seen:
            text = path + " " + json.dumps(headers)
            check(keys["acme"] not in text, f"{name} {path}: the API's credential arrived")
            check(keys["second"] not in text or headers.get("host") == "second.example", f"{name} {path}: the other credential arrived")
            if headers.get("host") == "second.example":
                equal(headers.get("authorization"), "Bearer " + keys["second"], "a host of the session gets its own credential alone")
            else:
                equal(headers.get("authorization", "Bearer claviger-managed"), "Bearer claviger-managed", f"{name} {path}")
    equal(len(plain_api.seen), 0, "a served host is not asked over plain http")
    check(any(path.startswith("/a?t=***") for path, _ in evil.seen), "the credential in Location was overwritten")
    print(f"{len(CODES)} codes x {len(targets)} targets: { {name: len(seen) for name, seen in followed.items()} }")


if __name__ == "__main__":
    main(redirects_carry_nothing)
