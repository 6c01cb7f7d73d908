"""Tokens for a client itself (RFC 6749 section 4.4), from a real oidc-provider: no browser, no human, no refresh token."""
import base64, hashlib
from harness import *


def server_with(world, secret, method, *options, **metadata):
    file = world.directory / "clients.json"
    file.write_text(json.dumps([{"client_id": "robot", "client_secret": secret, "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": [],
                                 "token_endpoint_auth_method": method, **metadata}]))
    return world.authorization_server("--clients", file, *options)


def define(world, oauth, **members):
    world.run("register", world.definition("acme", auth_type="oauth2", flow="client_credentials", oauth=oauth, **members), "--yes", "--force")


def log_in(world, secret, *arguments, code=0):
    return world.run("login", "acme", "--input", "stdin", *arguments, stdin=json.dumps({"client_id": "robot", "client_secret": secret}), code=code)


def plant(world, *arguments):
    shown = json.loads(world.run("get", "acme", *arguments, "--show-secret", "--json", secret_output=True).stdout)
    world.canaries.add("token " + " ".join(arguments), shown["access_token"])
    return shown


def a_client_gets_a_token_for_itself(world):
    for method, stated in (("client_secret_basic", "client_secret_basic"), ("client_secret_post", None)):
        secret = world.canaries.new(method)
        server = server_with(world, secret, method)
        oauth = {"token_url": server["token_endpoint"], "scopes": ["read", "write"]}
        if stated:
            oauth["token_auth_method"] = stated
        define(world, oauth)
        done = log_in(world, secret)
        equal(done.stdout, "Successfully logged in to acme (default).\n", "what login prints")
        shown = plant(world)
        check(not shown.get("refresh_token"), "there is no refresh token")
        equal(shown["flow"], "client_credentials", "the flow")
        check(shown.get("expires_at"), "it ends some time")
        # The server itself says whose token it is.
        answer = introspect(server, secret, shown["access_token"], method)
        equal((answer["active"], answer["client_id"], answer["scope"]), (True, "robot", "read write"), "introspection")
        world.run("remove", "acme", "--yes")


def introspect(server, secret, token, method):
    form = {"token": token}
    request = urllib.request.Request(server["issuer"] + "/token/introspection")
    if method == "client_secret_basic":
        request.add_header("Authorization", "Basic " + base64.b64encode(f"robot:{secret}".encode()).decode())
    else:
        form |= {"client_id": "robot", "client_secret": secret}
    return json.load(urllib.request.urlopen(request, urllib.parse.urlencode(form).encode(), timeout=60))


def OA21_a_token_for_a_resource_server_says_so(world):
    secret = world.canaries.new("secret")
    server = server_with(world, secret, "client_secret_post", "--resource", "https://api.acme.example/")
    define(world, {"issuer": server["issuer"], "scopes": ["api:read"], "resource": "https://api.acme.example/"})
    log_in(world, secret)
    token = plant(world)["access_token"]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    equal((claims["aud"], claims["scope"], claims["client_id"]), ("https://api.acme.example/", "api:read", "robot"), "the claims of the token")
    # More scopes for another connection, the same client.
    world.run("login", "acme", "--connection", "writer", "--scopes", "api:read,api:write")
    claims = json.loads(base64.urlsafe_b64decode(plant(world, "--connection", "writer")["access_token"].split(".")[1] + "=="))
    equal(claims["scope"], "api:read api:write", "the scopes")


def the_token_is_put_into_requests(world):
    secret = world.canaries.new("secret")
    server = server_with(world, secret, "client_secret_post")
    define(world, {"token_url": server["token_endpoint"]})
    log_in(world, secret)
    token = plant(world)["access_token"]
    # The API takes this very token and no other.
    port = world.api("--key-header", "Authorization", "--key-sha256", hashlib.sha256(f"Bearer {token}".encode()).hexdigest())
    define(world, {"token_url": server["token_endpoint"]}, api_url=f"https://127.0.0.1:{port}/")
    world.run("confirm", "acme", "--yes")
    equal(json.loads(world.run("run", "--", "curl", "-sS", f"https://127.0.0.1:{port}/whoami").stdout)["sub"], "key-holder", "who the API saw")


def what_is_refused_is_not_kept(world):
    secret = world.canaries.new("secret")
    server = server_with(world, secret, "client_secret_post", scope="read")
    define(world, {"token_url": server["token_endpoint"], "scopes": ["read"]})
    wrong = world.canaries.new("wrong")
    refused = log_in(world, wrong, code=8)
    contains(refused.stderr, "invalid_client", "what the server said")
    contains(refused.stderr, "check the client id and the client secret", "what to do")
    world.run("get", "acme", code=6)
    missing = world.run("login", "acme", "--input", "stdin", stdin='{"client_id": "robot"}', code=4)
    contains(missing.stderr, "client_secret", "a secret is needed")
    log_in(world, secret)  # the refused one is asked for again, not remembered
    plant(world)
    denied = world.run("login", "acme", "--force", "--scopes", "write", code=8)
    contains(denied.stderr, "invalid_scope", "what the server said")
    equal(world.run("get", "acme", "--field", "status").stdout, "connected\n", "the connection before is still there")


if __name__ == "__main__":
    main(a_client_gets_a_token_for_itself, OA21_a_token_for_a_resource_server_says_so, the_token_is_put_into_requests, what_is_refused_is_not_kept)
