"""Every habit of the quirk lab (tests/peers/quirks) through the real program: log in, refresh and revoke where the row has
one. The lab refuses whatever is not exactly what it wants, so a step that succeeds sent it; what came back is checked here.
Which row shows which field at which step: quirk_table.py."""
import copy, datetime, socket, urllib.request
from harness import *
from quirk_table import BY_OTHER_TESTS, NOT_QUIRKS, SHOWN

LAB = ROOT / "tests/peers/quirks"
sys.path.insert(0, str(LAB))
import server as lab_server
ROWS = sorted(file.stem for file in (LAB / "definitions").glob("*.json"))


LAB_NAMES = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: LAB_NAMES("127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)


class Lab:
    """The lab with its definitions, some of them changed."""

    def __init__(self, world, definitions=None):
        self.world, self.record = world, world.directory / "lab.jsonl"
        self.definitions = definitions if definitions is not None else {row: read(row) for row in ROWS}
        rows = world.directory / "rows"
        rows.mkdir()
        self.private_key, public = key_pair(world)
        self.key = lab_server.Key(public)
        for name, definition in self.definitions.items():
            (rows / f"{name}.json").write_text(json.dumps(definition))
        self.port = world.peer(sys.executable, "-B", LAB / "server.py", rows, self.record)["port"]

    def placed(self, text):
        return text.replace("http://lab/", f"http://127.0.0.1:{self.port}/").replace("$port", str(self.port))

    def lines(self, row):
        every = [json.loads(line) for line in self.record.read_text().splitlines()] if self.record.exists() else []
        return [line for line in every if line["server"] == row]

    def wrong(self, row):
        return [line for line in self.lines(row) if "wrong" in line]

    def issued(self, row, kind):
        return [line["token"] for line in self.lines(row) if line.get("issued") == kind]

    def refreshes(self, row):
        return sum(1 for line in self.lines(row) if line.get("refresh"))

    def revoked(self, row):
        return [line["revoke"] for line in self.lines(row) if "revoke" in line]

    def plant(self, row):
        for kind in ("access", "refresh", *self.definitions[row]["x-lab"].get("expect", {}).get("steps", [])):
            for number, token in enumerate(self.issued(row, kind)):
                self.world.canaries.add(f"{row}.{kind}.{number}", token)


def key_pair(world):
    """An RSA key as the human has it, and a file with its public part for the lab."""
    public = world.directory / "lab-key.pem"
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True).stdout
    public.write_bytes(subprocess.run(["openssl", "pkey", "-pubout"], input=pem, check=True, capture_output=True).stdout)
    world.canaries.add(f"private key {len(world.canaries.values)}", pem.decode().splitlines()[3])
    return pem.decode(), public


def read(row):
    return json.loads((LAB / "definitions" / f"{row}.json").read_text())


def shown(world, row, *more, code=0):
    result = world.run("get", row, *more, "--show-secret", "--json", secret_output=True, code=code)
    return json.loads(result.stdout) if code == 0 else result


def life_of(end):
    if not end:
        return None
    left = datetime.datetime.fromisoformat(end.replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)
    return left.total_seconds()


def log_in_with(world, lab, row, arguments, answers):
    """Logs in with the answers on standard input; the browser opens the link that is shown, as a human would."""
    process = world.start("login", row, "--input", "stdin", *arguments, stdin=answers if isinstance(answers, str) else json.dumps(answers))
    lines, browser, workers = [], Browser(), []

    def visit(url):
        browser.open(url)
        if "#/oauth/authorize?" in url:  # the script of a page behind '#' is ours here
            browser.open(f"http://127.0.0.1:{lab.port}/{row}/authorize?" + url.split("#/oauth/authorize?", 1)[1])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0 if lab.wrong(row) else 15)
        if process.poll() is None:  # refused before the human could come back, or with nothing to come back with
            process.terminate()

    for raw in process.stderr:
        line = raw.decode(errors="replace").rstrip()
        lines.append(line)
        for url in re.findall(r"https?://\S+", line) if line.startswith("approve the access") else []:
            workers.append(threading.Thread(target=visit, args=(url,), daemon=True))
            workers[-1].start()
    out = process.stdout.read()
    process.wait(60)
    world.children.remove(process)
    for worker in workers:
        worker.join(10)
    world.keep(["login", row], out, "\n".join(lines).encode(), False)
    return subprocess.CompletedProcess(arguments, process.returncode, out.decode(), "\n".join(lines))


def register(world, lab, row):
    file = world.directory / f"{row}.json"
    file.write_text(lab.placed(json.dumps(lab.definitions[row])))
    world.run("register", file, "--yes")


def with_secret(lab, answers):
    """$secret is the client's, $key the private key, so that neither stands in the file that is registered."""
    return {name: text.replace("$secret", "lab-secret+/= %").replace("$key", lab.private_key) for name, text in answers.items()}


def told_by_the_webhook(lab, row):
    """The app is installed beforehand, as at a marketplace; the browser that does it sees no code."""
    page = lab.placed(lab.definitions[row]["oauth"]["authorization_url"])
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(page, timeout=30).read()
    return [line["told"] for line in lab.lines(row) if "told" in line][-1]


def log_in(world, lab, row, how="login", *more):
    """The exit code must be the one that the row expects."""
    definition = lab.definitions[row]
    switches = definition["x-lab"]
    form = with_secret(lab, switches["answers"]) if "answers" in switches else "lab-client" if definition["oauth"].get("token_auth_method") == "none" else {"client_id": "lab-client", "client_secret": "lab-secret+/= %"}
    if "install" in switches:
        form["code"] = form["code"].replace("$told", told_by_the_webhook(lab, row))
        world.canaries.add(f"{row}.code", form["code"].strip())
    arguments = [lab.placed(text) for text in switches.get(how, [])]
    result = log_in_with(world, lab, row, [*arguments, *more], form)
    fails, expect = switches.get("fails"), switches.get("expect", {})
    if fails:
        check(result.returncode != 0, "the login should fail")
        contains(result.stderr, fails, "why")
        return
    check(result.returncode == 0, f"exit code {result.returncode}: {result.stderr}")
    equal(lab.wrong(row), [], "what the lab refused")
    contains(result.stderr, expect.get("warns", ""), "what it warns of")
    if "self_signed" in switches:
        return check_self_signed(world, lab, row, switches["self_signed"])
    if "refresh_answer" not in switches:
        connection = shown(world, row)
        equal(connection["access_token"], lab.issued(row, "access")[-1], "the access token")
        if "life" in expect:
            check_life(connection.get("expires_at"), expect["life"])
        check_told(world, row, connection, expect, "captured")


def check_self_signed(world, lab, row, expected):
    """The token is a JWT of the program's own making, and the next one another: nobody was asked for it."""
    claims = {name: text.replace("$fingerprint", lab.key.fingerprint) for name, text in expected["claims"].items()}
    seen = set()
    for _ in range(2):
        asked = time.time()
        connection = shown(world, row)
        try:
            ends = lab_server.check_jwt(connection["access_token"], lab.key, claims, expected["ago"], asked)
        except lab_server.Wrong as wrong:
            raise Failure(str(wrong)) from None
        check(abs(life_of(connection["expires_at"]) - (ends - time.time())) < 2, f"the end is {connection['expires_at']} instead of {ends}")
        world.canaries.add(f"{row}.{len(seen)}", connection["access_token"])
        seen.add(connection["access_token"])
        time.sleep(max(0, ends - time.time() + 0.2))
    equal((len(seen), lab.lines(row)), (2, []), "tokens, and what was asked of the lab")


def check_life(end, expected):
    life = life_of(end)
    if expected is None:
        return equal(life, None, "the end")
    check(life is not None and expected - 300 < life <= expected + 1, f"the end is in {life} s instead of {expected}")


def check_told(world, row, connection, expect, key):
    for name, value in expect.get(key, {}).items():
        equal(world.run("get", row, "--field", name).stdout.strip(), value, f"captured {name}")
    if "scopes" in expect:
        equal(connection["scopes"], expect["scopes"], "scopes")
        equal(connection["missing_scopes"], expect.get("missing", []), "missing scopes")


def check_refresh(world, lab, row):
    """The first token is over or about to be: whoever asks now must get the next one."""
    expect = lab.definitions[row]["x-lab"].get("expect", {})
    if expect.get("needs_login") or expect.get("refused"):
        return check_no_refresh(world, lab, row, expect)
    if expect.get("steps_alone"):
        connection = shown(world, row)
        equal((lab.wrong(row), lab.refreshes(row)), ([], 0), "what the lab refused, and refreshes: a step needs none")
    for count in range(1, 1 if expect.get("steps_alone") else expect.get("refreshes", 1) + 1):
        connection = shown(world, row)
        equal(lab.wrong(row), [], "what the lab refused")
        check(lab.refreshes(row) == count, f"{lab.refreshes(row)} refreshes instead of {count}")
        equal(connection["access_token"], lab.issued(row, "access")[-1], f"the access token after refresh {count}")
        equal(len(lab.issued(row, "access")), 1 if expect.get("extends") else count + 1, "tokens issued")
        time.sleep(1.1 if count < expect.get("refreshes", 1) or expect.get("not_again") else 0)
    if expect.get("not_again"):
        shown(world, row, code=None)
        return equal(lab.refreshes(row), 1, "refreshes within the interval")
    if "refreshes" not in expect:
        check_life(connection.get("expires_at"), expect.get("life", 3600))
    for step in expect.get("steps", []):
        equal(world.run("get", row, "--field", step, "--show-secret", secret_output=True).stdout.strip(), lab.issued(row, step)[-1], f"what the step {step} brought")
    if "refresh_life" in expect:
        check_life(connection.get("refresh_expires_at"), expect["refresh_life"])
    check_told(world, row, connection, expect, "captured_after" if "captured_after" in expect else "captured")


def check_no_refresh(world, lab, row, expect):
    result = shown(world, row, code=None)
    check(result.returncode != 0, "an expired token was handed out")
    status = world.run("get", row, "--field", "status", code=None).stdout.strip()
    equal(status == "needs_login", bool(expect.get("needs_login")), f"needs login, status {status}")
    if expect.get("recovers"):
        for _ in range(120):
            result = shown(world, row, code=None)
            if result.returncode == 0:
                return equal(json.loads(result.stdout)["access_token"], lab.issued(row, "access")[-1], "the access token at last")
            time.sleep(0.5)
        raise Failure(f"it never recovered: {result.stderr}")
    if expect.get("asks_again"):
        return
    time.sleep(2.5)  # what may pass by itself is asked again after a second or two
    shown(world, row, code=None)
    equal(lab.refreshes(row), 1, "nobody asks again for what a human has to mend")


def check_revocation(world, lab, row):
    switches = lab.definitions[row]["x-lab"]
    expect = switches.get("expect", {})
    order = switches["revoke"].get("order") or [kind for kind in ("refresh", "access") if lab.issued(row, kind)]
    wanted = expect.get("revoked", {kind + "_token": "revoked" for kind in order})
    result = world.run("revoke", row, "--json", code=None)
    equal(lab.wrong(row), [], f"what the lab refused; claviger says {result.stdout}{result.stderr}")
    equal(lab.revoked(row), order, "what was revoked, and in which order")
    document = json.loads(result.stdout or result.stderr)
    document = document.get("error", document)["connections"][0]
    equal({t["token"]: t["result"] for t in document["tokens"]}, wanted, f"what claviger makes of the answer: {document}")
    equal(result.returncode == 0, set(wanted.values()) == {"revoked"}, f"exit code {result.returncode}")
    contains(json.dumps(document["tokens"]), expect.get("revoke_says", ""), "in whose words")
    world.run("get", row, code=6)


class Rows:
    """Rows that go through their steps together, so that one wait is for all. `failed`: row -> step, what happened."""

    def __init__(self, world, lab):
        self.world, self.lab, self.failed = world, lab, {}

    def go_on(self, step, does, offers):
        for row, definition in self.lab.definitions.items():
            if row in self.failed or not offers(definition["x-lab"]):
                continue
            try:
                does(self.world, self.lab, row)
            except Failure as failure:
                self.failed[row] = (step, f"{failure}; the lab says {self.lab.wrong(row)}")

    def run(self):
        self.go_on("register", register, lambda x: True)
        self.go_on("login", log_in, lambda x: True)
        time.sleep(max(d["x-lab"].get("wait", 1.1) for d in self.lab.definitions.values()))
        self.go_on("refresh", check_refresh, lambda x: "refresh_answer" in x)
        self.go_on("revoke", check_revocation, lambda x: "revoke" in x)
        for row in self.lab.definitions:
            self.lab.plant(row)
        return self.failed


def every_row(world, rows):
    world.canaries.add("client_secret", "lab-secret+/= %")
    failed = Rows(world, Lab(world, {row: read(row) for row in rows})).run()
    check(not failed, f"{len(failed)} of {len(rows)} rows:\n" + "\n".join(f"{row} ({step}): {why}" for row, (step, why) in failed.items()))
    print(f"{len(rows)} rows")


def the_first_half_of_the_rows(world):
    every_row(world, ROWS[:len(ROWS) // 2])


def the_second_half_of_the_rows(world):
    every_row(world, ROWS[len(ROWS) // 2:])


def two_tenants_of_one_definition_never_meet(world):
    """Each tenant is a server of its own that knows no code and no token of the other; each connection stays at its own."""
    for row in ("tenant-host", "tenant-label"):
        lab = Lab(world, {row: read(row)})
        expect = lab.definitions[row]["x-lab"]["expect"]
        register(world, lab, row)
        log_in(world, lab, row)
        log_in(world, lab, row, "elsewhere", "--connection", "elsewhere")
        time.sleep(1.1)
        for name, host in (("default", expect["host"]), ("elsewhere", expect["host_elsewhere"])):
            before = len(lab.lines(row))
            connection = shown(world, row, "--connection", name)
            world.run("revoke", row, "--connection", name)
            lines = lab.lines(row)[before:]
            equal({line["host"] for line in lines}, {host}, f"{row}: where {name} went")
            equal([kind for kind in ("refresh", "revoke") for line in lines if kind in line], ["refresh", "revoke", "revoke"], f"{row}: what {name} did")
            check(connection["access_token"] in [line.get("token") for line in lines], f"{row}: the token of {name} is its own tenant's")
        equal(lab.wrong(row), [], f"{row}: what the lab refused")
        lab.plant(row)
        shutil.rmtree(world.directory / "rows")
        lab.record.unlink()


def two_tokens_of_one_login_refresh_apart(world):
    """A bot's and a user's token come in one answer, each with a refresh token that rotates: two definitions over one server,
    and neither connection spends what is the other's."""
    rows = ("two-tokens-bot", "two-tokens-user")
    lab = Lab(world, {row: read(row) for row in rows})
    for row in rows:
        register(world, lab, row)
        log_in(world, lab, row)
    for count in (1, 2, 3):
        for row in rows:
            time.sleep(1.1)
            equal(shown(world, row)["access_token"], lab.issued(row, "access")[-1], f"{row}: the access token after refresh {count}")
            equal([lab.refreshes(r) for r in rows], [count, count - 1 if row == rows[0] else count], f"refreshes when {row} asked")
    equal(lab.wrong("two-tokens"), [], "what the lab refused")
    check(not set(lab.issued(rows[0], "refresh")) & set(lab.issued(rows[1], "refresh")), "the refresh tokens are two families")
    for row in rows:
        equal(len(lab.issued(row, "refresh")), 4, f"{row}: refresh tokens")
        lab.plant(row)


def shown_by_rows():
    """(field, step, row)"""
    for field, steps in SHOWN.items():
        for step, rows in steps.items():
            yield from ((field, step, row) for row in ([rows] if isinstance(rows, str) else rows))


def without(definition, field):
    """The definition as somebody would write it who does not know of that field."""
    changed = copy.deepcopy(definition)
    *path, last = ["oauth", *field.split("/")]
    inside = changed
    for name in path:
        inside = inside[name]
    del inside[last]
    for depth in range(len(path), 1, -1):  # an empty block is none
        inside = changed
        for name in path[:depth - 1]:
            inside = inside[name]
        if not inside[path[depth - 1]]:
            del inside[path[depth - 1]]
    return changed


def the_table_of_fields_is_whole(world):
    """Each field of `oauth` that the schema knows is shown at each step, or is said to be shown elsewhere; each row that is
    named sets the field, and the lab offers the step there."""
    schema = json.loads((ROOT / "providers/schema/provider.schema.json").read_text())["properties"]["oauth"]["properties"]
    fields = set()
    for name, value in schema.items():
        members = value.get("properties") if name in ("callback", "response", "expires", "refresh", "errors", "revoke", "rename") else None
        fields |= {f"{name}/{member}" for member in members} if members else {name}
    known = set(SHOWN) | set(NOT_QUIRKS) | set(BY_OTHER_TESTS)
    members = {f for f in known if any(f.startswith(whole + "/") for whole in fields | {"rename"})}  # of one that is shown as a whole too
    equal((sorted(fields - known), sorted(known - fields - members)), ([], []), "fields that the table misses, and that the schema does")
    offers = {"authorize": lambda d: d["flow"] == "pkce", "exchange": lambda d: d["flow"] != "client_credentials", "mint": lambda d: "mint" in d["x-lab"] or "self_signed" in d["x-lab"],
              "refresh": lambda d: "refresh" in d["x-lab"] or "mint" in d["x-lab"], "revoke": lambda d: "revoke" in d["x-lab"], "device": lambda d: "device" in d["x-lab"],
              "register": lambda d: "register" in d["x-lab"], "push": lambda d: "par" in d["x-lab"]}
    for field, step, row in shown_by_rows():
        definition = read(row)
        check(offers[step](definition), f"{field}: {row} has no {step}")
        without(definition, field)  # a KeyError: the row does not set it
    for field, where in BY_OTHER_TESTS.items():
        file, _, name = where.partition("::")
        check(name in (ROOT / file).read_text(), f"{field}: no {name} in {file}")


def a_definition_without_the_field_fails(world):
    """Each cell's row once more without its field: some step must fail, or the field would not be what made it work."""
    if world.sanitized:  # the same code again
        return left_to_the_release_build("definitions without a field")
    world.canaries.add("client_secret", "lab-secret+/= %")
    cases, definitions = sorted({(row, field) for field, _, row in shown_by_rows()}), {}
    for number, (row, field) in enumerate(cases):
        name = f"{row}.{number}"
        definition = without(read(row), field)
        definition["name"] = name
        definitions[name] = json.loads(json.dumps(definition).replace(f"/{row}/", f"/{name}/").replace(f"/{row}\"", f"/{name}\""))
    failed = Rows(world, Lab(world, definitions)).run()
    needless = [f"{row} without {field}" for number, (row, field) in enumerate(cases) if f"{row}.{number}" not in failed]
    equal(needless, [], "rows that work without the field that they show")
    print(f"{len(cases)} definitions without a field: each failed")


def a_wrong_signature_is_refused(world):
    """The lab computes it itself: a hash over anything else than the body as it came, or with another key, is none."""
    world.canaries.add("client_secret", "lab-secret+/= %")
    rows = {}
    for name, old, new in (("short", "{{request.body}}", ""), ("another-key", '"key": "{{client_secret}}"', '"key": "{{client_id}}"')):
        text = json.dumps(read("signed-token-request")).replace(old, new).replace("signed-token-request", name)
        check(old not in text, "the row is changed")
        rows[name] = json.loads(text)
    lab = Lab(world, rows)
    failed = Rows(world, lab).run()
    for name in rows:
        equal(failed.get(name, ("",))[0], "login", f"{name}: where it fails")
        contains(json.dumps(lab.wrong(name)), "the signature is wrong", f"{name}: what the lab says")


if __name__ == "__main__":
    main(the_table_of_fields_is_whole, the_first_half_of_the_rows, the_second_half_of_the_rows, two_tenants_of_one_definition_never_meet,
         two_tokens_of_one_login_refresh_apart,
         a_definition_without_the_field_fails, a_wrong_signature_is_refused)
