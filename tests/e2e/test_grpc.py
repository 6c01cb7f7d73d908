"""gRPC under run: HTTP/2 at both ends, every kind of call with the credential, and nothing that shows it comes back."""
import sys
from harness import *
import test_clients  # namespaces of its own, where api.acme.test is a host that no client takes for this machine
from test_clients import ADDRESS, HERE, HOST, a_host_of_its_own, missing

SERVER = ROOT / "tests/peers/grpc/server.py"


def connected(world, *options, **definition):
    key = world.canaries.new("key of gRPC")
    world.certificates()
    port = world.peer("/usr/bin/python3", SERVER, "--host", ADDRESS, "--cert", world.cert, "--key", world.key, "--record", world.directory / "calls",
                      "--key-sha256", hashlib.sha256(("Bearer " + key).encode()).hexdigest(), *options)["port"]
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=f"https://{HOST}:{port}/",
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}, **definition), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    return key, f"{HOST}:{port}"


def run(world, target, *command, options=(), code=7):
    return world.run("run", "--unmatched", "deny", *options, "--", *command, env=world.environment(TARGET=target), code=code)


def every_kind_of_call(world):
    a_host_of_its_own(world)
    key, target = connected(world)
    done = run(world, target, "/usr/bin/python3", HERE / "grpc_client.py")
    contains(done.stdout, "*" * len(key), "the message and the trailer that show the key are scrubbed (PX-20)")
    check(key not in done.stdout, "none shows it")
    calls = (world.directory / "calls").read_text().splitlines()
    check(len(calls) > 60 and set(calls) == {"True"}, "each call came with the key")
    run(world, target, NODE, HERE / "grpc.mjs")


def rules_hold(world):
    """A call is a POST of its path; a refusal is an error of the call."""
    a_host_of_its_own(world)
    _, target = connected(world)
    program = world.directory / "one.py"
    program.write_text("import grpc, os, sys\n"
                       "channel = grpc.secure_channel(os.environ['TARGET'], grpc.ssl_channel_credentials())\n"
                       "try: sys.exit(0 if channel.unary_unary(sys.argv[1])(b'x', timeout=20) == b'x' else 3)\n"
                       "except grpc.RpcError as error: print(error.code(), error.details()); sys.exit(5)\n")
    run(world, target, "/usr/bin/python3", program, "/acme.Echo/Say", options=("--deny", "/acme.Other/*"), code=0)
    refused = run(world, target, "/usr/bin/python3", program, "/acme.Echo/Say", options=("--read-only",), code=5)
    contains(refused.stdout, "403", "read-only refuses")
    calls = (world.directory / "calls").read_text().splitlines()
    equal(len(calls), 1, "what was refused was not sent")


def an_answer_that_is_coded_is_refused(world):
    a_host_of_its_own(world)
    _, target = connected(world, "--gzip")
    program = world.directory / "one.py"
    program.write_text("import grpc, os, sys\n"
                       "channel = grpc.secure_channel(os.environ['TARGET'], grpc.ssl_channel_credentials())\n"
                       "try: sys.exit(0 if channel.unary_unary('/acme.Echo/Show')(b'x', timeout=20) else 3)\n"
                       "except grpc.RpcError as error: print(error.code(), error.details()); sys.exit(5)\n")
    done = run(world, target, "/usr/bin/python3", program, code=None)
    check((done.returncode, "502" in done.stdout) == (5, True) or done.returncode == 0 and "*" in done.stdout, f"no key in a coding: {done.returncode} {done.stdout} {done.stderr}")


def other_clients_of_http2(world):
    """Who offers HTTP/1.1 too gets that; who insists on HTTP/2 gets it, also from a server of HTTP/1.1."""
    api = connect_key(world)
    for option, version in (("--http2", "1.1"), ("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")):
        done = world.run("run", "--", "curl", "-sS", option, "-w", "\n%{http_version}", f"{api}/whoami")
        body, _, spoken = done.stdout.rpartition("\n")
        equal((json.loads(body)["sub"], spoken), ("key-holder", version), option)
    h2 = ("curl", "-sS", "--http2-prior-knowledge")
    lines = world.run("run", "--", *h2, "-N", f"{api}/stream?n=5").stdout
    equal(lines, "".join(f"line {i}\n" for i in range(5)), "stream")
    big = world.directory / "big.bin"
    big.write_bytes(os.urandom(5_000_000))
    echo = json.loads(world.run("run", "--", *h2, "--data-binary", f"@{big}", f"{api}/echo").stdout)
    equal((echo["body"]["bytes"], echo["body"]["sha256"]), (5_000_000, hashlib.sha256(big.read_bytes()).hexdigest()), "upload")
    world.run("run", "--", *h2, "-o", world.directory / "down", f"{api}/bytes?n=20000000")
    equal((world.directory / "down").stat().st_size, 20_000_000, "download")
    head = world.run("run", "--", *h2, "-I", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", f"{api}/whoami").stdout
    equal(head, "200 0", "HEAD")
    refused = world.run("run", "--deny", "/echo", "--", *h2, "-w", "\n%{http_code}", "-d", "x", f"{api}/echo").stdout
    equal((json.loads(refused.rpartition("\n")[0])["reason"], refused.rpartition("\n")[2]), ("policy", "403"), "a refusal")
    early = world.run("run", "--", *h2, "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", f"@{big}", f"{api}/early", code=None).stdout
    equal(early, "413", "an answer before the request's end")


if __name__ == "__main__":
    test_clients.in_its_own_namespaces()
    if lacking := list(missing(["module:grpc"])):
        cannot_run(f"no {lacking[0]} (Debian: python3-grpcio)")
        main(other_clients_of_http2)
    else:
        main(every_kind_of_call, rules_hold, an_answer_that_is_coded_is_refused, other_clients_of_http2)
