"""An MCP server from its URL to a call: discovery (RFC 9728), registration (RFC 7591), a token for it alone (RFC 8707)."""
import socket
from harness import *


def mcp_server(world, *options, audience=()):
    """An authorization server that gives tokens for one resource, and that resource, over TLS: (server, url, its record)."""
    world.certificates()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url, record = f"https://127.0.0.1:{port}/mcp", world.directory / f"calls-{port}.jsonl"
    server = world.authorization_server("--resource", url, *audience)
    peer = world.peer(NODE, ROOT / "tests/peers/mcp/server.mjs", "--issuer", server["issuer"], "--for-me", "--port", port, "--cert", world.cert, "--key", world.key, "--record", record, *options)
    equal(peer["url"], url, "the URL")
    return server, url, record


def ping(world, url, *more):
    return world.run("run", *more, "--", "curl", "-sS", "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"jsonrpc":"2.0","id":1,"method":"ping"}', "-w", "%{http_code}", url)


def calls(record):
    return [json.loads(line) for line in record.read_text().splitlines()]


def OA16_OA21_from_a_url_to_a_call(world):
    server, url, record = mcp_server(world)
    world.run("provider", "discover", url, "--name", "tools", "--register", "--yes")
    result, _ = browser_login(world, ["login", "tools"])
    contains(result.stdout, "Successfully logged in to tools (default).", "login")
    check("is for" not in result.stderr, f"its audience is right: {result.stderr}")
    answer = ping(world, url)
    contains(answer.stdout, '"result":{"sub":"alice"}}200', "the call")
    equal([(c["status"], c["aud"]) for c in calls(record)], [(200, url)], "the token is for this resource alone")
    listed = json.loads(world.run("list", "--json", "--connected").stdout)["providers"][0]["connections"][0]
    equal((listed["status"], listed["plain_http"]), ("connected", True), "its authorization server is here and plain (OA-09)")
    # Nobody without it: the program alone is challenged.
    bare = subprocess.run(["curl", "-sS", "--noproxy", "*", "--cacert", world.ca_file, "-X", "POST", "-D", "-", url], capture_output=True, text=True, timeout=60)
    contains(bare.stdout, "resource_metadata=", "without the connection")


def OA21_a_token_for_another_resource_is_flagged_and_of_no_use(world):
    elsewhere = "https://other.example/mcp"
    server, url, record = mcp_server(world, audience=("--token-audience", elsewhere))
    world.run("provider", "discover", url, "--name", "tools", "--register", "--yes")
    result, _ = browser_login(world, ["login", "tools"])
    contains(result.stderr, f"the access token says that it is for '{elsewhere}', not for {url}", "the warning")
    contains(ping(world, url).stdout, "401", "the resource refuses it")
    equal({c["aud"] for c in calls(record)}, {elsewhere}, "because of its audience")
    document = json.loads(browser_login(world, ["login", "tools", "--force", "--json"])[0].stdout)
    check(any(elsewhere in warning for warning in document["warnings"]), f"in JSON: {document['warnings']}")


def OA07_a_resource_that_says_it_is_another_is_refused(world):
    for options in ((), ("--challenge-only",)):
        server, url, record = mcp_server(world, "--says", "https://mcp.other.example/mcp", *options)
        refused = world.run("provider", "discover", url, "--name", "tools", "--register", "--yes", code=9)
        contains(refused.stderr, "https://mcp.other.example/mcp", "whose metadata it is")
        # A definition by hand that knows the resource alone finds no server to log in at either.
        world.run("register", world.definition("byhand", auth_type="oauth2", flow="dcr_pkce", api_url=url, oauth={"resource": url, "supports_dcr": True}), "--yes", "--force")
        failed, _ = browser_login(world, ["login", "byhand"], code=9)
        contains(failed.stderr, "https://mcp.other.example/mcp", "nor does a login")
    check(not [p for p in json.loads(world.run("list", "--json").stdout)["providers"] if p["name"] == "tools"], "nothing is registered")


def OA21_the_authorization_server_knows_no_such_resource(world):
    """RFC 8707 section 2: invalid_target ends the login."""
    server, url, _ = mcp_server(world)
    strange = world.peer(NODE, ROOT / "tests/peers/mcp/server.mjs", "--issuer", server["issuer"], "--for-me", "--cert", world.cert, "--key", world.key)["url"]
    world.run("provider", "discover", strange, "--name", "strange", "--register", "--yes")
    failed, _ = browser_login(world, ["login", "strange"], code=8)
    contains(failed.stderr, "invalid_target", "why")


if __name__ == "__main__":
    main(OA16_OA21_from_a_url_to_a_call, OA21_a_token_for_another_resource_is_flagged_and_of_no_use, OA07_a_resource_that_says_it_is_another_is_refused,
         OA21_the_authorization_server_knows_no_such_resource)
