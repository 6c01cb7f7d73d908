"""Refresh tokens that a server watches: what stands between its answer and the disk (RF-04), copies of a home (RF-11), and
services of every kind of rotation and of end (RF-13)."""
import statistics
from harness import *
from little_service import Service
from test_refresh import Api



def RF04_nothing_stands_between_an_answer_and_the_disk(world):
    """The system calls of a renewal: from the last byte of the answer to the end of fdatasync on the vault's log only the vault's
    own files are touched, and the new token leaves the process after that."""
    if world.sanitized:  # its allocator and its shadows make calls of their own
        return left_to_the_release_build("the trace of a renewal")
    check(shutil.which("strace"), "strace is not installed: run ./dev setup")
    service = Service(world)
    service.token_answer = {"expires_in": 1}
    service.define(world)
    browser_login(world, ["login", "acme"], forms=[{"client_id": "public-client"}])
    windows = []
    for number in range(10):
        time.sleep(1.05)
        trace = world.directory / f"trace.{number}"
        done = subprocess.run(["strace", "-f", "-qq", "-ttt", "-yy", "-s", "8192", "-o", trace, world.program, "get", "acme", "--show-secret", "--json"],
                              env=world.environment(CLAVIGER_LOG="off"), capture_output=True, text=True, timeout=120)
        equal(done.returncode, 0, done.stderr)
        equal(json.loads(done.stdout)["access_token"], service.issued[-1][0], "the new token")
        windows.append(window_of(trace.read_text().splitlines(), service.issued[-1]))
    print(f"from the answer to the disk, under strace: median {statistics.median(windows):.1f} ms, longest {max(windows):.1f} ms")


OF_MEMORY = ("mmap", "munmap", "mprotect", "mlock", "munlock", "madvise", "brk", "getrandom", "futex", "clock_gettime", "gettimeofday")


def window_of(lines, tokens):
    """The time from the answer to the disk, in milliseconds."""
    calls = [re.fullmatch(r"\d+ +([\d.]+) (\w+)\((.*)", line) for line in lines]
    calls = [(float(call[1]), call[2], call[3]) for call in calls if call]
    arrived = next(n for n, (_, name, rest) in enumerate(calls) if name in ("recvfrom", "recvmsg", "read") and tokens[0] in rest)
    durable = next(n for n, (_, name, rest) in enumerate(calls[arrived:], arrived) if name in ("fdatasync", "fsync") and "/vault.db" in rest)
    for _, name, rest in calls[arrived + 1:durable]:
        check(name in OF_MEMORY or "/.claviger/vault." in rest.split(", {")[0], f"between the answer and the disk: {name}({rest[:200]}")
    for _, name, rest in calls[:durable]:
        check(name not in ("write", "writev", "sendto", "sendmsg", "pwrite64") or not any(t in rest for t in tokens), f"the token left before it was on the disk: {name}({rest[:80]}")
    check(any(name == "write" and tokens[0] in rest for _, name, rest in calls[durable:]), "the token is given out, and after that")
    return (calls[durable + 1][0] - calls[arrived][0]) * 1000


class Copied:
    """A connection at a real oidc-provider, and a second home that was made of the first one before that went on."""

    def __init__(self, world, how, *options):
        self.world, self.record = world, world.directory / f"record-{how}"
        # Seconds of an access token; the definition wants a new one as early as it may, at a tenth of it.
        self.life = 90 if world.sanitized else 40
        self.server = world.authorization_server("--record", self.record, "--access-ttl", self.life, *options)
        self.api = Api(self.server["userinfo_endpoint"])
        world.closing.append(self.api.server.shutdown)
        self.file = world.definition("acme", auth_type="oauth2", flow="dcr_pkce", api_url=self.api.url, oauth={
            "issuer": self.server["issuer"], "scopes": ["openid", "offline_access"], "supports_dcr": True, "refresh": {"margin_seconds": 86400}})
        world.run("register", self.file, "--yes")
        browser_login(world, ["login", "acme"])
        self.until = time.monotonic() + self.life
        user = world.directory / "other"
        user.mkdir()
        world.scanned.append(user)
        self.other = world.environment(HOME=str(user), CLAVIGER_HOME=str(user / ".claviger"), CLAVIGER_LOG=f"trace:{world.artefacts}/other.log")
        if how == "copy":
            shutil.copytree(world.home, user / ".claviger", symlinks=True)
        else:
            passphrase = world.canaries.new("passphrase")
            backup = world.directory / "backup.age"
            world.run("vault", "backup", backup, "--backup-passphrase-fd", "0", stdin=passphrase)
            world.run("vault", "restore", backup, "--backup-passphrase-fd", "0", stdin=passphrase, env=self.other)
            world.run("register", self.file, "--yes", "--force", env=self.other)

    def tokens(self, env=None):
        result = self.world.run("get", "acme", "--show-secret", "--json", secret_output=True, env=env, code=None)
        shown = json.loads(result.stdout) if result.stdout.startswith("{") else {}
        for name in ("access_token", "refresh_token"):
            self.world.canaries.add(f"{name} {len(self.world.canaries.values)}", shown.get(name) or "")
        return shown

    def session(self, env=None):
        """A session that uses the connection, and then is quiet while its renewal would be due."""
        script = f"curl -sS -o /dev/null -w '%{{http_code}}\\n' {self.api.url}/x; exec sleep {self.life // 10 + 8}"
        process = self.world.start("run", "--", "sh", "-c", script, env=env)
        equal(process.stdout.readline(), b"200\n", "the connection is usable")
        return process

    def end(self, process):
        out, err = process.communicate(timeout=60)
        self.world.children.remove(process)
        self.world.keep(["run"], out, err, False)

    def asked(self):
        lines = [line.split() for line in self.record.read_text().splitlines()]
        return [status for method, path, status in (line for line in lines if len(line) == 3) if path == "/token"]

    def reused(self):
        return "REUSE" in self.record.read_text()


def the_live_copy_goes_on(world, how):
    scene = Copied(world, how)
    asked = len(scene.asked())
    quiet = scene.session(scene.other)
    world.run("list", env=scene.other)
    world.run("doctor", env=scene.other, code=None)
    scene.end(quiet)
    equal(len(scene.asked()), asked, f"{how}: a copy was renewed in the background")
    check(time.monotonic() < scene.until, "the machine is too slow for this test")
    live = scene.session()
    scene.end(live)
    check(len(scene.asked()) > asked, f"{how}: the live one is renewed in the background, so this would be seen")
    check(not scene.reused(), "no refresh token was used twice")
    live = scene.tokens()
    equal(live["status"], "connected", "the live one")

    time.sleep(max(0, scene.until - time.monotonic()) + 0.5)
    asked = scene.asked()
    for _ in range(3):  # now it is needed: one attempt, which a strict server takes for a theft
        shown = scene.tokens(env=scene.other)
    equal(scene.asked()[len(asked):], ["400"], f"{how}: one attempt")
    equal((shown["status"], shown["login_reason"]), ("needs_login", "restored_backup"), f"{how}: what the copy says")
    contains(world.run("list", env=scene.other).stderr, "claviger login acme", "and what mends it")


def RF11_a_restored_backup_lets_the_live_copy_go_on(world):
    the_live_copy_goes_on(world, "restore")


def RF11_a_copied_home_lets_the_original_go_on(world):
    the_live_copy_goes_on(world, "copy")


def RF11_where_tokens_do_not_rotate_both_go_on(world):
    scene = Copied(world, "restore", "--no-rotation")
    time.sleep(max(0, scene.until - time.monotonic()) + 0.5)
    copied, live = scene.tokens(env=scene.other), scene.tokens()
    equal((copied["status"], live["status"]), ("connected", "connected"), "both")
    check(copied["access_token"] != live["access_token"], "each has its own token")


class Profile(Service):
    """A service with one kind of refresh token and one way to say when an access token ends."""

    def __init__(self, world, kind, end):
        super().__init__(world)
        self.kind, self.end, self.current, self.wrong = kind, end, None, []

    def access(self, number, life):
        if self.end != "jwt":
            return self.world.canaries.new(f"{self.kind} {self.end} access {number}")
        parts = (b'{"alg":"none"}', json.dumps({"exp": int(time.time()) + life, "jti": secrets.token_hex(12)}).encode(), secrets.token_bytes(12))
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self.world.canaries.add(f"{self.kind} jwt access {number}", token)
        return token

    def answer(self, request):
        if request["path"] == "/api":
            return (200, {"fine": True}, {}) if self.bearer(request) in self.live else (401, {"error": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if request["path"] != "/token":
            return super().answer(request)
        if request["form"]["grant_type"] == "refresh_token" and request["form"]["refresh_token"] != self.current:
            self.wrong.append(request["form"])
            return 400, {"error": "invalid_grant"}, {}
        number, life = len(self.issued), 2 if not self.issued else 3600
        access, answer = self.access(number, life), {"token_type": "Bearer"}
        if self.kind == "rotates" or (self.kind == "stays" and self.current is None):
            self.current = answer["refresh_token"] = self.world.canaries.new(f"{self.kind} {self.end} refresh {number}")
        if self.end == "said":
            answer["expires_in"] = life
        self.live = {access}
        self.issued.append(access)
        return 200, {**answer, "access_token": access}, {}


def use(world, service, name):
    result = world.run("run", "--", "curl", "-sS", "-w", "\n%{http_code}", service.url + "/api")
    body, _, status = result.stdout.rpartition("\n")
    return int(status), json.loads(body)


ENDS = {"said": {}, "jwt": {"kind": "jwt_exp"}, "default": {"default": 2}, "unknown": {}}


def RF13_twelve_kinds_of_services(world):
    """Three kinds of refresh tokens, four ways to say when an access token ends: what happens when the token is over."""
    for kind in ("rotates", "stays", "none"):
        for end, expires in ENDS.items():
            service, name = Profile(world, kind, end), f"{kind}-{end}"
            service.define(world, name, oauth={"expires": expires, **({"refresh": {"rotation": "always"}} if kind == "rotates" else {})})
            browser_login(world, ["login", name], forms=[{"client_id": "public-client"}])
            equal(use(world, service, name), (200, {"fine": True}), f"{name}: at first")
            asked, calls = len(service.seen("/token")), len(service.seen("/api"))
            time.sleep(2.1)
            service.live = set()  # it is over, whether that was said or not
            status, body = use(world, service, name)
            requests, told = len(service.seen("/token")) - asked, service.seen("/api")[calls:]
            if kind != "none":
                equal((status, requests, service.wrong), (200, 1, []), f"{name}: one renewal with the right token: {body}")
                equal([r["status"] for r in told], [401, 200] if end == "unknown" else [200], f"{name}: calls of the API")
            elif end == "unknown":
                equal((status, requests, [r["status"] for r in told]), (401, 0, [401]), f"{name}: the service's own answer")
            else:
                equal((status, requests, len(told)), (424, 0, 0), f"{name}: an expired token is never used: {body}")
                contains(json.dumps(body), f"claviger login {name}", f"{name}: what mends it")
            world.run("remove", name, "--yes")


if __name__ == "__main__":
    main(RF04_nothing_stands_between_an_answer_and_the_disk, RF11_a_restored_backup_lets_the_live_copy_go_on, RF11_a_copied_home_lets_the_original_go_on,
         RF11_where_tokens_do_not_rotate_both_go_on, RF13_twelve_kinds_of_services)
