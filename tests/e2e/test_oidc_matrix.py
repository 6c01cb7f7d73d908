"""Every flow (of a device too) with every client authentication, with and without PKCE, rotation, pushed requests and DPoP, at a real
oidc-provider that watches for the reuse of refresh tokens (OA-01, OA-14, OA-16, OA-22, OA-24, OA-26)."""
import itertools, json, subprocess
from harness import *
from test_device import Login, approve

METHODS = ("none", "client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt")
ONE_OF_EACH = ("none", "client_secret_basic", "private_key_jwt")
LIFE = 20       # seconds of an access token; the definitions want a new one as early as they may, at a tenth of it
DUE_AFTER = 2


def key_pair(world):
    """A P-256 key as the human has it (PEM) and as the server knows it (JWK)."""
    path = world.directory / "client-key.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path], check=True, capture_output=True)
    raw = subprocess.run(["openssl", "ec", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout[-64:]
    encode = lambda part: base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    pem = path.read_text()
    path.unlink()
    world.canaries.add("client key", "".join(line for line in pem.splitlines() if not line.startswith("-"))[:60])
    return pem, {"kty": "EC", "crv": "P-256", "x": encode(raw[:32]), "y": encode(raw[32:]), "kid": "matrix", "use": "sig", "alg": "ES256"}


class Server:
    """One oidc-provider with a client for each method, bound and unbound."""

    def __init__(self, world, *, pkce=True, rotation=True, par=False, nonce=False):
        self.world, self.pkce, self.rotation, self.par = world, pkce, rotation, par
        self.pem, jwk = key_pair(world)
        self.secrets = {m: world.canaries.new(f"secret of {m}") for m in METHODS if m.startswith("client_secret")}
        clients = []
        for method, bound in itertools.product(METHODS, (False, True)):
            client = {"client_id": f"{method}{'-bound' if bound else ''}", "token_endpoint_auth_method": method, "redirect_uris": [CALLBACK],
                      "application_type": "native", "response_types": ["code"], "dpop_bound_access_tokens": bound, "scope": "openid offline_access read",
                      "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"] + (["client_credentials"] if method != "none" else [])}
            if method in self.secrets:
                client["client_secret"] = self.secrets[method]
            if method == "private_key_jwt":
                client["jwks"] = {"keys": [jwk]}
            clients.append(client)
        number = len(world.children)
        file = world.directory / f"clients-{number}.json"
        file.write_text(json.dumps(clients))
        self.record = world.directory / f"server-{number}.log"
        self.record.write_text("")
        switches = ["--clients", file, "--record", self.record, "--access-ttl", LIFE]
        switches += [] if pkce else ["--pkce-optional"]
        switches += [] if rotation else ["--no-rotation"]
        switches += ["--require-par"] if par else []
        switches += ["--dpop-nonce"] if nonce else []
        self.peer = world.authorization_server(*switches)

    def answers(self, method):
        """What a human would enter into the form."""
        form = {"client_id": method}
        if method in self.secrets:
            form["client_secret"] = self.secrets[method]
        if method == "private_key_jwt":
            form["private_key"] = self.pem
        return form

    def requests(self, path):
        return [line for line in self.record.read_text().splitlines() if line.split(" ")[1:2] == [path]]


def define(world, server, name, flow, method, dpop):
    issuer = server.peer["issuer"]
    oauth = {"issuer": issuer, "token_auth_method": method, "pkce": server.pkce, "dpop": dpop,
             "refresh": {"margin_seconds": 3600},
             "scopes": ["read"] if flow == "client_credentials" else ["openid", "offline_access"]}
    if flow == "dcr_pkce":
        oauth["supports_dcr"] = True
    if flow == "device_code":
        oauth["supports_device_code"] = True
    if "offline_access" in oauth["scopes"]:
        oauth["authorization_params"] = {"prompt": "consent"}
    folder = world.home / "providers"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"schema_version": 1, "name": name, "display_name": name, "auth_type": "oauth2", "flow": flow,
                                                     "api_url": issuer + "/", "oauth": oauth}))


def answers_of(server, method, dpop):
    answers = server.answers(method)
    if dpop:
        answers["client_id"] += "-bound"
    return answers


def login(world, server, name, flow, method, dpop):
    answers = answers_of(server, method, dpop)
    if flow in ("pkce", "dcr_pkce"):
        browser_login(world, ["login", name, "--input", "stdin"], stdin=json.dumps(answers) if flow == "pkce" else None)
    else:
        world.run("login", name, "--input", "stdin", stdin=json.dumps(answers))


def alone(world, name):
    """All connections lead to the same API: the definition of one at a time is there, so that its credential is the one."""
    folder, parked = world.home / "providers", world.directory / "parked"
    parked.mkdir(exist_ok=True)
    for file in folder.glob("*.json"):
        file.rename(parked / file.name)
    (parked / f"{name}.json").rename(folder / f"{name}.json")


def revoke(world, server, row, name):
    alone(world, name)
    world.run("revoke", name)


def plant(world, name):
    shown = json.loads(world.run("get", name, "--no-refresh", "--show-secret", "--json", secret_output=True).stdout)
    for field in ("access_token", "refresh_token"):
        world.canaries.add(f"{name}.{field}", shown.get(field) or "")
    check(shown["access_token"], "an access token")
    return shown


def new_name(server):
    server.count = getattr(server, "count", 0) + 1
    return f"m{server.peer['port']}-{server.count}"


def connect(world, server, row):
    """Defines and logs in; pushed where it has to be, and only there."""
    flow, method, dpop = row
    name = new_name(server)
    define(world, server, name, flow, method, dpop)
    pushed = len(server.requests("/request"))
    login(world, server, name, flow, method, dpop)
    pushed = len(server.requests("/request")) - pushed
    check((pushed >= 1) == (server.par and flow in ("pkce", "dcr_pkce")), f"pushed requests: {pushed}")
    return name, plant(world, name)


def use_and_renew(world, server, row, name, before):
    """By now the token is near its end: the next use renews it, and the server's own userinfo, which checks proofs, takes the new one."""
    flow = row[0]
    alone(world, name)
    asked = len(server.requests("/token"))
    if flow == "client_credentials":
        after = json.loads(world.run("get", name, "--show-secret", "--json", secret_output=True).stdout)
    else:
        answer = world.run("run", "--use", name, "--", "curl", "-sS", "-w", "\n%{http_code}", server.peer["userinfo_endpoint"])
        body, _, status = answer.stdout.rpartition("\n")
        equal(status, "200", f"userinfo through the proxy ({body} {answer.stderr})")
        equal(json.loads(body)["sub"], "alice", "whose account")
        after = plant(world, name)
    check(after["access_token"] != before["access_token"], "the token was renewed")
    check(len(server.requests("/token")) > asked, "at the token endpoint")
    if flow != "client_credentials":
        check((after["refresh_token"] != before["refresh_token"]) == server.rotation, "the refresh token changed as the server wants it")


def words(server, row):
    flow, method, dpop = row
    return " ".join([flow, method, "pkce" if server.pkce else "plain", "rotating" if server.rotation else "fixed",
                     "pushed" if server.par else "direct", "bound" if dpop else "bearer"])


def begin_device_login(world, server, row):
    """Defines and starts a login, which waits until its code is approved: `world.run` would wait for ever."""
    flow, method, dpop = row
    name = new_name(server)
    define(world, server, name, flow, method, dpop)
    waiting = Login(world, name, "--input", "stdin", stdin=json.dumps(answers_of(server, method, dpop)))
    return name, waiting, *waiting.prompt()


def approve_device_login(world, server, row, begun):
    _, _, url, code = begun
    contains(approve(url, code), "Sign-in Success", "the provider's last page")


def end_device_login(world, server, row, begun):
    name, waiting, _, _ = begun
    waiting.end(0)
    return name, plant(world, name)


def run_all(world, server, rows):
    """Logs in one after the other (with device codes: all at once), then uses all, then revokes all: so nobody waits for
    a token to age, nor for the interval between two polls."""
    def each(step, *known):
        results = []
        for row, *facts in zip(rows, *known):
            try:
                results.append(step(world, server, row, *facts))
            except Failure as failure:
                raise Failure(f"{words(server, row)}: {failure}") from None
        return results
    if rows[0][0] == "device_code":
        begun = each(begin_device_login)
        each(approve_device_login, begun)
        made = each(end_device_login, begun)
    else:
        made = each(connect)
    time.sleep(DUE_AFTER)
    names, before = [name for name, _ in made], [shown for _, shown in made]
    each(use_and_renew, names, before)
    each(revoke, names)
    check("REUSE" not in server.record.read_text(), f"{words(server, rows[0])}: the server saw a spent token")
    done = {words(server, row) for row in rows}
    print(f"      {len(done)} combinations", flush=True)
    return done


def authorization_code(world):
    """pkce: 5 methods x PKCE x rotation x PAR x DPoP."""
    count = 0
    for pkce, rotation, par in itertools.product((True, False), repeat=3):
        server = Server(world, pkce=pkce, rotation=rotation, par=par, nonce=par)
        count += len(run_all(world, server, [("pkce", m, dpop) for m in METHODS for dpop in (False, True)]))
    equal(count, 80, "combinations")


def registered_clients(world):
    """dcr_pkce: what is registered is what is used."""
    count = 0
    for rotation, par in itertools.product((True, False), repeat=2):
        server = Server(world, rotation=rotation, par=par)
        count += len(run_all(world, server, [("dcr_pkce", m, dpop) for m in METHODS for dpop in ((False, True) if m in ONE_OF_EACH else (False,))]))
    equal(count, 32, "combinations")


def without_a_browser(world):
    """client_credentials."""
    count = 0
    for rotation in (True, False):
        server = Server(world, rotation=rotation, nonce=rotation)
        count += len(run_all(world, server, [("client_credentials", m, dpop) for m in METHODS[1:] for dpop in (False, True)]))
    equal(count, 16, "combinations")


def on_another_device(world):
    """device_code: there is nothing to push, so PAR is not wanted."""
    count = 0
    for rotation in (True, False):
        server = Server(world, rotation=rotation, nonce=rotation)
        count += len(run_all(world, server, [("device_code", m, dpop) for m in METHODS for dpop in (False, True)]))
    equal(count, 20, "combinations")


if __name__ == "__main__":
    main(authorization_code, registered_clients, without_a_browser, on_another_device)
