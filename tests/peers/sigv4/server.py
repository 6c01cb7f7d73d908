"""An HTTPS server that lets in what botocore would have signed in the same way. Prints one JSON line {port}.
  /usr/bin/python3 server.py --cert FILE --key FILE --secrets FILE --region R --service S [--object-store]
`secrets` is JSON: access_key_id, secret_access_key, session_token (or null). Answers 200, or 403 with what differs."""
import argparse, datetime, hashlib, http.server, json, ssl, sys, urllib.parse
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

parser = argparse.ArgumentParser()
for name in ("cert", "key", "secrets", "region", "service"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--object-store", action="store_true")
options = parser.parse_args()
secrets = json.load(open(options.secrets))
credentials = Credentials(secrets["access_key_id"], secrets["secret_access_key"], secrets["session_token"])
auth = (S3SigV4Auth if options.object_store else SigV4Auth)(credentials, options.service, options.region)


def problem_with(method, target, headers, body):
    given = headers.get_all("Authorization") or []
    if len(given) != 1 or not given[0].startswith("AWS4-HMAC-SHA256 "):
        return f"{len(given)} authorizations"
    parts = dict(piece.strip().split("=", 1) for piece in given[0].split(" ", 1)[1].split(","))
    names = parts["SignedHeaders"].split(";")
    must = {name.lower() for name in headers if name.lower().startswith("x-amz-")} | {"host"}
    if not must <= set(names):
        return f"not signed: {sorted(must - set(names))}"
    stamp = headers.get("X-Amz-Date", "")
    age = datetime.datetime.utcnow() - datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    if abs(age.total_seconds()) > 300:
        return f"signed at {stamp}"
    if headers.get("X-Amz-Security-Token") != secrets["session_token"]:
        return "another session token"
    declared = headers.get("X-Amz-Content-Sha256")
    if declared and len(declared) == 64 and declared != hashlib.sha256(body).hexdigest():
        return "another body than was signed"
    if not options.object_store and declared and len(declared) != 64:
        return f"not for this service: {declared}"
    request = AWSRequest(method=method, url=f"https://{headers['Host']}{target}", data=body)
    for name in names:
        for value in headers.get_all(name) or []:
            request.headers.add_header(name, value)
    request.context["timestamp"] = stamp
    canonical = auth.canonical_request(request)
    text = auth.string_to_sign(request, canonical)
    expected = auth.signature(text, request)
    if parts["Credential"] != auth.scope(request):
        return f"scope {parts['Credential']} instead of {auth.scope(request)}"
    return None if parts["Signature"] == expected else f"signature; botocore's canonical request is {canonical!r}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.requestline.split()[1]  # `path` has lost a second slash at its beginning
        problem = problem_with(self.command, target, self.headers, body)
        text = json.dumps({"problem": problem}).encode() if problem else b"" if options.object_store else b"{}"
        self.send_response(403 if problem else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Body", hashlib.sha256(body).hexdigest())
        self.send_header("X-Declared", self.headers.get("X-Amz-Content-Sha256") or "none")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = handle_any

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(options.cert, options.key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()
