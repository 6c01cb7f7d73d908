"""gRPC under run: HTTP/2 at both ends, every kind of call with the credential, and nothing that shows it comes back."""
import socket, sys
from harness import *
import test_clients  # namespaces of its own, where api.acme.test is a host that no client takes for this machine
from test_clients import ADDRESS, HERE, HOST, a_host_of_its_own, missing

SERVER = ROOT / "tests/peers/grpc/server.py"


def connected(world, *options, **definition):
    key = world.canaries.new("key of gRPC")
    world.certificates()
    port = world.peer("/usr/bin/python3", SERVER, "--host", ADDRESS, "--cert", world.cert, "--key", world.key, "--record", world.directory / "calls",
                      "--key-sha256", hashlib.sha256(("Bearer " + key).encode()).hexdigest(), *options)["port"]
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=f"https://{HOST}:{port}/",
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}, **definition), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    return key, f"{HOST}:{port}"


def run(world, target, *command, options=(), code=7):
    return world.run("run", "--unmatched", "deny", *options, "--", *command, env=world.environment(TARGET=target), code=code)


def every_kind_of_call(world):
    a_host_of_its_own(world)
    key, target = connected(world)
    done = run(world, target, "/usr/bin/python3", HERE / "grpc_client.py")
    contains(done.stdout, "*" * len(key), "the message and the trailer that show the key are scrubbed (PX-20)")
    check(key not in done.stdout, "none shows it")
    calls = (world.directory / "calls").read_text().splitlines()
    check(len(calls) >= 59 and set(calls) == {"True"}, "each call came with the key")
    run(world, target, NODE, HERE / "grpc.mjs")


def rules_hold(world):
    """A call is a POST of its path; a refusal is an error of the call."""
    a_host_of_its_own(world)
    _, target = connected(world)
    program = world.directory / "one.py"
    program.write_text("import grpc, os, sys\n"
                       "channel = grpc.secure_channel(os.environ['TARGET'], grpc.ssl_channel_credentials())\n"
                       "try: sys.exit(0 if channel.unary_unary(sys.argv[1])(b'x', timeout=20) == b'x' else 3)\n"
                       "except grpc.RpcError as error: print(error.code(), error.details()); sys.exit(5)\n")
    run(world, target, "/usr/bin/python3", program, "/acme.Echo/Say", options=("--deny", "/acme.Other/*"), code=0)
    refused = run(world, target, "/usr/bin/python3", program, "/acme.Echo/Say", options=("--read-only",), code=5)
    contains(refused.stdout, "403", "read-only refuses")
    calls = (world.directory / "calls").read_text().splitlines()
    equal(len(calls), 1, "what was refused was not sent")


def a_message_that_is_coded_all_the_same_is_refused(world):
    a_host_of_its_own(world)
    _, target = connected(world, "--gzip")
    program = world.directory / "one.py"
    program.write_text("import grpc, os, sys\n"
                       "channel = grpc.secure_channel(os.environ['TARGET'], grpc.ssl_channel_credentials())\n"
                       "try: print(channel.unary_unary('/acme.Echo/Show')(b'x', timeout=20).decode())\n"
                       "except grpc.RpcError as error: print(error.code(), error.details()); sys.exit(5)\n")
    done = run(world, target, "/usr/bin/python3", program, code=None)
    check(done.returncode == 5 and "502" in done.stdout, f"nobody can look into it: {done.returncode} {done.stdout}")
    equal(json.loads(world.run("log", "--json").stdout.splitlines()[-1])["reason"], "coded_answer", "as the log says")


def PX29_a_call_ends_with_its_permission(world):
    """A call that streams without end is broken off when a rule comes to refuse it; the next is refused."""
    a_host_of_its_own(world)
    _, target = connected(world)
    begun = world.directory / "begun"
    program = world.directory / "forever.py"
    program.write_text("import grpc, os, sys\n"
                       "channel = grpc.secure_channel(os.environ['TARGET'], grpc.ssl_channel_credentials())\n"
                       "try:\n"
                       "    for message in channel.unary_stream('/acme.Echo/Forever')(b'', timeout=120): open(sys.argv[1], 'w').close()\n"
                       "except grpc.RpcError as error: print(error.code()); sys.exit(5)\n")
    session = world.start("run", "--unmatched", "deny", "--", "/usr/bin/python3", program, begun, env=world.environment(TARGET=target))
    for _ in range(600):
        if begun.exists() or session.poll() is not None:
            break
        time.sleep(0.1)
    check(begun.exists(), "a call that goes on")
    world.run("rule", "add", "acme", "--deny", "/acme.Echo/Forever")
    printed, _ = session.communicate(timeout=60)
    world.children.remove(session)
    check(session.returncode == 5 and b"DEADLINE" not in printed, f"the rule ends it: {session.returncode} {printed}")
    calls = [line for line in map(json.loads, world.run("log", "--json").stdout.splitlines()) if line["kind"] == "request"]
    equal([(call["path"], call["reason"]) for call in calls], [("/acme.Echo/Forever", "withdrawn")], "as the log says")


def PX29_a_tunnel_and_a_request_without_a_credential_end_with_the_session_s_time(world):
    """Real curl through a blind tunnel to a host that no connection serves, and over plain http."""
    a_host_of_its_own(world)
    world.certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.cert, world.key)

    def serve(raw, wrap):
        with contextlib.suppress(OSError):
            connection = context.wrap_socket(raw, server_side=True) if wrap else raw
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            while True:
                connection.sendall(b"data: again\n\n")
                time.sleep(0.1)

    def accept(listener, wrap):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0], wrap), daemon=True).start()
    for scheme, method in (("https", "CONNECT"), ("http", "GET")):
        listener = socket.create_server((ADDRESS, 0))
        threading.Thread(target=accept, args=(listener, scheme == "https"), daemon=True).start()
        url = f"{scheme}://{HOST}:{listener.getsockname()[1]}/"
        done = world.run("run", "--for", "6s", "--", "curl", "-sSNk", "--max-time", "60", url, code=None)
        contains(done.stdout, "data: again", f"{scheme}: it went on")
        check(done.returncode not in (28,), f"{scheme}: the session's time ends it, not curl's own: {done.returncode} {done.stderr}")
        last = json.loads(world.run("log", "--json").stdout.splitlines()[-1])
        equal((last["method"], last["reason"]), (method, "withdrawn"), f"{scheme}: as the log says")
        late = world.run("run", "--for", "1s", "--", "sh", "-c", f"sleep 2; curl -sSk --max-time 60 -w '%{{http_connect}} %{{http_code}}' {url}", code=None)
        contains(late.stdout + late.stderr, "403", f"{scheme}: nothing new begins after it")
        listener.close()


def other_clients_of_http2(world):
    """Who offers HTTP/1.1 too gets that; who offers HTTP/2 alone gets it, also in front of a server of HTTP/1.1."""
    a_host_of_its_own(world)
    api = connect_key(world, "--host", ADDRESS, host=HOST)
    spoken = world.run("run", "--", "curl", "-sS", "--http2", "-o", "/dev/null", "-w", "%{http_version}", f"{api}/whoami").stdout
    equal(spoken, "1.1", "both offered")
    big = world.directory / "big.bin"
    big.write_bytes(os.urandom(5_000_000))
    rows = [("GET", "/whoami", (), 200, lambda answer: json.loads(answer["text"])["sub"] == "key-holder"),
            ("GET", "/stream?n=5", (), 200, lambda answer: answer["text"] == "".join(f"line {i}\n" for i in range(5))),
            ("POST", "/echo", (big,), 200, lambda answer: json.loads(answer["text"])["body"] == {"bytes": 5_000_000, "sha256": hashlib.sha256(big.read_bytes()).hexdigest()}),
            ("GET", "/bytes?n=20000000", (), 200, lambda answer: answer["bytes"] == 20_000_000),
            ("HEAD", "/whoami", (), 200, lambda answer: answer["bytes"] == 0 and int(answer["headers"]["content-length"]) > 0),
            ("GET", "/status/503", (), 503, lambda answer: True),
            ("DELETE", "/echo", (), 403, lambda answer: json.loads(answer["text"])["reason"] == "policy"),
            ("TRACE", "/echo", (), 405, lambda answer: "PROPFIND" in answer["headers"]["allow"]),
            ("REPORT", "/echo", (), 200, lambda answer: json.loads(answer["text"])["method"] == "REPORT"),
            ("NOTIFY", "/echo", (), 405, lambda answer: json.loads(answer["text"])["command"] == "claviger run --pass-method NOTIFY"),
            ("get", "/echo", (), 405, lambda answer: "case-sensitive" in json.loads(answer["text"])["detail"])]
    for method, path, more, status, good in rows:
        answer = json.loads(world.run("run", "--deny", "DELETE", "--", NODE, HERE / "http2.mjs", method, api + path, *more).stdout)
        check(answer["status"] == status and good(answer), f"{method} {path}: {answer['status']} {answer['text'][:500]}")
    wrong = json.loads(world.run("run", "--", NODE, HERE / "http2.mjs", "GET", api + "/whoami", "--authority", "other.example").stdout)
    equal(wrong["status"], 421, "another host than the connection's (PX-06)")



if __name__ == "__main__":
    test_clients.in_its_own_namespaces()
    if lacking := list(missing(["module:grpc"])):
        cannot_run(f"no {lacking[0]} (Debian: python3-grpcio)")
        main(PX29_a_tunnel_and_a_request_without_a_credential_end_with_the_session_s_time, other_clients_of_http2)
    else:
        main(every_kind_of_call, rules_hold, PX29_a_call_ends_with_its_permission, PX29_a_tunnel_and_a_request_without_a_credential_end_with_the_session_s_time, a_message_that_is_coded_all_the_same_is_refused, other_clients_of_http2)
