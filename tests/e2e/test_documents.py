"""What the documents show works: definitions register, command lines are accepted, exit codes agree."""
import json, re, shlex
from harness import *


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.M | re.S) if path.exists() else []


def documented_definitions_register(world):
    count = 0
    for path in (ROOT / "README.md", ROOT / "docs/provider-definition.md"):
        for number, text in enumerate(blocks(path, r"jsonc?"), 1):
            if '"schema_version"' not in text or '"auth_type"' not in text:
                continue  # a part of one
            count += 1
            home = world.directory / f"home-{path.stem}-{number}"
            result = world.run("register", "-", "--yes", stdin=text, code=None, env=world.environment(CLAVIGER_HOME=str(home)))
            check(result.returncode == 0, f"{path.name}, block {number}: {result.stderr}")
            check("warning" not in result.stderr, f"{path.name}, block {number}: {result.stderr}")
    check(count >= 1, "no definition found")
    print(f"{count} definitions")


def command_lines():
    for path in sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]):
        for text in blocks(path, "sh"):
            for line in text.replace("\\\n", " ").splitlines():
                line = line.strip().removeprefix("$ ")
                if line.startswith("claviger "):
                    yield path.name, line


def documented_command_lines_are_accepted(world):
    """Run in an empty home, so whatever they ask for is missing, but never with exit code 2 or 1."""
    (world.directory / "acme.json").write_text(blocks(ROOT / "README.md", "json")[0])
    count, problems = 0, []
    for document, line in command_lines():
        words = shlex.split(re.split(r"[|<>]| && ", line)[0], comments=True)[1:]
        if "--" in words:
            words = words[:words.index("--")] + ["--", "true"]
        if words[0] == "login":
            words += ["--input", "stdin"]
        if words[0] == "register" and "--yes" not in words:
            words += ["--yes"]
        if words[0] == "help":
            words = words[:2]
        count += 1
        (world.directory / f"home-{count}").mkdir(mode=0o700)
        env = world.environment(CLAVIGER_HOME=str(world.directory / f"home-{count}"))
        result = world.run(*words, stdin="", code=None, env=env, cwd=world.directory, secret_output=True)
        if result.returncode in (1, 2, 127):
            problems.append(f"{document}: {line}: exit code {result.returncode}: {result.stderr}")
    check(not problems, "\n".join(problems))
    check(count >= 5, f"only {count} command lines")
    print(f"{count} command lines")


def examples_of_the_help_are_accepted(world):
    overview = world.run("help").stdout
    count = 0
    for command in [m[1].strip() for m in re.finditer(r"^  (\S+(?: \S+)?) {2,}", overview, re.M)]:
        text = world.run("help", *command.split()).stdout
        for line in re.findall(r"^  (claviger .*)", text.partition("examples:\n")[2], re.M):
            count += 1
            if not line.startswith(f"claviger {command}"):
                line = next((part for part in line.split(" | ") if part.startswith(f"claviger {command}")), line)
            words = shlex.split(re.split(r" [|<>] ", line)[0])[1:]
            check(" ".join(words).startswith(command), f"{command}: the example is of another command: {line}")
            if "--" in words:
                words = words[:words.index("--")]
            for option in (w for w in words if w.startswith("--")):
                contains(text, f"  {option}", f"{command}: the example's option")
    check(count >= 20, f"only {count} examples")
    print(f"{count} examples")


def exit_codes_agree_everywhere(world):
    told = {int(code): meaning for code, _, meaning in (line.split("\t") for line in world.run("help", "exit-codes").stdout.splitlines())}
    check({0, 1, 2, 10, 14} <= set(told), f"{told}")
    man = world.run("man").stdout.partition(".SH EXIT STATUS")[2].partition("\n.SH ")[0]
    in_man = {int(code): text for code, text in re.findall(r"^\.TP\n\.B (\d+)\n(.*)", man, re.M)}
    plain = lambda text: re.sub(r"\\(&|-|\(..)", lambda m: "-" if m[1] == "-" else "", text).replace("\\", "")
    equal({c: plain(t) for c, t in in_man.items()}, {c: t.replace("\\", "") for c, t in told.items()}, "the man page")
    for path in ROOT.glob("docs/**/*.md"):
        table = path.read_text().lower().partition("exit code")[2]
        for code, meaning in re.findall(r"^\| *`?(\d{1,3})`? *\| *`?([^|`]+)`? *\|", table, re.M):
            if "exit-codes" in path.name:
                check(int(code) in told, f"{path.name}: {code} is not a code of the program")


def every_refusal_of_the_proxy_is_documented(world):
    """PX-28, PX-35: each reason that the proxy can give, with its status, has a row in docs/refusals.md, and the other way round."""
    table = dict(re.findall(r"^\| `(\w+)` \| ([\d, ]+?) \|", (ROOT / "docs/refusals.md").read_text(), re.M))
    given = {}
    for path in sorted([*(ROOT / "src/proxy").glob("*.cpp"), *(ROOT / "src/app").glob("session_*.cpp")]):
        if path.name.endswith("_test.cpp"):
            continue
        for status, reason in re.findall(r'[{(](\d{3}), "(\w+)"', path.read_text()):
            given.setdefault(reason, set()).add(status)
    given.setdefault("needs_login", set()).add("424")  # named after the error, as are the two others
    given.setdefault("suspended", set()).add("424")
    given.setdefault("not_connected", set()).add("424")
    equal({reason: ", ".join(sorted(codes)) for reason, codes in sorted(given.items())}, dict(sorted(table.items())), "reasons and statuses")
    check(len(table) >= 15, f"only {len(table)} reasons")


def links_of_the_readme_lead_somewhere(world):
    missing = [target for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()) if not (ROOT / target).exists()]
    check(not missing, f"README.md links to what does not exist: {missing}")


if __name__ == "__main__":
    main(documented_definitions_register, documented_command_lines_are_accepted, examples_of_the_help_are_accepted, exit_codes_agree_everywhere,
         every_refusal_of_the_proxy_is_documented, links_of_the_readme_lead_somewhere)
