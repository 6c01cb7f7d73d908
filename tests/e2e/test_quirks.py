"""Every habit of the quirk lab (tests/peers/quirks) through the real program: log in, and refresh where the row has one.
The lab refuses whatever is not exactly what it wants, so a login that succeeds sent it; what came back is checked here."""
import datetime
from harness import *

LAB = ROOT / "tests/peers/quirks"
ROWS = sorted(file.stem for file in (LAB / "definitions").glob("*.json"))


class Lab:
    def __init__(self, world):
        self.world, self.record = world, world.directory / "lab.jsonl"
        port = world.peer(sys.executable, "-B", LAB / "server.py", self.definitions(world), self.record)["port"]
        self.port = port

    def definitions(self, world):
        """The rows as they stand, at the port that is free now: the lab reads its own copy."""
        copy = world.directory / "rows"
        copy.mkdir()
        for file in (LAB / "definitions").glob("*.json"):
            shutil.copy(file, copy)
        return copy

    def read(self, row):
        """The definition of a row, with the lab's address in it."""
        text = (LAB / "definitions" / f"{row}.json").read_text()
        return json.loads(text.replace("http://lab/", f"http://127.0.0.1:{self.port}/"))

    def lines(self, row):
        every = [json.loads(line) for line in self.record.read_text().splitlines()] if self.record.exists() else []
        return [line for line in every if line["server"] == row]

    def wrong(self, row):
        return [line for line in self.lines(row) if "wrong" in line]

    def issued(self, row, kind):
        return [line["token"] for line in self.lines(row) if line.get("issued") == kind]

    def refreshes(self, row):
        return sum(1 for line in self.lines(row) if line.get("refresh"))


def shown(world, row, code=0):
    result = world.run("get", row, "--show-secret", "--json", secret_output=True, code=code)
    return json.loads(result.stdout) if code == 0 else result


def life_of(connection):
    end = connection.get("expires_at")
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
        if lab.wrong(row) and process.poll() is None:  # refused before the human could come back
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


def log_in(world, lab, row):
    definition = lab.read(row)
    switches = definition["x-lab"]
    file = world.directory / f"{row}.json"
    file.write_text(json.dumps(definition))
    world.run("register", file, "--yes")
    public = definition["oauth"].get("token_auth_method") == "none"
    form = "lab-client" if public else {"client_id": "lab-client", "client_secret": "lab-secret+/ %"}
    arguments = [text.replace("http://lab/", f"http://127.0.0.1:{lab.port}/") for text in switches.get("login", [])]
    result = log_in_with(world, lab, row, arguments, form)
    check(switches.get("fails") or result.returncode == 0, f"exit code {result.returncode}: {result.stderr}")
    return switches, result


def check_row(world, lab, row):
    try:
        switches, result = log_in(world, lab, row)
    except Failure as failure:
        raise Failure(f"{row}: {failure}; the lab says {lab.wrong(row)}") from None
    if fails := switches.get("fails"):
        check(result.returncode != 0, f"{row}: the login should fail")
        contains(result.stderr, fails, row)
        return
    equal(lab.wrong(row), [], f"{row}: what the lab refused")
    expect = switches.get("expect", {})
    refreshes = "refresh" in switches
    if not refreshes:
        connection = shown(world, row)
        equal(connection["access_token"], lab.issued(row, "access")[-1], f"{row}: the access token")
        check_life(row, connection, expect)
        check_told(world, row, connection, expect, "captured")
        return
    check_refresh(world, lab, row, expect)


def check_life(row, connection, expect):
    if "life" not in expect:
        return
    life = life_of(connection)
    if expect["life"] is None:
        equal(life, None, f"{row}: the end")
    else:
        check(life is not None and expect["life"] - 300 < life <= expect["life"] + 1, f"{row}: the end is in {life} s instead of {expect['life']}")


def check_told(world, row, connection, expect, key):
    for name, value in expect.get(key, {}).items():
        equal(world.run("get", row, "--field", name).stdout.strip(), value, f"{row}: captured {name}")
    if "scopes" in expect:
        equal(connection["scopes"], expect["scopes"], f"{row}: scopes")
        equal(connection["missing_scopes"], expect.get("missing", []), f"{row}: missing scopes")


def check_refresh(world, lab, row, expect):
    """The first token lives a second: whoever asks now must get the next one."""
    time.sleep(1.1)
    if expect.get("needs_login") or expect.get("refused"):
        result = world.run("get", row, "--show-secret", "--json", secret_output=True, code=None)
        check(result.returncode != 0, f"{row}: an expired token was handed out")
        status = world.run("get", row, "--field", "status", code=None).stdout.strip()
        equal(status == "needs_login", bool(expect.get("needs_login")), f"{row}: needs login, status {status}")
        return
    for count in range(1, expect.get("refreshes", 1) + 1):
        connection = shown(world, row)
        equal(lab.wrong(row), [], f"{row}: what the lab refused")
        check(lab.refreshes(row) == count, f"{row}: {lab.refreshes(row)} refreshes instead of {count}")
        equal(connection["access_token"], lab.issued(row, "access")[-1], f"{row}: the access token after refresh {count}")
        equal(len(lab.issued(row, "access")), 1 if expect.get("extends") else count + 1, f"{row}: tokens issued")
        time.sleep(1.1 if count < expect.get("refreshes", 1) else 0)
    if "refreshes" not in expect:
        check_life(row, connection, {"life": 3600})
    check_told(world, row, connection, expect, "captured_after" if "captured_after" in expect else "captured")


def every_row(world, rows=None):
    lab, failed = Lab(world), []
    world.canaries.add("client_secret", "lab-secret+/ %")
    for row in rows or ROWS:
        try:
            check_row(world, lab, row)
        except Failure as failure:
            failed.append(str(failure))
        for kind in ("access", "refresh"):
            for number, token in enumerate(lab.issued(row, kind)):
                world.canaries.add(f"{row}.{kind}.{number}", token)
    check(not failed, f"{len(failed)} of {len(rows or ROWS)} rows:\n" + "\n".join(failed))
    print(f"{len(rows or ROWS)} rows")


def the_first_half_of_the_rows(world):
    every_row(world, ROWS[:len(ROWS) // 2])


def the_second_half_of_the_rows(world):
    every_row(world, ROWS[len(ROWS) // 2:])


def the_lab_refuses_a_client_without_the_quirk(world):
    """Each row again with the quirk taken out of the definition: the lab must say no, or what came back must be wrong."""
    lab = Lab(world)
    for row in ("comma-scopes", "renamed-params", "json-basic", "basic-secret-alone", "state-repeated", "no-redirect-uri", "get-token", "nested-tokens"):
        definition = lab.read(row)
        plain = {"authorization_url", "token_url", "scopes"}
        definition["oauth"] = {k: v for k, v in definition["oauth"].items() if k in plain}
        file = world.directory / f"{row}.json"
        file.write_text(json.dumps(definition))
        world.run("register", file, "--yes")
        result = log_in_with(world, lab, row, [], {"client_id": "lab-client", "client_secret": "lab-secret+/ %"})
        check(result.returncode != 0, f"{row}: the login went through without the quirk")
        if row != "nested-tokens":
            check(lab.wrong(row), f"{row}: the lab took a request without its quirk")
        for kind in ("access", "refresh"):
            for number, token in enumerate(lab.issued(row, kind)):
                world.canaries.add(f"{row}.{kind}.{number}", token)


if __name__ == "__main__":
    main(the_first_half_of_the_rows, the_second_half_of_the_rows, the_lab_refuses_a_client_without_the_quirk)
