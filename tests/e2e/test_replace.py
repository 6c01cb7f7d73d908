"""A vault that is repaired or restored while another command writes: what that command reported is there afterwards (ST-01)."""
import sqlite3
from harness import *

DEFINITION = {"auth_type": "api_key", "flow": "api_key", "api_url": "api.acme.example", "api_key": {"header_name": "X-Acme-Key", "header_prefix": ""}}
# strace holds the replacing process at each call that stands between its look at the old file and the new one's name.
PLACES = [("unlink", 1), ("unlink", 3), ("link", 1), ("rename", 1), ("rename", 2)]


def connected(world, *names):
    world.definition("acme", **DEFINITION)
    world.run("register", world.directory / "acme.json", "--yes")
    for name in names:
        world.run("login", "acme", "--connection", name, "--input", "stdin", stdin=world.canaries.new(name))


def during(world, call, count, *command, stdin=None):
    """Runs `command`, and a login while it is held; gives the exit codes of both."""
    log = world.directory / "strace"
    log.write_text("")
    held = subprocess.Popen(["strace", "-f", "-o", log, "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=1500000:when={count}", world.program, *map(str, command)],
                            env=world.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(0,))
    held.stdin.write((stdin or "").encode())
    held.stdin.close()
    held.stdin = None
    time.sleep(0.7)
    login = world.run("login", "acme", "--connection", "new", "--input", "stdin", stdin=world.canaries.new("new"), code=None)
    out, err = held.communicate(timeout=60)
    world.keep(command, out, err, False)
    return held.returncode, login, err.decode()


def ST01_nothing_reported_is_lost_in_a_repair(world):
    connected(world, "a", "b")
    acknowledged = refused = 0
    for call, count in PLACES:
        with contextlib.closing(sqlite3.connect(world.home / "vault.db")) as database:
            database.execute("UPDATE records SET sealed = zeroblob(length(sealed)) WHERE id = 'acme/b'")
            database.commit()
        _, login, _ = during(world, call, count, "vault", "repair", "--yes")
        if login.returncode == 0:
            acknowledged += 1
            world.run("get", "acme", "--connection", "new")
        else:
            refused += 1
            contains(login.stderr, "again", f"at {call} {count}, what to do")
        world.run("vault", "repair", "--yes", code=None)
        world.run("get", "acme", "--connection", "a")
        world.run("login", "acme", "--connection", "b", "--force", "--input", "stdin", stdin=world.canaries.new("b"))
        world.run("logout", "acme", "--connection", "new", code=None)
    print(f"repair: {acknowledged} logins acknowledged and there, {refused} refused")


def ST01_nothing_reported_is_lost_in_a_restore(world):
    connected(world, "a")
    passphrase = world.canaries.new("backup")
    file = world.directory / "backup.age"
    with_passphrase(world, passphrase, "vault", "backup", file)
    for call, count in PLACES:
        world.run("logout", "acme", "--connection", "new", code=None)
        kept = set(world.home.glob("vault.db.*.old"))
        reading, writing = os.pipe()
        os.write(writing, passphrase.encode() + b"\n")
        os.close(writing)
        log = world.directory / "strace"
        held = subprocess.Popen(["strace", "-f", "-o", log, "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=1500000:when={count}", world.program,
                                 "vault", "restore", "--replace", "--backup-passphrase-fd", str(reading), str(file)],
                                env=world.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(reading,))
        os.close(reading)
        time.sleep(0.9)
        login = world.run("login", "acme", "--connection", "new", "--input", "stdin", stdin=world.canaries.new("new"), code=None)
        out, err = held.communicate(timeout=60)
        world.keep(["vault", "restore"], out, err, False)
        if login.returncode == 0 and world.run("get", "acme", "--connection", "new", code=None).returncode != 0:
            # It was there before the backup took its place: then it is in the file that is kept.
            aside = set(world.home.glob("vault.db.*.old")) - kept
            check(len(aside) == 1, f"at {call} {count}: the login is lost, and {len(aside)} old files are kept: {err.decode()}")
            with contextlib.closing(sqlite3.connect(aside.pop())) as database:
                equal(database.execute("SELECT count(*) FROM records WHERE id = 'acme/new'").fetchone()[0], 1, f"the login in the old file, at {call} {count}")


def with_passphrase(world, passphrase, *arguments):
    reading, writing = os.pipe()
    os.write(writing, passphrase.encode() + b"\n")
    os.close(writing)
    try:
        return world.run(*arguments[:2], "--backup-passphrase-fd", reading, *arguments[2:], pass_fds=(reading,))
    finally:
        os.close(reading)


if __name__ == "__main__":
    main(ST01_nothing_reported_is_lost_in_a_repair, ST01_nothing_reported_is_lost_in_a_restore)
