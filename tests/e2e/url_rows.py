"""Requests that two readers may understand differently, and whose credential each gets: a connection's name, "without" when
it arrives with none, or the refusal (G10, PX-03 to PX-07, PX-30)."""

# What the session has. Each connection has a key of its own.
CONNECTIONS = {
    "acme": {"api_url": "https://api.acme.example/v1"},
    "admin": {"api_url": "https://api.acme.example/v1/admin"},
    "wide": {"api_url": "*.svc.example"},
    "files": {"authorized_uris": ["https://files.acme.example/users/*/items", "https://files.acme.example/tree/**", "https://files.acme.example/search?q=*"], "uri_pattern_dialect": "afps-1.3"},
    "site": {"authorized_uris": ["https://*.github.io/**"], "uri_pattern_dialect": "afps-1.3", "vars": {"subdomain": {"title": "Site"}}},
}
VARIABLES = {"site": "subdomain=mine"}
HOSTS = ("api.acme.example", "files.acme.example", "*.svc.example", "*.github.io", "login.acme.example", "evil.example")

NOT_ALLOWED, BAD, MISDIRECTED = "403 not_allowed", "400 bad_request", "421 misdirected"

# Paths at https://api.acme.example, in a tunnel.
PATHS = {
    "acme": ["/v1", "/v1/", "/v1/x", "/v1?x=1", "/v1/x?y=/v1/admin", "/v1//x", "/v1/./x", "/x/../v1/y", "/./v1/y", "/%2e/v1/y", "/v1/a/../y", "/v1/a/%2E%2e/y", "/v1/%41", "/v1/%252f", "/v1/a;b=c", "/v1/...", "/v1/*", "/v1/a+b",
             "/v1/a?x=%2f%00", "/v1/a?x=..%5c", "/v1/a?x=\\..\\..", "/v1/group%2Fname", "/v1/a%2Fb%2520c", "/v1/admins", "/v1/administrator/x", "/v1/admin/../x", "/v1/admin/%2e%2e/x", "/v1/x?https://evil.example/",
             "/v1/@evil.example/", "/v1/x@evil.example", "/v1//evil.example/", "/v1/https://evil.example/", "/v1/x?@evil.example", "/v1/x?url=//evil.example", "/v1/ADMIN", "/v1/:443", "/v1/a|b", "/v1/%zz", "/v1/%", "/v1/<x>"],
    "admin": ["/v1/admin", "/v1/admin/", "/v1/admin/x", "/v1/admin?x", "/v1/x/../admin", "/v1/./admin/x", "/v1/%2e/admin", "/v1/admin/x%2Fy", "/v1/x/%2e%2E/admin/y", "/v2/../v1/admin/x"],
    "without": ["/", "//", "/v", "/v1x", "/v1x/y", "/V1/x", "//v1/x", "/x/v1/y", "/v2", "/v1/../x", "/v1/..", "/v1/../", "/v1/%2E%2e/x", "/v1/.%2e/x", "/v1/%2e./x", "/v1/a/../../x", "/v%31/x", "/%76%31/x", "/v1;x", "/v1;x/y", "/x?/v1/y", "/?v1", "/?/../v1/x",
                "/..", "/../x", "/v1/../../../x", "//evil.example/v1/x", "///v1/x", "/v1/x/../../y/v1", "/%2e%2e/x", "/v1-/x", "/v1./x", "/v1../x", "/.v1/x", "/v1%20/x", "/v1%09/x", "/evil.example/v1", "/v1%3Fx", "/v1%23x", "/v1%3B/x"],
    NOT_ALLOWED: ["/v1%2Fx", "/%2Fv1/x", "/v1/%2F..%2F..%2Fx", "/v1/a%2F..%2F..%2Fx", "/v1/..%2Fx", "/v1/%2e%2e%2fx", "/v1/admin%2Fx", "/v1%2Fadmin/x", "/v1/x%2F..%2Fadmin", "/v1/admin/..%2Fx", "/v1/admin/x%2F..%2F..%2Fy", "/v1/%5c..%5cx",
                  "/v1/%5C", "/v1/%00", "/v1/x%00.json", "/v1/..;/x", "/v1/..;a=b/x", "/v1/.;/x", "/v1/%2e%2e;/x", "/v1/%2e;x/y", "/v1/..%3b/x", "/v1/%2e%2e%3Bx/admin", "/v1/a%2F%252e%252e%2Fb", "/v1/a%2F..;x%2Fb", "/x%2F..%2Fv1/y", "/v1/a%2Fb%5Cc",
                  "/x%5Cy", "/..;/v1/x", "/x%2f%252e%252e%2fv1"],
    BAD: ["/v1\\..\\x", "\\v1\\x", "/v1/x\\", "/v1/x#f", "/v1/x#", "/v1/\tx", "/v1/x y", "/v1/\x7f", "/v1/\xe9", "v1/x", "", "*", "https://api.acme.example/v1/x", "https://evil.example/v1/x", "http://api.acme.example/v1/x",
          "api.acme.example/v1/x", "?x", "javascript:/v1/x"],
}

# (CONNECT's target, path, Host or None for the target, name in the handshake or None for the target's host, outcome)
API = "api.acme.example"
TUNNELS = [
    (f"{API}:443", "/v1/x", API, None, "acme"), (f"{API}:443", "/v1/x", f"{API}:443", None, "acme"), (f"{API}:443", "/v1/x", "API.Acme.EXAMPLE", None, "acme"), ("API.ACME.EXAMPLE:443", "/v1/x", None, API, "acme"),
    (f"{API}:443", "/v1/x", None, "API.ACME.EXAMPLE", "acme"), (f"{API}:00443", "/v1/x", API, API, "acme"),
    *((f"{API}:443", "/v1/x", host, None, MISDIRECTED) for host in (
        "evil.example", f"{API}.", f"{API}:8443", f"{API}:80", f"x.{API}", "acme.example", "x.svc.example", f"{API}.evil.example", f"evil.example.{API}", "8.8.4.4", "127.0.0.1", "[::1]", "localhost")),
    *((f"{API}:443", "/v1/x", host, None, BAD) for host in (
        "", f"{API}:", f"{API}:443:443", f"{API}:x", f"{API}:0", f"u@{API}", f"u:p@{API}", f"{API}@evil.example", f"{API}, evil.example", f"{API}/v1", f"{API}?x", f"{API}#x", f"https://{API}", f"{API}\\", f"{API}\\.evil.example",
        "api%2eacme.example", f"{API}%00.evil.example", f"{API} evil.example", "*", f"[{API}]", f"{API}:443@evil.example", "\uff41pi.acme.example")),
    *((f"{API}:443", "/v1/x", API, name, "nothing") for name in ("evil.example", f"x.{API}", "x.svc.example", f"{API}.evil.example", "mine.github.io")),
    # Other hosts: the credential's owner is the host alone, whatever it looks like.
    *((f"{host}:443", "/v1/x", None, None, "without") for host in (
        "evil.example", f"{API}.evil.example", f"x{API}", f"x.{API}", "acme.example", "api.acme.exampl", "api.acme.examples", "api-acme.example", "apiacme.example", "api.acme.example.com", "example", "api", "acme.api.example",
        "xn--pi-6kc.acme.example", "api.xn--cme-7cd.example", "xn--api-.acme.example", "a.b.svc.example", "svc.example", "xsvc.example", "x-svc.example", "x.svc.example.evil.example", "x.svc.examples", "svc.example.evil.example",
        "other.github.io", "mine.other.github.io", "x.mine.github.io", "github.io", "mine.github.io.evil.example", "xmine.github.io", "mine-x.github.io", "mine.github.com", "files.acme.example.evil.example")),
    *((f"{host}:443", "/v1/x", host, host, "without") for host in (f"{API}.", "x.svc.example.", "mine.github.io.")),
    *((f"{host}:8443", "/v1/x", None, host, "without") for host in (API, "x.svc.example", "mine.github.io", "files.acme.example")),
    *((f"{host}:443", target, None, None, "wide") for host, target in (("x.svc.example", "/"), ("X.svc.EXAMPLE", "/v1"), ("xn--bcher-kva.svc.example", "/"), ("1.svc.example", "/"), ("a-b.svc.example", "/x/../y"), ("svc.svc.example", "/a%2Fb"),
                                                                       ("api.svc.example", "//evil.example/"), ("localhost.svc.example", "/"))),
    ("mine.github.io:443", "/", None, None, "site"), ("MINE.github.io:443", "/a/b?c", None, None, "site"), ("mine.github.io:443", "/../x", None, None, "site"),
    *(("files.acme.example:443", target, None, None, "files") for target in (
        "/users/1/items", "/users/%31/items", "/users/x/../1/items", "/users/*/items", "/users/a%20b/items", "/users/1/./items", "/search?q=", "/search?q=a%26b", "/search?q=a/b", "/search?q=%00", "/tree/a", "/tree/a/b/c", "/tree/", "/tree/a%2Fb")),
    *(("files.acme.example:443", target, None, None, "without") for target in (
        "/users/1/2/items", "/users//items", "/users/items", "/users/1/items/", "/users/1/items%2F", "/users/1/items/x", "/users/%2e/items", "/users/1/item", "/Users/1/items", "/users/../users/items", "/search", "/search?q", "/search?Q=1", "/search?q=1&admin=1",
        "/search?x=1&q=1", "/search?q=1&q=2", "/search/?q=1", "/search;?q=1", "/tree", "/tree/../x", "/tree/a/../../x", "/", "/?q=1")),
    *(("files.acme.example:443", target, None, None, NOT_ALLOWED) for target in ("/users/1%2f2/items", "/users%2F1/items", "/tree/..%2Fx", "/tree%2Fa", "/tree/%00", "/tree/..;/x")),
    # No host and port.
    *((authority, "/v1/x", API, API, BAD) for authority in (
        API, f"{API}:", f"{API}:0", f"{API}:65536", f"{API}:+443", f"{API}:-443", f"{API}:443x", f"{API}:443:443", f"{API}:4 43", ":443", "", f"u@{API}:443", f"evil.example@{API}:443", f"{API}@evil.example:443", f"https://{API}:443", f"{API}/:443",
        f"{API}?:443", f"{API}#:443", f"{API}\\:443", "api%2eacme.example:443", "%61pi.acme.example:443", f"{API}%00.evil.example:443", f"{API}%20:443", f"*.{API}:443x", f"[{API}]:443", f"{API},evil.example:443", "\uff41pi.acme.example:443",
        "api\u3002acme\uff0eexample:443", "\u0430pi.acme.example:443", "api.acme.example\t:443", "http://evil.example/", "/v1/x")),
]

# (target in absolute form, Host or None for the same, outcome): plain http never gets a credential.
PLAIN = [
    *((target, None, "without") for target in ("http://evil.example/", "http://evil.example:80/v1", "HTTP://EVIL.example/", "http://evil.example?x", "http://evil.example", "http://evil.example/@api.acme.example/v1", "http://evil.example/?https://api.acme.example/v1",
                                               "http://evil.example:8080/", "http://api.acme.example.evil.example/v1/x", "http://xapi.acme.example/v1/x", "http://acme.example/v1/x", "http://svc.example/", "http://evil.example//api.acme.example/v1/x",
                                               "http://evil.example/%00", "http://evil.example/..;/x", "http://other.github.io/")),
    *((target, None, NOT_ALLOWED) for target in ("http://api.acme.example/v1/x", "http://api.acme.example/", "http://API.ACME.example/v1/x", "http://api.acme.example:80/v1/x", "http://api.acme.example:443/v1/x", "http://api.acme.example:8080/v1/x",
                                                 "http://x.svc.example/", "http://files.acme.example/tree/a", "http://mine.github.io/", "http://api.acme.example?/v1/x")),
    *((target, None, BAD) for target in ("https://api.acme.example/v1/x", "https://evil.example/", "ws://api.acme.example/v1/x", "wss://api.acme.example/v1/x", "ftp://api.acme.example/v1/x", "file:///v1/x", "//api.acme.example/v1/x", "http:/api.acme.example/v1/x",
                                         "http:api.acme.example/v1/x", "http:///api.acme.example/v1/x", "http:\\\\api.acme.example\\v1\\x", "javascript:alert(1)", "data:,x", "blob:https://api.acme.example/x", "http://", "http://:80/", "http://evil.example:/",
                                         "http://evil.example:0/", "http://evil.example:65536/", "http://evil.example:x/", "http://evil.example:80:80/", "http://evil.example\\@api.acme.example/", "http://evil.example\\.api.acme.example/",
                                         "http://evil.example#@api.acme.example/", "http://evil.example%2f@api.acme.example/", "http://evil.example%00.api.acme.example/", "http://%65vil.example/", "http://[evil.example]/")),
    *((target, host, BAD) for target, host in (("http://u@evil.example/", "evil.example"), ("http://u:p@evil.example/", "evil.example"), ("http://api.acme.example@evil.example/", "evil.example"), ("http://evil.example@api.acme.example/", "api.acme.example"),
                                               ("http://@evil.example/", "evil.example"), ("http://:@evil.example/", "evil.example"), ("http://api.acme.example:443@evil.example/", "evil.example"), ("http://evil.example/", "api.acme.example"),
                                               ("http://api.acme.example/v1/x", "evil.example"), ("http://evil.example/", "evil.example:8080"), ("http://evil.example:8080/", "evil.example"), ("http://evil.example/", "evil.example."), ("/v1/x", API), ("*", API))),
]

# Below http://127.0.0.1:PORT/TOKEN: the reverse form, whose base of acme is https://api.acme.example/v1.
REVERSE = [
    *((path, "acme") for path in ("/acme/x", "/acme/", "/acme", "/acme?x=1", "/acme/x/../y", "/acme//x", "/acme//evil.example/", "/acme/https://evil.example/", "/acme/@evil.example/", "/acme/?@evil.example/", "/acme/group%2Fname", "/acme/./x", "/acme/x/../../v1/y")),
    *((path, "admin") for path in ("/admin/x", "/admin", "/acme/admin", "/acme/admin/x", "/acme/x/../admin", "/admin/../admin/x")),
    *((path, NOT_ALLOWED) for path in ("/acme/../x", "/acme/../../x", "/acme/%2e%2e/x", "/acme/..%2fx", "/acme/..;/x", "/acme/%00", "/acme/%5c..%5cx", "/acme/admin%2fx", "/evil.example/x", "/acme@evil.example/x", "/acme:443/x", "/acme%2f/x", "/acme./x", "/ACME/x", "/", "/%61cme/x",
                                       "/acme;x/y", "/wider/x", "//acme/x", "/../acme/x", "/./acme/x", "/acme%00/x")),
    *((path, BAD) for path in ("/acme\\..\\x", "/acme/\\evil.example/", "/acme/x#f", "/acme/x y")),
]

# Spellings of the own OAuth endpoint of "login" (PX-30), at https://login.acme.example, which is served whole.
LOGIN = {"api_url": "login.acme.example", "oauth": {"authorization_url": "https://login.acme.example/oauth/authorize", "token_url": "https://login.acme.example/oauth/token"}}
ENDPOINTS = {
    "without": ["/oauth/token", "/oauth/token/", "/oauth//token", "//oauth/token", "/oauth/./token", "/oauth/x/../token", "/oauth/%2e/token", "/oauth/x/%2e%2e/token", "/oauth/token?grant=x", "/OAuth/Token", "/oauth/%74oken", "/oauth/%2574oken", "/oauth/token;x=1",
                "/oauth;x/token", "/oauth/token%20", "/oauth/token%3Fx=1", "/oauth/token%23x", "/oauth/token/x/..", "/oauth/authorize", "/oauth/%74oken;%zz", "/oauth%2ftoken", "/oauth/token%2f", "/x%2f..%2foauth/token"],
    NOT_ALLOWED: ["/oauth/token%00", "/oauth%5ctoken", "/oauth/..;/oauth/token", "/v1/..%3b/admin", "/x%2f%252e%252e%2foauth/token"],
    "login": ["/", "/oauth/tokens", "/oauth/token/x", "/token", "/oauth", "/oauth/to/ken", "/v1/a%3bx/b"],
}
