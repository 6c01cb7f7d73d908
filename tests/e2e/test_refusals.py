"""What a refusal tells the program: nothing of this machine (PX-35). The owner reads the whole of it in `claviger log`.

Runs in network and mount namespaces of its own, for names that lead where they should not. Where the kernel gives no user
namespaces it says so, and fails on CI."""
import os, sys
if __name__ == "__main__" and "CLAVIGER_NAMESPACE" not in os.environ:
    if os.system("unshare --user --map-root-user --net --mount true 2>/dev/null") != 0:
        print("NOT TESTED: no user namespaces: refusals were not tested", file=sys.stderr)
        sys.exit(1 if "CI" in os.environ else 0)
    os.environ["CLAVIGER_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--net", "--mount", sys.executable, "-B", *sys.argv])

import http.server, socket, subprocess
from harness import *
from test_proxy_rules import Session

INSIDE = "10.1.2.3"


def prepare(world):
    hosts = world.directory / "hosts"
    hosts.write_text(f"127.0.0.1 localhost corp-proxy.test\n{INSIDE} inside.acme.test\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    world.closing.append(lambda: subprocess.run(["umount", "/etc/hosts"], check=True))


def key_at(world, name, url):
    world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_url=url,
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    world.run("login", name, "--input", "stdin", stdin=world.canaries.new(f"key of {name}"))


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """On this machine, plain http or https: a token endpoint whose tokens are over at once, and a proxy that wants a password."""

    def __init__(self, world, tls):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                text = json.dumps({"access_token": world.canaries.new("token"), "token_type": "Bearer", "expires_in": 1}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                self.send_response(407)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_CONNECT = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(world.cert, world.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_port

    def end(self):
        self.server.shutdown()
        self.server.server_close()


def ask(world, session, url, reason, forbidden=()):
    """The whole answer, headers too, tells of nothing but what the request said itself."""
    shown = subprocess.run(["curl", "-sSi", "--max-time", "60", url], env={**os.environ, **session.environment}, capture_output=True, text=True)
    answer = shown.stdout.rpartition("200 Connection Established")[2]
    contains(answer, f"Claviger-Reason: {reason}", f"{url} {shown.stderr}")
    problem = json.loads(answer[answer.index("{"):])
    for word in ("/proc", "/etc", str(world.home), str(world.user_home), str(world.directory), ".claviger", "corp-proxy", *forbidden):
        check(word not in answer, f"{reason} tells of {word}: {answer}")
    check(not re.search(r"\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]", answer), f"{reason} tells of an address: {answer}")
    check(len(problem["detail"]) > 30, f"{reason} says what is the matter: {problem}")
    check("command" not in problem or problem["command"].startswith("claviger "), f"{reason}: a command or none: {problem}")
    return problem


def why_in_log(world, reason):
    lines = [json.loads(line) for line in world.run("log", "--json").stdout.splitlines()]
    return " | ".join(line["why"] or "" for line in lines if line.get("reason") == reason)


def upstreams_that_cannot_be_reached(world):
    prepare(world)
    world.certificates()
    unused = closed_port()
    server = Server(world, tls=True)
    key_at(world, "inside", "https://inside.acme.test/")
    key_at(world, "nobody", f"https://localhost:{unused}/")
    key_at(world, "unknown", "https://nowhere.acme.test/")
    key_at(world, "untrusted", f"https://localhost:{server.port}/")
    world.run("config", "unset", "network.ca_file")
    session = Session(world)
    ask(world, session, "https://inside.acme.test/x", "address_refused", [INSIDE])
    ask(world, session, f"https://localhost:{unused}/x", "upstream_unreachable")
    ask(world, session, "https://nowhere.acme.test/x", "upstream_unreachable")
    told = ask(world, session, f"https://localhost:{server.port}/x", "upstream_tls")
    equal(told["command"], "claviger config set network.ca_file FILE", "what mends it")
    ask(world, session, "http://inside.acme.test:81/x", "not_allowed")  # https only
    session.end()
    server.end()
    contains(why_in_log(world, "address_refused"), f"address {INSIDE} is refused", "the owner reads which address")
    contains(why_in_log(world, "upstream_unreachable"), f":{unused}: connection refused", "and where nobody listens")
    contains(world.run("log").stdout, f"address {INSIDE} is refused", "also in the table")


def the_proxy_of_the_machine(world):
    prepare(world)
    wants_password = Server(world, tls=False)
    for port, why in ((closed_port(), "cannot be reached"), (wants_password.port, "wants other credentials")):
        proxy = f"http://corp-proxy.test:{port}"
        environment = world.environment
        world.environment = lambda **extra: environment(HTTP_PROXY=proxy, HTTPS_PROXY=proxy, **extra)
        session = Session(world, "--unmatched", "allow")
        world.environment = environment
        ask(world, session, "http://plain.acme.test/x", "upstream_unreachable", [str(port)])
        session.end()
        contains(why_in_log(world, "upstream_unreachable"), f"the proxy corp-proxy.test:{port} (HTTP_PROXY) {why}", "the owner reads which proxy")
    wants_password.end()


def credentials_that_are_not_to_be_had(world):
    prepare(world)
    world.certificates()
    tokens = Server(world, tls=True)
    base = f"https://localhost:{tokens.port}"
    world.run("register", world.definition("minted", auth_type="oauth2", flow="client_credentials", api_url="https://minted.acme.test/",
                                           oauth={"token_url": base + "/token", "scopes": []}), "--yes")
    world.run("login", "minted", "--input", "stdin", stdin=json.dumps({"client_id": "robot", "client_secret": world.canaries.new("client secret")}))
    for name in ("broken", "gone", "asked"):
        key_at(world, name, f"https://{name}.acme.test/")
    (world.home / "approvals").write_text("not a directory")
    session = Session(world, "--ask", "asked.acme.test/**")
    tokens.end()
    time.sleep(2)  # the token lives for a second
    ask(world, session, "https://minted.acme.test/x", "credential_unavailable", [str(tokens.port)])
    definition = next(world.home.rglob("broken.json"))
    definition.write_text(definition.read_text() + "}")
    told = ask(world, session, "https://broken.acme.test/x", "credential_unavailable", ["broken.json"])
    equal(told["command"], "claviger doctor", "which tells the owner what is wrong with the file")
    world.run("logout", "gone")
    told = ask(world, session, "https://gone.acme.test/x", "not_connected")
    equal(told["command"], "claviger login gone", "what mends it")
    told = ask(world, session, "https://asked.acme.test/x", "approval_unavailable")
    session.end()
    contains(why_in_log(world, "credential_unavailable"), f":{tokens.port}", "the owner reads what could not be reached")
    contains(why_in_log(world, "credential_unavailable"), "broken.json", "and which file is broken")
    contains(why_in_log(world, "approval_unavailable"), str(world.home / "approvals"), "and what is in the way")
    contains(world.run("doctor", code=None).stdout, "broken", "doctor names the definition")


if __name__ == "__main__":
    main(upstreams_that_cannot_be_reached, the_proxy_of_the_machine, credentials_that_are_not_to_be_had)
