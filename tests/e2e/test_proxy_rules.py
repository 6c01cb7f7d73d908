"""What the proxy refuses and passes: authentication, hosts, ports, Host and SNI, plain http, unmatched hosts, logout
while a program runs. Raw sockets where a client would be too polite."""
import base64, hashlib, json, socket, ssl, urllib.parse
from harness import *


class Session:
    """A run session that stays open: `sleep` as the program, its proxy's variables read from the outside."""

    def __init__(self, world, *options, lifetime=60):
        self.world, self.context = world, None
        self.report = world.directory / f"session-{world.count}.json"
        world.count += 1
        script = ("import json, os, time; json.dump(dict(os.environ), open(os.environ['REPORT'] + '.new', 'w')); "
                  f"os.rename(os.environ['REPORT'] + '.new', os.environ['REPORT']); time.sleep({lifetime})")
        self.process = world.start("run", *options, "--", "python3", "-c", script, env=world.environment(REPORT=str(self.report)))
        for _ in range(600):
            if self.report.exists() or self.process.poll() is not None:
                break
            time.sleep(0.05)
        check(self.report.exists(), f"the session did not start: {self.process.stderr.read() if self.process.poll() is not None else ''}")
        self.environment = json.loads(self.report.read_text())
        url = urllib.parse.urlsplit(self.environment["HTTPS_PROXY"])
        self.port, self.credential = url.port, f"{url.username}:{url.password}"
        world.canaries.add("proxy credential", url.password)
        self.report.unlink()

    def connect(self, target, credential=None, extra=""):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        token = base64.b64encode((credential or self.credential).encode()).decode()
        line = f"Proxy-Authorization: Basic {token}\r\n" if credential != "" else ""
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{line}{extra}\r\n".encode())
        return connection, read_head(connection)

    def opened(self, target, sni):
        connection, head = self.connect(target)
        contains(head, "200", f"CONNECT {target}")
        if self.context is None:
            self.context = ssl.create_default_context(cafile=self.environment["SSL_CERT_FILE"])
            self.context.check_hostname = False
        return self.context.wrap_socket(connection, server_hostname=sni)

    def end(self):
        self.process.terminate()
        self.process.wait(20)
        self.world.children.remove(self.process)


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece
    return data.decode(errors="replace")


def requests_seen(world):
    return len(world.record.read_text().splitlines()) if world.record.exists() else 0


def only_the_session_may_use_the_proxy(world):
    """PX-01, PX-02."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    session = Session(world)
    for wrong in ("", "claviger:wrong", "other:" + session.credential.split(":")[1]):
        connection, head = session.connect(host, credential=wrong)
        contains(head, " 407 ", f"credential {wrong!r}")
        connection.close()
    plain = socket.create_connection(("127.0.0.1", session.port), timeout=20)
    plain.sendall(f"GET http://{host}/whoami HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    contains(read_head(plain), " 407 ", "plain request")
    equal(requests_seen(world), 0, "nothing was dialled")
    with session.opened(host, "127.0.0.1") as tls:
        tls.sendall(f"GET /headers HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic eHg=\r\nProxy-Foo: 1\r\nConnection: x-drop\r\nX-Drop: 1\r\n\r\n".encode())
        read_head(tls)
    names = [n.lower() for n in json.loads(world.record.read_text().splitlines()[-1])["names"]]
    check(not [n for n in names if n.startswith("proxy-") or n == "x-drop"], f"hop-by-hop fields arrived: {names}")
    session.end()


def PX01_a_program_of_the_session_is_known_by_its_connection(world):
    """Java and others show a proxy no credential. Whoever else shows none stays outside: other sessions too."""
    api = connect_key(world)
    program = world.directory / "ask"
    program.write_text(f'port=$1; shift; curl -sS -o /dev/null -w "%{{http_connect}} %{{http_code}}" -x http://127.0.0.1:$port "$@" {api}/whoami\n')
    own = "${HTTPS_PROXY##*:}"
    for options in ([], ["--sandbox", "landlock"], ["--no-sandbox"]):
        equal(world.run("run", *options, "--", "sh", "-c", f"sh {program} {own}").stdout, "200 200", f"inside {options}")
    answer = world.directory / "answer"
    world.run("run", "--", "sh", "-c", f"(setsid sh -c 'sleep 0.5; sh {program} {own} > {answer}.new; mv {answer}.new {answer}' &) ; "
              f"for i in $(seq 100); do [ -e {answer} ] || sleep 0.1; done")
    equal(answer.read_text(), "200 200", "one that left its parents")
    session = Session(world)
    for options in ([], ["--sandbox", "landlock"], ["--no-sandbox"]):
        refused = world.run("run", *options, "--", "sh", program, session.port, code=56).stdout
        equal(refused, "407 000", f"another session {options}")
    for interface in ("127.0.0.1", "127.0.0.2"):
        outside = subprocess.run(["sh", program, str(session.port), "--interface", interface], capture_output=True, text=True)
        equal(outside.stdout, "407 000", f"outside, from {interface}")
    session.end()


def PX31_connections_without_a_place_are_recorded(world):
    """Of those that have not shown the credential 64 may be open; each one more closes the oldest, which the log counts in few lines."""
    api = connect_key(world)
    session = Session(world)
    silent = [socket.create_connection(("127.0.0.1", session.port), timeout=20) for _ in range(80)]
    for one in silent[:15]:
        equal(one.recv(1), b"", "the oldest are closed")
    with session.opened(api.removeprefix("https://"), "127.0.0.1") as tls:
        tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {api.removeprefix('https://')}\r\n\r\n".encode())
        contains(read_head(tls), " 200 ", "a client of the session is served meanwhile")
    session.end()
    told = [r for r in map(json.loads, world.run("log", "--json", "--limit", "0").stdout.splitlines()) if r.get("reason") == "no_room"]
    check(16 <= sum(1 + r.get("count", 0) for r in told) <= 17, f"each is counted: {told}")
    check(len(told) < 16, f"in fewer lines: {told}")
    contains(world.run("log").stdout, "(no_room) a connection for which there was no place", "in words")


def PX01_another_user_is_a_stranger(world):
    """Root's session and an ordinary user's: every other user of the machine, root too, is refused and nothing is dialled. A
    program of the session stays one when it becomes another user."""
    if os.geteuid() != 0:
        cannot_run("only root can become another user")
        return
    OWNER, OTHER = 12345, 23456  # ordinary users that exist on no system

    def becomes(user):
        return ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"] if user else []
    api = connect_key(world)
    host = api.removeprefix("https://")
    curl = ["curl", "-sS", "-k", "-m", "60", "-o", "/dev/null", "-w", "%{http_connect} %{http_code}"]
    inside = world.run("run", "--", *becomes(OTHER), "sh", "-c", f"id -u; {' '.join(curl[:-1])} '{curl[-1]}' -x http://127.0.0.1:${{HTTPS_PROXY##*:}} {api}/whoami")
    equal(inside.stdout, f"{OTHER}\n200 200", "a program of the session that became another user")
    program = world.directory / "as-owner"
    program.write_text(f'#!/bin/sh\nexec {" ".join(becomes(OWNER))} {world.program} "$@"\n')
    program.chmod(0o755)
    roots = world.program
    for owner, program in ((0, roots), (OWNER, str(program))):
        world.program = program
        subprocess.run(["chown", "-Rh", f"{owner}:{owner}", world.directory], check=True)
        session = Session(world)
        equal(world.run("run", "--", "sh", "-c", f"{' '.join(curl[:-1])} '{curl[-1]}' -x http://127.0.0.1:${{HTTPS_PROXY##*:}} {api}/whoami").stdout, "200 200", f"the session of {owner}")
        before = requests_seen(world)
        for user in {0, OWNER, OTHER} - {owner}:
            for credential in ((), ("-U", "claviger:wrong")):
                tunnel = subprocess.run([*becomes(user), *curl, *credential, "-x", f"http://127.0.0.1:{session.port}", f"{api}/whoami"], capture_output=True, text=True)
                equal(tunnel.stdout, "407 000", f"{user} at the proxy of {owner} {credential}: {tunnel.stderr}")
                plain = subprocess.run([*becomes(user), *curl, *credential, "-x", f"http://127.0.0.1:{session.port}", f"http://{host}/whoami"], capture_output=True, text=True)
                equal(plain.stdout, "000 407", f"{user} at the proxy of {owner}, plain http {credential}: {plain.stderr}")
        equal(requests_seen(world), before, "nothing was dialled")
        session.end()


def the_reverse_form_serves_programs_that_know_no_proxy(world):
    """PX-01, PX-02, PX-05, PX-30: by an unguessable path, for hosts of the session alone."""
    api = connect_key(world)
    own = world.run("run", "--unmatched", "deny", "--", "sh", "-c", "curl -sSf --noproxy '*' $CLAVIGER_URL_ACME/whoami").stdout
    contains(own, "key-holder", "the credential")
    # The API is on this machine, so the proxy is asked for the proxy's own address.
    contains(world.run("run", "--", "sh", "-c", "curl -sSf $CLAVIGER_URL_ACME/whoami").stdout, "key-holder", "by the proxy itself")
    streamed = world.run("run", "--", "sh", "-c", "curl -sSfN --noproxy '*' \"$CLAVIGER_URL_ACME/held?id=r\" | { read -r first; echo $first; "
                         "curl -sSf --noproxy '*' \"$CLAVIGER_URL_ACME/release?id=r\"; cat; }").stdout
    contains(streamed, "data: first\n", "the first event, before the last is sent")
    contains(streamed, "data: last\n", "the rest")
    session = Session(world)
    base = session.environment["CLAVIGER_URL_ACME"]
    token = base.split("/")[3]
    world.canaries.add("token of the reverse form", token)
    check(len(token) >= 43 and token not in session.environment["HTTPS_PROXY"], "256 bit of its own")

    def ask(path, host=f"127.0.0.1:{session.port}", more=""):
        connection = socket.create_connection(("127.0.0.1", session.port), timeout=20)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n".encode())
        return int(read_head(connection).split(" ")[1])
    before = requests_seen(world)
    equal(ask(f"/{token}/acme/whoami", more=f"Referer: {base}/page\r\n"), 200, "with the token")
    equal(requests_seen(world), before + 1, "one request")
    for path, status in ((f"/{token[:-1]}/acme/whoami", 407), ("/acme/whoami", 407), (f"/{token}", 407), (f"//{token}/acme/whoami", 407), (f"/x/../{token}/acme/whoami", 407),
                         (f"/{token}/other/whoami", 403), (f"/{token}/", 403), (f"/{token}/acme@evil.example/", 403), (f"/{token}/acme:1/", 403)):
        equal(ask(path), status, path.replace(token, "TOKEN"))
    for host in ("evil.example", f"evil.example:{session.port}", "127.0.0.1"):
        equal(ask(f"/{token}/acme/whoami", host=host), 400, f"Host {host}")
    equal(requests_seen(world), before + 1, "nothing of these was sent")
    check(token not in world.record.read_text(), "the token stays here")
    equal(ask(f"/{token}/acme/../../whoami"), 200, "dots stay at the host, as rules read them")
    session.end()


def host_sni_and_connect_agree(world):
    """PX-06, PX-07, PX-10, PX-26, PX-27."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    session = Session(world, "--unmatched", "deny")
    with session.opened(host, "127.0.0.1") as tls:
        for wrong in ("example.com", "127.0.0.1", f"localhost:{host.split(':')[1]}", f"127.0.0.1:{int(host.split(':')[1]) + 1}"):
            tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {wrong}\r\n\r\n".encode())
            head = read_head(tls)
            contains(head, " 421 ", f"Host {wrong}")
    # 40 ways in which CONNECT, SNI and Host disagree: never a request upstream.
    port = host.split(":")[1]
    hosts = [f"127.0.0.2:{port}", f"127.0.0.1:0{port}0", "127.0.0.1:443", "127.0.0.1:80", f"localhost.:{port}", f"api.localhost:{port}", f"[::1]:{port}",
             f"[::ffff:127.0.0.1]:{port}", f"0.0.0.0:{port}", f"example.com:{port}", f"127.0.0.1.example.com:{port}", f"example.com.127.0.0.1:{port}",
             f"127.0.0.1:{port}.example.com", f"127.0.0.1:{port}@example.com", f"example.com@127.0.0.1:{port}", f"127.0.0.1:{port}/", f"127.0.0.1:{port}#x",
             f"127.0.0.1:{port}?x", f"127.0.0.1:{port}, example.com", f"127.0.0.1 :{port}", "", ":", f":{port}", "*", f"127.0.0.1:{port}:1", f"127.0.0.1:{port}\\x",
             f"1.0.0.127:{port}", "xn--api-.example", f"https://127.0.0.1:{port}", "127.0.0.1:"]
    for wrong in hosts:
        with session.opened(host, "127.0.0.1") as tls:
            tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {wrong}\r\n\r\n".encode())
            head = read_head(tls)
            check(" 421 " in head or " 400 " in head, f"Host {wrong!r}: {head}")
    for name in ("localhost", "example.com", "api.localhost", "127.0.0.1.example.com", "127.0.0.1.test", "xn--bcher-kva.example", "a", "localhost.localdomain",
                 "api.acme.com", "127-0-0-1.example.com"):
        try:
            with session.opened(host, name) as tls:
                tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                head = read_head(tls)
        except (ssl.SSLError, OSError):
            head = ""
        equal(head, "", f"SNI {name}")
    equal(requests_seen(world), 0, "0 of the disagreeing requests upstream")
    seen = requests_seen(world)
    for bad in ("GET /whoami HTTP/1.1\r\n\r\n", "GET /whoami HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                f"POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                f"POST /echo HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n",
                f"GET /whoami HTTP/1.1\r\nHost: {host}\r\nA: b\r\n c\r\n\r\n"):
        with session.opened(host, "127.0.0.1") as tls:
            tls.sendall(bad.encode())
            contains(read_head(tls), " 400 ", repr(bad[:40]))
    equal(requests_seen(world), seen, "0 refused messages upstream")
    with session.opened(host, None) as tls:  # an address needs no name
        tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        contains(read_head(tls), " 200 ", "an address without a server name")
    for target, status in ((f"127.0.0.1:{session.port}", " 403 "), ("example.com:443", " 403 "), ("nonsense", " 400 ")):
        connection, head = session.connect(target)
        contains(head, status, target)
        connection.close()
    session.end()


def PX06_a_named_host_is_named_in_the_handshake(world):
    """Without a server name only an address may be meant (RFC 6066 section 3 knows no names for those)."""
    api = connect_key(world, host="localhost")
    host = api.removeprefix("https://")
    session = Session(world)

    def ask(name):
        try:
            with session.opened(host, name) as tls:
                tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                return read_head(tls)
        except (ssl.SSLError, OSError):
            return ""
    for name in (None, "127.0.0.1", "localhost.localdomain"):
        equal(ask(name), "", f"a named host with {name} as its server name")
    equal(requests_seen(world), 0, "nothing arrived")
    contains(ask("localhost"), " 200 ", "with its name")
    equal(requests_seen(world), 1, "one request")
    session.end()
    reasons = [line.get("reason") for line in map(json.loads, world.run("log", "--json").stdout.splitlines()) if line["kind"] == "request"]
    equal(reasons.count("misdirected"), 3, f"as the log says: {reasons}")


def plain_http_never_carries_a_credential(world):
    """PX-11."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    session = Session(world)
    connection = socket.create_connection(("127.0.0.1", session.port), timeout=20)
    token = base64.b64encode(session.credential.encode()).decode()
    connection.sendall(f"GET http://{host}/whoami HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic {token}\r\n\r\n".encode())
    head = read_head(connection)
    check(" 403 " in head or " 502 " in head, f"plain http to a routed host: {head}")
    equal(requests_seen(world), 0, "nothing arrived")
    session.end()


def a_logout_holds_from_the_next_request_on(world):
    """PX-28, PX-29."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    session = Session(world)
    streaming = session.opened(host, "127.0.0.1")
    streaming.sendall(f"GET /held?id=never HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    contains(read_head(streaming), " 200 ", "a stream that goes on")
    with session.opened(host, "127.0.0.1") as tls:
        request = f"GET /headers HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        tls.sendall(request)
        contains(read_head(tls), " 200 ", "before")
        time.sleep(0.1)
        while tls.pending():
            tls.recv(65536)
        world.run("logout", "acme")
        tls.sendall(request)
        answer = read_head(tls)
        while "HTTP/1.1 424" not in answer and answer:
            more = tls.recv(65536).decode(errors="replace")
            if not more:
                break
            answer += more
        contains(answer, "HTTP/1.1 424", "after the logout")
    got = b""
    with contextlib.suppress(OSError):  # in the midst of its body, so without a close_notify
        while piece := streaming.recv(65536):
            got += piece
    check(not got.endswith(b"0\r\n\r\n"), f"the stream is broken off: {got[-200:]}")
    streaming.close()
    session.end()


def PX29_a_stream_ends_with_its_permission(world):
    """A rule that comes to refuse it, and the end of --for, end also what has begun; a rule that does not, leaves it."""
    api = connect_key(world)
    host = api.removeprefix("https://")

    def stream(session):
        tls = session.opened(host, "127.0.0.1")
        tls.sendall(f"GET /held?id=never HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        contains(read_head(tls), " 200 ", "a stream that goes on")
        return tls

    def end_of(tls):
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while tls.recv(65536):
                pass
        return time.monotonic() - began
    session = Session(world)
    tls = stream(session)
    world.run("rule", "add", "acme", "--deny", "DELETE")
    tls.settimeout(2.5)
    check(end_of(tls) > 2, "another method is none of its matter")
    tls.settimeout(60)
    world.run("rule", "add", "acme", "--deny", "/held")
    check(end_of(tls) < 50, "the rule ends it")
    session.end()
    world.run("rule", "remove", "acme", "--all")
    session = Session(world, "--for", "4s")
    tls = stream(session)
    tls.settimeout(60)
    check(end_of(tls) < 50, "its time is up")
    session.end()
    reasons = [line["reason"] for line in map(json.loads, world.run("log", "--json").stdout.splitlines()) if line["kind"] == "request"]
    equal(reasons, ["withdrawn", "withdrawn"], "as the log says")


def certificates_for_other_hosts_are_refused(world):
    """PX-26: even with the session's authority trusted, a leaf for another name does not verify."""
    api = connect_key(world)
    session = Session(world)
    text = subprocess.run(["openssl", "x509", "-noout", "-text", "-in", session.environment["NODE_EXTRA_CA_CERTS"]], capture_output=True, text=True).stdout
    contains(text, "X509v3 Name Constraints: critical", "constraints")
    contains(text, "IP:127.0.0.1/255.255.255.255", "the session's host alone")
    contains(text, "pathlen:0", "no further authorities")
    connection, head = session.connect(api.removeprefix("https://"))
    context = ssl.create_default_context(cafile=session.environment["SSL_CERT_FILE"])
    with context.wrap_socket(connection, server_hostname="127.0.0.1") as tls:
        check(tls.version() in ("TLSv1.2", "TLSv1.3"), "TLS version")
    session.end()


def abandoned_requests_hold_nothing(world):
    """PX-31: more requests than the session has places, given up by FIN, RST or a half close while the server is silent."""
    import struct
    silent = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    world.certificates()
    context.load_cert_chain(world.cert, world.key)
    lock, state = threading.Lock(), {"open": 0, "seen": 0}

    def hold(raw):
        with lock:
            state["open"] += 1
        with contextlib.suppress(OSError):
            with context.wrap_socket(raw, server_side=True) as tls:
                while data := tls.recv(65536):
                    with lock:
                        state["seen"] += data.count(b"\r\n\r\n")
        with lock:
            state["open"] -= 1

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=hold, args=(silent.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    host = f"127.0.0.1:{silent.getsockname()[1]}"
    world.run("register", world.definition("slow", auth_type="api_key", flow="api_key", api_url=f"https://{host}/",
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    world.run("login", "slow", "--input", "stdin", stdin=world.canaries.new("slow key"))
    session = Session(world, "--no-sandbox")

    def wait(what, holds):
        for _ in range(400):
            with lock:
                if holds():
                    return
            time.sleep(0.02)
        raise Failure(f"{what}: {state}")
    for batch in range(3):
        clients = []
        for i in range(90):
            tls = session.opened(host, "127.0.0.1")
            tls.sendall(f"GET /{i} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            clients.append(tls)
        wait("all arrived", lambda: state["seen"] == 90 * (batch + 1))
        for tls in clients:
            if batch == 1:
                tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if batch == 2:
                tls.shutdown(socket.SHUT_WR)
            else:
                tls.close()
        wait(f"batch {batch}: the server's connections are closed", lambda: state["open"] == 0)
        for tls in clients:
            tls.close()
    session.end()
    silent.close()


def a_moved_connection_never_sends_its_new_credential_to_the_old_host(world):
    """OA-27, CL-10: routes are made when the session starts; the credential may have become another host's since."""
    old, new = world.canaries.new("old key"), world.canaries.new("new key")
    header = ["--key-header", "Authorization", "--key-sha256"]
    first = world.api(*header, hashlib.sha256(("Bearer " + old).encode()).hexdigest())
    second = world.api(*header, hashlib.sha256(("Bearer " + new).encode()).hexdigest())
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url="{base_url}", vars={"base_url": {"title": "Site"}},
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    world.run("login", "acme", "--input", "stdin", "--base-url", f"https://127.0.0.1:{first}", stdin=old)
    session = Session(world)
    request = f"GET /headers HTTP/1.1\r\nHost: 127.0.0.1:{first}\r\n\r\n".encode()
    with session.opened(f"127.0.0.1:{first}", "127.0.0.1") as tls:
        tls.sendall(request)
        contains(read_head(tls), " 200 ", "before")
    world.run("login", "acme", "--input", "stdin", "--base-url", f"https://127.0.0.1:{second}", "--force", stdin=new)
    seen = requests_seen(world)
    with session.opened(f"127.0.0.1:{first}", "127.0.0.1") as tls:
        tls.sendall(request)
        contains(read_head(tls), " 424 ", "after the connection moved")
    equal(requests_seen(world), seen, "nothing arrived at the old host")
    session.end()


def a_definition_swapped_back_and_forth_opens_no_other_host(world):
    """CL-10, PK-06: a session that started under another definition has its routes; the pin is on this one."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    file = world.home / "providers/acme.json"
    good = file.read_text()
    catcher = world.api("--key-header", "Authorization", "--key-sha256", "0" * 64)
    file.write_text(good.replace(host, f"127.0.0.1:{catcher}"))
    session = Session(world)
    file.write_text(good)
    seen = requests_seen(world)
    with session.opened(f"127.0.0.1:{catcher}", "127.0.0.1") as tls:
        tls.sendall(f"GET /headers HTTP/1.1\r\nHost: 127.0.0.1:{catcher}\r\n\r\n".encode())
        contains(read_head(tls), " 424 ", "the swapped host")
    equal(requests_seen(world), seen, "nothing arrived")
    session.end()


if __name__ == "__main__":
    main(only_the_session_may_use_the_proxy, PX01_a_program_of_the_session_is_known_by_its_connection, PX01_another_user_is_a_stranger, PX31_connections_without_a_place_are_recorded, the_reverse_form_serves_programs_that_know_no_proxy, host_sni_and_connect_agree,
         PX06_a_named_host_is_named_in_the_handshake, plain_http_never_carries_a_credential,
         abandoned_requests_hold_nothing, a_logout_holds_from_the_next_request_on, PX29_a_stream_ends_with_its_permission, certificates_for_other_hosts_are_refused,
         a_moved_connection_never_sends_its_new_credential_to_the_old_host, a_definition_swapped_back_and_forth_opens_no_other_host)
