"""G10, PX-08, PX-09 through the running proxy, in a network namespace in which every address is this machine's own: of
denied addresses in every known spelling not one is connected to, whether they stand in a URL or in an answer of the name
server, and of 100 public ones every one is reached."""
from everywhere import *
from test_transparent import EMPTY, PYTHON, RAW

DENIED, NO_HOST = (403, "address_refused"), (400, "bad_request")


def hextets(v4):
    return "%02x%02x:%02x%02x" % tuple(v4.packed)


def carriers(v4):
    """IPv6 addresses that hold an IPv4 address: mapped, compatible, translated, NAT64, local NAT64 (RFC 6052 section 2.2), 6to4, Teredo."""
    hexes, octets = hextets(v4), tuple(v4.packed)
    inverted = hextets(ipaddress.IPv4Address(int(v4) ^ 0xffffffff))
    return [f"::ffff:{v4}", f"::ffff:{hexes}", f"0:0:0:0:0:ffff:{hexes}", f"0000:0000:0000:0000:0000:FFFF:{hexes.upper()}", f"::{v4}", f"::{hexes}", f"::ffff:0:{v4}",
            f"64:ff9b::{v4}", f"64:FF9B::{hexes}", f"64:ff9b:1::{hexes}", "64:ff9b:1:%02x%02x:%02x:%02x00::" % octets, f"2002:{hexes}::1", f"2002:{hexes}::{v4}",
            f"2001:0:{hexes}::", f"2001:0:808:808:0:0:{inverted}"]


def percent(text):
    return "".join(f"%{byte:02x}" for byte in text.encode())


FULL_WIDTH = str.maketrans("0123456789.", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\u3002")


def number_forms(v4):
    """What inet_aton and browsers read as this IPv4 address."""
    whole, (a, b, c, d) = int(v4), v4.packed
    return [f"{v4}", f"{v4}.", f"{whole}", f"{whole}.", f"0x{whole:x}", f"0X{whole:X}", f"0x{whole:08x}", f"0{whole:o}", f"000{whole:o}", f"{a}.{whole & 0xffffff}",
            f"{a}.{b}.{whole & 0xffff}", f"0x{a:x}.{whole & 0xffffff}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:X}", f"{a}.0x{b:x}.0{c:o}.{d}",
            f"000{a:o}.0{b:o}.{c}.0x000{d:x}"]


def encoded_forms(v4):
    """What the browsers' URL parser reads so as well; no client writes it in a request (RFC 9112 section 3.2)."""
    wide = str(v4).translate(FULL_WIDTH)
    return [percent(str(v4)), str(v4).replace(".", "%2E"), percent(wide), wide, str(v4).replace(".", "%E3%80%82"), str(v4).replace(".", "\uff0e"), f"%{ord(str(v4)[0]):x}{str(v4)[1:]}"]


def spellings():
    """Hosts as they stand in a URL: of each denied address every spelling, each once."""
    hosts = {}
    for text in TABLES["denied_v4"]:
        v4 = ipaddress.IPv4Address(text)
        hosts.update(dict.fromkeys(number_forms(v4)))
        hosts.update(dict.fromkeys(f"[{one}]" for one in carriers(v4)))
    for text in TABLES["denied_v6"]:
        v6 = ipaddress.IPv6Address(text)
        groups = [f"{int(group, 16):x}" for group in v6.exploded.split(":")]
        hosts.update(dict.fromkeys(f"[{one}]" for one in (text, v6.compressed, v6.exploded, v6.exploded.upper(), ":".join(groups), ":".join(groups[:6]) + f":{ipaddress.IPv4Address(v6.packed[12:])}")))
    for name in ("localhost", "LOCALHOST", "localhost.", "api.localhost", "a.b.LocalHost."):
        hosts[name] = None
    return list(hosts)


# No host in any reading: zones, IPv4 in brackets, numbers out of range, controls, what is a part of a URL and not of a host.
NO_HOSTS = ["%6cocalhost", percent("\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54"), "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3", "[fe80::1%25lo]", "[fe80::1%lo]", "[fe80::1%251]", "[::1%25lo]", "[127.0.0.1]", "[localhost]", "[::1", "::1]", "[[::1]]", "[]", "[:]", "[:::1]", "[::1::1]", "[::127.0.0.1.]",
            "[::127.0.0.256]", "[::127.1]", "[::0x7f.0.0.1]", "[::127.0.0.01]", "[::ffff:7f00:1%00]", "[%3a%3a1]", "[%5b::1%5d]", "[::1]x", "x[::1]", "[::12345]", "[1:2:3:4:5:6:7:8:9]", "127.0.0.256",
            "256.0.0.1", "127.0.0.08", "127.0.0.0xg.1", "127.0.0.1.1", "4294967296", "0x100000000", "127.16777216", "127.0.65536", "08", "127.0.0.1%00", "127.0.0.1%20", "%0a127.0.0.1", "127.0.0.1%09", "127.0.0.1%2f",
            "127.0.0.1%23", "127.0.0.1%3f", "127.0.0.1%40x", "x%40127.0.0.1", "127.0.0.1%5c", "127.0.0.1%3a80", "127.0.0.1%", "%zz127.0.0.1", "127.0.0.1%c0%ae", "\u0661\u0662\u0667.0.0.1", "127..1", "0x7f..1", ".1", "..1", "<127.0.0.1>",
            "^127.0.0.1", "127.0.0.1|x", "127.0.0.1\x7f", "127.0.0.1\x00", "127.0.0.1\\", "127.0.0.1,8.8.8.8", ""]


def negative_control(everywhere):
    """Connections to denied addresses are seen here, all but those that no kernel makes; gives how many."""
    count = 0
    for text in TABLES["denied_v4"] + TABLES["denied_v6"]:
        for port in PLAIN_PORTS + TLS_PORTS:
            with contextlib.suppress(OSError):
                socket.create_connection((text, port), timeout=20).close()
                count += 1
    equal(len(everywhere.seen()), count, "each connection is seen")
    check(count >= 200, f"{count} connections to denied addresses would be possible")
    everywhere.forget()
    return count


def G10_no_spelling_of_a_denied_address_is_connected_to(world):
    """PX-08: in absolute form, by CONNECT, each at two ports."""
    everywhere = Everywhere(world)
    connect_acme(world)
    possible = negative_control(everywhere)
    session = Session(world, "--no-sandbox", lifetime=300)
    hosts = spellings()
    rows = []
    for at, host in enumerate(hosts):
        rows += [(f"http://{host}{('', ':80', ':8080')[at % 3]}/latest/meta-data", DENIED), (f"{host}:{(443, 8443, 80)[at % 3]}", DENIED)]
    nothing = [*NO_HOSTS, *(form for text in TABLES["denied_v4"][::4] for form in encoded_forms(ipaddress.IPv4Address(text)))]
    for host in nothing:
        rows += [(f"http://{host}/", NO_HOST), (f"{host}:443", NO_HOST)]
    answers = each(rows, lambda row: (asked_plainly(session, row[0]) if row[0].startswith("http:") else asked_by_tunnel(session, row[0]))[:2])
    wrong = [f"{target!r}: {got}" for (target, expected), got in answers if got != expected]
    check(not wrong, f"{len(wrong)} answers:\n" + "\n".join(wrong[:40]))
    equal(everywhere.seen(), [], "connections")
    check(len(hosts) >= 400, f"{len(hosts)} spellings")
    print(f"{len(hosts)} spellings and {len(nothing)} that no client writes, each in two forms: 0 connections of {possible} possible ones")
    session.end()


def denied_names(names):
    """Names of the own name server that lead to each denied address: alone, behind an alias of an alias, among public ones."""
    made = []
    for at, text in enumerate(TABLES["denied_v4"] + TABLES["denied_v6"]):
        one, alias, mixed = f"one{at}.denied.example", f"alias{at}.denied.example", f"mixed{at}.denied.example"
        names.names.update({one: [[text]], f"cdn{at}.example": [[one]], alias: [[f"cdn{at}.example"]],
                            mixed: [([PUBLIC, text], [text, PUBLIC], [PUBLIC, PUBLIC6, text], [text, SECOND, PUBLIC])[at % 4]]})
        made += [one, alias, mixed]
    return made


def G10_no_name_of_a_denied_address_is_connected_to(world):
    """PX-09: by A, AAAA and CNAME, in absolute form, by CONNECT, and as the host of a connection (reverse form, CONNECT)."""
    everywhere = Everywhere(world, "api.acme.com")
    everywhere.names.names.update({"good.example": [["alias.good.example"]], "alias.good.example": [["1.1.1.1", "2606:4700:4700::1111"]], "api.acme.com": [[PUBLIC]]})
    connect_acme(world)
    names = denied_names(everywhere.names)
    session = Session(world, "--no-sandbox", lifetime=300)
    answers = each(names, lambda name: (asked_plainly(session, f"http://{name}/")[:2], asked_by_tunnel(session, f"{name}:443")[:2]))
    wrong = [f"{name} {everywhere.names.names[name]}: {got}" for name, got in answers if got != (DENIED, DENIED)]
    reverse = session.environment["CLAVIGER_URL_ACME"].split("/", 3)[3]

    def as_the_connection():
        own = f"GET /{reverse}/v1 HTTP/1.1\r\nHost: 127.0.0.1:{session.port}\r\nConnection: close\r\n\r\n".encode()
        return sent(session, own)[:2], asked_by_tunnel(session, "api.acme.com:443", "api.acme.com", host="api.acme.com")[:2]
    for name in (name for at, name in enumerate(names) if (at + at // 3) % 3 == 0):  # of each address one, all kinds by turns
        everywhere.names.names["api.acme.com"] = everywhere.names.names[name]
        got = as_the_connection()
        if got != (DENIED, DENIED):
            wrong.append(f"api.acme.com {everywhere.names.names[name]}: {got}")
    check(not wrong, f"{len(wrong)} answers:\n" + "\n".join(wrong[:40]))
    equal(everywhere.seen(), [], "connections")
    everywhere.names.names["api.acme.com"] = [["alias.good.example"]]
    equal(as_the_connection(), ((200, ""), (200, "")), "a public address")
    equal(asked_plainly(session, "http://good.example/")[0], 200, "an alias of public addresses")
    print(f"{len(names)} names, each in two forms, and a third of them as the connection's own host in two more: 0 connections")
    session.end()


def G10_a_name_that_flips_between_families(world):
    """PX-09: as test_addresses.py's name that changes its mind, with AAAA records and aliases."""
    everywhere = Everywhere(world)
    public = {PUBLIC, SECOND, PUBLIC6}
    everywhere.names.names.update({"flip6.example": [[PUBLIC], ["::1"], [PUBLIC6], ["fd00::1", PUBLIC], ["loop.example"], ["::ffff:127.0.0.1"], [SECOND], ["64:ff9b::7f00:1"], ["169.254.169.254", PUBLIC6]],
                                   "loop.example": [["127.0.0.1"]]})
    connect_acme(world)
    session = Session(world, "--no-sandbox", lifetime=300)
    outcomes = {}
    for at, (status, reason, body) in each(range(400), lambda at: asked_by_tunnel(session, "flip6.example:443") if at % 3 else asked_plainly(session, "http://flip6.example:8080/")):
        check(status == 200 and body in public or (status, reason) in (DENIED, (502, "upstream_unreachable")), f"round {at}: {status} {reason} {body}")
        outcomes[status] = outcomes.get(status, 0) + 1
    reached = {address for address, _ in everywhere.seen()}
    check(reached <= public and len(reached) >= 2, f"connections: {reached}")
    check(outcomes.get(200, 0) >= 40 and outcomes.get(403, 0) >= 100, f"both kinds of answers happened: {outcomes}")
    print(f"flipping between families: {outcomes}")
    session.end()


def public_spellings(text):
    address = ipaddress.ip_address(text)
    if address.version == 4:
        return [text, text + ".", f"0x{int(address):x}"]
    return [f"[{one}]" for one in (text, address.exploded, address.exploded.upper())]


def G10_every_public_address_is_reached(world):
    """No false denial: 100 addresses, as they are and spelled otherwise, and by name."""
    everywhere = Everywhere(world)
    connect_acme(world)
    session = Session(world, "--no-sandbox", lifetime=300)
    rows = [(spelling, text) for text in TABLES["public"] for spelling in public_spellings(text)]
    for at, text in enumerate(TABLES["public"]):
        everywhere.names.names[f"public{at}.example"] = [[text]]
        rows.append((f"public{at}.example", text))
    answers = each(rows, lambda row: (asked_plainly(session, f"http://{row[0]}/"), asked_by_tunnel(session, f"{row[0]}:443")))
    wrong = [f"{row}: {got}" for row, got in answers if got != ((200, "", row[1]),) * 2]
    check(not wrong, f"{len(wrong)} answers:\n" + "\n".join(wrong[:40]))
    equal(sorted(set(everywhere.seen())), sorted((text, port) for text in TABLES["public"] for port in (80, 443)), "connections")
    print(f"{len(TABLES['public'])} public addresses in {len(rows)} spellings, each in two forms: all reached")
    session.end()


def PX08_what_the_owner_allows_is_reached_in_every_spelling(world):
    """The control: it is the guard that refuses, by ranges, and not a lack of understanding."""
    everywhere = Everywhere(world)
    connect_acme(world)
    world.run("config", "set", "network.allow_private", "true")
    session = Session(world, "--no-sandbox", lifetime=300)
    private = ipaddress.IPv4Address("10.1.2.3")
    answers = each([*number_forms(private), "[::ffff:10.1.2.3]"], lambda host: (asked_plainly(session, f"http://{host}/"), asked_by_tunnel(session, f"{host}:443")))
    wrong = [f"{host}: {got}" for host, got in answers if not all(one[0] == 200 and one[2] == "10.1.2.3" for one in got)]
    check(not wrong, "\n".join(wrong))
    equal({address for address, _ in everywhere.seen()}, {"10.1.2.3"}, "connections")
    everywhere.forget()
    never = [form for text in ("127.0.0.1", "0.0.0.0", "224.0.0.0", "255.255.255.255") for form in number_forms(ipaddress.IPv4Address(text))]
    never += [f"[{one}]" for one in ("::1", "::", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1")]
    wrong = [f"{host}: {got}" for host, got in each(never, lambda host: asked_plainly(session, f"http://{host}/")[:2]) if got != DENIED]
    check(not wrong, "\n".join(wrong))
    equal(everywhere.seen(), [], "connections")
    session.end()


EVERY_WAY = """
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def tried(host):
    try: http = plain(host, named="[%s]" % host if ":" in host else host).replace("\\r\\n", " ")
    except (OSError, UnicodeError) as error: http = type(error).__name__
    return [http, ask(host, 443, sni=None, named="example.org", context=context)]
print(json.dumps({host: tried(host) for host in json.load(open(sys.argv[1]))}))
"""


def G10_no_denied_address_is_connected_to_by_programs_that_know_no_proxy(world):
    """PX-08, PX-09, T4: `run --transparent`; by http, and by a TLS handshake without a name."""
    everywhere = Everywhere(world)
    connect_acme(world)
    hosts = [*TABLES["denied_v4"], *TABLES["denied_v6"], *denied_names(everywhere.names)[::2]]
    (world.directory / "hosts.json").write_text(json.dumps([*hosts, "8.8.4.4", "2606:4700:4700::1111"]))
    program = world.directory / "every_way.py"
    program.write_text(RAW + EVERY_WAY)
    got = json.loads(world.run("run", "--transparent", "--", *EMPTY, PYTHON, program, world.directory / "hosts.json").stdout)
    public = [got.pop(host) for host in ("8.8.4.4", "2606:4700:4700::1111")]
    check(all(" 200 " in http and " 200 " in tls for http, tls in public), f"public addresses: {public}")
    # The kernel takes the unspecified addresses for its own, and connects to no broadcast, multicast or unscoped link-local
    # one; in 198.18.0.0/15 are the session's own addresses of names.
    expected = {**dict.fromkeys(hosts, ("403 address_refused", "TLS TLSV1_ALERT_ACCESS_DENIED")), **dict.fromkeys(("0.0.0.0", "::"), ("421 misdirected", "TLS TLSV1_ALERT_ACCESS_DENIED")),
                **{host: ("OSError", "OSError") for host in hosts if host.startswith(("22", "23", "fe8", "feb", "ff")) or host.endswith(("127.255.255.255", "255.255.255.255"))},
                "198.18.0.0": ("502 upstream_unreachable", "TLS TLSV1_ALERT_INTERNAL_ERROR")}
    reason = re.compile(r"HTTP/1\.1 (\d+) .* Claviger-Reason: (\w+) ")
    wrong = [f"{host}: {answers}" for host, answers in got.items() if (reason.sub(r"\1 \2\n", answers[0]).split("\n")[0], answers[1]) != expected[host]]
    check(not wrong, f"{len(wrong)} answers:\n" + "\n".join(wrong[:40]))
    equal({address for address, _ in everywhere.seen()}, {"8.8.4.4", "2606:4700:4700::1111"}, "connections")
    print(f"{len(hosts)} hosts without a proxy, each by http and TLS: 0 connections to a denied address")


if __name__ == "__main__":
    main(G10_no_spelling_of_a_denied_address_is_connected_to, G10_no_name_of_a_denied_address_is_connected_to, G10_a_name_that_flips_between_families,
         G10_every_public_address_is_reached, G10_no_denied_address_is_connected_to_by_programs_that_know_no_proxy,
         PX08_what_the_owner_allows_is_reached_in_every_spelling)
