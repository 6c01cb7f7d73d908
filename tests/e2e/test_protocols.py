"""HTTP's finer points through `run`, with real servers (Node, nginx) and clients (curl, Python, Node): event streams without
delay, ranges and HEAD, interim answers, Expect, trailers, IPv6, old clients."""
import hashlib, json, os, socket, subprocess
from harness import *

PEER = ROOT / "tests/peers/api/protocols.mjs"


def connect_by_key(world, name, port, key, host="127.0.0.1"):
    api = f"https://{host}:{port}"
    world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_url=api + "/",
                                           api_key={"header_name": "X-Api-Key", "header_prefix": ""}), "--yes")
    world.run("login", name, "--input", "stdin", stdin=key)
    return api


def node_api(world, name="acme", host="127.0.0.1"):
    world.certificates()
    key = world.canaries.new(f"key of {name}")
    started = world.peer(NODE, PEER, "--cert", world.cert, "--key", world.key, "--key-header", "X-Api-Key", "--host", host,
                         "--key-sha256", hashlib.sha256(key.encode()).hexdigest())
    return connect_by_key(world, name, started["port"], key, f"[{host}]" if ":" in host else host)


def nginx_api(world, name="files"):
    """nginx with the key in its configuration: a file to read, and one place that takes uploads of at most 1000 bytes."""
    world.certificates()
    key = world.canaries.new(f"key of {name}")
    folder = world.directory / "nginx"
    (folder / "www").mkdir(parents=True)
    (folder / "www/file").write_bytes(bytes(i * i % 251 for i in range(100_000)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{ access_log {folder}/access.log; {temporary} gzip on; gzip_types *; gzip_proxied any;
  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {world.cert}; ssl_certificate_key {world.key}; root {folder}/www;
    if ($http_x_api_key != "{key}") {{ return 401; }}
    location /small {{ client_max_body_size 1000; proxy_pass http://127.0.0.1:1; }} }} }}
""")
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=open(folder / "stderr", "wb"))
    world.children.append(process)
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        check(process.poll() is None, f"nginx did not start: {(folder / 'stderr').read_text()}")
        time.sleep(0.05)
    return connect_by_key(world, name, port, key), folder / "www/file"


def curl(world, *arguments, **options):
    return world.run("run", "--", "curl", "-sS", "--max-time", "100", *arguments, **options)


def state_of(world, api):
    return json.loads(curl(world, f"{api}/state").stdout)


def program(world, name, text):
    path = world.directory / name
    path.write_text(text)
    return path


def an_event_is_read_before_the_next_one_is_sent(world):
    """The server sends each event only after the client has said, by another request, that it has read the last."""
    api = node_api(world)
    reader = program(world, "events.py", f"""
import urllib.request
stream = urllib.request.urlopen("{api}/sse?n=20", timeout=100)
events = []
while line := stream.readline():
    if line.startswith(b"data: "):
        events.append(line.decode().strip())
        urllib.request.urlopen("{api}/heard", timeout=100).read()
assert events == [f"data: event {{i}}" for i in range(20)], events
""")
    world.run("run", "--", "python3", reader)
    equal(state_of(world, api)["/heard"], 20, "events heard one by one")


def parts_of_a_file(world):
    api, path = nginx_api(world)
    data = path.read_bytes()

    def get(*arguments):
        out = world.directory / "out"
        result = curl(world, "-o", out, "-w", "%{http_code} %{header_json}", *arguments, f"{api}/file")
        code, _, headers = result.stdout.partition(" ")
        return int(code), json.loads(headers), out.read_bytes()

    code, headers, body = get()
    equal((code, body), (200, data), "all of it")
    contains(" ".join(headers["via"]), "1.1 claviger", "Via")
    etag = headers["etag"][0]
    for spec, start, end in (("0-99", 0, 100), ("99999-", 99_999, 100_000), ("-10", 99_990, 100_000)):
        code, headers, body = get("-r", spec)
        equal((code, body, headers["content-range"]), (206, data[start:end], [f"bytes {start}-{end - 1}/100000"]), f"range {spec}")
    code, headers, body = get("-r", "0-1,5-9")
    check(code == 206 and headers["content-type"][0].startswith("multipart/byteranges") and data[5:10] in body, f"two ranges: {code} {headers}")
    equal(get("-r", "200000-")[0], 416, "a range outside")
    equal(get("-r", "0-9", "-H", f"If-Range: {etag}")[::2], (206, data[:10]), "If-Range that holds")
    equal(get("-r", "0-9", "-H", 'If-Range: "other"')[::2], (200, data), "If-Range that does not")
    (world.directory / "out").write_bytes(b"")
    equal(get("-H", f"If-None-Match: {etag}")[::2], (304, b""), "not modified")
    head = curl(world, "-I", f"{api}/file", f"{api}/file", "-w", "[%{num_connects}]").stdout
    contains(head, "Content-Length: 100000", "the length that HEAD tells")
    contains(head, "[0]", "HEAD keeps the connection")
    (world.directory / "resumed").write_bytes(data[:1234])
    curl(world, "-C", "-", "-o", world.directory / "resumed", f"{api}/file")
    equal((world.directory / "resumed").read_bytes(), data, "a download that is taken up again")
    asked_coded = curl(world, "-o", world.directory / "out", "-H", "Accept-Encoding: gzip", "-w", "%{header_json}", f"{api}/file").stdout
    check("content-encoding" not in json.loads(asked_coded), "what carries a credential is asked for uncoded, to be looked through")
    equal((world.directory / "out").read_bytes(), data, "the file, uncoded")


def a_body_waits_until_the_server_wants_it(world):
    api, _ = nginx_api(world)
    node = node_api(world)
    big = world.directory / "big"
    big.write_bytes(os.urandom(3_000_000))
    expect = ("-H", "Expect: 100-continue", "--expect100-timeout", "90", "-T", big)  # curl waits for the 100 alone
    done = json.loads(curl(world, *expect, f"{node}/upload").stdout)
    equal(done["bytes"], 3_000_000, "the body came after the 100")
    check("Expect" in done["names"], f"the expectation is passed on: {done['names']}")
    refused = curl(world, *expect, "-o", world.directory / "out", "-w", "%{http_code} %{size_upload}", f"{node}/upload?most=1000").stdout
    equal(refused, "413 0", "refused by the head alone")
    equal(state_of(world, node)["uploaded"], 3_000_000, "nothing of the second body arrived")
    refused = curl(world, *expect, "-o", world.directory / "out", "-w", "%{http_code} %{size_upload}", f"{api}/small").stdout
    equal(refused, "413 0", "nginx refuses by the head too")
    sender = program(world, "expect.mjs", f"""
import https from 'node:https'
const request = https.request('{node}/upload', {{ method: 'PUT', headers: {{ expect: '100-continue', 'content-length': 5 }} }})
let told = false
request.on('continue', () => {{ told = true; request.end('hello') }})
request.on('response', (response) => {{ response.resume(); process.exit(told && response.statusCode === 200 ? 0 : 1) }})
request.flushHeaders()
""")
    world.run("run", "--", NODE, sender)


def hints_come_before_the_answer(world):
    api = node_api(world)
    verbose = curl(world, "-v", f"{api}/hints")
    contains(verbose.stderr, "103 Early Hints", "curl sees the interim answer")
    contains(verbose.stderr, "</a.css>; rel=preload; as=style", "with its links")
    equal(json.loads(verbose.stdout), {"hinted": True}, "and then the answer")
    old = curl(world, "-v", "-0", f"{api}/hints")
    check("103 Early Hints" not in old.stderr, f"HTTP/1.0 gets no interim answer: {old.stderr}")
    equal(json.loads(old.stdout), {"hinted": True}, "but the answer")


def trailers_pass(world):
    api = node_api(world)
    shown = curl(world, "-D", world.directory / "heads", "-H", "TE: trailers", f"{api}/trailers")
    equal(shown.stdout, "the body", "the body")
    contains((world.directory / "heads").read_text(), hashlib.sha256(b"the body").hexdigest(), "the answer's trailer")
    sender = program(world, "trailers.mjs", f"""
import https from 'node:https'
const request = https.request('{api}/upload', {{ method: 'PUT', headers: {{ trailer: 'X-Checksum, X-Api-Key' }} }}, async (response) => {{
  let text = ''
  for await (const piece of response) text += piece
  console.log(text)
  process.exit()
}})
request.write('some bytes')
request.addTrailers({{ 'X-Checksum': '42', 'X-Api-Key': 'not-mine' }})
request.end()
""")
    equal(json.loads(world.run("run", "--", NODE, sender).stdout)["trailers"], ["X-Checksum", "42"], "the request's trailer, and no second key (PX-13)")


def addresses_of_ipv6(world):
    with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return cannot_run("this machine has no IPv6 loopback")
    api = node_api(world, "six", "::1")
    equal(json.loads(curl(world, "-g", f"{api}/hints").stdout), {"hinted": True}, "curl")
    # Node's and Python's own ways through a proxy lose the brackets, or keep too many, in their older versions.
    reader = program(world, "six.mjs", f"""
import http from 'node:http'; import tls from 'node:tls'
const proxy = new URL(process.env.HTTPS_PROXY), api = new URL('{api}')
http.request({{ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: api.host, agent: new http.Agent(),
  headers: {{ 'proxy-authorization': 'Basic ' + Buffer.from(proxy.username + ':' + proxy.password).toString('base64') }} }})
  .on('connect', (_, socket) => tls.connect({{ socket, host: '::1' }}, function () {{
    this.once('data', (data) => process.exit(data.toString().startsWith('HTTP/1.1 103 ') ? 0 : 1))
    this.write(`GET /hints HTTP/1.1\\r\\nHost: ${{api.host}}\\r\\n\\r\\n`)
  }})).end()
""")
    world.run("run", "--", "node", reader)
    equal(json.loads(curl(world, "-g", api.replace("[::1]", "[0:0::0:1]") + "/hints").stdout), {"hinted": True}, "another spelling of the address")
    port = api.rsplit(":", 1)[1]
    other = curl(world, "-g", "-o", "/dev/null", "-w", "%{http_connect}", f"https://[::ffff:127.0.0.1]:{port}/", code=56).stdout
    equal(other, "403", "another address of this machine is not reached (PX-08)")


def clients_of_http_1_0(world):
    api = node_api(world)
    shown = curl(world, "-0", "-i", f"{api}/trailers").stdout
    check("chunked" not in shown.lower() and shown.endswith("the body"), f"no chunks for HTTP/1.0: {shown}")
    contains(shown, "Connection: close", "the end of the connection is the end of the body")


if __name__ == "__main__":
    main(an_event_is_read_before_the_next_one_is_sent, parts_of_a_file, a_body_waits_until_the_server_wants_it,
         hints_come_before_the_answer, trailers_pass, addresses_of_ipv6, clients_of_http_1_0)
