"""The quirk lab: authorization servers that behave like real ones with habits, each strict about its own.

    python3 server.py DIRECTORY RECORD       prints {"port": N} and serves until it is ended

Each definition in DIRECTORY is one server under /<name>; its member "x-lab" says what this server wants and answers. A
request must hold exactly what its server wants, nothing less and nothing more: a client without the quirk cannot pass.
RECORD gets one JSON line for each request, with "wrong" where it was refused, and for each token that was issued.

x-lab:
  authorize      {query, absent, raw, pkce, names}: exact values, refused parameters, pieces of the raw query, whether
                 PKCE must or must not be there, names of protocol parameters at this server ("" = must be absent)
  install        the authorization page is /install: it tells the code to a webhook (the line "told" in RECORD), to the browser nothing
  callback       {code, state, extra}: names of code and state, further parameters
  clock          seconds that this server's clock is ahead of ours: its Date, and all that it says of time
  par            as token, the authorization request pushed (RFC 9126): nothing else is authorized then
  token          {path, method, body, auth, params, headers, names, basic}: body is form, json, query or xml (each leaf is a parameter); auth is post,
                 basic, id (the client's id alone), secret_jwt (RFC 7523 by the secret), signed (the Bearer token is a JWT by the key of this lab) or
                 nothing; basic is the expected text before base64 ($secret, form-encoded; $raw, not)
                 jwt: {claim: text} of such a JWT, no more and no less beside iat, exp and jti; ago: how long iat lies back
                 sign: {message, signature, timestamp}: the headers of a keyed hash with the client's secret over the message,
                 in which $body is the body as it came and $timestamp that header, which must be of now
  answer         {status, type, body}: type is json, form, mislabelled (a form that calls itself JSON), text or xml
                 (a text whose $access and $refresh are filled in; it calls itself text/plain)
  refresh        as token, for what differs from it; grant, with (refresh_token or access_token), rotation
  refresh_answer as answer; a list: one after the other, again and again
  mint           as token, for a token that no human is asked for: the grant, and params
  revoke         as token, for what differs from it: order (kinds of tokens), own (params alone: nothing of RFC 7009), bearer
                 (the access token instead of the client), where (a path that ends with the token), answer
  introspect     as token, RFC 7662: answer, or a list of answers as refresh_answer
  steps          a list of requests after a token, as token: without a client unless auth says so, fails (which ones get 503), answer or a list as refresh_answer
  device         as token, for the device flow: path, poll (parameters of the token request), grant
  register       {members}: the members that a registration has, sorted
  part_of        name of a server that several definitions share, each with one of the tokens that every login gives. Texts
                 $access@ROW, $refresh@ROW are the tokens of that definition, the same at each login; a refresh moves one of them alone
  hosts          host names: each is a tenant with a server of its own, which knows nothing of the others
Texts: $access, $refresh, $id, $secret, $lab, $port, $now+N, $now_ms+N, $iso+N, $jwt+N (an access token with that exp), $access_now (the one that lives), $new:NAME and $last:NAME (a step's token); at a
revocation $token, $hint."""
import base64, hashlib, hmac, http.server, json, pathlib, re, secrets, subprocess, sys, tempfile, threading, time, urllib.parse, xml.etree.ElementTree

CLIENT = {"id": "lab-client", "secret": "lab-secret+/= %"}


class Server:
    def __init__(self, name, switches, tenant=None):
        self.name, self.switches, self.tenant = name, switches, tenant
        self.codes, self.access, self.refresh, self.dead = {}, None, None, set()
        self.exchanged, self.refreshes, self.minted, self.polls, self.introspected, self.revoked, self.tenants, self.parts = False, 0, 0, 0, 0, [], {}, {}
        self.asked, self.step_tokens, self.pushed = {}, {}, {}

    def at(self, host):
        """The tenant whose host it is; the server itself where it has none."""
        if "hosts" not in self.switches:
            return self
        want(host in self.switches["hosts"], f"{host} is no host of a tenant")
        return self.tenants.setdefault(host, Server(self.name, self.switches, host))


class Wrong(Exception):
    pass


class Key:
    """The public part of the key that `signed` clients have."""

    def __init__(self, pem):
        self.pem = pem
        der = subprocess.run(["openssl", "pkey", "-pubin", "-in", pem, "-outform", "DER"], check=True, capture_output=True).stdout
        self.fingerprint = base64.b64encode(hashlib.sha256(der).digest()).decode()

    def signed(self, message, signature):
        with tempfile.NamedTemporaryFile() as file:
            file.write(signature)
            file.flush()
            return subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.pem, "-signature", file.name], input=message, capture_output=True).returncode == 0


def check_jwt(jwt, key, claims, ago=0, now=None):
    """A JWT with exactly these claims, by the client's secret (`key` is none) or by the key; issued `ago` seconds before now."""
    header, payload, signature = jwt.split(".")
    decode = lambda part: base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    message, algorithm = f"{header}.{payload}".encode(), json.loads(decode(header))["alg"]
    if key is None:
        good = algorithm == "HS256" and hmac.compare_digest(decode(signature), hmac.new(CLIENT["secret"].encode(), message, hashlib.sha256).digest())
    else:
        good = algorithm == "RS256" and key.signed(message, decode(signature))
    want(good, "the JWT is not signed by whom it says")
    given, now = json.loads(decode(payload)), now or time.time()
    issued, ends = given.pop("iat"), given.pop("exp")
    want(given.pop("jti", ""), "the JWT has no id")
    want(given == claims, f"the claims are {given}")
    want(now < ends <= issued + 300, f"the JWT lives from {issued} to {ends}, and it is {now}")
    want(abs(now - ago - issued) < 20, f"the JWT was issued {now - issued} s ago instead of {ago}")
    return ends


def want(condition, what):
    if not condition:
        raise Wrong(what)


class Lab(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    servers, record, lock, origin, key, clock = {}, None, threading.Lock(), "", None, 0

    def date_time_string(self, timestamp=None):
        return super().date_time_string((timestamp or time.time()) + self.clock)

    def log_message(self, *arguments):
        pass

    def note(self, **line):
        line["host"] = self.headers["Host"].rsplit(":", 1)[0]
        with self.lock:
            self.record.write(json.dumps(line) + "\n")
            self.record.flush()

    # -- texts -----------------------------------------------------------------------------------------------------
    def fill(self, value, server):
        if isinstance(value, dict):
            return {k: self.fill(v, server) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v, server) for v in value]
        if not isinstance(value, str):
            return value
        timed = re.fullmatch(r"\$(now|now_ms|iso|jwt)\+(\d+)", value)
        if timed:
            end = int(time.time()) + server.switches.get("clock", 0) + int(timed[2])
            if timed[1] == "now":
                return end
            if timed[1] == "now_ms":
                return end * 1000
            if timed[1] == "iso":
                return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(end)) + ".000Z"
            return self.issue(server, "access", lambda: ".".join(
                base64.urlsafe_b64encode(p).decode().rstrip("=") for p in (b"{}", json.dumps({"exp": end, "jti": secrets.token_hex(8)}).encode(), b"sig")))
        if value == "$access_now":
            return server.access
        step = re.fullmatch(r"\$(new|last):([a-z]+)", value)
        if step and step[1] == "new":
            server.step_tokens[step[2]] = f"step-{server.name}-{secrets.token_urlsafe(24)}"
            self.note(server=server.name, issued=step[2], token=server.step_tokens[step[2]])
        if step:
            return server.step_tokens[step[2]]
        part = re.fullmatch(r"\$(access|refresh)@([a-z-]+)", value)
        if part:
            other = server.parts[part[2]]
            return getattr(other, part[1]) or self.fill("$" + part[1], other)
        for kind in ("access", "refresh"):
            if value == "$" + kind:
                return self.issue(server, kind, lambda: f"{kind}-{server.name}-{secrets.token_urlsafe(24)}")
        if value.startswith("<"):
            value = re.sub(r"\$(access|refresh)", lambda found: self.fill(found[0], server), value)
        return value.replace("$lab", self.origin).replace("$port", self.origin.rsplit(":", 1)[1]).replace("$id", CLIENT["id"]).replace("$secret", CLIENT["secret"])

    def issue(self, server, kind, make):
        token = make()
        if kind == "refresh" and server.refresh:
            server.dead.add(server.refresh)
        setattr(server, kind, token)
        self.note(server=server.name, issued=kind, token=token)
        return token

    # -- requests --------------------------------------------------------------------------------------------------
    def do_GET(self):
        self.serve("")

    def do_DELETE(self):
        self.serve("")

    def do_POST(self):
        self.serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    def serve(self, body):
        self.body = body
        split = urllib.parse.urlsplit(self.path)
        name, _, place = split.path.lstrip("/").partition("/")
        server = self.servers.get(name)
        try:
            want(server is not None, "no such server")
            self.route(server.at(self.headers["Host"].rsplit(":", 1)[0]), "/" + place, split.query, body)
        except Wrong as wrong:
            self.note(server=name, place="/" + place, method=self.command, wrong=str(wrong))
            self.answer(400, "json", {"error": "invalid_request", "error_description": str(wrong)})

    def route(self, server, place, query, body):
        switches = server.switches
        self.clock = switches.get("clock", 0)
        if place == "/authorize":
            return self.authorize(server, switches.get("authorize", {}), query)
        if place == "/page":  # a page whose script reads the route behind '#'
            return self.answer(200, "html", "<!doctype html><title>page</title>")
        if place == "/install" and switches.get("install"):
            code = "code-" + secrets.token_urlsafe(18)
            server.codes[code] = {"challenge": None, "redirect_uri": None, "state": None}
            self.note(server=server.name, place=place, told=code)
            return self.answer(200, "html", "<!doctype html><title>installed</title>")
        given = self.parameters(query, body)
        token = {"path": "/token", "method": "POST", "body": "form", "auth": "post", **switches.get("token", {})}
        plain = {**token, "params": {}, "names": {}}
        specs = {"exchange": {**token, "grant": "authorization_code"},
                 "refresh": {**token, "params": {}, "grant": "refresh_token", "with": "refresh_token", **switches.get("refresh", {})},
                 "mint": {**plain, "grant": "client_credentials", **switches.get("mint", {})},
                 "poll": {**plain, "grant": "urn:ietf:params:oauth:grant-type:device_code", **switches.get("poll", {})}}
        for name, spec in specs.items():
            grant = spec.get("names", {}).get("grant_type", "grant_type")
            offered = name == "exchange" or name in switches
            if offered and place == spec["path"] and (not grant or given.get(grant) == spec["grant"]):
                return getattr(self, name)(server, spec, given)
        revoke = {**plain, "path": "/revoke", "method": "POST", **switches.get("revoke", {})}
        if "revoke" in switches and (place == revoke["path"] or place.startswith(revoke.get("where", "\0"))):
            return self.revoke(server, revoke, given, place)
        introspect = {**plain, "path": "/introspect", "method": "POST", "body": "form", **switches.get("introspect", {})}
        if "introspect" in switches and place == introspect["path"]:
            return self.introspect(server, introspect, given)
        for step in switches.get("steps", []):
            if place == step["path"]:
                return self.step(server, {**plain, "auth": "nothing", **step}, given)
        if "par" in switches and place == "/par":
            return self.push(server, {**plain, "path": "/par", **switches["par"]}, given)
        device = {**plain, "path": "/device", **switches.get("device", {})}
        if "device" in switches and place == device["path"]:
            return self.device(server, device, given)
        if "register" in switches and place == "/register":
            return self.register(server, switches["register"], given)
        raise Wrong(f"nothing at {place} for the grant {given.get('grant_type')}")

    def parameters(self, query, body):
        text = self.headers.get("Content-Type", "")
        if text.startswith("application/json"):
            given = json.loads(body)
        elif text.startswith("application/xml"):
            given = {leaf.tag: leaf.text or "" for leaf in xml.etree.ElementTree.fromstring(body).iter() if len(leaf) == 0 and leaf.text}
        else:
            given = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        in_query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.in_both = sorted(in_query) if given and in_query else []
        return {**given, **in_query}

    def authorize(self, server, spec, query):
        given = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if "par" in server.switches:
            want(sorted(given) == ["client_id", "request_uri"], f"{sorted(given)} instead of what was pushed")
            query = server.pushed.pop(given["request_uri"], None)
            want(query is not None, "nothing was pushed so, or it is used up")
            given = dict(urllib.parse.parse_qsl(query))
        named = self.named(spec)
        for parameter, value in self.fill({"response_type": "code", "client_id": CLIENT["id"], **spec.get("query", {})}, server).items():
            if named(parameter):
                want(given.get(named(parameter)) == value, f"{named(parameter)} is {given.get(named(parameter))!r} instead of {value!r}")
        for parameter in [*spec.get("absent", []), *(k for k, v in spec.get("names", {}).items() if v != k)]:
            want(parameter not in given, f"{parameter} is not known here")
        for piece in spec.get("raw", []):
            want(piece in query.split("&"), f"{piece} is not in the query as it stands")
        want("" not in given.values(), "an empty parameter")
        want(("code_challenge" in given) == spec.get("pkce", True), "PKCE is refused" if "code_challenge" in given else "PKCE is required")
        state = given.get(named("state"))
        want(state, "no state")
        back, code = given[named("redirect_uri")], "code-" + secrets.token_urlsafe(18)
        server.codes[code] = {"challenge": given.get("code_challenge"), "redirect_uri": back, "state": state}
        callback = server.switches.get("callback", {})
        answer = {callback.get("code", "code"): code, callback.get("state", "state"): state, **self.fill(callback.get("extra", {}), server)}
        self.note(server=server.name, place="/authorize", query=given)
        self.answer(302, "text", "", Location=back + "?" + urllib.parse.urlencode(answer))

    @staticmethod
    def named(spec):
        return lambda parameter: spec.get("names", {}).get(parameter, parameter)

    def push(self, server, spec, given):
        """The parameters of the authorization request are looked at when the browser comes."""
        authorization = {k: given[k] for k in ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method") if k in given}
        self.check(server, spec, given, authorization)
        uri = "urn:ietf:params:oauth:request_uri:" + secrets.token_urlsafe(18)
        server.pushed[uri] = urllib.parse.urlencode(authorization)
        self.note(server=server.name, place=spec["path"], method=self.command, push=True)
        self.answer(201, "json", {"request_uri": uri, "expires_in": 60})

    def check(self, server, spec, given, protocol):
        """Exactly these parameters, this form, this client authentication."""
        want(self.command == spec["method"], f"the method is {self.command}")
        want(self.in_both == sorted(spec.get("beside", [])), f"{self.in_both} stand in the URL beside a body")
        kind = {"form": "application/x-www-form-urlencoded", "json": "application/json", "xml": "application/xml", "query": None}[spec["body"]]
        if spec["method"] != "POST":
            kind = None
        want((self.headers.get("Content-Type") or "").split(";")[0] == (kind or ""), f"the content type is {self.headers.get('Content-Type')}")
        expected = dict(protocol)
        authorization = self.headers.get("Authorization")
        if spec.get("bearer"):
            want(authorization == "Bearer " + (server.access or ""), "the bearer token is wrong")
        elif spec["auth"] == "basic":
            form = lambda text: urllib.parse.quote_plus(text, safe="*-._")
            text = spec.get("basic", f"{form(CLIENT['id'])}:{form(CLIENT['secret'])}").replace("$secret", form(CLIENT["secret"])).replace("$raw", CLIENT["secret"])
            want(authorization == "Basic " + base64.b64encode(text.encode()).decode(), "the Basic credentials are wrong")
        elif spec["auth"] == "signed":
            want((authorization or "").startswith("Bearer "), "a Bearer token is wanted")
            check_jwt(authorization[7:], self.key, spec["jwt"], spec.get("ago", 0))
        else:
            want(authorization is None, "an Authorization header is not wanted")
            if spec["auth"] in ("post", "id", "secret_jwt"):
                expected["client_id"] = CLIENT["id"]
            if spec["auth"] == "secret_jwt":
                check_jwt(given.get("client_assertion", ".."), None, self.fill(spec["jwt"], server), spec.get("ago", 0))
                expected["client_assertion"] = given["client_assertion"]
                expected["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            if spec["auth"] == "post":
                expected["client_secret"] = CLIENT["secret"]
        named = self.named(spec)
        expected = {named(k): v for k, v in expected.items() if named(k)}
        expected.update(self.fill(spec.get("params", {}), server))
        for parameter in sorted({*given, *expected}):
            want(parameter in given, f"{parameter} is missing")
            want(parameter in expected, f"{parameter} is not known here")
            want(expected[parameter] == given[parameter], f"{parameter} has another value")
        for header, value in spec.get("headers", {}).items():
            want(self.headers.get(header) == value, f"the header {header} is {self.headers.get(header)!r}")

        if "sign" in spec:
            self.check_signature(spec["sign"])

    def check_signature(self, rule):
        stamp, given = self.headers.get(rule["timestamp"]) or "", self.headers.get(rule["signature"]) or ""
        want(stamp.isdigit() and abs(time.time() - int(stamp)) < 300, "the request is not signed now")
        message = rule["message"].replace("$id", CLIENT["id"]).replace("$timestamp", stamp).replace("$body", self.body)
        want(hmac.compare_digest(given, hmac.new(CLIENT["secret"].encode(), message.encode(), hashlib.sha256).hexdigest()), "the signature is wrong")

    def exchange(self, server, spec, given):
        named = self.named(spec)
        code = given.get(named("code"))
        login = server.codes.pop(code, None)
        want(login is not None, "the code is unknown or used up")
        protocol = {"grant_type": "authorization_code", "code": code, "redirect_uri": login["redirect_uri"]}
        if login["challenge"]:
            verifier = given.get("code_verifier", "")
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
            want(challenge == login["challenge"], "the code_verifier does not fit")
            protocol["code_verifier"] = verifier
        spec = {**spec, "params": {k: login["state"] if v == "$state" else v for k, v in spec.get("params", {}).items()}}
        self.check(server, spec, given, protocol)
        server.exchanged = True
        self.note(server=server.name, place=spec["path"], method=self.command, exchange=True)
        self.give(server, server.switches["answer"])

    def refresh(self, server, spec, given):
        if server.parts:
            owners = [part for part in server.parts.values() if part.refresh and part.refresh == given.get("refresh_token")]
            want(owners, "the refresh token is nobody's or used up")
            server = owners[0]
        by = "access" if spec["with"] == "access_token" else "refresh"
        token = getattr(server, by)
        want(given.get(self.named(spec)("refresh_token")) not in server.dead, "a refresh token was used twice")
        self.check(server, spec, given, {"grant_type": spec["grant"], "refresh_token": token})
        self.note(server=server.name, place=spec["path"], method=self.command, refresh=True)
        answers = server.switches["refresh_answer"]
        server.refreshes += 1
        self.give(server, answers[(server.refreshes - 1) % len(answers)] if isinstance(answers, list) else answers)

    def mint(self, server, spec, given):
        """Nobody is asked: the client, or what stands for it, gets one token after the other."""
        self.check(server, spec, given, {"grant_type": spec["grant"]})
        self.note(server=server.name, place=spec["path"], method=self.command, mint=True, **({"refresh": True} if server.access else {}))
        server.minted += 1
        self.give(server, server.switches["answer"] if server.minted == 1 and not server.exchanged else server.switches["refresh_answer"])

    def register(self, server, spec, given):
        want(sorted(given) == spec["members"], f"the members of the registration are {sorted(given)}")
        self.note(server=server.name, place="/register", method=self.command, register=True)
        self.answer(201, "json", {"client_id": CLIENT["id"], "token_endpoint_auth_method": "none"})

    def device(self, server, spec, given):
        self.check(server, spec, given, {})
        server.device_code = "device-" + secrets.token_urlsafe(18)
        self.note(server=server.name, place=spec["path"], method=self.command, device=True)
        self.answer(200, "json", {"device_code": server.device_code, "user_code": "WDJB-MJHT", "verification_uri": self.origin + "/page", "expires_in": 60, "interval": 1})

    def poll(self, server, spec, given):
        """Not yet at the first time."""
        protocol = {"device_code": server.device_code} if spec.get("alone") else {"grant_type": spec["grant"], "device_code": server.device_code}
        self.check(server, spec, given, protocol)
        server.polls += 1
        if server.polls == 1:
            return self.answer(400, "json", {"error": "authorization_pending"})
        self.note(server=server.name, place=spec["path"], method=self.command, exchange=True)
        self.give(server, server.switches["answer"])

    def revoke(self, server, spec, given, place):
        order = spec.get("order", ["refresh", "access"] if server.refresh else ["access"])
        want(len(server.revoked) < len(order), "there is nothing left to revoke")
        kind = order[len(server.revoked)]
        token = getattr(server, kind)
        want(token and token not in server.dead, "that token does not live")
        if "where" in spec:
            want(urllib.parse.unquote(place.removeprefix(spec["where"])) == token, "another token in the path")
        texts = {"$token": token, "$hint": kind + "_token"}
        params = {k: texts.get(v, v) for k, v in spec["params"].items()}
        self.check(server, {**spec, "params": params}, given, {} if spec.get("own") else {"token": token, "token_type_hint": kind + "_token"})
        server.revoked.append(kind)
        server.dead.add(token)
        self.note(server=server.name, place=place if "where" not in spec else spec["where"], method=self.command, revoke=kind)
        self.give(server, spec.get("answer", {"body": {}}))

    def introspect(self, server, spec, given):
        self.check(server, spec, given, {"token": server.access, "token_type_hint": "access_token"})
        server.introspected += 1
        self.note(server=server.name, place=spec["path"], method=self.command, introspect=True)
        answers = spec["answer"]
        self.give(server, answers[(server.introspected - 1) % len(answers)] if isinstance(answers, list) else answers)

    def step(self, server, spec, given):
        """Every one brings a token of its own, under the name of its path; the one before it is over."""
        self.check(server, {**spec, "headers": self.fill(spec.get("headers", {}), server)}, given, {})
        server.asked[spec["path"]] = server.asked.get(spec["path"], 0) + 1
        self.note(server=server.name, place=spec["path"], method=self.command, step=True)
        if server.asked[spec["path"]] in spec.get("fails", []):
            return self.answer(503, "json", {"error": "temporarily_unavailable"})
        answers = spec["answer"]
        self.give(server, answers[(server.asked[spec["path"]] - 1) % len(answers)] if isinstance(answers, list) else answers)

    def give(self, server, answer):
        self.answer(answer.get("status", 200), answer.get("type", "json"), self.fill(answer["body"], server))

    def answer(self, status, kind, body, **headers):
        types = {"json": "application/json", "form": "application/x-www-form-urlencoded", "text": "text/plain", "html": "text/html",
                 "mislabelled": "application/json", "xml": "text/plain"}
        text = json.dumps(body) if kind == "json" else urllib.parse.urlencode(body) if kind in ("form", "mislabelled") else body
        self.send_response(status)
        self.send_header("Content-Type", types[kind])
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())


def main():
    directory, record = pathlib.Path(sys.argv[1]), sys.argv[2]
    Lab.record = open(record, "a")
    Lab.key = Key(pathlib.Path(record).with_name("lab-key.pem"))
    for file in sorted(directory.glob("*.json")):
        row = Lab.servers[file.stem] = Server(file.stem, json.loads(file.read_text())["x-lab"])
        if "part_of" in row.switches:
            Lab.servers.setdefault(row.switches["part_of"], Server(row.switches["part_of"], row.switches)).parts[row.name] = row
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lab)
    server.daemon_threads = True
    for tenant in ("127.0.0.2", "127.0.0.3"):  # the same port at addresses of their own
        other = http.server.ThreadingHTTPServer((tenant, server.server_port), Lab)
        other.daemon_threads = True
        threading.Thread(target=other.serve_forever, daemon=True).start()
    Lab.origin = f"http://127.0.0.1:{server.server_port}"
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
