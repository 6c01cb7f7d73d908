"""Credentials of fields that a human enters: basic (RFC 7617) at a real nginx that checks user and password, custom and
multi-field keys at an API that knows the exact header or query."""
import base64, hashlib, json, socket, subprocess
from harness import *


def nginx(world, users):
    """nginx with auth_basic over TLS for these (user, password); gives its origin."""
    world.certificates()
    root = world.directory / "nginx"
    root.mkdir()
    (root / "index.html").write_text("let in\n")
    (root / "users").write_text("".join(f"{user}:{{SHA}}{base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()}\n" for user, password in users))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    temporary = "".join(f"{kind}_temp_path {root}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (root / "nginx.conf").write_text(f"""worker_processes 1; daemon off; pid {root}/pid; error_log {root}/error.log; user root;
events {{}}
http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {world.cert}; ssl_certificate_key {world.key}; root {root};
  auth_basic "test"; auth_basic_user_file {root}/users; }} }}
""")
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", root / "nginx.conf", "-e", root / "error.log"], stdout=subprocess.DEVNULL, stderr=open(root / "said", "wb"))
    world.children.append(process)
    while True:
        check(process.poll() is None, f"nginx did not start: {(root / 'said').read_text()[-1000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return f"https://127.0.0.1:{port}"


def basic_at_a_real_server(world):
    pairs = [("alice", world.canaries.new("plain password")), ("jürgen", world.canaries.new("umlauts", "grüße: ")), ("key-as-user-" + "k" * 12, ""),
             ("spaces", " " + world.canaries.new("with spaces") + " ")]
    origin = nginx(world, pairs)
    world.run("register", world.definition("web", auth_type="basic", flow="basic", api_url=origin + "/"), "--yes")
    for user, password in pairs:
        world.run("login", "web", "--connection", user[:4].replace("ü", "u"), "--input", "stdin",
                  stdin=json.dumps({"username": user, **({"password": password} if password else {})}))
    for user, password in pairs:
        answer = world.run("run", "--use", "web=" + user[:4].replace("ü", "u"), "--", "curl", "-sS", "--fail-with-body", origin + "/")
        equal(answer.stdout, "let in\n", user)
    # The program's own idea of who it is gives way.
    equal(world.run("run", "--use", "web=alic", "--", "curl", "-sS", "-u", "mallory:guess", origin + "/").stdout, "let in\n", "curl -u is replaced")
    wrong = world.run("login", "web", "--connection", "colon", "--input", "stdin", stdin=json.dumps({"username": "a:b", "password": "p"}), code=4)
    contains(wrong.stderr, "colon", "says why")
    misspelled = world.run("login", "web", "--connection", "alic", "--force", "--input", "stdin", stdin=json.dumps({"username": "alice", "passwd": "p"}), code=4)
    contains(misspelled.stderr, "no field 'passwd'; expected \"username\", \"password\" (optional)", "nothing that is given is left out in silence")
    equal(world.run("run", "--use", "web=alic", "--", "curl", "-sS", "--fail-with-body", origin + "/").stdout, "let in\n", "and what was there is kept")
    world.run("login", "web", "--connection", "other", "--input", "stdin", stdin=json.dumps({"username": "alice", "password": "guessed"}))
    equal(world.run("run", "--use", "web=other", "--", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", origin + "/").stdout, "401", "nginx really checks")


def strict(world, header, value):
    return world.api("--key-header", header, "--key-sha256", hashlib.sha256(value.encode()).hexdigest())


def whoami(world, name, port, *options):
    return json.loads(world.run("run", "--use", name, "--", "curl", "-sS", *options, f"https://127.0.0.1:{port}/whoami").stdout).get("sub")


def a_key_of_several_fields_with_a_transform(world):
    email, token = "ada@acme.example", world.canaries.new("api token")
    expected = "Basic " + base64.b64encode(f"{email}/token:{token}".encode()).decode()
    world.canaries.add("as it is sent", expected[6:])
    port = strict(world, "Authorization", expected)
    schema = {"type": "object", "required": ["email", "api_token"],
              "properties": {"email": {"type": "string", "format": "email", "title": "E-mail"}, "api_token": {"type": "string", "writeOnly": True, "minLength": 8}}}
    world.run("register", world.definition("desk", auth_type="api_key", flow="api_key", api_url=f"https://127.0.0.1:{port}/", api_key={"header_prefix": "Basic"},
                                           credentials={"schema": schema, "field_name": "api_token", "transform": {"template": "{{email}}/token:{{api_token}}", "encoding": "base64"}}), "--yes")
    short = world.run("login", "desk", "--input", "stdin", stdin=json.dumps({"email": email, "api_token": "short"}), code=4)
    contains(short.stderr, "api_token", "names the field")
    check("short\"" not in short.stderr, "not what was typed")
    missing = world.run("login", "desk", "--input", "stdin", stdin=json.dumps({"email": email}), code=4)
    contains(missing.stderr, "required", "a field is missing")
    world.run("login", "desk", "--input", "stdin", stdin=json.dumps({"email": email, "api_token": token}))
    equal(whoami(world, "desk", port), "key-holder", "the header is right")
    equal(whoami(world, "desk", port, "-H", "Authorization: Basic bWluZQ=="), "key-holder", "the program's own header is replaced")
    text = world.run("get", "desk").stdout
    contains(text, "***REDACTED***", "hidden")


def nothing_to_export_is_an_error(world):
    world.run("register", world.definition("lone", auth_type="basic", flow="basic", api_url="api.lone.example", export={"env": {"password": "LONE_PASSWORD"}}), "--yes")
    world.run("login", "lone", "--input", "stdin", stdin=json.dumps({"username": "ada"}))
    for arguments in (["--format", "env"], ["--format", "shell"], ["--json"]):
        nothing = world.run("export", "lone", *arguments, code=3)
        equal(nothing.stdout if "--json" not in arguments else "", "", "a script that evaluates it stops here")
        contains(nothing.stdout + nothing.stderr, "has no value for any variable", "says why")


def a_key_alone_with_a_colon_behind(world):
    key = world.canaries.new("key")
    world.canaries.add("as it is sent", base64.b64encode(f"{key}:".encode()).decode())
    port = strict(world, "Authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode())
    world.run("register", world.definition("hire", auth_type="api_key", flow="api_key", api_url=f"https://127.0.0.1:{port}/", api_key={"header_prefix": "Basic"},
                                           credentials={"transform": {"template": "{{api_key}}:", "encoding": "base64"}}), "--yes")
    world.run("login", "hire", "--input", "stdin", stdin=key + "\n")
    equal(whoami(world, "hire", port), "key-holder", "base64 of key and colon")


def custom_fields_in_headers_query_and_cookies(world):
    secret, session = world.canaries.new("secret"), world.canaries.new("session")
    port = strict(world, "X-Acme", f"id-7 {secret}")
    schema = {"type": "object", "required": ["account", "secret", "session"],
              "properties": {"account": {"type": "string"}, "secret": {"type": "string", "writeOnly": True}, "session": {"type": "string", "writeOnly": True}, "org": {"type": "string"}}}
    inject = {"headers": {"X-Acme": "{{account}} {{secret}}", "X-Org": "{{org}}"}, "query": {"account": "{{account}}"}, "cookies": {"sid": "{{session}}"}}

    def register(**more):
        world.run("register", world.definition("odd", auth_type="custom", flow="custom", api_url=f"https://127.0.0.1:{port}/", credentials={"schema": schema},
                                               inject={**inject, **more}), "--yes", "--force")

    def fields_with_a_cookie():
        echo = world.run("run", "--", "curl", "-sS", "-H", "Cookie: a=b; sid=mine", f"https://127.0.0.1:{port}/headers?account=mine&q=1").stdout
        return {name.lower(): digest for name, digest in json.loads(echo)}

    register()
    world.run("login", "odd", "--input", "stdin", stdin=json.dumps({"account": "id-7", "secret": secret, "session": session}))
    equal(whoami(world, "odd", port), "key-holder", "the header")
    fields = fields_with_a_cookie()
    equal(fields["cookie"], hashlib.sha256(f"sid={session}".encode()).hexdigest(), "the program's cookies go")
    check("x-org" not in fields, "a field left empty puts nothing in")
    echo = json.loads(world.run("run", "--", "curl", "-sS", f"https://127.0.0.1:{port}/echo?account=mine&q=1").stdout)
    contains(json.dumps(echo), "account=id-7", "the query")
    check("mine" not in json.dumps(echo), "and only ours")
    register(**{"pass": ["Cookie"]})
    world.run("confirm", "odd", "--yes")
    equal(fields_with_a_cookie()["cookie"], hashlib.sha256(f"a=b; sid={session}".encode()).hexdigest(), "the program's cookie stays, its copy of ours goes")


if __name__ == "__main__":
    main(basic_at_a_real_server, nothing_to_export_is_an_error, a_key_of_several_fields_with_a_transform, a_key_alone_with_a_colon_behind, custom_fields_in_headers_query_and_cookies)
