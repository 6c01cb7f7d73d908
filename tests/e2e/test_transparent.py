"""`run --transparent`: programs that know no proxy and read no variable get the credential all the same, every name has an
address, and nothing but the session's proxy can be reached (CL-05, PX-06, PX-09, PX-11, PX-27, T4).

Runs in network and mount namespaces of its own, with a name server of its own and addresses that look public, so it needs a
kernel that gives these to any user; where it does not, it says so, and fails on CI. As root it keeps all user ids, so that it
can become an ordinary user."""
import os, shutil, sys
if "CLAVIGER_NAMESPACE" not in os.environ:
    own = ["unshare", "--net", "--mount"] if os.system("unshare --net --mount true 2>/dev/null") == 0 else ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    if os.system(" ".join(own) + " true 2>/dev/null") != 0 or not shutil.which("ip"):
        print("NOT TESTED: no user namespaces, or no 'ip' (package iproute2): run --transparent was not tested", file=sys.stderr)
        sys.exit(1 if "CI" in os.environ else 0)
    os.environ["CLAVIGER_NAMESPACE"] = "1"
    os.execvp(own[0], [*own, sys.executable, "-B", *sys.argv])

import socket, struct
from harness import *
from test_addresses import PUBLIC, SECOND, namespace, serve
from test_sandbox import UID, without
import test_clients

HOST, OTHER, PYTHON = "api.acme.test", "other.acme.test", "/usr/bin/python3"
EMPTY = ["env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin"]  # no variable of the session reaches the program

# What a program does that has sockets and TLS and nothing else: `ask` gives what was answered, or the name of the error.
RAW = """
import json, socket, ssl, struct, sys
def ask(host, port, path="/whoami", sni=True, named=None, context=None, method="GET", family=0):
    try:
        context = context or ssl.create_default_context()
        if sni is not True: context.check_hostname = False
        address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0]
        with socket.create_connection(address[4][:2], timeout=30) as tcp:
            with context.wrap_socket(tcp, server_hostname=host if sni is True else sni) as tls:
                name = (named or host) + ("" if port == 443 else ":%d" % port)
                tls.sendall(f"{method} {path} HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n".encode())
                answer = b""
                while piece := tls.recv(65536): answer += piece
                return answer.decode()
    except ssl.SSLError as error: return "TLS " + error.reason
    except OSError as error: return type(error).__name__
def plain(host, port=80, named=None, path="/x", method="GET", head=""):
    with socket.create_connection((host, port), timeout=30) as tcp:
        tcp.sendall(f"{method} {path} HTTP/1.1\\r\\nHost: {named or host}\\r\\nConnection: close\\r\\n{head}\\r\\n".encode())
        answer = b""
        while piece := tcp.recv(65536): answer += piece
        return answer.decode()
"""


def raw(world, script, *options, code=0, uid=None):
    """Runs a Python program without any variable of the session; what it prints."""
    program = world.directory / f"raw-{world.count}.py"
    program.write_text(RAW + script)
    return world.run("run", "--transparent", *options, "--", *EMPTY, PYTHON, program, code=code)


def connect(world, **definition):
    """An API that takes a key and is known by name; gives its port."""
    namespace(world).names.update({HOST: [[PUBLIC]], OTHER: [[SECOND]]})
    return int(connect_key(world, "--host", PUBLIC, host=HOST, **definition).rsplit(":", 1)[1])


def log_of(world):
    return [json.loads(line) for line in world.run("log", "--json", "--limit", "0").stdout.splitlines()]


def refusals(world):
    return [(r.get("host"), r.get("reason")) for r in log_of(world) if r.get("reason")]


def a_program_with_sockets_alone_gets_the_credential(world):
    port = connect(world)
    done = raw(world, f"print(ask('{HOST}', {port}))")
    contains(done.stdout, '"key-holder"', "the credential reached the API")
    contains(done.stderr, "isolation: L1", "the level")
    contains(done.stderr, "nor any network but through the session's proxy", "and what else holds")
    for host, family in (("localhost", "AF_INET"), (HOST, "AF_INET6")):
        contains(raw(world, f"print(ask('{host}', {port}, sni='{HOST}', named='{HOST}', family=socket.{family}))").stdout,
                 '"key-holder"', f"{host} by {family}: the handshake says whom it is for")
    served = [r for r in log_of(world) if r.get("path") == "/whoami"]
    check(len(served) == 3 and all(r["provider"] == "acme" and r["status"] == 200 for r in served), f"each is in the log: {served}")


def every_usual_client_works_without_a_variable(world):
    port = connect(world)
    test_clients.build(world)
    node = [test_clients.NODE, "--use-openssl-ca"]
    clients = [("curl", ["sh", test_clients.HERE / "curl.sh", "--noproxy", "*"], ["curl"]), ("wget", ["sh", test_clients.HERE / "wget.sh"], ["wget"]),
               ("urllib", [PYTHON, test_clients.HERE / "urllib_client.py"], []), ("go", [test_clients.BUILT / "go-client"], ["go"]),
               ("node", [*node, test_clients.HERE / "https.mjs"], []),
               ("aws sdk", ["env", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", *node, test_clients.HERE / "aws-sdk.mjs", "direct"], []), ("java", ["java", test_clients.HERE / "UrlConnection.java"], ["javac"]),
               ("java HttpClient", ["java", test_clients.HERE / "HttpClientProgram.java"], ["javac"]),
               ("perl", ["perl", test_clients.HERE / "lwp.pl"], ["lwp-request"]), ("ruby", ["ruby", test_clients.HERE / "net_http.rb"], ["ruby"])]
    for name, command, needs in clients:
        if lacking := list(test_clients.missing(needs)):
            cannot_run(f"{name}: no {', '.join(lacking)}")
            continue
        started = time.monotonic()
        world.run("run", "--transparent", "--unmatched", "deny", "--", *EMPTY, f"API=https://{HOST}:{port}", f"ID={name.replace(' ', '-')}", "HOME=/nonexistent", *command, code=7)
        print(f"      ok    {name} ({time.monotonic() - started:.1f} s)", flush=True)


def programs_that_use_the_proxy_go_on_as_before(world):
    port = connect(world)
    equal(world.run("run", "--transparent", "--", "sh", "-c", f"curl -sSf https://{HOST}:{port}/whoami | grep -c key-holder").stdout, "1\n", "curl by the proxy's variables")
    equal(world.run("run", "--transparent", "--", "sh", "-c", 'curl -sSf --noproxy "*" $CLAVIGER_URL_ACME/whoami | grep -c key-holder').stdout, "1\n", "the reverse form")
    bare = 'p=${HTTPS_PROXY##*@}; curl -sSf --proxy "http://$p" ' + f"https://{HOST}:{port}/whoami | grep -c key-holder"
    equal(world.run("run", "--transparent", "--", "sh", "-c", bare).stdout, "1\n", "who is heard in the program's network needs no proxy credential")
    big = "sys.stdout.write(str(len(ask('%s', %d, '/bytes?n=5000000'))))" % (HOST, port)
    check(int(raw(world, big).stdout) > 5_000_000, "a long answer, whole")


def every_name_has_an_address_of_its_own(world):
    connect(world)
    script = f"""
names = ["{HOST}", "A.Example", "a.example", "b.example", "single", "x" * 63 + ".example", "xn--bcher-kva.example", "_srv.example"]
print(json.dumps([sorted({{i[4][0] for i in socket.getaddrinfo(n, 443)}}) for n in names]))
print(json.dumps([socket.gethostbyname("localhost"), socket.gethostbyname("x.localhost")]))
try: socket.getaddrinfo("name.invalid", 443); print("found")
except socket.gaierror as error: print("not found")
def question(name, kind, tail=b"", extra=0):
    head = struct.pack("!HHHHHH", 0x1234, 0x0100, 1, 0, 0, extra)
    return head + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\\0" + struct.pack("!HH", kind, 1) + tail
def by_udp(server, message, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(20); s.connect((server, 53)); s.send(message); return s.recv(4096)
def by_tcp(server, message):
    with socket.create_connection((server, 53), timeout=20) as s:
        s.sendall(struct.pack("!H", len(message)) + message); return s.recv(4096)[2:]
option = b"\\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
out = [by_udp("9.9.9.9", question("{HOST}", 1)), by_tcp("9.9.9.9", question("{HOST}", 1)), by_udp("2001:db8::53", question("{HOST}", 28), socket.AF_INET6),
       by_udp("127.0.0.1", question("{HOST}", 16)), by_udp("127.0.0.53", question("{HOST}", 1, option, 1))]
print(json.dumps([o.hex() for o in out]))
"""
    asked = dict(namespace(world).asked)
    addresses, local, invalid, answers = [line if line == "not found" else json.loads(line) for line in raw(world, script).stdout.splitlines()]
    equal(addresses[1], addresses[2], "letters of either case")
    for pair in addresses:
        check(len(pair) == 2 and pair[0].startswith("198.18.") and pair[1].startswith("fd63:"), f"one address of each family: {pair}")
    equal(len({pair[0] for pair in addresses}), len(addresses) - 1, "different names, different addresses")
    equal(local, ["127.0.0.1", "127.0.0.1"], "localhost stays itself")
    equal(invalid, "not found", "a name that cannot be")
    udp, tcp, six, text, option = map(bytes.fromhex, answers)
    equal(udp[:2] + udp[4:8], b"\x12\x34\0\1\0\1", "one answer to the question of this number")
    equal(tcp, udp, "the same by TCP")
    equal(socket.inet_ntoa(udp[-4:]), addresses[0][0], "the address, whatever server was asked")
    equal(socket.inet_ntop(socket.AF_INET6, six[-16:]), addresses[0][1], "AAAA, from a server with an IPv6 address")
    equal((text[3] & 15, text[6:8]), (0, b"\0\0"), "other records are empty, not errors")
    equal((option[10:12], option[-11:-8]), (b"\0\1", b"\0\0\x29"), "EDNS is answered with EDNS")
    equal(namespace(world).asked, asked, "no name was asked for outside")


def T4_there_is_no_other_way_out(world):
    connect(world)
    outside = {kind: socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)}
    for listener in outside.values():
        listener.bind((PUBLIC, 0))
        listener.setblocking(False)
    outside[socket.SOCK_STREAM].listen()
    tcp, udp = (outside[kind].getsockname()[1] for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0claviger-test-{os.getpid()}")
    abstract.listen()
    script = f"""
import ctypes, fcntl, os
def attempt(name, call):
    try: print(name, "got", call())
    except OSError as error: print(name, type(error).__name__, error.errno)
def stream(address, family=socket.AF_INET):
    with socket.socket(family) as s: s.settimeout(10); s.connect(address); return "connected"
def datagram(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as s: s.settimeout(10); s.connect(address); s.send(b"leak"); return s.recv(10)
for address in ("{PUBLIC}", "127.0.0.1", "10.1.2.3", "169.254.169.254"):
    attempt("tcp", lambda: stream((address, {tcp})))
    attempt("udp", lambda: datagram((address, {udp})))
attempt("tcp6", lambda: stream(("2001:db8::1", {tcp}), socket.AF_INET6))
attempt("udp6", lambda: datagram(("2001:db8::1", {udp}), socket.AF_INET6))
attempt("abstract", lambda: stream("\\0claviger-test-{os.getpid()}", socket.AF_UNIX))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0: raise OSError(ctypes.get_errno(), name)
    return "done"
attempt("setns", lambda: call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0))
attempt("mount", lambda: call("mount", b"none", b"/mnt", b"tmpfs", 0, None))
def route():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.send(struct.pack("=IHHII", 36, 25, 5, 1, 0) + struct.pack("=8BI", 2, 0, 0, 0, 255, 3, 254, 2, 0) + struct.pack("=HHI", 8, 4, 1))
        error = struct.unpack("=i", s.recv(4096)[16:20])[0]
        if error: raise OSError(-error, "route")
        return "removed"
attempt("route", route)
print("interfaces", [name for _, name in socket.if_nameindex()])
print("capabilities", [l.split()[1] for l in open("/proc/self/status") if l.startswith("CapEff")][0])
"""
    for options in ([], ["--unmatched", "deny"]):
        lines = raw(world, script, *options).stdout.splitlines()
        got = [line for line in lines if " got " in line]
        check(not got, f"{options}: {got}")
        equal(len([line for line in lines if "Error" in line]), 17, f"every attempt was made: {lines}")
        contains("\n".join(lines), "interfaces ['lo']", "no device leads out")
        capabilities = int(next(line for line in lines if line.startswith("capabilities")).split()[1], 16)
        equal(capabilities & (1 << 12 | 1 << 13 | 1 << 21), 0, "no right to administer networks or mounts")
    for kind, listener in outside.items():
        try:
            listener.accept() if kind == socket.SOCK_STREAM else listener.recv(10)
            raise Failure(f"something arrived outside by {kind}")
        except BlockingIOError:
            pass


def PX27_unmatched_hosts_are_passed_on_or_refused_as_after_connect(world):
    connect(world)
    world.certificates()
    far = subprocess.Popen(["openssl", "s_server", "-quiet", "-www", "-accept", f"{SECOND}:443", "-cert", world.cert, "-key", world.key], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    world.children.append(far)
    server = serve(SECOND, 80)
    deadline = time.monotonic() + 60
    while socket.socket().connect_ex((SECOND, 443)) and time.monotonic() < deadline:
        time.sleep(0.05)
    blind = f"""
context = ssl.create_default_context(cafile="{world.ca_file}")
context.check_hostname = False
print("tls", "s_server" in ask("{OTHER}", 443, "/", sni="{OTHER}", context=context))
print("address", "s_server" in ask("{SECOND}", 443, "/", sni=None, context=context))
print("plain", plain("{OTHER}", 80).splitlines()[0])
print("host", plain("{OTHER}", 80, named="another.example").splitlines()[0])
print("lost", plain("198.18.200.1", 80).splitlines()[0], ask("198.18.200.1", 443, sni=None))
"""
    try:
        equal(raw(world, blind).stdout.splitlines(), ["tls True", "address True", "plain HTTP/1.1 200 OK", "host HTTP/1.1 421 Misdirected Request",
                                                      "lost HTTP/1.1 502 Bad Gateway TLS TLSV1_ALERT_INTERNAL_ERROR"], "allowed: passed on blindly, never a credential")
        check(server.seen and all("authorization" not in headers for _, _, headers in server.seen), f"what arrived: {server.seen}")
        count = len(server.seen)
        denied = raw(world, f"""
print(ask("{OTHER}", 443), ask("{SECOND}", 443, sni=None))
print(plain("{OTHER}", 80).splitlines()[0])
""", "--unmatched", "deny").stdout
        equal(denied, "TLS TLSV1_ALERT_ACCESS_DENIED TLS TLSV1_ALERT_ACCESS_DENIED\nHTTP/1.1 403 Forbidden\n", "denied: said by an alert, or as HTTP")
        equal(len(server.seen), count, "nothing arrived")
        check({(OTHER, "not_allowed"), (SECOND, "not_allowed"), (f"{OTHER}:80", "misdirected")} <= set(refusals(world)), f"the log: {refusals(world)}")
        named = raw(world, f'context = ssl.create_default_context(cafile="{world.ca_file}"); context.check_hostname = False\n'
                    f'print("s_server" in ask("{OTHER}", 443, "/", sni="{OTHER}", context=context))', "--unmatched", "deny", "--allow", OTHER).stdout
        equal(named, "True\n", "what a rule names is reachable")
    finally:
        server.shutdown()
        server.server_close()


def PX06_names_that_differ_are_refused(world):
    """T4: the address of one name and the handshake or Host of another never meet, whichever of the two has a credential."""
    port = connect(world)
    requests = len((world.record).read_text().splitlines()) if world.record.exists() else 0
    script = f"""
free = ssl.create_default_context(); free.check_hostname = False; free.verify_mode = ssl.CERT_NONE
print(ask("{OTHER}", {port}, sni="{HOST}", named="{HOST}", context=free))
print(ask("{HOST}", {port}, sni="{OTHER}", named="{OTHER}", context=free))
print(ask("{HOST}", {port}, sni="{HOST}", named="{OTHER}", context=free).splitlines()[0])
print(plain("{OTHER}", 80, named="{HOST}").splitlines()[0])
print(plain("{HOST}", 80).splitlines()[0])
"""
    for options in ([], ["--unmatched", "deny"]):
        equal(raw(world, script, *options).stdout.splitlines(),
              ["TLS TLSV1_UNRECOGNIZED_NAME", "TLS TLSV1_UNRECOGNIZED_NAME", "HTTP/1.1 421 Misdirected Request", "HTTP/1.1 421 Misdirected Request", "HTTP/1.1 403 Forbidden"],
              f"{options}: refused")
    seen = world.record.read_text().splitlines() if world.record.exists() else []
    equal(len(seen), requests, "the API saw none of it")
    contains(raw(world, f"print(ask('{HOST}', {port}, sni=None))").stdout, '"key-holder"', "a handshake without a name: the name's own address says it")
    contains(raw(world, f"print(ask('{PUBLIC}', {port}, sni='{HOST}', named='{HOST}'))").stdout, '"key-holder"', "the right address, known from elsewhere")
    contains(raw(world, f"print(ask('{SECOND}', {port}, sni='{HOST}', named='{HOST}'))").stdout, '"key-holder"', "any address: the name's own is dialled")


def PX09_addresses_are_checked_as_after_connect(world):
    """Names that resolve to this machine or a private network outside, and such addresses themselves: refused, whatever the port."""
    connect(world)
    namespace(world).names.update({"inner.example": [["10.1.2.3"]], "local.example": [["127.0.0.1"]], "flip.example": [["10.1.2.3", "127.0.0.1"]]})
    servers = [serve(address, port) for address in ("127.0.0.1", "10.1.2.3") for port in (80, 443)]
    try:
        hosts = ["inner.example", "local.example", "flip.example", "10.1.2.3", "127.0.0.1"]
        out = raw(world, f"for host in {hosts}: print(plain(host).splitlines()[0], ask(host, 443, sni=None))").stdout
        equal(out.splitlines(), ["HTTP/1.1 403 Forbidden TLS TLSV1_ALERT_ACCESS_DENIED"] * len(hosts), "refused")
        equal([server.seen for server in servers], [[]] * 4, "nothing arrived")
        equal(sum(reason == "address_refused" for _, reason in refusals(world)), 2 * len(hosts), "the log has each")
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def many_connections_at_once(world):
    port = connect(world)
    done = raw(world, f"""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(60) as pool: print(sum("key-holder" in a for a in pool.map(lambda _: ask("{HOST}", {port}), range(120))))
""")
    equal(done.stdout, "120\n", "each is answered")


def rules_and_rates_hold(world):
    port = connect(world)
    done = raw(world, f"print(ask('{HOST}', {port}, '/echo', method='DELETE').splitlines()[0]); print(ask('{HOST}', {port}).splitlines()[0])", "--read-only")
    equal(done.stdout, "HTTP/1.1 403 Forbidden\nHTTP/1.1 200 OK\n", "--read-only")
    done = raw(world, f"[print(ask('{HOST}', {port}).splitlines()[0]) for i in range(3)]", "--rate", "2/h")
    equal(done.stdout, "HTTP/1.1 200 OK\n" * 2 + "HTTP/1.1 429 Too Many Requests\n", "--rate")
    done = raw(world, f"[print(ask('{HOST}', {port}, '/echo', method=m).splitlines()[0]) for m in ('TRACE', 'get', 'NOTIFY', 'REPORT')]")
    equal(done.stdout, "HTTP/1.1 405 Method Not Allowed\n" * 3 + "HTTP/1.1 200 OK\n", "methods that pass (PX-21)")
    done = raw(world, f"print(ask('{HOST}', {port}, '/echo', method='NOTIFY').splitlines()[0])", "--pass-method", "NOTIFY")
    equal(done.stdout, "HTTP/1.1 200 OK\n", "--pass-method")


def what_is_no_tls_and_no_http_is_refused(world):
    port = connect(world)
    script = f"""
def say(bytes, end=True):
    with socket.create_connection(("{HOST}", {port}), timeout=60) as s:
        s.sendall(bytes)
        if end: s.shutdown(socket.SHUT_WR)
        try: return s.recv(100)[:12]
        except OSError as error: return type(error).__name__
print(say(b"SSH-2.0-OpenSSH_9.2\\r\\n"), say(b"\\x16\\x03\\x01\\x00"), say(b"\\x16\\x03\\x01\\x00\\x05\\x02\\0\\0\\1x"), say(b"\\x16\\x09\\x01\\x00\\x05\\x01\\0\\0\\1x"), say(b""))
context = ssl.create_default_context(); incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing, server_hostname="{HOST}")
try: tls.do_handshake()
except ssl.SSLWantReadError: pass
import time
with socket.create_connection(("{HOST}", {port}), timeout=60) as s:  # a hello that comes byte by byte
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in outgoing.read(): s.sendall(bytes([byte]))
    while True:
        incoming.write(s.recv(65536))
        try: tls.do_handshake(); break
        except ssl.SSLWantReadError: pass
    print(tls.version())
"""
    equal(raw(world, script).stdout.splitlines(), ["b'HTTP/1.1 400' b'\\x15\\x03\\x03\\x00\\x02\\x022' b'\\x15\\x03\\x03\\x00\\x02\\x022' b'\\x15\\x03\\x03\\x00\\x02\\x022' b''", "TLSv1.3"], "answers")


def exit_codes_and_signals_are_passed_on(world):
    connect(world)
    world.run("run", "--transparent", "--", "sh", "-c", "exit 9", code=9)
    world.run("run", "--transparent", "--", "sh", "-c", "kill -TERM $$", code=143)
    world.run("run", "--transparent", "--", "/nonexistent", code=127)
    process = world.start("run", "--transparent", "--", "sh", "-c", "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.1; done")
    equal(process.stdout.readline(), b"ready\n", "it runs")
    process.terminate()
    out, _ = process.communicate(timeout=60)
    world.children.remove(process)
    equal((out, process.returncode), (b"caught\n", 5), "SIGTERM reaches the program")


def a_session_without_a_connection_has_its_network_too(world):
    done = raw(world, "print(socket.gethostbyname('a.example')); print(ask('a.example', 443, sni='a.example'))", "--unmatched", "deny")
    equal(done.stdout, "198.18.0.1\nTLS TLSV1_ALERT_ACCESS_DENIED\n", "names, and a refusal")


def CL05_it_works_as_an_ordinary_user_and_drops_all_rights(world):
    if os.geteuid() != 0 or open("/proc/self/uid_map").read().split()[2] == "1":
        cannot_run("another user, as this is not root with all ids")
        return
    port = connect(world)
    world.directory.chmod(0o711)
    subprocess.run(["chown", "-Rh", f"{UID}:{UID}", world.user_home, world.temporary, world.artefacts], check=True)
    program = world.directory / "user.py"
    program.write_text(RAW + f"""
import os
print(ask("{HOST}", {port}).count("key-holder"), os.getuid(), os.stat(os.environ["MINE"]).st_uid)
print([l.split()[1] for l in open("/proc/self/status") if l.startswith(("CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs"))])
""")
    program.chmod(0o644)
    become = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups"]

    def as_user(*command, code=0, wrapper=()):
        done = subprocess.run([*become, *wrapper, world.program, *command], env=world.environment(), capture_output=True, text=True, timeout=120, cwd="/")
        world.keep(command, done.stdout.encode(), done.stderr.encode(), False)
        check(done.returncode == code, f"{command}: exit code {done.returncode} instead of {code}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
        return done
    done = as_user("run", "--transparent", "--", *EMPTY, f"MINE={world.temporary}", PYTHON, str(program))
    first, second = done.stdout.splitlines()
    equal(first, f"1 {UID} {UID}", "the credential; whose the process and its files are")
    equal(second, str(["0" * 16] * 4 + ["1"]), "no capability is left")
    contains(as_user("doctor", code=0).stdout, "ok    transparent: run --transparent works", "doctor tries it")
    limit = ["unshare", "--user", "--keep-caps", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"', "sh"]
    refused = as_user("run", "--transparent", "--", "echo", "ran", code=15, wrapper=limit)
    equal(refused.stdout, "", "nothing ran")
    contains(refused.stderr, "cannot give the program a network of its own: this system allows no user namespaces (user.max_user_namespaces is 0)", "why")
    contains(refused.stderr, "without --transparent", "and what works all the same")
    contains(as_user("doctor", wrapper=limit).stdout, "skip  transparent: not available: ", "doctor says so, and it is no fault")


def root_that_may_not_configure_networks_needs_no_more(world):
    """As in a container: a user namespace is made, with all ids, so root keeps its power over other users' files."""
    if os.geteuid() != 0 or open("/proc/self/uid_map").read().split()[2] == "1":
        cannot_run("root without some of its rights, as this is not root with all ids")
        return
    port = connect(world)
    program = world.directory / "root.py"
    program.write_text(RAW + f"""
import os
file = os.environ["FILE"]
open(file, "w").close(); os.chown(file, {UID}, {UID}); open(file, "a").write("more")
print(ask("{HOST}", {port}).count("key-holder"), os.stat(file).st_uid)
""")
    for less in ("-net_admin", "-sys_admin", "-net_admin,-sys_admin,-net_raw"):
        done = subprocess.run(["setpriv", f"--bounding-set={less}", f"--inh-caps={less}", world.program, "run", "--transparent", "--", *EMPTY, f"FILE={world.temporary}/file{less}", PYTHON, program],
                              env=world.environment(), capture_output=True, text=True, timeout=120)
        equal((done.returncode, done.stdout), (0, f"1 {UID}\n"), f"{less}: {done.stderr}")


def what_cannot_be_had_is_said(world):
    connect(world)
    for calls in ("unshare", "mount"):
        done = subprocess.run([*without(calls, 1), world.program, "run", "--transparent", "--", "echo", "ran"], env=world.environment(), capture_output=True, text=True, timeout=120)
        equal((done.returncode, done.stdout), (15, ""), f"without {calls}: {done.stderr}")
        contains(done.stderr, "cannot give the program a network of its own", "why")
    equal(json.loads(world.run("run", "--transparent", "--sandbox", "landlock", "--json", "--", "true", code=2).stderr)["error"]["code"], "usage", "a contradiction")
    contains(world.run("run", "--transparent", "--no-sandbox", "--", "true", code=2).stderr, "--no-sandbox leaves out", "another")
    world.run("run", "--transparent", "--sandbox", "namespace", "--", "true")


def the_systems_files_are_as_they_were(world):
    """What is shown to the program is its own; nothing outside changes, and the session's directory goes with it."""
    port = connect(world)
    before = {p: p.read_bytes() for p in map(pathlib.Path, ("/etc/ssl/certs/ca-certificates.crt", "/etc/resolv.conf"))}
    names = sorted(os.listdir("/etc/ssl/certs"))
    script = f"""
print(open("/etc/resolv.conf").read().split())
try: open("/etc/ssl/certs/mine", "w").close()
except OSError: pass
print(ask("{HOST}", {port}).count("key-holder"))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(capath="/etc/ssl/certs")
print(ask("{HOST}", {port}, context=context).count("key-holder"))
"""
    equal(raw(world, script).stdout, "['nameserver', '127.0.0.1', 'options', 'ndots:0']\n1\n1\n", "inside: by the bundle, and by the directory")
    for path, content in before.items():
        equal(path.read_bytes(), content, str(path))
    equal(sorted(os.listdir("/etc/ssl/certs")), names, "outside")
    system = ssl.create_default_context()
    check(any(system.get_ca_certs()), "the system's own authorities are trusted inside as outside")
    inside = raw(world, "print(len(ssl.create_default_context().get_ca_certs()))").stdout
    equal(int(inside), len(system.get_ca_certs()) + 2, "the system's authorities, the session's and the one of network.ca_file")


if __name__ == "__main__":
    main(a_program_with_sockets_alone_gets_the_credential, every_usual_client_works_without_a_variable, programs_that_use_the_proxy_go_on_as_before,
         every_name_has_an_address_of_its_own, T4_there_is_no_other_way_out, PX27_unmatched_hosts_are_passed_on_or_refused_as_after_connect,
         PX06_names_that_differ_are_refused, PX09_addresses_are_checked_as_after_connect, many_connections_at_once, rules_and_rates_hold, what_is_no_tls_and_no_http_is_refused, exit_codes_and_signals_are_passed_on,
         a_session_without_a_connection_has_its_network_too, CL05_it_works_as_an_ordinary_user_and_drops_all_rights, root_that_may_not_configure_networks_needs_no_more, what_cannot_be_had_is_said,
         the_systems_files_are_as_they_were)
