"""A machine whose requests have to go through a proxy: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the parent, with tinyproxy as
the real one. Only the proxy can resolve the names of the services here, so what arrives went through it.

Runs in network and mount namespaces of its own. Where the kernel gives no user namespaces it says so, and fails on CI."""
import os, sys
if __name__ == "__main__" and "CLAVIGER_NAMESPACE" not in os.environ:
    if os.system("unshare --user --map-root-user --net --mount true 2>/dev/null") != 0:
        print("NOT TESTED: no user namespaces: the proxy of a machine was not tested", file=sys.stderr)
        sys.exit(1 if "CI" in os.environ else 0)
    os.environ["CLAVIGER_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--net", "--mount", sys.executable, "-B", *sys.argv])

import http.server, json, shutil, socket, subprocess
from harness import *

HOST, ADDRESS = "api.acme.test", "8.8.4.4"  # an address of this namespace's own loopback device


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """https: a token endpoint for client credentials, whose tokens are soon over, and an API. `plain`: http, and no more."""

    def __init__(self, world, plain=False):
        self.world, self.seen, self.live = world, [], set()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                service.seen.append((self.command, self.path, dict(self.headers)))
                status, value = service.answer(self.path, body.decode(), self.headers)
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer((ADDRESS, 0), Handler)
        server.daemon_threads = True
        if not plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(world.cert, world.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        world.closing.append(server.shutdown)
        self.port = server.server_port

    def answer(self, path, body, headers):
        if path == "/token":
            token = self.world.canaries.new(f"token {len(self.seen)}")
            self.live.add(token)
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 1}
        return (200, {"path": path}) if headers.get("Authorization", "").removeprefix("Bearer ") in self.live or path.startswith("/open") else (401, {})


class Proxy:
    def __init__(self, world):
        for command in (["ip", "link", "set", "lo", "up"], ["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"]):
            subprocess.run(command, check=True, capture_output=True)
        self.password = world.canaries.new("proxy password")
        self.port, self.log = free_port(), world.directory / "tinyproxy.log"
        hosts, configuration = world.directory / "proxy-hosts", world.directory / "tinyproxy.conf"
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOST} other.acme.test plain.acme.test\n")
        configuration.write_text(f'Port {self.port}\nListen 127.0.0.1\nTimeout 60\nLogFile "{self.log}"\nLogLevel Connect\nMaxClients 50\n'
                                 f"BasicAuth clav {self.password}\n")
        world.children.append(subprocess.Popen(["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && exec tinyproxy -d -c "$2"', "sh", hosts, configuration],
                                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(world.directory / "tinyproxy.err", "wb")))
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            check(world.children[-1].poll() is None, f"tinyproxy did not start: {(world.directory / 'tinyproxy.err').read_text()}")
            time.sleep(0.05)
        raise Failure("tinyproxy does not listen")

    def url(self, password=None):
        return f"http://clav:{password or self.password}@127.0.0.1:{self.port}"

    def asked(self, what):
        return self.log.read_text().count(what)


def begin(world):
    if not shutil.which("tinyproxy"):
        cannot_run("tinyproxy is not installed")
        return None, None
    proxy = Proxy(world)
    world.certificates()
    service = Service(world)
    base = f"https://{HOST}:{service.port}"
    world.run("register", world.definition("acme", auth_type="oauth2", flow="client_credentials", api_url=base + "/",
                                           oauth={"token_url": base + "/token", "scopes": []}), "--yes")
    return proxy, service


def login(world, proxy, code=0, **environment):
    return world.run("login", "acme", "--input", "stdin", code=code,
                     stdin=json.dumps({"client_id": "robot", "client_secret": world.canaries.new("client secret")}),
                     env=world.environment(**{"HTTPS_PROXY": proxy.url(), **environment}))


def curl(world, environment, *arguments, code=0):
    return world.run("run", "--", "curl", "-sS", "--max-time", "60", *arguments, env=world.environment(**environment), code=code).stdout


def everything_goes_through_it(world):
    proxy, service = begin(world)
    if proxy is None:
        return
    login(world, proxy)
    equal(len([1 for _, path, _ in service.seen if path == "/token"]), 1, "the login's token request")
    time.sleep(2)  # the token lives for a second
    told = json.loads(curl(world, {"https_proxy": proxy.url()}, f"https://{HOST}:{service.port}/thing"))
    equal(told, {"path": "/thing"}, "a request with the credential")
    check(len([1 for _, path, _ in service.seen if path == "/token"]) >= 2, "the token was minted anew through the proxy")
    equal(json.loads(curl(world, {"ALL_PROXY": proxy.url()}, "-k", f"https://other.acme.test:{service.port}/open")), {"path": "/open"}, "a blind tunnel")
    check(proxy.asked(f"CONNECT other.acme.test:{service.port}") == 1, "by CONNECT")
    plain = Service(world, plain=True)
    equal(json.loads(curl(world, {"HTTP_PROXY": proxy.url()}, f"http://plain.acme.test:{plain.port}/open?a=b")), {"path": "/open?a=b"}, "plain http")


def what_does_not_go_through_it(world):
    proxy, service = begin(world)
    if proxy is None:
        return
    login(world, proxy)
    before = proxy.asked("CONNECT")
    refused = curl(world, {"HTTPS_PROXY": proxy.url(), "NO_PROXY": "acme.test"}, "-i", f"https://{HOST}:{service.port}/thing")
    check(" 502 " in refused or " 424 " in refused, f"NO_PROXY: the name is resolved here, where nobody knows it: {refused}")
    for address in ("10.0.0.1", "169.254.169.254", "[fd00::1]", "192.168.1.1"):
        shown = curl(world, {"HTTPS_PROXY": proxy.url()}, "-g", "-o", "/dev/null", "-w", "%{http_connect}", f"https://{address}/", code=56)
        equal(shown, "403", f"{address} is refused though the proxy would dial it (PX-08)")
        shown = curl(world, {"HTTP_PROXY": proxy.url()}, "-g", "-i", f"http://{address}/")
        contains(shown, "Claviger-Reason: address_refused", f"{address} in plain http")
    equal(proxy.asked("CONNECT"), before, "the proxy was not asked for any of it")


def a_proxy_that_fails_is_named(world):
    proxy, service = begin(world)
    if proxy is None:
        return
    wrong = world.canaries.new("wrong password")
    refused = login(world, proxy, code=None, HTTPS_PROXY=proxy.url(wrong))
    check(refused.returncode != 0, "a login that the proxy refuses fails")
    contains(refused.stderr, f"127.0.0.1:{proxy.port}", "and names the proxy")
    login(world, proxy)
    for url, word in ((proxy.url(wrong), "401"), (f"http://clav:{wrong}@127.0.0.1:{free_port()}", "cannot be reached"), (f"socks5://clav:{wrong}@127.0.0.1:1", "socks5")):
        shown = curl(world, {"HTTPS_PROXY": url}, "-k", f"https://other.acme.test:{service.port}/open", code=56)
        status = curl(world, {"HTTPS_PROXY": url}, "-k", "-o", "/dev/null", "-w", "%{http_connect}", f"https://other.acme.test:{service.port}/open", code=56)
        equal((shown, status), ("", "502"), f"a tunnel, {word}")
    plain = Service(world, plain=True)
    # tinyproxy answers wrong credentials with 401, which could be the service's; none at all with 407.
    for url, word in ((f"http://127.0.0.1:{proxy.port}", "wants other credentials"), (f"http://clav:{wrong}@127.0.0.1:1", "cannot be reached"), (f"socks5://clav:{wrong}@127.0.0.1:1", "socks5")):
        shown = curl(world, {"HTTP_PROXY": url}, "-i", f"http://plain.acme.test:{plain.port}/open")
        contains(shown, " 502 ", word)
        contains(shown, "application/problem+json", word)
        check(wrong not in shown and "127.0.0.1" not in shown, f"without the password, or where the proxy is (PX-35): {shown}")
        contains(json.loads(world.run("log", "--limit", "1", "--json").stdout.splitlines()[-1])["why"], word, "plain http: the owner reads it in the log")
    equal(plain.seen, [], "nothing arrived")


if __name__ == "__main__":
    main(everything_goes_through_it, what_does_not_go_through_it, a_proxy_that_fails_is_named)
