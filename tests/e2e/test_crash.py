"""SIGKILL in the place of every call that changes the disk, and a full or a bad disk there, through the real command
line: first start with `login`, `register`, `logout`, `vault rotate`, `config set` (ST-02, ST-04, ST-05, G1, G3).

The calls of an undisturbed run are counted with strace; then the command runs once per call with the call replaced.
Afterwards the vault is whole, everything that can be asked shows the state before or after, and the command repeated
succeeds."""
import concurrent.futures, json, re
from harness import *

KILLED = ("write pwrite64 fsync fdatasync rename renameat renameat2 link linkat unlink unlinkat ftruncate mkdir mkdirat "
          "fchmod fallocate").split()
STARVED = "write pwrite64 fsync fdatasync rename renameat2 link linkat ftruncate mkdir".split()
DEFINITION = {"schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "api_key", "flow": "api_key",
              "api_url": "api.acme.example", "api_key": {"header_name": "X-Acme-Key", "header_prefix": ""}}


class Rig:
    def __init__(self, world):
        self.program, self.canaries = world.program, world.canaries
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else world.directory
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="claviger-crash-", dir=memory))
        self.key = world.canaries.new("key")
        self.file = self.scratch / "acme.json"
        self.file.write_text(json.dumps(DEFINITION))
        self.clean = {k: v for k, v in world.environment().items() if k != "CLAVIGER_LOG"}

    def run(self, home, words, inject=()):
        command = ["strace", "-f", "-qq", *map(str, inject)] if inject else []
        done = subprocess.run([*command, self.program, *words], input=self.key if words[0] == "login" else "", capture_output=True, text=True,
                              env={**self.clean, "CLAVIGER_HOME": str(home), "HOME": str(home.parent)}, timeout=60)
        check(not self.canaries.find_in((done.stdout if "--show-secret" not in words else "").encode() + done.stderr.encode()), f"{words}: a secret was printed")
        return done

    def ok(self, home, *words, code=0):
        done = self.run(home, words)
        check(done.returncode == code, f"{' '.join(words)}: exit code {done.returncode} instead of {code}: {done.stderr.strip()}")
        return done.stdout

    @contextlib.contextmanager
    def copy(self, template):
        place = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            if template.exists():
                shutil.copytree(template, place / "home", copy_function=shutil.copy2)
            yield place / "home"
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def template(self, name, *commands):
        home = self.scratch / name / "home"
        home.parent.mkdir()
        for words in commands:
            self.ok(home, *words)
        return home

    # -- what can be asked ---------------------------------------------------------------------------------------
    def state(self, home):
        """(definition there, key shown, number of connections listed, setting); the answers must agree."""
        status = self.run(home, ["vault", "status", "--full", "--json"])
        if status.returncode != 3:  # 3: none yet, or one whose making was never finished
            check(status.returncode == 0, f"vault status: exit code {status.returncode}: {status.stdout} {status.stderr}")
            told = json.loads(status.stdout)
            check(told["integrity_ok"] and told["seals_ok"] and not told["faults"], f"the vault is not whole: {told}")
        listed = {p["name"]: p for p in json.loads(self.ok(home, "list", "--json"))["providers"]}
        check(len(listed) > 50 and all(p["problem"] is None for p in listed.values()), "list shows the catalogue and nothing broken")
        defined = "acme" in listed
        inspected = self.run(home, ["inspect", "acme"])
        equal(inspected.returncode, 0 if defined else 3, f"inspect: {inspected.stderr}")
        if defined:
            equal(json.loads(inspected.stdout), DEFINITION, "inspect")
        connections = listed["acme"]["connections"] if defined else []
        shown = self.run(home, ["get", "acme", "--field", "api_key", "--show-secret"])
        equal(shown.returncode, 0 if connections else 6 if defined else 3, f"get: {shown.stderr}")
        if connections:
            equal((shown.stdout, connections[0]["status"]), (self.key + "\n", "connected"), "the key")
        return defined, len(connections), self.ok(home, "config", "get", "run.unmatched").strip()

    def calls(self, template, words, names):
        """{syscall: [line]} of an undisturbed run, and the state after it."""
        with self.copy(template) as home:
            log = home.parent / "trace"
            done = self.run(home, words, ["-o", log, "-e", "trace=" + ",".join(names)])
            check(done.returncode == 0, f"{words} fails undisturbed: {done.stderr}")
            found = {}
            for line in log.read_text().splitlines():
                if name := re.match(r"\d+ +(\w+)\(", line):
                    found.setdefault(name[1], []).append(line)
            return found, self.state(home)

    def all(self, work, jobs):
        with concurrent.futures.ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 2))) as pool:
            problems = [problem for problem in pool.map(lambda job: self.outcome(work, job), jobs) if problem]
        check(not problems, f"{len(problems)} of {len(jobs)} points:\n" + "\n".join(problems[:15]))

    @staticmethod
    def outcome(work, job):
        try:
            work(*job)
        except (Failure, subprocess.TimeoutExpired, ValueError, KeyError) as failure:
            return f"{job}: {failure}"

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)


def killed_everywhere(world, words, prepare, repeat):
    """`repeat`: state found -> (words, exit code) of the command that must then work."""
    rig = Rig(world)
    try:
        template = rig.template("template", *[[w.replace("@", str(rig.file)) for w in p] for p in prepare])
        words = [w.replace("@", str(rig.file)) for w in words]
        with rig.copy(template) as home:
            before = rig.state(home)
        calls, after = rig.calls(template, words, KILLED)

        def kill(name, number):
            with rig.copy(template) as home:
                done = rig.run(home, words, ["-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={number}"])
                last = number > len(calls.get(name, []))
                equal(done.returncode, 0 if last else -9, f"{name} number {number}: {done.stderr}")
                found = rig.state(home)
                check(found in ((after,) if last else (before, after)), f"state {found}; before {before}, after {after}")
                again, code = repeat(found == after)
                rig.ok(home, *[w.replace("@", str(rig.file)) for w in again], code=code)
                equal(rig.state(home), after, "the state after the command was repeated")

        jobs = [(name, number) for name in KILLED if name in calls for number in range(1, len(calls[name]) + 2)]
        rig.all(kill, jobs)
        check(len(jobs) >= 5, f"only {len(jobs)} points")
        print(f"{' '.join(words[:2])}: killed at {len(jobs) - len(calls)} points: " + ", ".join(f"{k} {len(v)}" for k, v in sorted(calls.items())))
    finally:
        rig.close()


REGISTER, LOGIN = ["register", "@", "--yes"], ["login", "acme", "--input", "stdin"]


def ST02_killed_in_the_first_login(world):
    killed_everywhere(world, LOGIN, [REGISTER], lambda done: (LOGIN, 5 if done else 0))


def ST02_killed_in_register_on_an_empty_home(world):
    killed_everywhere(world, REGISTER, [], lambda done: (REGISTER, 5 if done else 0))


def ST02_killed_in_register_that_records_it(world):
    """With a vault there is an audit entry to write too."""
    prepare = [REGISTER, LOGIN, ["logout", "acme"], ["remove", "acme", "--yes"]]
    killed_everywhere(world, REGISTER, prepare, lambda done: ([*REGISTER, "--force"], 0))


def ST02_killed_in_logout(world):
    killed_everywhere(world, ["logout", "acme"], [REGISTER, LOGIN], lambda done: (["logout", "acme"], 6 if done else 0))


def ST02_killed_in_vault_rotate(world):
    killed_everywhere(world, ["vault", "rotate"], [REGISTER, LOGIN], lambda done: (["vault", "rotate"], 0))


def ST02_killed_in_config_set(world):
    words = ["config", "set", "run.unmatched", "deny"]
    killed_everywhere(world, words, [["config", "set", "login.browser", "never"]], lambda done: (words, 0))


def ST04_ST05_a_full_or_bad_disk_in_login(world):
    """One call fails (EIO), or every call from it on (ENOSPC): exit code 10 and what happened in words, the other
    connection as it was, and the next login works."""
    rig = Rig(world)
    try:
        first = [*LOGIN, "--connection", "kept"]
        empty, used = rig.template("empty", [w.replace("@", str(rig.file)) for w in REGISTER]), rig.template("used", [w.replace("@", str(rig.file)) for w in REGISTER], first)
        jobs, refused = [], []
        for template in (empty, used):
            calls, _ = rig.calls(template, LOGIN, STARVED)
            for name, lines in sorted(calls.items()):
                for number, line in enumerate(lines, 1):
                    if re.search(r"write\([12],", line):
                        continue
                    jobs.append((template, name, number, "ENOSPC", "+" if name != "write" else ""))
                    if "sync" in name or (template is used and name != "pwrite64"):
                        jobs.append((template, name, number, "EIO", ""))

        def starve(template, name, number, error, on):
            with rig.copy(template) as home:
                before = rig.state(home)
                done = rig.run(home, LOGIN, ["-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:error={error}:when={number}{on}"])
                check(done.returncode in (0, 10), f"exit code {done.returncode}: {done.stderr}")
                found = rig.state(home)
                if done.returncode == 10:
                    refused.append((name, number))
                    check(re.match(r"claviger: error: [a-z].{10,}", done.stderr), f"the message: {done.stderr!r}")
                    check(re.search(r"disk|space|full|device|write|sync|read|storage|error|create|link|vault", done.stderr), f"the message says too little: {done.stderr!r}")
                if done.returncode == 0 or found != before:
                    equal(found[1], before[1] + 1, f"exit code {done.returncode}: connections")
                if template is used:
                    equal(rig.ok(home, "get", "acme", "--connection", "kept", "--field", "api_key", "--show-secret"), rig.key + "\n", "the other connection")
                if found == before:
                    rig.ok(home, *LOGIN)
                equal(rig.state(home)[1], before[1] + 1, "the disk has room again: connections")

        rig.all(starve, jobs)
        check(len(refused) > len(jobs) / 3, f"only {len(refused)} of {len(jobs)} failures were noticed")
        print(f"login: {len(jobs)} disk errors, {len(refused)} refused, the others harmless")
    finally:
        rig.close()


if __name__ == "__main__":
    if not shutil.which("strace"):
        sys.exit("strace is not installed; run ./dev setup")
    main(ST02_killed_in_the_first_login, ST02_killed_in_register_on_an_empty_home, ST02_killed_in_register_that_records_it, ST02_killed_in_logout,
         ST02_killed_in_vault_rotate, ST02_killed_in_config_set, ST04_ST05_a_full_or_bad_disk_in_login)
