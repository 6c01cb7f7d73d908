"""explain: a failed login, step by step, with what to check and without a secret (LG-02)."""
import http.server, stat
from harness import *


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
    contains(text, "registration: POST", "the registration is shown")
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
    secret, access, refresh = world.canaries.new("secret"), world.canaries.new("access"), world.canaries.new("refresh")
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
    check(any("json" in kind for kind, _, _ in server.bodies) and any(auth for _, auth, _ in server.bodies), "both forms were sent")


if __name__ == "__main__":
    main(LG02_a_wrong_secret_by_each_client_authentication, a_login_that_succeeds_forgets_the_failure, a_denied_request_is_explained,
         an_unregistered_redirect_url_never_comes_back, LG02_whatever_the_token_endpoint_answers)
