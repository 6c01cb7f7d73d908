"""Signatures of each request under `run`: version 4 as botocore computes it, on many random requests and on botocore's own
client with keys that are none; keyed hashes as a definition says them, checked by a server that knows the key."""
import hashlib, hmac, json, subprocess
from harness import *

PEER = ROOT / "tests/peers/sigv4/server.py"
PYTHON = "/usr/bin/python3"  # the one that has Debian's botocore
FORM = {"schema": {"type": "object", "properties": {"access_key_id": {"type": "string"}, "secret_access_key": {"type": "string", "format": "password"},
                                                    "session_token": {"type": "string", "format": "password"}},
                   "required": ["access_key_id", "secret_access_key"]}}


def has_botocore():
    if subprocess.run([PYTHON, "-c", "import botocore"], capture_output=True).returncode == 0:
        return True
    cannot_run("python3-botocore is not installed")
    return False


def connect_cloud(world, service, region="eu-north-1", object_store=False, session=False):
    world.certificates()
    secrets = {"access_key_id": "AKID" + service.upper(), "secret_access_key": world.canaries.new(f"{service} secret"),
               "session_token": world.canaries.new(f"{service} token") if session else None}
    file = world.directory / f"{service}-secrets.json"
    file.write_text(json.dumps(secrets))
    port = world.peer(PYTHON, PEER, "--cert", world.cert, "--key", world.key, "--secrets", file, "--region", region, "--service", service,
                      *(["--object-store"] if object_store else []))["port"]
    world.run("register", world.definition(service, auth_type="custom", flow="custom", api_url=f"https://127.0.0.1:{port}/", credentials=FORM,
                                           inject={"sign": "aws_sigv4", "aws_sigv4": {"places": [{"region": region, "service": service, "object_store": object_store}]}}), "--yes")
    world.run("login", service, "--input", "stdin", stdin=json.dumps({name: value for name, value in secrets.items() if value}))
    return port


RANDOM_REQUESTS = """
import http.client, json, os, random, ssl, sys, urllib.parse
port, count, store = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "store"
seed = int.from_bytes(os.urandom(4), "big")
rng = random.Random(seed)
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
import base64
token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=ssl.create_default_context())
connection.set_tunnel("127.0.0.1", port, {"Proxy-Authorization": "Basic " + token})
letters = "abcXYZ019-_.~ /+&=%@:!$'()*,;[]?#\\u00e9\\u4e2d\\U0001f600"
# A ';' in a path is refused by the proxy where servers read it in two ways.
def text(most, without=""):
    return "".join(rng.choice([c for c in letters if c not in without]) for _ in range(rng.randrange(most)))
for i in range(count):
    path = "/" + urllib.parse.quote(text(30, "?#;"), safe="/-_.~")
    while "/./" in path + "/" or "/../" in path + "/":
        path = "/" + urllib.parse.quote(text(30, "?#;"), safe="/-_.~")
    if not store:
        path = path.replace("%2F", "")
    pairs = [(text(8) or "k", text(12)) for _ in range(rng.randrange(6))]
    query = "&".join(urllib.parse.quote(k, safe="-_.~") + "=" + urllib.parse.quote(v, safe="-_.~") for k, v in pairs)
    method = rng.choice(["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"])
    headers = {"X-Amz-Meta-A": "  two   blanks  " + str(i), "Content-Type": "application/x-amz-json-1.1", "X-Other": "not signed", "Authorization": "AWS4-HMAC-SHA256 mine"}
    body = None
    if method in ("PUT", "POST", "PATCH"):
        body = os.urandom(rng.choice([0, 1, 100, 16385, 262144, 300000 if store else 5000]))
        if store and rng.random() < 0.3:
            body = iter([body[:10], body[10:]])
            headers["Transfer-Encoding"] = "chunked"
    connection.request(method, path + ("?" + query if query else ""), body, headers, encode_chunked="Transfer-Encoding" in headers)
    answer = connection.getresponse()
    said = answer.read().decode()
    assert answer.status == 200, (seed, i, method, path, query, answer.status, said)
print(json.dumps({"requests": count}))
"""


def random_requests_as_botocore_signs_them(world):
    if not has_botocore():
        return
    client = world.directory / "random_requests.py"
    client.write_text(RANDOM_REQUESTS)
    for service, store, session in (("queue", False, False), ("store", True, True)):
        port = connect_cloud(world, service, object_store=store, session=session)
        told = json.loads(world.run("run", "--only", "--use", service, "--", "python3", client, port, "300", "store" if store else "other", timeout=300).stdout)
        equal(told, {"requests": 300}, service)


def botocore_itself_with_keys_that_are_none(world):
    """Its own signature and date are taken out, ours put in; its bodies go as it sends them."""
    if not has_botocore():
        return
    store, table = connect_cloud(world, "s3", object_store=True), connect_cloud(world, "dynamodb", session=True)
    program = world.directory / "cloud.py"
    program.write_text(f"""
import io, botocore.session, botocore.config
session = botocore.session.get_session()
def client(service, port):
    return session.create_client(service, region_name="eu-north-1", endpoint_url=f"https://127.0.0.1:{{port}}", aws_access_key_id="NONE", aws_secret_access_key="none",
                                 aws_session_token="none", config=botocore.config.Config(retries={{"max_attempts": 0}}, s3={{"addressing_style": "path"}}))
s3 = client("s3", {store})
for key in ("plain", "with space+plus", "\\u00e9/\\u4e2d.txt"):
    s3.put_object(Bucket="bucket", Key=key, Body=b"x" * 70000, Metadata={{"a": "b"}})
    s3.head_object(Bucket="bucket", Key=key)
s3.put_object(Bucket="bucket", Key="long", Body=io.BytesIO(b"y" * 3_000_000))
s3.delete_object(Bucket="bucket", Key="long")
dynamodb = client("dynamodb", {table})
for name in ("one", "two"):
    dynamodb.put_item(TableName=name, Item={{"id": {{"S": name}}}})
print("done")
""")
    told = world.run("run", "--", PYTHON, program, timeout=200)
    equal(told.stdout, "done\n", "botocore")


def bodies_too_long_to_be_signed(world):
    if not has_botocore():
        return
    store, queue = connect_cloud(world, "store", object_store=True), connect_cloud(world, "queue")
    big = world.directory / "big"
    big.write_bytes(os.urandom(2_000_000))
    digest = hashlib.sha256(big.read_bytes()).hexdigest()

    def put(port, *more):
        shown = world.run("run", "--", "curl", "-sS", "-i", "-T", big, *more, f"https://127.0.0.1:{port}/big").stdout
        return shown.replace("HTTP/1.1 100 Continue\n\n", "").replace("HTTP/1.1 200 Connection Established\n\n", "")
    shown = put(store)
    contains(shown, f"X-Body: {digest}", "an object store takes it")
    contains(shown, "X-Declared: UNSIGNED-PAYLOAD", "unsigned, over TLS")
    contains(put(queue, "-H", f"X-Amz-Content-Sha256: {digest}"), "200 OK", "another service takes it when the caller says its hash")
    contains(put(queue), "Claviger-Reason: body_too_long", "and else it is refused before anything is sent")


def keyed_hashes_as_the_definition_says(world):
    key, secret = world.canaries.new("hmac id"), world.canaries.new("hmac secret")
    world.certificates()
    seen = []
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            text = f"{self.headers['X-Time']}\n{self.command}\n{self.path}\n".encode() + body
            good = hmac.new(secret.encode(), text, "sha512").hexdigest()
            seen.append(self.headers.get_all("X-Sign") == [good] and self.headers["X-Key"] == key and abs(int(self.headers["X-Time"]) / 1000 - time.time()) < 300)
            self.send_response(200 if seen[-1] else 403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *arguments):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.cert, world.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.closing.append(server.shutdown)
    api = f"https://127.0.0.1:{server.server_port}"
    world.run("register", world.definition("exchange", auth_type="custom", flow="custom", api_url=api + "/", credentials={"schema": {
        "type": "object", "properties": {"key": {"type": "string"}, "secret": {"type": "string", "format": "password"}}, "required": ["key", "secret"]}},
        inject={"sign": "hmac", "hmac": {"algorithm": "sha512", "key": "{{secret}}", "message": "{{request.timestamp}}\n{{request.method}}\n{{request.target}}\n{{request.body}}",
                                         "timestamp": "milliseconds", "headers": {"X-Key": "{{key}}", "X-Sign": "{{request.signature}}", "X-Time": "{{request.timestamp}}"}}}), "--yes")
    world.run("login", "exchange", "--input", "stdin", stdin=json.dumps({"key": key, "secret": secret}))
    for arguments in (["-d", '{"a": 1}'], [], ["-d", "x" * 100_000], ["-H", "X-Sign: mine", "-H", "X_Time: 1", "-d", "b"], ["-H", "Transfer-Encoding: chunked", "-d", "c"]):
        status = world.run("run", "--", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *arguments, f"{api}/v1/orders?a=b%20c").stdout
        equal(status, "200", f"{arguments[:4]}"[:80])
    equal(seen, [True] * 5, "every signature")


if __name__ == "__main__":
    main(random_requests_as_botocore_signs_them, botocore_itself_with_keys_that_are_none, bodies_too_long_to_be_signed, keyed_hashes_as_the_definition_says)
