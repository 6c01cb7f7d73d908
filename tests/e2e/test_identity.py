"""Whose account a connection is, values captured from answers, and probes: what a login says beyond "successfully"."""
import json
from harness import *
from little_service import Service

ALICE = {"id": 17, "login": "alice", "name": "Alice"}


def login(world, *arguments, **more):
    return browser_login(world, ["login", "acme", *arguments], forms=[{"client_id": "public-client"}], **more)[0]


def field(world, name):
    return world.run("get", "acme", "--field", name).stdout.rstrip("\n")


def a_standard_server_says_it_by_userinfo(world):
    server = world.authorization_server()
    file = world.definition("acme", auth_type="oauth2", flow="dcr_pkce", api_url=server["issuer"],
                            oauth={"issuer": server["issuer"], "scopes": ["openid", "email"], "supports_dcr": True})
    world.run("register", file, "--yes")
    result, _ = browser_login(world, ["login", "acme"])
    equal(result.stdout, "Successfully logged in to acme (default).\n", "what login prints")
    contains(result.stderr, "Account: alice@example.test", "who it is")
    equal((field(world, "account"), field(world, "account_id")), ("alice@example.test", "alice"), "kept with the connection")
    contains(world.run("list", "--connected").stdout, "alice@example.test", "list shows it")
    listed = json.loads(world.run("list", "--json", "--connected").stdout)["providers"][0]["connections"][0]
    equal(listed["account"], "alice@example.test", "list --json has it")
    probed = world.run("provider", "probe", "acme")
    contains(probed.stdout, "acme (default) works: HTTP 200 in ", "a connection can be tried without a probe in the definition")
    contains(probed.stdout, "account alice@example.test", "and says whose it is")


def missing_scopes_are_shown_and_implied_ones_understood(world):
    server = world.authorization_server("--grant-only", "openid,read")
    asked = ["openid", "email", "read", "write"]
    oauth = {"issuer": server["issuer"], "scopes": asked, "supports_dcr": True}
    implied = {"available_scopes": [{"value": "read", "implies": ["email"]}, {"value": "write"}]}
    for more, missing in ((implied, ["write"]), ({}, ["email", "write"])):
        world.run("register", world.definition("acme", auth_type="oauth2", flow="dcr_pkce", api_url=server["issuer"], oauth={**oauth, **more}), "--yes", "--force")
        result, _ = browser_login(world, ["login", "acme", "--force"])
        contains(result.stderr, "granted fewer scopes than requested: missing " + ", ".join(missing), "login warns")
        shown = json.loads(world.run("get", "acme", "--json").stdout)
        equal((shown["requested_scopes"], shown["scopes"], shown["missing_scopes"]), (asked, ["openid", "read"], missing), "get --json")
        contains(world.run("get", "acme").stdout.splitlines(), "missing_scopes: " + " ".join(missing), "get")
        equal(field(world, "missing_scopes"), " ".join(missing), "as a field")
        equal(json.loads(world.run("list", "--json", "--connected").stdout)["providers"][0]["connections"][0]["missing_scopes"], missing, "list --json")
        contains(world.run("list", "--connected").stderr, "acme (default) lacks scopes: " + ", ".join(missing), "list")
    # What is implied is the definition's word of today: it says nothing new about what was granted.
    world.run("register", world.definition("acme", auth_type="oauth2", flow="dcr_pkce", api_url=server["issuer"], oauth={**oauth, **implied}), "--yes", "--force")
    equal(field(world, "missing_scopes"), "write", "without a new login")


def the_definition_says_where_to_ask(world):
    service = Service(world)
    service.answers["/me"] = (200, ALICE)
    service.define(world, identity={"url": service.url + "/me", "id": "/id", "label": "/login"})
    contains(login(world).stderr, "Account: alice", "login says it")
    equal((field(world, "account"), field(world, "account_id")), ("alice", "17"), "a number is an id too")
    # Another account under the same name is said, with both.
    service.answers["/me"] = (200, {"id": 18, "login": "bob"})
    again = login(world, "--force")
    contains(again.stderr, "warning: this is another account than before: bob instead of alice", "warned")
    equal(field(world, "account_id"), "18", "the new one holds")
    service.answers["/me"] = (200, {"id": 18, "login": "bob renamed"})
    check("another account" not in login(world, "--force").stderr, "a new name is not another account")


def an_unknown_account_undoes_no_login(world):
    service = Service(world)
    hostile = [(500, {}), (200, ["no", "object"]), (200, {"id": {"a": 1}}), (200, {"id": "x" * 300}), (200, {"id": ""}), (200, {})]
    for answer in hostile:
        service.answers["/me"] = answer
        service.define(world, identity={"url": service.url + "/me", "id": "/id", "label": "/login"})
        result = login(world, "--force")
        equal(result.stdout, "Successfully logged in to acme (default).\n", f"{answer}")
        contains(result.stderr, "warning: whose account this is could not be learnt", f"{answer}")
        equal(field(world, "status"), "connected", "the token is there")
    service.answers["/me"] = (200, {"id": "7", "login": "\u001b[31mred\u202e\n"})
    result = login(world, "--force")
    check("\x1b" not in result.stderr and "\u202e" not in result.stderr, "a label is made printable (CL-09)")
    equal(field(world, "account_id"), "7", "and kept")


CLOUD = {"capture": [{"name": "cloud", "pointer": "/0/cloud"}], "vars": {"cloud": {"title": "Cloud", "pattern": "[a-z0-9-]+"}}}


def a_value_of_the_identity_answer_names_the_place(world):
    service = Service(world)
    service.answers["/sites"] = (200, [{"cloud": "c-1", "id": "s", "name": "Site"}])
    for path in ("/ex/c-1/whoami", "/ex/c-2/whoami"):
        service.answers[path] = (200, {"fine": True})
    service.answers["/ex/c-1/ping"] = (200, {})
    service.define(world, api_url=service.url + "/ex/{cloud}", identity={"url": service.url + "/sites", "id": "/0/id", "label": "/0/name"},
                   probe={"url": service.url + "/ex/{cloud}/ping"}, **CLOUD)
    result = login(world)
    contains(result.stderr, "First request: HTTP 200 in ", "the probe used the captured value")
    equal(len(result.forms), 1, "nobody was asked for the variable: only for the client")
    equal(field(world, "cloud"), "c-1", "get shows it")
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", ""]
    equal(world.run("run", "--", *curl, service.url + "/ex/c-1/whoami").stdout, "200", "the captured place gets the credential")
    equal(world.run("run", "--", *curl, service.url + "/ex/c-2/whoami").stdout, "401", "another tenant's does not")


def what_was_not_said_can_be_asked_again(world):
    service = Service(world)
    service.answers["/sites"] = (503, {})
    service.define(world, api_url=service.url + "/ex/{cloud}", identity={"url": service.url + "/sites", "id": "/0/id", "label": "/0/name"}, **CLOUD)
    contains(login(world).stderr, "warning: whose account this is could not be learnt", "warned")
    left_out = world.run("run", "--", "true").stderr
    contains(left_out, 'acme has not said its "cloud" yet', "run says what is missing")
    contains(left_out, "claviger provider probe acme", "and what mends it")
    service.answers["/sites"] = (200, [{"cloud": "c-1", "id": "s", "name": "Site"}])
    service.answers["/ex/c-1/whoami"] = (200, {})
    contains(world.run("provider", "probe", "acme").stdout, "account Site", "asked again")
    check("has not said" not in world.run("run", "--", "true").stderr, "mended")


def hostile_captured_values_reach_no_other_place(world):
    service = Service(world)
    for value in ("../admin", "..", "a/b", "c-1?x=1", "c-1#", "C 1", "c%2f1", "http://evil.test", "", "x" * 2000):
        service.answers["/sites"] = (200, [{"cloud": value, "id": "s", "name": "Site"}])
        service.define(world, api_url=service.url + "/ex/{cloud}", identity={"url": service.url + "/sites", "id": "/0/id", "label": "/0/name"}, **CLOUD)
        equal(login(world, "--force").returncode, 0, "the login holds")
        contains(world.run("run", "--", "true").stderr, "acme (default) is left out", f"{value!r} is no tenant")


def the_token_answer_names_the_instance(world):
    """An origin by which the definition begins a URL: {instance_url}/data (OA-27)."""
    service = Service(world)
    instance = {"api_url": "{instance_url}/data", "capture": ["instance_url"], "vars": {"instance_url": {"title": "Instance"}},
                "probe": {"url": "{instance_url}/data/ping"}}
    service.answers["/data/ping"] = (200, {})
    service.token_answer = {"instance_url": service.url}
    service.define(world, **instance)
    contains(login(world).stderr, "First request: HTTP 200", "asked at the instance")
    for hostile in ("http://192.0.2.1", "ftp://acme.example", "https://user@acme.example", "https://acme.example?x", "https://acme.example#x",
                    "acme.example:0x50", "https://", "javascript:alert(1)", "//evil.test", "https://a b"):
        service.token_answer = {"instance_url": hostile}
        result = login(world, "--force")
        equal(result.returncode, 0, "the login holds")
        contains(result.stderr, "warning: whether it works could not be asked", f"{hostile!r} is said to be unusable")
        contains(world.run("run", "--", "true").stderr, "acme (default) is left out", f"{hostile!r} is no instance")


def a_probe_says_what_came_back(world):
    service = Service(world)
    service.define(world)
    login(world)
    world.run("provider", "probe", "acme", code=4)
    service.define(world, probe={"url": service.url + "/ping", "ok_status": [200]})
    world.run("confirm", "acme", "--yes")
    service.answers["/ping"] = (200, {})
    contains(world.run("provider", "probe", "acme").stdout, "acme (default) works: HTTP 200 in ", "it works")
    document = json.loads(world.run("provider", "probe", "acme", "--json").stdout)
    equal((document["works"], document["status"], document["connection"], document["method"]), (True, 200, "default", "GET"), "--json")
    for status, code, said in ((401, 7, "does not accept the credential"), (403, 7, "does not allow this request"), (404, 9, "HTTP 404"),
                               (201, 9, "although the definition expects 200"), (302, 9, "HTTP 302"), (503, 9, "try again later")):
        service.answers["/ping"] = (status, {})
        contains(world.run("provider", "probe", "acme", code=code).stderr, said, f"{status}")
        error = json.loads(world.run("provider", "probe", "acme", "--json", code=code).stderr)["error"]
        equal((error["probe"]["works"], error["probe"]["status"]), (False, status), "--json says it too")
    refused = login(world, "--force")
    contains(refused.stderr, "warning: the first request did not work: HTTP 503", "a login says that it does not work")
    equal(refused.stdout, "Successfully logged in to acme (default).\n", "and holds")
    service.stop()
    world.run("provider", "probe", "acme", code=9)
    world.closing.remove(service.stop)


def an_api_key_is_tried_when_it_is_entered(world):
    key = world.canaries.new("key")
    service = Service(world)
    service.answers["/ping"] = lambda s, r: (200 if r["headers"].get("x-key") == key else 401, {"id": "k", "name": "Key of Acme"})
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=service.url + "/",
                                           api_key={"header_name": "X-Key", "header_prefix": ""}, probe={"url": service.url + "/ping"},
                                           identity={"url": service.url + "/ping", "id": "/id", "label": "/name"}), "--yes")
    wrong = world.run("login", "acme", "--input", "stdin", stdin=world.canaries.new("wrong key"))
    contains(wrong.stderr, "warning: the first request did not work: HTTP 401", "a wrong key is told at once")
    right = world.run("login", "acme", "--force", "--input", "stdin", stdin=key)
    contains(right.stderr, "Account: Key of Acme", "whose key it is")
    contains(right.stderr, "First request: HTTP 200", "it works")
    again = json.loads(world.run("login", "acme", "--force", "--json", "--input", "stdin", stdin=key).stdout)
    equal((again["status"], again["account"], again["probe"]["works"], again["warnings"]), ("success", "Key of Acme", True, []), "--json")
    service.answers["/ping"] = lambda s, r: (200, {"id": "k2", "name": "Other"})
    again = json.loads(world.run("login", "acme", "--force", "--json", "--input", "stdin", stdin=key).stdout)
    equal(again["warnings"], ["this is another account than before: Other instead of Key of Acme"], "--json warns too")


if __name__ == "__main__":
    main(a_standard_server_says_it_by_userinfo, missing_scopes_are_shown_and_implied_ones_understood, the_definition_says_where_to_ask, an_unknown_account_undoes_no_login,
         a_value_of_the_identity_answer_names_the_place, what_was_not_said_can_be_asked_again, hostile_captured_values_reach_no_other_place,
         the_token_answer_names_the_instance, a_probe_says_what_came_back, an_api_key_is_tried_when_it_is_entered)
