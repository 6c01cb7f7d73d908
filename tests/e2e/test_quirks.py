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


def follow_route(world, arguments, forms, port, code):
    """The script of a page behind '#' is ours here: it calls the server with what stands behind the route."""
    opened, real = [], Browser.open

    def open_page(browser, url, data=None, origin=None):
        page = real(browser, url, data, origin)
        if "#/oauth/authorize?" in browser.url:
            opened.append(browser.url)
            return real(browser, f"http://127.0.0.1:{port}/fragment-route/authorize?" + browser.url.split("#/oauth/authorize?", 1)[1])
        return page
    Browser.open = open_page
    try:
        result = browser_login(world, arguments, forms=forms, code=code)
    finally:
        Browser.open = real
    check(opened, "the route was not opened")
    return result


def log_in(world, lab, row):
    definition = lab.read(row)
    switches = definition["x-lab"]
    file = world.directory / f"{row}.json"
    file.write_text(json.dumps(definition))
    world.run("register", file, "--yes")
    form = {"client_id": "lab-client"}
    if definition["oauth"].get("token_auth_method") != "none":
        form["client_secret"] = "lab-secret+/ %"
    fails = switches.get("fails")
    arguments = ["login", row, *(text.replace("http://lab/", f"http://127.0.0.1:{lab.port}/") for text in switches.get("login", []))]
    log = follow_route if row == "fragment-route" else lambda w, a, f, p, c: browser_login(w, a, forms=f, code=c)
    result, pages = log(world, arguments, [form], lab.port, None if fails else 0)
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
        check_told(row, connection, expect, "captured")
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


def check_told(row, connection, expect, key):
    for name, value in expect.get(key, {}).items():
        equal(connection.get("captured", {}).get(name), value, f"{row}: captured {name}")
    if "scopes" in expect:
        equal(connection["scopes"], expect["scopes"], f"{row}: scopes")


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
    check_told(row, connection, expect, "captured_after" if "captured_after" in expect else "captured")


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
        process = world.start("login", row, "--input", "stdin", stdin=json.dumps({"client_id": "lab-client", "client_secret": "lab-secret+/ %"}))
        link = None
        for raw in process.stderr:
            found = re.findall(r"https?://\S+", raw.decode())
            link = found[-1] if found else link
            if link and "authorize" in link or link and "127.0.0.1" in link:
                threading.Thread(target=Browser().open, args=(link,), daemon=True).start()
                break
        if row in ("comma-scopes", "renamed-params"):  # refused before the human comes back
            for _ in range(200):
                if lab.wrong(row):
                    break
                time.sleep(0.05)
            check(lab.wrong(row), f"{row}: the lab took a request without its quirk")
            process.terminate()
        process.communicate(timeout=60)
        world.children.remove(process)
        check(process.returncode != 0, f"{row}: the login went through without the quirk")
        if row != "nested-tokens":
            check(lab.wrong(row), f"{row}: the lab took a request without its quirk")
        for kind in ("access", "refresh"):
            for number, token in enumerate(lab.issued(row, kind)):
                world.canaries.add(f"{row}.{kind}.{number}", token)


if __name__ == "__main__":
    main(the_first_half_of_the_rows, the_second_half_of_the_rows, the_lab_refuses_a_client_without_the_quirk)
