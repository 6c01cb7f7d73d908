"""Over a thousand requests that two readers may understand differently (smuggling_cases.py), through the proxy in front of
three servers of Debian and of a recorder (G6, PX-15, PX-16): the back-end never sees a request that the proxy did not
mean, the proxy never takes an answer for another one's, and of a refused message not one byte arrives."""
import collections, queue, shutil, socket, ssl
from harness import *
from smuggling_cases import cases
from test_proxy_rules import Session, read_head

PATIENCE = 0.4  # seconds for an answer to a message that is not complete, as the proxy sees it


def path_of(number):
    return b"/case%05d" % number


class Server:
    """A real server with TLS on 127.0.0.1 that logs a line "METHOD target ..." for each request."""

    def __init__(self, world, name, command, configuration, ready=None):
        self.name, self.directory = name, world.directory / name
        self.directory.mkdir()
        self.directory.chmod(0o755)
        world.directory.chmod(0o755)  # a server that is started as root reads as another user
        (self.directory / "index.html").write_text("ok")
        self.port = free_port()
        self.log = self.directory / "requests.log"
        (self.directory / "both.pem").write_text(world.cert.read_text() + world.key.read_text())
        text = configuration.format(d=self.directory, port=self.port, cert=world.cert, key=world.key, log=self.log)
        (self.directory / "conf").write_text(text)
        self.output = open(self.directory / "output", "wb")
        self.process = subprocess.Popen([part.format(d=self.directory) for part in command], stdout=self.output, stderr=self.output)
        world.children.append(self.process)
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                break
            time.sleep(0.05)
        else:
            raise Failure(f"{name} did not start: {(self.directory / 'output').read_text()[-2000:]}")

    def stop(self):
        """All that it logged, by case: lines in the order of its log."""
        self.process.terminate()
        self.process.wait(20)
        seen = collections.defaultdict(list)
        for line in self.log.read_bytes().splitlines():
            number = re.search(rb"/case(\d{5})/", line)
            if number:
                seen[int(number[1])].append(line.decode(errors="replace"))
        return seen


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def nginx(world):
    return Server(world, "nginx", ["nginx", "-p", "{d}", "-c", "{d}/conf"], """daemon off; worker_processes 1; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 1024; }}
http {{ log_format l '$request_method $request_uri'; access_log {log} l; client_max_body_size 0; client_body_temp_path {d}; proxy_temp_path {d}; fastcgi_temp_path {d}; uwsgi_temp_path {d}; scgi_temp_path {d};
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key}; merge_slashes off; location / {{ return 200 ok; }} }} }}""")


def apache(world):
    modules = "mpm_event authz_core ssl rewrite"  # others are built in
    loads = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules.split())
    return Server(world, "apache", ["apache2", "-D", "FOREGROUND", "-f", "{d}/conf"], loads + """
ServerRoot {d}
ServerName 127.0.0.1
PidFile {d}/pid
User nobody
Group nogroup
Mutex file:{d}
Listen 127.0.0.1:{port}
ErrorLog {d}/error.log
LogFormat "%r" l
CustomLog {log} l
DocumentRoot {d}
HttpProtocolOptions Unsafe
RewriteEngine On
RewriteRule ^ /index.html [L]
SSLEngine On
SSLCertificateFile {cert}
SSLCertificateKeyFile {key}
<Directory {d}>
  Require all granted
</Directory>
""")


def lighttpd(world):
    return Server(world, "lighttpd", ["lighttpd", "-D", "-f", "{d}/conf"], """server.modules = ("mod_openssl", "mod_accesslog", "mod_rewrite")
server.document-root = "{d}"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{d}/error.log"
server.http-parseopts = ("header-strict" => "disable", "host-strict" => "disable", "host-normalize" => "disable", "url-normalize" => "disable", "method-get-body" => "enable")
accesslog.filename = "{log}"
accesslog.format = "%r"
url.rewrite-once = ("" => "/index.html")
ssl.engine = "enable"
ssl.pemfile = "{d}/both.pem"
""")


class Recorder(threading.Thread):
    """Answers whatever looks like a request and keeps every byte that it gets."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.name_, self.bytes, self.stopped = "recorder", [], threading.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(world.cert, world.key)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        world.closing.append(self.listener.close)
        self.start()

    def run(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            with self.context.wrap_socket(connection, server_side=True) as tls:
                data = b""
                while piece := tls.recv(65536):
                    data += piece
                    self.bytes.append(piece)
                    if b"\r\n\r\n" in data:
                        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                        return

    def stop(self):
        self.stopped.set()
        seen = collections.defaultdict(list)
        for piece in self.bytes:
            for number in re.findall(rb"case(\d{5})", piece):
                seen[int(number)].append(piece.decode(errors="replace"))
        return seen


def answers_to(session, host, data):
    """The statuses of the final answers to what was sent on one opened connection."""
    received = b""
    with contextlib.suppress(OSError):
        with session.opened(host, "127.0.0.1") as tls:
            tls.settimeout(PATIENCE)
            with contextlib.suppress(OSError):  # refused before all of it was read
                tls.sendall(data)
            while piece := tls.recv(65536):
                received += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received) if not status.startswith(b"1")]


def served_by_proxy(trace):
    """What the proxy says that it forwarded, by case: [(method, path, status), ...]."""
    served = collections.defaultdict(list)
    for line in trace.read_text(errors="replace").splitlines():
        if "proxy.served" not in line:
            continue
        entry = json.loads(line[line.index("{"):])
        number = re.search(r"/case(\d{5})/", entry["path"])
        if number and entry["provider"]:  # without one it was refused
            served[int(number[1])].append((entry["method"], entry["path"], entry["status"]))
    return served


def disagreement(case, data, statuses, served, seen):
    """What is wrong between the proxy's reading and the server's, or None. `seen` is in the order of the server's log."""
    for line in seen:
        method, target = line.split(" ")[:2]
        if not any(method == one and target.endswith(path[path.rindex("/"):]) for one, path, _ in served):
            return f"the server read {line!r}, which the proxy did not send"
    if len(seen) > len(served):
        return f"the server read {len(seen)} requests, the proxy sent {len(served)}"
    answered = [entry for entry in served if entry[2] == 200]
    if len(answered) > len(seen):
        return f"the proxy has answers to {answered}, the server read {seen}"
    if len(statuses) > len(served) + 1:
        return f"{len(statuses)} answers to {len(served)} requests"
    return None


def through(world, server):
    """All cases through one session. How many were refused whole and how many were served."""
    host = f"127.0.0.1:{server.port}"
    name = getattr(server, "name_", None) or server.name
    world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_url=f"https://{host}/", api_key={"header_name": "X-Key"}), "--yes")
    world.run("login", name, "--input", "stdin", stdin=world.canaries.new(f"{name} key"))
    trace = world.artefacts / "trace.log"
    trace.unlink(missing_ok=True)
    session = Session(world, "--no-sandbox", "--use", name, "--only", "--pass-method", "BREW", "--pass-method", "M-SEARCH", "--pass-method", "post", lifetime=900)
    work, results = queue.Queue(), {}

    def worker():
        while True:
            try:
                number, group, data = work.get_nowait()
            except queue.Empty:
                return
            probe = b"GET %s/probe HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path_of(number), host.encode())
            results[number] = (group, data, answers_to(session, host, data + probe))

    for case in cases(host.encode(), path_of):
        work.put(case)
    workers = [threading.Thread(target=worker) for _ in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    session.end()
    seen, served = server.stop(), served_by_proxy(trace)
    wrong, refused = [], 0
    for number, (group, data, statuses) in sorted(results.items()):
        case = f"{name} {group} {number}: {data[:160]!r}"
        sent = served[number]
        if not sent:
            refused += 1
            if seen[number]:
                wrong.append(f"{case}\n  refused ({statuses}), but the server got {seen[number][:2]}")
            if not statuses:
                wrong.append(f"{case}\n  not sent and not answered")
        elif name != "recorder":
            why = disagreement(case, data, statuses, sent, seen[number])
            if why:
                wrong.append(f"{case}\n  {why}; answers {statuses}, sent {sent}, seen {seen[number]}")
    check(not wrong, f"{len(wrong)} of {len(results)}:\n" + "\n".join(wrong[:12]))
    check(refused > len(results) // 3 and refused < len(results), f"{refused} of {len(results)} refused")
    print(f"{name}: {len(results)} cases, {refused} refused whole, 0 desyncs", flush=True)


def in_front_of_nginx(world):
    world.certificates()
    through(world, nginx(world))


def in_front_of_apache(world):
    world.certificates()
    if not shutil.which("apache2"):
        return cannot_run("apache2 is not installed")
    through(world, apache(world))


def in_front_of_lighttpd(world):
    world.certificates()
    if not shutil.which("lighttpd"):
        return cannot_run("lighttpd is not installed")
    through(world, lighttpd(world))


def of_what_is_refused_not_a_byte_arrives(world):
    world.certificates()
    through(world, Recorder(world))


def the_comparison_finds_a_desync(world):
    """The negative control: readings that differ are told."""
    first, hidden = ("POST", "/case00001/first", 200), ("GET", "/case00001/smuggled", 200)
    check(disagreement("", b"", [200], [first], ["POST /case00001/first"]) is None, "one request, one reading")
    check(disagreement("", b"", [200, 200], [first, hidden], ["POST /case00001/first", "GET /case00001/smuggled"]) is None, "two in a row")
    for what, statuses, served, seen in (("smuggled", [200], [first], ["POST /case00001/first", "GET /case00001/smuggled"]),
                                         ("an answer too many", [200, 200, 200], [first], ["POST /case00001/first"]),
                                         ("an answer to nothing", [200, 200], [first, hidden], ["POST /case00001/first"])):
        check(disagreement("", b"", statuses, served, seen), what)


if __name__ == "__main__":
    main(the_comparison_finds_a_desync, of_what_is_refused_not_a_byte_arrives, in_front_of_nginx, in_front_of_apache, in_front_of_lighttpd)
