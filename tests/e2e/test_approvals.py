"""Rules that ask: the request waits, its owner answers from another process, and no program of the session can."""
import fcntl, http.server, json, os, re, shutil, signal, socket, subprocess, threading, time, urllib.request
from chromium import Chromium
from harness import *
from test_terminal import Terminal
from test_proxy_rules import requests_seen

CURL = ("curl", "-sS", "-w", "\n%{http_code}")


class Asking:
    """A `run` that goes on while the owner answers."""

    def __init__(self, world, options, *program, **popen):
        self.world, self.arguments = world, ("run", *options, "--", *program)
        self.process = world.start(*self.arguments, **popen)

    def end(self, code=0):
        out, err = self.process.communicate(timeout=120)
        self.world.children.remove(self.process)
        self.world.keep(self.arguments, out, err, False)
        check(code is None or self.process.returncode == code, f"exit code {self.process.returncode}: {out!r} {err!r}")
        self.stderr = err.decode()
        return out.decode()

    def answer(self, code=0):
        """Of one curl: (status, body)."""
        body, _, status = self.end(code).rpartition("\n")
        return int(status), body


def waiting(world, count=1):
    """What `claviger approve` lists, once there are so many."""
    until = time.monotonic() + 60
    while True:
        listed = json.loads(world.run("approve", "--list", "--json").stdout)["waiting"]
        if len(listed) == count:
            return listed
        check(time.monotonic() < until, f"{count} requests should wait: {listed}")
        time.sleep(0.1)


def log_of(world):
    return [line for line in map(json.loads, world.run("log", "--json").stdout.splitlines()) if line["kind"] in ("request", "tunnel")]


def the_owner_answers(world):
    """Once is once; denied is refused; nothing goes upstream before."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    seen = requests_seen(world)
    asking = Asking(world, ["--ask", "write"], *CURL, "-d", "amount=7", api + "/echo?to=someone")
    one, = waiting(world)
    equal(requests_seen(world), seen, "nothing is sent while it waits")
    equal({k: one[k] for k in ("provider", "connection", "method", "host", "target", "rule", "program")},
          {"provider": "acme", "connection": "default", "method": "POST", "host": host, "target": "/echo?to=...", "rule": "--ask write", "program": "curl"}, "what is asked")
    check(0 < one["seconds_left"] <= 120, f"two minutes by default: {one}")
    file, = (world.home / "approvals").glob("*.json")
    world.canaries.values["approval key"] = json.loads(file.read_text())["key"]  # from here on it must be nowhere else
    text = world.run("approve", "--list").stdout
    for part in (one["id"], f"POST {host}/echo?to=...", "with acme (default)", "asked by --ask write", "program curl"):
        contains(text, part, "in words")
    world.run("approve", "0000-1", code=3)
    said = world.run("approve", one["id"]).stderr
    contains(said, f"{one['id']} (POST {host}/echo?to=..., session {one['session'][:8]}) is approved, this once", "said")
    equal(asking.answer()[0], 200, "approved")
    contains(asking.stderr, f"POST {host}/echo?to=... waits for your approval; in another terminal run: claviger approve {one['id']}", "the session says so")
    equal(requests_seen(world) - seen, 1, "sent once")
    world.run("approve", one["id"], code=3)

    asking = Asking(world, ["--ask", "write"], *CURL, "-d", "x", api + "/echo")
    two, = waiting(world)
    check(two["id"] != one["id"], "another number")
    world.run("approve", two["id"], "--refuse")
    status, body = asking.answer()
    answer = json.loads(body)
    equal((status, answer["status"], answer["reason"], answer["rule"]), (403, 403, "approval_denied", "--ask write"), "denied")
    contains(answer["detail"], "--ask write asks for the owner's approval, who was asked and denied it", "says that it was asked")
    equal(requests_seen(world) - seen, 1, "and not sent")
    equal(Asking(world, ["--ask", "write"], *CURL, api + "/echo").answer()[0], 200, "what no rule asks about does not wait")
    equal([(line["method"], line["status"], line["rule"], line["approval"], line["reason"]) for line in log_of(world)],
          [("POST", 200, "--ask write", "once", None), ("POST", 403, "--ask write", None, "approval_denied"), ("GET", 200, None, None, None)], "the audit log")
    contains(world.run("log").stdout, "approved once (--ask write)", "in words")
    equal([path.name for path in (world.home / "approvals").iterdir()], ["lock"], "no key is left behind")
    for arguments in (["--refuse"], ["--for", "5m"], ["--list", "--page"], ["1-1", "--for", "soon"], ["1-1", "--for", "5m", "--refuse"]):
        world.run("approve", *arguments, code=2)
    contains(world.run("approve").stderr, "nothing waits", "no session")


def PX32_what_is_approved_is_what_is_done(world):
    """No field and no parameter makes the service do something else than its owner was told."""
    api = connect_key(world)
    others = ("-H", "X-HTTP-Method-Override: DELETE", "-H", "X-Original-URL: /admin", "-H", "X-Rewrite-Url: /admin", "-H", "X-Other: 1")
    for rule in (api.removeprefix("https://"), "*", "/**"):
        script = f"curl -sS {api}/echo {' '.join(repr(one) for one in others)}; curl -sS -o /dev/null -w '%{{http_code}}' '{api}/echo?_method=DELETE'"
        asking = Asking(world, ["--ask", rule], "sh", "-c", script)
        one, = waiting(world)
        equal(one["method"], "GET", "the first")
        world.run("approve", one["id"], "--for", "10m")
        two, = waiting(world)
        equal(two["method"], "GET as DELETE", "an approval of GET is none of that")
        world.run("approve", two["id"], "--refuse")
        told, _, _ = asking.end().partition("\n")
        names = json.loads(told)["names"]
        check("X-Other" in names and not [name for name in names if name.startswith(("X-HTTP", "X-Orig", "X-Rewr"))], f"{rule}: {names}")


def on_another_terminal(world):
    """A question for each; what is typed there is asked about again until it is an answer."""
    api = connect_key(world)
    ask = f"curl -sS -o /dev/null -w '%{{http_code}}\\n' {api}/echo -X"
    asking = Asking(world, ["--ask", "*"], "sh", "-c", f"{ask} POST & {ask} PUT & wait")
    waiting(world, 2)
    terminal = Terminal(world, "approve")
    terminal.read_until("Enter leaves it: ", 60)
    terminal.type("perhaps\n")
    terminal.read_until("Enter leaves it: ", 60)
    terminal.type("\n")
    terminal.read_until("Enter leaves it: ", 60)
    terminal.type("d\n")
    terminal.read_until("is denied", 60)
    terminal.end(0)
    one, = waiting(world)
    terminal = Terminal(world, "approve", "--watch")
    terminal.read_until("Enter leaves it: ", 60)
    check(f"{one['id']}  {one['subject']}" in terminal.shown and "with acme (default), asked by --ask *" in terminal.shown, f"the question: {terminal.shown}")
    terminal.type("10m\n")
    terminal.read_until("and its like for 10m", 60)
    equal(sorted(asking.end().split()), ["200", "403"], "what the session got")
    asking = Asking(world, ["--ask", "*"], *CURL, api + "/echo")
    terminal.read_until("Enter leaves it: ", 60)  # what comes is asked about too
    terminal.type("once\n")
    equal(asking.answer()[0], 200, "approved")
    terminal.read_until("approved, this once", 60)
    terminal.type("\x03")
    terminal.end(0)
    asking = Asking(world, ["--ask", "*"], *CURL, api + "/echo")
    one, = waiting(world)
    terminal = Terminal(world, "approve")
    terminal.read_until("Enter leaves it: ", 60)
    world.run("approve", one["id"], "--refuse")
    equal(asking.answer()[0], 403, "denied meanwhile")
    terminal.type("once\n")
    terminal.read_until("too late", 60)
    terminal.end(0)


def for_a_time(world):
    """The same method, host and rule go through; others ask. A rule kept with the connection asks in every session."""
    api = connect_key(world)
    world.run("rule", "add", "acme", "--ask", "write:/echo/**")
    asking = Asking(world, [], "sh", "-c", f"for m in POST POST DELETE; do curl -sS -o /dev/null -w '%{{http_code}} ' -X $m {api}/echo; done; "
                                            f"curl -sS -o /dev/null -w '%{{http_code}}' -X POST {api}/echo?x")
    one, = waiting(world)
    equal((one["method"], one["rule"], one["program"]), ("POST", "acme (default): ask write:/echo/**", "sh"), "the connection's rule")
    contains(world.run("approve", one["id"], "--for", "10m").stderr, "and its like for 10m", "said")
    two, = waiting(world)
    equal(two["method"], "DELETE", "another method asks")
    world.run("approve", two["id"], "--refuse")
    equal(asking.end(), "200 200 403 200", "what the session got")
    equal([line["approval"] for line in log_of(world)], ["10m", "earlier", None, "earlier"], "the audit log")
    world.run("rule", "remove", "acme", "--all")


def a_refusal_of_its_like(world):
    """One answer for a program that asks again and again, on the command line and on a terminal; other methods ask."""
    api = connect_key(world)
    asking = Asking(world, ["--ask", "write"], "sh", "-c", f"for m in POST POST POST DELETE PUT DELETE; do curl -sS -o $TMPDIR/out -w '%{{http_code}} ' -X $m {api}/echo?$m; done; cat $TMPDIR/out")
    one, = waiting(world)
    world.run("approve", one["id"], "--like", code=2)
    contains(world.run("approve", one["id"], "--refuse", "--like").stderr, "is denied, and its like while the session lives", "said")
    two, = waiting(world)
    equal((two["method"], two["id"][4:]), ("DELETE", "-2"), "another method asks, and the second question it is")
    terminal = Terminal(world, "approve")
    terminal.read_until("Enter leaves it: ", 60)
    terminal.type("like\n")
    terminal.read_until("and its like while", 60)
    terminal.end(0)
    three, = waiting(world)
    world.run("approve", three["id"])
    statuses, _, body = asking.end().partition("{")
    equal(statuses.split(), ["403", "403", "403", "403", "200", "403"], "what the session got")
    contains(json.loads("{" + body)["detail"], "denied one like it for the rest of this session", "why")
    equal([line["reason"] for line in log_of(world)], ["approval_denied"] * 4 + [None, "approval_denied"], "the audit log")


def nobody_answers(world):
    """Bounded; and a client that goes away frees its place."""
    api = connect_key(world)
    world.run("config", "set", "run.ask_seconds", "2")
    seen = requests_seen(world)
    status, body = Asking(world, ["--ask", "*"], *CURL, api + "/echo").answer()
    answer = json.loads(body)
    equal((status, answer["reason"], answer["command"]), (403, "approval_timed_out", "claviger approve --watch"), "nobody answered")
    world.run("config", "set", "run.ask_seconds", "600")
    asking = Asking(world, ["--ask", "*"], "sh", "-c", f"curl -sS -m 3 {api}/echo || echo gave up; exec sleep 600")
    one, = waiting(world)
    waiting(world, 0)
    world.run("approve", one["id"], code=3)
    asking.process.terminate()
    asking.end(None)
    # More than can wait are refused at once.
    asking = Asking(world, ["--ask", "*"], "sh", "-c", f"for i in $(seq 17); do curl -sS -o $TMPDIR/$i -w '%{{http_code}}\\n' {api}/echo?$i & done; wait")
    until = time.monotonic() + 60  # before one of the others makes room for the last to come
    while not any(line["status"] == 429 for line in log_of(world)):
        check(time.monotonic() < until, "one too many is refused")
        time.sleep(0.1)
    for one in waiting(world, 16):
        world.run("approve", one["id"], "--refuse")
    statuses = asking.end().split()
    equal((statuses.count("429"), statuses.count("403")), (1, 16), "16 waited, one was one too many")
    equal(requests_seen(world), seen, "nothing went upstream")


def hosts_without_a_connection(world):
    """An ask rule opens a host that is closed, and a yes is for all of the tunnel."""
    connect_key(world)
    world.run("config", "set", "network.allow_private", "true")
    asking = Asking(world, ["--unmatched", "deny", "--ask", "localhost:9"], *CURL, "https://localhost:9/", "-w", "%{http_connect}")
    one, = waiting(world)
    equal((one["tunnel"], one["provider"], one["subject"]), (True, None, "all that is sent through a tunnel to localhost:9"), "what is asked")
    world.run("approve", one["id"])
    asking.end(None)
    line = log_of(world)[-1]
    # Loopback is never dialled for a host that no definition names, so what is approved ends at the address guard.
    equal((line["reason"], line["rule"], line["approval"]), ("address_refused", "--ask localhost:9", "once"), "approved, and recorded")


def rules_that_change_while_it_waits(world):
    """PX-29: a yes to what is denied meanwhile is too late."""
    api = connect_key(world)
    asking = Asking(world, ["--ask", "write"], *CURL, "-d", "x", api + "/echo")
    one, = waiting(world)
    world.run("rule", "add", "acme", "--deny", "POST")
    world.run("approve", one["id"])
    status, body = asking.answer()
    equal((status, json.loads(body)["reason"], json.loads(body)["rule"]), (403, "policy", "acme (default): deny POST"), "denied meanwhile")
    world.run("rule", "remove", "acme", "--all")


def two_sessions(world):
    api = connect_key(world)
    both = [Asking(world, ["--ask", "GET"], *CURL, f"{api}/echo?{n}") for n in range(2)]
    listed = waiting(world, 2)
    equal(len({one["session"] for one in listed}), 2, "two sessions")
    world.run("approve", listed[0]["id"], "--for", "1h")
    waiting(world, 1)
    world.run("approve", listed[1]["id"], "--refuse")
    equal(sorted(one.answer()[0] for one in both), [200, 403], "an approval is for one session")


def renamed(world, session, digits):
    """A door to a session that lives, as if its id were another: chance makes two begin alike too seldom to wait for it."""
    directory = world.home / "approvals"
    own = directory / f"{session}.json"
    told = json.loads(own.read_text())
    mine, other = session[:4].encode() + b"-", digits[:4].encode() + b"-"

    class Door(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).replace(other, mine)
            request = urllib.request.Request(f"http://127.0.0.1:{told['port']}{self.path}", body or None, {"Authorization": f"Bearer {told['key']}"})
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
                text = answer.read().replace(session.encode(), digits.encode()).replace(mine, other)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        do_POST = do_GET

        def log_message(self, *_):
            pass

    door = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    lock = open(directory / "lock", "r+b")  # who holds the byte of its port lives
    fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, door.server_port)
    own.unlink()
    with open(os.open(directory / f"{digits}.json", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump({**told, "port": door.server_port}, file)
    return door, lock


def two_sessions_whose_ids_begin_alike(world):
    """The short ids are equal then: nothing is answered by one, and the longer ones that are told name each."""
    api = connect_key(world)
    both = {}
    for n in range(2):
        asking = Asking(world, ["--ask", "GET"], *CURL, f"{api}/echo?{n}")
        one, = [one for one in waiting(world, n + 1) if one["session"] not in both]
        both[one["session"]] = asking
    first, second = both
    digits = first[:4] + "".join(f"{int(d, 16) ^ 15:x}" for d in first[4:])
    door, lock = renamed(world, second, digits)
    listed = waiting(world, 2)
    equal({one["session"] for one in listed}, {first, digits}, "two sessions")
    short, = {one["id"] for one in listed}
    refused = world.run("approve", short, code=2)
    for session in (first, digits):
        contains(refused.stderr, f"{session}-1 (", "the longer form")
    equal(len(waiting(world, 2)), 2, "neither was answered")
    world.run("approve", f"{first[:5]}-1", "--refuse")
    equal(both[first].answer()[0], 403, "one digit more tells them apart, and the answer goes to that session")
    equal([one["session"] for one in waiting(world, 1)], [digits], "the other waits on")
    world.run("approve", f"{first}-1", code=3)
    world.run("approve", short)
    equal(both[second].answer()[0], 200, "alone again it is named by the short id")
    door.shutdown()
    door.server_close()
    lock.close()


def a_killed_session_leaves_nothing_to_talk_to(world):
    """Whoever listens where a dead session did is not taken for it."""
    api = connect_key(world)
    asking = Asking(world, ["--ask", "GET"], *CURL, api + "/echo")
    waiting(world)
    file, = (world.home / "approvals").glob("*.json")
    told = json.loads(file.read_text())
    equal(file.stat().st_mode & 0o777, 0o600, "for its owner alone")
    asking.process.kill()
    asking.end(None)
    impostor = socket.socket()
    impostor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    impostor.bind(("127.0.0.1", told["port"]))
    impostor.listen()
    impostor.settimeout(1)
    equal(json.loads(world.run("approve", "--json").stdout)["waiting"], [], "nothing waits")
    for left in world.temporary.glob("claviger-run-*"):  # of the killed session; the next one sweeps it
        shutil.rmtree(left)
    check(not file.exists(), "the file of a dead session is swept")
    try:
        impostor.accept()
        check(False, "the key was taken to whoever listens there now")
    except TimeoutError:
        pass


FILLER = """
import itertools, resource, socket, subprocess, sys, threading, time
api = sys.argv[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
asking = subprocess.Popen(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", "x", api + "/echo"])
def listening():
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        part = line.split()
        if part[3] == "0A" and part[1].startswith("0100007F:"):
            yield int(part[1].split(":")[1], 16)
def is_site(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as c:
            c.settimeout(5)
            c.sendall(b"GET /waiting HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\n\\r\\n" % port)
            return b"owner" in c.recv(4096)
    except OSError:
        return False
until, port = time.monotonic() + 60, None
while port is None and time.monotonic() < until:
    port = next((p for p in listening() if is_site(p)), None)
held = []
def fill(times):
    for n in times:
        c = socket.socket()
        c.settimeout(5)
        try:
            c.connect(("127.0.0.1", port))
            if n % 2: c.sendall(b"POST /answer HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\nContent-Length: 60000\\r\\n\\r\\nid=" % port)
        except OSError:
            pass
        held.append(c)
        if len(held) > 400: held.pop(0)
        if times is forever: time.sleep(0.005)
fill(range(400))
print(port is not None, len(held), flush=True)
forever = itertools.count()
threading.Thread(target=fill, args=(forever,), daemon=True).start()
asking.wait()
print(flush=True)
"""


def places_that_a_program_fills(world):
    """T2: whoever takes all places of the site, and goes on, keeps no owner from answering."""
    api = connect_key(world)
    program = world.directory / "filler.py"
    program.write_text(FILLER.replace("fill(range(400))", "forever = None\nfill(range(400))"))
    asking = Asking(world, ["--ask", "write"], "python3", program, api)
    equal(asking.process.stdout.readline(), b"True 400\n", "the site is found and filled")
    one, = waiting(world)
    contains(re.sub(r"\s+", " ", world.run("approve", "--list").stdout), one["id"], "in words")
    check("/approve/" in link_to_page(world), "a page")
    world.run("approve", one["id"])
    equal(asking.end().strip(), "200", "approved")


def a_session_that_does_not_answer_is_named(world):
    """Nothing is said to wait or not where it is not known: a session that stands still is told from one that has ended."""
    api = connect_key(world)
    asking = Asking(world, ["--ask", "write"], *CURL, "-d", "x", api + "/echo")
    one, = waiting(world)
    asking.process.send_signal(signal.SIGSTOP)
    try:
        for arguments in ([], ["--list"], ["--page"], [one["id"]]):
            told = world.run("approve", *arguments, code=9)
            contains(told.stderr, f"session {one['session'][:8]} does not answer", f"{arguments}")
            check("nothing waits" not in told.stderr and "no request waits" not in told.stderr, f"{arguments}: {told.stderr}")
        listed = json.loads(world.run("approve", "--list", "--json", code=9).stdout)
        equal((listed["waiting"], [silent["session"] for silent in listed["not_answering"]]), ([], [one["session"]]), "as JSON")
    finally:
        asking.process.send_signal(signal.SIGCONT)
    world.run("approve", one["session"] + one["id"][4:], "--refuse")  # the longer form
    equal(asking.answer()[0], 403, "denied")


ATTACKER = """
import glob, http.client, json, os, re, socket, sys, threading, urllib.request
program, home, api, log = sys.argv[1:5]
done = []
def ask():
    import subprocess
    done.append(subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", "x", api + "/echo"], capture_output=True, text=True).stdout)
asking = threading.Thread(target=ask)
asking.start()
found = {}
# The port can be found, as every port of this machine can.
import time
own = set()
def ports():
    listening = set()
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        part = line.split()
        if part[3] == "0A" and part[1].startswith("0100007F:"):
            listening.add(int(part[1].split(":")[1], 16))
    return listening
def site(port):
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        c.request("GET", "/waiting")
        a = c.getresponse()
        return a.status == 403 and b"owner" in a.read()
    except OSError:
        return False
    except http.client.HTTPException:
        return False
port = None
until = time.monotonic() + 60
while port is None and time.monotonic() < until:
    port = next((p for p in sorted(ports()) if site(p)), None)
    time.sleep(0.2)
found["port"] = port is not None
tries = []
def http_try(method, path, body=None, **fields):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    c.request(method, path, body, {k.replace("_", "-"): v for k, v in fields.items()})
    a = c.getresponse()
    a.read()
    tries.append((method, path[:24], sorted(fields), a.status))
form = {"Content_Type": "application/x-www-form-urlencoded"}
session = os.environ.get("CLAVIGER_RUN", "")
secrets = [v for v in os.environ.values()] + re.findall(r"[A-Za-z0-9_-]{20,}", " ".join(os.environ.values()))
for key in ["", "null", *secrets]:
    if "\\n" in key: continue
    for path, method, body in (("/waiting", "GET", None), ("/answer", "POST", "id=%s-1&answer=once" % session[:4]), ("/link", "POST", "")):
        if key: http_try(method, path, body, Authorization="Bearer " + key, **form)
        else: http_try(method, path, body, **form)
for fields in ({}, {"Origin": "http://127.0.0.1:%d" % port}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:%d" % port, "Sec_Fetch_Site": "same-origin"}):
    for token in ("", "x", "../waiting", "0" * 22):
        http_try("GET", "/approve/" + token, None, **fields)
        http_try("POST", "/approve/" + token, "id=0-1&answer=once", **fields, **form)
http_try("GET", "/waiting", None, Host="rebound.example")
found["statuses"] = sorted({t[-1] for t in tries})
found["answered"] = [t for t in tries if t[-1] < 400]
import subprocess
for environment in (None, {k: v for k, v in os.environ.items() if not k.startswith("CLAVIGER")}, {**os.environ, "CLAVIGER_HOME": home}):
    for arguments in (["approve", "--list", "--json"], ["approve", "--json"], ["approve", "--page"], ["approve", session[:4] + "-1"]):
        r = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment)
        found.setdefault("command", []).append(r.returncode)
        found.setdefault("said", []).append(r.stdout[:200])
reading = []
for pattern in (home + "/approvals/*", home + "/*", home + "/approvals/lock", "/proc/*/root" + home + "/approvals/*", "/proc/*/cwd/approvals/*"):
    for path in glob.glob(pattern) + [home + "/approvals/lock", home + "/approvals"]:
        try:
            reading.append((path, open(path).read()[:10]))
        except OSError:
            pass
found["read"] = reading
try:
    os.makedirs(home + "/approvals", exist_ok=True)
    open(home + "/approvals/x.json", "w").write("{}")
    found["wrote"] = True
except OSError:
    found["wrote"] = False
found["cmdline"] = [p for p in glob.glob("/proc/[0-9]*/cmdline") for _ in [0] if b"/approve/" in (open(p, "rb").read() if os.access(p, os.R_OK) else b"")]
print(json.dumps(found), flush=True)
print("ready", flush=True)
asking.join()
print(done[0], flush=True)
"""


def no_program_of_the_session_answers(world):
    """T2: it can find the port, and has neither the key nor a link; the command refuses; the home is out of reach."""
    api = connect_key(world)
    program = world.directory / "attacker.py"
    program.write_text(ATTACKER)
    for how in ("namespace", "landlock"):
        seen = requests_seen(world)
        asking = Asking(world, ["--ask", "write", "--sandbox", how], "python3", program, world.program, world.home, api, "-")
        found = json.loads(asking.process.stdout.readline())
        check(found["port"], f"{how}: the test finds the site, or it proves nothing")
        equal(found["answered"], [], f"{how}: nothing is answered: {found['statuses']}")
        check(set(found["statuses"]) <= {403, 404, 405, 415, 421}, f"{how}: {found['statuses']}")
        check(0 not in found["command"], f"{how}: the command refuses: {found}")
        # In a namespace the home looks empty and can be written; what is written there is nowhere.
        check(not [one for one in found["read"] if one[1].strip("{}")], f"{how}: nothing of the home is read: {found['read']}")
        check(how == "namespace" or not found["wrote"], f"{how}: nor written")
        check(not (world.home / "approvals" / "x.json").exists(), f"{how}: nothing reached the home")
        equal(found["cmdline"], [], f"{how}: no link in anybody's arguments")
        equal(requests_seen(world), seen, f"{how}: and nothing went upstream")
        one, = waiting(world)
        world.run("approve", one["id"], "--refuse")
        contains(asking.end(), "403", f"{how}: the owner's answer counts")


def link_to_page(world):
    result = world.run("approve", "--page")
    return re.search(r"http://127\.0\.0\.1:\d+/approve/\S+", result.stderr)[0]


def on_the_page(world):
    """In a real browser, without a mouse moving under a changing page; and nothing that it leaves on the disk opens the page again."""
    api = connect_key(world)
    profile = world.directory / "profile"
    ask = f"curl -sS -o /dev/null -w '%{{http_code}}\\n' {api}/echo?q=hidden -X"
    asking = Asking(world, ["--ask", "*"], "sh", "-c", f"{ask} POST & {ask} POST & wait; {ask} PUT; {ask} GET")
    one, two = waiting(world, 2)
    link = link_to_page(world)
    lead, = (world.home / "approvals").glob("*.html")
    equal((lead.stat().st_mode & 0o777, link in lead.read_text()), (0o600, True), "a page of our own leads the browser there")
    browser = Chromium(profile, lead.as_uri())
    try:
        text = browser.wait_for("2 approvals wanted")
        for part in ("POST " + api.removeprefix("https://") + "/echo?q=...", "acme (default)", "--ask *", one["id"], "The body of a request is not shown"):
            contains(text, part, "what is asked")
        check("hidden" not in text, "no value of the query")
        browser.press("Approve this once")
        text = browser.wait_for("was approved, this once")
        check(two["id"] in text and one["id"] not in text, f"{two['id']} waits, {one['id']} does not: {text!r}")
        browser.press("Approve for")
        browser.wait_for("PUT ")  # by itself
        browser.press("Deny")
        browser.wait_for("GET ")
        browser.press("Look again")
        browser.wait_for("GET ")
        browser.press("Approve this once")
        equal(sorted(asking.end().split()), ["200", "200", "200", "403"], "what the session got")
    finally:
        browser.close()
    equal(sorted(str(line["approval"]) for line in log_of(world)), ["10m", "None", "once", "once"], "the audit log")

    # Whatever a program could read of the profile was used up when it was written.
    asking = Asking(world, ["--ask", "*"], *CURL, api + "/echo")
    one, = waiting(world)
    browser = Chromium(profile, link_to_page(world))
    try:
        browser.wait_for("1 approval wanted")
        browser.press("Look again")
        browser.wait_for("1 approval wanted")
        tokens = set()
        history = {}
        for _ in range(100):  # none is told while a page is on its way
            history = browser.call("Page.getNavigationHistory")
            if "entries" in history:
                break
            time.sleep(0.1)
        for entry in history["entries"]:
            tokens.update(re.findall(r"http://127\.0\.0\.1:(\d+)(/approve/[A-Za-z0-9_-]+)", entry["url"]))
        for path in profile.rglob("*"):
            if path.is_file():
                tokens.update((p.decode(), t.decode()) for p, t in re.findall(rb"http://127\.0\.0\.1:(\d+)(/approve/[A-Za-z0-9_-]{22})", path.read_bytes()))
        check(len(tokens) >= 2, f"there is something to try: {tokens}")
        program = Browser()
        for port, token in tokens:
            try:
                program.open(f"http://127.0.0.1:{port}{token}", {"id": one["id"], "answer": "once"})
                equal(program.status, 404, "used up")
                program.open(f"http://127.0.0.1:{port}{token}")
                equal(program.status, 404, "used up")
            except urllib.error.URLError:
                pass  # of the first session
        equal([w["id"] for w in waiting(world)], [one["id"]], "nothing was answered")
        browser.press("Deny")
        browser.wait_for("was denied")
    finally:
        browser.close()
    equal(asking.answer()[0], 403, "denied")


def the_page_takes_no_other_sites_word(world):
    """LB-02, LB-03, LB-10: a link alone does not make another site's form count."""
    api = connect_key(world)
    asking = Asking(world, ["--ask", "*"], *CURL, api + "/echo")
    one, = waiting(world)
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        browser = Browser()
        page = browser.open(link_to_page(world))
        equal(browser.status, 200, "the page")
        form = Forms(page)
        target = urllib.parse.urljoin(browser.url, form.action)
        browser.open(target, {**form.fields, "answer": "once"}, origin=origin)
        equal(browser.status, 403, f"from {origin}")
    browser.open(link_to_page(world))
    browser.open(browser.url)
    equal(browser.status, 404, "a link works once")
    equal([w["id"] for w in waiting(world)], [one["id"]], "it waits still")
    browser = Browser()
    page = browser.open(link_to_page(world))
    contains(browser.submit(page, id="0000-1", answer="once"), "waits no more", "another number")
    page = browser.open(link_to_page(world))
    contains(browser.submit(page, answer="forever"), "That was no answer", "another word")
    page = browser.open(link_to_page(world))
    contains(browser.submit(page, answer="for", seconds="90000"), "24 hours", "too long")
    page = browser.open(link_to_page(world))
    contains(browser.submit(page, answer="deny"), "was denied", "denied")
    equal(asking.answer()[0], 403, "denied")


if __name__ == "__main__":
    main(PX32_what_is_approved_is_what_is_done, on_another_terminal, on_the_page, the_page_takes_no_other_sites_word,
         the_owner_answers, for_a_time, a_refusal_of_its_like, nobody_answers, hosts_without_a_connection, rules_that_change_while_it_waits, two_sessions,
         two_sessions_whose_ids_begin_alike, a_killed_session_leaves_nothing_to_talk_to, places_that_a_program_fills, a_session_that_does_not_answer_is_named, no_program_of_the_session_answers)
