"""Clients of a session that open much and finish nothing (G16, PX-19, PX-31): half-open CONNECTs, streams that are reset at once,
answers that nobody reads. Meanwhile another client is answered, and afterwards nothing of it is left. test_slow_clients.py has
those that send slowly. A part of the numbers of G16; all of them with CLAVIGER_LONG_TESTS=1. On 127.0.0.1 only."""
import socket, ssl, struct
from harness import *
from test_proxy_rules import Session, read_head, requests_seen
from test_slow_clients import resident

LONG = os.environ.get("CLAVIGER_LONG_TESTS") == "1"
CONNECTS, STREAMS = (10_000, 100_000) if LONG else (2_000, 20_000)
ROOM = 64  # that are open at once; a session has room for 256
MOST_MEMORY = 256 * 1024  # KB


class Bystander:
    """Another client, which asks by a connection of its own each time."""

    def __init__(self, session, host):
        self.session, self.host, self.times = session, host, []

    def ask(self, when):
        began = time.monotonic()
        with self.session.opened(self.host, "127.0.0.1") as tls:
            tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode())
            contains(read_head(tls), " 200 ", f"another client {when}")
        self.times.append(time.monotonic() - began)

    def said(self):
        return f"another client waited at most {max(self.times) * 1000:.0f} ms, of {len(self.times)} times the median {sorted(self.times)[len(self.times) // 2] * 1000:.0f} ms"


def descriptors(session):
    return len(os.listdir(f"/proc/{session.process.pid}/fd"))


class Nothing:
    """Says what a flood left behind: at the end of the block there are no more descriptors, and little more memory."""

    def __init__(self, world, session):
        self.world, self.session = world, session

    def __enter__(self):
        self.fds, self.memory = descriptors(self.session), resident(self.session.process.pid)

    def __exit__(self, kind, *_):
        if kind:
            return
        for _ in range(400):
            if descriptors(self.session) <= self.fds + 2:  # the API's connection may be kept
                break
            time.sleep(0.05)
        else:
            raise Failure(f"{descriptors(self.session)} descriptors are open, {self.fds} were before")
        more = resident(self.session.process.pid) - self.memory
        check(more < MOST_MEMORY, f"{more} KB more are resident")
        print(f"left behind: {descriptors(self.session) - self.fds} descriptors, {more} KB")


def started(world):
    host = connect_key(world).removeprefix("https://")
    session = Session(world, "--no-sandbox", "--unmatched", "allow", lifetime=600)
    bystander = Bystander(session, host)
    bystander.ask("before")
    return host, session, bystander


def G16_half_open_connects_hold_nothing(world):
    """A CONNECT that is never followed by TLS, by a half of a ClientHello, or not even ended; given up by FIN, RST or at the end."""
    host, session, bystander = started(world)
    token = base64.b64encode(session.credential.encode()).decode()
    whole = f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic {token}\r\n\r\n".encode()
    hello = bytes.fromhex("1603010200010001fc0303") + b"x" * 40  # 512 bytes are announced
    waiting = []

    def give_up(connection, at):
        if at % 3 == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif at % 3 == 1:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        connection.close()
    with Nothing(world, session):
        for at in range(CONNECTS):
            connection = socket.create_connection(("127.0.0.1", session.port), timeout=30)
            kind = at % 4
            connection.sendall(whole[:-2] if kind == 0 else whole)
            if kind >= 2:
                contains(read_head(connection), " 200 ", f"CONNECT {at}")
            if kind == 3:
                connection.sendall(hello)
            waiting.append((connection, at))
            if len(waiting) == ROOM:
                bystander.ask(f"beside {ROOM} half-open CONNECTs")
                for one in waiting:
                    give_up(*one)
                waiting.clear()
        for one in waiting:
            give_up(*one)
    bystander.ask("afterwards")
    equal(requests_seen(world), len(bystander.times), "requests that arrived: the other client's alone")
    print(f"{CONNECTS} half-open CONNECTs: {bystander.said()}")
    session.end()


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def G16_streams_that_are_reset_at_once_hold_nothing(world):
    """CVE-2023-44487, through the session's proxy: HTTP/2 streams that are opened and broken off, connection after connection."""
    host, session, bystander = started(world)
    context = ssl.create_default_context(cafile=session.environment["SSL_CERT_FILE"])
    context.set_alpn_protocols(["h2"])
    head = b"\x82\x87\x84" + b"\x01" + bytes([len(host)]) + host.encode()  # GET, https, "/", :authority (RFC 7541 section 6)

    def opened():
        connection, answer = session.connect(host)
        contains(answer, " 200 ", "CONNECT")
        tls = context.wrap_socket(connection, server_hostname="127.0.0.1")
        equal(tls.selected_alpn_protocol(), "h2", "the protocol")
        tls.settimeout(60)
        tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
        return tls
    with opened() as tls:
        tls.sendall(frame(1, 5, 1, head))
        while requests_seen(world) < 2:
            check(tls.recv(65536), "a stream that is not reset is served")
    sent = connections = 0
    with Nothing(world, session):
        while sent < STREAMS:
            with opened() as tls:
                connections += 1
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    for stream in range(1, 8_001, 2):
                        tls.sendall(frame(1, 5, stream, head) + frame(3, 0, stream, (8).to_bytes(4, "big")))
                        sent += 1
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    while tls.recv(65536):  # the proxy ends it; else this takes too long
                        pass
            if connections % 4 == 0:
                bystander.ask("beside streams that are reset")
    bystander.ask("afterwards")
    arrived = requests_seen(world) - len(bystander.times) - 1
    check(arrived < sent / 2, f"of {sent} streams that were reset at once {arrived} requests arrived")
    print(f"{sent} streams that were reset, in {connections} connections, of which {arrived} arrived: {bystander.said()}")
    session.end()


def narrow(session, host):
    """As session.opened(), by a connection whose kernel takes little that is not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", session.port))
    token = base64.b64encode(session.credential.encode()).decode()
    connection.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic {token}\r\n\r\n".encode())
    contains(read_head(connection), " 200 ", "CONNECT")
    return session.context.wrap_socket(connection, server_hostname="127.0.0.1")


def G16_answers_that_nobody_reads_hold_little(world):
    """PX-31: however long the answer, a client that does not read it costs a bounded amount of memory, and no other client."""
    host, session, bystander = started(world)
    silent = 200 if LONG else 24
    before = resident(session.process.pid)
    with Nothing(world, session):
        waiting = []
        for _ in range(silent):
            tls = narrow(session, host)
            tls.sendall(f"GET /bytes?n=20000000 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            contains(read_head(tls), " 200 ", "a long answer")
            waiting.append(tls)
        for _ in range(5):
            bystander.ask(f"beside {silent} that do not read")
        held = resident(session.process.pid) - before
        check(world.sanitized or held < silent * 1024, f"{held} KB for {silent} answers of 20 MB that nobody reads")
        for tls in waiting:
            tls.close()
    bystander.ask("afterwards")
    print(f"{silent} answers of 20 MB that nobody reads: {held} KB; {bystander.said()}")
    session.end()


def G16_what_is_refused_is_answered_shortly(world):
    """The smallest refusals of the proxy itself: under a hundred bytes for each that was sent."""
    host, session, _ = started(world)
    token = base64.b64encode(session.credential.encode()).decode()
    for request in ("x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n", f"CONNECT {host} HTTP/1.1\r\nHost: a\r\n\r\n", f"TRACE http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic {token}\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", session.port), timeout=30) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(65536):
                    answer += piece
        check(answer.startswith(b"HTTP/1.1 4") and len(answer) < 100 * len(request), f"{len(answer)} bytes for {request!r}")
    session.end()


if __name__ == "__main__":
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
    main(G16_half_open_connects_hold_nothing, G16_streams_that_are_reset_at_once_hold_nothing, G16_answers_that_nobody_reads_hold_little, G16_what_is_refused_is_answered_shortly)
