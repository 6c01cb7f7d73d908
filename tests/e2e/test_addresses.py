"""Names and addresses: what a name server that lies can make the proxy connect to, and plain http to the outside.

Runs in network and mount namespaces of its own, with a name server of its own and addresses that look public, so it needs
a kernel that gives these to any user; where it does not, it says so, and fails on CI."""
import os, shutil, struct, sys
if "CLAVIGER_NAMESPACE" not in os.environ:
    probe = os.system("unshare --user --map-root-user --net --mount true 2>/dev/null")
    if probe != 0 or not shutil.which("ip"):
        print("NOT TESTED: no user namespaces, or no 'ip' (package iproute2): names and addresses were not tested", file=sys.stderr)
        sys.exit(1 if "CI" in os.environ else 0)
    os.environ["CLAVIGER_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--net", "--mount", sys.executable, "-B", *sys.argv])

import http.server, socket
from harness import *
from test_proxy_rules import Session, read_head

PUBLIC, SECOND = "8.8.4.4", "1.0.0.7"  # addresses of this namespace's own loopback device; no packet leaves it


def encoded_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(owner, kind, data):
    return encoded_name(owner) + struct.pack("!HHIH", kind, 1, 0, len(data)) + data


class NameServer(threading.Thread):
    """A, AAAA and CNAME records of its table, TTL 0. A name's list is gone through answer by answer; an answer is a list of
    addresses, or of one name that it is an alias of. `otherwise`: the answer for names that are not in the table."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.names, self.asked, self.otherwise = {}, {}, None

    def run(self):
        while True:
            data, peer = self.socket.recvfrom(4096)
            labels, at = [], 12
            while data[at]:
                labels.append(data[at + 1:at + 1 + data[at]].decode(errors="replace").lower())
                at += 1 + data[at]
            question, kind, name = data[12:at + 5], struct.unpack("!H", data[at + 1:at + 3])[0], ".".join(labels)
            records = self.answer(name, kind) if kind in (1, 28) else []
            known = name in self.names or self.otherwise is not None
            self.socket.sendto(data[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, len(records), 0, 0) + question + b"".join(records), peer)

    def answer(self, name, kind):
        answers = self.names.get(name, [self.otherwise or []])
        count = self.asked.get(name, 0) - (kind == 28)  # the C library asks for A, then for AAAA
        if kind == 1:
            self.asked[name] = count + 1
        records = []
        for one in answers[count % len(answers)]:
            if ":" in one or one.replace(".", "").isdigit():
                if (":" in one) == (kind == 28):
                    records.append(record(name, kind, socket.inet_pton(socket.AF_INET6 if ":" in one else socket.AF_INET, one)))
            else:
                records += [record(name, 5, encoded_name(one)), *self.answer(one, kind)]
        return records


class Counting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        if self.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(3):
                self.wfile.write(b"7\r\nline %d\n\r\n" % i)
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            return
        body = b"plain " + self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        body = str(len(self.rfile.read(length))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a proxy hangs up when its client does


def serve(address, port):
    server = Server((address, port), Counting)
    server.seen, server.daemon_threads = [], True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def namespace(world):
    if not hasattr(NameServer, "one"):
        for command in (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", f"{PUBLIC}/32", "dev", "lo"],
                        ["ip", "address", "add", f"{SECOND}/32", "dev", "lo"], ["ip", "address", "add", "10.1.2.3/32", "dev", "lo"]):
            subprocess.run(command, check=True, capture_output=True)
        for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n"), ("nsswitch.conf", "hosts: dns\n")):
            own = pathlib.Path(tempfile.mkdtemp(prefix="claviger-e2e-")) / name
            own.write_text(text)
            subprocess.run(["mount", "--bind", own, f"/etc/{name}"], check=True, capture_output=True)
        NameServer.one = NameServer()
        NameServer.one.start()
    return NameServer.one


def connect_acme(world):
    """A session needs a connection; its host is nobody's here."""
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url="api.acme.com",
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=world.canaries.new("key"))


def ask(session, request, seconds=20):
    connection = socket.create_connection(("127.0.0.1", session.port), timeout=seconds)
    token = base64.b64encode(session.credential.encode()).decode()
    connection.sendall(request.replace("\r\n\r\n", f"\r\nProxy-Authorization: Basic {token}\r\n\r\n", 1).encode())
    head = read_head(connection)
    connection.close()
    return head


def plain_http_to_the_outside(world):
    """PX-11: curl, pip- and apt-like requests in absolute form, streamed, without any credential."""
    names = namespace(world)
    names.names.update({"files.example.org": [[PUBLIC]], "api.acme.com": [[PUBLIC]]})
    server = serve(PUBLIC, 80)
    connect_acme(world)
    out = world.run("run", "--no-sandbox", "--", "curl", "-sS", "http://files.example.org/stream").stdout
    equal(out, "line 0\nline 1\nline 2\n", "stream")
    equal(world.run("run", "--no-sandbox", "--", "curl", "-sS", "--data", "x" * 100000, "http://files.example.org/up").stdout, "100000", "upload")
    script = ("import urllib.request; [print(urllib.request.urlopen('http://files.example.org/simple/%d' % i).read().decode()) for i in range(3)]")
    out = world.run("run", "--no-sandbox", "--", "python3", "-c", script).stdout
    equal(out, "plain /simple/0\nplain /simple/1\nplain /simple/2\n", "urllib, as pip")
    session = Session(world, "--no-sandbox")
    connection = socket.create_connection(("127.0.0.1", session.port), timeout=20)  # several at once, as apt
    token = base64.b64encode(session.credential.encode()).decode()
    connection.sendall("".join(f"GET http://files.example.org/debian/{i} HTTP/1.1\r\nHost: files.example.org\r\nUser-Agent: apt\r\n"
                               f"Proxy-Authorization: Basic {token}\r\n\r\n" for i in range(5)).encode())
    data = b""
    while data.count(b"plain /debian/") < 5:
        piece = connection.recv(65536)
        check(piece, f"the proxy closed: {data}")
        data += piece
    count = len(server.seen)
    head = ask(session, "GET http://api.acme.com/x HTTP/1.1\r\nHost: api.acme.com\r\n\r\n")
    contains(head, " 403 ", "a routed host over http")
    contains(head, "application/problem+json", "a routed host over http")
    equal(len(server.seen), count, "nothing arrived for the routed host")
    for method, path, headers in server.seen:
        check(not {"authorization", "proxy-authorization", "proxy-connection"} & set(headers), f"{path}: {headers}")
    session.end()
    session = Session(world, "--no-sandbox", "--unmatched", "deny")
    contains(ask(session, "GET http://files.example.org/x HTTP/1.1\r\nHost: files.example.org\r\n\r\n"), " 403 ", "denied")
    session.end()
    server.shutdown()
    server.server_close()


def a_name_that_changes_its_mind(world):
    """G10, PX-09: 1,000 rounds of a name server that flips between a public and a forbidden address at TTL 0, by http and CONNECT."""
    names = namespace(world)
    flips = [[PUBLIC], ["127.0.0.1"], [PUBLIC, "10.1.2.3"], ["10.1.2.3"], ["127.0.0.1", PUBLIC], [SECOND], ["0.0.0.0"], ["169.254.169.254"]]
    names.names["flip.example.org"] = flips
    good = [serve(PUBLIC, 8080), serve(SECOND, 8080)]
    forbidden = [serve("127.0.0.1", 8080), serve("10.1.2.3", 8080)]
    connect_acme(world)
    session = Session(world, "--no-sandbox")
    outcomes = {"reached": 0, "refused": 0}
    for i in range(1200):
        if i % 3:
            head = ask(session, "GET http://flip.example.org:8080/x HTTP/1.1\r\nHost: flip.example.org:8080\r\nConnection: close\r\n\r\n")
        else:
            connection, head = session.connect("flip.example.org:8080")
            if " 200 " in head.split("\r\n")[0]:
                connection.sendall(b"GET /x HTTP/1.1\r\nHost: flip.example.org:8080\r\nConnection: close\r\n\r\n")
                read_head(connection)
            connection.close()
        status = head.split(" ")[1] if " " in head else "none"
        check(status in ("200", "403"), f"round {i}: {head}")
        outcomes["reached" if status == "200" else "refused"] += 1
    check(outcomes["reached"] >= 100 and outcomes["refused"] >= 500, f"both kinds of answers happened: {outcomes}")
    equal([len(server.seen) for server in forbidden], [0, 0], "connections to forbidden addresses")
    check(all(server.seen for server in good), "the public ones were reached")
    check(names.asked["flip.example.org"] >= 1000, "1,000 resolutions")
    print(f"rebinding: {outcomes}, {names.asked['flip.example.org']} answers given")
    session.end()
    for server in good + forbidden:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main(plain_http_to_the_outside, a_name_that_changes_its_mind)
