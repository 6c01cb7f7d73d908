"""The device authorization grant (RFC 8628): against oidc-provider, approved through its own pages; and against a strict
server of this file for what that one does not do, which fails the test on a single early request."""
import http.server, math, socket
from harness import *
from test_terminal import Terminal

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def oidc_provider(world, *options, secret=None):
    client = {"client_id": "device-app", "grant_types": [GRANT, "refresh_token"], "redirect_uris": [], "response_types": [],
              "token_endpoint_auth_method": "client_secret_basic" if secret else "none"}
    if secret:
        client["client_secret"] = secret
    file = world.directory / "clients.json"
    file.write_text(json.dumps([client]))
    return world.authorization_server("--clients", file, *options)


def define(world, oauth, name="acme", **members):
    world.run("register", world.definition(name, auth_type="oauth2", flow="device_code", oauth={"supports_device_code": True, **oauth}, **members), "--yes")


class Login:
    """A login that waits; what it says on stderr as it comes."""

    def __init__(self, world, *arguments, stdin=None, env=None):
        self.world, self.arguments, self.lines = world, ("login", *arguments), []
        self.process = world.start(*self.arguments, stdin=stdin, env=env)
        self.more = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for raw in self.process.stderr:
            with self.more:
                self.lines.append(raw.decode(errors="replace").rstrip("\n"))
                self.more.notify()
        with self.more:
            self.lines.append(None)
            self.more.notify()

    def line_after(self, before):
        """The first line with text on it after the one that begins with `before`."""
        at = 0
        found = False
        with self.more:
            while True:
                while at < len(self.lines):
                    line = self.lines[at]
                    at += 1
                    check(line is not None, f"the login ended before {before!r}: {self.lines}")
                    if found and line.strip():
                        return line.strip()
                    found = found or line.startswith(before)
                check(self.more.wait(60), f"{before!r} was not said: {self.lines}")

    def prompt(self):
        return self.line_after("On any device with a browser, open"), self.line_after("and enter the code")

    def end(self, code):
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            raise Failure(f"the login still waits: {self.lines}") from None
        out = self.process.stdout.read().decode()
        equal(self.process.returncode, code, f"exit code; stdout {out!r}, stderr {self.lines}")
        self.reader.join(10)
        self.world.children.remove(self.process)
        err = "\n".join(line for line in self.lines if line is not None)
        self.world.keep(self.arguments, out.encode(), err.encode(), False)
        return subprocess.CompletedProcess(self.arguments, code, out, err)


def approve(url, code, abort=False):
    """What a human does with another device's browser."""
    browser = Browser()
    page = browser.submit(browser.open(url), user_code=code)
    contains(page, code, "the provider shows the code again")
    return browser.submit(page, **({"abort": "yes"} if abort else {}))


def a_login_is_approved_on_another_device(world):
    server = oidc_provider(world)
    port = world.api("--userinfo", server["issuer"].rstrip("/") + "/me")
    # Endpoints by discovery; the scope gives a refresh token.
    define(world, {"issuer": server["issuer"], "scopes": ["openid", "offline_access"]}, api_url=f"https://127.0.0.1:{port}/")
    login = Login(world, "acme", "--input", "stdin", stdin='{"client_id": "device-app"}')
    url, code = login.prompt()
    equal(url, server["issuer"] + "/device", "the link")
    contains(approve(url, code), "Sign-in Success", "the provider's last page")
    done = login.end(0)
    equal(done.stdout, "Successfully logged in to acme (default).\n", "what login prints")
    shown = json.loads(world.run("get", "acme", "--show-secret", "--json", secret_output=True).stdout)
    for field in ("access_token", "refresh_token"):
        check(shown.get(field), f"there is a {field}")
        world.canaries.add(field, shown[field])
    equal(shown["flow"], "device_code", "the flow")
    who = json.loads(world.run("run", "--", "curl", "-sS", "--fail-with-body", f"https://127.0.0.1:{port}/whoami").stdout)
    equal(who["sub"], "alice", "the token works")
    # The client is known now, and so is what it is good for.
    again = Login(world, "acme", "--connection", "work")
    approve(*again.prompt())
    again.end(0)
    shown = json.loads(world.run("get", "acme", "--connection", "work", "--show-secret", "--json", secret_output=True).stdout)
    world.canaries.add("work", shown["access_token"])


def a_confidential_client_is_asked_for_its_secret(world):
    secret = world.canaries.new("client secret")
    server = oidc_provider(world, secret=secret)
    define(world, {"device_authorization_url": server["device_authorization_endpoint"], "token_url": server["token_endpoint"],
                   "token_auth_method": "client_secret_basic", "scopes": ["openid"]})
    login = Login(world, "acme", "--input", "stdin", stdin=json.dumps({"client_id": "device-app", "client_secret": secret}))
    approve(*login.prompt())
    login.end(0)


def RFC7591_a_device_registers_itself(world):
    """By discovery one client serves device and browser; where only the device's endpoints are known, it is the device's alone."""
    record = world.directory / "requests"
    server = world.authorization_server("--record", record, "--access-ttl", "20")
    registrations = lambda: record.read_text().count("POST /reg 201")
    written = {"device_authorization_url": server["device_authorization_endpoint"], "token_url": server["token_endpoint"],
               "registration_endpoint": server["registration_endpoint"], "revocation_url": server["revocation_endpoint"]}
    for name, where in (("found", {"issuer": server["issuer"]}), ("written", written)):
        for method in ("none", "client_secret_basic", "private_key_jwt"):
            define(world, {**where, "supports_dcr": True, "token_auth_method": method, "scopes": ["openid", "offline_access"], "authorization_params": {"prompt": "consent"},
                           "refresh": {"margin_seconds": 3600}}, name=f"{name}-{method.replace('_', '-')}", api_url=server["issuer"] + "/")
    names = sorted(file.stem for file in (world.home / "providers").glob("*.json"))
    equal(len(names), 6, "definitions")
    logins = [Login(world, name, "--input", "stdin") for name in names]  # nobody is asked for anything
    for login in logins:
        approve(*login.prompt())
    before = {}
    for name, login in zip(names, logins):
        login.end(0)
        before[name] = json.loads(world.run("get", name, "--no-refresh", "--show-secret", "--json", secret_output=True).stdout)
    equal(registrations(), 6, "clients registered")
    browser_login(world, ["login", "found-none", "--connection", "browser", "--flow", "dcr_pkce"])
    equal(registrations(), 6, "the browser uses the device's client")
    time.sleep(2)
    for name in names:
        after = json.loads(world.run("get", name, "--show-secret", "--json", secret_output=True).stdout)
        check(after["access_token"] != before[name]["access_token"], f"{name}: renewed")
        for shown in (before[name], after):
            world.canaries.add(f"{name} {shown['access_token'][:4]}", shown["access_token"])
            world.canaries.add(f"{name} {shown['refresh_token'][:4]} refresh", shown["refresh_token"])
        world.run("revoke", name, "--connection", "default")
    equal(record.read_text().count("DELETE /reg/"), 5, "clients deleted: all but the one that the browser still uses")


def a_server_that_registers_no_device_says_what_to_do(world):
    server = world.authorization_server("--no-registration")
    define(world, {"issuer": server["issuer"], "supports_dcr": True, "scopes": ["openid"]})
    contains(world.run("login", "acme", "--input", "stdin", code=None).stderr, "publishes no registration endpoint", "what is missing")


def a_denied_login_says_so(world):
    server = oidc_provider(world)
    define(world, {"issuer": server["issuer"], "scopes": ["openid"]})
    login = Login(world, "acme", "--input", "stdin", stdin='{"client_id": "device-app"}')
    url, code = login.prompt()
    approve(url, code, abort=True)
    done = login.end(8)
    contains(done.stderr, "denied", "what happened")
    world.run("get", "acme", code=6)


def RFC7592_no_login_that_fails_leaves_a_client_at_the_server(world):
    """Denied: it is deleted there and here. Killed: the next login uses it."""
    record = world.directory / "requests"
    server = world.authorization_server("--record", record)
    define(world, {"issuer": server["issuer"], "supports_dcr": True, "scopes": ["openid"]})
    count = lambda what: record.read_text().count(what)
    login = Login(world, "acme", "--input", "stdin")
    url, code = login.prompt()
    approve(url, code, abort=True)
    login.end(8)
    equal((count("POST /reg 201"), count("DELETE /reg/")), (1, 1), "registered and deleted")
    check("DELETE" not in world.run("explain").stdout, "to tidy up is no step of the login")
    login = Login(world, "acme", "--input", "stdin")
    login.prompt()
    login.process.kill()
    login.end(-9)
    login = Login(world, "acme", "--input", "stdin")
    approve(*login.prompt())
    login.end(0)
    equal((count("POST /reg 201"), count("DELETE /reg/")), (2, 1), "the client of the killed login is used")
    world.canaries.add("token", json.loads(world.run("get", "acme", "--show-secret", "--json", secret_output=True).stdout)["access_token"])
    world.run("revoke", "acme")
    equal(count("DELETE /reg/"), 2, "nothing is left")


def a_code_that_runs_out_ends_the_login(world):
    record = world.directory / "requests"
    server = oidc_provider(world, "--device-ttl", "12", "--record", record)
    define(world, {"issuer": server["issuer"], "scopes": ["openid"]})
    started = time.monotonic()
    login = Login(world, "acme", "--input", "stdin", stdin='{"client_id": "device-app"}')
    login.prompt()
    done = login.end(11)
    contains(done.stderr, "nobody approved the login while its code was valid", "what happened")
    polls = record.read_text().count("POST /token ")
    check(1 <= polls <= 2, f"requests of one code of 12 s at an interval of 5 s: {polls}")
    check(time.monotonic() - started >= 12, "it waited as long as the code was valid")
    world.run("get", "acme", code=6)


def RFC8628_an_approval_in_the_last_interval_counts(world):
    """A code of 14 s at an interval of 5 s: requests at 5 and 10 s alone would miss it."""
    server = StrictServer(world, interval=5, lifetime=14, approved_after=10.5)
    login = Login(world, "acme", "--input", "stdin", stdin=server.stdin)
    login.end(0)
    equal((server.early, server.polls), ([], 2), "early requests, and all of them")


class StrictServer:
    """Judges every token request by RFC 8628 section 3.5, from its own answer on. `script`: what the next requests get;
    after it everything is pending until `approved`, or until that many seconds after the code."""

    def __init__(self, world, script=(), interval=1, complete=True, lifetime=600, approved_after=math.inf):
        self.interval, self.script, self.polls, self.early, self.approved = interval, list(script), 0, [], False
        self.token, self.device_code = world.canaries.new("device token"), world.canaries.new("device code")
        self.last, self.doubled, self.given = None, False, None
        strict = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.path == "/device":
                    self.answer(200, {"device_code": strict.device_code, "user_code": "WDJB-MJHT", "verification_uri": f"{strict.origin}/go", "expires_in": lifetime,
                                      "interval": interval, **({"verification_uri_complete": f"{strict.origin}/go?code=WDJB-MJHT"} if complete else {})})
                    strict.last = strict.given = time.monotonic()
                    return
                waited = time.monotonic() - strict.last
                strict.polls += 1
                if waited < strict.interval * (2 if strict.doubled else 1):
                    strict.early.append((strict.polls, waited, strict.interval))
                strict.doubled = False
                approved = strict.approved or time.monotonic() - strict.given >= approved_after
                what = strict.script.pop(0) if strict.script else ("token" if approved else "authorization_pending")
                form = dict(urllib.parse.parse_qsl(body))
                if (form.get("grant_type"), form.get("device_code"), form.get("client_id")) != (GRANT, strict.device_code, "app"):
                    what = "invalid_request"
                if what == "drop":  # section 3.5: then the least wait is doubled
                    strict.doubled = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                elif what == "token":
                    self.answer(200, {"access_token": strict.token, "token_type": "Bearer", "expires_in": 3600})
                else:
                    if what == "slow_down":
                        strict.interval += 5
                    self.answer(400, {"error": what})
                strict.last = time.monotonic()

            def answer(self, status, document):
                text = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closing.append(self.server.shutdown)
        define(world, {"device_authorization_url": f"{self.origin}/device", "token_url": f"{self.origin}/token"})

    stdin = '{"client_id": "app"}'


def OA17_no_request_is_early_after_slow_down_and_a_lost_answer(world):
    server = StrictServer(world, ["authorization_pending", "drop", "slow_down", "authorization_pending", "token"])
    login = Login(world, "acme", "--input", "stdin", stdin=server.stdin)
    login.end(0)
    equal(server.early, [], "early requests")
    equal(server.polls, 5, "requests")


def CL11_a_signal_ends_the_wait_with_11(world):
    server = StrictServer(world)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        login = Login(world, "acme", "--input", "stdin", stdin=server.stdin)
        login.prompt()
        login.process.send_signal(number)
        done = login.end(11)
        contains(done.stderr, "no connection was stored", "what happened")
        world.run("get", "acme", code=6)
    equal(server.early, [], "early requests")


def one_json_document_and_the_prompt_beside_it(world):
    server = StrictServer(world)
    for how in ("--json", "--quiet"):
        server.approved = False
        login = Login(world, "acme", "--input", "stdin", "--force", how, stdin=server.stdin)
        equal(login.prompt(), (f"{server.origin}/go", "WDJB-MJHT"), f"{how}: the prompt")
        server.approved = True
        done = login.end(0)
        check("\u2580" not in done.stderr and "##" not in done.stderr, f"{how}: no QR code")
        if how == "--json":
            equal(json.loads(done.stdout)["status"], "success", "the document")
        check("approved" not in done.stderr, f"{how}: no progress")


# -- QR codes ------------------------------------------------------------------------------------------------------
def read_qr(world, rows):
    """Decodes rows of '#' (dark) and ' ' as a camera would see them."""
    scale = 4
    pixels = b"".join(bytes(0 if dark == "#" else 255 for dark in row for _ in range(scale)) * scale for row in rows)
    image = world.directory / "qr.pgm"
    image.write_bytes(b"P5 %d %d 255\n" % (len(rows[0]) * scale, len(rows) * scale) + pixels)
    read = subprocess.run(["zbarimg", "-q", "--raw", image], capture_output=True, text=True)
    return read.stdout.strip()


def drawn_by_qrencode(text):
    """The same code by the library's own program: the modules, row by row."""
    art = subprocess.run(["qrencode", "-t", "ASCII", "-l", "L", "-m", "4", text], capture_output=True, text=True, check=True).stdout
    return [line[::2] for line in art.splitlines()]


def modules_of(shown, colour, unicode):
    """The modules of what a terminal shows, with a quiet zone around them."""
    rows = []
    for line in shown.replace("\r", "").split("\n"):
        if unicode:
            plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
            if not re.fullmatch(r"[ \u2580\u2584\u2588]{25,}", plain) or (colour and not line.startswith("\x1b[38;5;16;48;5;231m")):
                continue
            for half in (("\u2580", "\u2588"), ("\u2584", "\u2588")):
                rows.append("".join("#" if (c in half) == colour else " " for c in plain))
        elif colour and line.startswith("\x1b[48;5;"):
            rows.append("".join("#" if c == "16" else " " for c in re.findall(r"\x1b\[48;5;(\d+)m  ", line)))
        elif not colour and re.fullmatch(r"[ #]{50,}", line) and line.startswith("########"):
            rows.append("".join(" " if c == "#" else "#" for c in line[::2]))
    return rows


def a_terminal_shows_a_code_that_a_camera_can_read(world):
    server = StrictServer(world)
    link = f"{server.origin}/go?code=WDJB-MJHT"
    plain = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    cases = [("colour", plain, 80, True, True), ("no colour", {**plain, "NO_COLOR": "1"}, 80, False, True), ("no UTF-8", {**plain, "LANG": "C"}, 90, True, False),
             ("neither", {"LANG": "C", "TERM": "dumb"}, 90, False, False), ("narrow", plain, 30, None, None), ("narrow, no UTF-8", {**plain, "LANG": "C"}, 60, None, None)]
    for name, extra, columns, colour, unicode in cases:
        server.approved = False
        terminal = Terminal(world, "login", "acme", "--force", env=world.environment(**extra), columns=columns)
        if name == "colour":
            terminal.read_until("Client ID: ")
            terminal.type("app\n")
        terminal.read_until("WDJB-MJHT")
        server.approved = True
        terminal.read_until("Successfully logged in")
        terminal.end(0)
        rows = modules_of(terminal.shown, colour, unicode)
        if colour is None:
            check("scan" not in terminal.shown, f"{name}: no code is announced")
            continue
        contains(terminal.shown, "or scan this, which fills the code in:", name)
        equal(rows[:len(rows[0])], drawn_by_qrencode(link), f"{name}: the modules")
        equal(read_qr(world, rows), link, f"{name}: what a camera reads")
        check(re.search(r"Waiting for the code to be approved \((10:00|9:\d\d) left", terminal.shown), f"{name}: the time that is left")


def the_page_shows_the_code_and_goes_on_by_itself(world):
    server = StrictServer(world)
    browser = Browser()
    login = Login(world, "acme", "--input", "browser")
    form = browser.open(wait_for_link(login, "/connect/").split()[-1])
    check("redirect-uri" not in form and "client_secret" not in form, "neither a redirect URI nor a secret is in it")
    page = browser.submit(form, client_id="app")
    contains(page, "WDJB-MJHT", "the code")
    contains(page, "Connect Acme", "the provider")
    contains(page, f'href="{server.origin}/go?code=WDJB-MJHT"', "the link with the code")
    contains(page, "valid for 10 more minutes", "the time that is left")
    rows = rows_of_svg(page)
    equal(rows, drawn_by_qrencode(f"{server.origin}/go?code=WDJB-MJHT"), "the modules")
    equal(read_qr(world, rows), f"{server.origin}/go?code=WDJB-MJHT", "what a camera reads")
    next_page = re.search(r'content="0;url=([^"]+)"', page)[1]
    server.approved = True
    contains(browser.open("http://127.0.0.1:7998" + next_page), "Acme is connected", "the last page")
    login.end(0)


def wait_for_link(login, part):
    with login.more:
        while True:
            for line in login.lines:
                check(line is not None, f"the login ended: {login.lines}")
                if part in line:
                    return line
            check(login.more.wait(60), f"no link: {login.lines}")


def rows_of_svg(page):
    side = int(re.search(r'viewBox="-4 -4 (\d+) \1"', page)[1])
    rows = [[" "] * side for _ in range(side)]
    for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", page):
        rows[int(y) + 4][int(x) + 4] = "#"
    return ["".join(row) for row in rows]


if __name__ == "__main__":
    main(a_login_is_approved_on_another_device, a_confidential_client_is_asked_for_its_secret,
         RFC7591_a_device_registers_itself, a_server_that_registers_no_device_says_what_to_do, a_denied_login_says_so, RFC7592_no_login_that_fails_leaves_a_client_at_the_server,
         a_code_that_runs_out_ends_the_login, RFC8628_an_approval_in_the_last_interval_counts,
         OA17_no_request_is_early_after_slow_down_and_a_lost_answer, CL11_a_signal_ends_the_wait_with_11, one_json_document_and_the_prompt_beside_it,
         a_terminal_shows_a_code_that_a_camera_can_read, the_page_shows_the_code_and_goes_on_by_itself)
