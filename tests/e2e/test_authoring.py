"""Definitions made by the program: discovered, asked for, linted (product.md, seeds 000 and 004)."""
from harness import *
from test_terminal import Terminal


def mcp(world, server, *options):
    return world.peer(NODE, ROOT / "tests/peers/mcp/server.mjs", "--issuer", server["issuer"], "--userinfo", server["userinfo_endpoint"], *options)["url"]


def an_issuer_becomes_a_definition_and_a_login_in_two_commands(world):
    server = world.authorization_server()
    found = world.run("provider", "discover", server["issuer"], "--name", "acme")
    definition = json.loads(found.stdout)
    equal((definition["name"], definition["flow"]), ("acme", "dcr_pkce"), "name and flow")
    for member, endpoint in (("authorization_url", "authorization_endpoint"), ("token_url", "token_endpoint"), ("registration_endpoint",) * 2, ("userinfo_url", "userinfo_endpoint"), ("revocation_url", "revocation_endpoint")):
        equal(definition["oauth"][member], server[endpoint], member)
    equal(definition["oauth"]["scopes"], ["openid", "offline_access"], "default scopes")
    check({"openid", "email", "read"} <= {s["value"] for s in definition["oauth"]["available_scopes"]}, "scopes to choose from")
    contains(found.stderr, "found: PKCE with S256", "what was found")
    contains(found.stderr, "not found: API host", "what was not")
    world.run("register", "-", "--yes", stdin=found.stdout)
    world.run("remove", "acme", "--yes")
    contains(world.run("provider", "discover", server["issuer"], "--name", "acme", "--register", "--yes").stdout, "Provider acme registered.", "registered")
    result, _ = browser_login(world, ["login", "acme"])
    contains(result.stdout, "Successfully logged in to acme (default).", "login")
    world.run("provider", "discover", server["issuer"], "--name", "acme", "--register", "--yes", code=5)


def OA04_what_a_server_announces_is_remembered(world):
    """A server that announces `iss` and leaves it out: the definition that discover made finds that out without metadata."""
    record = world.directory / "record"
    server = world.authorization_server("--no-iss", "--record", record)
    document = json.loads(world.run("provider", "discover", server["issuer"], "--name", "acme", "--register", "--yes", "--json").stdout)
    equal(document["definition"]["oauth"]["callback"], {"iss_required": True}, "remembered (RFC 9207)")
    record.unlink()
    refused, pages = browser_login(world, ["login", "acme"], code=8)
    contains(refused.stderr, "does not name its issuer", "the reason")
    contains(pages[0], "is not connected", "the page")
    check("/.well-known/" not in record.read_text() and "POST /token " not in record.read_text(), f"neither metadata nor the token is asked for: {record.read_text()}")
    world.run("get", "acme", code=6)


def RFC9728_the_url_of_an_mcp_server_is_enough(world):
    for options in ((), ("--challenge-only",)):
        server = world.authorization_server()
        url = mcp(world, server, *options)
        document = json.loads(world.run("provider", "discover", url, "--name", "tools", "--register", "--yes", "--force", "--json").stdout)
        equal(document["status"], "registered", "status")
        definition = document["definition"]
        equal((definition["display_name"], definition["api_url"], definition["oauth"]["resource"], definition["oauth"]["issuer"]),
              ("Acme Tools", url, url, server["issuer"]), "the definition")
        equal([s["value"] for s in definition["oauth"]["available_scopes"]], ["openid", "offline_access", "read"], "the resource's own scopes")


def a_url_that_publishes_nothing_is_said_plainly(world):
    server = world.authorization_server()
    bare = mcp(world, server, "--no-metadata")
    refused = world.run("provider", "discover", bare, code=3)
    for part in ("RFC 9728", "RFC 8414", "claviger provider new"):
        contains(refused.stderr, part, "what was tried, and what next")
    equal(refused.stdout, "", "stdout")
    world.run("provider", "discover", "http://127.0.0.1:1/", code=9)
    world.run("provider", "discover", "http://example.com", code=4)
    world.run("provider", "discover", "://", code=2)
    check(not (world.home / "providers").exists(), "nothing is written")


def lint_finds_what_register_lets_pass(world):
    secret, bearer = world.canaries.new("secret"), world.canaries.new("bearer")
    file = world.directory / "acme.json"
    file.write_text(json.dumps({
        "schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "oauth2", "flow": "pkce", "host_url": "regex:^[a-z]+\\.acme\\.example$", "docs": "https://acme.example/docs",
        "nmae": "x", "oauth": {"authorization_url": "https://acme.example/a", "token_url": "https://acme.example/t", "pkce": False, "scopes": [],
                               "client_id": "acme-1234567", "client_secret": secret, "token_headers": {"X-Key": f"Bearer {bearer}"}}}, indent=1))
    result = world.run("provider", "lint", file, code=14)
    for code in ("secret_in_file", "client_in_file", "regex_host", "old_spelling", "unknown_key", "pkce_off", "no_revocation", "no_identity", "no_probe"):
        contains(result.stdout, f"[{code}]", "lint")
    check(re.search(rf"{re.escape(str(file))}:\d+:\d+: error: /oauth/client_secret looks like a secret", result.stdout), f"place of the secret: {result.stdout}")
    findings = json.loads(world.run("provider", "lint", file, "--json", code=14).stdout)
    equal((findings["ok"], findings["dialect"]), (False, "native"), "the document")
    check(all({"severity", "code", "pointer", "line", "column", "message", "hint"} == set(f) for f in findings["findings"]), "members")
    check(sum(f["code"] == "secret_in_file" for f in findings["findings"]) == 2, "both secrets")
    places = [f["pointer"] for f in findings["findings"] if f["pointer"].startswith("/oauth/client_secret")]
    equal(places, ["/oauth/client_secret"], "one place, one finding")
    check(all(f["hint"] is None or f["hint"] for f in findings["findings"]), "no empty hints")
    wanting = world.run("provider", "lint", "-", code=14, stdin='{"schema_version": 1, "name": "acme", "display_name": "", "auth_type": "api_key", "flow": "api_key", "api_url": "api.acme.example", "api_key": {"header_name": "X-Key", "header_prefix": ""}}')
    contains(wanting.stdout, "error: /display_name is required; write a text", "a name is said once")
    contains(wanting.stderr, "1 error, 0 warnings, 0 pieces of advice", "one is not many")
    text = world.run("inspect", "github").stdout
    world.run("provider", "lint", "-", stdin=text)
    world.run("provider", "lint", "github")
    world.run("provider", "lint", "-", "--strict", stdin=text, code=14)
    broken = world.run("provider", "lint", "-", stdin='{"name": "Bad Name"}', code=14)
    contains(broken.stdout, "error: /name", "an invalid definition")
    world.run("provider", "lint", "nosuchprovider", code=3)
    world.run("provider", "lint", world.directory / "missing.json", code=3)


FIVE = {"authorization_url": "https://acme.example/authorize", "token_url": "https://acme.example/token", "client_id": "acme-app", "scopes": "read, write"}  # and the secret


def the_five_values_are_enough(world):
    secret = world.canaries.new("client secret")
    answers = {**FIVE, "client_secret": secret, "api_url": "api.acme.example"}
    document = json.loads(world.run("provider", "new", "acme", "--yes", "--json", "--input", "stdin", stdin=json.dumps(answers)).stdout)
    equal((document["status"], document["client_stored"]), ("registered", True), "outcome")
    definition = json.loads(world.run("inspect", "acme").stdout)
    equal((definition["auth_type"], definition["flow"], definition["api_url"], definition["oauth"]["scopes"], definition["oauth"]["client_secret_required"], definition["export"]),
          ("oauth2", "pkce", "api.acme.example", ["read", "write"], True, {"env": {"access_token": "ACME_ACCESS_TOKEN"}}), "the definition")
    check("acme-app" not in json.dumps(definition), "the client is not in the file")
    world.run("provider", "lint", "acme")
    # The client is stored as login stores it: nothing is asked for any more, the browser is sent away at once.
    process = world.start("login", "acme", "--input", "stdin", stdin="")
    for raw in process.stderr:
        if b"acme.example/authorize" in raw:
            contains(raw.decode(), "client_id=acme-app", "the link")
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    world.children.remove(process)
    world.run("provider", "new", "acme", "--yes", "--input", "stdin", stdin=json.dumps(answers), code=5)


def what_can_be_derived_need_not_be_said(world):
    """The rest follows from the five values, unless it differs."""
    new = lambda answers, code=0: world.run("provider", "new", "--yes", "--input", "stdin", stdin=json.dumps(answers), code=code)
    new({**FIVE, "authorization_url": "https://login.eu.acme.example/authorize"})
    definition = json.loads(world.run("inspect", "acme").stdout)
    equal((definition["name"], definition["display_name"], definition["export"]), ("acme", "Acme", {"env": {"access_token": "ACME_ACCESS_TOKEN"}}), "out of the host")
    contains(new(FIVE, code=4).stderr, '"name": an answer is needed', "a name that is taken is not proposed")
    contains(new({**FIVE, "authorization_url": "https://github.com/login/oauth/authorize"}, code=4).stderr, '"name": an answer is needed', "nor a bundled one")
    new({**FIVE, "name": "own", "display_name": "Own CRM", "env": "OWN_TOKEN", "pkce": "no"})
    definition = json.loads(world.run("inspect", "own").stdout)
    equal((definition["display_name"], definition["export"], definition["oauth"]["pkce"]), ("Own CRM", {"env": {"access_token": "OWN_TOKEN"}}, False), "what differs")
    new({"kind": "api_key", "api_url": "*.keyed.example"})
    equal(json.loads(world.run("inspect", "keyed").stdout)["export"], {"env": {"api_key": "KEYED_API_KEY"}}, "of a key")


def every_answer_is_checked_and_a_mistake_leaves_nothing(world):
    for change, part in (({"token_url": "http://acme.example/token"}, "token_url"), ({"authorization_url": "nonsense"}, "authorization_url"), ({"scopes": 'a"b'}, "scopes"),
                         ({"api_url": "*.com"}, "api_url"), ({"env": "PATH"}, "env"), ({"kind": "basic"}, "kind"), ({"authorization_url": ""}, "authorization_url"), ({"tokenurl": "x"}, "tokenurl"), ({"token_url": ""}, "token_url")):
        refused = world.run("provider", "new", "acme", "--yes", "--input", "stdin", stdin=json.dumps({**FIVE, **change}), code=4)
        contains(refused.stderr, f'"{part}"', f"{change} is refused by its name")
    world.run("provider", "new", "acme", "--input", "stdin", stdin=json.dumps(FIVE), code=2)  # nobody says yes
    check(not (world.home / "providers").exists() or not list((world.home / "providers").iterdir()), "nothing is registered")
    key = json.dumps({"kind": "api_key", "api_url": "api.key.example", "header_name": "X-Key"})
    world.run("provider", "new", "keyed", "--yes", "--input", "stdin", stdin=key)
    equal(json.loads(world.run("inspect", "keyed").stdout)["api_key"], {"header_name": "X-Key", "header_prefix": ""}, "an API key")
    world.run("provider", "new", "based", "--yes", "--input", "stdin", stdin=json.dumps({"kind": "basic", "api_url": "api.basic.example"}))
    equal(json.loads(world.run("inspect", "based").stdout)["auth_type"], "basic", "a password")


def the_five_values_are_asked_first_and_help_names_every_answer(world):
    """Not only the hint of an answer that nobody asked for: both come to the same, whatever the kind."""
    told = {a["name"]: a for a in json.loads(world.run("help", "provider", "new", "--json").stdout)["answers"]}
    text = world.run("help", "provider", "new").stdout
    asked = set()
    for answers in ({**FIVE, "client_secret": "", "differs": "yes"}, {"kind": "api_key", "api_url": "api.key.example", "header_name": "X-Key"}, {"kind": "basic", "api_url": "api.basic.example"}):
        refused = world.run("provider", "new", "--yes", "--input", "stdin", stdin=json.dumps({"name": "mine", **answers, "nonsense": "x"}), code=4).stderr
        order = re.search(r"hint: asked for are: (.*)", refused)[1].split(", ")
        if "kind" not in answers:
            equal(order[:5], ["authorization_url", "token_url", "client_id", "scopes", "client_secret"], "seed 004's five values, in its order")
        asked |= set(order)
    equal(asked, set(told), "the answers of the help are those that are asked for")
    for name in told:
        check(re.search(rf"^  {name} +\S", text, re.M), f"{name} in {text}")
    for name, choices in ((n, a["choices"]) for n, a in told.items() if a["choices"]):
        answers = {"name": "mine", **({} if name == "kind" else FIVE), "differs": "yes", name: "nonsense"}
        wrong = world.run("provider", "new", "--yes", "--input", "stdin", stdin=json.dumps(answers), code=4).stderr
        contains(wrong, "write one of: " + ", ".join(choices), name)


def a_bundled_name_is_not_taken_by_accident(world):
    contains(world.run("provider", "new", "--yes", "--input", "stdin", stdin=json.dumps({**FIVE, "name": "github"}), code=4).stderr, "'github' is the name of a bundled provider", "as an answer")
    world.run("provider", "new", "github", "--yes", "--input", "stdin", stdin=json.dumps(FIVE), code=5)
    equal(json.loads(world.run("list", "--json", "--source", "custom").stdout)["providers"], [], "nothing is registered")
    world.run("provider", "new", "github", "--yes", "--force", "--input", "stdin", stdin=json.dumps(FIVE))
    equal([p["overrides_bundled"] for p in json.loads(world.run("list", "--json", "--source", "custom").stdout)["providers"]], [True], "by the human's word it is")


def a_client_that_cannot_be_stored_leaves_the_definition_of_before(world):
    answers = json.dumps({"authorization_url": "https://acme.example/a", "token_url": "https://acme.example/t", "client_id": "acme-app", "api_url": "api.acme.example"})
    world.run("config", "set", "vault.key_source", "passphrase")  # and there is none to be had
    refused = world.run("provider", "new", "acme", "--input", "stdin", "--yes", stdin=answers, code=10)
    contains(refused.stderr, "so nothing was registered", "without one before")
    file = world.home / "providers" / "acme.json"
    check(not file.exists(), "nothing is left")
    own = world.definition("acme", auth_type="api_key", flow="api_key", api_url="api.before.example", api_key={"header_name": "X-Key", "header_prefix": ""})
    world.run("register", own, "--yes")
    before = file.read_bytes()
    refused = world.run("provider", "new", "acme", "--force", "--input", "stdin", "--yes", stdin=answers, code=10)
    contains(refused.stderr, "the definition is the one from before", "with one before")
    equal(file.read_bytes(), before, "it is there again")


def what_the_service_publishes_is_proposed(world):
    server = world.authorization_server()
    answers = {"authorization_url": server["authorization_endpoint"]}
    world.run("provider", "new", "acme", "--yes", "--input", "stdin", stdin=json.dumps(answers))
    definition = json.loads(world.run("inspect", "acme").stdout)
    equal((definition["flow"], definition["oauth"]["token_url"], definition["oauth"]["registration_endpoint"]), ("dcr_pkce", server["token_endpoint"], server["registration_endpoint"]), "found by itself")
    result, _ = browser_login(world, ["login", "acme"])
    contains(result.stdout, "Successfully logged in to acme (default).", "login")


def a_wizard_on_the_terminal(world):
    secret = world.canaries.new("client secret")
    terminal = Terminal(world, "provider", "new", "acme")
    for prompt, answer in (("Authorization URL", "http://acme.example/a"), ("Authorization URL", "https://127.0.0.1:1/a"),
                           ("Token URL", "https://127.0.0.1:1/t"), ("Client ID", "acme-app"), ("Scopes", "read"), ("Client secret", secret), ("API host", "api.acme.example"),
                           ("It is shown as Acme, programs get ACME_ACCESS_TOKEN", ""), ("Register 'acme'?", "y")):
        terminal.read_until(prompt)
        if answer == secret:
            terminal.wait_until_echo_is(False)
        terminal.type(answer + "\n")
    terminal.read_until("Provider acme registered.")
    terminal.end(0)
    contains(terminal.shown, "not accepted: must be https", "a wrong answer is refused at once")
    check(secret not in terminal.shown, "the secret was shown")
    terminal = Terminal(world, "provider", "new")
    for prompt, answer in (("Authorization URL", ""), ("What does it take?", "api_key"), ("API host", "api.keyed.example"), ("Header that carries the key [Authorization]", ""), ("Word before the key", ""),
                           ("Name of the provider [keyed]", ""), ("programs get KEYED_API_KEY", "yes"), ("Name to show [Keyed]", "Keyed!"), ("Environment variable for programs [KEYED_API_KEY]", "KEYED"),
                           ("Register 'keyed'?", "n")):
        terminal.read_until(prompt)
        terminal.type(answer + "\n")
    terminal.end(11)
    terminal = Terminal(world, "provider", "new", "other")
    terminal.read_until("Authorization URL")
    terminal.type("\x03")
    terminal.end(11)
    equal([p.name for p in (world.home / "providers").iterdir()], ["acme.json"], "Ctrl-C leaves nothing")


if __name__ == "__main__":
    main(an_issuer_becomes_a_definition_and_a_login_in_two_commands, OA04_what_a_server_announces_is_remembered, RFC9728_the_url_of_an_mcp_server_is_enough, a_url_that_publishes_nothing_is_said_plainly,
         lint_finds_what_register_lets_pass, the_five_values_are_enough, what_can_be_derived_need_not_be_said, every_answer_is_checked_and_a_mistake_leaves_nothing,
         the_five_values_are_asked_first_and_help_names_every_answer, a_bundled_name_is_not_taken_by_accident, a_client_that_cannot_be_stored_leaves_the_definition_of_before,
         what_the_service_publishes_is_proposed, a_wizard_on_the_terminal)
