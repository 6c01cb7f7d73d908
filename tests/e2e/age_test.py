#!/usr/bin/env python3
"""Our age files against others' (VA-15): Debian's age reads what we write, we read what it writes, and the vectors of
CCTV (npm cctv-age) say what to accept and what to refuse.

usage: age_test.py <vault_tool>
"""
import hashlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile

PASSPHRASE = "one two three"
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED:", text, file=sys.stderr)


def tool(binary, *words, passphrase=PASSPHRASE, stdin=b"", home="-"):
    reading, writing = os.pipe()
    os.write(writing, passphrase.encode())
    os.close(writing)
    environment = dict(os.environ, CLAVIGER_TEST_PASSPHRASE_FD=str(reading), CLAVIGER_TEST_WORK_FACTOR="12")
    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
        environment.pop(name, None)
    done = subprocess.run([binary, home, *words], input=stdin, capture_output=True, pass_fds=[reading], env=environment, timeout=120)
    os.close(reading)
    return done


def age(*words):
    """Runs Debian's age, which asks for a passphrase on the terminal only."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("age", ["age", *words])
    shown, answered = b"", 0
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        if not ready:
            break
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        asked = len(re.findall(rb"[Pp]assphrase[^\n]*: ", shown))
        while answered < asked:
            os.write(terminal, PASSPHRASE.encode() + b"\n")
            answered += 1
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


def read(path):
    """age makes no file for an empty output."""
    return open(path, "rb").read() if os.path.exists(path) else b""


def debian_age(binary, scratch):
    sizes = [0, 1, 65535, 65536, 65537, 200000]
    for size in sizes:
        plain = os.urandom(size)
        source, sealed, opened = (os.path.join(scratch, name) for name in ("plain", "sealed.age", "opened"))
        ours = tool(binary, "age-encrypt", stdin=plain)
        expect(ours.returncode == 0, f"encrypting {size} bytes: {ours.stderr}")
        open(sealed, "wb").write(ours.stdout)
        code, shown = age("--decrypt", "-o", opened, sealed)
        expect(code == 0 and read(opened) == plain, f"age does not open ours of {size} bytes: {shown}")
        open(source, "wb").write(plain)
        code, shown = age("--passphrase", "-o", sealed, source)
        expect(code == 0, f"age does not encrypt: {shown}")
        theirs = tool(binary, "age-decrypt", stdin=open(sealed, "rb").read())
        expect(theirs.returncode == 0 and theirs.stdout == plain, f"we do not open age's of {size} bytes: {theirs.stderr}")
        for name in (sealed, opened):
            if os.path.exists(name):
                os.unlink(name)
    print(f"Debian's age: {len(sizes)} sizes both ways")


def backup_is_readable(binary, scratch):
    """A backup is rescued with age alone: the lines are JSON and hold the payload."""
    home, file, lines = (os.path.join(scratch, name) for name in ("home", "backup.age", "lines"))
    # The home's own key is a file; only the backup has the passphrase.
    expect(tool(binary, "put", "acme/default", "canary", home=home).returncode == 0, "put")
    done = tool(binary, "backup", file, home=home)
    expect(done.returncode == 0, f"backup: {done.stderr}")
    code, shown = age("--decrypt", "-o", lines, file)
    expect(code == 0, f"age does not open a backup: {shown}")
    records = [json.loads(line) for line in open(lines)]
    expect(records[0]["format"] == "claviger-backup" and records[-1] == {"end": True}, "the lines of a backup")
    payloads = [line["record"]["payload"] for line in records if "record" in line]
    expect(payloads == ["Y2FuYXJ5"], f"payloads {payloads}")
    print("backup: opened with age alone")


EXPORT = """
import * as all from '%s/index.js';
import fs from 'node:fs';
for (const [name, bytes] of Object.entries(all.default ?? all)) fs.writeFileSync('%s/' + name, bytes);
"""


def fetch_vectors(scratch):
    package, vectors = os.path.join(scratch, "cctv"), os.path.join(scratch, "vectors")
    os.makedirs(package), os.makedirs(vectors)
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", package, "cctv-age@0.2.0"], check=True, capture_output=True, timeout=120)
    archive = next(name for name in os.listdir(package) if name.endswith(".tgz"))
    subprocess.run(["tar", "xzf", os.path.join(package, archive), "-C", package], check=True)
    script = os.path.join(scratch, "export.mjs")
    open(script, "w").write(EXPORT % (os.path.join(package, "package"), vectors))
    subprocess.run(["node", script], check=True)
    return vectors


def cctv(binary, scratch):
    try:
        vectors = fetch_vectors(scratch)
    except (OSError, subprocess.SubprocessError) as problem:
        if os.environ.get("CLAVIGER_OFFLINE"):
            print("SKIPPED: the CCTV vectors cannot be fetched")
            return
        expect(False, f"the CCTV vectors cannot be fetched: {problem}")
        return
    passphrase, file_key, unsupported = 0, 0, []
    for name in sorted(os.listdir(vectors)):
        head, _, body = open(os.path.join(vectors, name), "rb").read().partition(b"\n\n")
        fields = {}
        for line in head.decode().split("\n"):
            key, _, value = line.partition(": ")
            fields.setdefault(key, value)
        if fields.get("compressed") == "zlib":
            import zlib
            body = zlib.decompress(body)
        expected = fields["expect"]
        if "armored" in fields:  # only the binary form is ours
            done = tool(binary, "age-decrypt", stdin=body)
            expect(done.returncode != 0, f"{name}: armor was accepted")
            unsupported.append(name)
        elif "passphrase" in fields:
            passphrase += 1
            done = tool(binary, "age-decrypt", stdin=body, passphrase=fields["passphrase"])
            judge(name, expected, fields, done)
        elif "file key" in fields:
            # For recipients of other kinds the vector names the file key: header, MAC and payload are still ours.
            file_key += 1
            done = tool(binary, "age-decrypt-with", fields["file key"], stdin=body)
            # What only the stanza of the other kind shows is not ours to see.
            if expected in ("success", "payload failure", "HMAC failure") or name.startswith(("stanza", "hmac", "header", "version", "stream", "empty")):
                judge(name, expected, fields, done)
        else:
            done = tool(binary, "age-decrypt", stdin=body)
            expect(done.returncode != 0, f"{name}: accepted")
            unsupported.append(name)
    expect(passphrase >= 20 and file_key >= 50, f"too few vectors: {passphrase}, {file_key}")
    print(f"CCTV: {passphrase} with a passphrase, {file_key} with a file key, {len(unsupported)} of other kinds refused")


def judge(name, expected, fields, done):
    if expected == "success":
        right = done.returncode == 0 and hashlib.sha256(done.stdout).hexdigest() == fields["payload"]
    else:
        # A typed error, not a crash. How much came out before it is not compared: some programs give the last
        # chunk before they see that the file goes on or stops wrongly, ours does not.
        right = done.returncode in range(10, 40)
    expect(right, f"{name}: expected {expected}, exit {done.returncode}: {done.stderr.decode().strip()}")


def main():
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="claviger-age-") as scratch:
        if shutil.which("age"):
            debian_age(binary, scratch)
            backup_is_readable(binary, scratch)
        else:
            expect(False, "age is not installed: run ./dev setup")
        cctv(binary, scratch)
    print("failures:", len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
