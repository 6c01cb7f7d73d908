"""A token endpoint with rotation and reuse detection, as strict as they come: a refresh token is good once; one that is
presented again after `grace` seconds is an alarm and ends its family (RFC 9700 section 4.14.2). Switches: `delay` before
the answer (with `dice`: anything up to it), `drop` answers after the token was committed, `fail` with a status. Counts
everything."""
import http.server, json, socket, struct, threading, time, urllib.parse


class Family:
    def __init__(self, name):
        self.name, self.number, self.revoked = name, 0, False
        self.rotated_at, self.requests, self.commits, self.alarms = 0.0, 0, 0, 0

    def token(self, number=None):
        number = self.number if number is None else number
        return self.name if number == 0 else f"{self.name}.{number}"


class TokenEndpoint:
    def __init__(self, grace=0.0):
        self.grace, self.delay, self.dice, self.drop, self.fail = grace, 0.0, None, 0, None
        self.families, self.lock, self.on_commit = {}, threading.Lock(), None
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                endpoint.answer(self, dict(urllib.parse.parse_qsl(body)))

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 256

            def handle_error(self, *_):
                pass  # a killed client is what this is about

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/token"

    def family(self, name):
        with self.lock:
            return self.families.setdefault(name, Family(name))

    def decide(self, form):
        """(status, answer, committed)"""
        name, _, number = form.get("refresh_token", "").partition(".")
        with self.lock:
            family = self.families.setdefault(name, Family(name))
            family.requests += 1
            if self.fail:
                return self.fail, {"error": "temporarily_unavailable"}, False
            number = int(number or 0)
            if family.revoked or number > family.number:
                return 400, {"error": "invalid_grant"}, False
            old = number < family.number
            if old and not (number == family.number - 1 and time.monotonic() - family.rotated_at < self.grace):
                family.alarms += 1
                family.revoked = True
                return 400, {"error": "invalid_grant", "error_description": "reuse"}, False
            if not old:
                family.number += 1
                family.commits += 1
                family.rotated_at = time.monotonic()
            token = family.token()
            return 200, {"access_token": f"access-of-{token}", "refresh_token": token, "token_type": "Bearer", "expires_in": 3600}, True

    def answer(self, handler, form):
        status, answer, committed = self.decide(form)
        if committed and self.on_commit:
            self.on_commit(form)
        with self.lock:
            delay = self.dice.uniform(0, self.delay) if self.dice else self.delay
            dropped = committed and self.drop > 0
            self.drop -= dropped
        time.sleep(delay)
        if dropped:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
            handler.close_connection = True
            handler.connection.close()
            return
        body = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
