"""Sixteen processes start at once on an empty home and each logs in (G20, VA-05, ST-07, F1)."""
import json
from harness import *

PROCESSES, ROUNDS = 16, 10
DEFINITION = {"schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "api_key", "flow": "api_key",
              "api_url": "api.acme.example", "api_key": {"header_name": "X-Acme-Key", "header_prefix": ""}}


def whole(world, env):
    status = json.loads(world.run("vault", "status", "--full", "--json", env=env).stdout)
    check(status["integrity_ok"] and status["seals_ok"] and not status["faults"], f"the vault is not whole: {status}")
    return status


def started_together(world, env, commands):
    """[(exit code, stderr)]; the processes wait on a pipe that is opened for all of them at once."""
    gate, opener = os.pipe()
    running = [subprocess.Popen(["sh", "-c", 'read _ <&"$0"; exec "$@"', str(gate), world.program, *words], env=env, pass_fds=[gate],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for words, _ in commands]
    world.children += running
    os.close(gate)
    for process, (_, stdin) in zip(running, commands):
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
    os.close(opener)  # end of file for all
    results = []
    for process in running:
        error = process.communicate(timeout=120)[1]
        world.children.remove(process)
        check(not world.canaries.find_in(error.encode()), "a secret was printed")
        results.append((process.returncode, error))
    return results


def in_memory(world):
    """Homes on a disk whose syncs cost nothing where there is one; the scan for secrets still reads them."""
    if not hasattr(world, "memory"):
        base = "/dev/shm" if os.path.isdir("/dev/shm") else world.directory
        world.memory = pathlib.Path(tempfile.mkdtemp(prefix="claviger-race-", dir=base))
        world.closing.append(lambda: shutil.rmtree(world.memory, ignore_errors=True))
        world.scanned.append(world.memory)
    return world.memory


def fresh(world, number):
    user = in_memory(world) / f"round-{number}"
    home = user / ".claviger"
    (home / "providers").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    (home / "providers" / "acme.json").write_text(json.dumps(DEFINITION))
    return home, world.environment(HOME=str(user), CLAVIGER_HOME=str(home))


def G20_VA05_logins_race_on_an_empty_home(world):
    keys = {f"c{i}": world.canaries.new(f"key {i}") for i in range(PROCESSES)}
    for number in range(ROUNDS):
        home, env = fresh(world, number)
        done = started_together(world, env, [(["login", "acme", "--connection", name, "--input", "stdin"], key) for name, key in keys.items()])
        check(all(code == 0 for code, _ in done), f"round {number}: {[d for d in done if d[0] != 0]}")
        whole(world, env)
        listed = json.loads(world.run("list", "--connected", "--json", env=env).stdout)["providers"][0]["connections"]
        equal(sorted(c["connection"] for c in listed), sorted(keys), f"round {number}: connections")
        equal([c["default"] for c in listed].count(True), 1, f"round {number}: defaults")
        for name, key in keys.items():
            shown = world.run("get", "acme", "--connection", name, "--field", "api_key", "--show-secret", env=env, secret_output=True).stdout
            equal(shown, key + "\n", f"round {number}: the key of {name}")
        equal(sorted(f.name for f in home.iterdir() if "key" in f.name), ["vault.key"], f"round {number}: one key file")
        leftovers = [f.name for f in home.rglob("*") if f.name.endswith(".tmp")]
        check(not leftovers, f"round {number}: temporary files left behind: {leftovers}")
    print(f"{ROUNDS} rounds of {PROCESSES} logins: nothing lost")


def ST07_different_commands_race_on_one_home(world):
    keys = {f"c{i}": world.canaries.new(f"key {i}") for i in range(PROCESSES)}
    for number in range(3):
        home, env = fresh(world, f"mixed-{number}")
        for name in list(keys)[:4]:
            world.run("login", "acme", "--connection", name, "--input", "stdin", stdin=keys[name], env=env)
        commands = [(["login", "acme", "--connection", name, "--input", "stdin"], keys[name]) for name in list(keys)[4:12]]
        commands += [(["logout", "acme", "--connection", name], "") for name in ("c0", "c1")]
        commands += [(["vault", "rotate"], ""), (["vault", "rotate"], ""), (["set-default", "acme", "c3"], ""), (["vault", "status", "--full"], ""),
                     (["get", "acme", "--connection", "c2"], ""), (["list"], "")]
        done = started_together(world, env, commands)
        check(all(code == 0 for code, _ in done), f"round {number}: {[(c[0], d) for c, d in zip(commands, done) if d[0] != 0]}")
        whole(world, env)
        listed = json.loads(world.run("list", "--connected", "--json", env=env).stdout)["providers"][0]["connections"]
        equal(sorted(c["connection"] for c in listed), sorted(list(keys)[2:12]), "connections")
        for name in list(keys)[2:12]:
            equal(world.run("get", "acme", "--connection", name, "--field", "api_key", "--show-secret", env=env, secret_output=True).stdout, keys[name] + "\n", name)


def ST07_logins_of_one_connection_race(world):
    """One connection comes of it, with the key of a login that was told it succeeded; the late ones hear that it exists."""
    keys = [world.canaries.new(f"key {i}") for i in range(8)]
    _, env = fresh(world, "same")
    done = started_together(world, env, [(["login", "acme", "--input", "stdin"], key) for key in keys])
    codes = sorted(code for code, _ in done)
    check(codes[0] == 0 and set(codes) <= {0, 5}, f"exit codes {done}")
    shown = world.run("get", "acme", "--field", "api_key", "--show-secret", env=env, secret_output=True).stdout.strip()
    check(shown in [key for key, (code, _) in zip(keys, done) if code == 0], "the key is of a login that was told it succeeded")
    equal(len(json.loads(world.run("list", "--connected", "--json", env=env).stdout)["providers"][0]["connections"]), 1, "connections")


if __name__ == "__main__":
    main(G20_VA05_logins_race_on_an_empty_home, ST07_different_commands_race_on_one_home, ST07_logins_of_one_connection_race)
