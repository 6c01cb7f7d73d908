#!/usr/bin/env python3
"""Many processes with many threads want the token of one connection at once, the token endpoint takes its time, some
processes are stopped, some killed, and answers are lost after the server committed (RF-01, RF-02, RF-06, RF-12, G12): one
token request per expiry, one more for an answer that was lost, no reuse alarm, no lost token.

usage: refresh_race_test.py <refresh_tool> [--rounds n] [--processes n] [--threads n] [--delay seconds] [--seed n] [--kinds a,b]
"""
import argparse, os, random, shutil, signal, subprocess, sys, tempfile, time

from token_endpoint import TokenEndpoint

GRACE = 600         # of the server, and as the definition says
CALLERS_WAIT = 30   # after that a caller hears `busy` (RF-09)


class Race:
    def __init__(self, options, home, server, family):
        self.options, self.home, self.server, self.family = options, home, server, family

    def tool(self, *words):
        return subprocess.run([self.options.tool, self.home, *words], capture_output=True, text=True, timeout=150)

    def start(self):
        """All at once, for a token that has just expired."""
        done = self.tool("expire")
        if done.returncode != 0:
            raise SystemExit(f"expire: {done.stderr}")
        self.before = (self.family.requests, self.family.commits)
        self.started = time.monotonic()
        command = [self.options.tool, self.home, "fresh", str(self.options.threads)]
        self.processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(self.options.processes)]

    def wait_for_request(self):
        deadline = time.monotonic() + 20
        while self.family.requests == self.before[0] and time.monotonic() < deadline:
            time.sleep(0.005)

    def end(self):
        """What all said that lived, and what came of it."""
        outputs = [process.communicate(timeout=150)[0].splitlines() for process in self.processes]
        self.lasted = time.monotonic() - self.started
        alive = [process for process in self.processes if process.returncode != -signal.SIGKILL]
        self.killed = len(self.processes) - len(alive)
        self.missing = len(alive) * self.options.threads - sum(len(o) for p, o in zip(self.processes, outputs) if p in alive)
        self.lines = [line for process, output in zip(self.processes, outputs) if process in alive for line in output]
        self.requests, self.commits = self.family.requests - self.before[0], self.family.commits - self.before[1]

    def judge(self, least, most):
        """A problem, or None. `least`, `most`: token requests."""
        if self.family.alarms or self.family.revoked:
            return "reuse alarm"
        token = f"access-of-{self.family.token()}"
        wrong = [line for line in self.lines if not line.endswith(" " + token)]
        if self.lasted > CALLERS_WAIT:
            wrong = [line for line in wrong if not line.startswith("busy ")]
        after = self.tool("fresh")
        more = self.family.requests - self.before[0] - self.requests
        shown = self.tool("show").stdout.split()
        lost = after.returncode != 0 or not after.stdout.strip().endswith(token) or more or shown != [token, self.family.token(), "usable", "whole"]
        if self.commits != 1 or not least <= self.requests <= most or wrong or self.missing or lost:
            return (f"{self.requests} requests ({least} to {most}), {self.commits} commits, {self.missing} answers missing, wrong {wrong[:3]}; "
                    f"afterwards {more} requests, {after.stdout.strip()} {after.stderr.strip()}, vault {shown}")
        return None


def plain(race, dice, delay):
    race.start()
    race.end()
    return race.judge(1, 1)


def stopped(race, dice, delay):
    """A third stops when the request is at the server, and goes on when the answer must have come."""
    race.start()
    race.wait_for_request()
    victims = dice.sample(race.processes, max(1, len(race.processes) // 3))
    for victim in victims:
        victim.send_signal(signal.SIGSTOP)
    time.sleep(delay + 1)
    for victim in victims:
        victim.send_signal(signal.SIGCONT)
    race.end()
    return race.judge(1, 1)


def killed(race, dice, delay):
    """A third is killed when the request is at the server: if its owner is among them, somebody sends it once more."""
    race.server.delay = delay / 2
    race.start()
    race.wait_for_request()
    for victim in dice.sample(race.processes, max(1, len(race.processes) // 3)):
        victim.kill()
    race.end()
    return race.judge(1, 2)


def dropped(race, dice, delay):
    """The server commits and resets the connection: exactly one further attempt."""
    race.server.delay, race.server.drop = delay / 2, 1
    race.start()
    race.end()
    return race.judge(2, 2)


def mixed(race, dice, delay):
    """Up to half are killed or stopped for a while, each when it is its turn, and an answer may be lost as well."""
    drops = race.server.drop = dice.randint(0, 1)
    race.server.delay = delay / 2
    events = []
    for number in dice.sample(range(race.options.processes), race.options.processes // 2):
        at = dice.uniform(0, 0.2 + race.server.delay * (1 + drops))
        if dice.random() < 0.5:
            events.append((at, number, signal.SIGKILL))
        else:
            events += [(at, number, signal.SIGSTOP), (at + dice.uniform(0.1, delay), number, signal.SIGCONT)]
    race.start()
    for at, number, what in sorted(events):
        time.sleep(max(0.0, race.started + at - time.monotonic()))
        race.processes[number].send_signal(what)
    race.end()
    return race.judge(1 + drops, 1 + drops + race.killed)


KINDS = (plain, stopped, killed, dropped, mixed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--delay", type=float, default=1.0, help="an answer takes anything up to it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(kind.__name__ for kind in KINDS))
    options = parser.parse_args()
    options.tool = os.path.abspath(options.tool)
    kinds = [kind for kind in KINDS if kind.__name__ in options.kinds.split(",")]
    scratch = tempfile.mkdtemp(prefix="claviger-race-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    server, problems = TokenEndpoint(GRACE), 0
    try:
        home = os.path.join(scratch, "home")
        subprocess.run([options.tool, home, "connect", server.url, "family", "auto", str(GRACE)], check=True)
        race = Race(options, home, server, server.family("family"))
        for number in range(options.rounds):
            for kind in kinds:
                seed = f"{options.seed + number} {kind.__name__} {options.delay}"
                server.delay, server.drop, server.dice = options.delay, 0, random.Random("server " + seed)
                problem = kind(race, random.Random(seed), options.delay)
                print(f"seed {options.seed + number} {kind.__name__}: {race.requests} requests, {race.killed} killed, {race.lasted:.1f} s{': ' + problem if problem else ''}", flush=True)
                if problem:
                    problems += 1
                    print(f"again: {sys.argv[0]} {sys.argv[1]} --processes {options.processes} --threads {options.threads} --delay {options.delay} "
                          f"--rounds 1 --kinds {kind.__name__} --seed {options.seed + number}", flush=True)
        print(f"{options.rounds * len(kinds)} expiries, {options.processes} processes with {options.threads} threads: "
              f"{race.family.requests} token requests, {race.family.commits} tokens, {race.family.alarms} alarms")
        sys.exit(1 if problems else 0)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
