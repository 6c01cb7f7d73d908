#!/usr/bin/env python3
"""Kills a renewal at every call that it makes, and gives it a full or a bad disk there (RF-03 to RF-06, RF-12, G1 to G3).

The calls of an undisturbed renewal are found with strace. Then it runs once per call with a SIGKILL in the call's place,
once against a server with a grace for the old token, where nothing may be lost, and once against one without, where a
token may be lost only between the server's commit and ours, and must then end as `interrupted_rotation`; and once per disk
call with ENOSPC and EIO. Afterwards another process must get a token, with the vault whole.

usage: refresh_crash_test.py <refresh_tool>
"""
import argparse, concurrent.futures, itertools, os, re, shutil, subprocess, sys, tempfile, time

from token_endpoint import TokenEndpoint

DISK = "write pwrite64 fsync fdatasync rename link unlink ftruncate mkdir fallocate".split()
OTHERS = "openat fcntl socket connect sendmsg sendto recvfrom epoll_wait epoll_ctl close".split()
FAULTS = "write pwrite64 fsync fdatasync ftruncate fallocate unlink".split()


class Failure(Exception):
    pass


class Rig:
    def __init__(self, tool):
        self.tool, self.scratch = tool, tempfile.mkdtemp(prefix="claviger-refresh-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.numbers = itertools.count(1)
        self.environment = {k: v for k, v in os.environ.items() if k not in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
        self.template = os.path.join(self.scratch, "template")
        self.ok(self.template, "connect", "http://127.0.0.1:9/token", "none")

    def run(self, home, *words, strace=()):
        command = ["strace", "-f", "-qq", *strace] if strace else []
        return subprocess.run([*command, self.tool, home, *words], capture_output=True, text=True, env=self.environment, timeout=120)

    def ok(self, home, *words):
        done = self.run(home, *words)
        if done.returncode != 0:
            raise Failure(f"{words}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def connected(self, server, rotation="auto", grace=""):
        """A home of its own with an expired connection; and what the server knows of it."""
        name = f"family{next(self.numbers)}"
        home = os.path.join(self.scratch, name)
        shutil.copytree(self.template, home)
        self.ok(home, "connect", server.url, name, rotation, grace)
        return home, server.family(name)


def calls_of(rig, server):
    home, _ = rig.connected(server)
    log = home + ".strace"
    done = rig.run(home, "fresh", strace=["-o", log, "-e", "trace=" + ",".join(DISK + OTHERS)])
    if done.returncode != 0:
        raise Failure(f"fails undisturbed: {done.stderr}")
    counts, calls = {}, []
    for line in open(log):
        found = re.match(r"(?:\d+ +)?(\w+)\((\d+)?", line)
        if not found or found[1] not in DISK + OTHERS:
            continue
        counts[found[1]] = counts.get(found[1], 0) + 1
        if found[1] == "write" and found[2] in ("1", "2"):
            continue
        calls.append((found[1], counts[found[1]], line.strip()))
    return calls


def check_after(rig, home, family, strict, killed):
    """Another process goes on. What the vault has must be what the server would take."""
    again = rig.run(home, "fresh")
    requests, commits = family.requests, family.commits  # only now: a killed client's request may still have been on its way
    shown = rig.ok(home, "show").split()
    if shown[3] != "whole":
        raise Failure(f"the vault is damaged: {shown}")
    if again.returncode == 0:
        if shown[:2] != [f"access-of-{family.token()}", family.token()] or family.revoked:
            raise Failure(f"the vault has {shown}, the server {family.token()}, revoked {family.revoked}")
        if family.alarms:
            raise Failure("the server saw a reuse")
        rig.ok(home, "expire")
        if rig.run(home, "fresh").returncode != 0 or family.alarms:
            raise Failure("the next renewal fails")
        return "kept"
    if not (strict and killed and commits == 1 and requests == 2):
        raise Failure(f"lost: requests {requests}, commits {commits}: {again.stderr.strip()}")
    if shown[2] != "interrupted_rotation" or "needs_login" not in again.stderr:
        raise Failure(f"a lost token ends as {shown[2]}: {again.stderr.strip()}")
    for _ in range(2):
        rig.run(home, "fresh")
    if family.requests > requests:
        raise Failure(f"a loop: {family.requests} requests")
    return "interrupted"


def disturbed(rig, server, strict, call, injection):
    name, number, line = call
    home, family = rig.connected(server)
    try:
        done = rig.run(home, "fresh", strace=["-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:{injection}:when={number}"])
        killed = "signal=" in injection
        if killed and done.returncode == 0:
            return "not reached", None  # threads and timers do not always call equally often
        if not killed and family.requests > 1:
            raise Failure(f"{family.requests} requests in one run")
        if not killed and done.returncode == 0 and f"access-of-{family.token()}" not in done.stdout:
            raise Failure(f"another token than the server's: {done.stdout}")
        if not killed and done.returncode not in (0,) and not re.match(r"storage|busy|key_missing|network|corrupt|denied", done.stderr):
            raise Failure(f"not a clear error: exit {done.returncode}: {done.stderr.strip()}")
        return check_after(rig, home, family, strict, killed), None
    except (Failure, subprocess.TimeoutExpired) as failure:
        return "failed", f"{'strict' if strict else 'grace'}: {injection} at {name} #{number} ({line[:110]}): {failure}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def dropped_answers(rig):
    """RF-12: the server commits, and the answer does not arrive."""
    problems = []
    for grace, drops, rotation, expected in [(60, 1, "auto", "kept"), (0, 1, "auto", "interrupted"), (60, 1, "always", "kept")]:
        server = TokenEndpoint(grace)
        home, family = rig.connected(server, rotation)
        server.drop = drops
        done = rig.run(home, "fresh")
        shown = rig.ok(home, "show").split()
        kept = done.returncode == 0 and shown[1] == family.token()
        interrupted = shown[2] == "interrupted_rotation" and "needs_login" in done.stderr
        if not (kept if expected == "kept" else interrupted) or family.requests != 2:
            problems.append(f"dropped answer, grace {grace}: {done.stdout}{done.stderr}{shown}, {family.requests} requests")
        server.close()
    return problems


def after_the_grace(rig):
    """RF-06: where the definition says that the server takes the old token no longer, a lost answer is not followed by
    another request at once, but by exactly one when its time has come."""
    problems = []
    for grace, expected in ((60, "kept"), (0, "interrupted")):
        server = TokenEndpoint(grace)
        home, family = rig.connected(server, grace="0")
        server.drop = 1
        first = rig.run(home, "fresh")
        at_once = family.requests
        deadline = time.monotonic() + 60
        while family.requests == at_once and time.monotonic() < deadline:
            time.sleep(0.2)
            again = rig.run(home, "fresh")
        for _ in range(2):
            rig.run(home, "fresh")
        shown = rig.ok(home, "show").split()
        kept = again.returncode == 0 and shown[1:3] == [family.token(), "usable"]
        interrupted = again.returncode != 0 and shown[2] == "interrupted_rotation"
        if first.returncode == 0 or at_once != 1 or family.requests != 2 or not (kept if expected == "kept" else interrupted):
            problems.append(f"after the grace, {expected}: {at_once} at once, {family.requests} requests, {first.stderr}{again.stdout}{again.stderr}{shown}")
        server.close()
    return problems


def full_disk(rig):
    """RF-03, RF-05: a disk that is really full: before the request nothing is sent; after the answer nothing is lost."""
    mount = os.path.join(rig.scratch, "small")
    os.mkdir(mount)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount], capture_output=True).returncode != 0:
        print("full disk: not tried, as mounting is not allowed here")
        return []
    problems = []
    try:
        for when in ("before", "after"):
            server = TokenEndpoint(0)
            home, name = os.path.join(mount, when), f"full-{when}"
            shutil.copytree(rig.template, home)
            rig.ok(home, "connect", server.url, name)
            family, ballast = server.family(name), os.path.join(mount, "ballast")

            def fill(_=None):
                with open(ballast, "wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(bytes(4096))
                    except OSError:
                        pass

            if when == "before":
                fill()
            else:
                server.on_commit = fill
            done = rig.run(home, "fresh")
            if when == "before" and (family.requests != 0 or "storage" not in done.stderr):
                problems.append(f"full before: {family.requests} requests, {done.stderr}")
            if when == "after" and family.commits != 1:
                problems.append(f"full after: {family.commits} commits")
            os.unlink(ballast)
            server.on_commit = None
            rig.ok(home, "fresh")
            shown = rig.ok(home, "show").split()
            if shown[1:] != [family.token(), "usable", "whole"] or family.requests != 1 or family.alarms:
                problems.append(f"full {when}: {shown}, {family.requests} requests, {family.alarms} alarms; first: {done.stdout}{done.stderr}")
            shutil.rmtree(home)
            server.close()
    finally:
        subprocess.run(["umount", mount], check=False)
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    options = parser.parse_args()
    if not shutil.which("strace"):
        sys.exit("strace is not installed; run ./dev setup")
    rig = Rig(os.path.abspath(options.tool))
    try:
        strict, lenient = TokenEndpoint(0), TokenEndpoint(600)
        calls = calls_of(rig, lenient)
        chosen = [call for call in calls if call[0] in DISK or call[0] in OTHERS]
        jobs = [(server, is_strict, call, "signal=SIGKILL") for server, is_strict in ((lenient, False), (strict, True)) for call in chosen]
        for error in ("ENOSPC", "EIO"):
            jobs += [(strict, True, call, f"error={error}") for call in calls if call[0] in FAULTS]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda job: disturbed(rig, *job), jobs))
        counts = {}
        for (_, is_strict, _, injection), (outcome, _) in zip(jobs, results):
            key = (injection.split("=")[1], "strict" if is_strict else "grace", outcome)
            counts[key] = counts.get(key, 0) + 1
        for key, count in sorted(counts.items()):
            print(*key, count)
        problems = [problem for _, problem in results if problem]
        problems += dropped_answers(rig) + after_the_grace(rig) + full_disk(rig)
        if counts.get(("SIGKILL", "grace", "kept"), 0) < 30:
            problems.append("too few points")
        print(*problems[:25], sep="\n")
        sys.exit(1 if problems else 0)
    finally:
        shutil.rmtree(rig.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
