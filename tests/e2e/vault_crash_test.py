#!/usr/bin/env python3
"""Kills the vault at every call that changes the disk, starves it of space, and races it.

For each operation every write, sync, rename, link, unlink, truncate and directory call is found with strace, then the
operation is run once per call with a SIGKILL in its place (ST-01, ST-02, VA-11, G1), and once per call with ENOSPC and
EIO instead (ST-04, ST-05, G3). Afterwards the vault must open, be whole, and hold the state before or after.
A loss of power is replayed from a recording of every write and sync (ST-03), and a disk that is really full is a small
tmpfs (ST-04).

usage: vault_crash_test.py <vault_tool> [--only name] [--rounds n] [--thorough]
Without --thorough, disk errors are tried where they tell something new: both kinds for put and erase, ENOSPC for the rest,
and EIO at every sync of all of them.
"""
import argparse
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

CALLS = ("write pwrite64 fsync fdatasync rename renameat2 link linkat unlink unlinkat ftruncate mkdir fchmod fchown "
         "fallocate").split()
# Those that can run out of space or meet a bad disk; the standard streams are not the vault's.
FAULTS = "write pwrite64 fsync fdatasync rename link linkat ftruncate mkdir".split()
CORRUPT_OK = {"storage", "limit"}


class Failure(Exception):
    pass


class Rig:
    def __init__(self, tool, scratch, thorough):
        self.thorough = thorough
        self.tool = tool
        self.scratch = scratch
        self.environment = {k: v for k, v in os.environ.items()
                            if k not in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
        self.environment["CLAVIGER_TEST_WORK_FACTOR"] = "6"  # the cost of scrypt is not what is tested

    def run(self, home, *words, strace=None):
        command = [self.tool, home, *words]
        if strace is not None:
            command = ["strace", "-f", "-qq", *strace, *command]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=120)

    def ok(self, home, *words):
        done = self.run(home, *words)
        if done.returncode != 0:
            raise Failure(f"{words}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def fresh(self, template):
        place = tempfile.mkdtemp(dir=self.scratch)
        home = os.path.join(place, "home")
        if template:
            shutil.copytree(template, home, symlinks=True)
        return place, home


class Operation:
    """words: the command. prepare: commands run once to make the template. look: what tells before from after."""

    def __init__(self, name, words, prepare=(), look=(("get", "a"),), faults=("ENOSPC",)):
        self.name, self.words, self.prepare, self.look, self.faults = name, words, prepare, look, faults


FILL = [("put", f"r{i}", f"value-{i}") for i in range(6)]
OPERATIONS = [
    Operation("first start", ("open",), look=()),
    Operation("first put", ("put", "a", "one"), faults=()),
    Operation("put", ("put", "a", "two"), prepare=[("put", "a", "one")], faults=("ENOSPC", "EIO")),
    Operation("erase", ("erase", "a"), prepare=[("put", "a", "one"), ("put", "b", "other")], faults=("ENOSPC", "EIO")),
    Operation("rotate", ("rotate",), prepare=FILL, look=[("get", "r3")]),
    Operation("rotate to a new file", ("rotate", "file"), prepare=FILL, look=[("get", "r3")]),
    Operation("rotate to a passphrase", ("rotate", "passphrase"), prepare=FILL[:2], look=[("get", "r1")], faults=()),
    Operation("backup", ("backup", "@/backup.age"), prepare=[("put", "a", "one")], faults=()),
    Operation("restore", ("restore", "@/../template.age"), look=[("get", "a")], faults=()),
    Operation("restore over a vault", ("restore", "@/../template.age", "--replace"), prepare=[("put", "a", "old")],
              look=[("get", "a")], faults=()),
]


def words_in(operation, home):
    return [word.replace("@", home) for word in operation.words]


def calls_of(rig, operation, template):
    """The changing calls of one undisturbed run: [(syscall, n, line)], n counted as strace counts."""
    place, home = rig.fresh(template)
    log = os.path.join(place, "strace.log")
    done = rig.run(home, *words_in(operation, home), strace=["-o", log, "-e", "trace=" + ",".join(CALLS)])
    if done.returncode != 0:
        raise Failure(f"{operation.name} fails undisturbed: {done.stderr}")
    counts, calls = {}, []
    for line in open(log):
        found = re.match(r"(?:\d+ +)?(\w+)\((\d+)?", line)
        if not found or found[1] not in CALLS:
            continue
        counts[found[1]] = counts.get(found[1], 0) + 1
        if found[1] == "write" and found[2] in ("1", "2"):
            continue
        calls.append((found[1], counts[found[1]], line.strip()))
    after = state_of(rig, operation, home)
    shutil.rmtree(place)
    return calls, after


def state_of(rig, operation, home):
    return tuple(rig.ok(home, *look) for look in operation.look)


def check_whole(rig, home):
    status = rig.ok(home, "status")
    if "integrity=true seals=true" not in status or "fault:" in status:
        raise Failure(f"not whole: {status}")


def check_backup(rig, operation, home):
    file = os.path.join(home, "backup.age")
    if operation.name == "backup" and os.path.exists(file):
        rig.ok(home, "restore", file, "--check")  # there means whole


def disturbed(rig, operation, template, before, after, call, injection):
    name, number, line = call
    place, home = rig.fresh(template)
    try:
        done = rig.run(home, *words_in(operation, home),
                       strace=["-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:{injection}:when={number}"])
        killed = "signal=" in injection
        if killed and done.returncode == 0:
            raise Failure("was not killed")
        if not killed and done.returncode != 0 and done.stderr.split(":")[0] not in CORRUPT_OK:
            raise Failure(f"not a clear storage error: exit {done.returncode}: {done.stderr.strip()}")
        if operation.name == "restore" and not os.path.exists(os.path.join(home, "vault.db")):
            state = before
        else:
            state = state_of(rig, operation, home)
            check_whole(rig, home)
        if state not in (before, after):
            raise Failure(f"state {state}, before {before}, after {after}")
        if done.returncode == 0 and state != after:
            raise Failure(f"false success: {state}")
        check_backup(rig, operation, home)
        if os.path.exists(os.path.join(home, "vault.db")) and operation.name == "restore":
            return None
        # And it can be done again, to the end.
        if operation.name not in ("put", "first put"):
            rig.ok(home, *words_in(operation, home))
            if state_of(rig, operation, home) != after:
                raise Failure("not completed by a second run")
        check_whole(rig, home)
        return None
    except (Failure, subprocess.TimeoutExpired) as failure:
        return f"{operation.name}: {injection} at {name} #{number} ({line[:100]}): {failure}"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def template_of(rig, operation):
    if not operation.prepare:
        return None, tuple("absent" for _ in operation.look)
    place, home = rig.fresh(None)
    for words in operation.prepare:
        rig.ok(home, *words)
    return home, state_of(rig, operation, home)


def enumerate_operation(rig, operation, workers):
    template, before = template_of(rig, operation)
    calls, after = calls_of(rig, operation, template)
    jobs = [(call, "signal=SIGKILL") for call in calls]
    errors = ("ENOSPC", "EIO") if rig.thorough else operation.faults
    jobs += [(call, f"error={error}") for call in calls if call[0] in FAULTS for error in errors]
    if "EIO" not in errors:
        jobs += [(call, "error=EIO") for call in calls if call[0] in ("fsync", "fdatasync")]  # ST-05
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = pool.map(lambda job: disturbed(rig, operation, template, before, after, *job), jobs)
        failures = [failure for failure in results if failure]
    kills = len(calls)
    print(f"{operation.name}: {kills} kill points, {len(jobs) - kills} disk errors, {len(failures)} failures", flush=True)
    return failures, kills, len(jobs) - kills


class Disk:
    """The vault's files as a disk has them: what was synced, and what was written since and may be lost, in part, in any order."""

    FILES = ("vault.db", "vault.db-wal")

    def __init__(self, home):
        self.synced = {name: self.load(home, name) for name in self.FILES}
        self.pending = {name: [] for name in self.FILES}

    @staticmethod
    def load(home, name):
        path = os.path.join(home, name)
        return open(path, "rb").read() if os.path.exists(path) else b""

    @staticmethod
    def applied(data, writes):
        data = bytearray(data)
        for kind, offset, content in writes:
            if kind == "truncate":
                data = data[:offset] + bytes(max(0, offset - len(data)))
                continue
            if len(data) < offset:
                data += bytes(offset - len(data))
            data[offset:offset + len(content)] = content
        return bytes(data)

    def happen(self, event):
        kind, name, offset, content = event
        if kind == "sync":
            self.synced[name] = self.applied(self.synced[name], self.pending[name])
            self.pending[name] = []
        else:
            self.pending[name].append((kind, offset, content))

    def after_power_loss(self, how, dice):
        """{name: content}: 'none', 'all', 'some' (any of the writes since the sync) or 'torn' (and some of their sectors)."""
        result = {}
        for name in self.FILES:
            writes = self.pending[name] if how != "none" else []
            if how in ("some", "torn"):
                writes = [w for w in writes if dice.random() < 0.6]
            if how == "torn":
                sectors = []
                for kind, offset, content in writes:
                    if kind == "truncate":
                        sectors.append((kind, offset, content))
                        continue
                    pieces = [(kind, offset + at, content[at:at + 512]) for at in range(0, len(content), 512)]
                    sectors += [piece for piece in pieces if dice.random() < 0.7]
                writes = sectors
            result[name] = self.applied(self.synced[name], writes)
        return result


def recorded(rig, home, words):
    """Every write, truncation and sync of the vault's files in one run."""
    log = home + ".strace"
    done = rig.run(home, *words, strace=["-o", log, "-y", "-xx", "-s", "200000", "-e", "trace=pwrite64,write,ftruncate,fsync,fdatasync"])
    if done.returncode != 0:
        raise Failure(f"{words} fails undisturbed: {done.stderr}")
    events = []
    for line in open(log):
        found = re.match(r'(?:\d+ +)?(\w+)\(\d+<((?:\\x[0-9a-f]{2})+|[^>]*)>(?:, (.*))?\) += (-?\d+)', line)
        if not found:
            continue
        call, path, arguments, result = found.groups()
        if path.startswith("\\x"):
            path = bytes.fromhex(path.replace("\\x", "")).decode()
        name = os.path.basename(path)
        if name not in Disk.FILES or int(result) < 0:
            continue
        if call == "pwrite64":
            data, size, offset = re.match(r'"((?:\\x[0-9a-f]{2})*)", (\d+), (\d+)', arguments).groups()
            content = bytes.fromhex(data.replace("\\x", ""))
            if len(content) != int(size):
                raise Failure("a write was not recorded whole")
            events.append(("write", name, int(offset), content))
        elif call == "ftruncate":
            events.append(("truncate", name, int(arguments), b""))
        elif call in ("fsync", "fdatasync"):
            events.append(("sync", name, 0, b""))
        else:
            raise Failure(f"an unexpected call: {line[:100]}")
    os.unlink(log)
    return events


def power_loss(rig, workers):
    """ST-03: power goes after any write; of what was not synced any part may be on the disk."""
    place, home = rig.fresh(None)
    for words in [("put", "a", "one"), ("put", "b", "other"), ("add", "counter", "2")]:
        rig.ok(home, *words)
    look = [("get", "a"), ("get", "b"), ("get", "counter")]

    def state(where):
        return tuple(rig.ok(where, *words) for words in look)

    steps = [("add", "counter", "5"), ("put", "a", "two" * 3000), ("erase", "b"), ("rotate",), ("put", "a", "three")]
    dice, jobs, points = random.Random(3), [], 0
    for words in steps:
        before, disk = state(home), Disk(home)
        events = recorded(rig, home, words)
        after = state(home)
        points += len(events)
        keys = Disk.load(home, "vault.key")
        for number, event in enumerate(events):
            disk.happen(event)
            if number == len(events) - 1:
                before = after  # the command has returned: acknowledged is durable (ST-01)
            if event[0] == "sync":
                cases = ["none"]
            else:
                cases = ["none", "all", "some", "torn", "torn"]
            jobs += [(words, disk.after_power_loss(how, dice), keys, before, after, how) for how in cases]
    unique = {tuple(job[1].values()): job for job in jobs}

    def check(job):
        words, files, keys, before, after, how = job
        spot, crashed = rig.fresh(None)
        os.mkdir(crashed, 0o700)
        try:
            for name, content in [*files.items(), ("vault.key", keys)]:
                with open(os.open(os.path.join(crashed, name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                    file.write(content)
            check_whole(rig, crashed)
            now = state(crashed)
            if words[0] == "add":  # one transaction each
                low, high = int(before[2].split()[-1]), int(after[2].split()[-1])
                good = now[:2] == before[:2] and low <= int(now[2].split()[-1]) <= high
            else:
                good = now in (before, after)
            if not good:
                raise Failure(f"state {now}")
            rig.ok(crashed, "put", "again", "works")
            return None
        except (Failure, subprocess.TimeoutExpired) as failure:
            return f"power loss in {words[:2]} ({how}): {failure}"
        finally:
            shutil.rmtree(spot, ignore_errors=True)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        failures = [failure for failure in pool.map(check, unique.values()) if failure]
    shutil.rmtree(place)
    print(f"power loss: {points} writes and syncs, {len(unique)} states of the disk, {len(failures)} failures", flush=True)
    return failures


def full_disk(rig):
    """ST-04 on a file system that is really full: a clear error, nothing lost, and it works again once there is room."""
    place, home = rig.fresh(None)
    os.mkdir(home, 0o700)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", home], capture_output=True).returncode != 0:
        print("SKIPPED: a full disk, as tmpfs cannot be mounted here")
        return []
    try:
        ballast = os.path.join(home, "ballast")
        with open(ballast, "wb") as file:
            file.write(bytes(128 << 10))
        held, failures = 0, []
        while held < 500:
            done = rig.run(home, "put", f"r{held}", "x" * 3000)
            if done.returncode != 0:
                break
            held += 1
        if done.stderr.split(":")[0] != "storage" or held == 0:
            failures.append(f"full disk: after {held} records: {done.stderr.strip()}")
        for again in range(5):
            if rig.run(home, "put", "late", "x" * 3000).returncode == 0:
                failures.append("full disk: an impossible success")
        kept = sum(rig.run(home, "get", f"r{i}").stdout.startswith("1 xxx") for i in range(held))
        if kept != held:
            failures.append(f"full disk: {held - kept} of {held} records cannot be read")
        os.unlink(ballast)
        rig.ok(home, "put", "late", "there is room")
        check_whole(rig, home)
        if rig.ok(home, "get", "late") != "1 there is room" or any(rig.ok(home, "get", f"r{i}") != "1 " + "x" * 3000 for i in range(held)):
            failures.append("full disk: something was lost")
    except Failure as failure:
        failures = [f"full disk: {failure}"]
    finally:
        subprocess.run(["umount", home], check=False)
        shutil.rmtree(place, ignore_errors=True)
    print(f"full disk: {held} records fitted, {len(failures)} failures", flush=True)
    return failures


def race(rig, rounds, processes=16):
    """Processes that start at once on an empty home lose nothing (G20, VA-05, ST-07)."""
    failures = []
    for number in range(rounds):
        place, home = rig.fresh(None)
        running = [subprocess.Popen([rig.tool, home, *words], env=rig.environment, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True)
                   for i in range(processes)
                   for words in [("add", "counter", "2") if i % 2 else ("put", f"p{i}", f"value-{i}")]]
        for process in running:
            error = process.communicate()[1]
            if process.returncode != 0:
                failures.append(f"race {number}: exit {process.returncode}: {error.strip()}")
        try:
            check_whole(rig, home)
            if rig.ok(home, "get", "counter").split()[-1] != str(processes):
                failures.append(f"race {number}: an update was lost")
            for i in range(0, processes, 2):
                if rig.ok(home, "get", f"p{i}") != f"1 value-{i}":
                    failures.append(f"race {number}: record p{i} was lost")
            keys = [name for name in os.listdir(home) if name.endswith(".key")]
            if keys != ["vault.key"]:
                failures.append(f"race {number}: keys {keys}")
        except Failure as failure:
            failures.append(f"race {number}: {failure}")
        shutil.rmtree(place)
    print(f"race: {rounds} rounds of {processes} processes, {len(failures)} failures", flush=True)
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--only")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--thorough", action="store_true")
    arguments = parser.parse_args()
    failures, kills, errors = [], 0, 0
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="claviger-crash-", dir=memory) as scratch:
        rig = Rig(os.path.abspath(arguments.tool), scratch, arguments.thorough)
        # For the restores: a backup made once.
        place, home = rig.fresh(None)
        rig.ok(home, "put", "a", "from the backup")
        backup = os.path.join(scratch, "template.age")
        rig.ok(home, "backup", backup)
        for operation in OPERATIONS:
            if arguments.only and arguments.only != operation.name:
                continue
            operation.words = tuple(word.replace("@/../template.age", backup) for word in operation.words)
            failed, killed, erred = enumerate_operation(rig, operation, os.cpu_count() or 2)
            failures, kills, errors = failures + failed, kills + killed, errors + erred
        if not arguments.only or arguments.only == "power loss":
            failures += power_loss(rig, os.cpu_count() or 2)
        if not arguments.only or arguments.only == "full disk":
            failures += full_disk(rig)
        if not arguments.only or arguments.only == "race":
            failures += race(rig, arguments.rounds)
    for failure in failures[:40]:
        print(failure, file=sys.stderr)
    print(f"total: {kills} kill points, {errors} disk errors, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
