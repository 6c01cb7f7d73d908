"""A network namespace in which every address is this machine's own: whoever connects anywhere, at one of these ports, is
seen by the address that he meant. With test_addresses.py's name server."""
import concurrent.futures, ipaddress
from test_addresses import *

PLAIN_PORTS, TLS_PORTS = (80, 8080), (443, 8443)
PUBLIC6 = "2606:4700::77"  # an address of the namespace's own that is not loopback: only then are AAAA records asked for
TABLES = json.loads((ROOT / "tests/vectors/net/addresses.json").read_text())


class Everywhere:
    """Servers of every address. `connections`: (address, port) of each that was accepted, in any state. `requests`: what was
    asked, as {address, port, name (of the handshake), line, headers, text}."""

    def __init__(self, world, *names):
        self.names = namespace(world)
        for command in ("route replace local 0.0.0.0/0 dev lo", "-6 route replace local ::/0 dev lo", f"-6 address replace {PUBLIC6}/128 dev lo nodad"):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True)
        world.certificates()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate(world, names) if names else world.cert, world.key)
        self.context.sni_callback = lambda tls, name, _: setattr(tls, "asked_name", name)
        self.lock, self.connections, self.requests, self.listeners = threading.Lock(), [], [], []
        for port in PLAIN_PORTS + TLS_PORTS:
            for family, wildcard in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                self.listen(family, wildcard, port)
        world.closing.append(self.close)

    def certificate(self, world, names):
        made, extensions = world.directory / "everywhere.pem", world.directory / "everywhere.ext"
        extensions.write_text("subjectAltName=" + ",".join("DNS:" + name for name in names) + "\nextendedKeyUsage=serverAuth\n")
        subprocess.run(["openssl", "x509", "-req", "-in", world.directory / "server.csr", "-CA", world.ca_file, "-CAkey", world.directory / "ca.key", "-days", "2",
                        "-extfile", extensions, "-out", made], check=True, capture_output=True)
        return made

    def listen(self, family, wildcard, port):
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((wildcard, port))
        listener.listen(256)
        self.listeners.append(listener)
        threading.Thread(target=self.accept, args=(listener, port), daemon=True).start()

    def accept(self, listener, port):
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            address = connection.getsockname()[0]
            with self.lock:
                self.connections.append((address, port))
            threading.Thread(target=self.serve, args=(connection, address, port), daemon=True).start()

    def serve(self, connection, address, port):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(30)
            if port in TLS_PORTS:
                connection = self.context.wrap_socket(connection, server_side=True)
            elif connection.recv(1, socket.MSG_PEEK) == b"\x16":
                return  # a TLS handshake
            head = read_head(connection)
            if not head:
                return
            line, *fields = head.split("\r\n\r\n")[0].split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            with self.lock:
                self.requests.append({"address": address, "port": port, "name": getattr(connection, "asked_name", None), "line": line, "headers": headers, "text": head})
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(address), address.encode()))

    def seen(self):
        """All connections until now. Listeners accept in order: one more at each comes last."""
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            for port in PLAIN_PORTS + TLS_PORTS:
                with self.lock:
                    before = self.connections.count((host, port))
                socket.create_connection((host, port), timeout=20).close()
                for _ in range(1000):
                    with self.lock:
                        if self.connections.count((host, port)) > before:
                            self.connections.remove((host, port))
                            break
                    time.sleep(0.01)
                else:
                    raise Failure(f"nobody accepts at {host} port {port}")
        with self.lock:
            return list(self.connections)

    def forget(self):
        self.seen()
        with self.lock:
            self.connections.clear()
            self.requests.clear()

    def close(self):
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def answer_of(connection):
    """(status, reason, body) of an answer. One without Claviger-Reason is a server's; one with it must be as documented."""
    head = read_head(connection)
    if not head:
        return "nothing", "", ""
    head, _, body = head.partition("\r\n\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in head.split("\r\n")[1:])}
    while len(body.encode()) < int(fields.get("content-length", 0)):
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece.decode(errors="replace")
    status, reason = int(head.split(" ")[1]), fields.get("claviger-reason", "")
    if reason:
        problem = json.loads(body)
        equal(fields.get("content-type"), "application/problem+json", f"type of {head!r}")
        equal((problem["status"], problem["reason"], problem["type"]), (status, reason, f"urn:claviger:problem:{reason}"), "the problem says what the head says")
        check(problem["title"] and problem["detail"], f"the problem says why: {body}")
    return status, reason, body


def sent(session, data):
    """The answer to these bytes, sent to the proxy by a program of the session; AUTH stands for its credential."""
    token = b"Proxy-Authorization: Basic " + base64.b64encode(session.credential.encode())
    with socket.create_connection(("127.0.0.1", session.port), timeout=30) as connection:
        connection.sendall(data.replace(b"AUTH", token))
        return answer_of(connection)


def asked_plainly(session, target, host=None, more=""):
    """A request in absolute form; its Host field says the same unless `host` does. `more`: further fields, each with its end."""
    if host is None:
        host = re.match(r"(?:[^:/]*:)?/*([^/?#\\]*)", target)[1]
    return sent(session, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAUTH\r\n{more}Connection: close\r\n\r\n".encode())


def each(rows, ask):
    """[(row, what `ask` gave)], several at a time."""
    with concurrent.futures.ThreadPoolExecutor(6) as workers:
        return list(zip(rows, workers.map(ask, rows)))


ANY_CERTIFICATE = ssl.create_default_context()
ANY_CERTIFICATE.check_hostname, ANY_CERTIFICATE.verify_mode = False, ssl.CERT_NONE


def asked_by_tunnel(session, authority, name=None, target="/", host=None, more=""):
    """CONNECT, TLS, one request. What the CONNECT was answered with where that was no 200. A name that no client says is
    left out of the handshake."""
    if name is not None and not re.fullmatch(r"[\w.-]+", name, re.ASCII):
        name = None
    token = base64.b64encode(session.credential.encode()).decode()
    with socket.create_connection(("127.0.0.1", session.port), timeout=30) as connection:
        connection.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nProxy-Authorization: Basic {token}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(1, socket.MSG_PEEK)
            if not piece:
                return "nothing", "", ""
            head = connection.recv(4096, socket.MSG_PEEK)
        if b" 200 " not in head.split(b"\r\n")[0]:
            return answer_of(connection)
        connection.recv(head.index(b"\r\n\r\n") + 4)
        try:
            with ANY_CERTIFICATE.wrap_socket(connection, server_hostname=name) as tls:
                tls.sendall(f"GET {target} HTTP/1.1\r\nHost: {authority if host is None else host}\r\n{more}Connection: close\r\n\r\n".encode())
                return answer_of(tls)
        except (ssl.SSLError, ConnectionError):
            return "nothing", "", ""
