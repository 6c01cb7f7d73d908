"""What is in the broker's memory while it serves a session, read by root from /proc/<pid>/mem (VA-08, VA-09, VA-17, G4)."""
import json
from harness import *
from test_key_sources import PROVIDER, provider, with_secret
from test_main_job import connect_dcr, plant_tokens


def readable(world):
    """Nobody but root may look into a process that is not dumpable, which is what this relies on."""
    if os.geteuid() == 0:
        return True
    cannot_run("only root can read the broker's memory")
    return False


def copies(pid, needles):
    """{name: [(mapping, address)]} in everything that the process can write."""
    found = {name: [] for name in needles}
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode, *_, = line.split()
            if "w" not in mode:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except OSError:
                continue
            label = (line.split(maxsplit=5) + [""])[5].strip() or "anonymous"
            for name, needle in needles.items():
                at = data.find(needle)
                while at >= 0:
                    found[name].append((label, hex(begin + at), bytes(data[max(0, at - 24):at])))
                    at = data.find(needle, at + 1)
    return found


def session(world, *options, pass_fds=(), request=None):
    """A running session whose program has made its request and now waits."""
    script = (f"curl -sS -o /dev/null {request}; " if request else "") + "echo ready; exec sleep 300"
    process = world.start("run", *options, "--", "sh", "-c", script, pass_fds=pass_fds)
    line = process.stdout.readline()
    check(line == b"ready\n", f"the session does not run: {line} {process.stderr.read() if process.poll() is not None else ''}")
    return process


def stop(world, process):
    process.terminate()
    process.communicate(timeout=20)
    world.children.remove(process)


def VA08_a_session_keeps_no_refresh_token_client_secret_or_unused_key(world):
    if not readable(world):
        return
    server, port = connect_dcr(world)
    browser_login(world, ["login", "acme"])
    tokens = plant_tokens(world)
    stored = json.loads(world.run("get", "acme", "--show-secret", "--json", secret_output=True).stdout)
    (world.home / "providers" / "other.json").write_text(json.dumps({**PROVIDER, "name": "other", "api_url": "api.other.example"}))
    unused = world.canaries.new("key of another provider")
    world.run("login", "other", "--input", "stdin", stdin=unused)
    process = session(world, "--use", "acme", "--only", request=f"https://127.0.0.1:{port}/whoami")
    needles = {"access token": stored["access_token"].encode(), "refresh token": stored["refresh_token"].encode(), "unused key": unused.encode(),
               "key file": (world.home / "vault.key").read_bytes().strip().split(b":")[-1]}
    if stored.get("client_secret"):
        needles["client secret"] = stored["client_secret"].encode()
    found = copies(process.pid, needles)
    for name, places in found.items():
        print(f"{name}: {len(places)} copies {[p[0] for p in places]}")
    stop(world, process)
    for name in needles:
        if name != "access token":
            check(not found[name], f"{name} is in the broker's memory: {found[name]}")


def VA08_VA17_the_passphrase_is_gone_once_the_vault_is_open_and_reaches_no_child(world):
    if not readable(world):
        return
    provider(world)
    world.run("config", "set", "vault.key_source", "passphrase")
    key, passphrase = world.canaries.new("key"), world.canaries.new("passphrase")
    with_secret(world, "--passphrase-fd", passphrase, "login", "acme", "--input", "stdin", stdin=key)
    reader, writer = os.pipe()
    os.write(writer, passphrase.encode())
    os.close(writer)
    process = session(world, "--passphrase-fd", str(reader), pass_fds=[reader])
    os.close(reader)
    found = copies(process.pid, {"passphrase": passphrase.encode()})
    check(not found["passphrase"], f"the passphrase is in the broker's memory: {found}")
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    check(children, "the session's program")
    seen = 0
    while children:  # and below: what the program was given, and what it holds
        child = children.pop()
        with contextlib.suppress(FileNotFoundError):
            children += pathlib.Path(f"/proc/{child}/task/{child}/children").read_text().split()
            for part in ("environ", "cmdline"):
                data = pathlib.Path(f"/proc/{child}/{part}").read_bytes()
                check(not world.canaries.find_in(data), f"a secret in {part} of the program")
            held = copies(child, {"passphrase": passphrase.encode(), "key": key.encode()})
            check(not any(held.values()), f"the program holds {held}")
            seen += 1
    print(f"passphrase: 0 copies in the broker, 0 in {seen} processes below it")
    stop(world, process)


if __name__ == "__main__":
    main(VA08_a_session_keeps_no_refresh_token_client_secret_or_unused_key,
         VA08_VA17_the_passphrase_is_gone_once_the_vault_is_open_and_reaches_no_child)
