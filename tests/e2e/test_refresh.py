"""Freshness, end to end: a `run` session across expiries, a 401 of the API, an authorization server that is down for a
week, a dead grant, and a clock that jumps. The authorization server is a real oidc-provider, which rotates refresh tokens
and detects reuse; the clock of claviger alone is moved by libfaketime, whose timers go on as those of a machine that
slept. What was asked of whom is read from the servers' own records."""
import glob, hashlib, http.server, json, os, signal, subprocess, threading
from harness import *
from little_service import Service

HOUR, DAY = 3600, 86400
LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
# One answer per line of input: the body, then "#" and the status.
PROGRAM = "while IFS= read -r line; do eval \"curl -sS -m 100 -w '\\\\n#%{http_code}\\\\n' $line\"; done"


class Api:
    """A plain API on loopback that checks each bearer token at the authorization server, and refuses what a test names."""

    def __init__(self, userinfo):
        self.calls, self.refused, self.challenge, self.lock = [], set(), 'Bearer error="invalid_token"', threading.Lock()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                authorization = self.headers.get("Authorization", "")
                token = hashlib.sha256(authorization.encode()).hexdigest()
                with api.lock:
                    api.calls.append((self.command, token, len(body)))
                    good = token not in api.refused and "all" not in api.refused
                good = good and api.accepted_at(userinfo, authorization)
                text = json.dumps({"body": len(body)} if good else {"error": "refused"}).encode()
                self.send_response(200 if good else 401)
                if not good:
                    self.send_header("WWW-Authenticate", api.challenge)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = handle_any

            def log_message(self, *arguments):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def accepted_at(userinfo, authorization):
        request = urllib.request.Request(userinfo, headers={"Authorization": authorization})
        try:
            return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).status == 200
        except urllib.error.HTTPError:
            return False


class Time:
    """The clock of the program: so many seconds away from the real one."""

    def __init__(self, world):
        self.world, self.file = world, world.directory / "faketime"
        self.at(0)

    def at(self, seconds):
        written = self.file.with_suffix(".new")
        written.write_text(f"{seconds:+d}\n")
        written.rename(self.file)

    def environment(self):
        return self.world.environment(LD_PRELOAD=LIBRARY, FAKETIME_TIMESTAMP_FILE=str(self.file), FAKETIME_NO_CACHE="1",
                                      FAKETIME_DONT_FAKE_MONOTONIC="1")


class Scene:
    """A connected provider, its servers and a clock."""

    def __init__(self, world):
        self.world = world
        self.record, self.down = world.directory / "authorization.txt", world.directory / "down"
        self.authorization = world.authorization_server("--record", self.record, "--down-file", self.down)
        self.api = Api(self.authorization["userinfo_endpoint"])
        world.closing.append(self.api.server.shutdown)
        self.time = Time(world)
        file = world.definition("acme", auth_type="oauth2", flow="dcr_pkce", api_url=self.api.url,
                                oauth={"issuer": self.authorization["issuer"], "scopes": ["openid", "offline_access"], "supports_dcr": True},
                                export={"env": {"access_token": "ACME_TOKEN"}})
        world.run("register", file, "--yes")
        browser_login(world, ["login", "acme"], env=self.time.environment())
        self.plant()

    def plant(self):
        """The tokens of now become canaries."""
        shown = self.shown("--no-refresh")
        for name in ("access_token", "refresh_token"):
            self.world.canaries.add(f"{name} {len(self.world.canaries.values)}", shown.get(name) or "")
        return shown

    def shown(self, *more):
        return json.loads(self.claviger("get", "acme", "--show-secret", "--json", *more, secret_output=True).stdout)

    def claviger(self, *arguments, **options):
        return self.world.run(*arguments, env=self.time.environment(), **options)

    def listed(self):
        providers = json.loads(self.claviger("list", "--connected", "--json").stdout)["providers"]
        return providers[0]["connections"][0]

    def asked(self):
        """The status of each token request so far, the login's first one left out."""
        lines = [line.split() for line in self.record.read_text().splitlines()]
        return [int(status) for method, path, status in lines if path == "/token"][1:]


class Session:
    """`claviger run` with a shell that asks curl what the test says."""

    def __init__(self, scene):
        self.errors = open(scene.world.artefacts / "session.err", "w")
        self.process = subprocess.Popen([scene.world.program, "run", "--", "env", "-u", "LD_PRELOAD", "sh", "-c", PROGRAM],
                                        env=scene.time.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, start_new_session=True)
        scene.world.children.append(self.process)
        self.url = scene.api.url

    def ask(self, *options):
        self.process.stdin.write(" ".join([self.url + "/x", *options]) + "\n")
        self.process.stdin.flush()
        body = ""
        for line in self.process.stdout:
            if line.startswith("#"):
                return int(line[1:]), json.loads(body)
            body += line
        raise Failure(f"the session ended: {open(self.errors.name).read()[-2000:]}")

    def fine(self, what):
        status, body = self.ask()
        equal(status, 200, f"{what}: {body}")

    def fine_soon(self, what):
        """Between two token requests lies some real time too, whatever the clock says."""
        for _ in range(120):
            status, body = self.ask()
            if status == 200:
                return
            equal(body["reason"], "credential_unavailable", what)
            time.sleep(0.5)
        raise Failure(f"{what}: {body}")

    def end(self):
        self.process.stdin.close()
        equal(self.process.wait(60), 0, "the session's exit code")


def a_session_goes_on_across_expiries(world):
    """RF-01, RF-09: one token request per expiry, and a new token after each."""
    scene = Scene(world)
    session = Session(scene)
    session.fine("before the first expiry")
    for round in range(1, 5):
        before = scene.api.calls[-1][1]
        scene.time.at(round * 2 * HOUR)
        for _ in range(3):
            session.fine(f"after expiry {round}")
        scene.plant()
        check(before not in [token for _, token, _ in scene.api.calls[-3:]], "an expired token was used")
        equal(scene.asked(), [200] * round, f"token requests after {round} expiries")
    session.end()
    equal(scene.listed()["status"], "connected", "status")


def a_refused_token_is_replaced_once(world):
    """RF-10: the API revokes a token before its end; the program sees nothing of it."""
    scene = Scene(world)
    session = Session(scene)
    session.fine("at first")
    scene.api.refused = {scene.api.calls[-1][1]}
    status, body = session.ask("-X", "POST", "--data", "x" * 1000)
    equal((status, body), (200, {"body": 1000}), "the request was sent again, with its body")
    equal([(method, size) for method, _, size in scene.api.calls[-2:]], [("POST", 1000)] * 2, "calls")
    equal(scene.asked(), [200], "token requests")
    session.fine("with the new token")
    equal(len(scene.api.calls), 4, "no further 401")
    scene.plant()

    scene.api.refused, calls = {"all"}, len(scene.api.calls)
    for _ in range(10):
        status, body = session.ask()
        equal((status, body), (401, {"error": "refused"}), "an API that always refuses is passed on")
    check(len(scene.api.calls) - calls <= 20, f"at most two calls per request, not {len(scene.api.calls) - calls}")
    check(len(scene.asked()) <= 3, f"no loop of refreshes: {scene.asked()}")
    session.end()
    scene.plant()


def a_stronger_login_is_said(world):
    """OA-23: no refresh can give what the API wants; the answer says so, and so does `list`."""
    scene = Scene(world)
    session = Session(scene)
    scene.api.refused, scene.api.challenge = {"all"}, 'Bearer error="insufficient_user_authentication", acr_values="gold"'
    for _ in range(3):
        status, body = session.ask()
        equal(status, 401, "the API's answer")
    session.end()
    equal(len(scene.api.calls), 3, "one call per request")
    equal(scene.asked(), [], "token requests")
    listed = scene.listed()
    equal((listed["status"], listed["login_reason"], listed["command"]),
          ("connected", "insufficient_user_authentication", "claviger login acme --force"), "list")
    contains(scene.claviger("list").stderr, "stronger login", "list says it")


def a_week_of_503_is_survived(world):
    """The token endpoint is away for a week: an expired token is never used, the server is not stormed, and the connection
    is alive afterwards."""
    scene = Scene(world)
    session = Session(scene)
    session.fine("before")
    scene.down.touch()
    calls, steps = len(scene.api.calls), 0
    for hours in range(6, 7 * 24 + 1, 6):
        scene.time.at(hours * HOUR)
        steps += 1
        for _ in range(2):
            status, body = session.ask()
            equal((status, body["reason"]), (424, "credential_unavailable"), f"after {hours} hours: {body}")
    equal(len(scene.api.calls), calls, "an expired token was used")
    asked = scene.asked()
    equal(set(asked), {503}, "answers of the token endpoint")
    check(1 <= len(asked) <= 2 * steps, f"{len(asked)} token requests at {steps} moments")
    listed = scene.listed()
    equal(listed["status"], "expired", "status meanwhile")
    check(listed["refresh_failing_since"], "list says since when")
    contains(scene.claviger("list").stderr, "its renewal fails since", "list says it")
    equal(scene.claviger("export", "acme", code=None, secret_output=True).returncode in (0,), False, "export of an expired token")

    scene.down.unlink()
    scene.time.at(7 * DAY + 2 * HOUR)
    session.fine_soon("afterwards")
    session.end()
    equal(scene.asked()[len(asked):].count(200), 1, "one success")
    listed = scene.listed()
    equal((listed["status"], listed["refresh_failing_since"], listed["why"]), ("connected", None, None), "list afterwards")
    scene.plant()


def a_dead_grant_is_tried_once_and_said_everywhere(world):
    """OA-19: invalid_grant is final: one attempt, then `needs login` in list, run, export and the proxy's answer."""
    scene = Scene(world)
    session = Session(scene)
    session.fine("before")
    shown = scene.shown("--no-refresh")
    data = urllib.parse.urlencode({"token": shown["refresh_token"], "client_id": shown["client_id"]}).encode()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(scene.authorization["revocation_endpoint"], data, timeout=60).read()
    scene.time.at(2 * HOUR)
    calls = len(scene.api.calls)
    for _ in range(5):
        status, body = session.ask()
        equal((status, body["reason"], body["command"]), (424, "needs_login", "claviger login acme"), f"the proxy's answer: {body}")
    session.end()
    equal(scene.asked(), [400], "token requests")
    equal(len(scene.api.calls), calls, "calls of the API")
    listed = scene.listed()
    equal((listed["status"], listed["login_reason"], listed["command"]), ("needs_login", "invalid_grant", "claviger login acme"), "list --json")
    contains(scene.claviger("list").stderr, "mend it with: claviger login acme", "list")
    contains(scene.claviger("doctor", code=14).stdout, "mend it with: claviger login acme", "doctor")
    contains(scene.claviger("run", "--", "true").stderr, "mend it with: claviger login acme", "run")
    refused = scene.claviger("export", "acme", code=7)
    contains(refused.stderr, "claviger login acme", "export")
    check(not refused.stdout, "nothing was printed")
    equal(scene.asked(), [400], "and nobody asked again")
    browser_login(world, ["login", "acme", "--force"], env=scene.time.environment())
    listed = scene.listed()
    equal((listed["status"], listed["why"]), ("connected", None), "after the login")
    scene.plant()


def the_clock_jumps(world):
    """An hour, a day, ten years, there and back, while timers go on as if nothing was (as after a sleep of the machine): no
    expired token is used and there is no loop of refreshes."""
    scene = Scene(world)
    session = Session(scene)
    session.fine("at first")
    for jump in (HOUR, DAY, 3650 * DAY):
        old = scene.api.calls[-1][1]
        scene.time.at(jump)
        for _ in range(3):
            session.fine(f"{jump} seconds later")
        check(old not in [token for _, token, _ in scene.api.calls[-3:]], "an expired token was used")
        asked = len(scene.asked())
        scene.time.at(0)
        for _ in range(3):
            session.fine(f"{jump} seconds back")
        check(len(scene.asked()) <= asked + 1, f"a loop of refreshes after going back: {scene.asked()}")
        scene.plant()
    scene.time.at(-3650 * DAY)
    for _ in range(3):
        session.fine("ten years ago")
    session.end()
    check(len(scene.asked()) <= 8 and set(scene.asked()) == {200}, f"token requests: {scene.asked()}")
    scene.plant()


def a_machine_that_slept_wakes_up(world):
    """The broker stands still while eight hours pass by the clock and none by its timers. Whoever asks first after that, all at
    once, gets the one new token."""
    scene = Scene(world)
    session = Session(scene)
    session.fine("in the evening")
    old = scene.api.calls[-1][1]
    os.kill(session.process.pid, signal.SIGSTOP)
    scene.time.at(8 * HOUR)
    time.sleep(1)
    os.kill(session.process.pid, signal.SIGCONT)
    calls = len(scene.api.calls)
    status, _ = session.ask(f"-o /dev/null -w '' & curl -sS -m 100 -o /dev/null {session.url}/y & curl -sS -m 100 -o /dev/null {session.url}/z & wait; curl -sS -m 100 -w '\\n#%{{http_code}}\\n' {session.url}/w")
    equal(status, 200, "in the morning")
    tokens = [token for _, token, _ in scene.api.calls[calls:]]
    equal((len(tokens), len(set(tokens)), old in tokens), (4, 1, False), "calls of the API, their tokens, the old one among them")
    equal(scene.asked(), [200], "token requests")
    session.end()
    scene.plant()


def what_is_handed_out_is_fresh(world):
    """export and get --show-secret renew first; offline a valid token is handed out, an expired one never."""
    scene = Scene(world)

    def export(*more, code=0):
        return scene.claviger("export", "acme", *more, code=code, secret_output=True)
    first = export().stdout
    equal(scene.asked(), [], "a token that is good is not renewed")
    scene.time.at(2 * HOUR)
    equal(scene.listed()["status"], "connected", "list of one that the next use renews")
    equal(scene.asked(), [], "list talks to nobody")
    contains(export("--no-refresh", code=7).stderr, "it has expired", "not renewed")
    second = export().stdout
    check(first != second and second.startswith("ACME_TOKEN="), "a new token was handed out")
    equal(scene.asked(), [200], "token requests")
    shown = scene.plant()
    check(shown["access_token"] in second, "get shows the same")

    scene.down.touch()
    scene.time.at(3 * HOUR - 30)  # a little before its end
    offline = export()
    equal(offline.stdout, second, "the valid token")
    contains(offline.stderr, "could not be renewed", "with a warning")
    scene.time.at(5 * HOUR)
    expired = export(code=None)
    check(expired.returncode not in (0, 1) and not expired.stdout, f"an expired token is an error: {expired.returncode}")
    check(re.search(r"error: renewing the token of acme \(default\): .*503", expired.stderr), f"which says of what and why: {expired.stderr}")
    contains(world.run("get", "acme", "--field", "status", env=scene.time.environment()).stdout, "expired", "get shows what is")


def what_nothing_can_renew_is_still_shown(world):
    """A token that has ended, without a refresh token, whose service has steps: `get` shows what there is."""
    service = Service(world)
    service.token_answer = {"refresh_token": None, "expires_in": 1}
    service.define(world, oauth={"steps": [{"name": "session", "url": service.url + "/nowhere"}]})
    browser_login(world, ["login", "acme"], forms=[{"client_id": "public-client"}])
    time.sleep(1.5)
    shown = world.run("get", "acme", "--show-secret", "--json", secret_output=True).stdout
    equal(json.loads(shown)["status"], "expired", "get --show-secret")


def what_a_renewal_tells_of_the_host_is_used(world):
    """The account moved: `get` and `run` go to the host that the renewal's answer names."""
    service = Service(world)
    service.token_answer = {"shard": "s1", "expires_in": 1}
    service.define(world, api_url="https://{shard}.acme.example", vars={"shard": {"title": "Shard", "pattern": "s[0-9]+"}},
                   export={"env": {"access_token": "ACME_TOKEN", "shard": "ACME_SHARD"}}, oauth={"response": {"capture": [{"name": "shard", "pointer": "/shard"}]}})
    browser_login(world, ["login", "acme"], forms=[{"client_id": "public-client"}])
    equal(world.run("get", "acme", "--field", "shard", "--no-refresh").stdout.strip(), "s1", "at the login")
    for shard in ("s2", "s3"):
        service.token_answer["shard"] = shard
        time.sleep(1.5)
        issued = len(service.issued)
        world.run("get", "acme", "--show-secret", "--json", secret_output=True)
        equal(len(service.issued), issued + 1, "a renewal")
        equal(world.run("get", "acme", "--field", "shard", "--no-refresh").stdout.strip(), shard, "get")
        equal(world.run("export", "acme", secret_output=True).stdout.splitlines()[-1].split("=")[1], shard, "export")


def OA13_a_rotated_token_is_kept_when_the_rest_of_the_answer_is_of_no_use(world):
    service = Service(world)
    service.token_answer = {"expires_in": 1}
    service.define(world)
    browser_login(world, ["login", "acme"], forms=[{"client_id": "public-client"}])
    time.sleep(1.5)
    service.token_answer["token_type"] = "mac"
    refused = world.run("get", "acme", "--show-secret", code=None)
    contains(refused.stderr, "unknown type 'mac'", "the failure")
    check(refused.returncode not in (0, 7), f"exit code {refused.returncode}")
    world.run("get", "acme", "--show-secret", code=refused.returncode)
    equal(len(service.seen("/token")), 2, "the next one waits")
    # The definition says how such a token is presented: the wait ends, and the token that the refused answer brought is sent.
    service.define(world, inject={"headers": {"Authorization": "MAC {{access_token}}"}})
    world.run("confirm", "acme", "--yes")
    shown = json.loads(world.run("get", "acme", "--show-secret", "--json", secret_output=True).stdout)
    sent = [request["form"]["refresh_token"] for request in service.seen("/token")[1:]]
    equal(sent, [refresh for _, refresh in service.issued[:2]], "each refresh token once, in the order in which they came")
    equal((shown["access_token"], shown["refresh_token"]), service.issued[-1], "what is stored")


if __name__ == "__main__":
    if len(sys.argv) > 1 and has_sanitizer(sys.argv[1]):  # libfaketime cannot be loaded beside a sanitizer
        left_to_the_release_build("every test of the clock")
        sys.exit(0)
    if LIBRARY is None:
        cannot_run("libfaketime is not installed")
        sys.exit(0)
    main(a_session_goes_on_across_expiries, a_refused_token_is_replaced_once, a_stronger_login_is_said, a_week_of_503_is_survived,
         a_dead_grant_is_tried_once_and_said_everywhere, the_clock_jumps, a_machine_that_slept_wakes_up, what_is_handed_out_is_fresh,
         what_nothing_can_renew_is_still_shown, what_a_renewal_tells_of_the_host_is_used, OA13_a_rotated_token_is_kept_when_the_rest_of_the_answer_is_of_no_use)
