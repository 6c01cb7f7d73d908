#!/usr/bin/python3
"""A strict OAuth 1.0a server (RFC 5849) and an API that believes only signatures. Prints one JSON line {http, https} with
its ports on 127.0.0.1: the same service twice, https only with --cert and --key.

    server.py --consumer KEY [--secret-file F | --public-key PEM] [--methods HMAC-SHA1,...] [--realm R] [--query]
              [--cert FILE --key FILE] [--record FILE] [--fault NAME]

Every signed request is checked twice: here, by the RFC's text alone, and by oauthlib (python3-oauthlib), where that can
read the request. Both must agree that it is right. A nonce counts once, a timestamp within 300 seconds, a protocol
parameter once and in one place, unknown ones not at all.

    POST /request       temporary credentials          GET /authorize   a page with two buttons
    POST /token         token credentials              ANY /api/...     {method, path, query, form, body_sha256, saw}
    GET /status         what happened so far: counts, no secrets

Faults: unconfirmed (no oauth_callback_confirmed), no-verifier, repeated (an answer with oauth_token twice), json (an
answer that is no form), redirect, busy (503), problem (401 with a problem), further (more fields in the answer), expires
(the token lives for an hour), legacy-denial (denied=TOKEN instead of oauth_problem)."""
import argparse, base64, hashlib, hmac, html, http.server, json, pathlib, secrets, ssl, subprocess, tempfile, threading, time, urllib.parse
from oauthlib.common import Request as OAuthlibRequest, urldecode
from oauthlib.oauth1.rfc5849 import signature as oauthlib_signature

parser = argparse.ArgumentParser()
for name in ("consumer", "secret-file", "public-key", "methods", "realm", "cert", "key", "record"):
    parser.add_argument("--" + name)
parser.add_argument("--query", action="store_true", help="protocol parameters belong into the query")
parser.add_argument("--fault", action="append", default=[])
options = parser.parse_args()
METHODS = (options.methods or "HMAC-SHA1").split(",")
SECRET = pathlib.Path(options.secret_file).read_text().strip() if options.secret_file else ""
PUBLIC_KEY = pathlib.Path(options.public_key).read_text() if options.public_key else ""
PROTOCOL = {"oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_timestamp", "oauth_nonce", "oauth_version",
            "oauth_callback", "oauth_verifier", "oauth_signature"}
FORM = "application/x-www-form-urlencoded"

lock = threading.Lock()
nonces, temporary, tokens = set(), {}, {}
counts = {"request": 0, "authorize": 0, "token": 0, "api": 0, "refused": 0, "both": 0}
refusals = []


class Refused(Exception):
    pass


def enc(data):
    return urllib.parse.quote(data, safe="~")


def form_pairs(text):
    out = []
    for piece in text.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            out.append(tuple(urllib.parse.unquote_to_bytes(part.replace("+", " ")) for part in (name, value)))
    return out


def header_parameters(value):
    """Section 3.5.1, strictly."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "oauth":
        raise Refused("not an OAuth header")
    out, realm = [], None
    for part in rest.split(","):
        name, equals, quoted = part.strip().partition("=")
        if not equals or len(quoted) < 2 or quoted[0] != '"' or quoted[-1] != '"':
            raise Refused("malformed header")
        if name == "realm":
            realm = quoted[1:-1]
        elif enc(urllib.parse.unquote_to_bytes(quoted[1:-1])) != quoted[1:-1]:
            raise Refused("value not encoded by section 3.6")
        else:
            out.append((urllib.parse.unquote(name), urllib.parse.unquote(quoted[1:-1])))
    return out, realm


class Request:
    def __init__(self, handler, body):
        self.method, self.raw_target = handler.command, handler.path
        self.path, _, self.query = handler.path.partition("?")
        self.tls, self.host = handler.server.tls, handler.headers["Host"].lower()
        self.headers, self.body = handler.headers, body
        # What a server's form parser is for.
        self.is_form = handler.headers.get_content_type() == FORM and handler.headers.get("Content-Type") is not None and "Content-Encoding" not in handler.headers
        self.form = body.decode("latin-1") if self.is_form else ""

    def url(self):
        default = 443 if self.tls else 80
        host = self.host[:-len(f":{default}")] if self.host.endswith(f":{default}") else self.host
        return f"{'https' if self.tls else 'http'}://{host}{self.path}"


def verify(request, wanted, token_secret_of):
    """The protocol parameters of a request that is signed right; raises Refused."""
    in_query = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in form_pairs(request.query) if n.startswith(b"oauth_")]
    in_form = [n for n, _ in form_pairs(request.form) if n.startswith(b"oauth_")]
    authorization = request.headers.get_all("Authorization") or []
    if in_form or len(authorization) > 1 or bool(authorization) == bool(in_query):
        raise Refused("parameters in no place, or in several")
    if options.query != bool(in_query):
        raise Refused("parameters in the wrong place")
    given, realm = (in_query, None) if in_query else header_parameters(authorization[0])
    if not in_query and realm != options.realm:
        raise Refused(f"realm {realm!r}")
    p = dict(given)
    if len(p) != len(given) or not set(p) <= PROTOCOL:
        raise Refused("a parameter twice, or an unknown one")
    for name in wanted | {"oauth_consumer_key", "oauth_signature_method", "oauth_timestamp", "oauth_nonce", "oauth_signature"}:
        if not p.get(name):
            raise Refused(f"{name} missing")
    if set(p) & {"oauth_callback", "oauth_verifier", "oauth_token"} != wanted:
        raise Refused("a parameter that does not belong here")
    if p["oauth_consumer_key"] != options.consumer:
        raise Refused("consumer_key_unknown")
    if p["oauth_signature_method"] not in METHODS:
        raise Refused("signature_method_rejected")
    if p.get("oauth_version", "1.0") != "1.0":
        raise Refused("version_rejected")
    token_secret = token_secret_of(p.get("oauth_token"))
    check_signature(request, p, given, token_secret)
    if not p["oauth_timestamp"].isdigit() or abs(int(p["oauth_timestamp"]) - time.time()) > 300:
        raise Refused("timestamp_refused")
    if len(p["oauth_nonce"]) < 22:  # 128 bits in base64url
        raise Refused("nonce too short")
    with lock:
        if (p["oauth_nonce"], p["oauth_timestamp"]) in nonces:
            raise Refused("nonce_used")
        nonces.add((p["oauth_nonce"], p["oauth_timestamp"]))
    return p


def check_signature(request, p, given, token_secret):
    method, signature = p["oauth_signature_method"], p["oauth_signature"]
    key = enc(SECRET) + "&" + enc(token_secret)
    if method == "PLAINTEXT":
        if not request.tls:
            raise Refused("PLAINTEXT without TLS")
        if not hmac.compare_digest(signature, key):
            raise Refused("signature_invalid")
        return
    protocol = [(n.encode(), v.encode()) for n, v in given if n != "oauth_signature"]
    query = [(n, v) for n, v in form_pairs(request.query) if not n.startswith(b"oauth_")]
    pairs = sorted((enc(n), enc(v)) for n, v in query + form_pairs(request.form) + protocol)
    base = "&".join(enc(part) for part in (request.method, request.url(), "&".join(f"{n}={v}" for n, v in pairs)))
    if method == "RSA-SHA1":
        right = rsa_right(base, signature)
    else:
        digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}[method]
        right = hmac.compare_digest(base64.b64encode(hmac.new(key.encode(), base.encode(), digest).digest()).decode(), signature)
    if not right:
        raise Refused("signature_invalid")
    second = by_oauthlib(request, method, token_secret)
    if second is False:
        raise Refused("signature_invalid for oauthlib")
    if second:
        counts["both"] += 1


def rsa_right(base, signature):
    with tempfile.TemporaryDirectory() as directory:
        files = [pathlib.Path(directory) / name for name in ("key", "signature", "base")]
        files[0].write_text(PUBLIC_KEY)
        files[1].write_bytes(base64.b64decode(signature, validate=True))
        files[2].write_text(base)
        return subprocess.run(["openssl", "dgst", "-sha1", "-verify", files[0], "-signature", files[1], files[2]], capture_output=True).returncode == 0


def by_oauthlib(request, method, token_secret):
    """None when oauthlib cannot read such a request."""
    headers = {"Authorization": request.headers["Authorization"]} if request.headers.get("Authorization") else {}
    try:
        for text in (request.query, request.form):
            urllib.parse.unquote_to_bytes(text).decode()  # oauthlib replaces what is not UTF-8
            if text:
                urldecode(text)
        collected = oauthlib_signature.collect_parameters(uri_query=request.query, body=request.form if request.is_form else [], headers=headers, exclude_oauth_signature=False)
    except ValueError:  # UnicodeDecodeError too
        return None
    seen = OAuthlibRequest(request.url() + ("?" + request.query if request.query else ""), request.method)
    seen.params = [(n, v) for n, v in collected if n != "oauth_signature"]
    seen.signature = dict(collected)["oauth_signature"]
    if method == "RSA-SHA1":
        return oauthlib_signature.verify_rsa_sha1(seen, PUBLIC_KEY)
    check = {"HMAC-SHA1": oauthlib_signature.verify_hmac_sha1, "HMAC-SHA256": oauthlib_signature.verify_hmac_sha256}[method]
    return check(seen, client_secret=SECRET, resource_owner_secret=token_secret)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, content_type=FORM, **headers):
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def read_all(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            out = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return out
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def handle_request(self):
        request = Request(self, self.read_all())
        if options.record:
            with lock, open(options.record, "a") as record:
                print(json.dumps({"path": request.path, "method": request.method, "host": request.host, "tls": request.tls}), file=record)
        try:
            {"/request": self.request_token, "/authorize": self.authorize, "/token": self.access_token, "/status": self.status}.get(request.path, self.api)(request)
        except Refused as refused:
            with lock:
                counts["refused"] += 1
                refusals.append(str(refused))
            self.answer(401, urllib.parse.urlencode({"oauth_problem": str(refused)}), WWW_Authenticate='OAuth realm="test"')

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_request

    def faulty(self):
        """Whether a fault of the credential endpoints was answered."""
        if "redirect" in options.fault:
            self.answer(307, "", Location="/elsewhere")
        elif "busy" in options.fault:
            self.answer(503, "later", "text/plain")
        elif "problem" in options.fault:
            self.answer(401, "", WWW_Authenticate='OAuth oauth_problem="timestamp_refused"')
        elif "json" in options.fault:
            self.answer(200, "{\"oauth_token\": \"%zz\"}", "application/json")
        elif "repeated" in options.fault:
            self.answer(200, "oauth_token=a&oauth_token=b&oauth_token_secret=c&oauth_callback_confirmed=true")
        else:
            return False
        return True

    def request_token(self, request):
        if request.method != "POST":
            raise Refused("method")
        p = verify(request, {"oauth_callback"}, lambda token: "")
        counts["request"] += 1
        if self.faulty():
            return
        token, secret = secrets.token_urlsafe(12), secrets.token_urlsafe(24) + "&+/ ="
        with lock:
            temporary[token] = {"secret": secret, "callback": p["oauth_callback"], "verifier": None, "used": False}
        confirmed = {} if "unconfirmed" in options.fault else {"oauth_callback_confirmed": "true"}
        self.answer(200, urllib.parse.urlencode({"oauth_token": token, "oauth_token_secret": secret, **confirmed}))

    def authorize(self, request):
        fields = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
        if request.method == "POST":
            return self.decide({**fields, **dict(urllib.parse.parse_qsl(request.form))})
        if fields.get("oauth_token") not in temporary:
            raise Refused("token_unknown")
        counts["authorize"] += 1
        counts["authorize_params"] = sorted(set(fields) - {"oauth_token"})
        token = html.escape(fields["oauth_token"])
        self.answer(200, f"<!doctype html><title>Consent</title><form method=post action=/authorize><input type=hidden name=oauth_token value=\"{token}\">"
                         "<input type=hidden name=decision value=allow><button>Allow</button></form>", "text/html")

    def decide(self, fields):
        entry = temporary.get(fields.get("oauth_token"))
        if not entry:
            raise Refused("token_unknown")
        token = fields["oauth_token"]
        if fields.get("decision") == "deny":
            said = {"denied": token} if "legacy-denial" in options.fault else {"oauth_token": token, "oauth_problem": "user_refused"}
        else:
            entry["verifier"] = secrets.token_urlsafe(9) + "+/"
            said = {"oauth_token": token, "oauth_verifier": entry["verifier"]}
        if "no-verifier" in options.fault:
            said.pop("oauth_verifier", None)
        callback = entry["callback"] + ("&" if "?" in entry["callback"] else "?") + urllib.parse.urlencode(said)
        self.answer(302, "", Location=callback)

    def access_token(self, request):
        if request.method != "POST":
            raise Refused("method")

        def secret_of(token):
            entry = temporary.get(token)
            if not entry or entry["used"] or not entry["verifier"]:
                raise Refused("token_rejected")
            return entry["secret"]
        p = verify(request, {"oauth_token", "oauth_verifier"}, secret_of)
        entry = temporary[p["oauth_token"]]
        if not hmac.compare_digest(p["oauth_verifier"], entry["verifier"]):
            raise Refused("verifier_invalid")
        entry["used"] = True
        counts["token"] += 1
        token, secret = secrets.token_urlsafe(18), secrets.token_urlsafe(24)
        tokens[token] = secret
        further = {"user_id": "4711", "screen_name": "ada & co", "oauth_session_handle": "h" * 20} if "further" in options.fault else {}
        if "expires" in options.fault:
            further["oauth_expires_in"] = "3600"
        self.answer(200, urllib.parse.urlencode({"oauth_token": token, "oauth_token_secret": secret, **further}))

    def api(self, request):
        def secret_of(token):
            if token not in tokens:
                raise Refused("token_rejected")
            return tokens[token]
        if not request.path.startswith("/api/"):
            return self.answer(404, "")
        verify(request, {"oauth_token"}, secret_of)
        counts["api"] += 1
        decoded = [[n.decode("latin-1"), v.decode("latin-1")] for n, v in form_pairs(request.query) if not n.startswith(b"oauth_")]
        self.answer(200, json.dumps({"method": request.method, "path": request.path, "query": decoded,
                                     "form": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in form_pairs(request.form)],
                                     "body_sha256": hashlib.sha256(request.body).hexdigest(), "saw": sorted(set(request.headers.keys()))}), "application/json")

    def status(self, request):
        self.answer(200, json.dumps({**counts, "refusals": refusals}), "application/json")


def listen(tls):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.tls, server.daemon_threads = tls, True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


ports = {"http": listen(False)}
if options.cert:
    ports["https"] = listen(True)
print(json.dumps(ports), flush=True)
threading.Event().wait()
