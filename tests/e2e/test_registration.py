"""Clients that register themselves (RFC 7591), and where their answers come back to (RFC 8252 section 7.3)."""
import socket
from harness import *

PORT = 7998


def recorded(server):
    """The redirect URIs of the authorization requests that a browser was sent away with."""
    return [urllib.parse.parse_qs(urllib.parse.urlsplit(u).query)["redirect_uri"][0] for u in re.findall(r"https?://\S+/auth\?\S+", server)]


def OA15_LB09_a_taken_port_stops_only_logins_that_need_it(world):
    clients = world.directory / "clients.json"
    clients.write_text(json.dumps([{"client_id": "by-hand", "redirect_uris": [CALLBACK.replace(":7998", "")], "application_type": "native", "token_endpoint_auth_method": "none",
                                    "grant_types": ["authorization_code", "refresh_token"]}]))
    server = world.authorization_server("--clients", clients)
    common = {"issuer": server["issuer"], "scopes": ["openid"]}
    world.run("register", world.definition("own", auth_type="oauth2", flow="dcr_pkce", api_url="api.acme.example", oauth={**common, "supports_dcr": True}), "--yes")
    world.run("register", world.definition("hand", auth_type="oauth2", flow="pkce", api_url="api.acme.example", oauth={**common, "token_auth_method": "none"}), "--yes")
    with socket.create_server(("127.0.0.1", PORT)):
        # A redirect URI that is registered only now may have any port ...
        result, _ = browser_login(world, ["login", "own"])
        contains(result.stderr, f"Port {PORT} is taken: this login uses port ", "it is said")
        used = recorded(result.stderr)
        check(len(used) == 1 and re.fullmatch(r"http://127\.0\.0\.1:\d+/auth/callback/oauth", used[0]) and used[0] != CALLBACK, f"another port: {used}")
        # ... and one that somebody has registered may not.
        refused = world.run("login", "hand", "--input", "browser", code=12)
        contains(refused.stderr, f"port {PORT} is in use", "why")
        contains(refused.stderr, "--port", "what can be done")
        refused = world.run("login", "own", "--connection", "other", "--port", str(PORT), "--input", "browser", code=12)
        contains(refused.stderr, f"port {PORT} is in use", "a port that was asked for is not replaced")
        # A service that takes every port on loopback: whoever logs in knows that.
        result, _ = browser_login(world, ["login", "hand", "--port", "0", "--input", "stdin"], stdin=json.dumps({"client_id": "by-hand"}))
        check(recorded(result.stderr) not in ([], [CALLBACK]), f"{result.stderr}")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    result, _ = browser_login(world, ["login", "hand", "--connection", "chosen", "--port", str(free)])
    equal(recorded(result.stderr), [f"http://127.0.0.1:{free}/auth/callback/oauth"], "the port that was asked for")
    result, _ = browser_login(world, ["login", "own", "--connection", "usual"])
    equal(recorded(result.stderr), [CALLBACK], "the usual port again")
    for wrong in ("65536", "-1", "x", ""):
        contains(world.run("login", "hand", "--connection", "more", f"--port={wrong}", code=2).stderr, "--port", "not a port")


def OA16_a_client_that_the_server_forgot_is_registered_anew(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    options = ("--require-par", "--port", port)
    server = world.authorization_server(*options)
    world.run("register", world.definition("own", auth_type="oauth2", flow="dcr_pkce", api_url="api.acme.example", oauth={"issuer": server["issuer"], "supports_dcr": True, "scopes": ["openid"]}), "--yes")
    browser_login(world, ["login", "own"])
    first = json.loads(world.run("get", "own", "--json").stdout)["client_id"]
    os.kill(server["pid"], signal.SIGTERM)
    old = next(c for c in world.children if c.pid == server["pid"])
    old.wait(30)
    equal(world.authorization_server(*options)["issuer"], server["issuer"], "the same server, with nothing in its memory")
    result, _ = browser_login(world, ["login", "own", "--connection", "work"])
    contains(result.stderr, "no longer knows the client", "it is said")
    second = json.loads(world.run("get", "own", "--connection", "work", "--json").stdout)["client_id"]
    check(first != second, "another client")
    equal(json.loads(world.run("get", "own", "--connection", "default", "--json").stdout)["client_id"], first, "the other connection is left alone")


if __name__ == "__main__":
    main(OA15_LB09_a_taken_port_stops_only_logins_that_need_it, OA16_a_client_that_the_server_forgot_is_registered_anew)
