#!/usr/bin/env python3
"""The vault's key in a real Secret Service (gnome-keyring on a bus of its own), and what happens without one (VA-04,
VA-06). usage: secret_service_test.py <vault_tool>
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED:", text, file=sys.stderr)


class Desktop:
    """A session bus and, if wanted, an unlocked keyring, with a home of their own."""

    def __init__(self, scratch, keyring=True):
        self.home = tempfile.mkdtemp(dir=scratch)
        runtime = os.path.join(self.home, "run")
        os.mkdir(runtime, 0o700)
        self.environment = {"HOME": self.home, "XDG_RUNTIME_DIR": runtime, "XDG_DATA_HOME": os.path.join(self.home, "data"),
                            "PATH": os.environ["PATH"], "LC_ALL": "C"}
        # Only what this test starts may answer on the bus: nothing is activated by name.
        config = os.path.join(self.home, "bus.conf")
        open(config, "w").write('<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
                                '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>session</type>'
                                f'<listen>unix:path={runtime}/bus</listen><auth>EXTERNAL</auth><policy context="default">'
                                '<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>')
        self.bus = subprocess.Popen(["dbus-daemon", "--config-file", config, "--nofork", "--print-address"], stdout=subprocess.PIPE,
                                    env=self.environment, text=True)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self.bus.stdout.readline().strip()
        self.keyring = self.start_keyring() if keyring else None

    def start_keyring(self):
        daemon = subprocess.Popen(["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment)
        daemon.stdin.write(b"login password")
        daemon.stdin.close()
        for _ in range(200):
            asked = subprocess.run(["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets",
                                    "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.ReadAlias", "string:default"],
                                   capture_output=True, env=self.environment)
            if b"collection/" in asked.stdout:
                return daemon
            time.sleep(0.05)
        raise RuntimeError("the keyring does not start")

    def stop_keyring(self):
        self.keyring.terminate()
        self.keyring.wait()
        self.keyring = None

    def close(self):
        if self.keyring:
            self.stop_keyring()
        self.bus.terminate()
        self.bus.wait()

    def run(self, tool, home, *words):
        return subprocess.run([tool, home, *words], capture_output=True, text=True, env=self.environment, timeout=60)


def normal_life(tool, scratch):
    desktop, home = Desktop(scratch), os.path.join(scratch, "vault")
    made = desktop.run(tool, home, "put", "a", "one")
    expect(made.returncode == 0, f"put: {made.stderr}")
    status = desktop.run(tool, home, "status").stdout
    expect("source=secret-service" in status and "seals=true" in status, f"status: {status}")
    expect(not any(name.endswith(".key") for name in os.listdir(home)), "there is a key file beside the keyring")
    expect(desktop.run(tool, home, "get", "a").stdout == "1 one\n", "get")
    attributes = re.search(r"vault=(\w+), key=(\w+)", status)
    expect(attributes is not None, "the status names the item")

    desktop.stop_keyring()  # the key survives a new login
    gone = desktop.run(tool, home, "get", "a")
    expect(gone.returncode == 10 + 17 or "key_missing" in gone.stderr, f"without the service: {gone.stderr}")
    expect(not any(name.endswith(".key") for name in os.listdir(home)), "a key was made (VA-06)")
    desktop.keyring = desktop.start_keyring()
    expect(desktop.run(tool, home, "get", "a").stdout == "1 one\n", "get after a new login")

    processes = [subprocess.Popen([tool, home, "add", "n", "2"], env=desktop.environment) for _ in range(8)]
    expect(all(process.wait() == 0 for process in processes), "racing processes")
    expect(desktop.run(tool, home, "get", "n").stdout.endswith(" 16\n"), "an update was lost")

    expect(desktop.run(tool, home, "rotate", "file").returncode == 0, "rotate to a file")
    expect("source=file" in desktop.run(tool, home, "status").stdout, "the key is in a file now")
    desktop.stop_keyring()
    expect(desktop.run(tool, home, "get", "a").stdout == "1 one\n", "get without the keyring")
    desktop.close()
    print("a key in the keyring: made, used, missed, moved")


def first_start_races(tool, scratch):
    desktop, home = Desktop(scratch), os.path.join(scratch, "race")
    processes = [subprocess.Popen([tool, home, "put", f"p{i}", "x"], env=desktop.environment, stdout=subprocess.DEVNULL) for i in range(8)]
    expect(all(process.wait() == 0 for process in processes), "a racing first start failed")
    listed = desktop.run(tool, home, "list").stdout
    expect(len(listed.splitlines()) == 8, f"records were lost: {listed}")
    desktop.close()
    print("racing first starts with a keyring")


def without_a_service(tool, scratch):
    # A bus where nobody is a Secret Service, one whose keyring has no default collection yet, one that never answers.
    desktop, home = Desktop(scratch, keyring=False), os.path.join(scratch, "nobody")
    began = time.monotonic()
    made = desktop.run(tool, home, "put", "a", "one")
    expect(made.returncode == 0 and os.path.exists(os.path.join(home, "vault.key")), f"no service: {made.stderr}")
    expect(time.monotonic() - began < 10, "no service: too slow")
    desktop.close()

    path = os.path.join(scratch, "silent")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    held = []
    threading.Thread(target=lambda: [held.append(listener.accept()) for _ in range(8)], daemon=True).start()
    environment = {"PATH": os.environ["PATH"], "HOME": scratch, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}
    home = os.path.join(scratch, "mute")
    began = time.monotonic()
    made = subprocess.run([tool, home, "put", "a", "one"], capture_output=True, text=True, env=environment, timeout=60)
    took = time.monotonic() - began
    expect(made.returncode == 0 and os.path.exists(os.path.join(home, "vault.key")), f"silent bus: {made.stderr}")
    expect(took < 10, f"silent bus: {took:.1f} s")
    print(f"no service: a file instead, after {took:.1f} s when the bus is silent")


def main():
    tool = os.path.abspath(sys.argv[1])
    missing = [name for name in ("dbus-daemon", "dbus-send", "gnome-keyring-daemon") if not shutil.which(name)]
    expect(not missing, f"not installed, run ./dev setup: {missing}")
    with tempfile.TemporaryDirectory(prefix="claviger-keyring-", ignore_cleanup_errors=True) as scratch:
        if not missing:
            normal_life(tool, scratch)
            first_start_races(tool, scratch)
            without_a_service(tool, scratch)
    print("failures:", len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
