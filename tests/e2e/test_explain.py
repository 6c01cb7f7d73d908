"""explain: a failed login, step by step, with what to check and without a secret (LG-02)."""
import http.server, stat
from harness import *
from little_service import Service as LittleService
from test_device import Login as DeviceLogin, approve
from test_oauth1 import Service as OAuth1Service
from test_oidc_matrix import key_pair
from test_refresh import LIBRARY


def service(world, issuer, **oauth):
    world.run("register", world.definition("acme", auth_type="oauth2", flow="pkce", api_url="api.acme.example", oauth={
        "authorization_url": f"{issuer}/auth", "token_url": f"{issuer}/token", "scopes": ["openid"], **oauth}), "--yes", "--force")


def clients(world, **members):
    file = world.directory / "clients.json"
    secret = world.canaries.new("true secret")
    file.write_text(json.dumps([{"client_id": "the-client-of-acme", "client_secret": secret, "redirect_uris": ["http://127.0.0.1/auth/callback/oauth"], "grant_types": ["authorization_code"], "application_type": "native", **members}]))
    return "--clients", file


def login(world, secret, codes):
    """Answers on standard input; the browser opens the printed link."""
    process = world.start("login", "acme", "--input", "stdin", stdin=json.dumps({"client_id": "the-client-of-acme", "client_secret": secret}))
    worker, lines = None, []
    for raw in process.stderr:
        lines.append(raw.decode())
        if worker is None and (urls := re.findall(r"http://127\.0\.0\.1:\d+/auth\S+", lines[-1])):
            worker = threading.Thread(target=Browser().open, args=(urls[0],), daemon=True)
            worker.start()
    out = process.stdout.read()
    process.wait(60)
    world.children.remove(process)
    world.keep(["login"], out, "".join(lines).encode(), False)
    check(process.returncode in codes, f"login: exit code {process.returncode}: {lines}")
    return "".join(lines)


def explained(world):
    text = world.run("explain", "acme").stdout
    document = json.loads(world.run("explain", "--json").stdout)
    equal(document["provider"], "acme", "provider")
    return text, document


def LG02_a_wrong_secret_by_each_client_authentication(world):
    for method in ("client_secret_post", "client_secret_basic"):
        server = world.authorization_server(*clients(world, token_endpoint_auth_method=method), "--no-registration")
        service(world, server["issuer"], token_auth_method=method)
        wrong = world.canaries.new(f"wrong {method}")
        contains(login(world, wrong, [8]), "claviger explain acme", "the hint")
        text, document = explained(world)
        contains(text, "the browser was sent to: GET", "the first step")
        contains(text, f"redirect_uri = {CALLBACK}", "what was sent")
        contains(text, "client_id = the-... (18 characters)", "the client id, shortened")
        contains(text, "code_verifier = (hidden, ", "the verifier, hidden")
        contains(text, "Authorization (Basic) = (hidden," if method.endswith("basic") else "client_secret = (hidden,", "the secret, hidden")
        contains(text, "status 401", "what came back")
        contains(text, "error = invalid_client", "the error")
        equal([c["subject"] for c in document["check"]][:2], ["client secret", "client id"], "what to check")
        contains(document["check"][0]["advice"], method, "the method that was used")
        equal(document["steps"][-1]["kind"], "token", "the last step")
    file = world.home / "last-failed-login.json"
    equal(stat.S_IMODE(file.stat().st_mode), 0o600, "its mode")
    contains(world.run("explain", "github", code=3).stderr, "was of acme", "another provider")


def a_login_that_succeeds_forgets_the_failure(world):
    server = world.authorization_server(*clients(world, token_endpoint_auth_method="client_secret_post"), "--no-registration")
    contains(world.run("explain", code=3).stderr, "no failed login", "nothing to explain")
    contains(world.run("explain", "nobody", code=3).stderr, "no provider", "one that there is not")
    service(world, server["issuer"], token_auth_method="client_secret_post")
    login(world, world.canaries.new("wrong"), [8])
    world.run("explain")
    login(world, world.canaries.values["true secret"], [0])
    world.run("explain", code=3)


def a_denied_request_is_explained(world):
    server = world.authorization_server("--deny")
    service(world, server["issuer"], registration_endpoint=server["registration_endpoint"])
    browser_login(world, ["login", "acme", "--flow", "dcr_pkce"], code=8)
    text, document = explained(world)
    contains(text, "registration of a client: POST", "the registration is shown")
    contains(text, "error = access_denied", "the error")
    equal(document["check"][0]["subject"], "the answer", "first to check")


def an_unregistered_redirect_url_never_comes_back(world):
    server = world.authorization_server(*clients(world, redirect_uris=["https://elsewhere.example/callback"], token_endpoint_auth_method="client_secret_post"), "--no-registration")
    service(world, server["issuer"], token_auth_method="client_secret_post")
    answers = json.dumps({"client_id": "the-client-of-acme", "client_secret": world.canaries.new("secret")})
    process = world.start("login", "acme", "--input", "stdin", stdin=answers)
    for raw in process.stderr:
        if urls := re.findall(r"http://127\.0\.0\.1:\d+/auth\S+", raw.decode()):
            page = Browser()
            contains(page.open(urls[0]), "redirect_uri", "the service's own page says it")
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    world.children.remove(process)
    equal(process.returncode, 11, "exit code")
    text, document = explained(world)
    contains(text, "nothing came back", "the answer")
    equal([c["subject"] for c in document["check"]][:2], ["the page", "redirect URL"], "what to check")
    contains(document["check"][1]["advice"], CALLBACK, "the URL to register")


class Service(http.server.ThreadingHTTPServer):
    """An authorization server that approves at once and whose token endpoint does whatever it is told."""

    def __init__(self, world):
        owner = self
        self.code, self.answer, self.bodies = world.canaries.new("code"), None, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                self.send_response(302)
                self.send_header("Location", query["redirect_uri"] + "?" + urllib.parse.urlencode({"code": owner.code, "state": query["state"]}))
                self.end_headers()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                owner.bodies.append((self.headers["Content-Type"], self.headers["Authorization"], body))
                status, kind, answer, headers = owner.answer(body)
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": len(answer.encode()), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(answer.encode())
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()
        world.closing.append(self.shutdown)


def LG02_whatever_the_token_endpoint_answers(world):
    server = Service(world)
    # Nothing about its form tells that it is one: no digit, not long.
    secret = world.canaries.values["secret"] = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(24))
    access, refresh = world.canaries.new("access"), world.canaries.new("refresh")
    rows = [
        ("a page", lambda body: (200, "text/html", "<html><title>Sign in</title></html>", {}), "token URL"),
        ("nothing there", lambda body: (404, "text/plain", "no", {}), "token URL"),
        ("moved", lambda body: (307, "text/plain", "", {"Location": f"https://new.example/token?session={refresh}"}), "token URL"),
        ("broken", lambda body: (503, "text/plain", "later", {"Retry-After": "120"}), "the service"),
        ("repeats the secret", lambda body: (401, "application/json", json.dumps({"error": "invalid_client", "error_description": f"bad secret {secret}"}), {}), "client secret"),
        ("repeats the body", lambda body: (400, "application/json", json.dumps({"error": "invalid_request", "error_description": body, "debug": body}), {}), "redirect URL"),
        ("tokens elsewhere", lambda body: (200, "application/json", json.dumps({"data": {"access_token": access, "refresh_token": refresh}, "error_description": access}), {}), "answer"),
        ("tokens in a form", lambda body: (200, "application/x-www-form-urlencoded", urllib.parse.urlencode({"token": access, "refresh_token": refresh}), {}), "answer"),
        ("a wrong clock", lambda body: (400, "application/json", json.dumps({"error": "invalid_grant"}), {"Date": "Tue, 01 Jan 2030 00:00:00 GMT"}), None),
    ]
    for content_type in ("form", "json"):
        for method in ("client_secret_post", "client_secret_basic"):
            service(world, server.issuer, token_content_type=content_type, token_auth_method=method)
            for name, answer, subject in rows:
                server.answer = answer
                login(world, secret, [8, 9])
                text, document = explained(world)
                check(server.code not in text and secret not in text and access not in text and refresh not in text, f"{name}: a secret in {text}")
                if subject:
                    equal(document["check"][0]["subject"], subject, f"{name} by {method} in {content_type}")
                check(document["steps"][-1]["kind"] == "token", f"{name}: {document['steps'][-1]}")
    # A token URL that leads nowhere: the error names it, and the page does not say that access was denied.
    server.answer = rows[1][1]
    result, pages = browser_login(world, ["login", "acme", "--input", "stdin"], code=8, stdin=json.dumps({"client_id": "the-client-of-acme", "client_secret": secret}))
    contains(result.stderr, f"the token endpoint {server.issuer}/token answered HTTP 404", "which URL")
    contains(result.stderr, "token_url in the definition", "and where it stands")
    check("grant access" not in pages[-1] and "claviger explain" in pages[-1], f"the page: {pages[-1][-600:]}")
    check(any("json" in kind for kind, _, _ in server.bodies) and any(auth for _, auth, _ in server.bodies), "both forms were sent")


def expect(world, name, kind, first, *parts, subjects=()):
    """What the last login of `name` left: its last step, what is to be checked first and besides, and no secret."""
    text, document = world.run("explain", name).stdout, json.loads(world.run("explain", name, "--json").stdout)
    found = [c["subject"] for c in document["check"]]
    step = document["steps"][-1]
    equal((step["kind"], found[:1]), (kind, [first]), f"{name}: {json.dumps(step)} {found}")
    check(set(subjects) <= set(found), f"{name}: {subjects} among {found}")
    for part in parts:
        contains(text, part, f"{name}: the text")
    leaked = world.canaries.find_in((text + json.dumps(document)).encode())
    check(not leaked, f"{name}: {leaked}")
    return document


def OA25_each_failure_of_oauth1(world):
    wrong = world.canaries.new("wrong consumer secret")
    rows = [  # options of the server, of the definition, answers, exit code, kind of the last step, first to check, parts of the text
        ((), {}, {"consumer_secret": wrong}, 8, "temporary_credentials", "consumer secret", ["temporary credentials: POST", "oauth_problem = signature_invalid", "oauth_signature_method = HMAC-SHA1", f"oauth_callback = {CALLBACK}", "oauth_signature = (hidden,"]),
        ((), {}, {"consumer_key": "another-consumer"}, 8, "temporary_credentials", "consumer key", ["oauth_consumer_key = anot... (16 characters)", "--new-client"]),
        ((), {"signature_method": "HMAC-SHA256"}, {}, 8, "temporary_credentials", "signature method", ["signed with HMAC-SHA256"]),
        ((), {"signature_method": "PLAINTEXT"}, {}, 8, "temporary_credentials", "signature method", ["signed with PLAINTEXT"]),
        (("--realm", "Photos"), {}, {}, 8, "temporary_credentials", "realm", ["none was sent"]),
        (("--query",), {}, {}, 8, "temporary_credentials", "placement", ["stood in the header"]),
        ((), {"placement": "query"}, {}, 8, "temporary_credentials", "placement", ["stood in the query", "-> ?oauth_signature = (hidden,"]),
        (("--fault", "problem"), {}, {}, 8, "temporary_credentials", "clock", ["www-authenticate = OAuth oauth_problem=\"timestamp_refused\""]),
        (("--fault", "unconfirmed"), {}, {}, 9, "temporary_credentials", "version", ["older OAuth than 1.0a", "oauth_token_secret = (hidden,"]),
        (("--fault", "json"), {}, {}, 9, "temporary_credentials", "the answer", ["no form with oauth_token"]),
        (("--fault", "repeated"), {}, {}, 9, "temporary_credentials", "the answer", []),
        (("--fault", "redirect"), {}, {}, 9, "temporary_credentials", "request token URL", ["redirects"]),
        (("--fault", "busy"), {}, {}, 9, "temporary_credentials", "the service", []),
        (("--fault", "no-verifier"), {}, {}, 8, "authorization", "the answer", ["the browser was sent to: GET"]),
    ]
    for number, (options, oauth1, answers, code, kind, first, parts) in enumerate(rows):
        service = OAuth1Service(world, *options, name=f"photos{number}", **oauth1)
        service.login(code=code, stdin=json.dumps({**service.answers(), **answers}))
        expect(world, service.name, kind, first, *parts)
    for fault, word in (((), "oauth_problem = user_refused"), (("--fault", "legacy-denial"), "denied = (hidden,")):
        service = OAuth1Service(world, *fault, name="refused")
        service.login(code=8, decision="deny")
        expect(world, "refused", "authorization", "the answer", word, "approve the request")
        world.run("remove", "refused", "--yes")
    service = OAuth1Service(world, method="RSA-SHA1", name="keyed")
    other = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True, text=True).stdout
    service.login(code=8, stdin=json.dumps({**service.answers(), "private_key": other}))
    expect(world, "keyed", "temporary_credentials", "private key", "public half of this very key")
    # The second leg: what the first one brought is worth nothing any more.
    service = OAuth1Service(world, name="late", access_token_url="http://127.0.0.1:9/token")
    service.login(code=9)
    expect(world, "late", "token_credentials", "address", "token credentials: POST http://127.0.0.1:9/token", "no answer: ")


def RFC8628_each_failure_of_a_device_code(world):
    file = world.directory / "clients.json"
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    common = {"redirect_uris": [], "response_types": [], "token_endpoint_auth_method": "none"}
    file.write_text(json.dumps([{"client_id": "device-app", "grant_types": [grant], **common}, {"client_id": "other-app", "grant_types": ["refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], "redirect_uris": [], "response_types": [], "token_endpoint_auth_method": "client_secret_post", "client_secret": world.canaries.new("device secret")},
                                {"client_id": "browser-app", "grant_types": ["authorization_code"], "redirect_uris": [CALLBACK], "application_type": "native", "token_endpoint_auth_method": "none"}]))
    server = world.authorization_server("--clients", file, "--device-ttl", "12")
    good = {"device_authorization_url": server["device_authorization_endpoint"], "token_url": server["token_endpoint"], "supports_device_code": True, "scopes": ["openid"]}

    def define(name, **oauth):
        world.run("register", world.definition(name, auth_type="oauth2", flow="device_code", api_url="api.acme.example", oauth={**good, **oauth}), "--yes")
    for number, (client, oauth, code, first, parts) in enumerate([
            ("nobody", {}, 8, "client secret", ["device authorization: POST", "error = invalid_client", "client_id = nobody"]),
            ("other-app", {}, 8, "client secret", ["none was sent"]),
            ("browser-app", {}, 8, "kind of app", ["is not allowed for this client", "(device_code)"]),
            ("device-app", {"device_authorization_url": server["issuer"] + "/nowhere"}, 8, "device authorization URL", ["status 404", "oauth.device_authorization_url"])]):
        define(f"device{number}", **oauth)
        world.run("login", f"device{number}", "--input", "stdin", stdin=json.dumps({"client_id": client}), code=code)
        document = expect(world, f"device{number}", "device_authorization", first, *parts)
        check(not {"PKCE", "redirect URL"} & {c["subject"] for c in document["check"]}, f"what has no part in it: {document['check']}")
        equal(document["redirect_uri"], "", "no browser here comes back")
    define("denied")
    login = DeviceLogin(world, "denied", "--input", "stdin", stdin=json.dumps({"client_id": "device-app"}))
    approve(*login.prompt(), abort=True)
    login.end(8)
    expect(world, "denied", "token", "the answer", "error = access_denied")
    define("late")
    DeviceLogin(world, "late", "--input", "stdin", stdin=json.dumps({"client_id": "device-app"})).end(11)
    document = expect(world, "late", "token", "the code", "nobody approved it")
    equal([s["kind"] for s in document["steps"]], ["device_authorization", "token"], "polling is one step")


def registered(world, *clients):
    file = world.directory / f"clients-{len(world.children)}.json"
    base = {"redirect_uris": [CALLBACK], "application_type": "native", "response_types": ["code"], "grant_types": ["authorization_code", "client_credentials"], "scope": "openid read"}
    file.write_text(json.dumps([{**base, **client} for client in clients]))
    return "--clients", file, "--no-registration"


def RFC9126_each_failure_of_a_pushed_request(world):
    secret, wrong = world.canaries.new("pushed secret"), world.canaries.new("wrong pushed secret")
    server = world.authorization_server("--require-par", *registered(world, {"client_id": "pushing", "client_secret": secret, "token_endpoint_auth_method": "client_secret_post"},
                                                                     {"client_id": "elsewhere", "client_secret": secret, "token_endpoint_auth_method": "client_secret_post", "redirect_uris": ["https://elsewhere.example/cb"], "application_type": "web"}))
    endpoints = {"authorization_url": server["authorization_endpoint"], "token_url": server["token_endpoint"], "scopes": ["openid"]}

    def define(name, **oauth):
        world.run("register", world.definition(name, auth_type="oauth2", flow="pkce", api_url="api.acme.example", oauth=oauth), "--yes")
    define("par1", issuer=server["issuer"], scopes=["openid"])
    browser_login(world, ["login", "par1", "--input", "stdin"], code=8, stdin=json.dumps({"client_id": "pushing", "client_secret": wrong}))
    expect(world, "par1", "pushed_authorization", "client secret", "pushed authorization request: POST", "error = invalid_client", "client_secret = (hidden,", f"redirect_uri = {CALLBACK}")
    define("par2", issuer=server["issuer"], scopes=["openid"])
    browser_login(world, ["login", "par2", "--input", "stdin"], code=8, stdin=json.dumps({"client_id": "elsewhere", "client_secret": secret}))
    expect(world, "par2", "pushed_authorization", "redirect URL", CALLBACK)
    define("par3", **endpoints, pushed_authorization_url=server["issuer"] + "/nowhere")
    browser_login(world, ["login", "par3", "--input", "stdin"], code=8, stdin=json.dumps({"client_id": "pushing", "client_secret": secret}))
    expect(world, "par3", "pushed_authorization", "pushed authorization URL", "status 404", "oauth.pushed_authorization_url")
    # A definition that names the endpoints and not this one: the browser brings back that the server wants it pushed.
    define("par4", **endpoints)
    browser_login(world, ["login", "par4", "--input", "stdin"], code=8, stdin=json.dumps({"client_id": "pushing", "client_secret": secret}))
    expect(world, "par4", "authorization", "pushed authorization", "only pushed (RFC 9126)")


def RFC9449_each_failure_of_a_proof(world):
    server = world.authorization_server(*registered(world, {"client_id": "bound", "token_endpoint_auth_method": "none", "dpop_bound_access_tokens": True, "grant_types": ["authorization_code"]}))
    for name, oauth in (("unbound", {}), ("bound", {"dpop": True})):
        world.run("register", world.definition(name, auth_type="oauth2", flow="pkce", api_url="api.acme.example", oauth={"issuer": server["issuer"], "scopes": ["openid"], **oauth}), "--yes")
    browser_login(world, ["login", "unbound", "--input", "stdin"], code=8, stdin=json.dumps({"client_id": "bound"}))
    expect(world, "unbound", "token", "redirect URL", "DPoP: no proof was sent", subjects=["DPoP"])  # the server says only "grant request is invalid"
    if world.sanitized:  # libfaketime cannot be loaded beside a sanitizer
        return left_to_the_release_build("a proof by a wrong clock")
    if LIBRARY is None:
        return cannot_run("libfaketime is not installed")
    # An hour in the future, the proof is not of now: the server's clock tells why.
    env = world.environment(LD_PRELOAD=LIBRARY, FAKETIME="+3600", FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_NO_CACHE="1")
    browser_login(world, ["login", "bound", "--input", "stdin"], code=8, stdin=json.dumps({"client_id": "bound"}), env=env)
    document = expect(world, "bound", "token", "clock", "ahead of the server's", "DPoP = (hidden,", "DPoP/htm = POST", f"DPoP/htu = {server['token_endpoint']}", subjects=["DPoP"])
    contains(json.dumps(document), "invalid_dpop_proof", "the server's own word")


def OA26_each_failure_of_a_signing_client(world):
    pem, jwk = key_pair(world)
    other, _ = key_pair(world)
    secret, wrong = world.canaries.new("secret that signs"), world.canaries.new("wrong secret that signs")
    server = world.authorization_server(*registered(world, {"client_id": "signing-app", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [jwk]}},
                                                    {"client_id": "secret-app", "token_endpoint_auth_method": "client_secret_jwt", "client_secret": secret}))
    rows = [("private_key_jwt", "client_credentials", {"client_id": "signing-app", "private_key": other}, {}, "private key"),
            ("private_key_jwt", "client_credentials", {"client_id": "signing-app", "private_key": pem}, {"client_assertion": {"audience": "https://other.example/token"}}, "private key"),
            ("private_key_jwt", "client_credentials", {"client_id": "signing-app", "private_key": pem}, {"client_assertion": {"key_id": "no-such-key"}}, "private key"),
            ("private_key_jwt", "pkce", {"client_id": "signing-app", "private_key": other}, {}, "private key"),
            ("client_secret_jwt", "client_credentials", {"client_id": "secret-app", "client_secret": wrong}, {}, "client secret")]
    for number, (method, flow, answers, oauth, first) in enumerate(rows):
        name = f"signed{number}"
        world.run("register", world.definition(name, auth_type="oauth2", flow=flow, api_url="api.acme.example",
                                               oauth={"issuer": server["issuer"], "token_auth_method": method, "scopes": ["read"] if flow == "client_credentials" else ["openid"], **oauth}), "--yes")
        if flow == "pkce":
            browser_login(world, ["login", name, "--input", "stdin"], code=8, stdin=json.dumps(answers))
        else:
            world.run("login", name, "--input", "stdin", stdin=json.dumps(answers), code=8)
        audience = oauth.get("client_assertion", {}).get("audience", server["issuer"])
        document = expect(world, name, "token", first, "error = invalid_client", "client_assertion = (hidden,", "client_assertion/alg = " + ("ES256" if "private" in method else "HS256"),
                          "client_assertion/aud = ", audience, subjects=["client id"])
        equal(document["client_authentication"], method, "the method")


def LG03_a_secret_variable_in_a_path_is_shown_nowhere(world):
    """Login, explain, renewal, probe, revocation and journal name the endpoints, and none of them the secret in their paths."""
    tenant, service = world.canaries.new("tenant"), LittleService(world)
    good = {"access_token": world.canaries.new("access"), "refresh_token": world.canaries.new("refresh"), "token_type": "Bearer", "expires_in": 1, "cell": world.canaries.new("cell")}
    at = f"/t/{tenant}"
    service.define(world, vars={"tenant": {"title": "Tenant", "secret": True}, "cell": {"title": "Cell", "secret": True}}, probe={"url": service.url + "/t/{tenant}/me"},
                   api_url=service.url + "/t/{tenant}/", oauth={"response": {"capture": [{"name": "cell", "pointer": "/cell"}]}, "token_url": service.url + "/t/{tenant}/token", "revocation_url": service.url + "/t/{tenant}/revoke"})
    masked = service.url + "/t/***/token"
    forms = [{"tenant": tenant}, {"client_id": "the-client-of-acme"}]
    bad = ((400, {"error": "invalid_request", "error_description": f"no tenant {tenant}"}), (200, {"at": at}), (302, {}), (404, None))
    for answer in bad:
        service.answers[at + "/token"] = lambda s, r: answer
        failed, _ = browser_login(world, ["login", "acme"], forms=forms, code=8 if answer[0] in (400, 404) else 9)
        contains(failed.stderr, masked if answer[0] != 400 else "invalid_request", f"{answer[0]}: which endpoint")
        text, document = explained(world)
        contains(text, masked, f"{answer[0]}: the step's URL")
        check(tenant not in text + json.dumps(document) + (world.home / "last-failed-login.json").read_text(), f"{answer[0]}: the secret was kept")
    service.answers[at + "/token"] = lambda s, r: (200, good)
    browser_login(world, ["login", "acme"], forms=forms)
    service.answers[at + "/me"] = lambda s, r: (200, {})
    equal(json.loads(world.run("provider", "probe", "acme", "--json").stdout)["url"], service.url + "/t/***/me", "what was probed")
    contains(world.run("get", "acme").stdout, "tenant: ", "get")
    shown = world.run("get", "acme").stdout + world.run("get", "acme", "--json").stdout
    check(tenant not in shown and good["cell"] not in shown, "not by get")
    world.run("run", "--", "curl", "-sS", "-K", "-", stdin=f'url = "{service.url}/t/{tenant}/me"')
    paths = [line["path"] for line in map(json.loads, world.run("log", "--json").stdout.splitlines()) if line["kind"] == "request"]
    equal(paths, ["/t/***/me"], "nor by the audit log")
    told = world.run("route", "explain", service.url + "/x", "--json").stdout
    check(tenant not in told, "nor by route explain")
    time.sleep(1.5)
    for answer in bad:
        service.answers[at + "/token"] = lambda s, r: answer
        world.run("get", "acme", "--show-secret", code=None)
        world.run("export", "acme", code=None)
        world.run("provider", "probe", "acme", code=None)
    world.run("list")
    world.run("log", code=None)
    service.answers[at + "/revoke"] = lambda s, r: (400, {"error": "nope", "error_description": f"at {at}"})
    contains(world.run("revoke", "acme", code=8).stderr, "refused (nope: at ", "revoke")
    check(len(service.seen(at + "/token")) > len(bad) and service.seen(at + "/revoke"), "the secret was used")
    world.scanned.append(world.home)


if __name__ == "__main__":
    main(LG02_a_wrong_secret_by_each_client_authentication, a_login_that_succeeds_forgets_the_failure, a_denied_request_is_explained,
         an_unregistered_redirect_url_never_comes_back, LG02_whatever_the_token_endpoint_answers, OA25_each_failure_of_oauth1,
         RFC8628_each_failure_of_a_device_code, RFC9126_each_failure_of_a_pushed_request, RFC9449_each_failure_of_a_proof,
         OA26_each_failure_of_a_signing_client, LG03_a_secret_variable_in_a_path_is_shown_nowhere)
