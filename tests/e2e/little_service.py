"""A strict little service on this machine for what no standard server does: an authorization server and an API whose
answers a test sets. It knows which tokens live, and notes every request."""
import http.server, json, threading, urllib.parse


class Service:
    def __init__(self, world):
        self.world, self.requests = world, []
        self.token_answer = {}        # members beside access_token, refresh_token ...
        self.answers = {}             # path -> (status, JSON) or a function of (service, request) that gives them
        self.live = set()             # tokens that work
        self.issued = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                url = urllib.parse.urlsplit(self.path)
                request = {"method": self.command, "path": url.path, "query": dict(urllib.parse.parse_qsl(url.query)), "body": body,
                           "form": dict(urllib.parse.parse_qsl(body)), "headers": {k.lower(): v for k, v in self.headers.items()}}
                status, answer, headers = service.answer(request)
                service.requests.append({**request, "status": status})
                text = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_POST = do_DELETE = do_HEAD = handle_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closing.append(self.stop)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def bearer(self, request):
        scheme, _, token = request["headers"].get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None

    def answer(self, request):
        path = request["path"]
        if path == "/authorize":
            back = {"code": "a-code", "state": request["query"]["state"], **getattr(self, "callback", {})}
            return 302, None, {"Location": request["query"]["redirect_uri"] + "?" + urllib.parse.urlencode(back)}
        if path == "/token":
            number = len(self.issued)
            access, refresh = self.world.canaries.new(f"access {number}"), self.world.canaries.new(f"refresh {number}")
            self.live |= {access, refresh}
            self.issued.append((access, refresh))
            return 200, {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600, **self.token_answer}, {}
        if path in self.answers:
            answer = self.answers[path]
            status, value = answer(self, request) if callable(answer) else answer
            if not callable(answer) and status == 200 and self.bearer(request) not in self.live:
                return 401, {"error": "invalid_token"}, {}
            return status, value, {}
        return 404, {"error": "not_found"}, {}

    def seen(self, path):
        return [r for r in self.requests if r["path"] == path]

    def define(self, world, name="acme", oauth=None, **members):
        """A pkce definition of this service, registered; its client is public."""
        file = world.definition(name, auth_type="oauth2", flow="pkce", **{"api_url": self.url + "/", **members},
                                oauth={"authorization_url": self.url + "/authorize", "token_url": self.url + "/token", "token_auth_method": "none",
                                       "scopes": ["read"], **(oauth or {})})
        world.run("register", file, "--yes", "--force")
