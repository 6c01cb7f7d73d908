"""What a provider's own OAuth endpoints get from a program under `run` (PX-30): never the credential, however their path is
spelt and whichever way the request takes. They lie on the API's own host, which is where it matters, and a server of the
test writes down what arrived."""
import socket, ssl
from harness import *
from test_proxy_rules import Session, read_head

# As in src/policy/router_test.cpp: what a server that forgives much might take for /oauth/token.
SPELLINGS = ["/oauth/token", "/oauth/token/", "/oauth//token", "//oauth/token", "///oauth///token//", "/oauth/./token", "/oauth/x/../token", "/./oauth/token", "/oauth/%2e/token",
             "/oauth/x/%2e%2e/token", "/oauth/token?grant=x", "/oauth/token#x", "/oauth/token/?x", "/OAuth/Token", "/oauth/TOKEN", "/oauth/%74oken", "/%6fauth/token", "/oauth/%74%6f%6b%65%6e",
             "/oauth/%2574oken", "/oauth/token;x=1", "/oauth;x/token", "/oauth/token%20", "/oauth/%20token", "/oauth/token%3Fx=1", "/oauth/token%23x", "/oauth\\token", "\\oauth\\token",
             "/oauth/token/.", "/oauth/token/x/..", "/oauth/token%09", "/oauth/authorize", "/oauth/authorize/", "/oauth/token;", "/oauth/;/token", "/oauth/%54OKEN", "/x/..//oauth/token",
             "/oauth/%74oken;%zz", "/oauth/%74oken?%", "/oauth%2ftoken", "/oauth/token%2f", "/x%2f..%2foauth/token", "/x%2F%2Foauth%2F..%2F../oauth/token", "/oauth/token%00", "/oauth%5ctoken",
             "/oauth/..;/oauth/token", "/v1/..%3b/admin", "/v1/%2e%2e%3Bx/admin", "/x%2f%252e%252e%2foauth/token", "/oauth/revoke", "/oauth/device", "/oauth/register"]
OTHERS = ["/v1/users", "/oauth/tokens", "/oauth/token/x", "/token", "/oauth/to/ken"]


class Server(threading.Thread):
    """An authorization server and an API in one: /oauth/token gives a token; all else is noted and answered with 200."""

    def __init__(self, world):
        super().__init__(daemon=True)
        world.certificates()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(world.cert, world.key)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        world.closing.append(self.socket.close)
        self.host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.token, self.heads = world.canaries.new("access token"), []
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.socket.accept()[0],), daemon=True).start()

    def serve(self, raw):
        with contextlib.suppress(OSError, ValueError):
            raw.settimeout(60)
            with self.context.wrap_socket(raw, server_side=True) as tls:
                data = b""
                while piece := tls.recv(65536):
                    data += piece
                    while b"\r\n\r\n" in data:
                        head, _, rest = data.partition(b"\r\n\r\n")
                        length = int((re.search(rb"(?im)^content-length: *(\d+)", head) or [0, 0])[1])
                        if len(rest) < length:
                            break
                        data = rest[length:]
                        self.heads.append(head)
                        body = json.dumps({"access_token": self.token, "token_type": "Bearer", "expires_in": 3600} if head.startswith(b"POST /oauth/token ") else {}).encode()
                        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def the_own_endpoints_get_no_credential(world):
    server = Server(world)
    origin = f"https://{server.host}"
    world.run("register", world.definition("acme", auth_type="oauth2", flow="client_credentials", api_url=origin + "/", oauth={
        "token_url": origin + "/oauth/token", "authorization_url": origin + "/oauth/authorize", "revocation_url": origin + "/oauth/revoke",
        "device_authorization_url": origin + "/oauth/device", "registration_endpoint": origin + "/oauth/register", "token_auth_method": "client_secret_post"}), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=json.dumps({"client_id": "robot", "client_secret": world.canaries.new("client secret")}))
    session = Session(world)
    token = session.environment["CLAVIGER_URL_ACME"].split("/")[3]
    world.canaries.add("token of the reverse form", token)

    def by_connect(path):
        with session.opened(server.host, "127.0.0.1") as tls:
            tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\n\r\n".encode())
            return int(read_head(tls).split(" ")[1])

    def by_reverse_form(path):
        with socket.create_connection(("127.0.0.1", session.port), timeout=60) as connection:
            connection.sendall(f"GET /{token}/acme{path} HTTP/1.1\r\nHost: 127.0.0.1:{session.port}\r\nConnection: close\r\n\r\n".encode())
            return int(read_head(connection).split(" ")[1])

    def what_arrived(ask, paths):
        before = len(server.heads)
        statuses = {path: ask(path) for path in paths}
        return statuses, server.heads[before:]
    for ask in (by_connect, by_reverse_form):
        statuses, heads = what_arrived(ask, OTHERS)
        equal(set(statuses.values()), {200}, f"{ask.__name__}: what is no endpoint is served")
        equal([b"Bearer " + server.token.encode() in head for head in heads], [True] * len(OTHERS), f"{ask.__name__}: with the credential")
        statuses, heads = what_arrived(ask, SPELLINGS)
        told = [head for head in heads if b"authorization:" in head.lower() or server.token.encode() in head]
        check(not told, f"{ask.__name__}: the credential went to {[head.split()[1] for head in told]}")
        check(set(statuses.values()) <= {200, 400, 403}, f"{ask.__name__}: {statuses}")
        print(f"      {ask.__name__}: {len(statuses)} spellings, {len(heads)} passed on without the credential, the others refused")
    equal(by_reverse_form("/oauth/token"), 403, "the reverse form passes on nothing without a credential")
    equal(by_connect("/oauth/token"), 200, "a program's own request to the endpoint goes through")
    session.end()


if __name__ == "__main__":
    main(the_own_endpoints_get_no_credential)
