"""WebSocket through `run` (PX-33), with npm's ws as server and client and with Node's own client: off unless the definition
allows it, the credential in the handshake alone, then bytes both ways."""
import hashlib, json, time
from harness import *

PEERS = ROOT / "tests/peers/websocket"


def connect_service(world, **members):
    world.certificates()
    key = world.canaries.new("key")
    port = world.peer(NODE, PEERS / "server.mjs", "--cert", world.cert, "--key", world.key, "--key-header", "X-Api-Key",
                      "--key-sha256", hashlib.sha256(key.encode()).hexdigest())["port"]
    world.run("register", world.definition("chat", auth_type="api_key", flow="api_key", api_url=f"https://localhost:{port}/",
                                           api_key={"header_name": "X-Api-Key", "header_prefix": ""}, **members), "--yes", "--force")
    world.run("login", "chat", "--input", "stdin", stdin=key)
    return f"localhost:{port}"  # its agent checks no certificate of an address


def both_sides_speak(world):
    host = connect_service(world, websocket=True)
    for kind in ("ws", "builtin"):
        told = json.loads(world.run("run", "--", NODE, PEERS / "client.mjs", f"wss://{host}/socket", kind).stdout)
        names = [name.lower() for name in told["names"]]
        equal((told["welcome"], told["protocol"], told["same"], told["code"]), ("welcome", "chat", True, 4001), kind)
        equal(names.count("x-api-key"), 1, f"{kind}: the handshake carries the key")
        check(not [name for name in names if name.startswith("proxy-")], f"{kind}: {names}")


def it_is_off_unless_allowed(world):
    host = connect_service(world)
    refused = world.run("run", "--", NODE, PEERS / "client.mjs", f"wss://{host}/socket", code=3).stdout
    contains(refused, "403", "the client sees the refusal")
    refusals = [json.loads(line) for line in world.run("log", "--json").stdout.splitlines()]
    equal([r["reason"] for r in refusals if r["kind"] == "request"], ["websocket_not_allowed"], "refused for this")
    shown = world.run("run", "--", "curl", "-sS", "-i", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
                      "-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"https://{host}/socket").stdout
    contains(shown, "Claviger-Reason: websocket_not_allowed", "and why")
    contains(shown, "application/problem+json", "as a problem")
    equal(world.run("run", "--", "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"https://{host}/").stdout, "426", "other requests pass")
    equal(json.loads(world.run("inspect", "chat", "--json").stdout).get("websocket"), None, "the definition says nothing of WebSockets")


def its_owner_is_asked_about_it(world):
    """A yes for a time to requests is none to a WebSocket, through which anything may be said."""
    host = connect_service(world, websocket=True)
    run = ("run", "--ask", "*", "--", "sh", "-c", f"curl -sS -o /dev/null https://{host}/; {NODE} {PEERS}/client.mjs wss://{host}/socket ws")
    process = world.start(*run)

    def waiting():
        for _ in range(600):
            listed = json.loads(world.run("approve", "--list", "--json").stdout)["waiting"]
            if listed:
                return listed[0]
            time.sleep(0.1)
        raise Failure("nothing waits")
    world.run("approve", waiting()["id"], "--for", "10m")
    one = waiting()
    contains(one["subject"], "all that is said through the WebSocket that it opens", "what is asked")
    world.run("approve", one["id"])
    out, err = process.communicate(timeout=120)
    world.children.remove(process)
    world.keep(run, out, err, False)
    equal(json.loads(out)["welcome"], "welcome", "and it opens")


def a_changed_permission_is_confirmed_first(world):
    """PK-06: whether a credential may open a WebSocket is one of the pinned fields."""
    host = connect_service(world)
    world.run("register", world.definition("chat", auth_type="api_key", flow="api_key", api_url=f"https://{host}/", websocket=True,
                                           api_key={"header_name": "X-Api-Key", "header_prefix": ""}), "--yes", "--force")
    suspended = world.run("run", "--", NODE, PEERS / "client.mjs", f"wss://{host}/socket", code=3)
    contains(suspended.stdout, "424", "the connection is suspended until its owner has looked")
    line = json.loads(world.run("log", "--json").stdout.splitlines()[-1])
    equal((line["kind"], line["reason"]), ("request", "suspended"), "and the log says so")
    world.run("confirm", "chat", "--yes")
    equal(json.loads(world.run("run", "--", NODE, PEERS / "client.mjs", f"wss://{host}/socket", "ws").stdout)["welcome"], "welcome", "then it opens")


if __name__ == "__main__":
    main(its_owner_is_asked_about_it, both_sides_speak, it_is_off_unless_allowed, a_changed_permission_is_confirmed_first)
