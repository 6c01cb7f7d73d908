#!/usr/bin/env python3
"""Many processes with many threads want the token of one connection at once, some are stopped, some are killed
(RF-01, RF-02, G12): exactly one token request per expiry, no reuse alarm, no lost token.

usage: refresh_race_test.py <refresh_tool> [--rounds n] [--processes n] [--threads n] [--delay seconds]
"""
import argparse, os, random, shutil, signal, subprocess, sys, tempfile, time

from token_endpoint import TokenEndpoint


def spawn(options, home):
    return subprocess.Popen([options.tool, home, "fresh", str(options.threads)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def round_of(options, kind, home, server, family, dice):
    """kind: plain | stopped | killed. A problem, or None."""
    before = (family.requests, family.commits)
    subprocess.run([options.tool, home, "expire"], check=True)
    server.delay = options.delay if kind == "plain" else max(1.0, options.delay / 2)
    processes = [spawn(options, home) for _ in range(options.processes)]
    killed = 0
    if kind != "plain":
        deadline = time.monotonic() + 20
        while family.requests == before[0] and time.monotonic() < deadline:
            time.sleep(0.01)
        victims = dice.sample(processes, max(1, len(processes) // 3))
        for victim in victims:
            victim.send_signal(signal.SIGSTOP if kind == "stopped" else signal.SIGKILL)
            killed += kind == "killed"
        if kind == "stopped":
            time.sleep(server.delay + 1)  # its answer arrives meanwhile
            for victim in victims:
                victim.send_signal(signal.SIGCONT)
    outputs = [process.communicate(timeout=150)[0].splitlines() for process in processes]
    lines = [line for process, output in zip(processes, outputs) if process.returncode != -9 for line in output]
    alive = [process for process in processes if process.returncode != -9]
    token = f"access-of-{family.token()}"
    requests, commits = family.requests - before[0], family.commits - before[1]
    wrong = [line for line in lines if not line.endswith(" " + token)]
    shown = subprocess.run([options.tool, home, "show"], capture_output=True, text=True).stdout.split()
    if family.alarms or family.revoked:
        return f"{kind}: reuse alarm"
    if kind == "killed" and commits == 1 and requests <= 2 and not wrong and len(lines) == len(alive) * options.threads and shown[3] == "whole":
        return None  # the owner may have been among the dead: one further attempt, within the grace
    if (requests, commits) != (1, 1) or wrong or shown[:4] != [token, family.token(), "usable", "whole"] or len(lines) != len(alive) * options.threads:
        return f"{kind}: {requests} requests, {commits} commits, {len(lines)} answers of {len(alive) * options.threads}, wrong {wrong[:3]}, vault {shown}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--delay", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.tool = os.path.abspath(options.tool)
    scratch = tempfile.mkdtemp(prefix="claviger-race-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    server, dice, problems = TokenEndpoint(grace=600), random.Random(options.seed), []
    try:
        home = os.path.join(scratch, "home")
        subprocess.run([options.tool, home, "connect", server.url, "family"], check=True)
        family = server.family("family")
        for number in range(options.rounds):
            for kind in ("plain", "stopped", "killed"):
                problem = round_of(options, kind, home, server, family, dice)
                if problem:
                    problems.append(f"round {number}: {problem}")
        print(f"{options.rounds * 3} expiries, {options.processes} processes with {options.threads} threads: "
              f"{family.requests} token requests, {family.commits} tokens, {family.alarms} alarms")
        print(*problems, sep="\n")
        sys.exit(1 if problems else 0)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
