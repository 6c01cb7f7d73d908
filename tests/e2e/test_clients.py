"""Every client under run: what each reads of the environment is there, so each gets the credential, streams, and passes its
exit code. A table of all that apt and npm install, and curl, Python, Node and git once more in depth.

Runs in network and mount namespaces of its own, where api.acme.test is a host of this machine that no client takes for
one: several never use a proxy for localhost. Where the kernel gives no user namespaces it says so, and fails on CI."""
import hashlib, json, subprocess
from harness import *

HERE = ROOT / "tests/e2e/clients"
NPM = HERE / "node_modules"
BUILT = pathlib.Path(tempfile.gettempdir()) / f"claviger-e2e-built-{os.getpid()}"
HOST, ADDRESS = "api.acme.test", "8.8.4.4"  # an address of this namespace's own loopback device


def client(name, command, *needs, debian=None):
    """`needs`: programs, and Python modules as "module:NAME"; `debian`: the package that brings them."""
    return name, command, needs, debian or name


def npm_program(pattern):
    return next(map(str, NPM.glob(pattern)), pattern)


CLIENTS = [
    client("curl", ["sh", HERE / "curl.sh"], "curl"),
    client("urllib", ["/usr/bin/python3", HERE / "urllib_client.py"]),
    client("requests", ["/usr/bin/python3", HERE / "requests_client.py"], "module:requests", debian="python3-requests"),
    client("httpx", ["/usr/bin/python3", HERE / "httpx_client.py"], "module:httpx", debian="python3-httpx"),
    client("aiohttp", ["/usr/bin/python3", HERE / "aiohttp_client.py"], "module:aiohttp", debian="python3-aiohttp"),
    client("node fetch", [NODE, HERE / "fetch.mjs"]),
    client("node https", [NODE, HERE / "https.mjs"]),
    client("axios", [NODE, HERE / "axios.mjs"]),
    client("undici", [NODE, HERE / "undici.mjs"]),
    client("node-fetch", [NODE, HERE / "node-fetch.mjs"]),
    client("deno", [npm_program("@deno/*/deno"), "run", "-A", HERE / "fetch.mjs"], npm_program("@deno/*/deno")),
    # Deno is a Rust program: here with rustls's native roots alone, as reqwest and ureq have them.
    client("rust native roots", ["env", "-u", "DENO_CERT", "-u", "NODE_EXTRA_CA_CERTS", "DENO_TLS_CA_STORE=system", npm_program("@deno/*/deno"), "run", "-A", HERE / "fetch.mjs"], npm_program("@deno/*/deno")),
    client("bun", [npm_program("@oven/*/bin/bun"), HERE / "fetch.mjs"], npm_program("@oven/*/bin/bun")),
    client("go", [BUILT / "go-client"], "go", debian="golang-go"),
    client("wget", ["sh", HERE / "wget.sh"], "wget"),
    client("botocore", ["/usr/bin/python3", HERE / "botocore_client.py"], "module:botocore", debian="python3-botocore"),
    client("aws sdk for javascript", [NODE, HERE / "aws-sdk.mjs"]),
    client("java URLConnection", ["java", HERE / "UrlConnection.java"], "javac", debian="default-jdk-headless"),
    client("java HttpClient", ["java", HERE / "HttpClientProgram.java"], "javac", debian="default-jdk-headless"),
    client("php curl", ["php", HERE / "curl.php"], "php", debian="php-cli php-curl"),
    client("perl", ["perl", HERE / "lwp.pl"], "lwp-request", debian="libwww-perl liblwp-protocol-https-perl"),
    client("ruby", ["ruby", HERE / "net_http.rb"], "ruby"),
]


def missing(needs):
    for need in needs:
        module = need.partition("module:")[2]
        if subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], capture_output=True).returncode if module else not shutil.which(need):
            yield need


def a_host_of_its_own(world):
    subprocess.run(["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"], check=True, capture_output=True)
    hosts = world.directory / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOST}\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True, capture_output=True)
    world.closing.append(lambda: subprocess.run(["umount", "/etc/hosts"]))


def build(world):
    BUILT.mkdir(mode=0o700)
    world.closing.append(lambda: shutil.rmtree(BUILT, ignore_errors=True))
    if shutil.which("go"):
        subprocess.run(["go", "build", "-o", BUILT / "go-client", HERE / "client.go"], check=True, capture_output=True,
                       env={**os.environ, "GOCACHE": str(BUILT / "cache"), "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", "GO111MODULE": "off"})


def matrix(world):
    """Each: the credential reached the API, the first event was read before the last was sent, the exit code passed on, and
    nothing secret in the program's environment (it is written to a file that the scan reads)."""
    a_host_of_its_own(world)
    api = connect_key(world, "--host", ADDRESS, host=HOST, export={"AWS_ACCESS_KEY_ID": "api_key", "AWS_SECRET_ACCESS_KEY": "api_key"})
    build(world)
    failures = []
    for name, command, needs, debian in CLIENTS:
        if lacking := list(missing(needs)):
            cannot_run(f"{name} is not installed: no {', '.join(lacking)} (Debian: {debian})")
            continue
        started = time.monotonic()
        dump = world.artefacts / f"environment of {name}"
        environment = world.environment(API=api, ID=name.replace(" ", "-"))
        done = world.run("run", "--unmatched", "deny", "--", "sh", "-c", 'env > "$0"; exec "$@"', dump, *command, env=environment, code=None)
        print(f"      {'ok  ' if done.returncode == 7 else 'FAIL'}  {name} ({time.monotonic() - started:.1f} s)", flush=True)
        if done.returncode != 7:
            failures.append(f"{name}: exit code {done.returncode} instead of 7\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
        check("API=" in dump.read_text(), f"{name}: the environment was not looked at")
    check(not failures, "\n".join(failures))


def a_no_proxy_of_the_users_hides_no_routed_host(world):
    a_host_of_its_own(world)
    api = connect_key(world, "--host", ADDRESS, host=HOST)
    for name, value, left in (("NO_PROXY", "*", "*"), ("no_proxy", f"intern.example,.acme.test,{HOST}", f".acme.test, {HOST}")):
        done = world.run("run", "--", "sh", "-c", f"curl -sSf {api}/whoami && echo $NO_PROXY", env=world.environment(**{name: value}))
        contains(done.stdout, "key-holder", f"{name}={value}")
        contains(done.stderr, f"left out of NO_PROXY, as hosts of this session would be reached without their credential: {left}\n", "it is said")
    contains(done.stdout, "::1,intern.example\n", "the rest stays")


def placeholders_look_like_keys(world):
    """CL-04: libraries check the form of a key before they send it; a value of the user's is never replaced in silence."""
    key = world.canaries.new("key", "sk-")
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url="api.acme.com", export={"ACME_KEY": "api_key", "ACME_URL": "api_url"},
                                           api_key={"header_name": "X-Key", "key_pattern": "^sk-[A-Za-z0-9_-]{20,}$"}), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    show = ["sh", "-c", "echo $ACME_KEY $ACME_URL"]
    equal(world.run("run", "--", *show).stdout, "sk-claviger-managed-pla https://api.acme.com\n", "the placeholder, and the real URL")
    done = world.run("run", "--", *show, env=world.environment(ACME_KEY="mine", ACME_URL="https://other.example"))
    equal(done.stdout, "sk-claviger-managed-pla https://api.acme.com\n", "the user's own is replaced")
    contains(done.stderr, "hidden from the program: ACME_KEY, ACME_URL ", "and that is said")
    kept = world.run("run", "--keep-env", "ACME_KEY", "--", *show, env=world.environment(ACME_KEY="mine"))
    equal(kept.stdout, "mine https://api.acme.com\n", "unless it is kept")


def what_other_definitions_export_stays_out(world):
    """CL-04: the user's own values for providers that are not connected, or left out by --only; and what is called like a secret."""
    for name in ("one", "two", "three"):
        world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_url=f"{name}.acme.com", export={f"{name.upper()}_LOGIN": "api_key"},
                                               api_key={"header_name": "X-Key"}), "--yes")
    for name in ("one", "two"):  # the third is not connected
        world.run("login", name, "--input", "stdin", stdin=world.canaries.new(f"key of {name}"))
    mine = {name: world.canaries.new(f"the user's {name}") for name in ("ONE_LOGIN", "TWO_LOGIN", "THREE_LOGIN", "WOOCOMMERCE_CONSUMER_KEY", "TWILIO_AUTH_TOKEN",
                                                                       "PGPASSWORD", "MYSQL_PWD", "SSHPASS", "GITHUB_PAT")}
    open_ones = {"TWILIO_ACCOUNT_SID": "AC1", "WORDPRESS_USERNAME": "ada"}  # exported too, but no secrets
    done = world.run("run", "--use", "one", "--only", "--", "env", "-0", env=world.environment(**mine, **open_ones))
    given = dict(variable.partition("=")[::2] for variable in done.stdout.split("\0"))
    equal(given.get("ONE_LOGIN"), "claviger-managed", "of the session: a placeholder")
    check(not set(mine) - {"ONE_LOGIN"} & set(given) and not world.canaries.find_in(done.stdout.encode()), f"of others: nothing, {set(mine) & set(given)}")
    equal({name: given.get(name) for name in open_ones}, open_ones, "what its definition calls no secret stays")
    for name in mine:
        contains(done.stderr, name, "it is said")
    contains(world.run("run", "--use", "one", "--only", "--keep-env", "TWO_LOGIN", "--", "sh", "-c", "echo ${TWO_LOGIN:+kept}${THREE_LOGIN:-gone}",
                       env=world.environment(**mine)).stdout, "keptgone", "unless it is kept")


def curl(world):
    api = connect_key(world)
    big = world.directory / "big.bin"
    big.write_bytes(os.urandom(5_000_000))
    expected = hashlib.sha256(big.read_bytes()).hexdigest()
    for extra in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
        echo = json.loads(world.run("run", "--", "curl", "-sS", *extra, "--data-binary", f"@{big}", f"{api}/echo").stdout)
        equal((echo["body"]["bytes"], echo["body"]["sha256"]), (5_000_000, expected), f"upload {extra}")
    downloaded = world.run("run", "--", "curl", "-sS", "-o", str(world.directory / "down"), f"{api}/bytes?n=20000000")
    equal((world.directory / "down").stat().st_size, 20_000_000, "download")
    equal(world.run("run", "--", "curl", "-sS", "-f", f"{api}/status/503", code=22).returncode, 22, "curl's exit code")
    three = world.run("run", "--", "curl", "-sS", "-w", "%{num_connects}", f"{api}/whoami", f"{api}/whoami", f"{api}/whoami").stdout
    check(three.endswith("0"), "the connection to the proxy is kept alive")
    lines = world.run("run", "--", "curl", "-sSN", f"{api}/stream?n=5").stdout
    equal(lines, "".join(f"line {i}\n" for i in range(5)), "stream")
    head = world.run("run", "--", "curl", "-sSI", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", f"{api}/whoami").stdout
    equal(head, "200 0", "HEAD")
    redirect = world.run("run", "--", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"{api}/redirect?to=https://example.test/").stdout
    equal(redirect, "302", "redirects are passed on, not followed")
    trace = world.run("run", "--", "curl", "-sS", "-X", "TRACE", "-w", "%{http_code}", f"{api}/whoami").stdout
    contains(trace, "405", "TRACE is refused")


def python(world):
    api = connect_key(world)
    program = world.directory / "client.py"
    program.write_text(f"""
import json, sys, urllib.request
who = json.load(urllib.request.urlopen("{api}/whoami"))
assert who["sub"] == "key-holder", who
body = b"x" * 1_000_000
echo = json.load(urllib.request.urlopen(urllib.request.Request("{api}/echo", data=body)))
assert echo["body"]["bytes"] == len(body)
lines = [line for line in urllib.request.urlopen("{api}/stream?n=4")]
assert len(lines) == 4
sys.exit(9)
""")
    world.run("run", "--", "python3", program, code=9)


def node(world):
    api = connect_key(world)
    program = world.directory / "client.mjs"
    # https over CONNECT as a Node agent does it, on every Node; fetch where this Node's reads the proxy variables.
    program.write_text(f"""
import http from 'node:http'; import https from 'node:https'; import tls from 'node:tls'
const proxy = new URL(process.env.HTTPS_PROXY)
const agent = new https.Agent({{ keepAlive: true }})
agent.createConnection = (options, done) => {{
  const request = http.request({{ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: options.host + ':' + options.port,
    headers: {{ 'proxy-authorization': 'Basic ' + Buffer.from(proxy.username + ':' + proxy.password).toString('base64') }} }})
  request.on('connect', (response, socket) => response.statusCode === 200
    ? done(null, tls.connect({{ ...options, socket }})) : done(new Error('CONNECT ' + response.statusCode)))
  request.on('error', done).end()
}}
const [major, minor] = process.versions.node.split('.').map(Number)
const knowsProxies = major >= 24 || (major === 22 && minor >= 21)
const get = (url) => new Promise((resolve, reject) => https.get(url, knowsProxies ? {{}} : {{ agent }}, (response) => {{
  let text = ''; response.on('data', (d) => text += d).on('end', () => resolve(JSON.parse(text)))
}}).on('error', reject))
const who = await get('{api}/whoami')
if (who.sub !== 'key-holder') throw new Error(JSON.stringify(who))
await Promise.all(Array.from({{ length: 20 }}, () => get('{api}/whoami')))
if (knowsProxies) {{
  const answer = await (await fetch('{api}/whoami')).json()
  if (answer.sub !== 'key-holder') throw new Error(JSON.stringify(answer))
}}
process.exit(5)
""")
    for node in ("node", NODE):  # the system's, and one whose fetch knows proxies
        world.run("run", "--", node, program, code=5)


def git(world):
    repositories = world.directory / "git"
    seed = world.directory / "seed"
    def g(*arguments, cwd=None):
        subprocess.run(["git", *map(str, arguments)], check=True, capture_output=True, cwd=cwd,
                       env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"})
    g("init", "-q", "-b", "main", seed)
    (seed / "file").write_bytes(os.urandom(300_000))
    g("add", ".", cwd=seed)
    g("commit", "-qm", "first", cwd=seed)
    g("clone", "-q", "--bare", seed, repositories / "repo.git")
    g("config", "http.receivepack", "true", cwd=repositories / "repo.git")
    api = connect_key(world, "--git", repositories)
    clone = world.directory / "clone"
    world.run("run", "--", "git", "clone", "-q", f"{api}/git/repo.git", clone)
    equal((clone / "file").read_bytes(), (seed / "file").read_bytes(), "clone")
    (clone / "more").write_bytes(os.urandom(2_000_000))
    g("add", ".", cwd=clone)
    g("commit", "-qm", "second", cwd=clone)
    world.run("run", "--", "git", "-C", clone, "push", "-q", "origin", "main")
    shown = subprocess.run(["git", "-C", repositories / "repo.git", "log", "--format=%s", "main"], capture_output=True, text=True).stdout
    equal(shown, "second\nfirst\n", "push")


def in_its_own_namespaces():
    if "CLAVIGER_NAMESPACE" not in os.environ:
        if os.system("unshare --user --map-root-user --net --mount true 2>/dev/null") != 0:
            print("NOT TESTED: no user namespaces: the clients were not tested", file=sys.stderr)
            sys.exit(1 if "CI" in os.environ else 0)
        os.environ["CLAVIGER_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--net", "--mount", sys.executable, "-B", *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


if __name__ == "__main__":
    in_its_own_namespaces()
    main(matrix, a_no_proxy_of_the_users_hides_no_routed_host, placeholders_look_like_keys, what_other_definitions_export_stays_out, curl, python, node, git)
