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
            elif self.process.poll() is not None and not select.select([self.master], [], [], 0)[0]:
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
            equal([line for line in err.splitlines() if line.startswith("claviger: error: ")], ["claviger: error: login cancelled; no connection was stored"], what)
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


def a_wrong_field_is_asked_for_again_at_once_and_it_alone(world):
    file = world.directory / "two.json"
    schema = {"type": "object", "required": ["acct", "key"], "properties": {"acct": {"type": "string", "title": "Acct", "pattern": "^AC[0-9]+$"},
                                                                           "key": {"type": "string", "title": "Key", "writeOnly": True, "minLength": 8}}}
    file.write_text(json.dumps({"schema_version": 1, "name": "two", "display_name": "Two", "auth_type": "api_key", "flow": "api_key", "api_url": "api.two.example",
                                "credentials": {"schema": schema, "field_name": "key"}}))
    world.run("register", file, "--yes")
    key = world.canaries.new("key")
    terminal = Terminal(world, "login", "two", "--input", "terminal")
    again = "not accepted: acct: this must match the pattern ^AC[0-9]+$\r\nAcct: ", "not accepted: key: this must have at least 8 characters\r\nKey: "
    for prompt, answer in (("Acct: ", "bad"), (again[0], "AC1"), ("Key: ", "short"), (again[1], key)):
        terminal.read_until(prompt)
        if prompt.endswith("Key: "):
            terminal.wait_until_echo_is(False)
        terminal.type(answer + "\n")
    terminal.read_until("Successfully logged in")
    terminal.end(0)
    equal(terminal.shown.count("Acct: "), 2, "the account is not asked for again because of the key")


def what_concerns_all_fields_together_waits_for_the_last(world):
    file = world.directory / "either.json"
    schema = {"type": "object", "required": ["user"], "properties": {name: {"type": "string", "title": name.title()} for name in ("user", "password", "token")},
              "anyOf": [{"required": ["password"]}, {"required": ["token"]}]}
    file.write_text(json.dumps({"schema_version": 1, "name": "either", "display_name": "Either", "auth_type": "custom", "flow": "custom", "api_url": "api.either.example",
                                "credentials": {"schema": schema}, "inject": {"headers": {"X-User": "{{user}}"}}}))
    world.run("register", file, "--yes")
    terminal = Terminal(world, "login", "either", "--input", "terminal")
    for prompt, answer in (("User: ", "ada"), ("Password (optional): ", ""), ("Token (optional): ", ""), ("is required\r\nUser: ", "ada"), ("Password (optional): ", ""),
                           ("Token (optional): ", world.canaries.new("token"))):
        terminal.read_until(prompt)
        time.sleep(0.2)  # what is typed before the prompt is thrown away
        terminal.type(answer + "\n")
    terminal.read_until("Successfully logged in")
    terminal.end(0)


def questions(world):
    """Every command that asks for a yes: its words and its question; what must be there before, and --yes would change it."""
    server = world.authorization_server()
    source = world.directory / "authsome"
    (source / "providers").mkdir(parents=True)
    (source / "providers" / "theirs.json").write_text(world.definition("theirs", auth_type="api_key", flow="api_key", api_url="api.theirs.example", api_key={"header_name": "X-Key"}).read_text())
    provider(world)
    world.run("login", "acme", "--input", "stdin", stdin=world.canaries.new("key", "sk-"))
    other = json.loads(world.run("inspect", "acme").stdout)
    other["api_url"] = "api.other.example"
    world.run("register", "-", "--yes", "--force", stdin=json.dumps(other))
    file = world.definition("new", auth_type="api_key", flow="api_key", api_url="api.new.example", api_key={"header_name": "X-New-Key"})
    answers = json.dumps({"kind": "basic", "api_url": "api.wizard.example"})
    return ((["register", str(file)], "Register 'new'?", None), (["remove", "acme"], "Remove 'acme'?", None), (["confirm", "acme"], "Use this connection with the new definition?", None),
            (["import", "authsome", str(source)], "Import these?", None), (["vault", "repair"], "Repair the vault?", None),
            (["provider", "discover", server["issuer"], "--name", "found", "--register"], "Register 'found'?", None),
            (["provider", "new", "wizard", "--input", "stdin"], "Register 'wizard'?", answers))


def CL11_a_no_is_11_and_nobody_to_ask_is_2(world):
    """One rule: who says no has stopped it (11); what nobody can be asked is missing on the command line (2). Nothing changes."""
    table = questions(world)

    def state():
        return [(str(p), p.read_bytes()) for p in sorted((world.home / "providers").iterdir())], world.run("list", "--json").stdout
    before = state()
    for words, question, stdin in table:
        for more in ([], ["--json"]):
            refused = world.run(*words, *more, stdin=stdin, code=2).stderr
            contains(refused, "this needs a confirmation and there is no terminal to ask on", f"{words} {more}")
            contains(refused, "add --yes", f"{words} {more}")
        if stdin is not None:
            continue  # the answers take the terminal's place
        for answer in ("n\n", "\n", "nonsense\n", "\x03", "\x04"):
            terminal = Terminal(world, *words)
            terminal.read_until(question, 60)
            terminal.type(answer)
            terminal.end(11)
        terminal = Terminal(world, *words, "--json")
        terminal.end(2)
        contains(terminal.shown, "with --json nobody is asked", f"{words}")
    equal(state(), before, "nothing was changed")
    terminal = Terminal(world, *table[0][0])
    terminal.read_until("Register 'new'?")
    contains(terminal.shown, "api.new.example", "what it would do is shown first")
    terminal.type("y\n")
    terminal.end(0)
    world.run("inspect", "new")


def a_private_key_is_pasted_as_it_is_in_its_file(world):
    """PEM over many lines, with the curve's parameters before it and Windows line ends; a JWK over several lines."""
    path = world.directory / "client-key.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", path], check=True, capture_output=True)
    raw = subprocess.run(["openssl", "ec", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout[-64:]
    text = subprocess.run(["openssl", "ec", "-in", path, "-noout", "-text"], check=True, capture_output=True, text=True).stdout
    scalar = bytes.fromhex("".join(re.search(r"priv:\s*([0-9a-f:\s]+?)pub:", text)[1].split()).replace(":", ""))[-32:]
    encode = lambda part: base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    jwk = {"kty": "EC", "crv": "P-256", "x": encode(raw[:32]), "y": encode(raw[32:])}
    pem = path.read_text()
    path.unlink()
    contains(pem, "EC PARAMETERS", "two parts")
    world.canaries.add("scalar", encode(scalar))
    world.canaries.add("pem", max(pem.splitlines(), key=len)[:60])
    clients = world.directory / "clients.json"
    clients.write_text(json.dumps([{"client_id": "keyed", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{**jwk, "use": "sig", "alg": "ES256"}]},
                                    "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": [], "scope": "read"}]))
    server = world.authorization_server("--clients", clients)
    world.run("register", world.definition("acme", auth_type="oauth2", flow="client_credentials", api_url="api.acme.example",
                                           oauth={"issuer": server["issuer"], "token_auth_method": "private_key_jwt", "scopes": ["read"]}), "--yes")
    pasted = {"PEM": pem, "Windows": pem.replace("\n", "\r\n"), "bracketed": "\x1b[200~" + pem.strip().replace("\n", "\r") + "\x1b[201~\n",
              "one line": pem[pem.index("-----BEGIN EC PRIVATE"):].replace("\n", "") + "\n", "JWK": json.dumps({**jwk, "d": encode(scalar)}, indent=1) + "\n"}
    for name, keys in pasted.items():
        terminal = Terminal(world, "login", "acme", "--connection", name.lower().replace(" ", "-"), "--input", "terminal")
        terminal.read_until("Client ID: ")
        terminal.type("keyed\n")
        terminal.read_until("Private key: ")
        terminal.wait_until_echo_is(False)
        terminal.type(keys)
        terminal.read_until("Key ID (optional): ")
        terminal.type("\n")
        terminal.read_until("Successfully logged in to acme")
        terminal.end(0)
        world.run("remove", "acme", "--yes")
        world.run("register", world.directory / "acme.json", "--yes")


if __name__ == "__main__":
    main(CL02_a_key_is_not_echoed, CL02_echo_is_back_after_ctrl_c_and_signals, CL11_a_signal_at_any_question_ends_with_11,
         CL11_a_signal_ends_a_waiting_login, two_fields_of_a_custom_definition, a_wrong_field_is_asked_for_again_at_once_and_it_alone, what_concerns_all_fields_together_waits_for_the_last, CL11_a_no_is_11_and_nobody_to_ask_is_2,
         a_private_key_is_pasted_as_it_is_in_its_file)
