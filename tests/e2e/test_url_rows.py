"""G10, PX-03 to PX-07, PX-11, PX-30 on the wire: URLs that readers may understand differently (url_rows.py, and the table of
the rules, tests/vectors/policy/uri_rules.json), sent through the running proxy. Each connection's credential arrives at
its own hosts and paths alone."""
import collections
from everywhere import *
from url_rows import *

NAMES = (*HOSTS, "api.acme.com", "*.acme.com", "x.y.acme.com", "x.y.z.acme.com", "a-b_c.acme.com")


class Scene:
    """Connections with a key each, and what arrived with which."""

    def __init__(self, world, connections, variables={}):
        self.world, self.keys = world, {}
        self.everywhere = Everywhere(world, *NAMES)
        self.everywhere.names.otherwise = [SECOND]
        for name, definition in connections.items():
            self.keys[name] = world.canaries.new(f"{name} key")
            world.run("register", world.definition(name, auth_type="api_key", flow="api_key", api_key={"header_name": "X-Key", "header_prefix": ""}, **definition), "--yes")
            world.run("login", name, "--input", "stdin", *(["--var", variables[name]] if name in variables else []), stdin=self.keys[name])

    def outcomes(self, asks):
        """Of functions that each send one request, with these fields and give its answer: what became of it, in the words of
        url_rows.py. No row's request may arrive twice, or be refused and arrive."""
        self.everywhere.forget()
        answers = each(range(len(asks)), lambda at: asks[at](f"X-Row: row{at}.\r\n"))
        self.everywhere.seen()
        arrived = collections.defaultdict(list)
        for request in self.everywhere.requests:
            arrived[request["headers"].get("x-row")].append("+".join(name for name, key in self.keys.items() if key in request["text"]) or "without")
        for at, (status, reason, _) in answers:
            holders = arrived.pop(f"row{at}.", [])
            refusal = f"{status} {reason}".strip()
            if holders:
                yield holders[0] if len(holders) == 1 and refusal == "200" else f"{holders} arrived, and the answer was {refusal}"
            else:
                yield refusal
        check(not arrived, f"requests of no row: {dict(arrived)}")


def G10_rows_of_urls(world):
    scene = Scene(world, {**CONNECTIONS, "login": LOGIN}, VARIABLES)
    session = Session(world, "--no-sandbox", lifetime=300)
    base = session.environment["CLAVIGER_URL_ACME"].rsplit("/", 1)[0].split("/", 3)[3]
    world.canaries.add("token of the reverse form", base)
    rows = []  # (description, function, expected)

    def tunnel(authority, target, host, name, expected):
        rows.append((f"CONNECT {authority!r}, name {name}, Host {host}, {target!r}",
                     lambda more: asked_by_tunnel(session, authority, name or authority.rsplit(":", 1)[0], target, host, more), expected))

    def plain(target, host, expected):
        rows.append((f"{target!r}, Host {host}", lambda more: asked_plainly(session, target, host, more), expected))

    def reverse(path, expected):
        own = f"GET /{base}{path} HTTP/1.1\r\nHost: 127.0.0.1:{session.port}\r\nMOREConnection: close\r\n\r\n"
        rows.append((f"TOKEN{path!r}", lambda more: sent(session, own.replace("MORE", more).encode()), expected))
    for host, table in (("api.acme.example", PATHS), ("login.acme.example", ENDPOINTS)):
        for expected, targets in table.items():
            for target in targets:
                tunnel(f"{host}:443", target, host, host, expected)
    for row in TUNNELS:
        tunnel(*row)
    for row in PLAIN:
        plain(*row)
    for row in REVERSE:
        reverse(*row)
    wrong = [f"{what}: {got}, not {expected}" for (what, _, expected), got in zip(rows, scene.outcomes([ask for _, ask, _ in rows])) if got != expected]
    counts = collections.Counter(expected for _, _, expected in rows)
    check(not wrong, f"{len(wrong)} of {len(rows)} rows:\n" + "\n".join(wrong[:60]))
    check(len(rows) >= 200, f"{len(rows)} rows")
    print(f"{len(rows)} rows of URLs: {dict(counts)}")
    session.end()


RULES = ("https://api.acme.com/v1/**", "https://api.acme.com/**", "https://*.acme.com/*", "https://git.acme.com/api/v4/**", "https://api.acme.com/users/*/items", "https://api.acme.com/search?q=*", "https://api.acme.com/a/**/z")
TARGETS = ("https://api.acme.com/v1", "api.acme.com", "**.acme.com")


def G10_the_table_of_the_rules_on_the_wire(world):
    """Each URL of the table as a client would that cleans nothing up: by CONNECT and TLS, and in absolute form."""
    table = json.loads((ROOT / "tests/vectors/policy/uri_rules.json").read_text())
    connections = {**{f"pattern{at}": {"authorized_uris": [rule], "uri_pattern_dialect": "afps-1.3"} for at, rule in enumerate(RULES)}, **{f"target{at}": {"api_url": rule} for at, rule in enumerate(TARGETS)}}
    scene = Scene(world, connections)
    wrong, counts = [], collections.Counter()
    for name, definition in connections.items():
        rule, dialects = (definition["api_url"], ("target",)) if "api_url" in definition else (definition["authorized_uris"][0], ("both", "afps-1.3"))
        session = Session(world, "--no-sandbox", "--use", name, "--only", lifetime=300)
        rows = []
        for _, _, url, matches in (row for row in table if row[0] in dialects and row[1] == rule):
            rows.append((f"{rule}: {url!r} in absolute form", lambda more, session=session, url=url: asked_plainly(session, url, None, more), "never"))
            if written := re.fullmatch(r"(?i)https://([^/?#\\]*)(.*)", url, re.DOTALL):
                authority = written[1] if re.search(r":\d*$", written[1]) else written[1] + ":443"
                usual = re.fullmatch(r"(?i)https://[a-z0-9_.-]+(:[0-9]+)?(/[^#\\]*)?", url)
                rows.append((f"{rule}: {url!r} by CONNECT", lambda more, session=session, authority=authority, target=written[2] or "/", host=written[1]:
                             asked_by_tunnel(session, authority, host.rsplit(":", 1)[0], target, host, more), ("always" if usual else "perhaps") if matches else "never"))
        for (what, _, expected), got in zip(rows, scene.outcomes([ask for _, ask, _ in rows])):
            counts[expected, "injected" if got == name else "not"] += 1
            if got == name and expected == "never" or got != name and (expected == "always" or got not in ("without", "nothing") and not re.fullmatch(r"\d{3} \w+", got)):
                wrong.append(f"{what}: {got}, not {expected} {name}")
        session.end()
    check(not wrong, f"{len(wrong)} rows:\n" + "\n".join(wrong[:60]))
    check(sum(counts.values()) >= 200 and counts["always", "injected"] >= 40, f"rows: {counts}")
    print(f"{sum(counts.values())} rows of the table of rules: {dict(counts)}")


if __name__ == "__main__":
    main(G10_rows_of_urls, G10_the_table_of_the_rules_on_the_wire)
