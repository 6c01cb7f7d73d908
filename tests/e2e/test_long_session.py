"""A session that goes on for days (PX-26): its authority lives as long as it, and its leaves are made anew. The clock of
claviger and of its clients is moved by libfaketime; what OpenSSL says is asked of openssl itself."""
from harness import *
from test_proxy_rules import Session
from test_refresh import DAY, HOUR, LIBRARY, Time


class LongSession(Session):
    def __init__(self, world, *options):
        self.clock = Time(world)
        self.faked = {k: v for k, v in self.clock.environment().items() if "FAKE" in k or k == "LD_PRELOAD"}
        environment, start = world.environment, world.start

        def start_apart(*arguments, **more):  # claviger's clock is moved, not that of the program, which sleeps
            at = arguments.index("--") + 1
            return start(*arguments[:at], "env", "-u", "LD_PRELOAD", *arguments[at:], **more)
        world.environment, world.start = lambda **extra: environment(**{**self.faked, **extra}), start_apart
        try:
            super().__init__(world, *options, lifetime=300)
        finally:
            world.environment, world.start = environment, start
        self.began = int(time.time())

    def ask(self, url):
        """By a client whose clock goes as the session's."""
        done = subprocess.run(["curl", "-sS", "--max-time", "100", "-w", "\n%{http_code} %header{claviger-reason}", url],
                              env={**os.environ, **self.environment, **self.faked}, capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()[-1:], done.stderr

    def leaf(self, host):
        """What is shown for it now."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        with self.opened(host, host.partition(":")[0]) as tls:
            file = self.world.directory / "leaf.pem"
            file.write_text(ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)))
        return file

    def verdict(self, leaf, seconds):
        """openssl's, that many seconds after the session began, by the bundle that was there from its first moment."""
        return subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", "127.0.0.1", "-no-CApath", "-CAfile", self.environment["SSL_CERT_FILE"],
                               "-attime", str(self.began + seconds), leaf], capture_output=True, text=True)


def a_session_goes_on_for_weeks(world):
    api = connect_key(world)
    host = api.removeprefix("https://")
    session = LongSession(world)
    equal(session.ask(f"{api}/whoami"), (0, ["200 "], ""), "at its start")
    first = session.leaf(host)
    done = session.verdict(first, 23 * HOUR)
    equal((done.returncode, done.stderr), (0, ""), "a leaf of the first hour")
    contains(session.verdict(first, 25 * HOUR).stderr, "certificate has expired", "is no longer good after a day")
    session.clock.at(25 * HOUR)
    equal(session.ask(f"{api}/whoami"), (0, ["200 "], ""), "after 25 hours")
    done = session.verdict(session.leaf(host), 25 * HOUR)
    equal((done.returncode, done.stderr), (0, ""), "openssl after 25 hours")
    session.clock.at(29 * DAY)  # the API's own certificate has ended; that of the session has not
    code, answer, error = session.ask(f"{api}/whoami")
    check(code == 0 and answer in (["200 "], ["502 upstream_tls"]), f"after 29 days, by an old connection to the API or none: {code} {answer} {error}")
    equal(session.verdict(session.leaf(host), 29 * DAY).returncode, 0, "openssl after 29 days")
    session.clock.at(31 * DAY)
    code, answer, error = session.ask(f"{api}/whoami")
    check(code != 0 and "502" in error, f"after 31 days CONNECT itself is refused: {code} {error}")
    session.end()
    contains(world.run("log").stdout, "not_interceptable", "and why is in the log")


def an_end_that_is_known_bounds_the_authority(world):
    host = connect_key(world).removeprefix("https://")
    session = LongSession(world, "--for", "2h")
    leaf = session.leaf(host)
    done = session.verdict(leaf, 2 * HOUR + HOUR // 2)
    equal((done.returncode, done.stderr), (0, ""), "a refusal after the end can still be read")
    check(session.verdict(leaf, 3 * HOUR + HOUR // 2).returncode != 0, "an hour later the authority has ended")
    session.end()


if __name__ == "__main__":
    if len(sys.argv) > 1 and has_sanitizer(sys.argv[1]):  # libfaketime cannot be loaded beside a sanitizer
        left_to_the_release_build("every test of the clock")
        sys.exit(0)
    if LIBRARY is None:
        cannot_run("libfaketime is not installed")
        sys.exit(0)
    main(a_session_goes_on_for_weeks, an_end_that_is_known_bounds_the_authority)
