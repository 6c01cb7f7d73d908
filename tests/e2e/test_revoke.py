"""revoke: both tokens are dead at the provider, or it is said which are not; the connection is forgotten either way (OA-20)."""
import json, urllib.error, urllib.parse, urllib.request
from harness import *
from little_service import Service


def post(url, **form):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=urllib.parse.urlencode(form).encode()), timeout=30) as response:
            return response.status, json.loads(response.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def userinfo(issuer, token):
    try:
        with urllib.request.urlopen(urllib.request.Request(issuer + "/me", headers={"Authorization": "Bearer " + token}), timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def standard(world, *options, **oauth):
    record = world.directory / "as-requests"
    server = world.authorization_server("--record", record, *options)
    file = world.definition("acme", auth_type="oauth2", flow="dcr_pkce", api_url=server["issuer"],
                            oauth={"issuer": server["issuer"], "scopes": ["openid", "offline_access"], "supports_dcr": True, **oauth})
    world.run("register", file, "--yes")
    return server, record


def tokens(world, name="default"):
    shown = json.loads(world.run("get", "acme", "--connection", name, "--show-secret", "--json", secret_output=True).stdout)
    for kind in ("access_token", "refresh_token"):
        world.canaries.add(f"{name} {kind}", shown[kind])
    return shown


def events(world):
    return (world.artefacts / "trace.log").read_text() if (world.artefacts / "trace.log").exists() else ""


def OA20_both_tokens_are_unusable_afterwards(world):
    server, record = standard(world)
    browser_login(world, ["login", "acme"])
    shown = tokens(world)
    equal(userinfo(server["issuer"], shown["access_token"]), 200, "the access token works before")
    client = shown["client_id"]
    result = world.run("revoke", "acme")
    equal(result.stdout, "Revoked acme (default): refresh token and access token revoked.\n", "what it says")
    contains(result.stderr, "The client that was registered for it is deleted.", "OA-16")
    equal(userinfo(server["issuer"], shown["access_token"]), 401, "the access token is dead")
    status, answer = post(server["token_endpoint"], grant_type="refresh_token", refresh_token=shown["refresh_token"], client_id=client)
    check(status in (400, 401), f"the refresh token is dead: {status} {answer}")
    lines = record.read_text().splitlines()
    sent = [line for line in lines if "/revocation" in line or line.startswith("DELETE")]
    equal([line.split()[0] for line in sent], ["POST", "POST", "DELETE"], "two revocations, then the client (RFC 7592)")
    equal(sent[-1].split()[-1], "204", "the client is gone at the provider")
    world.run("get", "acme", code=6)
    contains(world.run("revoke", "acme", code=6).stderr, "acme is not connected", "once is enough")
    # A new login registers a new client.
    browser_login(world, ["login", "acme"])
    check(tokens(world)["client_id"] != client, "another client")


def a_client_that_another_connection_uses_stays(world):
    server, record = standard(world)
    browser_login(world, ["login", "acme"])
    browser_login(world, ["login", "acme", "--connection", "work"])
    shown, work = tokens(world), tokens(world, "work")
    equal(shown["client_id"], work["client_id"], "one client for both")
    contains(world.run("revoke", "acme", code=2).stderr, "acme has 2 connections: default, work", "which one must be said")
    world.run("revoke", "acme", "--all", "--connection", "work", code=2)
    result = world.run("revoke", "acme", "--connection", "work", "--json")
    document = json.loads(result.stdout)
    equal(document, {"status": "revoked", "provider": "acme", "connections": [
        {"connection": "work", "tokens": [{"token": "refresh_token", "result": "revoked", "why": None},
                                          {"token": "access_token", "result": "revoked", "why": None}], "forgotten": True, "client": None}]}, "--json")
    check("DELETE" not in record.read_text(), "the client is still needed")
    contains(result.stderr, "the same account is connected as default", "a shared grant is warned of")
    equal(userinfo(server["issuer"], work["access_token"]), 401, "work is dead")
    world.run("revoke", "acme", "--all")
    equal(record.read_text().count("DELETE"), 1, "now it is not needed any more")


def a_provider_that_is_down_keeps_nothing_here(world):
    standard(world)
    browser_login(world, ["login", "acme"])
    tokens(world)
    world.children[-1].terminate()
    world.children[-1].wait(10)
    result = world.run("revoke", "acme", code=9)
    contains(result.stderr, "error: acme (default): refresh token and access token not revoked, as the provider could not be asked or could not do it now (", "what ended alike is said once")
    contains(result.stderr, "the client that was registered for it is not deleted either\n", "nor is why said again")
    equal(result.stderr.count("connection refused"), 1, f"why, once: {result.stderr}")
    contains(result.stderr, "hint: it is forgotten on this machine, so revoke cannot try again: end what is left in the provider's own settings", "and what is left to do")
    equal(result.stdout, "", "no success")
    world.run("get", "acme", code=6)


def own(world, revoke=None, **oauth):
    service = Service(world)
    if revoke is not None:
        oauth["revoke"] = revoke if "url" not in revoke else {**revoke, "url": service.url + revoke["url"]}
    service.define(world, oauth={**({"revocation_url": service.url + "/revoke"} if revoke is None or "url" not in revoke else {}), **oauth})
    browser_login(world, ["login", "acme"], forms=[{"client_id": "public-client"}])
    return service


def kill(member):
    """An endpoint that takes the token from where `member` finds it, and kills it if it lives."""
    def answer(service, request):
        token = member(request)
        if token not in service.live:
            return 400, {"error": "invalid_request"}
        service.live.discard(token)
        return 200, {}
    return answer


def a_provider_that_refuses_is_quoted(world):
    service = own(world)
    for answer, code, said in (((400, {"error": "invalid_client", "error_description": "no such client"}), 8, "refused (invalid_client: no such client)"),
                               ((403, {}), 8, "refused (the provider answered HTTP 403)"), ((302, {}), 8, "redirect"),
                               ((400, {"error": "unsupported_token_type"}), 4, "not revoked (the provider cannot revoke such a token)"),
                               ((503, {}), 9, "could not do it now (the provider answered HTTP 503)"), ((200, {"error": "nope"}), 8, "refused (nope)"),
                               ((200, {"error": True, "message": "not yours"}), 8, "refused (error: not yours)"),
                               ((200, {"error": {"type": "nope", "message": "not yours"}}), 8, "refused (nope: not yours)")):
        service.answers["/revoke"] = lambda s, r: answer
        contains(world.run("revoke", "acme", code=code).stderr, said, f"{answer}")
        world.run("get", "acme", code=6)
        browser_login(world, ["login", "acme"])
    # Half of it: the worse half counts.
    service.answers["/revoke"] = lambda s, r: (200, {}) if r["form"]["token_type_hint"] == "refresh_token" else (400, {"error": "unsupported_token_type"})
    error = json.loads(world.run("revoke", "acme", "--json", code=4).stderr)["error"]
    equal([t["result"] for t in error["connections"][0]["tokens"]], ["revoked", "unsupported"], "--json says each")
    equal(error["connections"][0]["forgotten"], True, "and that it is forgotten")


def one_that_stops_hides_nothing_of_the_others(world):
    service = own(world)
    for name in ("second", "third"):
        browser_login(world, ["login", "acme", "--connection", name])

    def answer(service, request):
        if len(service.seen("/revoke")) == 0:  # another terminal is faster
            world.run("logout", "acme", "--connection", "second")
        service.live.discard(request["form"]["token"])
        return 200, {}
    service.answers["/revoke"] = answer
    result = world.run("revoke", "acme", "--all", "--json", code=6)
    error = json.loads(result.stderr)["error"]
    told = {c["connection"]: ([t["result"] for t in c["tokens"]], c["forgotten"], "error" in c) for c in error["connections"]}
    equal(told, {"default": (["revoked"] * 2, True, False), "second": ([], False, True), "third": (["revoked"] * 2, True, False)}, "each is told")
    contains(error["message"], "acme (default): refresh token and access token revoked", "also to people")
    for name in ("default", "second", "third"):
        world.run("get", "acme", "--connection", name, code=6)


def RFC7009_by_a_public_client(world):
    service = own(world)
    access, refresh = service.issued[-1]
    service.answers["/revoke"] = kill(lambda r: r["form"]["token"])
    world.run("revoke", "acme")
    first, second = service.seen("/revoke")
    equal(first["form"], {"token": refresh, "token_type_hint": "refresh_token", "client_id": "public-client"}, "the refresh token first")
    equal(second["form"], {"token": access, "token_type_hint": "access_token", "client_id": "public-client"}, "then the access token")
    check(not service.live & {access, refresh}, "both are dead")


def OA20_a_renewal_under_way_is_waited_for_and_what_it_brings_is_revoked(world):
    service = own(world)
    service.token_answer = {"expires_in": 1}
    browser_login(world, ["login", "acme", "--force"])
    service.token_answer = {}
    service.answers["/revoke"] = kill(lambda r: r["form"]["token"])
    arrived, gate, answer = threading.Event(), threading.Event(), service.answer

    def slowly(request):
        given = answer(request)
        if request["path"] == "/token":
            arrived.set()
            gate.wait(60)
        return given
    service.answer = slowly
    time.sleep(1.5)  # it has expired
    renewing = world.start("get", "acme", "--show-secret", "--json")
    check(arrived.wait(60), "a renewal is under way")
    revoking = world.start("revoke", "acme")
    time.sleep(1)
    check(revoking.poll() is None and not service.seen("/revoke"), "nothing is revoked while an answer is on its way")
    gate.set()
    for process in (renewing, revoking):
        out, err = process.communicate(timeout=60)
        world.children.remove(process)
        if process is revoking:
            world.keep(["revoke"], out, err, False)
            equal(process.returncode, 0, f"revoke: {err.decode()}")
    access, refresh = service.issued[-1]
    equal([request["form"]["token"] for request in service.seen("/revoke")], [refresh, access], "the tokens that the renewal brought")
    check(not service.live & {access, refresh}, "both are dead")
    equal(len(service.issued), 3, "and nobody got others meanwhile")
    world.run("get", "acme", code=6)


def the_definitions_own_requests(world):
    rows = [  # revoke, the path it goes to, where the token stands
        ({"method": "POST", "url": "/auth.revoke", "auth": "bearer", "order": "access_only"}, "/auth.revoke", lambda r: r["headers"]["authorization"][7:]),
        ({"method": "DELETE", "url": "/tokens/{token}", "auth": "none", "order": "refresh_only"}, None, lambda r: urllib.parse.unquote(r["path"][8:])),
        ({"method": "GET", "url": "/revoke", "auth": "none", "params": {"access": "{{token}}", "what": "{{token_type_hint}}"}}, "/revoke", lambda r: r["query"]["access"]),
        ({"method": "POST", "url": "/revoke", "auth": "bearer", "params": {"dead": "{{token}}"}, "order": "refresh_first"}, "/revoke", lambda r: r["form"]["dead"]),
        ({"method": "POST", "url": "/revoke", "order": "access_first"}, "/revoke", lambda r: r["form"]["token"])]
    for revoke, path, where in rows:
        service = own(world, revoke)
        access, refresh = service.issued[-1]
        wanted = {"access_only": [access], "refresh_only": [refresh], "access_first": [access, refresh]}.get(revoke.get("order"), [refresh, access])
        service.answers[path or "/tokens/" + urllib.parse.quote(refresh)] = kill(where)
        result = world.run("revoke", "acme")
        equal([where(r) for r in service.requests if r["method"] == revoke["method"] and r["path"] not in ("/token", "/authorize")], wanted, f"{revoke}")
        check(not service.live & set(wanted), f"{revoke}: dead")
        check(all(t not in result.stdout + result.stderr for t in (access, refresh)), "no token is said")


def what_cannot_be_revoked_is_said(world):
    service = Service(world)
    service.define(world)
    browser_login(world, ["login", "acme"], forms=[{"client_id": "public-client"}])
    contains(world.run("revoke", "acme", code=4).stderr, "the provider publishes no way to revoke it", "no endpoint")
    world.run("get", "acme", code=6)
    key = world.canaries.new("key")
    world.run("register", world.definition("keyed", auth_type="api_key", flow="api_key", api_url="api.acme.example",
                                           api_key={"header_name": "X-Key", "header_prefix": ""}), "--yes")
    world.run("login", "keyed", "--input", "stdin", stdin=key)
    refused = world.run("revoke", "keyed", code=4).stderr
    contains(refused, "error: keyed (default): API key not revoked (it stays valid until it is deleted at the provider)\n", "a key")
    contains(refused, "hint: it is forgotten on this machine; a service takes back no such credential on request: delete it there", "what to do")
    world.run("get", "keyed", code=6)
    contains(world.run("revoke", "nobody", code=3).stderr, "nobody", "an unknown provider")


def CL10_a_changed_definition_gets_no_token(world):
    service = own(world)
    evil = Service(world)
    service.define(world, oauth={"revocation_url": evil.url + "/revoke"})
    result = world.run("revoke", "acme", code=7)
    contains(result.stderr, "claviger confirm acme", "look at it first")
    equal(evil.requests, [], "nothing was sent")
    equal(json.loads(world.run("get", "acme", "--json").stdout)["status"], "suspended", "and nothing forgotten")


def it_is_no_command_for_an_agent(world):
    service = own(world)
    world.run("run", "--no-sandbox", "--", world.program, "revoke", "acme", code=13)
    equal(service.seen("/revoke"), [], "nothing was sent")


if __name__ == "__main__":
    main(OA20_both_tokens_are_unusable_afterwards, a_client_that_another_connection_uses_stays, a_provider_that_is_down_keeps_nothing_here,
         a_provider_that_refuses_is_quoted, one_that_stops_hides_nothing_of_the_others, RFC7009_by_a_public_client, OA20_a_renewal_under_way_is_waited_for_and_what_it_brings_is_revoked, the_definitions_own_requests, what_cannot_be_revoked_is_said,
         CL10_a_changed_definition_gets_no_token, it_is_no_command_for_an_agent)
