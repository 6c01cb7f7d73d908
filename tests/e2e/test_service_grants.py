"""Tokens without a human and without a client's own grant, from a real oidc-provider: for a signed assertion (RFC 7523) and for
another token (RFC 8693). The server checks each assertion's signature, audience, life and that it comes once (OA-26)."""
from harness import *
from test_client_credentials import introspect
from test_oidc_matrix import key_pair

ROBOT = "robot@acme.example"
JWT_BEARER, TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange"
LIFE = 3


class Scene:
    def __init__(self, world, life=LIFE):
        self.world = world
        self.pem, jwk = key_pair(world)
        accounts, clients = world.directory / "accounts.json", world.directory / "clients.json"
        accounts.write_text(json.dumps({ROBOT: jwk}))
        self.secret = world.canaries.new("client secret")
        clients.write_text(json.dumps([
            {"client_id": "robot", "client_secret": self.secret, "token_endpoint_auth_method": "client_secret_post", "grant_types": [JWT_BEARER, TOKEN_EXCHANGE],
             "redirect_uris": [], "response_types": []},
            {"client_id": "human", "token_endpoint_auth_method": "none", "application_type": "native", "redirect_uris": [CALLBACK],
             "grant_types": ["authorization_code", "refresh_token"]}]))
        self.record = world.directory / "record"
        self.server = world.authorization_server("--clients", clients, "--service-accounts", accounts, "--access-ttl", life, "--record", self.record)

    def define(self, grant, scopes, **properties):
        self.world.run("register", self.world.definition(
            "acme", auth_type="oauth2", flow="client_credentials", api_url=self.server["issuer"],
            oauth={"token_url": self.server["token_endpoint"], "token_auth_method": "client_secret_post", "scopes": scopes, "grant": grant},
            credentials={"schema": {"type": "object", "required": list(properties), "properties": properties}}), "--yes", "--force")

    def by_assertion(self, scopes=("openid", "read"), **assertion):
        self.define({"type": "jwt_bearer", "assertion": {"issuer": "{{email}}", "subject": "{{email}}", **assertion}}, list(scopes),
                    email={"type": "string"}, private_key={"type": "string", "contentMediaType": "application/x-pem-file"})

    def log_in(self, code=0, **answers):
        form = {"client_id": "robot", "client_secret": self.secret, **answers}
        return self.world.run("login", "acme", "--input", "stdin", "--force", stdin=json.dumps(form), code=code)

    def token(self):
        shown = json.loads(self.world.run("get", "acme", "--show-secret", "--json", secret_output=True).stdout)
        self.world.canaries.add(f"token {len(self.world.canaries.values)}", shown["access_token"])
        check(not shown.get("refresh_token"), "there is no refresh token")
        return shown["access_token"]

    def whose(self, token):
        answer = introspect(self.server, self.secret, token, "client_secret_post")
        return answer["active"], answer.get("sub"), answer.get("client_id"), answer.get("scope")

    def used(self):
        """What the API at the other end of a `run` session says whose token it got."""
        result = self.world.run("run", "--", "curl", "-sS", self.server["userinfo_endpoint"])
        return json.loads(result.stdout)["sub"]

    def asked(self):
        return [line.split()[-1] for line in self.record.read_text().splitlines() if line.split()[1:2] == ["/token"]]


def RFC7523_a_token_for_a_signed_assertion(world):
    scene = Scene(world)
    scene.by_assertion()
    scene.log_in(email=ROBOT, private_key=scene.pem)
    first = scene.token()
    equal(scene.whose(first), (True, ROBOT, "robot", "openid read"), "whose token it is")
    equal(scene.used(), ROBOT, "the API saw the account")
    time.sleep(LIFE + 0.2)
    second = scene.token()
    check(second != first and not scene.whose(first)[0], "a new one, since the first is over")
    equal(scene.whose(second)[:2], (True, ROBOT), "whose it is")
    equal(set(scene.asked()), {"200"}, "each assertion was a new one, and taken")


def RFC7523_the_scope_as_a_claim_of_the_assertion(world):
    scene = Scene(world)
    scene.by_assertion(("openid", "write"), claims={"scope": "{{scope}}"})
    scene.log_in(email=ROBOT, private_key=scene.pem)
    equal(scene.whose(scene.token()), (True, ROBOT, "robot", "openid write"), "whose token it is")


def RFC7523_an_assertion_that_is_not_accepted_keeps_nothing(world):
    scene = Scene(world)
    other, _ = key_pair(world)
    for what, answers, assertion, words in (
            ("another key", {"email": ROBOT, "private_key": other}, {}, "signature verification failed"),
            ("nobody the server knows", {"email": "nobody@acme.example", "private_key": scene.pem}, {}, "the issuer is not known"),
            ("for another server", {"email": ROBOT, "private_key": scene.pem}, {"audience": "https://elsewhere.example/token"}, "aud")):
        scene.by_assertion(**assertion)
        contains(scene.log_in(code=8, **answers).stderr, words, what)
        world.run("get", "acme", code=6)
    scene.by_assertion(("openid", "root"))
    contains(scene.log_in(code=8, email=ROBOT, private_key=scene.pem).stderr, "invalid_scope", "more than the account may")
    contains(world.run("explain", "acme").stdout, "assertion = (hidden,", "explain shows no assertion")


def exchange_of(scene, scopes, **grant):
    scene.define({"type": "token_exchange", "subject_token": "{{subject_token}}",
                  "subject_token_type": "urn:ietf:params:oauth:token-type:access_token", **grant}, scopes, subject_token={"type": "string", "format": "password"})


def subject(world, scene):
    """Alice's own token, as a human's login gives it."""
    world.run("register", world.definition("human", auth_type="oauth2", flow="pkce", api_url="api.acme.example", oauth={
        "issuer": scene.server["issuer"], "token_auth_method": "none", "scopes": ["openid", "read", "write"]}), "--yes")
    browser_login(world, ["login", "human"], forms=[{"client_id": "human"}])
    shown = json.loads(world.run("get", "human", "--show-secret", "--json", secret_output=True).stdout)
    for name in ("access_token", "refresh_token"):
        world.canaries.add(f"alice's {name}", shown.get(name) or "")
    return shown["access_token"]


def RFC8693_a_token_for_another_token(world):
    scene = Scene(world, life=3600)
    alice = subject(world, scene)
    exchange_of(scene, ["openid", "read"], requested_token_type="urn:ietf:params:oauth:token-type:access_token")
    scene.log_in(subject_token=alice)
    token = scene.token()
    check(token != alice, "another token")
    equal(scene.whose(token), (True, "alice", "robot", "openid read"), "whose it is: alice's, for the robot, with fewer scopes")
    equal(scene.used(), "alice", "the API saw alice")


def RFC8693_a_subject_token_that_is_over_needs_a_login(world):
    """The exchanged token is minted anew from the stored subject token as long as that lives, and then never again."""
    scene = Scene(world)
    alice = subject(world, scene)
    exchange_of(scene, ["openid"])
    scene.log_in(subject_token=alice)
    scene.token()
    time.sleep(LIFE + 0.5)
    asked = len(scene.asked())
    for _ in range(3):
        contains(world.run("export", "acme", code=7).stderr, "claviger login acme", "what mends it")
    equal(scene.asked()[asked:], ["400"], "one attempt")
    listed = json.loads(world.run("list", "--connected", "--json").stdout)["providers"]
    connection = next(p for p in listed if p["name"] == "acme")["connections"][0]
    equal((connection["status"], connection["login_reason"]), ("needs_login", "invalid_grant"), "list")
    contains(scene.log_in(code=8, subject_token="no-token-of-anybody-at-all").stderr, "the subject token does not live", "what the server said")


if __name__ == "__main__":
    main(RFC7523_a_token_for_a_signed_assertion, RFC7523_the_scope_as_a_claim_of_the_assertion, RFC7523_an_assertion_that_is_not_accepted_keeps_nothing,
         RFC8693_a_token_for_another_token, RFC8693_a_subject_token_that_is_over_needs_a_login)
