"""A damaged vault: what still works, and `vault repair` (ST-06, VA-12)."""
import json, sqlite3
from harness import *
from test_key_sources import PROVIDER, provider


def damage(world, sql):
    database = sqlite3.connect(world.home / "vault.db")
    database.execute(sql)
    database.commit()
    database.close()


def shown(world, name, **how):
    return world.run("get", "acme", "--connection", name, "--field", "api_key", "--show-secret", secret_output=True, **how).stdout.strip()


def ST06_VA12_one_damaged_record_and_its_repair(world):
    provider(world)
    keys = {name: world.canaries.new(name) for name in ("home", "play", "work")}
    for name, key in keys.items():
        world.run("login", "acme", "--connection", name, "--input", "stdin", stdin=key)
    contains(world.run("vault", "repair", "--yes").stdout, "is whole", "nothing to repair")
    check(not list(world.home.glob("*.damaged")), "a copy of a whole vault")
    damage(world, "UPDATE records SET sealed = zeroblob(length(sealed)) WHERE id = 'acme/play'")
    listed = world.run("list", "--connected", "--json")
    equal(len(json.loads(listed.stdout)["providers"][0]["connections"]), 3, "a damaged connection hides no other")
    contains(listed.stderr, "acme/play", "and is named")
    for name in ("home", "work"):
        equal(shown(world, name), keys[name], name)
    contains(world.run("get", "acme", "--connection", "play", code=None).stderr, "cannot be trusted", "the damaged one")
    world.run("vault", "status", "--full", code=14)

    contains(world.run("vault", "repair", code=2).stderr, "--yes", "asks first")
    before = (world.home / "vault.db").read_bytes()
    repaired = world.run("vault", "repair", "--yes", "--json", code=14)
    report = json.loads(repaired.stdout)
    equal(report["status"], "repaired", "status")
    equal(len(report["lost"]), 1, f"lost: {report}")
    contains(report["lost"][0], "acme/play", "what was lost")
    copy = pathlib.Path(report["damaged_copy"])
    check(copy.parent == world.home and oct(copy.stat().st_mode & 0o777) == "0o600", f"{copy}")
    check(copy.read_bytes() == before, "the copy is the damaged file")
    status = json.loads(world.run("vault", "status", "--full", "--json").stdout)
    check(status["integrity_ok"] and status["seals_ok"], f"{status}")
    for name in ("home", "work"):
        equal(shown(world, name), keys[name], name)
    world.run("get", "acme", "--connection", "play", code=None)
    world.run("login", "acme", "--connection", "play", "--input", "stdin", stdin=keys["play"])
    equal(shown(world, "play"), keys["play"], "logged in again")
    contains(world.run("vault", "repair", "--yes").stdout, "is whole", "afterwards")


def VA12_a_login_mends_a_damaged_connection(world):
    provider(world)
    key = world.canaries.new("key")
    world.run("login", "acme", "--input", "stdin", stdin=world.canaries.new("old key"))
    damage(world, "UPDATE records SET sealed = zeroblob(length(sealed)) WHERE kind IN ('connection', 'default')")
    world.run("login", "acme", "--force", "--input", "stdin", stdin=key)
    equal(shown(world, "default"), key, "the new key")
    world.run("vault", "status", "--full")
    damage(world, "DELETE FROM records WHERE kind = 'connection'")
    contains(world.run("list").stderr, "missing", "a record that was taken away is missed")


def VA12_what_is_unknown_is_not_made_up(world):
    provider(world)
    world.run("login", "acme", "--input", "stdin", stdin=world.canaries.new("key"))
    damage(world, "UPDATE root SET sealed = CAST(substr(sealed, 1, length(sealed) - 8) || zeroblob(8) AS BLOB)")
    result = world.run("vault", "status", "--json", code=14)
    status = json.loads(result.stdout)
    equal([status[name] for name in ("generation", "records", "audit_entries", "data_key_created_at")], [None] * 4, f"{status}")
    text = world.run("vault", "status", code=14)
    contains(text.stdout, "data_key_created_at: unknown\n", "in words")
    contains(text.stderr, "claviger vault repair", "the hint of vault status")
    contains(world.run("list", code=10).stderr, "claviger vault repair", "the hint of list")
    contains(world.run("doctor", code=14).stdout, "claviger vault repair", "the hint of doctor")


def VA12_damage_is_said_in_words(world):
    provider(world)
    for name in ("home", "work"):
        world.run("login", "acme", "--connection", name, "--input", "stdin", stdin=world.canaries.new(name))
    damage(world, "UPDATE records SET key_id = 95 WHERE id = 'acme/work'")
    lost = json.loads(world.run("vault", "repair", "--yes", "--json", code=14).stdout)["lost"]
    equal(len(lost), 1, f"{lost}")
    contains(lost[0], "acme/work", "which record")
    contains(lost[0], "the data key that it was sealed with is not in the vault", "why")
    path = world.home / "vault.db"
    data = bytearray(path.read_bytes())
    for at in range(2 * 4096 - 64, len(data), 4096):
        data[at:at + 24] = b"\xff" * 24
    path.write_bytes(data)
    said = world.run("vault", "status", code=None)
    for text in (said.stdout + said.stderr, world.run("doctor", code=14).stdout):
        check("***" not in text and "u{a}" not in text, f"SQLite's own layout: {text}")


def the_journal_knows_before_the_file_changes(world):
    """`register` and `remove` write their line first: killed at the change of the file, the line is there."""
    provider(world)
    world.run("login", "acme", "--input", "stdin", stdin=world.canaries.new("key"))
    second = world.definition("second", **{k: v for k, v in PROVIDER.items() if k not in ("name", "schema_version", "display_name")})

    def events():
        database = sqlite3.connect(f"file:{world.home}/vault.db?mode=ro", uri=True)
        rows = [" ".join(row) for row in database.execute("SELECT event, subject FROM audit ORDER BY sequence")]
        database.close()
        return rows

    providers = world.home / "providers"
    providers.chmod(0o500)
    try:
        if os.geteuid() != 0:
            world.run("register", second, "--yes", code=None)
            contains(" ".join(events()), "definition.registered second definition.not_registered second", "a failure is noted")
    finally:
        providers.chmod(0o700)
    world.run("register", second, "--yes")
    check("definition.registered second" in events(), "registered")
    trace = world.directory / "trace"
    done = subprocess.run(["strace", "-f", "-y", "-o", trace, "-e", "trace=fdatasync,unlink,unlinkat", world.program, "remove", "acme", "--yes"],
                          env=world.environment(), capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)
    lines = trace.read_text().splitlines()
    synced = next(i for i, line in enumerate(lines) if "fdatasync" in line and "vault.db-wal" in line)
    removed = next(i for i, line in enumerate(lines) if "unlink" in line and "acme.json" in line)
    check(synced < removed, "the journal is durable before the file goes")
    equal(events()[-2:], ["connection.erased acme/default", "definition.removed acme"], "the journal")


if __name__ == "__main__":
    main(ST06_VA12_one_damaged_record_and_its_repair, VA12_a_login_mends_a_damaged_connection,
         VA12_what_is_unknown_is_not_made_up, VA12_damage_is_said_in_words, the_journal_knows_before_the_file_changes)
