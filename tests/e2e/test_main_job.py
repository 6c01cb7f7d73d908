"""The main job, end to end: define a provider, log in at a real authorization server, run a program whose requests get
the credential while the program never has it."""
import json, os, subprocess, threading
from harness import *


def connect_dcr(world, name="acme", **api_options):
    """A dcr_pkce provider at a real oidc-provider, with an HTTPS API that checks tokens there."""
    server = world.authorization_server()
    port = world.api("--userinfo", server["issuer"].rstrip("/") + "/me", *api_options.pop("api", []))
    file = world.definition(name, auth_type="oauth2", flow="dcr_pkce", api_url=f"https://127.0.0.1:{port}/",
                            oauth={"issuer": server["issuer"], "scopes": ["openid", "offline_access"], "supports_dcr": True, **api_options},
                            export={"env": {"access_token": f"{name.upper()}_TOKEN"}})
    world.run("register", file, "--yes")
    return server, port


def plant_tokens(world, name="acme"):
    """The tokens of the connection become canaries; the output that reveals them is not kept."""
    shown = json.loads(world.run("get", name, "--show-secret", "--json", secret_output=True).stdout)
    for field in ("access_token", "refresh_token"):
        world.canaries.add(f"{name}.{field}", shown.get(field, ""))
    return shown


def login_and_run_with_dynamic_registration(world):
    server, port = connect_dcr(world)
    result, pages = browser_login(world, ["login", "acme"])
    equal(result.stdout, "Successfully logged in to acme (default).\n", "what login prints")
    contains(pages[-1], "acme".title(), "the page after the callback names the provider")
    equal(world.run("get", "acme", "--field", "status").stdout, "connected\n", "status")
    shown = plant_tokens(world)
    check(shown["access_token"], "an access token")

    answer = world.run("run", "--", "curl", "-sS", "--fail-with-body", f"https://127.0.0.1:{port}/whoami")
    who = json.loads(answer.stdout)
    check(who["sub"] and "authorization" in [n.lower() for n in who["saw"]], f"the API saw the credential: {who}")

    environment = world.run("run", "--", "env", "-0").stdout
    check(shown["access_token"] not in environment, "the token is not in the child's environment")
    contains(environment, "ACME_TOKEN=claviger-managed", "a placeholder stands for the token")

    # Without the proxy the same request has no credential.
    direct = subprocess.run(["curl", "-sS", "--cacert", world.ca_file, "-o", "/dev/null", "-w", "%{http_code}", f"https://127.0.0.1:{port}/whoami"],
                            capture_output=True, text=True)
    equal(direct.stdout, "401", "direct request")


def the_link_is_said_whatever_the_output_is(world):
    """Where no browser opens by itself, a login without its link could never end."""
    server, _ = connect_dcr(world)
    for how, connection in (("--json", "default"), ("--quiet", "quiet")):
        result, _ = browser_login(world, ["login", "acme", "--connection", connection, how])
        if how == "--json":
            equal(json.loads(result.stdout)["connection"], connection, "one document on stdout")
        contains(result.stderr, server["authorization_endpoint"] + "?", f"{how}: the link, beside it")


def the_browser_hears_the_end_also_when_the_questions_are_elsewhere(world):
    """Questions on standard input, the authorization in the browser: its last page names the provider and is whole."""
    connect_dcr(world)
    result, pages = browser_login(world, ["login", "acme", "--input", "stdin"])
    contains(pages[-1], "Acme is connected", "the last page")
    contains(pages[-1], "</html>", "all of it")
    plant_tokens(world)


def login_again_needs_force(world):
    connect_dcr(world)
    browser_login(world, ["login", "acme"])
    refused = world.run("login", "acme", code=5)
    contains(refused.stderr, "already", "says why")
    contains(refused.stderr, "--force", "says what to do")
    contains(world.run("login", "acme", "--if-needed").stdout, "Already logged in", "--if-needed is content")
    first = plant_tokens(world)
    browser_login(world, ["login", "acme", "--force"])
    second = plant_tokens(world)
    check(first["access_token"] != second["access_token"], "--force made a new token")
    browser_login(world, ["login", "acme", "--connection", "work"])
    plant_tokens(world)
    listed = json.loads(world.run("list", "--json", "--connected").stdout)["providers"]
    equal(sorted(c["connection"] for c in listed[0]["connections"]), ["default", "work"], "two connections")
    world.run("set-default", "acme", "work")
    equal(world.run("get", "acme", "--field", "connection").stdout, "work\n", "the default is used")
    world.run("logout", "acme", "--connection", "work")
    equal(world.run("get", "acme", "--field", "connection").stdout, "default\n", "a new default was chosen")


def api_key_by_standard_input(world):
    key = world.canaries.new("api key", "sk-test-")
    port = world.api("--key-header", "X-Acme-Key", "--key-sha256", hashlib_sha256(key))
    file = world.definition("acmekey", auth_type="api_key", flow="api_key", api_url=f"https://127.0.0.1:{port}/",
                            api_key={"header_name": "X-Acme-Key", "header_prefix": "", "key_pattern": "^sk-test-[A-Za-z0-9_-]{20,}$",
                                     "key_pattern_hint": "Acme keys begin with sk-test-"},
                            export={"ACME_API_KEY": "API_TOKEN"})
    world.run("register", file, "--yes")
    wrong = world.run("login", "acmekey", "--input", "stdin", stdin="sk-wrong\n", code=4)
    contains(wrong.stderr, "Acme keys begin with sk-test-", "the hint of the definition")
    check("sk-wrong" not in wrong.stderr, "a rejected key is not repeated")
    equal(world.run("login", "acmekey", "--input", "stdin", stdin=key + "\n").stdout, "Successfully logged in to acmekey (default).\n", "login")
    contains(world.run("get", "acmekey").stdout, "***REDACTED***", "get hides the key")
    equal(json.loads(world.run("run", "--", "curl", "-sS", f"https://127.0.0.1:{port}/whoami").stdout)["sub"], "key-holder", "injected")
    # The caller's own header of that name, in any spelling, is replaced (PX-13).
    names = json.loads(world.run("run", "--", "curl", "-sS", "-H", "X-Acme-Key: mine", "-H", "x_acme_key: mine", f"https://127.0.0.1:{port}/whoami").stdout)["saw"]
    equal(len([n for n in names if n.lower().replace("_", "-") == "x-acme-key"]), 1, "one header of that name arrives")
    exported = world.run("export", "acmekey", "--format", "shell", secret_output=True).stdout
    equal(exported, f"export ACME_API_KEY='{key}'\n", "export")
    world.run("logout", "acmekey")
    equal(world.run("get", "acmekey", code=6).stdout, "", "gone after logout")
    refused = world.run("run", "--use", "acmekey", "--", "true", code=6)
    contains(refused.stderr, "claviger login acmekey", "run says how to log in")


def a_key_typed_into_the_form(world):
    key = world.canaries.new("form key")
    port = world.api("--key-header", "Authorization", "--key-sha256", hashlib_sha256("Bearer " + key))
    world.run("register", world.definition("formkey", auth_type="api_key", flow="api_key", api_url=f"https://127.0.0.1:{port}/",
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    result, pages = browser_login(world, ["login", "formkey", "--input", "browser"], forms=[{"api_key": key}])
    contains(result.stdout, "Successfully logged in to formkey (default).", "login")
    contains(result.forms[0], "stored encrypted on this computer and sent only to 127.0.0.1", "the form says what happens with the key")
    check(all(key not in page for page in pages), "the page does not repeat the key")
    equal(json.loads(world.run("run", "--", "curl", "-sS", f"https://127.0.0.1:{port}/whoami").stdout)["sub"], "key-holder", "injected")


def hashlib_sha256(text):
    import hashlib
    return hashlib.sha256(text.encode()).hexdigest()


def exit_codes_and_signals_are_the_childs(world):
    world.run("run", "--", "sh", "-c", "exit 42", code=42)
    world.run("run", "--", "sh", "-c", "kill -KILL $$", code=137)
    world.run("run", "--", "/nonexistent/program", code=127)
    world.run("run", "--", "/etc/passwd", code=126)
    process = world.start("run", "--", "sh", "-c", 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done')
    equal(process.stdout.readline(), b"ready\n", "the child runs")
    process.send_signal(signal.SIGTERM)
    equal(process.wait(20), 7, "SIGTERM is forwarded and the child's code passed")
    world.children.remove(process)


if __name__ == "__main__":
    main(login_and_run_with_dynamic_registration, the_link_is_said_whatever_the_output_is, the_browser_hears_the_end_also_when_the_questions_are_elsewhere, login_again_needs_force, api_key_by_standard_input, a_key_typed_into_the_form,
         exit_codes_and_signals_are_the_childs)
