"""Questions on a terminal: a secret is not echoed, and the terminal is as before however it ends (CL-02)."""
import fcntl, json, pty, select, struct, termios
from harness import *


class Terminal:
    """The program with a terminal of its own; what it shows is kept."""

    def __init__(self, world, *arguments, env=None, columns=80):
        self.world, self.shown = world, ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.before = termios.tcgetattr(self.master)
        self.process = subprocess.Popen([world.program, *arguments], stdin=slave, stdout=slave, stderr=slave, env=env or world.environment(), preexec_fn=take_terminal)
        world.children.append(self.process)
        self.slave = slave

    def read_until(self, text, seconds=15):
        start = len(self.shown)
        deadline = time.monotonic() + seconds
        while text not in self.shown[start:]:
            left = deadline - time.monotonic()
            check(left > 0, f"{text!r} was not shown: {self.shown!r}")
            if select.select([self.master], [], [], min(left, 0.2))[0]:
                with contextlib.suppress(OSError):
                    self.shown += os.read(self.master, 4096).decode(errors="replace")
            elif self.process.poll() is not None:
                raise Failure(f"ended with {self.process.returncode} before {text!r}: {self.shown!r}")

    def type(self, text):
        os.write(self.master, text.encode())

    def echo(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def wait_until_echo_is(self, wanted):
        for _ in range(600):
            if self.echo() == wanted:
                return
            time.sleep(0.02)
        raise Failure(f"echo is still {not wanted}: {self.shown!r}")

    def end(self, code):
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += os.read(self.master, 4096).decode(errors="replace")
        while select.select([self.master], [], [], 0.1)[0]:
            self.shown += os.read(self.master, 4096).decode(errors="replace")
        self.world.children.remove(self.process)
        equal(self.process.poll(), code, f"exit code; shown: {self.shown!r}")
        now = termios.tcgetattr(self.master)
        equal(now, self.before, "the settings of the terminal")
        os.close(self.slave)
        os.close(self.master)
        (self.world.artefacts / f"terminal-{self.world.count}").write_text(self.shown)
        self.world.count += 1


def provider(world):
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url="api.acme.example",
                                           api_key={"header_name": "X-Acme-Key", "header_prefix": "", "key_pattern": "^sk-[A-Za-z0-9_-]{20,}$", "key_pattern_hint": "a key begins with sk-"}),
              "--yes")


def CL02_a_key_is_not_echoed(world):
    provider(world)
    key, wrong = world.canaries.new("key", "sk-"), world.canaries.new("wrong")
    terminal = Terminal(world, "login", "acme", "--input", "terminal")
    terminal.read_until(": ")
    terminal.wait_until_echo_is(False)
    terminal.type(wrong + "\n")
    terminal.read_until("a key begins with sk-")
    terminal.wait_until_echo_is(False)
    terminal.type(key + "\n")
    terminal.read_until("Successfully logged in to acme (default).")
    terminal.end(0)
    equal(terminal.shown.count("a key begins with sk-"), 2, f"once as help, once as complaint: {terminal.shown!r}")
    equal(world.run("get", "acme", "--field", "api_key", "--show-secret", secret_output=True).stdout, key + "\n", "the key")


def CL02_echo_is_back_after_ctrl_c_and_signals(world):
    provider(world)
    for how in ("ctrl-c", signal.SIGTERM, signal.SIGHUP):
        terminal = Terminal(world, "login", "acme", "--input", "terminal")
        terminal.read_until(": ")
        terminal.wait_until_echo_is(False)
        terminal.type("half a k")
        if how == "ctrl-c":
            terminal.type("\x03")
        else:
            terminal.process.send_signal(how)
        for _ in range(600):
            if terminal.process.poll() is not None:
                break
            time.sleep(0.02)
        code = terminal.process.poll()
        equal(code, 11, f"{how}: exit code; shown: {terminal.shown!r}")
        check(terminal.echo(), f"{how}: echo is off")
        terminal.end(code)
    world.run("get", "acme", code=6)


def CL11_a_signal_at_any_question_ends_with_11(world):
    """The passphrase of the vault and a confirmation, too: not only the questions of a login."""
    provider(world)
    for words, question in ((["login", "acme", "--input", "terminal"], "New vault passphrase: "), (["remove", "acme"], "Remove 'acme'?")):
        world.run("config", "set", "vault.key_source", "passphrase" if words[0] == "login" else "automatic")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            terminal = Terminal(world, *words)
            terminal.read_until(question)
            terminal.process.send_signal(number)
            terminal.end(11)
            equal(terminal.shown.count("claviger: error: "), 1, f"{words} {number}: {terminal.shown!r}")
    world.run("inspect", "acme")


def CL11_a_signal_ends_a_waiting_login(world):
    """Wherever it waits: for the form, for the browser to come back, for standard input."""
    provider(world)
    far = world.definition("far", auth_type="oauth2", flow="pkce", api_url="api.far.example",
                           oauth={"authorization_url": "https://far.example/authorize", "token_url": "https://far.example/token"})
    world.run("register", far, "--yes")
    cases = ((["login", "acme", "--input", "browser"], None, "enter what is asked for at"), (["login", "far", "--input", "stdin"], '{"client_id": "me"}', "approve the access at"),
             (["login", "acme", "--input", "stdin"], "hold", None))
    for words, stdin, waits in cases:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            source, sink = os.pipe()
            if stdin not in (None, "hold"):
                os.write(sink, stdin.encode())
                os.close(sink)
            process = subprocess.Popen([world.program, *words], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=world.environment(), text=True)
            world.children.append(process)
            os.close(source)
            said = ""
            if waits:
                while waits not in said:
                    line = process.stderr.readline()
                    check(line, f"{words}: ended before {waits!r}: {said}")
                    said += line
            else:  # nothing is said while standard input is awaited: wait until it holds the signal
                for _ in range(600):
                    caught = int(re.search(r"SigCgt:\s*([0-9a-f]+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1], 16)
                    if caught >> (number - 1) & 1:
                        break
                    time.sleep(0.02)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
            world.children.remove(process)
            what = f"{words} {signal.Signals(number).name}"
            equal((process.returncode, out), (11, ""), f"{what}: {said + err}")
            equal([line for line in err.splitlines() if line.startswith("claviger: error: ")], ["claviger: error: login cancelled; nothing was stored"], what)
            if stdin == "hold":
                os.close(sink)
            import socket
            socket.create_server(("127.0.0.1", 7998)).close()  # the listener is gone
    world.run("get", "acme", code=6)


def two_fields_of_a_custom_definition(world):
    file = world.directory / "pair.json"
    file.write_text(json.dumps({"schema_version": 1, "name": "pair", "display_name": "Pair", "auth_type": "basic", "flow": "basic", "api_url": "api.pair.example"}))
    registered = world.run("register", file, "--yes", code=None)
    check(registered.returncode == 0, registered.stderr)
    secret = world.canaries.new("password")
    terminal = Terminal(world, "login", "pair", "--input", "terminal")
    terminal.read_until(": ")
    terminal.type("somebody\n")
    terminal.read_until("Password (optional): ")  # what is typed before the prompt is thrown away, so that nothing slips into it
    terminal.type(secret + "\n")
    terminal.read_until("Successfully logged in")
    terminal.end(0)
    contains(terminal.shown, "somebody", "a field that is no secret is echoed")
    shown = json.loads(world.run("get", "pair", "--json", "--show-secret", secret_output=True).stdout)
    check(secret in shown.values() and "somebody" in shown.values(), "both fields are stored")


def a_confirmation_is_asked_for(world):
    file = world.definition("acme", auth_type="api_key", flow="api_key", api_url="api.acme.example", api_key={"header_name": "X-Acme-Key"})
    for answer, code in (("n\n", 11), ("\n", 11), ("y\n", 0)):
        terminal = Terminal(world, "register", str(file))
        terminal.read_until("Register 'acme'?")
        contains(terminal.shown, "api.acme.example", "what it would do is shown first")
        terminal.type(answer)
        terminal.end(code)
        world.run("inspect", "acme", code=0 if code == 0 else 3)


if __name__ == "__main__":
    main(CL02_a_key_is_not_echoed, CL02_echo_is_back_after_ctrl_c_and_signals, CL11_a_signal_at_any_question_ends_with_11,
         CL11_a_signal_ends_a_waiting_login, two_fields_of_a_custom_definition, a_confirmation_is_asked_for)
