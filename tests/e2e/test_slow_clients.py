"""Clients that send slowly, by slowhttptest (LB-05, PX-31): another client is still answered, and the slow ones are gone
when their time is over. Short and bounded, on 127.0.0.1 only."""
import shutil, socket, sys
from harness import *
from test_proxy_rules import Session, read_head

ATTACKS = {"headers": ["-H"], "body": ["-B"], "reading": ["-X"]}
SECONDS = 6


def attack(kind, port, connections):
    return subprocess.Popen(["slowhttptest", *ATTACKS[kind], "-c", str(connections), "-r", str(connections), "-i", "1", "-l", str(SECONDS),
                             "-u", f"http://127.0.0.1:{port}/", "-p", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def status_and_time(port, target="/"):
    began = time.monotonic()
    host = urllib.parse.urlsplit(target).netloc or f"127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = connection.recv(4096).decode(errors="replace")
    return (answer.split(" ")[1] if " " in answer else "none"), time.monotonic() - began


def resident(process):
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(next(l for l in status.splitlines() if l.startswith("VmRSS")).split()[1])


# What a few hundred connections that are gone again may leave behind. A sanitizer keeps freed memory for a while and
# shadows of all of it; how long is bounded below.
LEFT_BEHIND, LEFT_BEHIND_BY_A_SANITIZER = 16_000, 128_000


def hold_against(world, port, target, expected, connections, memory_of):
    before = resident(memory_of)
    for kind in ATTACKS:
        slow = attack(kind, port, connections)
        time.sleep(2)
        for _ in range(5):
            status, seconds = status_and_time(port, target)
            equal(status, expected, f"another client under slow {kind}")
            check(seconds < 2, f"another client under slow {kind} waited {seconds:.1f} s")
        slow.wait(SECONDS + 30)
    status, seconds = status_and_time(port, target)
    equal(status, expected, "afterwards")
    after = resident(memory_of)
    print(f"{before} KB resident before the attacks, {after} KB after them")
    check(after - before < (LEFT_BEHIND_BY_A_SANITIZER if world.sanitized else LEFT_BEHIND), f"{after - before} KB more are resident after the attacks")


def the_proxy(world):
    """PX-31: below its limit of connections a session stays responsive; above it, it recovers."""
    host = connect_key(world).removeprefix("https://")
    session = Session(world, "--no-sandbox")
    hold_against(world, session.port, "http://example.test/", "407", 150, session.process.pid)
    flood = attack("headers", session.port, 400)
    silent = []
    for _ in range(400):  # and as many that say nothing at all
        with contextlib.suppress(OSError):
            silent.append(socket.create_connection(("127.0.0.1", session.port), timeout=5))
    with session.opened(host, "127.0.0.1") as tls:
        tls.sendall(f"GET /whoami HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        contains(read_head(tls), " 200 ", "a client of the session, meanwhile")
    for connection in silent:
        connection.close()
    flood.wait(SECONDS + 30)
    status = "none"
    for _ in range(60):
        with contextlib.suppress(OSError):
            status = status_and_time(session.port, "http://example.test/")[0]
        if status == "407":
            break
        time.sleep(0.25)
    equal(status, "407", "after 400 slow connections at once")
    session.end()


def the_local_page(world):
    """LB-05."""
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url="api.acme.com",
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    login = world.start("login", "acme", "--input", "browser")
    port = urllib.parse.urlsplit(CALLBACK).port
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        time.sleep(0.05)
    hold_against(world, port, "/", "404", 40, login.pid)
    login.terminate()
    login.wait(20)
    world.children.remove(login)


if __name__ == "__main__":
    if not shutil.which("slowhttptest"):
        sys.exit("slowhttptest is not installed: run ./dev setup")
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
    main(the_proxy, the_local_page)
