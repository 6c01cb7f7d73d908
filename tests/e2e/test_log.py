"""The audit log through real sessions: what is recorded, for whom it can be filtered, that it is proved, and that no secret is
in it (RS-15, LG-03 to LG-06, CL-03)."""
import hashlib, json, stat
from harness import *

# Many requests over one connection through the session's proxy, as a program with keep-alive makes them.
CLIENT = '''
import base64, http.client, os, ssl, sys, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
login = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]))
connection.set_tunnel("127.0.0.1", int(sys.argv[1]), {"Proxy-Authorization": "Basic " + login})
paths = open(sys.argv[3][1:]).read().split() if sys.argv[3].startswith("@") else sys.argv[3:]
for path in paths * int(sys.argv[2]):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    print(answer.status, answer.getheader("Claviger-Reason") or "-", flush=True)
    if os.environ.get("WAIT_FOR"):
        input()
'''


def connect(world):
    key = world.canaries.new("key")
    port = world.api("--key-header", "X-Acme-Key", "--key-sha256", hashlib.sha256(key.encode()).hexdigest())
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=f"https://127.0.0.1:{port}/",
                                           api_key={"header_name": "X-Acme-Key", "header_prefix": ""}, export={"env": {"api_key": "ACME_KEY"}}), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    (world.directory / "client.py").write_text(CLIENT)
    return port


def ask(world, port, times, *paths, run=(), **more):
    return world.run("run", *run, "--", "python3", world.directory / "client.py", port, times, *paths, **more)


def ask_when_told(world, port):
    """A session whose program asks once, and once more for each line that it gets."""
    process = subprocess.Popen([world.program, "run", "--no-sandbox", "--", "python3", str(world.directory / "client.py"), str(port), "100000", "/whoami"],
                               env=world.environment(WAIT_FOR="1"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    world.children.append(process)

    def one():
        process.stdin.write(b"\n")
        process.stdin.flush()
        return process.stdout.readline().decode().strip()
    equal(process.stdout.readline(), b"200 -\n", "the first")
    return process, one


def log(world, *options, **more):
    return [json.loads(line) for line in world.run("log", "--json", *options, **more).stdout.splitlines()]


def whole(world, code=0):
    return json.loads(world.run("log", "--verify", "--json", code=code).stdout)


def segments(world):
    return sorted((world.home / "audit").glob("*.jsonl"))


def everything_a_session_does_is_in_the_log(world):
    port = connect(world)
    secret = world.canaries.new("secret in a path")
    (world.directory / "paths").write_text(f"/whoami /echo/{secret}?token={secret} /tokens/ab12cd34")
    ask(world, port, 1, f"@{world.directory}/paths")
    world.run("run", "--unmatched", "deny", "--", "curl", "-sS", "https://nowhere.example/x?y", code=56)
    lines = log(world, "--limit", "0")
    requests = [l for l in lines if l["kind"] == "request"]
    equal([(l["method"], l["path"], l["status"], l["reason"]) for l in requests],
          [("GET", "/whoami", 200, None), ("GET", "/echo/***", requests[1]["status"], None), ("GET", "/tokens/***", requests[2]["status"], None),
           ("CONNECT", None, 403, "not_allowed")], "requests")
    first = requests[0]
    equal((first["provider"], first["connection"], first["host"]), ("acme", "default", f"127.0.0.1:{port}"), "whose credential, to where")
    check(first["received"] > 0 and first["ms"] >= 0 and re.fullmatch(r"[0-9a-f]{16}", first["session"]), f"{first}")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["at"]), first["at"])
    check(requests[3]["session"] != first["session"], "each run is a session")
    changes = [l for l in lines if l["kind"] == "change"]
    check(("connection.created", "acme", "default") in [(l["event"], l["provider"], l["connection"]) for l in changes], f"{changes}")
    equal([l["at"] for l in lines], sorted(l["at"] for l in lines), "in the order of time")
    for file in segments(world):
        equal(stat.S_IMODE(file.stat().st_mode), 0o600, "the file is private")
    equal(stat.S_IMODE((world.home / "audit").stat().st_mode), 0o700, "so is their directory")
    told = whole(world)
    equal((told["whole"], told["requests"], told["faults"], told["notes"]), (True, 4, [], []), "verified")

    table = world.run("log").stdout
    contains(table, f"acme/default GET 127.0.0.1:{port}/whoami", "the table")
    contains(table, "- (not_allowed) CONNECT nowhere.example", "the table, with the reason")
    check(all(len(line) < 120 for line in table.splitlines()), "short lines")


def filters_choose(world):
    port = connect(world)
    ask(world, port, 2, "/whoami")
    world.run("run", "--unmatched", "deny", "--", "curl", "-sS", "https://nowhere.example/", code=56)
    everything = log(world, "--limit", "0")
    session = next(l["session"] for l in everything if l["kind"] == "request")
    count = lambda *options: len(log(world, *options))
    equal(count("--provider", "acme", "--status", "2xx"), 2, "by provider and status")
    equal((count("--provider", "other"), count("--connection", "other"), count("--connection", "default", "--status", "200")), (0, 0, 2), "by connection")
    equal((count("--session", session[:6]), count("--host", "*.example"), count("--host", "nowhere.example"), count("--host", "127.0.0.1")), (2, 1, 1, 2), "by session and host")
    equal((count("--status", "403"), count("--denied"), count("--status", "5xx")), (1, 1, 0), "refused ones")
    equal((count("--since", "1h"), count("--until", "1h"), count("--since", "2001-01-01"), count("--until", "2001-01-01T00:00:00Z")),
          (len(everything), 0, len(everything), 0), "by time")
    for n in range(101 - len(everything)):
        world.run("rule", "add", "acme", "--deny", f"/never/{n}")
    whole = log(world, "--limit", "0")
    check(len(whole) > 100, f"more than people are shown: {len(whole)}")
    equal(log(world), whole, "a program gets all without --limit")
    contains(world.run("log").stderr, "these are the newest 100; --limit 0 shows all", "people are told what is left out")
    everything = whole
    equal(log(world, "--limit", "2"), everything[-2:], "the newest")
    events = [l["event"] for l in log(world, "--changes", "--limit", "0")]
    equal((events.count("audit.opened"), events.count("audit.closed")), (2, 2), "the journal in full")
    check(not [l for l in everything if l.get("event", "").startswith("audit.")], "bookkeeping is left out otherwise")
    for wrong in (["--since", "x"], ["--status", "x"], ["--limit", "x"], ["--session", "xyz"], ["--provider", "A B"], ["--changes", "--denied"], ["--verify", "--follow"]):
        world.run("log", *wrong, code=2)


def sessions_side_by_side_and_followed(world):
    port = connect(world)
    following = world.start("log", "--follow", "--json", "--limit", "0")
    running = [world.start("run", "--", "python3", world.directory / "client.py", port, 20, "/whoami") for _ in range(4)]
    for process in running:
        out, err = process.communicate(timeout=120)
        world.keep(["run"], out, err, False)
        world.children.remove(process)
        equal((process.returncode, out.count(b"200 -")), (0, 20), f"{err}")
    told = whole(world)
    equal((told["whole"], told["requests"], told["segments"], told["notes"]), (True, 80, 4, []), "four sessions at once")
    seen = []
    while sum(l["kind"] == "request" for l in seen) < 80:
        line = following.stdout.readline()
        check(line, "log --follow ended by itself")
        seen.append(json.loads(line))
    following.send_signal(signal.SIGINT)
    equal(following.wait(30), 0, "Ctrl-C ends it")
    world.children.remove(following)
    key = lambda l: (l["session"], l["number"])
    equal(sorted(key(l) for l in seen if l["kind"] == "request"), sorted(key(l) for l in log(world, "--limit", "0") if l["kind"] == "request"), "each line once")
    equal(len({l["session"] for l in seen if l["kind"] == "request"}), 4, "four sessions")


def a_follower_whose_reader_leaves_ends(world):
    port = connect(world)
    ask(world, port, 1, "/whoami")
    following = world.start("log", "--follow")
    following.stdout.readline()
    following.stdout.close()
    ask(world, port, 1, "/whoami")
    equal(following.wait(60), 0, "it ended")
    following.stderr.close()
    world.children.remove(following)


def a_killed_session_is_no_fault_and_keeps_what_it_wrote(world):
    port = connect(world)
    process, one = ask_when_told(world, port)
    equal([one(), one()], ["200 -", "200 -"], "asked")
    deadline = time.monotonic() + 60
    while sum(l["kind"] == "request" for l in log(world)) < 3:  # it works while the session runs
        check(time.monotonic() < deadline, "the requests never came to the log")
        time.sleep(0.1)
    contains(json.dumps(whole(world)["notes"]), "a session is writing it", "a running session is said")
    process.kill()
    process.communicate(timeout=60)  # its program ends with it, as its input does
    world.children.remove(process)
    told = whole(world)
    equal((told["whole"], told["requests"]), (True, 3), "nothing is lost that was written")
    contains(json.dumps(told["notes"]), "cut off", "and it is said")
    with open(segments(world)[0], "ab") as file:
        file.write(b'{"n":4,"at":1')  # as if it had been writing
    check(whole(world)["whole"], "half a line is no fault either")
    ask(world, port, 1, "/whoami")
    equal(len([l for l in log(world) if l["kind"] == "request"]), 4, "the next session goes on")


def whatever_is_done_to_the_files_is_noticed(world):
    port = connect(world)
    ask(world, port, 3, "/whoami")
    ask(world, port, 1, "/whoami")
    one, other = segments(world)
    if b'"n":3' not in one.read_bytes():
        one, other = other, one
    good = one.read_bytes()
    lines = good.splitlines(keepends=True)
    name = f"audit/{one.name}"

    def damaged(content, where, what):
        one.write_bytes(content)
        told = whole(world, code=14)
        equal([f["where"] for f in told["faults"]], [where], what)
        contains(world.run("log", "--verify", code=14).stdout, where, f"{what}, for people")
        warned = world.run("log", code=14)
        contains(warned.stderr, "audit/", f"{what}: log warns")
    damaged(good.replace(b'"status":200', b'"status":201', 1), f"{name}, line 2", "a changed byte")
    damaged(b"".join(lines[:3]), f"{name}, line 3", "a cut end")
    damaged(b"".join([lines[0], lines[2], lines[1], lines[3]]), f"{name}, line 2", "another order")
    damaged(other.read_bytes(), f"{name}, line 1", "another segment's content")
    one.unlink()
    equal([f["where"] for f in whole(world, code=14)["faults"]], [name], "a missing file")
    one.write_bytes(good)
    check(whole(world)["whole"], "whole again")


def a_secret_is_shown_only_when_that_is_durable(world):
    """RS-15, CL-03: a full disk, or one that fails, refuses the release."""
    connect(world)
    key = next(iter(world.canaries.values.values()))
    for command in (["get", "acme", "--show-secret"], ["export", "acme"]):
        for fault in ("fdatasync:error=EIO", "fdatasync:error=ENOSPC", "pwrite64:error=ENOSPC"):
            call = fault.partition(":")[0]
            done = subprocess.run(["strace", "-f", "-qq", "-o", world.directory / "trace", "-e", f"trace={call}", "-e", f"inject={fault}", world.program, *command],
                                  capture_output=True, text=True, env=world.environment(), timeout=120)
            check(fault.partition("=")[2] in (world.directory / "trace").read_text(), f"{command}: {fault} never came")
            equal(done.returncode, 10, f"{command} with {fault}: {done.stderr}")
            equal(done.stdout, "", f"{command} with {fault}: not a byte")
            check(key not in done.stderr, "nor in the error")
    contains(world.run("get", "acme", "--show-secret", secret_output=True).stdout, key, "with a disk that works")
    equal([l["event"] for l in log(world, "--changes", "--provider", "acme")][-1], "secret.shown", "and it is in the log")
    world.run("export", "acme", secret_output=True)
    equal([l["event"] for l in log(world, "--changes", "--provider", "acme")][-1], "secret.exported", "so is an export")


def a_full_disk_hands_out_no_credential(world):
    """LG-05: when a request cannot be written down the next gets no credential, and all goes on when there is room."""
    port = connect(world)
    world.home.rename(world.directory / "kept")
    world.home.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", world.home], capture_output=True).returncode != 0:
        world.home.rmdir()
        (world.directory / "kept").rename(world.home)
        return cannot_run("no small file system can be mounted")
    try:
        shutil.copytree(world.directory / "kept", world.home, dirs_exist_ok=True)
        process, one = ask_when_told(world, port)
        equal(one(), "200 -", "another")
        with contextlib.suppress(OSError):
            (world.home / "ballast").write_bytes(b"x" * (4 << 20))
        deadline = time.monotonic() + 120
        answer = ""
        while answer != "503 audit_unavailable":
            check(time.monotonic() < deadline, f"credentials are still handed out: {answer}")
            answer = one()
            time.sleep(0.02)
        (world.home / "ballast").unlink()
        while answer != "200 -":
            check(time.monotonic() < deadline, f"it never went on: {answer}")
            answer = one()
            time.sleep(0.05)
        process.stdin.close()
        out, err = process.stdout.read(), process.stderr.read()
        process.wait(60)
        world.children.remove(process)
        world.keep(["run"], out, err, False)
        contains(err.decode(), "the audit log cannot be written", "the human is told")
        check(whole(world)["whole"], "the log is whole")
        equal(len(log(world, "--status", "503")) > 0, True, "the refusals are in it too")
    finally:
        subprocess.run(["umount", world.home], check=True)
        world.home.rmdir()
        (world.directory / "kept").rename(world.home)


def a_request_costs_no_system_call_more(world):
    """Entries are written together: the number of writes follows the time, not the requests."""
    port = connect(world)

    def calls(times):
        trace, began = world.directory / "trace", time.monotonic()
        env = {k: v for k, v in world.environment().items() if k != "CLAVIGER_LOG"}
        subprocess.run(["strace", "-o", trace, "-e", "trace=write,writev,pwrite64,fsync,fdatasync", world.program, "run", "--no-sandbox", "--", "python3",
                        world.directory / "client.py", str(port), str(times), "/whoami"], check=True, capture_output=True, env=env, timeout=300)
        return len(trace.read_text().splitlines()), time.monotonic() - began
    calls(1)  # the first session makes the log's key
    few, _ = calls(1)
    many, seconds = calls(1000)
    print(f"{many - few} more calls that write, for 999 more requests in {seconds:.1f} s")
    check(many - few <= 10 * seconds + 20, f"{many - few} more calls for 999 requests in {seconds} seconds")


def old_segments_go_and_a_session_cannot_read_the_log(world):
    port = connect(world)
    world.run("config", "set", "audit.segment_mib", "1")
    world.run("config", "set", "audit.keep_mib", "1")
    ask(world, port, 1, "/whoami")
    ask(world, port, 900, *[f"/{'long-word-' * 40}{i}" for i in range(5)], timeout=300)
    ask(world, port, 1, "/whoami")
    check(sum(f.stat().st_size for f in segments(world)) < 3 << 20, "bounded")
    events = [l for l in log(world, "--changes", "--limit", "0") if l["event"] == "audit.removed"]
    check(events and {l["detail"]["why"] for l in events} == {"size"}, f"removals are in the journal: {events}")
    told = whole(world)
    check(told["whole"], f"{told}")
    refused = world.run("run", "--", world.program, "log", env=world.environment(), code=13)
    contains(refused.stderr, "claviger run session", "not inside of a session")


def a_restored_vault_is_no_fault(world):
    port = connect(world)
    ask(world, port, 1, "/whoami")
    passphrase = world.canaries.new("passphrase")

    def with_passphrase(*words):
        reading, writing = os.pipe()
        os.write(writing, passphrase.encode())
        os.close(writing)
        try:
            return world.run(*words, "--backup-passphrase-fd", reading, pass_fds=(reading,))
        finally:
            os.close(reading)
    with_passphrase("vault", "backup", world.directory / "backup.age")
    last = json.loads(world.run("log", "--changes", "--json").stdout.splitlines()[-1])
    equal((last["event"], last["subject"], last["detail"]), ("vault.backup_begun", "vault", {"file": "backup.age"}), "a copy of everything is written down")
    ask(world, port, 2, "/whoami")
    with_passphrase("vault", "restore", world.directory / "backup.age", "--replace")
    told = whole(world)
    check(told["whole"] and len(told["notes"]) == 1, f"the segment that the backup does not know: {told}")
    ask(world, port, 1, "/whoami")
    shutil.rmtree(world.home / "audit")
    told = whole(world, code=14)
    equal((len(told["faults"]), len(told["notes"])), (1, 1), "what came after the restore is missed, what came before need not be here")


if __name__ == "__main__":
    main(everything_a_session_does_is_in_the_log, filters_choose, sessions_side_by_side_and_followed, a_follower_whose_reader_leaves_ends,
         a_killed_session_is_no_fault_and_keeps_what_it_wrote, whatever_is_done_to_the_files_is_noticed, a_secret_is_shown_only_when_that_is_durable,
         a_full_disk_hands_out_no_credential, a_request_costs_no_system_call_more, old_segments_go_and_a_session_cannot_read_the_log, a_restored_vault_is_no_fault)
