"""Definitions made by the program: discovered, asked for, linted (product.md, seeds 000 and 004)."""
from harness import *


def mcp(world, server, *options):
    return world.peer(NODE, ROOT / "tests/peers/mcp/server.mjs", "--issuer", server["issuer"], "--userinfo", server["userinfo_endpoint"], *options)["url"]


def an_issuer_becomes_a_definition_and_a_login_in_two_commands(world):
    server = world.authorization_server()
    found = world.run("provider", "discover", server["issuer"], "--name", "acme")
    definition = json.loads(found.stdout)
    equal((definition["name"], definition["flow"]), ("acme", "dcr_pkce"), "name and flow")
    for member, endpoint in (("authorization_url", "authorization_endpoint"), ("token_url", "token_endpoint"), ("registration_endpoint",) * 2, ("userinfo_url", "userinfo_endpoint"), ("revocation_url", "revocation_endpoint")):
        equal(definition["oauth"][member], server[endpoint], member)
    equal(definition["oauth"]["scopes"], ["offline_access"], "default scopes")
    check({"openid", "email", "read"} <= {s["value"] for s in definition["oauth"]["available_scopes"]}, "scopes to choose from")
    contains(found.stderr, "found: PKCE with S256", "what was found")
    contains(found.stderr, "not found: API host", "what was not")
    world.run("register", "-", "--yes", stdin=found.stdout)
    world.run("remove", "acme", "--yes")
    contains(world.run("provider", "discover", server["issuer"], "--name", "acme", "--register", "--yes").stdout, "Provider acme registered.", "registered")
    result, _ = browser_login(world, ["login", "acme", "--scopes", "openid,offline_access"])
    contains(result.stdout, "Successfully logged in to acme (default).", "login")
    world.run("provider", "discover", server["issuer"], "--name", "acme", "--register", "--yes", code=5)


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
    text = world.run("inspect", "github").stdout
    world.run("provider", "lint", "-", stdin=text)
    world.run("provider", "lint", "github")
    world.run("provider", "lint", "-", "--strict", stdin=text, code=14)
    broken = world.run("provider", "lint", "-", stdin='{"name": "Bad Name"}', code=14)
    contains(broken.stdout, "error: /name", "an invalid definition")
    world.run("provider", "lint", "nosuchprovider", code=3)
    world.run("provider", "lint", world.directory / "missing.json", code=3)


if __name__ == "__main__":
    main(an_issuer_becomes_a_definition_and_a_login_in_two_commands, RFC9728_the_url_of_an_mcp_server_is_enough, a_url_that_publishes_nothing_is_said_plainly,
         lint_finds_what_register_lets_pass)
