"""G18, PX-25 through the running proxy: every certificate of the zoo that must not be believed is refused, for its own reason
and as a documented problem, and of the request that would carry the credential no byte arrives; every good one is believed.
Usage: certificate_zoo_test.py path/to/claviger path/to/certificate_zoo"""
import sys
from everywhere import *

if len(sys.argv) < 3:
    sys.exit("usage: certificate_zoo_test.py path/to/claviger path/to/certificate_zoo [test...]")
ZOO = str(pathlib.Path(sys.argv.pop(2)).resolve())
HOSTS = ("api.acme.test", "v1.api.acme.test", "acme.com", "acme.co.uk", "acme.github.io", "127.0.0.1", "[::1]")


def server_context(directory, at, case):
    """None: this machine's own TLS library does not show such a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    if case["tls12"]:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(directory / f"{at}.pem")
    except ssl.SSLError as error:
        print(f"not shown: {case['name']}: {error}")
        return None
    context.sni_callback = lambda tls, name, _: setattr(tls, "asked_name", name)
    return context


def G18_no_byte_of_a_request_meets_a_bad_certificate(world):
    everywhere = Everywhere(world)
    everywhere.names.otherwise = [PUBLIC]
    directory = world.directory / "zoo"
    directory.mkdir()
    subprocess.run([ZOO, directory], check=True, timeout=60)
    cases = json.loads((directory / "cases.json").read_text())
    world.run("config", "set", "network.ca_file", directory / "roots.pem")
    key = world.canaries.new("key")
    world.run("register", world.definition("acme", auth_type="api_key", flow="api_key", api_url=[f"https://{host}" for host in HOSTS],
                                           api_key={"header_name": "Authorization", "header_prefix": "Bearer"}), "--yes")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    session = Session(world, "--no-sandbox", lifetime=300)
    shown = []  # (case, answer, connections that it took)
    for at, case in enumerate(cases):
        everywhere.context = server_context(directory, at, case)
        if everywhere.context is None:
            continue
        before = len(everywhere.connections)
        host = f"[{case['host']}]" if ":" in case["host"] else case["host"]
        answer = asked_by_tunnel(session, f"{host}:443", host, f"/v1/{at}", host)
        shown.append((at, case, answer, len(everywhere.connections) - before))
    everywhere.seen()
    session.end()
    # The program is told no more than that it is the certificate (PX-35); the owner, which of its faults.
    whys = iter([entry["why"] for entry in map(json.loads, world.run("log", "--json", "--limit", "0").stdout.splitlines()) if entry.get("reason") == "upstream_tls"])
    wrong, good, bad = [], 0, 0
    for at, case, (status, reason, body), connections in shown:
        arrived = [request["text"] for request in everywhere.requests if request["line"] == f"GET /v1/{at} HTTP/1.1"]
        if case["expected"]:
            bad += 1
            why = next(whys, "")
            right = (status, reason) == (502, "upstream_tls") and case["expected"] in why and case["expected"] not in body and not arrived and connections > 0
        else:
            good, why = good + 1, ""
            right = status == 200 and len(arrived) == 1 and key in arrived[0]
        if not right:
            wrong.append(f"{case['name']}: {status} {reason} {body}, {why}, {connections} connections, arrived: {arrived}")
    equal(len(everywhere.requests), good, "requests that arrived")
    check(not wrong, f"{len(wrong)} of {len(cases)} certificates:\n" + "\n".join(wrong))
    check(bad >= 40 and good >= 5, f"{bad} bad and {good} good certificates")
    print(f"{bad} bad certificates refused, {good} good ones believed, by the proxy of a session")


if __name__ == "__main__":
    main(G18_no_byte_of_a_request_meets_a_bad_certificate)
