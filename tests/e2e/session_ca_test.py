#!/usr/bin/env python3
"""PX-26: real TLS clients refuse a leaf for a host outside the session's name constraints, even when it is signed by
the session's own key. Each client also has to accept the permitted host, so that a refusal means something.
Usage: session_ca_test.py <session_ca_tool>"""
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

TOOL = sys.argv[1]
TIMEOUT = 20


class Server:
    """TLS on 127.0.0.1 that answers each connection with one small HTTP response."""

    def __init__(self, chain, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                plain.settimeout(TIMEOUT)
                with self.context.wrap_socket(plain, server_side=True) as stream:
                    stream.recv(4096)
                    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except OSError:
                plain.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(TIMEOUT)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    return done.returncode == 0, done.stdout + done.stderr


def with_openssl(root, leaf, host, port):
    kind = "-verify_ip" if host[0].isdigit() else "-verify_hostname"
    return run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root, kind, host, leaf)


def with_curl(root, leaf, host, port):
    return run("curl", "-sS", "--noproxy", "*", "--max-time", "10", "--cacert", root, "--resolve", f"{host}:{port}:127.0.0.1",
               f"https://{host}:{port}/")


NODE = """
const [root, host, port] = process.argv.slice(1);
const ip = /^[0-9.]+$/.test(host);
const lookup = (name, options, done) =>
  options.all ? done(null, [{address: '127.0.0.1', family: 4}]) : done(null, '127.0.0.1', 4);
require('https').get({host, port, lookup, servername: ip ? '' : host, ca: require('fs').readFileSync(root), agent: false},
  response => { response.resume(); response.on('end', () => process.exit(response.statusCode === 200 ? 0 : 1)); }
).on('error', error => { console.error(error.code, error.message); process.exit(1); });
"""


def with_node(root, leaf, host, port):
    return run("node", "-e", NODE, root, host, str(port))


def with_python(root, leaf, host, port):
    context = ssl.create_default_context(cafile=root)
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname=host) as stream:
                stream.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return b"200 OK" in stream.recv(4096), ""
    except ssl.SSLError as error:
        return False, str(error)


CLIENTS = {"openssl": with_openssl, "curl": with_curl, "node": with_node, "python": with_python}
# What a client says when the name constraints, and nothing else, were the reason.
REASONS = ("permitted subtree violation", "excluded subtree violation", "PERMITTED_VIOLATION", "EXCLUDED_VIOLATION")
# permitted hosts, host of the leaf, accepted
ROWS = [
    ("api.acme.com", "api.acme.com", True),
    ("api.acme.com", "accounts.example.org", False),
    ("api.acme.com", "acme.com", False),
    ("api.acme.com", "127.0.0.1", False),
    (".acme.com", "a.acme.com", True),
    (".acme.com", "evilacme.com", False),
    ("127.0.0.1", "127.0.0.1", True),
    ("127.0.0.1", "api.acme.com", False),
    ("api.acme.com,127.0.0.1", "127.0.0.1", True),
    ("api.acme.com,.example.org,::1", "127.0.0.1", False),
]


def main():
    failures = checks = 0
    for name in CLIENTS:
        if name != "python" and shutil.which(name) is None:
            sys.exit(f"{name} is not installed")
    for permitted, host, accepted in ROWS:
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([TOOL, directory, permitted, host], check=True, timeout=TIMEOUT)
            root, leaf = f"{directory}/root.pem", f"{directory}/leaf-0.pem"
            server = Server(leaf, f"{directory}/key.pem")
            try:
                for name, client in CLIENTS.items():
                    ok, said = client(root, leaf, host, server.port)
                    good = ok if accepted else not ok and any(reason in said for reason in REASONS)
                    checks += 1
                    if not good:
                        failures += 1
                        print(f"FAILED {name}: permitted {permitted}, leaf {host}: {'accepted' if ok else said.strip()}")
            finally:
                server.close()
    print(f"session_ca: {checks} checks, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
