"""Where the vault's key is: passphrase, descriptor, file, Secret Service; and the backup (VA-04, VA-06)."""
import json, pty, select
from harness import *

PROVIDER = {"schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "api_key", "flow": "api_key", "api_url": "api.acme.example",
            "api_key": {"header_name": "X-Acme-Key", "header_prefix": ""}}


def provider(world):
    (world.home / "providers").mkdir(parents=True, exist_ok=True)
    for directory in (world.home, world.home / "providers"):
        directory.chmod(0o700)
    (world.home / "providers" / "acme.json").write_text(json.dumps(PROVIDER))


def with_secret(world, option, secret, *arguments, **how):
    """Runs the program with a descriptor from which `secret` is read; several by a list of (option, secret)."""
    pairs = [(option, secret)] if isinstance(option, str) else option
    if not isinstance(option, str):
        arguments = (secret, *arguments)
    words, ends = [], []
    for name, text in pairs:
        reader, writer = os.pipe()
        os.write(writer, text if isinstance(text, bytes) else text.encode())
        os.close(writer)
        ends.append(reader)
        words += [name, str(reader)]
    at = list(arguments).index("--") if "--" in arguments else len(arguments)
    try:
        return world.run(*arguments[:at], *words, *arguments[at:], pass_fds=ends, **how)
    finally:
        for end in ends:
            os.close(end)


def contents(world):
    return {p.name: p.read_bytes() for p in world.home.iterdir() if p.is_file() and not p.name.endswith(("-shm", "-wal"))}


def shown(world, *options):
    reader = ("get", "acme", "--field", "api_key", "--show-secret")
    return (with_secret(world, *options, *reader, secret_output=True) if options else world.run(*reader, secret_output=True)).stdout.strip()


def source(world, *options):
    words = ("vault", "status", "--full", "--json")
    status = json.loads((with_secret(world, *options, *words) if options else world.run(*words)).stdout)
    check(status["integrity_ok"] and status["seals_ok"] and not status["faults"], f"{status}")
    return status["key_source"]


def VA06_a_passphrase(world):
    provider(world)
    world.run("config", "set", "vault.key_source", "passphrase")
    key, right, wrong = world.canaries.new("key"), world.canaries.new("passphrase"), world.canaries.new("wrong passphrase")
    refused = world.run("login", "acme", "--input", "stdin", stdin=key, code=10)
    contains(refused.stderr, "--passphrase-fd", "the hint")
    with_secret(world, "--passphrase-fd", right, "login", "acme", "--input", "stdin", stdin=key)
    equal(source(world, "--passphrase-fd", right), "passphrase", "key source")
    equal(shown(world, "--passphrase-fd", right), key, "the key")
    check("vault.key" not in contents(world), "no key file")
    before = contents(world)
    for arguments in (("vault", "status"), ("get", "acme"), ("logout", "acme"), ("login", "acme", "--force", "--input", "stdin"), ("vault", "rotate"), ("run", "--", "true")):
        refused = with_secret(world, "--passphrase-fd", wrong, *arguments, stdin="another-key", code=10)
        contains(refused.stderr, "passphrase", f"{arguments}")
    equal(contents(world), before, "files after wrong passphrases")
    equal(shown(world, "--passphrase-fd", right), key, "the key afterwards")


def the_key_moves_and_comes_back(world):
    provider(world)
    key, passphrase = world.canaries.new("key"), world.canaries.new("passphrase")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    equal(source(world), "file", "at first")
    with_secret(world, "--new-passphrase-fd", passphrase, "vault", "rotate", "--to", "passphrase")
    equal(source(world, "--passphrase-fd", passphrase), "passphrase", "moved")
    check("vault.key" not in contents(world), "the key file is gone")
    world.run("get", "acme", code=10)
    other = world.canaries.new("other passphrase")
    with_secret(world, [("--passphrase-fd", passphrase), ("--new-passphrase-fd", other)], "vault", "rotate", "--to", "passphrase")
    with_secret(world, "--passphrase-fd", passphrase, "get", "acme", code=10)
    equal(shown(world, "--passphrase-fd", other), key, "the key under another passphrase")
    with_secret(world, "--passphrase-fd", other, "vault", "rotate", "--to", "file")
    equal((source(world), shown(world)), ("file", key), "back")


def VA06_a_key_by_descriptor(world):
    provider(world)
    key, raw, other = world.canaries.new("key"), os.urandom(32), os.urandom(32)
    while b"\n" in (raw[-1:], other[-1:]) or b"\r" in (raw[-1:], other[-1:]):
        raw, other = os.urandom(32), os.urandom(32)
    with_secret(world, "--key-fd", raw, "login", "acme", "--input", "stdin", stdin=key)
    equal(source(world, "--key-fd", raw), "descriptor", "key source")
    equal(shown(world, "--key-fd", raw), key, "the key")
    before = contents(world)
    check("vault.key" not in before, "no key file")
    with_secret(world, "--key-fd", other, "login", "acme", "--force", "--input", "stdin", stdin="x", code=10)
    world.run("get", "acme", code=10)
    world.run("login", "acme", "--force", "--input", "stdin", stdin="x", code=10)
    equal(contents(world), before, "files after wrong keys")


def VA06_a_missing_key_file_is_never_made_again(world):
    provider(world)
    key = world.canaries.new("key")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    file = world.home / "vault.key"
    good = file.read_bytes()
    for name, bad in {"missing": None, "empty": b"", "cut": good[:20], "another": None}.items():
        file.unlink()
        if name == "another":
            world.run("login", "openai", "--input", "stdin", stdin=world.canaries.new("other key", "sk-"), env=world.environment(CLAVIGER_HOME=str(world.user_home / "other")))
            bad = (world.user_home / "other" / "vault.key").read_bytes()
        if bad is not None:
            file.write_bytes(bad)
            file.chmod(0o600)
        before = contents(world)
        for arguments in (("vault", "status"), ("get", "acme"), ("login", "acme", "--force", "--input", "stdin"), ("login", "openai", "--input", "stdin"), ("vault", "rotate")):
            refused = world.run(*arguments, stdin="sk-" + "x" * 30, code=10)
            contains(refused.stderr, "key", f"{name}: {arguments}")
        equal(contents(world), before, f"{name}: files")
        file.write_bytes(good)
        file.chmod(0o600)
        equal(shown(world), key, f"{name}: the key file put back")


def VA04_the_secret_service(world):
    missing = [tool for tool in ("dbus-run-session", "gnome-keyring-daemon", "dbus-send") if not shutil.which(tool)]
    if missing:
        return cannot_run(f"the Secret Service, since {missing} are not installed, run ./dev setup")
    provider(world)
    key = world.canaries.new("key")
    (world.directory / "runtime").mkdir(mode=0o700)
    script = f'''set -e
printf 'a password' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
for i in $(seq 100); do
  dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.Secret.Service.ReadAlias string:default 2>/dev/null | grep -q collection/ && break
  sleep 0.05
done
"$0" login acme --input stdin
"$0" vault status --full --json
"$0" list --connected --json
"$0" vault rotate
"$0" get acme --field status
test ! -e "$CLAVIGER_HOME/vault.key"
dbus-send --session --print-reply --dest=org.gnome.keyring /org/freedesktop/secrets org.freedesktop.Secret.Service.Lock array:objpath:/org/freedesktop/secrets/collection/login >/dev/null 2>&1 || true
'''
    env = world.environment(XDG_RUNTIME_DIR=str(world.directory / "runtime"), XDG_DATA_HOME=str(world.directory / "data"))
    done = subprocess.run(["dbus-run-session", "--", "bash", "-c", script, world.program], input=key, capture_output=True, text=True, env=env, timeout=90)
    check(done.returncode == 0, f"exit code {done.returncode}: {done.stdout} {done.stderr}")
    contains(done.stdout, '"key_source": "secret-service"', "key source")
    contains(done.stdout, "connected\n", "get after the rotation")
    before = contents(world)
    for arguments in (("get", "acme"), ("login", "openai", "--input", "stdin")):  # without the desktop session
        world.run(*arguments, stdin="sk-" + "x" * 30, code=10)
    check("vault.key" not in contents(world), "a key was made")
    equal(contents(world), before, "files")


def age_decrypts(world, file, passphrase):
    """`age -d` asks on its terminal."""
    out = world.directory / "decrypted"
    child, master = pty.fork()
    if child == 0:
        os.execvp("age", ["age", "-d", "-o", str(out), str(file)])
    seen, typed = b"", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if not typed and b"assphrase" in seen:
                os.write(master, passphrase.encode() + b"\n")
                typed = True
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(master)
    check(status == 0, f"age -d: exit code {status}: {seen!r}")
    data = out.read_bytes()
    out.unlink()
    return data


def backup_and_restore(world):
    provider(world)
    key, later, passphrase = world.canaries.new("key"), world.canaries.new("later key"), world.canaries.new("backup passphrase")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    file = world.directory / "backup.age"
    contains(with_secret(world, "--backup-passphrase-fd", passphrase, "vault", "backup", file).stdout, "Wrote", "backup")
    check(file.read_bytes().startswith(b"age-encryption.org/v1\n"), "the age format")
    equal(oct(file.stat().st_mode & 0o777), "0o600", "mode")
    check(not world.canaries.find_in(file.read_bytes()), "a secret in the backup")
    if shutil.which("age"):
        check(len(age_decrypts(world, file, passphrase)) > 100, "age decrypts it")
    else:
        cannot_run("age is not installed, run ./dev setup")
    before = contents(world)
    contains(with_secret(world, "--backup-passphrase-fd", passphrase, "vault", "restore", "--check", file).stdout, "The backup is whole", "--check")
    with_secret(world, "--backup-passphrase-fd", world.canaries.new("wrong"), "vault", "restore", "--check", file, code=None)
    damaged = world.directory / "damaged.age"
    data = bytearray(file.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    damaged.write_bytes(data)
    for bad in (damaged,):
        refused = with_secret(world, "--backup-passphrase-fd", passphrase, "vault", "restore", "--check", bad, code=None)
        check(refused.returncode in (4, 10), f"{bad.name}: exit code {refused.returncode}")
        check(with_secret(world, "--backup-passphrase-fd", passphrase, "vault", "restore", "--replace", bad, code=None).returncode in (4, 10), "a damaged backup replaces nothing")
    check(with_secret(world, "--backup-passphrase-fd", passphrase, "vault", "restore", file, code=None).returncode == 5, "an existing vault is not overwritten")
    equal(contents(world), before, "files")
    world.run("login", "acme", "--force", "--input", "stdin", stdin=later)
    with_secret(world, "--backup-passphrase-fd", passphrase, "vault", "restore", "--replace", file)
    equal(shown(world), key, "the restored key")
    # And into an empty home.
    there = world.user_home / "new-home"
    env = world.environment(CLAVIGER_HOME=str(there))
    with_secret(world, "--backup-passphrase-fd", passphrase, "vault", "restore", file, env=env)
    (there / "providers").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(world.home / "providers" / "acme.json", there / "providers" / "acme.json")
    equal(world.run("get", "acme", "--field", "api_key", "--show-secret", env=env, secret_output=True).stdout.strip(), key, "in another home")


if __name__ == "__main__":
    main(VA06_a_passphrase, the_key_moves_and_comes_back, VA06_a_key_by_descriptor, VA06_a_missing_key_file_is_never_made_again, VA04_the_secret_service,
         backup_and_restore)
