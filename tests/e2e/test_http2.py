"""HTTP/2 as a client that keeps to no rule speaks it, through a real session in front of a service that notes what comes
(PX-19): the cases of http2_cases.py and floods. Nothing malformed arrives, each refusal is in the log, and a connection or at least
the proxy goes on serving."""
import collections, http.server, queue, socket, ssl, struct
from harness import *
from http2_cases import Maker, PATH, cases
from http2_frames import *
from test_proxy_rules import Session

PATIENCE = 60
GOOD = 101  # the stream of a good request behind a case


class Service:
    """Notes the path of each head, and of each request that came whole with the key."""

    def __init__(self, world, key):
        self.heads, self.whole = collections.Counter(), collections.Counter()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                service.heads[self.path] += 1
                body = self.read_body()
                if body is None:
                    self.close_connection = True
                    return
                good = self.headers["Authorization"] == f"Bearer {key}" and self.command in ("GET", "POST")
                service.whole[self.path if good else f"without the key: {self.path}"] += 1
                self.send_response(200)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            def read_body(self):
                """None when it broke off."""
                if self.headers.get("Transfer-Encoding") != "chunked":
                    size = int(self.headers.get("Content-Length") or 0)
                    body = self.rfile.read(size)
                    return body if len(body) == size else None
                body = b""
                while line := self.rfile.readline():
                    size = int(line, 16)
                    piece = self.rfile.read(size)
                    body += piece
                    end = self.rfile.readline()
                    while size == 0 and end.strip():  # trailers
                        end = self.rfile.readline()
                    if size == 0:
                        return body if end else None
                return None

            def handle_one_request(self):
                with contextlib.suppress(OSError):
                    return super().handle_one_request()
                self.close_connection = True

            do_GET = do_POST = do_CONNECT = do_TRACE = do_OPTIONS = handle_any

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 128

            def finish_request(self, connection, address):
                with contextlib.suppress(OSError):
                    super().finish_request(context.wrap_socket(connection, server_side=True), address)

            def shutdown_request(self, connection):
                with contextlib.suppress(OSError):
                    super().shutdown_request(connection)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(world.cert, world.key)
        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closing.append(self.server.shutdown)
        self.host = f"127.0.0.1:{self.server.server_port}"


def connected(world, host, key):
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=f"https://{host}/", api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=key)


def begun(world, host, key):
    """A session whose opened connections speak HTTP/2 alone."""
    connected(world, host, key)
    session = Session(world, "--no-sandbox", "--use", "acme", "--only", lifetime=900)
    session.context = ssl.create_default_context(cafile=session.environment["SSL_CERT_FILE"])
    session.context.check_hostname = False
    session.context.set_alpn_protocols(["h2"])
    return session


@contextlib.contextmanager
def peer_of(session, host):
    with session.opened(host, "127.0.0.1") as tls:
        equal(tls.selected_alpn_protocol(), "h2", "ALPN")
        tls.settimeout(PATIENCE)
        tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Peer(tls)


def outcome_of(session, host, number, case):
    """What became of the case, and whether the good request behind it was served."""
    good = headers(GOOD, Maker(host.encode()).fields(path=b"/good"))
    with peer_of(session, host) as peer:
        if not case.raw:
            peer.greet()
        *first, last = [part.replace(PATH, b"/case%04d" % number) for part in case.parts]
        on = peer.streams.setdefault(case.on, Stream())
        for part in first:
            peer.send(part)
            peer.until(lambda: on.over)
        peer.send(last + good)
        served = peer.streams.setdefault(GOOD, Stream())
        peer.until(lambda: served.over and (on.over or "ignored" in case.expect))
        if peer.goaway or peer.closed:
            peer.until(lambda: False)  # an error of the connection ends it
            return f"GOAWAY {peer.goaway}" if peer.goaway else "closed", False
        return on.outcome() or "ignored", served.status == "200"


def through(world, session, service):
    """All cases; their outcomes by number, and what is wrong with them."""
    work, outcomes, wrong = queue.Queue(), {}, []
    for numbered in enumerate(cases(service.host.encode())):
        work.put(numbered)

    def worker():
        while True:
            try:
                number, case = work.get_nowait()
            except queue.Empty:
                return
            try:
                outcome, served = outcome_of(session, service.host, number, case)
            except Exception as error:
                outcome, served = f"{type(error).__name__}: {error}", False
            outcomes[number] = (case, outcome)
            if outcome not in case.expect:
                wrong.append(f"{number} {case.section} {case.name}: {outcome}, expected {sorted(case.expect)}")
            elif not served and not outcome.startswith(("GOAWAY", "closed")):
                wrong.append(f"{number} {case.section} {case.name}: {outcome}, but the good request behind it was not served")
    workers = [threading.Thread(target=worker) for _ in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    return outcomes, wrong


def PX19_what_breaks_a_rule_is_refused_and_never_arrives(world):
    world.certificates()
    key = world.canaries.new("key")
    service = Service(world, key)
    session = begun(world, service.host, key)
    outcomes, wrong = through(world, session, service)
    session.end()
    known = {"/good"}
    for number, (case, outcome) in outcomes.items():
        paths = {path for path in service.heads if path.startswith(f"/case{number:04}")}
        known |= paths
        arrived = sum(service.whole[path] for path in paths)
        if outcome != "200" and ((arrived and not case.whole) or (paths and not case.body)):
            wrong.append(f"{number} {case.section} {case.name}: {outcome}, but {paths} arrived, {arrived} of it whole")
    unknown = set(service.heads) - known
    check(not wrong and not unknown, f"{len(wrong)} of {len(outcomes)}, and {unknown} arrived:\n" + "\n".join(wrong))
    check(not [path for path in service.whole if "without" in path], "each with the key")
    check_log(world, outcomes)
    check(len(outcomes) >= 146, "as many as h2spec's")
    kinds = collections.Counter(outcome.split(" ")[0] for _, outcome in outcomes.values())
    print(f"{len(outcomes)} cases: {dict(kinds)}", flush=True)


def check_log(world, outcomes):
    """Whatever was refused is recorded as a malformed request of HTTP/1.1 is."""
    told = collections.Counter()
    for line in map(json.loads, world.run("log", "--json").stdout.splitlines()):
        if line["kind"] == "request" and line["reason"] != "abandoned":
            told[(line["status"], line["reason"]) if line["status"] else "unanswered"] += 1
    answered = collections.Counter(outcome for _, outcome in outcomes.values())
    for status, reason in (("400", "bad_request"), ("405", "method_not_allowed"), ("421", "misdirected"), ("431", "limit")):
        check(answered[status] > 1, f"there is a case of {status}")
        equal(told[(int(status), reason)], answered[status], f"{status} in the log")
    # Of a stream whose head was good the request's own record tells.
    refused = [case for case, outcome in outcomes.values() if outcome.startswith(("GOAWAY", "closed")) or (outcome.startswith("RST") and not case.body)]
    check(told["unanswered"] >= len(refused), f"{len(refused)} could not be answered, {told['unanswered']} are in the log")

def is_served(session, host):
    """A new connection."""
    with peer_of(session, host) as peer:
        peer.greet()
        peer.send(headers(1, Maker(host.encode()).fields(path=b"/good")))
        peer.until(lambda: peer.streams.get(1, Stream()).over)
        return peer.streams.get(1, Stream()).status == "200"


def floods(maker):
    """(name, one turn's bytes, turns): what makes work for nothing. `turn` gives an odd number of a new stream."""
    request = lambda number: maker.get(number=number)
    waiting = lambda number: maker.post((b"content-length", b"0"), number=number)  # does not reach the service
    yield "rapid reset (CVE-2023-44487)", lambda n: request(n) + rst(n), 1500
    yield "resets of what is not begun", lambda n: waiting(n) + rst(n), 1500
    yield "made you reset: a window too large (CVE-2025-8671)", lambda n: waiting(n) + window_update(n, 0x7fffffff), 1500
    yield "made you reset: a window that grows by 0", lambda n: waiting(n) + window_update(n, 0), 1500
    yield "made you reset: DATA after the end", lambda n: request(n) + data(n, b"x"), 1500
    yield "made you reset: PRIORITY of a wrong size", lambda n: waiting(n) + frame(PRIORITY, 0, n, b"1234"), 1500
    yield "made you reset: longer than told", lambda n: waiting(n) + data(n, b"x"), 1500
    yield "malformed heads", lambda n: maker.get((b"a b", b"c"), number=n), 1500
    yield "heads that are answered with 400", lambda n: maker.get(number=n, scheme=b"ftp"), 1500
    yield "SETTINGS (CVE-2019-9515)", lambda n: settings((4, n)), 12_000
    yield "SETTINGS without an end", lambda n: settings(*[(3, n)] * 2000), 400
    yield "PING (CVE-2019-9512)", lambda n: frame(PING, payload=struct.pack(">Q", n)), 12_000
    yield "empty DATA (CVE-2019-9518)", lambda n: (maker.post() if n == 1 else b"") + data(1), 12_000
    yield "padding alone", lambda n: (maker.post() if n == 1 else b"") + frame(DATA, PADDED, 1, b"\0"), 12_000
    yield "PRIORITY (CVE-2019-9513)", lambda n: frame(PRIORITY, 0, n, b"\0\0\0\0\x10"), 12_000
    yield "CONTINUATION (CVE-2024-27316)", lambda n: (frame(HEADERS, 0, 1, maker.block()) if n == 1 else b"") + frame(CONTINUATION, 0, 1, field(b"x", b"y" * 8000)), 500
    yield "empty CONTINUATION (CVE-2019-9518)", lambda n: (frame(HEADERS, 0, 1, maker.block()) if n == 1 else b"") + frame(CONTINUATION, 0, 1), 12_000


def PX19_floods_end_their_connection_and_no_other(world):
    world.certificates()
    key = world.canaries.new("key")
    service = Service(world, key)
    session = begun(world, service.host, key)
    broker = session.process.pid
    for reads in (True, False):
        for name, turn, turns in floods(Maker(service.host.encode())):
            arrived = service.heads.total()
            went_on = flood(session, service.host, turn, turns, reads)
            check(not went_on, f"{name}: the connection goes on, {'read' if reads else 'not read'}")
            check(service.heads.total() - arrived < 600, f"{name}: {service.heads.total() - arrived} requests arrived")
            check(is_served(session, service.host), f"{name}: nobody else is served")
    print(f"memory: {resident(broker) >> 20} MiB", flush=True)
    check(world.sanitized or resident(broker) < 400 << 20, f"{resident(broker)} bytes are held")
    session.end()


def resident(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def flood(session, host, turn, turns, reads):
    """Whether the connection outlives it."""
    with peer_of(session, host) as peer:
        peer.greet()
        try:
            for begin in range(0, turns, 50):
                peer.tls.sendall(b"".join(turn(2 * at + 1) for at in range(begin, begin + 50)))
                if reads:
                    throw_away(peer.tls)
            peer.until(lambda: False)
        except TimeoutError:
            return True
        except OSError:
            pass
        return False


def throw_away(tls):
    """What is there already."""
    tls.settimeout(0)
    with contextlib.suppress(ssl.SSLWantReadError):
        while tls.recv(65536):
            pass
    tls.settimeout(PATIENCE)

class RudeService(threading.Thread):
    """A server of HTTP/2 that answers each request with what it is told to."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(world.cert, world.key)
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.answer = f"127.0.0.1:{self.listener.getsockname()[1]}", good_answer
        world.closing.append(self.listener.close)
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as tls:
            tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(tls)
            check(peer.exactly(len(PREFACE)) == PREFACE, "the preface")
            peer.send(settings())
            while got := peer.frame():
                kind, flags, number, _ = got
                if kind == SETTINGS and not flags & ACK:
                    peer.send(frame(SETTINGS, ACK))
                elif kind == HEADERS:
                    peer.send(self.answer(number))


def good_answer(number):
    return headers(number, [(b":status", b"200")], end=False) + data(number, b"ok\n", True)


def rude_answers():
    """(name, of a stream's number what is answered)."""
    status = (b":status", b"200")
    head = lambda *fields, end=True: lambda n: headers(n, fields, end)
    for name, value in ((b"connection", b"close"), (b"keep-alive", b"timeout=5"), (b"proxy-connection", b"close"), (b"transfer-encoding", b"chunked"), (b"upgrade", b"h2c"), (b"te", b"gzip"),
                        (b"X-Test", b"1"), (b"a b", b"1"), (b"", b"1"), (b"x", b"a\r\nb: c"), (b"x", b"a\0"), (b":path", b"/"), (b":test", b"1"), (b"content-length", b"5"), (b"content-length", b"x")):
        yield f"{name!r}: {value!r}", head(status, (name, value))
    yield "no status", head((b"x", b"y"))
    yield "two", head(status, status)
    yield "a status behind a field", head((b"x", b"y"), status)
    for value in (b"", b"20", b"2000", b"101", b"099", b"abc", b"+20"):
        yield f"status {value!r}", head((b":status", value))
    yield "two lengths", head(status, (b"content-length", b"3"), (b"content-length", b"4"), end=False)
    yield "DATA before the head", lambda n: data(n, b"x", True)
    yield "an interim answer that ends", head((b":status", b"103"))
    yield "RST_STREAM", rst
    yield "a pushed request", lambda n: frame(PUSH_PROMISE, END_HEADERS, n, b"\0\0\0\x02" + Maker(b"a.test").block()) + good_answer(n)
    yield "an index of no field", lambda n: frame(HEADERS, END_HEADERS | 1, n, b"\x20\x80")
    yield "a SETTINGS frame of a wrong size", lambda n: frame(SETTINGS, payload=b"1")
    yield "fields beyond the limit", lambda n: frame(HEADERS, 1, n, block([status])) + b"".join(frame(CONTINUATION, 0 if at < 4 else END_HEADERS, n, field(b"x", b"y" * 16000)) for at in range(5))
    begun = lambda n, *fields: headers(n, [status, *fields], False)
    for name, more in (("longer than told", lambda n: begun(n, (b"content-length", b"2")) + data(n, b"abc", True)), ("shorter than told", lambda n: begun(n, (b"content-length", b"5")) + data(n, b"abc", True)),
                       ("longer than told, in parts", lambda n: begun(n, (b"content-length", b"3")) + data(n, b"abc") + data(n, b"d", True)),
                       ("a status in trailers", lambda n: begun(n) + data(n, b"abc") + headers(n, [status])), ("a field of a connection in trailers", lambda n: begun(n) + data(n, b"abc") + headers(n, [(b"connection", b"close")])),
                       ("trailers that are not the end", lambda n: begun(n) + data(n, b"abc") + headers(n, [(b"x", b"y")], False) + data(n, end=True)), ("RST_STREAM within", lambda n: begun(n) + data(n, b"abc") + rst(n)),
                       ("20 interim answers", lambda n: headers(n, [(b":status", b"103")], False) * 20 + good_answer(n))):
        yield f"later: {name}", more


def PX17_answers_that_break_a_rule_are_not_passed_on(world):
    """A head becomes 502; what is seen later breaks the answer off. Another request is served."""
    world.certificates()
    service = RudeService(world)
    session = begun(world, service.host, world.canaries.new("key"))
    wrong = []

    def asked(peer, number):
        peer.send(headers(number, Maker(service.host.encode()).fields()))
        peer.until(lambda: peer.streams.get(number, Stream()).over)
        return peer.streams[number]
    for name, answer in rude_answers():
        with peer_of(session, service.host) as peer:
            peer.greet()
            service.answer = answer
            got = asked(peer, 1)
            broken_off = name.startswith("later: ") and got.reset not in (None, "NO_ERROR")
            good = broken_off or (got.status == "502" and got.ended)
            service.answer = good_answer
            after = asked(peer, 3)
            if not good or after.status != "200" or after.body != b"ok\n":
                wrong.append(f"{name}: {got.status}, ended {got.ended}, reset {got.reset}, {got.body}; then {after.status} {after.body}")
    session.end()
    check(not wrong, "\n".join(wrong))


if __name__ == "__main__":
    main(PX19_what_breaks_a_rule_is_refused_and_never_arrives, PX19_floods_end_their_connection_and_no_other, PX17_answers_that_break_a_rule_are_not_passed_on)
