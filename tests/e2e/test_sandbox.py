"""The isolation of `run` (CL-05, CL-03, CL-04, CL-12, CL-13, CL-14): a hostile program gets nothing at L1, in each way that the
sandbox can be had and as root and as an ordinary user; without the sandbox it gets what the documents say, which shows
that the attempts are real. Ordinary work goes on."""
import pty, socket
from harness import *

UID = 12345  # an ordinary user that exists on no system; only root can become it
PYTHON = "/usr/bin/python3"


def documented_at_l0(heading):
    """The names that docs/security-model.md lists below "What a hostile program gets at L0" in the paragraph that begins so."""
    section = (ROOT / "docs/security-model.md").read_text().partition("### What a hostile program gets at L0\n")[2].partition("\n#")[0]
    paragraph = section.partition(f"\n**{heading}**")[2].partition("\n\n")[0]
    names = set(re.findall(r"`(\w+)`", paragraph))
    check(names, f"docs/security-model.md lists nothing under {heading}")
    return names


class Victim:
    """A user with a vault, and other programs running; `user` is whose all that is."""

    def __init__(self, world, uid=0):
        self.world, self.uid = world, uid
        d = world.directory
        self.runtime, self.work, self.empty, self.alias, self.other = (d / n for n in ("runtime", "work", "empty", "alias", "user/data/claviger"))
        for directory in (self.runtime, self.runtime / "systemd", self.work, self.empty, self.alias, self.other / "providers"):
            directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.runtime.chmod(0o700)
        self.canary = world.canaries.new("planted", "CANARY-")
        self.own(d)
        self.claviger("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url="api.acme.com", api_key={"header_name": "X-Key"},
                                                   export={"env": {"api_key": "ACME_KEY"}}), "--yes")
        self.claviger("login", "acme", "--input", "stdin", stdin=world.canaries.new("key", "CANARY-"))
        for home in (world.home, self.other):
            (home / "canary").write_text(self.canary)
        world.canaries.add("vault key", next(world.home.glob("*.key")).read_text().strip())
        world.scanned_home, world.user_home = world.home, d / "nothing"  # the canaries are meant to be there
        self.own(d)
        if os.geteuid() == 0 and subprocess.run(["mount", "--bind", world.home.parent, self.alias]).returncode == 0:
            world.closing.insert(0, lambda: subprocess.run(["umount", "-l", self.alias]))
        self.abstract = f"claviger-test-{os.getpid()}-{uid}-{world.count}"
        self.engine, self.tmux = self.work / "engine.sock", d / "tmux.sock"
        sockets = ["\0" + self.abstract, *map(str, (self.runtime / "bus", self.runtime / "systemd/private", self.runtime / "editor.sock", self.engine))]
        process = subprocess.Popen([*self.become(), PYTHON, "-B", ROOT / "tests/e2e/outside.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=d,
                                   env={"PATH": "/usr/bin:/bin", "SOME_CANARY": self.canary, "OUTSIDE": json.dumps(
                                       {"sockets": sockets, "file": str(world.home / "canary"), "handle_of": str(world.home / "canary")})})
        world.children.append(process)
        self.outside = json.loads(process.stdout.readline())
        if shutil.which("tmux"):
            subprocess.run([*self.become(), "tmux", "-S", self.tmux, "-f", "/dev/null", "new-session", "-d", "sleep", "300"], env={"PATH": "/usr/bin:/bin", "HOME": str(self.work)}, cwd=d)
            world.closing.insert(0, lambda: subprocess.run([*self.become(), "tmux", "-S", self.tmux, "kill-server"], capture_output=True))

    def own(self, directory):
        if self.uid:
            subprocess.run(["chown", "-Rh", f"{self.uid}:{self.uid}", directory], check=True)

    def become(self):
        return ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups"] if self.uid else []

    def environment(self, **more):
        rt = dict(home=str(self.world.home), other_home=str(self.other), user=str(self.world.home.parent), program=self.world.program, work=str(self.work),
                  empty=str(self.empty), alias=str(self.alias / ".claviger"), start=str(self.world.directory), runtime=str(self.runtime))
        if hasattr(self, "outside"):
            rt.update(outside=self.outside["pid"], address=self.outside["address"], handle=self.outside["handle"], abstract=self.abstract, engine=str(self.engine),
                      tmux=str(self.tmux))
        clean = self.world.environment(XDG_RUNTIME_DIR=str(self.runtime), XDG_DATA_HOME=str(self.other.parent), DBUS_SESSION_BUS_ADDRESS=f"unix:path={self.runtime}/bus",
                                       RT=json.dumps(rt), PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME=str(self.world.home.parent), **more)
        if hasattr(self, "engine"):
            clean.update(DOCKER_HOST=f"unix://{self.engine}", TMUX=f"{self.tmux},1,0")
        return clean

    def claviger(self, *arguments, stdin=None, code=0, wrapper=(), secret_output=False, cwd=None, **variables):
        command = [*self.become(), *wrapper, self.world.program, *map(str, arguments)]
        done = subprocess.run(command, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                              env=self.environment(**variables), cwd=cwd or self.world.directory)
        self.world.keep(arguments, b"" if secret_output else done.stdout.encode(), b"" if secret_output else done.stderr.encode(), secret_output)
        check(code is None or done.returncode == code, f"{' '.join(map(str, arguments))[:200]}: exit code {done.returncode} instead of {code}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
        return done

    def attack(self, *options, wrapper=()):
        done = self.claviger("run", *options, "--", PYTHON, "-B", ROOT / "tests/e2e/redteam.py", wrapper=wrapper, secret_output="--no-sandbox" in options, MY_ACCESS_TOKEN=self.canary)
        report = json.loads(done.stdout.splitlines()[-1])
        check(len(report) >= 60, f"only {len(report)} techniques were tried")
        if self.world.home.with_name(".claviger.moved").exists():
            self.world.home.with_name(".claviger.moved").rename(self.world.home)
        return report, done

    def nothing_was_got(self, *options, wrapper=()):
        report, done = self.attack(*options, wrapper=wrapper)
        got = {name: what for name, what in report.items() if what}
        check(not got, f"a hostile program at L1 got {got}")
        contains(done.stderr, "isolation: L1", "the level is said")
        equal((self.world.home / "canary").read_text(), self.canary, "what was hidden is as it was")
        equal([*(self.other / "providers").iterdir()], [], "no definition was put into the user's other home")
        equal(self.claviger("get", "acme", "--field", "status").stdout, "connected\n", "the vault still works")
        print(f"      {' '.join(options) or 'auto'} as {self.uid}: {len(report)} techniques, nothing got")


def users():
    return [0, UID] if os.geteuid() == 0 else [0]


def CL05_a_hostile_program_gets_nothing_as_root_or_as_who_started_it(world):
    Victim(world).nothing_was_got()


def CL05_a_hostile_program_gets_nothing_as_an_ordinary_user(world):
    if os.geteuid() == 0:
        Victim(world, UID).nothing_was_got()


def CL05_a_hostile_program_gets_nothing_with_landlock_alone(world):
    Victim(world).nothing_was_got("--sandbox", "landlock")


def CL05_nor_as_an_ordinary_user_with_landlock_alone(world):
    if os.geteuid() == 0:
        Victim(world, UID).nothing_was_got("--sandbox", "landlock")


def CL05_nor_in_a_network_of_its_own(world):
    Victim(world).nothing_was_got("--transparent")


def CL05_nor_in_a_network_of_its_own_as_an_ordinary_user(world):
    if os.geteuid() == 0:
        Victim(world, UID).nothing_was_got("--transparent")


def CL05_nor_as_root_that_may_not_mount(world):
    if os.geteuid() == 0:
        victim = Victim(world)
        less = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
        victim.nothing_was_got(wrapper=less)
        kept = victim.claviger("run", "--sandbox", "namespace", "--", "sh", "-c", f"cd {victim.work} && touch f && chown {UID} f && stat -c %u f && echo more >> f", wrapper=less)
        equal(kept.stdout, f"{UID}\n", "root keeps its power over other users' files")


def gets_what_the_documents_say(world, uid=0):
    report, done = Victim(world, uid).attack("--no-sandbox")
    got = {name for name, what in report.items() if what}
    always, here, as_root = (documented_at_l0(heading) for heading in ("Everywhere:", "Where the machine allows it:", "As root:"))
    missing = always - got
    check(not missing, f"these attempts fail even without a sandbox, so they prove nothing: {missing}")
    unsaid = got - always - here - (as_root if os.geteuid() == 0 and not uid else set())
    if world.sanitized:  # the leak checker attaches to the broker, so such a build lets others do so as well
        unsaid = {name for name in unsaid if not name.startswith("broker_")}
    check(not unsaid, f"docs/security-model.md does not say that these succeed at L0: {unsaid}")
    unknown = (always | here | as_root) - set(report)
    check(not unknown, f"docs/security-model.md names what nobody tries: {unknown}")
    contains(done.stderr, "isolation: L0", "the level is said")
    contains(done.stderr, "can read what you can", "what that means is said")
    print(f"      L0 as {uid}: {len(got)} of {len(report)} techniques succeed")


def CL05_G5_without_the_sandbox_it_gets_what_the_documents_say(world):
    gets_what_the_documents_say(world)


def CL05_G5_without_the_sandbox_an_ordinary_users_program_gets_what_the_documents_say(world):
    if os.geteuid() == 0:
        gets_what_the_documents_say(world, UID)


# A program started with system calls taken away, as in a container that forbids them.
WITHOUT = """
import ctypes, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
filter = ctypes.c_void_p(lib.seccomp_init(0x7fff0000))
for name in sys.argv[1].split(","):
    number = lib.seccomp_syscall_resolve_name(name.encode())
    assert lib.seccomp_rule_add(filter, 0x00050000 | int(sys.argv[2]), number, 0) == 0
assert lib.seccomp_load(filter) == 0
os.execv(sys.argv[3], sys.argv[3:])
"""


def without(calls, error_number):
    return [PYTHON, "-c", WITHOUT, calls, str(error_number)]


def CL05_what_cannot_be_isolated_is_refused(world):
    victim = Victim(world)
    no_landlock = "landlock_create_ruleset,landlock_add_rule,landlock_restrict_self"
    for calls, number in ((no_landlock, 38), (no_landlock, 95), (no_landlock + ",unshare", 38), ("landlock_restrict_self", 1), ("seccomp", 22)):
        marker = victim.work / "ran"
        refused = victim.claviger("run", "--", "touch", marker, code=15, wrapper=without(calls, number))
        contains(refused.stderr, "cannot isolate the program", "says what failed")
        contains(refused.stderr, "--no-sandbox", "says what to do")
        check(not marker.exists(), "the program did not run")
        equal(json.loads(victim.claviger("run", "--json", "--", "true", code=15, wrapper=without(calls, number)).stderr)["error"]["code"], "no_isolation", "code in JSON")
        doctor = victim.claviger("doctor", code=14, wrapper=without(calls, number))
        contains(doctor.stdout, "FAIL  isolation", "doctor says so too")
        check("L1" not in doctor.stdout, "doctor claims no level that does not hold")
    victim.claviger("run", "--no-sandbox", "--sandbox", "auto", "--", "true", code=2)
    run = victim.claviger("run", "--no-sandbox", "--", "echo", "ran", wrapper=without(no_landlock, 38))
    equal(run.stdout, "ran\n", "--no-sandbox runs it")
    contains(run.stderr, "isolation: L0", "and says what that means")
    equal(victim.claviger("run", "--no-sandbox", "--quiet", "--", "echo", "ran", wrapper=without(no_landlock, 38)).stderr, "", "unless told to be quiet")


def CL05_without_namespaces_landlock_alone_is_taken_and_its_limit_said(world):
    victim = Victim(world)
    for calls in ("unshare", "mount"):
        run = victim.claviger("run", "--", "sh", "-c", f"cat {world.home}/canary; echo x > {world.home.parent}/new; echo y > {victim.work}/new && cat {victim.work}/new", wrapper=without(calls, 1))
        equal(run.stdout, "y\n", "nothing hidden is read, other directories can be written")
        contains(run.stderr, "L1", "the level")
        contains(run.stderr, "cannot create, rename or delete anything directly in", "the limit")
        check(not (world.home.parent / "new").exists(), "the limit holds")
        contains(victim.claviger("run", "--sandbox", "namespace", "--", "true", code=15, wrapper=without(calls, 1)).stderr, "cannot isolate", "no other way when one was asked for")
        contains(victim.claviger("doctor", code=None, wrapper=without(calls, 1)).stdout, "cannot create, rename or delete", "doctor says it too")


def CL14_doctor_reports_the_level_that_holds(world):
    victim = Victim(world)
    shown = json.loads(victim.claviger("doctor", "--json", code=None).stdout)
    isolation = next(c for c in shown["checks"] if c["name"] == "isolation")
    check(isolation["ok"] and isolation["detail"].startswith("L1:") and "namespaces" in isolation["detail"] and "Landlock ABI" in isolation["detail"], isolation)


def CL03_managing_is_refused_inside_whatever_the_environment_says(world):
    victim = Victim(world)
    p, home = world.program, world.home
    commands = ["get acme --show-secret", "export acme", f"register {world.directory}/acme.json --yes --force", "login acme --force --input stdin", "config set run.unmatched deny",
                "config unset run.unmatched", "vault rotate", f"vault backup {victim.work}/b.age", f"vault restore {victim.work}/b.age", "logout acme", "confirm acme --yes", "remove acme --yes",
                "set-default acme default"]
    spellings = ["", "env -u CLAVIGER_RUN", f"env -u CLAVIGER_RUN CLAVIGER_HOME={home}", f"env -u CLAVIGER_RUN CLAVIGER_HOME={home}/../.claviger/", f"env -u CLAVIGER_RUN -u XDG_DATA_HOME HOME={home.parent}",
                 f"env -u CLAVIGER_RUN XDG_DATA_HOME={victim.other.parent}", f"env -u CLAVIGER_RUN CLAVIGER_HOME=/proc/self/root{home}"]
    for options in ([], ["--sandbox", "landlock"]):
        lines = [f"{s} {p} {c} </dev/null; echo \"$? {c}\"" for s in spellings for c in commands]
        done = victim.claviger("run", *options, "--", "sh", "-c", "\n".join(lines), code=None)
        codes = done.stdout.splitlines()
        equal(len(codes), len(lines), "nothing but exit codes on stdout")
        wrong = [(line, spelling) for line, spelling in zip(codes, (s for s in spellings for _ in commands)) if not line.startswith("13 ")]
        check(not wrong, f"{options}: not refused with 13: {wrong}\n{done.stderr[-1500:]}")
        contains(done.stderr, "inside a claviger run session", "says why")
        contains(done.stderr, "terminal of your own", "says what to do")
        for command in ("get acme", "whoami", "doctor", "run -- true", "run --no-sandbox -- true"):
            contains(victim.claviger("run", *options, "--", "sh", "-c", f"env -u CLAVIGER_RUN CLAVIGER_HOME={home} {p} {command}; test $? = 13", code=None).stderr, "inside a claviger run session", command)
        equal(victim.claviger("run", *options, "--", p, "version").stdout, victim.claviger("version").stdout, "what needs no vault works")


def CL04_paths_to_what_is_hidden_are_not_in_the_environment(world):
    victim = Victim(world)
    environment = dict(e.split("=", 1) for e in victim.claviger("run", "--", "env", "-0").stdout.split("\0") if e)
    for name in ("DBUS_SESSION_BUS_ADDRESS", "TMUX", "DOCKER_HOST", "CLAVIGER_HOME", "CLAVIGER_LOG"):
        check(name not in environment, f"{name} is in the program's environment")
    contains(victim.claviger("run", "--no-sandbox", "--", "env").stdout, "DBUS_SESSION_BUS_ADDRESS", "nothing is hidden without a sandbox, so the variables stay")


def CL12_CL13_the_broker_has_no_secret_in_its_environment_and_leaves_no_core(world):
    victim = Victim(world, users()[-1])  # root's files look the same whether a process is dumpable or not
    passphrase = world.canaries.new("passphrase", "CANARY-")

    def with_passphrase(command, option, *arguments):
        reading, writing = os.pipe()
        os.write(writing, passphrase.encode() + b"\n")
        os.close(writing)
        process = subprocess.Popen([*victim.become(), world.program, *command, option, str(reading), *arguments], pass_fds=[reading], env=victim.environment(), cwd=world.directory,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(reading)
        return process
    process = with_passphrase(["vault", "rotate"], "--new-passphrase-fd", "--to", "passphrase")
    out, err = process.communicate(timeout=120)
    equal(process.returncode, 0, "rotate to a passphrase: " + err)
    process = with_passphrase(["run"], "--passphrase-fd", "--", "sh", "-c", "ulimit -Sc; ulimit -Hc; tr '\\0' '\\n' < /proc/$$/environ; read line")
    limits = [process.stdout.readline().strip() for _ in range(2)]
    mine = subprocess.run([*victim.become(), "sh", "-c", "ulimit -Sc; ulimit -Hc"], capture_output=True, text=True).stdout.split()
    equal(limits, mine, "the program has the user's own limits for core files")
    broker = pathlib.Path(f"/proc/{process.pid}")
    check(passphrase.encode() not in (broker / "environ").read_bytes(), "the passphrase is in the broker's environment")
    equal(re.search(r"Max core file size +(\S+) +(\S+)", (broker / "limits").read_text()).groups(), ("0", "0"), "the broker's limit for core files")
    if not world.sanitized:  # the leak checker attaches to the process
        equal((broker / "environ").stat().st_uid, 0, "the broker is not dumpable")
    os.kill(process.pid, signal.SIGSEGV)
    status = process.wait(30)
    check(status != 0 and not list(world.directory.rglob("core*")), "no core file")
    rest = process.communicate(timeout=30)[0]
    check(passphrase not in rest, "the passphrase reached the program")
    for left in world.temporary.glob("claviger-run-*"):  # of a broker that was killed; the next session would sweep it
        shutil.rmtree(left)


def CL05_unclear_places_are_refused(world):
    victim = Victim(world)
    inside = victim.claviger("run", "--", "true", code=13, cwd=world.home)
    contains(inside.stderr, "working directory", "why")
    program = world.home / "tool"
    shutil.copy("/bin/true", program)
    contains(victim.claviger("run", "--", program, code=13).stderr, "which is hidden", "why")
    program.unlink()
    os.link(next(world.home.glob("*.key")), victim.work / "second-name")
    contains(victim.claviger("run", "--", "true", code=15).stderr, "second name", "why")
    (victim.work / "second-name").unlink()
    victim.claviger("run", "--", "true")


def CL05_an_open_directory_or_a_missing_descriptor_opens_nothing(world):
    victim = Victim(world)
    for options in ((), ("--sandbox", "landlock")):
        with contextlib.ExitStack() as stack:
            above = os.open(world.home.parent, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, above)
            done = subprocess.run([world.program, "run", *options, "--", "cat", "/proc/self/fd/0/.claviger/canary"], stdin=above, capture_output=True, text=True,
                                  env=victim.environment(), cwd=world.directory, timeout=60)
            check(victim.canary not in done.stdout + done.stderr, f"read through standard input: {done.stdout}")
            equal(done.returncode, 13, f"a directory as standard input: {done.stderr}")
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        for words, code in ((("--use", "nosuch", "--", "true"), None), (("--", "sh", "-c", "exit 7"), 7)):
            done = subprocess.run(["sh", "-c", f'exec "$0" run "$@" {closed}', world.program, *words], env=victim.environment(), cwd=world.directory, timeout=60)
            check(code in (None, done.returncode), f"run {words} {closed}: exit code {done.returncode}")


def CL05_deny_leaves_only_the_proxy(world):
    victim = Victim(world)
    listener, datagrams = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    script = f"""
import os, socket, urllib.parse
def attempt(name, f):
    try: f(); print(name)
    except OSError as e: pass
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
attempt("proxy", lambda: socket.create_connection(("127.0.0.1", proxy.port), 5))
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", {listener.getsockname()[1]}), 5))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", {datagrams.getsockname()[1]})))
attempt("fastopen", lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", {listener.getsockname()[1]})))
attempt("mptcp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(("127.0.0.1", {listener.getsockname()[1]})))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("vsock", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))
"""
    abi = json.loads(victim.claviger("doctor", "--json", code=None).stdout)
    network = int(re.search(r"Landlock ABI (\d+)", str(abi))[1]) >= 4
    said = victim.claviger("run", "--unmatched", "deny", "--", PYTHON, "-c", script).stdout.split()
    equal(said, ["proxy"] if network else ["proxy", "tcp"], "what can be reached with --unmatched deny")
    check({"proxy", "tcp", "udp"} <= set(victim.claviger("run", "--", PYTHON, "-c", script).stdout.split()), "without it the network is open")


WORK = """
set -e
cd "$WORK"
curl -sS "file://$WORK/seed" >/dev/null
git init -q repo && cd repo && git config user.email a@b && git config user.name a && echo 1 > f && git add f && git commit -qm one && git log --oneline | grep -q one && cd ..
%(python)s -c "import multiprocessing as m; p = m.Pool(2); assert p.map(abs, [-1, -2]) == [1, 2]; import socket; a = socket.create_server(('127.0.0.1', 0)); socket.create_connection(a.getsockname()).close()"
%(python)s -c "import pty, os; pid, fd = pty.fork(); pid == 0 and os.execvp('stty', ['stty', '-a']); os.read(fd, 10); os.waitpid(pid, 0)"
node -e "require('child_process').execSync('true'); require('fs').promises.writeFile('n', 'x').then(() => process.exit(0))"
npm --version >/dev/null
mkfifo pipe; (echo through > pipe) & read line < pipe; test "$line" = through; wait
sh -c 'sleep 100 & kill $!; wait $! || true'
mkdir a b; echo x > a/f; mv a/f b/f; ln b/f a/g; ln -s b/f l; chmod 600 l; rm -r a b
"""
HOME_WORK = """
set -e
echo 1 > ~/.new.tmp; mv ~/.new.tmp ~/.new; git config --global user.name someone; test "$(git config --global user.name)" = someone; rm ~/.new ~/.gitconfig
ls ~ >/dev/null; test ! -r ~/.claviger/canary
"""


def ordinary_work_goes_on(world):
    for uid in users():
        victim = Victim(World(world.program), uid) if uid else Victim(world)
        try:
            (victim.work / "seed").write_text("x")
            victim.own(victim.work)
            for options, script in ((["--sandbox", "namespace"], WORK + HOME_WORK), (["--sandbox", "landlock"], WORK)):
                work = victim.work / options[-1]
                work.mkdir()
                (work / "seed").write_text("x")
                victim.own(work)
                victim.claviger("run", *options, "--", "bash", "-c", script % {"python": PYTHON}, WORK=str(work), npm_config_cache=str(work / "npm"))
        finally:
            if uid:
                victim.world.watch.stopped.set()
                victim.world.close()


def job_control_and_signals_survive(world):
    victim = Victim(world)
    pid, master = pty.fork()
    if pid == 0:
        os.execvpe("bash", ["bash", "--norc", "-i"], {**victim.environment(), "PS1": "$ ", "P": world.program})
    shown = b""

    def until(text):
        nonlocal shown
        start, deadline = len(shown), time.monotonic() + 30
        while text not in shown[start:]:
            check(time.monotonic() < deadline, f"{text} was not shown: {shown[-800:]}")
            shown += os.read(master, 4096)
    os.write(master, b"$P run --quiet -- bash -c 'trap \"echo got-int; exit 3\" INT; echo start\"ed\"; while :; do sleep 0.1; done'\n")
    until(b"started")
    os.write(master, b"\x1a")
    until(b"Stopped")
    os.write(master, b"fg; echo code=$?\n")
    time.sleep(0.3)
    os.write(master, b"\x03")
    until(b"got-int")
    until(b"code=3")
    os.write(master, b"exit\n")
    os.close(master)
    os.waitpid(pid, 0)
    equal(victim.claviger("run", "--", "sh", "-c", "kill -TERM $$", code=None).returncode, 143, "killed by a signal")


def T1_other_terminals_are_out_of_reach(world):
    """Neither their screens nor what is typed there; a terminal of its own the program can still make, and it keeps its name."""
    master, other = os.openpty()
    name = os.ttyname(other)
    script = f"(echo forged > {name}) 2>/dev/null; timeout 2 head -n 1 {name} 2>/dev/null; ls /dev/pts; python3 -c 'import pty; pty.spawn([\"echo\", \"a terminal of its own\"])'"
    world.children.append(session := subprocess.Popen([world.program, "run", "--sandbox", "namespace", "--", "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                      stderr=subprocess.PIPE, text=True, env=world.environment()))
    time.sleep(0.5)
    os.write(master, b"a passphrase\n")
    out, err = session.communicate(timeout=60)
    check("passphrase" not in out and "a terminal of its own" in out, f"read: {out} {err}")
    os.set_blocking(master, False)
    screen = b""
    with contextlib.suppress(BlockingIOError):
        screen = os.read(master, 1000)
    check(b"forged" not in screen, f"on the screen: {screen}")
    own, theirs = os.openpty()
    done = subprocess.run([world.program, "run", "--sandbox", "namespace", "--", "sh", "-c", "test -t 0 && tty"], stdin=theirs, capture_output=True, text=True, env=world.environment(), timeout=60)
    equal((done.returncode, done.stdout), (0, "/dev/console\n"), f"its own terminal: {done.stderr}")
    for fd in (master, other, own, theirs):
        os.close(fd)


if __name__ == "__main__":
    main(T1_other_terminals_are_out_of_reach, CL05_a_hostile_program_gets_nothing_as_root_or_as_who_started_it, CL05_a_hostile_program_gets_nothing_as_an_ordinary_user,
         CL05_a_hostile_program_gets_nothing_with_landlock_alone, CL05_nor_as_an_ordinary_user_with_landlock_alone,
         CL05_nor_in_a_network_of_its_own, CL05_nor_in_a_network_of_its_own_as_an_ordinary_user, CL05_nor_as_root_that_may_not_mount, CL05_G5_without_the_sandbox_it_gets_what_the_documents_say,
         CL05_G5_without_the_sandbox_an_ordinary_users_program_gets_what_the_documents_say, CL05_what_cannot_be_isolated_is_refused,
         CL05_without_namespaces_landlock_alone_is_taken_and_its_limit_said, CL14_doctor_reports_the_level_that_holds,
         CL03_managing_is_refused_inside_whatever_the_environment_says, CL04_paths_to_what_is_hidden_are_not_in_the_environment,
         CL12_CL13_the_broker_has_no_secret_in_its_environment_and_leaves_no_core, CL05_unclear_places_are_refused,
         CL05_an_open_directory_or_a_missing_descriptor_opens_nothing, CL05_deny_leaves_only_the_proxy,
         ordinary_work_goes_on, job_control_and_signals_survive)
