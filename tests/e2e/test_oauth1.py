"""OAuth 1.0a end to end (OA-25): log in at a strict server that checks every signature twice, then let curl and Python
call its API through `run`, where each request is signed on its way."""
import json, subprocess, sys, urllib.parse
from harness import *

PEER = ROOT / "tests/peers/oauth1/server.py"
PYTHON = "/usr/bin/python3"  # the one that has oauthlib


class Service:
    """The server, a registered provider that points at it, and what its consumer enters."""

    def __init__(self, world, *options, method="HMAC-SHA1", name="photos", tls=True, **oauth1):
        self.world, self.name, self.consumer = world, name, "consumer-" + secrets.token_hex(4)
        world.certificates()
        if method == "RSA-SHA1":
            self.secret = self.private_key()
            options = (*options, "--public-key", self.public_file)
        else:
            self.secret = world.canaries.new("consumer secret", "a&b%=+/")
            (world.directory / "consumer-secret").write_text(self.secret)
            options = (*options, "--secret-file", world.directory / "consumer-secret")
        self.record = world.directory / "oauth1-requests.jsonl"
        ports = world.peer(PYTHON, "-B", PEER, "--consumer", self.consumer, "--methods", method, "--cert", world.cert, "--key", world.key,
                           "--record", self.record, *options)
        self.http, self.https = (f"{scheme}://127.0.0.1:{ports[scheme]}" for scheme in ("http", "https"))
        self.secure = self.https if tls else self.http
        urls = dict(request_token_url=self.secure + "/request", authorization_url=self.http + "/authorize", access_token_url=self.secure + "/token")
        self.file = world.definition(name, auth_type="oauth1", flow="oauth1", api_url=self.https + "/api/",
                                     oauth1={**urls, "signature_method": method, **oauth1}, export={"env": {"access_token": "PHOTOS_TOKEN"}})
        world.run("register", self.file, "--yes")

    def private_key(self):
        pem = self.world.directory / "consumer.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", pem], check=True, capture_output=True)
        self.public_file = self.world.directory / "consumer.pub"
        subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-out", self.public_file], check=True, capture_output=True)
        lines = pem.read_text().splitlines()
        for number in (1, len(lines) // 2):
            self.world.canaries.add(f"private key, line {number}", lines[number])
        return pem.read_text()

    def answers(self):
        second = "private_key" if self.secret.startswith("-----BEGIN") else "consumer_secret"
        return {"consumer_key": self.consumer, second: self.secret}

    def login(self, *options, code=0, decision="allow", stdin=None, **how):
        def consent(browser, page):
            return browser.submit(page, decision=decision) if "/authorize" in (browser.url or "") else page
        how.setdefault("consent", consent)
        stdin = json.dumps(self.answers()) if stdin is None else stdin
        result, pages = browser_login(self.world, ["login", self.name, "--input", "stdin", *options], code=code, stdin=stdin, **how)
        if code == 0:
            shown = json.loads(self.world.run("get", self.name, "--show-secret", "--json", secret_output=True).stdout)
            self.world.canaries.add("token secret", shown["access_token_secret"])
            self.world.canaries.add("token", shown["access_token"])
            self.shown = shown
        return result, pages

    def status(self):
        return json.loads(subprocess.run(["curl", "-sS", self.http + "/status"], check=True, capture_output=True, text=True).stdout)

    def curl(self, path, *options, code=0):
        answer = self.world.run("run", "--", "curl", "-sS", "--fail-with-body", *options, self.https + path, code=code)
        return json.loads(answer.stdout) if code == 0 else answer


def log_in_and_call(world):
    service = Service(world, "--fault", "further", "--realm", "Photos", realm="Photos", authorization_params={"scope": "read,write", "name": "Claviger & co"})
    result, pages = service.login()
    equal(result.stdout, "Successfully logged in to photos (default).\n", "what login prints")
    contains(pages[-1], "Photos", "the last page")
    equal(service.status()["authorize_params"], ["name", "scope"], "the definition's parameters")

    text = world.run("get", "photos").stdout
    contains(text, "***REDACTED***", "the token is hidden")
    check(service.shown["access_token_secret"] not in text, "so is its secret")
    equal([service.shown.get(k) for k in ("user_id", "screen_name")], ["4711", "ada & co"], "what the answer said further")
    check("oauth_session_handle" not in json.dumps(service.shown), "a handle is a credential and not kept for show")

    answer = service.curl("/api/photos?file=vacation.jpg&size=original")
    equal(answer["query"], [["file", "vacation.jpg"], ["size", "original"]], "what the API got")
    env = world.run("run", "--", "env").stdout
    contains(env, "PHOTOS_TOKEN=claviger-managed", "a placeholder")
    direct = subprocess.run(["curl", "-sS", "--cacert", world.ca_file, "-o", "/dev/null", "-w", "%{http_code}", service.https + "/api/x"], capture_output=True, text=True)
    equal(direct.stdout, "401", "without the proxy there is no signature")

    refused = world.run("login", "photos", code=5)
    contains(refused.stderr, "--force", "a second login needs force")
    service.login("--force", stdin="")  # the consumer is known by now
    service.curl("/api/again")


ODD = ["/api/%C3%A9/%E6%97%A5?q=%E6%97%A5%E6%9C%AC", "/api/x?a=1&a=0&a=2&a", "/api/x?empty=&=nameless&&novalue", "/api/x?plus=a+b%2Bc%20d",
       "/api/x?sub=-._~!*'()", "/api/x?enc=%7E%2f%2F&%61=b", "/api/x?arr[]=1&arr%5B%5D=0", "/api/x;m=1/y?url=http%3A%2F%2Fa%2Fb%3Fc%3Dd%26e",
       "/api/x?bad=100%&zz=%zz", "/api/x?nul=%00&ff=%ff", "/api/x?quote=%22'`<>|\\^{}", "/api/x?json={\"a\":[1,2]}", "/api/a%2Fb?x=%25"]


def every_kind_of_request(world):
    service = Service(world)
    service.login()
    script = world.directory / "calls.sh"
    calls = [["-g", service.https + path] for path in ODD]
    calls += [["-d", "status=Hello Ladies + Gentlemen%21&a=1&a=0&b&c=", service.https + "/api/form?x=1"],
              ["--data-urlencode", "text=Grüße & mehr + 100%", "--data-urlencode", "=nameless", service.https + "/api/form"],
              ["-H", "Content-Type: application/x-www-form-urlencoded; charset=UTF-8", "-d", "a=%e9&b=c+d", service.https + "/api/form"],
              ["-H", "Transfer-Encoding: chunked", "-d", "chunked=1&a=b", service.https + "/api/form"],
              ["-H", "Content-Type: application/json", "-d", '{"a=1&b": "oauth_token=x"}', service.https + "/api/json?q=1"],
              ["-F", "file=@/etc/hostname", service.https + "/api/upload"],
              ["-X", "PUT", "-H", "Content-Type: text/plain", "-d", "a=b&c", service.https + "/api/put?p=%2F"],
              ["-X", "PUT", "-d", "form=put", service.https + "/api/put"], ["-X", "DELETE", service.https + "/api/x?id=1"],
              ["-X", "PATCH", "-d", "", service.https + "/api/patch"], ["-X", "POST", service.https + "/api/nothing"],
              ["-X", "GET", "-d", "get=with&a=body", service.https + "/api/x"],
              # What the program signed itself gives way.
              ["-H", "Authorization: OAuth oauth_token=\"mine\"", "-H", "authorization: Bearer x", service.https + "/api/x?oauth_token=mine&keep=1&oauth_signature=abc"]]
    script.write_text("import json, subprocess, sys\nfor arguments in json.load(open(sys.argv[1])):\n"
                      "    done = subprocess.run(['curl', '-sS', '-w', '\\n%{http_code}', *arguments], capture_output=True, text=True)\n"
                      "    print(json.dumps([arguments, done.stdout, done.stderr]))\n")
    (world.directory / "calls.json").write_text(json.dumps(calls))
    lines = world.run("run", "--", "python3", script, world.directory / "calls.json").stdout.splitlines()
    equal(len(lines), len(calls), "all calls were made")
    for line in lines:
        arguments, out, err = json.loads(line)
        body, _, status = out.rpartition("\n")
        equal(status, "200", f"{arguments}: {body[:500]} {err} {service.status()['refusals']}")
    last = json.loads(json.loads(lines[-1])[1].rpartition("\n")[0])
    equal(last["query"], [["keep", "1"]], "the program's own oauth_ parameters are gone")
    form = json.loads(json.loads(lines[len(ODD)])[1].rpartition("\n")[0])
    equal(form["form"], [["status", "Hello Ladies   Gentlemen!"], ["a", "1"], ["a", "0"], ["b", ""], ["c", ""]], "the form arrives as it was sent")
    status = service.status()
    check(status["both"] > len(calls) // 2, f"the second implementation read many of them: {status}")
    equal(status["refused"], 0, "nothing was refused")

    refused = service.curl("/api/form", "-d", "a=b&oauth_nonce=mine", code=22)
    contains(refused.stdout, "oauth_nonce", "a form that brings protocol parameters is refused, and says why")
    big = world.directory / "big"
    big.write_text("a=" + "b" * 300_000)
    contains(service.curl("/api/form", "--data-binary", f"@{big}", code=22).stdout, "413", "a form too long to be signed")
    equal(service.curl("/api/blob", "-H", "Content-Type: application/octet-stream", "--data-binary", f"@{big}")["method"], "POST", "other bodies have no limit")
    equal(service.status()["api"], len(calls) + 1, "nothing unsigned went through")


PROGRAM = """
import http.client, json, os, ssl, sys, urllib.parse, urllib.request
base = sys.argv[1]
def call(path, data=None, method=None, **headers):
    request = urllib.request.Request(base + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
for n in range(20):
    call(f"/api/x?n={n}")
print(call("/api/form", urllib.parse.urlencode({"ä": "ö ü", "n": "1+1=2"}).encode())["form"])
print(call("/api/json", json.dumps({"a": 1}).encode(), "PUT", **{"Content-Type": "application/json"})["method"])
"""


def python_calls_the_api(world):
    service = Service(world, method="HMAC-SHA256")
    service.login()
    program = world.directory / "program.py"
    program.write_text(PROGRAM)
    out = world.run("run", "--", "python3", program, service.https).stdout.splitlines()
    equal(out[0], str([["ä".encode().decode("latin-1"), "ö ü".encode().decode("latin-1")], ["n", "1+1=2"]]), "the form")
    equal(out[1], "PUT", "JSON by PUT")
    equal(service.status()["api"], 22, "22 requests, each with a nonce of its own")
    equal(service.status()["both"], 24, "two implementations agree")


def rsa_with_a_key_on_standard_input(world):
    service = Service(world, method="RSA-SHA1")
    wrong = world.run("login", "photos", "--input", "stdin", stdin=json.dumps({"consumer_key": "k", "private_key": "no key at all"}), code=4)
    contains(wrong.stderr, "private RSA key", "says what is wrong")
    service.login()
    equal(service.curl("/api/x?a=b")["query"], [["a", "b"]], "signed by RSA")
    service.curl("/api/form", "-d", "c=d")


def rsa_with_a_key_pasted_into_the_form(world):
    service = Service(world, method="RSA-SHA1")
    pasted = service.secret.replace("\n", "")  # what a browser makes of lines in a field of one

    def consent(browser, page):
        while "/authorize" not in browser.url:  # pages that wait, then the one that leads on
            time.sleep(0.2)
            onward = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
            page = browser.open(urllib.parse.urljoin(browser.url, onward[1]) if onward else browser.url)
        return browser.submit(page, decision="allow")
    result, pages = browser_login(world, ["login", "photos"], forms=[{"consumer_key": service.consumer, "private_key": pasted}], consent=consent)
    contains(result.forms[0], "http://127.0.0.1:7998/auth/callback/oauth", "the form shows the redirect URI")
    contains(result.forms[0], "Private key", "and asks for the key")
    service.curl("/api/x")


def plaintext_over_tls_only(world):
    service = Service(world, method="PLAINTEXT")
    service.login()
    service.curl("/api/x?a=b", "-d", "c=d")
    loose = json.loads(service.file.read_text())
    loose["oauth1"]["access_token_url"] = service.http + "/token"
    (world.directory / "loose.json").write_text(json.dumps({**loose, "name": "loose"}))
    refused = world.run("register", world.directory / "loose.json", "--yes", code=4)
    contains(refused.stderr, "PLAINTEXT", "not without TLS")


def without_tls_on_this_machine(world):
    service = Service(world, tls=False)
    service.login()
    service.curl("/api/x")
    check(not any(r["tls"] for r in map(json.loads, service.record.read_text().splitlines()) if r["path"] == "/token"), "over http, signed")


def parameters_in_the_query(world):
    service = Service(world, "--query", placement="query")
    service.login()
    equal(service.curl("/api/x?a=b&c")["query"], [["a", "b"], ["c", ""]], "signed in the query")
    service.curl("/api/x", "-d", "d=e f")
    service.curl("/api/x?oauth_nonce=mine", "-H", "Authorization: Bearer mine")
    equal(service.status()["refused"], 0, "nothing was refused")


def the_human_says_no(world):
    service = Service(world)
    result, pages = service.login(code=8, decision="deny")
    contains(result.stderr, "said no", "says so plainly")
    contains(pages[-1].lower(), "not", "the page too")
    world.run("get", "photos", code=6)


def the_human_says_no_the_older_way(world):
    service = Service(world, "--fault", "legacy-denial")
    result, _ = service.login(code=8, decision="deny")
    contains(result.stderr, "said no", "says so plainly")
    equal(service.status()["token"], 0, "no token was asked for")


def strange_services(world):
    for fault, code, said in [("unconfirmed", 9, "did not confirm the callback"), ("redirect", 9, "redirect"), ("problem", 8, "clock"), ("json", 9, "is no form"),
                              ("repeated", 9, "repeats"), ("busy", 9, "503"), ("no-verifier", 8, "oauth_verifier")]:
        service = Service(world, "--fault", fault, name="strange-" + fault)
        result, _ = service.login(code=code)
        contains(result.stderr, said, fault)
        equal(service.status()["token"], 0, f"{fault}: no token was asked for")
        world.run("get", service.name, code=6)


def another_token_at_the_callback_ends_nothing(world):
    """OA-25, OA-03: a callback with the token of somebody else's login is stray; the right one still counts."""
    service = Service(world)

    def consent(browser, page):
        for stray in ("oauth_token=stranger&oauth_verifier=x", "denied=stranger", "oauth_verifier=x", "oauth_token=&oauth_verifier=x"):
            Browser().open(CALLBACK + "?" + stray)
        return browser.submit(page, decision="allow")
    service.login(consent=consent)
    service.curl("/api/x")


def a_wrong_secret_is_told_and_not_kept(world):
    service = Service(world)
    refused = world.run("login", "photos", "--input", "stdin", stdin=json.dumps({"consumer_key": service.consumer, "consumer_secret": world.canaries.new("wrong secret")}), code=8)
    contains(refused.stderr, "signature_invalid", "what the service said")
    contains(refused.stderr, "consumer secret", "what to check")
    service.login()  # asks again
    service.curl("/api/x")


def a_token_that_ends(world):
    service = Service(world, "--fault", "expires")
    service.login()
    check(service.shown["expires_at"], "oauth_expires_in is minded")


def a_bundled_definition_pointed_there(world):
    """What the catalogue ships for OAuth 1.0a logs in and signs, with nothing but its URLs changed."""
    source = next(p for p in sorted((ROOT / "providers").glob("*.json")) if json.loads(p.read_text()).get("auth_type") == "oauth1")
    service = Service(world)
    definition = json.loads(source.read_text())
    check(definition["oauth1"]["authorization_params"], "it has parameters of its own")
    definition["name"], definition["api_url"] = "bundled", service.https + "/api/"
    definition["oauth1"].update(request_token_url=service.https + "/request", authorization_url=service.http + "/authorize", access_token_url=service.https + "/token")
    file = world.directory / "bundled.json"
    file.write_text(json.dumps(definition))
    world.run("register", file, "--yes")
    service.name = "bundled"
    service.login()
    service.curl("/api/members/me?fields=all")
    equal(service.status()["authorize_params"], sorted(definition["oauth1"]["authorization_params"]), "its parameters")


if __name__ == "__main__":
    main(log_in_and_call, every_kind_of_request, python_calls_the_api, rsa_with_a_key_on_standard_input, rsa_with_a_key_pasted_into_the_form, plaintext_over_tls_only,
         without_tls_on_this_machine, parameters_in_the_query, the_human_says_no, the_human_says_no_the_older_way, strange_services,
         another_token_at_the_callback_ends_nothing, a_wrong_secret_is_told_and_not_kept, a_token_that_ends, a_bundled_definition_pointed_there)
