"""What every end-to-end test shares: an empty home, the real program, real peers, canaries and the scan for them.

A test is a program: `python3 tests/e2e/test_x.py path/to/claviger`. It exits 0, or prints what is wrong and exits 1.
Every secret that a test plants is a canary; at the end no output, log, file, process argument or environment may
contain one in any common encoding (G4, CL-01, LG-02)."""
import base64, contextlib, hashlib, json, mmap, os, pathlib, re, secrets, shutil, signal, ssl, subprocess, sys, tempfile, threading, time
import html, html.parser, http.cookiejar, urllib.error, urllib.parse, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE = ROOT / "tests/peers/node/run"
CALLBACK = "http://127.0.0.1:7998/auth/callback/oauth"


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def equal(actual, expected, what):
    check(actual == expected, f"{what}: expected {expected!r}, got {actual!r}")


def contains(text, part, what):
    check(part in text, f"{what}: {part!r} is not in {text[-3000:]!r}")


def cannot_run(why):
    """Says loudly that something is not tested here. On CI everything must be tested."""
    check("CI" not in os.environ, f"cannot be tested here: {why}")
    print(f"NOT TESTED: {why}", file=sys.stderr, flush=True)


def left_to_the_release_build(why):
    """Says loudly that this part is not tested with a program that has a sanitizer in it."""
    print(f"LEFT TO THE RELEASE BUILD: {why}", file=sys.stderr, flush=True)


def has_sanitizer(program):
    """Whether the program has AddressSanitizer or ThreadSanitizer linked in: their start-up functions are in its symbols."""
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(name) >= 0 for name in (b"__asan_init", b"__tsan_init"))


class Canaries:
    """Secrets that must never be seen outside the vault and the wire."""

    def __init__(self):
        self.values = {}

    def new(self, name, prefix=""):
        self.values[name] = prefix + secrets.token_urlsafe(24)
        return self.values[name]

    def add(self, name, value):
        if value and len(value) >= 12:
            self.values[name] = value

    def encodings(self):
        for name, value in self.values.items():
            raw = value.encode()
            yield name, "raw", raw
            yield name, "reversed", raw[::-1]
            yield name, "hex", raw.hex().encode()
            yield name, "HEX", raw.hex().upper().encode()
            yield name, "percent", "".join(f"%{b:02X}" for b in raw).encode()
            yield name, "json", json.dumps(value)[1:-1].encode()
            yield name, "utf-16le", value.encode("utf-16-le")
            yield name, "utf-16be", value.encode("utf-16-be")
            for shift in range(3):  # base64 at each alignment, without the edges that neighbours change
                encoded = base64.b64encode(b"\0" * shift + raw)
                core = encoded[4 if shift else 0:len(encoded) - 4]
                yield name, f"base64+{shift}", core
                yield name, f"base64url+{shift}", core.replace(b"+", b"-").replace(b"/", b"_")

    def find_in(self, data):
        return sorted({f"{name} ({how})" for name, how, needle in self.encodings() if len(needle) >= 12 and needle in data})


class ArgumentWatch(threading.Thread):
    """Samples the arguments of every process of this user about 100 times a second (CL-01)."""

    def __init__(self, canaries):
        super().__init__(daemon=True)
        self.canaries, self.stopped, self.found, self.samples = canaries, threading.Event(), set(), 0

    def run(self):
        own = str(os.getpid())
        while not self.stopped.wait(0.01):
            self.samples += 1
            for entry in os.listdir("/proc"):
                if not entry.isdigit() or entry == own:
                    continue
                with contextlib.suppress(OSError):
                    data = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes()
                    for value in list(self.canaries.values.values()):  # the test adds some meanwhile
                        if value.encode() in data:
                            self.found.add(data.replace(b"\0", b" ").decode(errors="replace")[:60])


class World:
    def __init__(self, program):
        self.program = str(pathlib.Path(program).resolve())
        self.sanitized = has_sanitizer(self.program)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="claviger-e2e-"))
        self.artefacts = self.directory / "artefacts"
        self.artefacts.mkdir()
        self.temporary = self.directory / "tmp"
        self.temporary.mkdir()
        self.user_home = self.directory / "user"
        self.user_home.mkdir()
        self.home = self.user_home / ".claviger"
        self.canaries = Canaries()
        self.watch = ArgumentWatch(self.canaries)
        self.watch.start()
        self.children, self.count = [], 0
        self.closing, self.scanned = [], []  # what close() calls, and more directories for scan()

    # -- the program -------------------------------------------------------------------------------------------
    def environment(self, **extra):
        clean = {k: os.environ[k] for k in ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if k in os.environ}
        clean.update(HOME=str(self.user_home), CLAVIGER_HOME=str(self.home), TMPDIR=str(self.temporary),
                     CLAVIGER_LOG=f"trace:{self.artefacts}/trace.log")
        clean.update({k: v for k, v in extra.items() if v is not None})
        return clean

    def start(self, *arguments, stdin=None, env=None, pass_fds=(), **popen):
        process = subprocess.Popen([self.program, *map(str, arguments)], env=env or self.environment(), pass_fds=pass_fds,
                                   stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **popen)
        self.children.append(process)
        if stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # refused before it was read
                process.stdin.write(stdin.encode() if isinstance(stdin, str) else stdin)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.stdin = None
        return process

    def run(self, *arguments, stdin=None, code=0, env=None, pass_fds=(), timeout=120, secret_output=False, **popen):
        process = self.start(*arguments, stdin=stdin, env=env, pass_fds=pass_fds, **popen)
        out, err = process.communicate(timeout=timeout)
        self.children.remove(process)
        self.keep(arguments, out, err, secret_output)
        result = subprocess.CompletedProcess(arguments, process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
        if code is not None:
            check(result.returncode == code, f"claviger {' '.join(map(str, arguments))}: exit code {result.returncode} instead of {code}\n"
                  f"stdout: {result.stdout[-2000:]}\nstderr: {result.stderr[-3000:]}")
        return result

    def keep(self, arguments, out, err, secret_output):
        self.count += 1
        name = f"{self.count:04}-{re.sub(r'[^a-z0-9]+', '-', ' '.join(map(str, arguments))[:40].lower())}"
        (self.artefacts / f"{name}.err").write_bytes(err)
        if not secret_output:  # a command that was asked to reveal prints to stdout, and only there
            (self.artefacts / f"{name}.out").write_bytes(out)

    # -- peers -------------------------------------------------------------------------------------------------
    def peer(self, *command, env=None):
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=open(self.directory / f"peer-{len(self.children)}.log", "wb"),
                                   stdin=subprocess.DEVNULL, env=env or {**os.environ, "NODE_NO_WARNINGS": "1"}, text=True)
        self.children.append(process)
        line = process.stdout.readline()
        check(line.strip().startswith("{"), f"peer {command[1]} did not start: {line!r} {(self.directory / f'peer-{len(self.children) - 1}.log').read_text()[-2000:]}")
        return json.loads(line)

    def certificates(self):
        """A private authority and a certificate for 127.0.0.1 and localhost; Claviger is told to trust it."""
        if hasattr(self, "ca_file"):
            return
        d = self.directory
        self.ca_file, self.cert, self.key = d / "ca.pem", d / "server.pem", d / "server.key"

        def openssl(*a):
            subprocess.run(["openssl", *map(str, a)], check=True, capture_output=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", d / "ca.key", "-out", self.ca_file,
                "-days", "2", "-subj", "/CN=test authority")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key, "-out", d / "server.csr", "-subj", "/CN=server")
        (d / "ext").write_text("subjectAltName=DNS:localhost,DNS:api.localhost,DNS:api.acme.test,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", d / "server.csr", "-CA", self.ca_file, "-CAkey", d / "ca.key", "-days", "2", "-extfile", d / "ext", "-out", self.cert)
        self.run("config", "set", "network.ca_file", self.ca_file)

    def api(self, *options):
        self.certificates()
        self.record = self.directory / "api-requests.jsonl"
        return self.peer(NODE, ROOT / "tests/peers/api/server.mjs", "--cert", self.cert, "--key", self.key, "--record", self.record, *options)["port"]

    def authorization_server(self, *options):
        return self.peer(NODE, ROOT / "tests/peers/oidc/server.mjs", *options)

    def definition(self, name, **members):
        path = self.directory / f"{name}.json"
        path.write_text(json.dumps({"schema_version": 1, "name": name, "display_name": name.title(), **members}, indent=2))
        return path

    # -- the end -----------------------------------------------------------------------------------------------
    def scan(self):
        self.watch.stopped.set()
        self.watch.join(2)
        check(not self.watch.found, f"secrets in process arguments: {self.watch.found}")
        files = 0
        for base in (self.artefacts, self.temporary, self.user_home, *self.scanned):
            for path in base.rglob("*"):
                if path.is_file():
                    files += 1
                    found = self.canaries.find_in(path.read_bytes())
                    check(not found, f"secret in {path.name}: {found}")
        check(not list(self.temporary.rglob("claviger-run-*")), "a session's directory was left behind")
        print(f"scan: {len(self.canaries.values)} canaries, {files} files, {self.watch.samples} argument samples: none found")

    def close(self):
        for call in self.closing:
            call()
        for process in self.children:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if process.poll() is None:
                process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def connect_key(world, *api, host="127.0.0.1", **definition):
    """An API that takes a key, and a connection 'acme' that has it; gives the API's origin."""
    key = world.canaries.new("client key")
    port = world.api("--key-header", "Authorization", "--key-sha256", hashlib.sha256(("Bearer " + key).encode()).hexdigest(), *api)
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=f"https://{host}:{port}/",
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}, **definition), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    return f"https://{host}:{port}"


class Forms(html.parser.HTMLParser):
    """The first form of a page: action, method, fields. What a browser without JavaScript would send."""

    def __init__(self, text):
        super().__init__()
        self.action, self.method, self.fields, self.inside = None, "GET", {}, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form" and self.action is None:
            self.action, self.method, self.inside = a.get("action", ""), a.get("method", "get").upper(), True
        elif tag == "input" and self.inside and a.get("name"):
            self.fields[a["name"]] = a.get("value") or ""
        elif tag in ("select", "textarea") and self.inside and a.get("name"):
            self.fields[a["name"]] = ""

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


class Browser:
    """Follows links and sends forms as a browser does, cookies, Origin and Sec-Fetch-Site included."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({}))
        self.url = None

    def open(self, url, data=None, origin=None):
        request = urllib.request.Request(url, data=urllib.parse.urlencode(data).encode() if data is not None else None)
        request.add_header("Accept", "text/html")
        if data is not None:
            request.add_header("Origin", origin or "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url)))
            request.add_header("Sec-Fetch-Site", "same-origin")
        try:
            with self.opener.open(request, timeout=60) as response:
                self.url, self.status = response.geturl(), response.status
                return response.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            self.url, self.status = error.geturl(), error.code
            return error.read().decode(errors="replace")

    def follow(self, page):
        """What a page that reloads itself, or leads on by itself, comes to."""
        for _ in range(200):
            refresh = re.search(r'http-equiv="refresh" content="\d+(?:;url=([^"]*))?"', page)
            if not refresh:
                break
            time.sleep(0 if refresh[1] else 0.2)
            page = self.open(urllib.parse.urljoin(self.url, html.unescape(refresh[1] or "")))
        return page

    def submit(self, page, **values):
        form = Forms(page)
        check(form.action is not None, f"no form on the page {self.url}: {page[:800]}")
        target = urllib.parse.urljoin(self.url, form.action)
        return self.open(target, {**form.fields, **values})


def browser_login(world, arguments, forms=(), code=0, env=None, stdin=None, consent=None):
    """Runs `login`, follows the links it prints as a human's browser would, fills `forms` (dicts) in order. `consent`:
    what the human does at the provider, from the browser and its page to the last page."""
    if "--input" not in arguments:  # there is no display here
        arguments = [*arguments, "--input", "browser"]
    process = world.start(*arguments, env=env, stdin=stdin)
    browser, lines, pages, forms, shown = Browser(), [], [], list(forms), []
    link = None

    def visit(url):
        page = browser.open(url)
        while forms and "<form" in page and "127.0.0.1:7998" in browser.url:
            shown.append(page)
            page = browser.submit(page, **forms.pop(0))
        pages.append(consent(browser, page) if consent else browser.follow(page))

    workers = []
    for raw in process.stderr:
        line = raw.decode(errors="replace").rstrip()
        lines.append(line)
        for url in re.findall(r"https?://\S+", line):
            link = url
        if line.startswith("Open it in your browser") and link:
            worker = threading.Thread(target=visit, args=(link,), daemon=True)
            worker.start()
            workers.append(worker)
    out = process.stdout.read().decode()
    process.wait(60)
    world.children.remove(process)
    for worker in workers:
        worker.join(10)
    world.keep(arguments, out.encode(), "\n".join(lines).encode(), False)
    check(process.returncode == code, f"login: exit code {process.returncode} instead of {code}\nstdout: {out}\nstderr: " + "\n".join(lines))
    result = subprocess.CompletedProcess(arguments, process.returncode, out, "\n".join(lines))
    result.forms = shown
    return result, pages


def main(*tests):
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} path/to/claviger [test...]")
    failed = 0
    for test in tests:
        if len(sys.argv) > 2 and test.__name__ not in sys.argv[2:]:
            continue
        world = World(sys.argv[1])
        started = time.monotonic()
        try:
            test(world)
            world.scan()
            print(f"ok    {test.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAIL  {test.__name__}: {failure}", flush=True)
        except Exception as error:  # a peer or the harness itself broke
            import traceback
            failed += 1
            print(f"FAIL  {test.__name__}: {type(error).__name__}: {error}\n{traceback.format_exc()}", flush=True)
        finally:
            world.close()
    sys.exit(1 if failed else 0)
