"""What a session lets through: rules on method, host and path, presets, choice between definitions. Real curl and
Python clients, a real TLS API."""
import hashlib, json, time
from harness import *
from test_proxy_rules import Session, read_head, requests_seen


def curl(world, options, *arguments, code=0):
    """Runs curl once under run; gives (status, answer)."""
    result = world.run("run", *options, "--", "curl", "-sS", "-w", "\n%{http_code}", *arguments, code=code)
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def problem(body):
    answer = json.loads(body)
    for member in ("type", "title", "status", "reason", "detail"):
        check(member in answer, f"problem+json has {member}: {answer}")
    return answer


def last_request(world):
    return json.loads(world.record.read_text().splitlines()[-1])


def rules_of_the_command_line(world):
    """PX-32: by method, host and path, on the URL that is sent."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    rows = [  # options, method, path, what curl gets
        ([], "DELETE", "/echo", 200),
        (["--read-only"], "GET", "/echo", 200),
        (["--read-only"], "HEAD", "/whoami", 200),
        (["--read-only"], "OPTIONS", "/echo", 200),
        (["--read-only"], "POST", "/echo", 403),
        (["--read-only"], "GET", "/echo?_method=DELETE", 403),
        (["--deny", "DELETE"], "DELETE", "/echo", 403),
        (["--deny", "DELETE"], "POST", "/echo", 200),
        (["--deny", f"DELETE:{host}/echo"], "DELETE", "/echo", 403),
        (["--deny", "/echo/**"], "GET", "/%65cho", 403),
        (["--deny", "/echo/**"], "GET", "/whoami/../echo", 403),
        (["--deny", "/echo/**"], "GET", "//ECHO/x", 403),
        (["--allow", f"GET:{host}/echo"], "GET", "/echo", 200),
        (["--allow", f"GET:{host}/echo"], "GET", "/whoami", 403),
        (["--allow", "GET:api.other.example"], "POST", "/echo", 200),
        (["--allow", "*:/echo", "--deny", "POST"], "POST", "/echo", 403),
    ]
    for options, method, path, expected in rows:
        seen = requests_seen(world)
        head = ["-I"] if method == "HEAD" else ["-X", method]
        status, body = curl(world, options, "--path-as-is", *head, api + path)
        equal(status, expected, f"{options} {method} {path}: {body}")
        equal(requests_seen(world) - seen, 1 if expected == 200 else 0, f"requests upstream of {options} {method} {path}")
        if expected == 403:
            answer = problem(body)
            equal((answer["reason"], answer["status"]), ("policy", 403), "the problem")
            check(answer["rule"] and answer["rule"] in answer["detail"], f"names the rule: {answer}")
    refused = world.run("run", "--deny", "DELETE:https://x", "--", "true", code=2)
    contains(refused.stderr, "--deny: ", "says which option")
    contains(refused.stderr, "METHODS:HOST/PATH", "says how rules are written")
    contains(world.run("help", "run").stdout, "--read-only", "help")


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH",
           "MKCALENDAR", "ACL", "BIND", "REBIND", "UNBIND", "MERGE", "CHECKOUT", "MKACTIVITY", "LINK", "UNLINK", "PURGE"]


def PX21_methods_that_pass(world):
    """What is registered passes; the rest is a 405 that says what passes and how more would. Nothing of these is sent."""
    api = connect_key(world)
    log = lambda: [json.loads(line) for line in world.run("log", "--json", "--limit", "0").stdout.splitlines()]
    listing = world.directory / "methods"
    # One program asks for all: [status, Allow, body], by method.
    listing.write_text(f"""
import http.client, json, os, ssl, sys, urllib.parse
proxy, api = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"]), urllib.parse.urlsplit("{api}")
import base64
token = base64.b64encode(f"{{proxy.username}}:{{proxy.password}}".encode()).decode()
told = {{}}
for form in ("tunnel", "reverse"):
    for method in sys.argv[1:]:
        if form == "tunnel":
            client = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=ssl.create_default_context())
            client.set_tunnel(api.hostname, api.port, headers={{"Proxy-Authorization": "Basic " + token}})
            client.request(method, "/echo")
        else:
            base = urllib.parse.urlsplit(os.environ["CLAVIGER_URL_ACME"])
            client = http.client.HTTPConnection(base.hostname, base.port)
            client.request(method, base.path + "/echo")
        answer = client.getresponse()
        told[form + " " + method] = [answer.status, answer.getheader("Allow"), answer.read().decode()]
        client.close()
print(json.dumps(told))
""")
    def ask(*methods, options=()):
        return json.loads(world.run("run", *options, "--", "python3", listing, *methods).stdout)

    before = requests_seen(world)
    for name, (status, allow, _) in ask(*METHODS).items():
        equal((status, allow), (200, None), name)
    equal(requests_seen(world) - before, 2 * len(METHODS), "each was sent")
    refused = {"TRACE": None, "TRACK": None, "trace": None, "get": "get", "Post": "Post", "M-SEARCH": "M-SEARCH", "NOTIFY": "NOTIFY", "X-IT'EM": "'X-IT'\\''EM'"}
    before = requests_seen(world)
    for name, (status, allow, body) in ask(*refused).items():
        answer, method = problem(body), name.split(" ")[1]
        equal((status, answer["status"], answer["reason"]), (405, 405, "method_not_allowed"), name)
        listed = allow.split(", ")
        check(set(METHODS) <= set(listed) and method not in listed and len(set(listed)) == len(listed), f"Allow of {name}: {allow}")
        command = refused[method]
        equal(answer.get("command"), command and f"claviger run --pass-method {command}", f"what would let {name} through")
        contains(answer["detail"], method, "names it")
    equal(requests_seen(world), before, "nothing was sent")
    equal([(r["method"], r["status"], r["reason"]) for r in log() if r.get("reason")], [(method, 405, "method_not_allowed") for method in [*refused] * 2], "and the log has each")

    for name, (status, allow, body) in ask("M-SEARCH", "NOTIFY", options=("--pass-method", "M-SEARCH")).items():
        if name.endswith("NOTIFY"):
            equal((status, allow.split(", ")[-1]), (405, "M-SEARCH"), "one more passes, and Allow says so")
        else:
            equal((status, json.loads(body)["method"]), (200, "M-SEARCH"), "what was let through")
    told = ask("M-SEARCH", options=("--pass-method", "M-SEARCH", "--read-only"))
    equal({answer[0] for answer in told.values()}, {403}, "rules hold for it")
    for method in ("TRACE", "track", "Connect", "PRI"):
        contains(world.run("run", "--pass-method", method, "--", "true", code=2).stderr, f"--pass-method: {method} never passes", "no option lets it pass")
    for method in ("A B", "GET,POST", "*", "", "x" * 41):
        contains(world.run("run", "--pass-method", method, "--", "true", code=2).stderr, "is no method", f"{method!r}")


def PX21_methods_of_a_project_file(world):
    """It widens, so its owner must have trusted it."""
    api = connect_key(world)
    top = world.user_home / "clone"
    top.mkdir()
    file = top / ".claviger.json"
    ask = ("run", "--", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", "NOTIFY", api + "/echo")
    file.write_text(json.dumps({"methods": ["GET"]}))
    equal(json.loads(world.run("project", "check", "--json", cwd=top).stdout)["trust"], "narrows_only", "what passes already widens nothing")
    file.write_text(json.dumps({"unmatched": "deny", "rate": "5/m", "for": "1h"}))
    contains(world.run("project", "check", cwd=top).stdout, "  unmatched: deny\n  rate: 5/m\n  for: 1h\n", "all that it says")
    denied = json.loads(world.run("route", "explain", api + "/echo", "--method", "DELETE", "--deny", "delete", "--no-project", "--json", cwd=top).stdout)
    equal((denied["outcome"], denied["because"]), ("refused", "--deny delete denies it"), "a method in lower case is no host")
    equal(world.run(*ask, cwd=top).stdout, "405", "and lets nothing more through")
    file.write_text(json.dumps({"methods": ["NOTIFY"]}))
    seen = requests_seen(world)
    refused = world.run(*ask, cwd=top, code=None)
    check(refused.returncode != 0 and "passes requests with the method NOTIFY on" in refused.stderr, f"not trusted: {refused.stderr}")
    explain = ("route", "explain", api + "/echo", "--method", "NOTIFY", "--json")
    world.run(*explain, cwd=top, code=refused.returncode)
    told = json.loads(world.run(*explain, "--no-project", cwd=top).stdout)
    equal((told["outcome"], told["reason"], told["command"]), ("refused", "method_not_allowed", "claviger run --pass-method NOTIFY"), "without the file")
    equal(json.loads(world.run(*explain, "--no-project", "--pass-method", "NOTIFY", cwd=top).stdout)["outcome"], "served", "as run would with the option")
    equal(requests_seen(world), seen, "nothing was sent")
    world.run("project", "trust", "--yes", cwd=top)
    equal(world.run(*ask, cwd=top).stdout, "200", "trusted")
    equal(json.loads(world.run(*explain, cwd=top).stdout)["outcome"], "served", "explained so too")
    file.write_text(json.dumps({"methods": "trace"}))
    contains(world.run("project", "check", cwd=top, code=None).stderr, "trace never passes", "no file lets it pass")


def overriding_fields_do_not_pass(world):
    """PX-32, PX-34: fields that would make the server take another method or path are removed where those are limited;
    what X-Forwarded fields say changes no decision."""
    api = connect_key(world)
    fields = ["X-HTTP-Method-Override: DELETE", "x_http_method: DELETE", "X-Method-Override: DELETE", "X-Original-URL: /admin", "X-Rewrite-URL: /admin", "X-Other: 1"]
    arguments = [a for field in fields for a in ("-H", field)]
    equal(curl(world, ["--deny", "DELETE"], *arguments, api + "/echo")[0], 200, "goes through")
    names = [n.lower() for n in last_request(world)["names"]]
    check("x-other" in names and not [n for n in names if "method" in n or "url" in n], f"the fields that arrived: {names}")
    equal(curl(world, [], *arguments, api + "/echo")[0], 200, "without rules")
    names = [n.lower() for n in last_request(world)["names"]]
    check("x-http-method-override" in names and "x-rewrite-url" in names, f"without rules nothing is removed: {names}")

    forwarded = ["-H", "X-Forwarded-Host: api.other.example", "-H", "X-Forwarded-Proto: http", "-H", "Forwarded: host=api.other.example", "-H", "X-Forwarded-For: 127.0.0.1",
                 "-H", "X-Forwarded-Method: GET", "-H", "X-Forwarded-Prefix: /public"]
    status, body = curl(world, ["--deny", f"POST:{api.removeprefix('https://')}"], *forwarded, "-d", "x", api + "/echo")
    equal((status, problem(body)["reason"]), (403, "policy"), "the request line decides")
    equal(curl(world, ["--deny", "POST:api.other.example"], *forwarded, "-d", "x", api + "/echo")[0], 200, "and nothing else")


def every_request_of_a_kept_connection_is_judged(world):
    api = connect_key(world)
    program = world.directory / "client.py"
    program.write_text(f"""
import http.client, os, ssl, urllib.parse, base64
proxy, api = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"]), urllib.parse.urlsplit("{api}")
client = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=ssl.create_default_context())
token = base64.b64encode(f"{{proxy.username}}:{{proxy.password}}".encode()).decode()
client.set_tunnel(api.hostname, api.port, headers={{"Proxy-Authorization": "Basic " + token}})
statuses = []
for method in ("GET", "DELETE", "GET", "POST", "GET"):
    client.request(method, "/echo")
    answer = client.getresponse()
    answer.read()
    statuses.append(answer.status)
print(statuses)
""")
    equal(world.run("run", "--read-only", "--", "python3", program).stdout, "[200, 403, 200, 403, 200]\n", "one connection")


def hosts_without_a_connection(world):
    """Rules that name a host hold for what has no credential too; of a tunnel the host alone is seen."""
    world.certificates()
    other = world.peer(NODE, ROOT / "tests/peers/api/server.mjs", "--cert", world.cert, "--key", world.key)["port"]
    connect_key(world)
    world.run("config", "set", "network.allow_private", "true")
    target = f"https://localhost:{other}/echo"
    # Loopback is never dialled for a host that no definition names, so what is let through ends at the address guard.
    rows = [([], "address_refused"), (["--deny", f"POST:localhost:{other}"], "policy"), (["--deny", "POST"], "address_refused"),
            (["--unmatched", "deny"], "not_allowed"), (["--unmatched", "deny", "--allow", f"localhost:{other}"], "address_refused"),
            (["--unmatched", "deny", "--allow", f"GET:localhost:{other}"], "not_allowed"), (["--unmatched", "deny", "--allow", "*"], "not_allowed")]
    for options, reason in rows:
        session = Session(world, *options)
        connection, head = session.connect(f"localhost:{other}")
        contains(head, f"Claviger-Reason: {reason}", f"{options}")
        connection.close()
        session.end()


def ask_rules_that_never_ask_are_named(world):
    """Whoever writes one counts on being asked: it is said when the session begins and when the rule is written."""
    api = connect_key(world)
    host = api.removeprefix("https://")
    top = world.user_home / "project"
    top.mkdir()

    def notes(*options, cwd=None):
        return [line for line in world.run("run", *options, "--", "true", cwd=cwd).stderr.splitlines() if "never asks" in line]

    equal(notes("--ask", "write", "--deny", "DELETE"), [], "it can ask")
    equal(notes("--ask", "other.example", "--unmatched", "deny"), [], "nor is one idle that opens a host")
    equal(notes("--ask", f"POST:{host}", "--read-only"), [f"note: --ask POST:{host} never asks: --read-only denies all of it"], "denied by the preset")
    added = world.run("rule", "add", "acme", "--ask", "POST", "--ask", "GET", "--deny", "write")
    equal([line for line in added.stderr.splitlines() if "never" in line], ["note: acme (default): ask POST never asks: acme (default): deny write denies all of it"], "rule add")
    equal(notes(), ["note: acme (default): ask POST never asks: acme (default): deny write denies all of it"], "kept with the connection")
    equal(notes("--read-only", "--ask", "PUT"), ["note: acme (default): ask POST never asks: acme (default): deny write denies all of it",
                                                 "note: --ask PUT never asks: acme (default): deny write denies all of it"], "across layers")
    world.run("rule", "remove", "acme", "--all")
    file = top / ".claviger.json"
    file.write_text(json.dumps({"rules": [{"action": "ask", "hosts": "far.example", "connection": "acme"}, {"action": "ask", "methods": "PUT"}], "read_only": True}))
    name = ".claviger.json: rule 2 (ask PUT)"
    equal(notes(cwd=top), ["note: .claviger.json: rule 1 (ask far.example) never asks: no connection of this session serves what it names",
                           f"note: {name} never asks: .claviger.json: read_only denies all of it"], "a project file")
    told = f"{name} never asks: .claviger.json: read_only denies all of it"
    equal(json.loads(world.run("project", "check", "--json", cwd=top).stdout)["notes"], [told], "project check")
    contains(world.run("project", "check", cwd=top).stdout, f"  note: {told}\n", "in words")
    answer = curl(world, ["--ask", "POST", "--read-only"], "-d", "x", api + "/echo")
    equal((answer[0], problem(answer[1])["reason"]), (403, "policy"), "and so it is")


def two_definitions_on_one_host(world):
    """The most specific route wins, a tie goes to the one that --use names, and is an error that names both otherwise."""
    port = world.api("--key-header", "X-Key", "--key-sha256", hashlib.sha256(b"x").hexdigest())
    base = f"https://127.0.0.1:{port}"
    keys = {}
    for name, header, url in (("one", "X-One", base), ("two", "X-Two", base), ("deep", "X-Deep", base + "/echo/deep")):
        keys[name] = world.canaries.new(name)
        world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_url=url, api_key={"header_name": header}), "--yes")
        world.run("login", name, "--input", "stdin", stdin=keys[name])

    def served(options, path):
        status, body = curl(world, options, base + path)
        if status == 424:
            return problem(body)
        return [n for n in last_request(world)["names"] if n in ("X-One", "X-Two", "X-Deep")]

    tie = served([], "/echo")
    equal(tie["reason"], "ambiguous", "a tie")
    check("one/default" in tie["detail"] and "two/default" in tie["detail"], f"names both: {tie}")
    contains(tie["command"], "claviger run --use one=default", "says how to choose")
    seen = requests_seen(world)
    equal(served(["--use", "two"], "/echo"), ["X-Two"], "--use chooses")
    equal(served(["--use", "one=default"], "/echo"), ["X-One"], "--use chooses")
    equal(served(["--use", "one", "--use", "one=default"], "/echo"), ["X-One"], "said twice is said once")
    equal(served(["--use", "one"], "/echo/deep/x"), ["X-Deep"], "the most specific one wins all the same")
    equal(served([], "/echo/deep"), ["X-Deep"], "the most specific one wins")
    equal(served(["--use", "one", "--use", "two"], "/echo")["reason"], "ambiguous", "both are named")
    equal(served(["--use", "two", "--only"], "/echo/deep"), ["X-Two"], "one that is not there is not in the way")
    equal(requests_seen(world) - seen, 6, "nothing else went upstream")


def route_explain_says_what_run_does(world):
    """The explanation agrees with what the proxy then does, and sends nothing."""
    port = world.api("--key-header", "X-One", "--key-sha256", hashlib.sha256(b"x").hexdigest())
    base = f"https://127.0.0.1:{port}"
    for name, url in (("one", base), ("two", base), ("deep", base + "/echo/deep")):
        world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_url=url, api_key={"header_name": "X-" + name.title()}), "--yes")
        world.run("login", name, "--input", "stdin", stdin=world.canaries.new(name))
    world.run("rule", "add", "two", "--deny", "DELETE", "--rate", "100/m")
    rows = [  # options, method, path, outcome, reason, provider
        ([], "GET", "/echo", "refused", "ambiguous", None),
        (["--use", "two"], "GET", "/echo", "served", None, "two"),
        (["--use", "one"], "GET", "/echo/deep/x", "served", None, "deep"),
        (["--use", "two"], "DELETE", "/echo", "refused", "policy", "two"),
        (["--use", "two", "--read-only"], "POST", "/echo", "refused", "policy", "two"),
        (["--use", "one", "--only", "--allow", "GET:/echo"], "GET", "/echo/deep", "refused", "policy", "one"),
        (["--use", "one"], "GET", "/echo%5cx", "refused", "not_allowed", None),
        (["--use", "two"], "TRACE", "/echo", "refused", "method_not_allowed", "two"),
        (["--use", "two"], "TRACK", "/echo", "refused", "method_not_allowed", "two"),
        ([], "TRACE", "/echo", "refused", "method_not_allowed", None),
        (["--use", "two"], "get", "/echo", "refused", "method_not_allowed", "two"),
        (["--use", "two"], "NOTIFY", "/echo", "refused", "method_not_allowed", "two"),
        (["--use", "two"], "PROPFIND", "/echo", "served", None, "two"),
        (["--use", "two", "--ask", "write"], "POST", "/echo", "asks", None, "two"),
        (["--use", "two", "--ask", "write", "--deny", "POST"], "POST", "/echo", "refused", "policy", "two"),
    ]
    world.run("config", "set", "run.ask_seconds", "1")
    for options, method, path, outcome, reason, provider in rows:
        seen = requests_seen(world)
        told = json.loads(world.run("route", "explain", base + path, "--method", method, *options, "--json").stdout)
        equal(requests_seen(world), seen, "nothing was sent")
        equal((told["outcome"], told["reason"], told["provider"]), (outcome, reason, provider), f"{options} {method} {path}: {told}")
        status, body = curl(world, options, "--path-as-is", "-X", method, base + path)
        check(status in {"served": (200, 401), "ambiguous": (424,), "method_not_allowed": (405,)}.get(reason or outcome, (403,)), f"what run does: {status} {body}")
        if outcome == "asks":
            equal(problem(body)["reason"], "approval_timed_out", "it asked, and nobody answered")
        equal(requests_seen(world) - seen, 1 if outcome == "served" else 0, "requests upstream")
        if reason:
            answer = problem(body)
            equal((answer["reason"], answer["detail"]), (reason, told["because"]), "the same reason and words")
    told = json.loads(world.run("route", "explain", base + "/echo/deep", "--use", "two", "--json").stdout)
    equal([(c["provider"], c["outcome"]) for c in told["candidates"]], [("two", "less_specific"), ("deep", "wins"), ("one", "less_specific")], "candidates")
    text = world.run("route", "explain", base + "/echo", "--use", "two", "--method", "POST", "--ask", "write").stdout
    for part in ("served by two (default) once you approve it", "because: --ask write asks for it"):
        contains(text, part, "a rule that asks, in words")
    # A rule goes before a time that is up.
    world.run("rule", "add", "deep", "--deny", "DELETE", "--for", "1s")
    time.sleep(1.1)
    for method, because in (("GET", "the time of deep (default) is up"), ("DELETE", "deep (default): deny DELETE denies it")):
        told = json.loads(world.run("route", "explain", base + "/echo/deep", "--method", method, "--json").stdout)
        answer = problem(curl(world, [], "-X", method, base + "/echo/deep")[1])
        contains(told["because"], because, method)
        equal((answer["reason"], answer["detail"]), ("policy", told["because"]), "what run says")
    world.run("rule", "remove", "deep", "--all")
    told = json.loads(world.run("route", "explain", "other.example", "--unmatched", "deny", "--ask", "other.example", "--json").stdout)
    equal(told["outcome"], "asks", "a closed host that a rule asks about")
    text = world.run("route", "explain", base + "/echo", "--use", "two").stdout
    for part in ("served by two (default), with its credential", "* two (default)", "- one (default)", "named by --use", "- deep (default)", "another path", "at most 100/m"):
        contains(text, part, "in words")
    text = world.run("route", "explain", "api.github.com/user").stdout
    for part in ("passed on without a credential", "no connection of this session names the host", "claviger login github"):
        contains(text, part, "a host of a provider that is not connected")
    told = json.loads(world.run("route", "explain", "api.github.com/user", "--unmatched", "deny", "--json").stdout)
    equal((told["outcome"], told["reason"], told["command"]), ("refused", "not_allowed", "claviger login github"), "unmatched and denied")
    told = json.loads(world.run("route", "explain", f"http://127.0.0.1:{port}/echo", "--json").stdout)
    equal((told["outcome"], told["reason"]), ("refused", "not_allowed"), "plain http")
    world.run("route", "explain", "https://", code=2)
    world.run("route", "explain", "api.github.com", "--method", "GE T", code=2)


def a_project_file_narrows_and_must_be_trusted_for_more(world):
    """A cloned repository is hostile: its file narrows freely, and widens only what the owner has trusted, per content."""
    api = connect_key(world)
    world.run("login", "acme", "--connection", "work", "--input", "stdin", stdin=world.canaries.new("work key"))
    top = world.user_home / "clone"
    below = top / "src" / "deep"
    below.mkdir(parents=True)
    file = top / ".claviger.json"

    def write(text):
        file.write_text(text if isinstance(text, str) else json.dumps(text))

    def status(*options, method="GET", path="/echo", code=0):
        result = world.run("run", *options, "--", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, api + path, cwd=below, code=code)
        return result.stdout if code == 0 else result.stderr

    write('{ // from any directory below\n "rules": [{"action": "deny", "methods": "DELETE"}], "rate": "100/m" }')
    equal((status(method="DELETE"), status(method="POST")), ("403", "200"), "found upwards, and narrows without trust")
    equal(status("--no-project", method="DELETE"), "200", "--no-project")
    equal(status("--allow", "DELETE", method="DELETE"), "403", "no option lifts it")
    told = json.loads(world.run("route", "explain", api + "/echo", "--method", "DELETE", "--json", cwd=below).stdout)
    equal((told["outcome"], [r["layer"] for r in told["rules"]][1]), ("refused", ".claviger.json"), "route explain")
    check(".claviger.json: rate 100/m" in told["limits"], f"limits: {told['limits']}")

    write({"use": {"acme": "work"}})
    seen = requests_seen(world)
    refused = world.run("run", "--", "curl", "-sS", api + "/echo", cwd=below, code=None)
    check(refused.returncode != 0 and "acme (work) instead of the default" in refused.stderr and "claviger project trust" in refused.stderr, f"refused: {refused.stderr}")
    equal(requests_seen(world), seen, "and nothing was sent")
    inside = world.run("run", "--no-project", "--", world.program, "project", "trust", "--yes", cwd=below, code=13)
    contains(inside.stderr, "is not allowed inside a claviger run session", "not from inside a session")
    equal(json.loads(world.run("project", "check", "--json", cwd=below).stdout)["trust"], "not_trusted", "check")
    world.run("project", "trust", cwd=below, code=2)
    world.run("project", "trust", "--yes", cwd=below)
    told = json.loads(world.run("route", "explain", api + "/echo", "--json", cwd=below).stdout)
    equal(told["connection"], "work", "trusted")
    equal(status(), "200", "and used")
    told = json.loads(world.run("route", "explain", api + "/echo", "--use", "acme=default", "--json", cwd=below).stdout)
    equal(told["connection"], "default", "the command line goes before it")

    write({"use": {"acme": "work"}, "read_only": False})
    check("changed since you trusted it" in world.run("run", "--", "true", cwd=below, code=None).stderr, "another content is not trusted")
    write({})
    check("changed since you trusted it" in world.run("run", "--", "true", cwd=below, code=None).stderr, "nor is one that lost its rules")
    copy = world.user_home / "other"
    copy.mkdir()
    (copy / ".claviger.json").write_text(json.dumps({"use": {"acme": "work"}}))
    check("not trusted" in world.run("run", "--", "true", cwd=copy, code=None).stderr, "the same content in another place is not trusted")
    world.run("project", "forget", cwd=below)
    equal(json.loads(world.run("project", "check", "--json", cwd=below).stdout)["trust"], "narrows_only", "forgotten")
    equal(status(), "200", "and it only narrows")
    changes = [json.loads(line) for line in world.run("log", "--changes", "--json").stdout.splitlines()]
    of_project = [c for c in changes if c["event"].startswith("project.")]
    equal([(c["event"], c["subject"], c["provider"], c["connection"]) for c in of_project],
          [("project.trusted", str(file), None, None), ("project.forgotten", str(file), None, None)], "the journal; a path is no provider")
    contains(world.run("log", "--changes", "--provider", "acme").stdout, "connection.created", "of a provider")
    check("project." not in world.run("log", "--changes", "--provider", str(file.parent).rpartition("/")[2]).stdout, "nor is a part of it")

    world.run("config", "set", "run.unmatched", "deny")
    for text in ({"unmatched": "allow"}, {"rules": [{"action": "allow", "hosts": "evil.example"}]},
                 {"rules": [{"action": "allow", "methods": ["GET"], "hosts": ["evil.example"]}]}, {"rules": [{"action": "allow", "hosts": ["evil.example"], "paths": ["/x"]}]}):
        write(text)
        check("not trusted" in world.run("run", "--", "true", cwd=below, code=None).stderr, f"widens: {text}")
    world.run("config", "set", "run.unmatched", "allow")
    write({"unmatched": "deny"})
    told = json.loads(world.run("route", "explain", "evil.example", "--unmatched", "allow", "--json", cwd=below).stdout)
    equal((told["outcome"], told["reason"]), ("refused", "not_allowed"), "unmatched deny narrows")

    world.run("register", world.definition("twin", auth_type="api_key", flow="api_key", api_url=api + "/", api_key={"header_name": "X-Twin"}), "--yes")
    world.run("login", "twin", "--input", "stdin", stdin=world.canaries.new("twin key"))
    world.run("register", world.definition("far", auth_type="api_key", flow="api_key", api_url="far.example", api_key={"header_name": "X-Far"}), "--yes")
    world.run("login", "far", "--input", "stdin", stdin=world.canaries.new("far key"))

    def explained(url, *options):
        told = json.loads(world.run("route", "explain", url, *options, "--json", cwd=below).stdout)
        return told["outcome"], told["reason"], told["connection"] and told["provider"]

    write({"use": {"twin": "default"}, "only": True})
    equal(explained(api + "/echo"), ("refused", "ambiguous", None), "an untrusted only decides no tie")
    equal(status(), "424", "nor under run")
    equal(explained("far.example"), ("refused", "policy", "far"), "what it leaves out is refused")
    equal(explained("other.example"), ("passed", None, None), "what no connection serves is not its matter")
    write({"use": {"far": "default"}})
    equal(explained("far.example", "--use", "acme", "--only"), ("passed", None, None), "an --only is not widened")
    equal(explained("far.example", "--use", "acme"), ("served", None, "far"), "without it far is there anyway")

    write('{"uses": {}, "rules": [{"action": "denny"}]}')
    wrong = world.run("run", "--json", "--", "true", cwd=below, code=None)
    findings = json.loads(wrong.stderr)["error"]["findings"]
    equal([(f["pointer"], f["line"]) for f in findings], [("/uses", 1), ("/rules/0/action", 1)], "all mistakes at once")
    contains(world.run("run", "--", "true", cwd=below, code=None).stderr, 'did you mean "use"?', "in words")
    file.unlink()
    file.symlink_to(copy / ".claviger.json")
    contains(world.run("run", "--", "true", cwd=below, code=None).stderr, "is not a regular file", "a link is neither obeyed nor passed over")
    schema = json.loads(world.run("project", "schema").stdout)
    check("rules" in schema["properties"], "the schema")


def a_session_does_not_follow_what_its_program_writes(world):
    """The program may write the file of its own directory: that changes nothing in the session that runs."""
    api = connect_key(world)
    top = world.user_home / "project"
    top.mkdir()
    (top / ".claviger.json").write_text(json.dumps({"read_only": True}))
    script = f"echo '{{}}' > .claviger.json; curl -sS -o /dev/null -w '%{{http_code}}' -d x {api}/echo; rm .claviger.json; curl -sS -o /dev/null -w ' %{{http_code}}' -d x {api}/echo"
    equal(world.run("run", "--", "sh", "-c", script, cwd=top).stdout, "403 403", "still what it was at the start")


def get(world, session, api, path, method="GET"):
    """One request inside a session that stays open: (status, head, problem or None)."""
    host = api.removeprefix("https://")
    with session.opened(host, "127.0.0.1") as tls:
        tls.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while piece := tls.recv(65536):
            data += piece
    head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
    status = int(head.split()[1])
    return status, head, json.loads(body) if status in (403, 429) else None


def rules_of_a_connection_hold_from_the_next_request_on(world):
    """PX-29: a session that runs obeys what is added and removed outside; no option and no new login lifts a rule."""
    api = connect_key(world)
    session = Session(world, "--allow", "*:*")
    equal(get(world, session, api, "/echo", "DELETE")[0], 200, "before")
    added = json.loads(world.run("rule", "add", "acme", "--deny", "DELETE", "--deny", "/whoami", "--rate", "1000/s", "--json").stdout)
    equal(added["rules"], [{"action": "deny", "rule": "DELETE"}, {"action": "deny", "rule": "/whoami"}], "what is kept")
    status, _, answer = get(world, session, api, "/echo", "DELETE")
    equal((status, answer["reason"], answer["rule"]), (403, "policy", "acme (default): deny DELETE"), "the next request")
    equal(get(world, session, api, "/echo", "POST")[0], 200, "others")
    listed = world.run("rule", "list").stdout
    equal(listed, "acme (default)\n  1  deny DELETE\n  2  deny /whoami\n  3  at most 1000/s\n", "rule list")
    world.run("rule", "remove", "acme", "1")
    equal(get(world, session, api, "/echo", "DELETE")[0], 200, "and the next after it was removed")
    equal(get(world, session, api, "/whoami")[0], 403, "the other stays")
    session.end()
    world.run("logout", "acme")
    world.run("login", "acme", "--input", "stdin", stdin=world.canaries.new("another key"))
    equal(curl(world, ["--allow", "*:*"], api + "/whoami")[0], 403, "a new login lifts no rule")
    equal(world.run("rule", "remove", "acme", "--all").stdout, "acme (default) has no rules\n", "rule remove --all")
    equal(curl(world, [], api + "/echo")[0], 200, "without rules")

    contains(world.run("rule", "add", "acme", code=2).stderr, "there is no rule to add", "rule add without a rule")
    contains(world.run("rule", "add", "acme", "--rate", "60", code=2).stderr, "60/m", "a bad rate")
    contains(world.run("rule", "add", "acmee", "--read-only", code=3).stderr, "acme", "an unknown provider")
    contains(world.run("rule", "remove", "acme", "7", code=3).stderr, "has no rule 7", "an unknown number")
    world.run("rule", "add", "acme", "--deny", "DELETE")
    for action in (["remove", "acme", "--all"], ["add", "acme", "--allow", "*:*"]):
        contains(world.run("run", "--", world.program, "rule", *action, code=13).stderr, "is not allowed inside a claviger run session", "not from inside a session")
    equal(json.loads(world.run("rule", "list", "acme", "--json").stdout)["connections"][0]["rules"], [{"action": "deny", "rule": "DELETE"}], "nothing was changed")
    world.run("rule", "remove", "acme", "--all")


def rates_and_times(world):
    """429 with Retry-After over a rate; nothing with a credential after the time."""
    api = connect_key(world)
    session = Session(world, "--rate", "3/d")
    for i in range(3):
        equal(get(world, session, api, "/whoami")[0], 200, f"request {i}")
    seen = requests_seen(world)
    status, head, answer = get(world, session, api, "/whoami")
    equal((status, answer["reason"], answer["rule"]), (429, "rate_limited", "--rate 3/d"), "over the rate")
    check(f"Retry-After: {answer['retry_after']}" in head and 1 <= answer["retry_after"] <= 28800, f"Retry-After: {head}")
    equal(requests_seen(world), seen, "nothing upstream")
    world.run("rule", "add", "acme", "--rate", "2/d")
    session.end()
    session = Session(world, "--rate", "100/d")
    statuses = [get(world, session, api, "/whoami")[0] for _ in range(4)]
    equal(statuses, [200, 200, 429, 429], "the connection's own rate")
    world.run("rule", "add", "acme", "--rate", "3/d")
    equal(get(world, session, api, "/whoami")[0], 200, "a changed rate holds at once")
    world.run("rule", "add", "acme", "--read-only")
    equal([get(world, session, api, "/whoami")[0] for _ in range(3)], [200, 200, 429], "other changes leave what is used up")
    session.end()
    world.run("rule", "remove", "acme", "--all")

    session = Session(world, "--for", "2s")
    for _ in range(200):
        status, _, answer = get(world, session, api, "/whoami")
        if status == 403:
            break
        time.sleep(0.1)
    equal((status, answer["reason"], answer["rule"]), (403, "policy", "--for 2s"), "the time is up")
    session.end()
    world.run("rule", "add", "acme", "--for", "1s")
    time.sleep(1.5)
    equal(curl(world, ["--for", "1h"], api + "/whoami")[0], 403, "the connection's own time")


if __name__ == "__main__":
    main(a_project_file_narrows_and_must_be_trusted_for_more, a_session_does_not_follow_what_its_program_writes, route_explain_says_what_run_does, rules_of_a_connection_hold_from_the_next_request_on, rates_and_times, rules_of_the_command_line, PX21_methods_that_pass, PX21_methods_of_a_project_file, overriding_fields_do_not_pass, every_request_of_a_kept_connection_is_judged, hosts_without_a_connection,
         ask_rules_that_never_ask_are_named, two_definitions_on_one_host)
