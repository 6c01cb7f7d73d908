"""The command line as its users and their scripts see it: exit codes, names, help, man page, completion, quoting of
foreign text, modes of what it creates, homes it refuses, output streams."""
import concurrent.futures, json, pty, re
from harness import *

KEY_DEFINITION = {"schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "api_key", "flow": "api_key",
                  "api_url": "api.acme.example", "api_key": {"header_name": "X-Acme-Key", "header_prefix": ""},
                  "export": {"env": {"api_key": "ACME_KEY"}}}
COMMANDS = ("login explain run approve route-explain log project-check project-trust project-forget project-schema rule-list rule-add rule-remove list get export logout revoke set-default register inspect confirm remove doctor whoami completion man version "
            "vault-status vault-rotate vault-backup vault-restore vault-repair config-list config-get config-set config-unset "
            "provider-discover provider-new provider-lint provider-probe import-authsome").split()


def drop(world, name="acme", **members):
    directory = world.home / "providers"
    directory.mkdir(parents=True, exist_ok=True)
    world.home.chmod(0o700)
    directory.chmod(0o700)
    path = directory / f"{name}.json"
    path.write_text(json.dumps({**KEY_DEFINITION, "name": name, **members}))
    return path


def connect(world, *more):
    key = world.canaries.new("key " + " ".join(more))
    world.run("login", "acme", "--input", "stdin", *more, stdin=key)
    return key


# -- exit codes ----------------------------------------------------------------------------------------------------
def failures(world):
    d = world.directory
    (d / "broken.json").write_text('{"schema_version": 1,\n "name": "x",}\n nonsense')
    (d / "wrong.json").write_text(json.dumps({**KEY_DEFINITION, "name": "wrong", "flow": "nonsense", "api_url": 7, "unknown": 1}))
    (d / "newer.json").write_text(json.dumps({**KEY_DEFINITION, "name": "newer", "schema_version": 99}))
    (d / "acme.json").write_text(json.dumps(KEY_DEFINITION))
    (d / "oauth.json").write_text(json.dumps({"schema_version": 1, "name": "far", "display_name": "Far", "auth_type": "oauth2", "flow": "dcr_pkce",
                                              "api_url": "https://127.0.0.1:9/", "oauth": {"issuer": "http://127.0.0.1:9", "scopes": ["a"], "supports_dcr": True}}))
    (d / "garbage.age").write_bytes(b"not an age file" * 20)
    (d / "empty").write_text("")
    inside = {"CLAVIGER_RUN": "1"}
    # arguments, exit code, code in JSON, message, hint, and perhaps: stdin, environment
    return [
        (["lgoin", "acme"], 2, "usage", r"there is no command 'lgoin'", r"claviger login"),
        (["vault"], 2, "usage", r"'vault' needs a subcommand", r"vault status, vault rotate"),
        (["vault", "stats"], 2, "usage", r"there is no command 'vault stats'", r"claviger vault status"),
        (["vault", "xyzzy"], 2, "usage", r"there is no command 'vault xyzzy'", r"one of: vault status"),
        (["config", "gett", "x"], 2, "usage", r"there is no command 'config gett'", r"claviger config get"),
        (["list", "--conected"], 2, "usage", r"'list' has no option '--conected'", r"did you mean '--connected'"),
        (["list", "--xyzzy=1"], 2, "usage", r"'list' has no option '--xyzzy'$", r"claviger help list"),
        (["list", "--connected=yes"], 2, "usage", r"--connected takes no value", r"help list"),
        (["list", "--source", "custm"], 2, "usage", r"cannot be 'custm': choose one of bundled, custom", r"did you mean 'custom'"),
        (["list", "-x"], 2, "usage", r"'list' has no option '-x'", r"help list"),
        (["config", "set", "nosuch", "x"], 3, "not_found", r"no setting 'nosuch'", r"config list"),
        (["--nosuch", "list"], 2, "usage", r"no option '--nosuch' before the command", r"claviger COMMAND --nosuch"),
        (["config", "set", "network.ca_file", str(d / "nosuch.pem")], 3, "not_found", r"there is no file .*nosuch\.pem$", None),
        (["config", "set", "network.ca_file", str(d)], 4, "invalid_input", r"is not a regular file$", None),
        (["config", "set", "network.ca_file", str(d / "broken.json")], 4, "invalid_input", r"broken\.json holds no certificate in PEM form$", r"BEGIN CERTIFICATE"),
        (["vault", "restore", str(d / "nosuch.age")], 3, "not_found", r"there is no file .*nosuch\.age$", None),
        (["vault", "restore", str(d / "good.age")], 5, "already_exists", r"there is a vault already", r"--replace"),
        (["logout", "acme", "--all", "--connection", "one"], 2, "usage", r"--all and --connection contradict", r"one of them"),
        (["run", "--only", "--", "true"], 2, "usage", r"there is no --use", r"add --use PROVIDER"),
        (["run", "curl", "-sS", "https://acme.example"], 2, "usage", r"unexpected argument 'curl'", r"two dashes before the program: claviger run -- curl"),
        (["run", "-sS", "curl"], 2, "usage", r"'run' has no option '-sS'", r"two dashes before the program"),
        (["run", "--use", "opnai", "--", "true"], 3, "not_found", r"no provider .opnai", r"did you mean .openai"),
        (["run", "--no-sandbox", "--", "nosuch-program"], 127, "not_found", r"nosuch-program", r"PATH"),
        (["inspect"], 2, "usage", r"missing PROVIDER", r"help inspect"),
        (["inspect", "acme", "--schema"], 2, "usage", r"--schema is of all definitions", r"leave out"),
        (["register", "."], 4, "invalid_input", r"error: \. is a directory$|^\. is a directory$", r"definition's file"),
        (["vault", "restore", str(d / "good.age"), "--check", "--backup-passphrase-fd", "0"], 4, "invalid_input", r"the passphrase does not open this backup$", r"try again", "wrong"),
        (["login"], 2, "usage", r"missing PROVIDER", r"help login"),
        (["login", "acme", "extra"], 2, "usage", r"unexpected argument 'extra'", r"help login"),
        (["login", "acme", "--nonsense"], 2, "usage", r"--nonsense", r"help login"),
        (["login", "acme", "--flow", "nonsense"], 2, "usage", r"nonsense.*pkce|--flow", r"help login"),
        (["login", "acme", "--connection"], 2, "usage", r"--connection", r"help login"),
        (["login", "acme", "--connection", "a", "--connection", "b"], 2, "usage", r"--connection", r"help login"),
        (["login", "acme", "--var", "novalue"], 2, "usage", r"--var needs NAME=VALUE", None),
        (["login", "Acme!"], 2, "usage", r"'Acme!' is not a provider name", r"lower-case"),
        (["login", "acme", "--connection", "../x"], 2, "usage", r"is not a connection name", r"lower-case"),
        (["run"], 2, "usage", r"a program is missing", r"two dashes"),
        (["run", "--use", "acme=A B", "--", "true"], 2, "usage", r"is not a connection name", None),
        (["--", "true"], 2, "usage", r"command is missing|no command '--json'", None),
        (["completion", "tcsh"], 2, "usage", r"no completion for 'tcsh'", r"bash, zsh or fish"),
        (["config", "set", "run.unmatchd", "deny"], 3, "not_found", r"no setting 'run.unmatchd'", r"run\.unmatched"),
        (["config", "set", "run.unmatched", "maybe"], 2, "usage", r"must be one of allow, deny", None),
        (["vault", "status", "--key-fd", "x"], 2, "usage", r"--key-fd needs the number", r"--key-fd 3"),
        (["register", str(d / "acme.json"), "--force"], 2, "usage", r"confirmation", r"--yes"),
        (["remove", "acme"], 2, "usage", r"confirmation", r"--yes"),
        (["login", "nosuch"], 3, "not_found", r'no provider .nosuch', r"claviger list"),
        (["inspect", "nosuch"], 3, "not_found", r'no provider .nosuch', r"claviger list"),
        (["get", "nosuch"], 3, "not_found", r'no provider .nosuch', r"claviger list"),
        (["get", "acme", "--connection", "one", "--field", "nosuch"], 3, "not_found", r"no field 'nosuch'", r"fields: provider, connection"),
        (["config", "get", "nosuch"], 3, "not_found", r"no setting 'nosuch'", r"config list"),
        (["register", str(d / "nosuch.json")], 3, "not_found", r"cannot read .*nosuch\.json", None),
        (["remove", "nosuch", "--yes"], 3, "not_found", r"no provider .nosuch", None),
        (["run", "--use", "nosuch", "--", "true"], 3, "not_found", r"no provider .nosuch", None),
        (["register", str(d / "broken.json"), "--yes"], 4, "invalid_input", r"not a valid definition", r"nothing was registered"),
        (["register", str(d / "wrong.json"), "--yes"], 4, "invalid_input", r"not a valid definition: [2-9] errors", r"nothing was registered"),
        (["register", str(d / "newer.json"), "--yes"], 4, "invalid_input", r"not a valid definition", None),
        (["register", str(d / "empty"), "--yes"], 4, "invalid_input", r"not a valid definition", None),
        (["login", "acme", "--connection", "new", "--input", "stdin"], 4, "invalid_input", r"no secret|empty", None, ""),
        (["login", "acme", "--connection", "new", "--input", "stdin"], 4, "invalid_input", r"standard input", None, "{\"nosuch\": \"1\"}"),
        (["register", str(d / "acme.json"), "--yes"], 5, "already_exists", r"registered already", r"--force"),
        (["login", "acme", "--connection", "one", "--input", "stdin"], 5, "already_connected", r"already connected", r"--force"),
        (["get", "acme", "--connection", "nosuch"], 6, "not_connected", r"acme.*not connected", r"claviger login acme"),
        (["get", "openai"], 6, "not_connected", r"openai is not connected", r"claviger login openai"),
        (["logout", "acme", "--connection", "nosuch"], 6, "not_connected", r"acme is not connected \(nosuch\)", r"acme is connected as: one$"),
        (["revoke", "acme", "--connection", "nosuch"], 6, "not_connected", r"acme is not connected \(nosuch\)", r"acme is connected as: one$"),
        (["logout", "openai"], 6, "not_connected", r"openai is not connected", r"nothing to end; what is connected: claviger list --connected$"),
        (["revoke", "openai"], 6, "not_connected", r"openai is not connected", r"nothing to end; what is connected: claviger list --connected$"),
        (["remove", "openai"], 6, "not_connected", r"there is nothing of openai to remove: its definition is bundled", r"claviger list --connected"),
        (["remove", "openai", "--yes"], 6, "not_connected", r"there is nothing of openai to remove", None),
        (["set-default", "nosuch", "x"], 3, "not_found", r"no provider .nosuch", r"claviger list"),
        (["confirm", "acme", "--connection", "nosuch"], 6, "not_connected", r"acme is not connected \(nosuch\)", r"claviger login acme --connection nosuch"),
        (["help", "login", "extra"], 2, "usage", r"unexpected argument 'extra'", r"claviger help login"),
        (["help", "--nope"], 2, "usage", r"'help' has no option '--nope'", r"claviger help COMMAND"),
        (["help", "vault", "stats"], 2, "usage", r"no command 'vault stats'", r"claviger vault status"),
        (["login", "openai", "--connection", "new"], 2, "usage", r"\"api_key\" must be asked for, and there is no terminal", r"pipe in the value with --input stdin; or .* --input browser"),
        (["login", "twilio"], 2, "usage", r"must be asked for, and there is no terminal", r"pipe in \{\".*\"\} with --input stdin"),
        (["provider", "new", "mine"], 2, "usage", r"there is no terminal to ask on", r"--input stdin"),
        (["provider", "new", "github", "--input", "stdin"], 5, "already_exists", r"'github' is the name of a bundled provider", r"another name, or add --force", "{}"),
        (["provider", "discover", "https://127.0.0.1:9", "--register", "--name", "github"], 5, "already_exists", r"'github' is the name of a bundled provider", r"--force"),
        (["import", "authsome", str(d / "nosuch")], 3, "not_found", r"there is no directory .*nosuch$", r"import authsome DIR"),
        (["import", "authsome", str(d / "empty")], 3, "not_found", r"empty is not a directory$", r"import authsome DIR"),
        (["import", "authsome", str(d)], 3, "not_found", r"is no home of authsome", r"the directory that does"),
        (["set-default", "acme", "nosuch"], 6, "not_connected", r"not connected", r"claviger login acme"),
        (["confirm", "openai", "--yes"], 6, "not_connected", r"openai is not connected", r"claviger login openai"),
        (["run", "--use", "openai", "--", "true"], 6, "not_connected", r"openai", r"claviger login openai"),
        (["login", "far", "--input", "stdin"], 9, "network", r"127\.0\.0\.1|connect", None),
        (["vault", "restore", str(d / "garbage.age"), "--check", "--backup-passphrase-fd", "0"], (4, 10), "(corrupt|invalid_input)", r"age|backup", None, "some passphrase"),
        (["login", "acme", "--force", "--input", "stdin"], 13, "denied", r"not allowed inside a claviger run", r"terminal of your own", "x", inside),
        (["get", "acme", "--show-secret"], 13, "denied", r"not allowed inside a claviger run", None, None, inside),
        (["export", "acme"], 13, "denied", r"not allowed inside a claviger run", None, None, inside),
        (["config", "set", "run.unmatched", "deny"], 13, "denied", r"not allowed inside a claviger run", None, None, inside),
        (["approve"], 13, "denied", r"not allowed inside a claviger run", None, None, inside),
        (["vault", "backup", str(d / "b.age")], 13, "denied", r"not allowed inside a claviger run", None, None, inside),
        (["run", "--", "/nonexistent/program"], 127, "not_found", r"/nonexistent/program", None),
        (["run", "--", "/etc/passwd"], 126, "denied", r"/etc/passwd", None),
    ]


def CL11_one_exit_code_per_class_of_failure(world):
    drop(world)
    connect(world, "--connection", "one")
    world.run("vault", "backup", world.directory / "good.age", "--backup-passphrase-fd", "0", stdin="right")
    table = failures(world)
    words = {int(code): names.split(", ") for code, names, _ in (line.split("\t") for line in world.run("help", "exit-codes").stdout.splitlines())}
    world.run("register", world.directory / "oauth.json", "--yes")
    problems, seen = [], set()
    for arguments, code, json_code, message, hint, *more in table:
        stdin, extra = (more + [None, None])[:2]
        codes = code if isinstance(code, tuple) else (code,)
        env = world.environment(**(extra or {}))
        text = world.run(*arguments, stdin=stdin, code=None, env=env)
        at = 0 if arguments[0] == "--" else 2 if arguments[0] in ("vault", "config", "provider", "import") and len(arguments) > 1 else 1
        as_json = world.run(*arguments[:at], "--json", *arguments[at:], stdin=stdin, code=None, env=env)
        seen.add(text.returncode)
        what = " ".join(arguments)
        lines = [line for line in text.stderr.splitlines() if not line.startswith("claviger: warning: isolation: ")]
        errors = [line for line in lines if line.startswith("claviger: error: ")]
        hints = [line for line in lines if line.startswith("hint: ")]
        wrong = []
        if text.returncode not in codes or as_json.returncode != text.returncode:
            wrong.append(f"exit codes {text.returncode} and {as_json.returncode} instead of {code}")
        if len(errors) != 1 or not re.search(message, errors[0]):
            wrong.append(f"message {errors}, expected {message!r}")
        elif errors[0].endswith(".") or not re.match(r"claviger: error: [^A-Z]", errors[0]):
            wrong.append(f"style of the message {errors}")
        if hint and (len(hints) != 1 or not re.search(hint, hints[0])):
            wrong.append(f"hint {hints}, expected {hint!r}")
        try:
            document = json.loads(as_json.stderr)["error"]
            if document["code"] not in words[as_json.returncode]:
                wrong.append(f"the word {document['code']} is not in the help's {words[as_json.returncode]}")
            if not re.fullmatch(json_code, document["code"]) or document["exit_code"] != as_json.returncode or not re.search(message, document["message"]):
                wrong.append(f"JSON error {document}, expected {json_code}")
        except (ValueError, KeyError):
            wrong.append(f"with --json stderr is not one JSON error: {as_json.stderr!r}")
        if as_json.stdout:
            wrong.append(f"with --json stdout is {as_json.stdout!r}: the error is the one document")
        if text.stdout:
            wrong.append(f"stdout {text.stdout!r}")
        problems += [f"{what}: {w}" for w in wrong]
    check(not problems, f"{len(problems)} problems:\n" + "\n".join(problems))
    documented = {int(line.split("\t")[0]) for line in world.run("help", "exit-codes").stdout.splitlines()}
    check(seen <= documented, f"codes that are not documented: {seen - documented}")
    print(f"{len(table)} failures, exit codes {sorted(seen)}")


# -- names -----------------------------------------------------------------------------------------------------------
HOSTILE = ["", ".", "..", "../x", "../../etc/passwd", "/etc/passwd", "./acme", "acme/", "acme/../acme", "acme/default", "a/b", "a\\b", "..\\x", "~", "~root", "$HOME",
           "$(id)", "`id`", "a;id", "a|id", "a&id", "a b", " acme", "acme ", "\tacme", "acme\n", "a\nb", "a\rb", "\x1b[31m", "a\x1b]0;t\x07", "a\x7f", "a\x08",
           "Acme", "ACME", "acmé", "аcme", "acme\u202e", "\u200bacme", "\ufeffacme", "ａcme", "a%2f", "%2e%2e%2f", "a%00", "a:b", "a*", "a?", "[a", "{a}", "a'b",
           'a"b', "a=b", "a,b", "a@b", "a#b", "a+b", "a!", ".acme", "-", "_acme", "a" * 65, "a" * 5000, "'; drop table records; --", "con\u0000".rstrip("\0") + "\u0085", "💥"]


def CL08_hostile_names_are_refused_in_every_argument(world):
    drop(world)
    connect(world)
    check(len(HOSTILE) >= 60, "sixty names")
    places = [["login", "@", "--input", "stdin"], ["login", "acme", "--input", "stdin", "--connection=@"], ["get", "@"], ["get", "acme", "--connection=@"],
              ["export", "@"], ["export", "acme", "--connection=@"], ["logout", "@"], ["logout", "acme", "--connection=@"], ["set-default", "@", "default"],
              ["set-default", "acme", "@"], ["rule", "list", "@"], ["rule", "add", "@", "--read-only"], ["rule", "add", "acme", "--connection=@", "--read-only"], ["inspect", "@"], ["confirm", "@", "--yes"], ["confirm", "acme", "--yes", "--connection=@"], ["remove", "@", "--yes"],
              ["run", "--use=@", "--", "true"], ["run", "--use=acme=@", "--", "true"]]

    def snapshot():
        return {str(p): p.read_bytes() for p in world.user_home.rglob("*") if p.is_file() and not re.search(r"-(shm|wal)$|vault\.db$", p.name)}
    before, problems = snapshot(), []
    env = {k: v for k, v in world.environment().items() if k != "CLAVIGER_LOG"}

    def refused(job):
        place, name = job
        arguments = [a.replace("@", name) for a in place]
        done = subprocess.run([world.program, *arguments], input="value", capture_output=True, text=True, env=env, timeout=60)
        bad = [c for c in done.stderr + done.stdout if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c == "\u202e"]
        if done.returncode != 2 or done.stdout or bad or not done.stderr.startswith("claviger: error:"):
            problems.append(f"{place} {name[:40]!r}: exit code {done.returncode}, {done.stderr[:200]!r}")

    # An empty --connection is the default, and '=' parts --use.
    jobs = [(place, name) for place in places for name in HOSTILE
            if not (name == "" and ("--connection=@" in place or "--use=acme=@" in place)) and not ("--use=@" in place and name == "a=b")]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(refused, jobs))
    check(not problems, f"{len(problems)} of {len(places) * len(HOSTILE)}:\n" + "\n".join(problems[:20]))
    equal(sorted(snapshot()), sorted(before), "files in the home")
    equal(json.loads(world.run("list", "--json", "--connected").stdout)["providers"][0]["connections"][0]["connection"], "default", "the connection")
    print(f"{len(HOSTILE)} names in {len(places)} places")


# -- help, man page, completion -----------------------------------------------------------------------------------------
def CL01_help_of_every_command_and_no_option_for_a_secret(world):
    overview = world.run("help").stdout
    equal(world.run().stdout, overview, "no arguments")
    equal(world.run("--help").stdout, overview, "--help")
    commands = [m[1].strip() for m in re.finditer(r"^  (\S+(?: \S+)?) {2,}", overview, re.M)]
    equal(sorted(c.replace(" ", "-") for c in commands), sorted(COMMANDS), "commands")
    for command in commands:
        text = world.run("help", *command.split()).stdout
        equal(world.run(*command.split(), "--help").stdout, text, f"{command} --help")
        contains(text, f"usage: claviger {command}", "usage")
        contains(text, "--json", "common options")
        for option, value in re.findall(r"^  (--[a-z-]+)[ =]([A-Z][A-Z=,\[\]|a-z-]*)", text, re.M):
            check(not re.search(r"PASSWORD|PASSPHRASE|SECRET|TOKEN|KEY", value), f"{command} {option} takes {value}")
            check(not re.search(r"password|passphrase|secret|token|key|credential", option) or option.endswith("-fd"), f"{command} {option} takes {value}")
    for group, member in (("vault", "vault status"), ("config", "config set")):
        text = world.run("help", group).stdout
        check(re.search(rf"^  {member} +\S+ \S+", text, re.M), f"{group}: {text}")
        equal(world.run(group, "--help").stdout, text, f"{group} --help")
    world.run("help", "nonsense", code=2)


def help_as_json_describes_every_command(world):
    document = json.loads(world.run("help", "--json").stdout)
    equal(list(document), ["version", "commands", "common_options", "exit_codes"], "members")
    names = [c["name"] for c in document["commands"]]
    equal(sorted(n.replace(" ", "-") for n in names), sorted(COMMANDS), "commands")
    for words in (["--json", "help"], ["--help", "--json"], ["help", "--quiet", "--json"]):
        equal(json.loads(world.run(*words).stdout), document, f"{words}")
    for command in document["commands"]:
        words = command["name"].split()
        equal(json.loads(world.run("help", *words, "--json").stdout), command, f"help {words}")
        equal(json.loads(world.run(*words, "--help", "--json").stdout), command, f"{words} --help")
        text = world.run("help", *words, env=world.environment(COLUMNS="100")).stdout
        for option in command["options"]:
            contains(text, option["name"] + (f" {option['value']}" if option["value"] else ""), f"{words}: the text has the same options")
            equal(set(option), {"name", "value", "repeatable", "choices", "help"}, "members of an option")
        for argument in command["arguments"]:
            contains(command["usage"], argument["name"] if argument["required"] else f"[{argument['name']}]", "usage")
    group = json.loads(world.run("help", "vault", "--json").stdout)["commands"]
    equal(group, [c for c in document["commands"] if c["name"].startswith("vault ")], "a group")
    codes = json.loads(world.run("help", "exit-codes", "--json").stdout)["exit_codes"]
    equal(codes, document["exit_codes"], "exit codes")
    lines = [line.split("\t") for line in world.run("help", "exit-codes").stdout.splitlines()]
    equal([(c["exit_code"], ", ".join(c["codes"]), c["meaning"]) for c in codes], [(int(a), b, c) for a, b, c in lines], "as in the text")


def remove_says_what_goes_and_what_stays(world):
    def said(name):
        result = world.run("remove", name, "--yes")
        return result.stdout, [line for line in result.stderr.splitlines() if line.startswith("This deletes ")]
    end = "on this machine; at the provider nothing is revoked."
    drop(world)
    equal(said("acme"), ("Removed acme.\n", [f"This deletes the custom definition of acme {end}"]), "a definition alone")
    drop(world)
    connect(world)
    connect(world, "--connection", "work")
    equal(said("acme"), ("Removed acme.\n", [f"This deletes 2 connections (default, work) and the custom definition of acme {end}"]), "with connections")
    world.run("login", "openai", "--input", "stdin", stdin=world.canaries.new("key", "sk-"))
    equal(said("openai"), ("Removed openai; its bundled definition stays.\n", [f"This deletes 1 connection (default) of openai {end}"]), "a bundled one")
    drop(world, "openai")
    equal(said("openai"), ("Removed openai; the bundled definition is used again.\n", [f"This deletes the custom definition of openai {end}"]), "one in the place of a bundled one")
    answers = {"authorization_url": "https://acme.example/a", "token_url": "https://acme.example/t", "client_id": "acme-app", "api_url": "api.acme.example"}
    world.run("provider", "new", "acme", "--yes", "--input", "stdin", stdin=json.dumps(answers))
    equal(said("acme"), ("Removed acme.\n", [f"This deletes the stored client and the custom definition of acme {end}"]), "with a client")
    world.run("remove", "acme", "--yes", code=3)


def man_page_renders_without_warnings(world):
    page = world.directory / "claviger.1"
    page.write_text(world.run("man").stdout)
    if not shutil.which("groff"):
        return cannot_run("groff is not installed, run ./dev setup")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-rLL=90n", str(page)], capture_output=True, text=True)
    equal((done.returncode, done.stderr), (0, ""), "groff")
    text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)
    for word in ("NAME", "SYNOPSIS", "EXIT STATUS", "vault rotate", "--show-secret", "CLAVIGER_HOME", "run.unmatched"):
        contains(text, word, "man page")
    for line in world.run("help", "exit-codes").stdout.splitlines():
        contains(re.sub(r"\s+", " ", text), " ".join(line.split("\t")[2].split()[:4]), "exit codes in the man page")
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True, env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
        check("minimized" in done.stdout or (done.returncode == 0 and not done.stderr), f"man -l: {done.stderr}")


def completion_scripts_work(world):
    (world.directory / "bin").mkdir()
    (world.directory / "bin" / "claviger").symlink_to(world.program)
    env = world.environment(PATH=f"{world.directory / 'bin'}:{os.environ['PATH']}")
    drop(world)
    cases = [(["lo"], {"log", "login", "logout"}), (["vault", ""], {"status", "rotate", "backup", "restore", "repair"}), (["config", "get", "run."], {"run.ask_seconds", "run.reflection", "run.unmatched"}),
             (["login", "acm"], {"acme"}), (["login", "acme", "--in"], {"--input"}), (["completion", ""], {"bash", "zsh", "fish"}),
             (["export", "acme", "--format", ""], {"env", "shell", "dotenv", "json"}), (["export", "acme", "--format", "=", "j"], {"json"}), (["run", "--use", "acm"], {"acme"}),
             (["run", "--use", "acme", "=", "w"], {"work"}), (["get", "acme", "--connection", ""], {"home", "work"}), (["get", "--connection", "home", "acm"], {"acme"}),
             (["help", "conf"], {"config", "confirm"}), (["help", "config", "g"], {"get"}), (["set-default", "acme", ""], {"home", "work"}), (["set-default", "acm"], {"acme"}),
             (["config", "set", "run."], {"run.ask_seconds", "run.reflection", "run.unmatched"}), (["config", "set", "run.unmatched", ""], {"allow", "deny"}), (["--quiet", "logi"], {"login"}), (["--json", "get", "acm"], {"acme"})]
    for name in ("home", "work"):
        connect(world, "--connection", name)
    script = world.run("completion", "bash").stdout
    for words, expected in cases:
        line = " ".join(f"'{w}'" for w in ["claviger", *words])
        done = subprocess.run(["bash", "--norc", "-uec", f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}; set +u; _claviger claviger; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
                              capture_output=True, text=True, env=env)
        equal((set(done.stdout.split()), done.stderr), (expected, ""), f"bash completion of {words}")
    equal(world.run("completion", "connections", "acme").stdout, "home\nwork\n", "names of connections")
    equal(world.run("completion", "connections", "nosuch").stdout, "", "of none")
    if shutil.which("fish"):
        (world.directory / "claviger.fish").write_text(world.run("completion", "fish").stdout)
        for words, expected in cases:
            if "=" in words:
                continue  # fish does not part words there
            line = "claviger " + " ".join(words)
            done = subprocess.run(["fish", "--no-config", "-c", f"source {world.directory}/claviger.fish; complete -C '{line}'"], capture_output=True, text=True, env=env)
            got = {l.split("\t")[0] for l in done.stdout.splitlines()}
            check(expected <= got and done.stderr == "", f"fish completion of {line!r}: {sorted(got)} {done.stderr}")
            check(not words[-1] == "" or got == expected, f"fish completion of {line!r}: more than {sorted(expected)}: {sorted(got)}")
    for shell, check_only in (("zsh", ["zsh", "-fn"]), ("fish", ["fish", "--no-execute"])):
        text = world.run("completion", shell).stdout
        contains(text, "claviger", shell)
        if not shutil.which(shell):
            cannot_run(f"{shell} is not installed, run ./dev setup")
            continue
        file = world.directory / f"completion.{shell}"
        file.write_text(text)
        done = subprocess.run([*check_only, str(file)], capture_output=True, text=True, env=env)
        equal((done.returncode, done.stderr), (0, ""), shell)


def help_fits_a_narrow_terminal(world):
    for columns in (30, 40, 80):
        env = world.environment(COLUMNS=str(columns))
        for words in ([], ["run"], ["vault"], ["vault", "restore"], ["login"]):
            text = world.run("help", *words, env=env).stdout.partition("\nexamples:\n")[0]
            for line in text.splitlines():  # a single long word stays whole
                check(len(line) <= columns or " " not in line.strip(), f"help {words} at {columns}: {line!r}")
    for told in ("0", "x", "-3", "99999999999999999999"):
        equal(world.run("help", env=world.environment(COLUMNS=told)).stdout, world.run("help").stdout, f"COLUMNS={told}")


def common_options_may_stand_before_the_command(world):
    equal(world.run("--json", "list").stdout, world.run("list", "--json").stdout, "--json list")
    equal(world.run("--quiet", "--json", "config", "list").stdout, world.run("config", "list", "--json").stdout, "of two words")
    equal(world.run("--json", "version").stdout, world.run("version", "--json").stdout, "--json version")
    contains(world.run("--no-color", "help", "run").stdout, "usage: claviger run", "help")


# -- foreign text ------------------------------------------------------------------------------------------------------
def CL09_foreign_text_is_made_visible(world):
    evil = "Ac\x1b[2J\x1b]0;owned\x07me\u202eelgoog\u0085\u009b31m\x08\x7f\u2066x\r\nclaviger: error: forged"
    drop(world, display_name=evil, docs_url="https://docs.acme.example/\x1b[31m", guide={"steps": [{"label": "Click \x1b[5mhere\u202e"}]})
    drop(world, "broken", flow="non\x1b[31msense\u202e", **{"unknown\x1b[1m": 1})
    (world.home / "providers" / "ev\x1b[31mil\u202e.json").write_text("{}")
    file = world.directory / "register.json"
    file.write_text(json.dumps({**KEY_DEFINITION, "name": "other", "display_name": evil, "flow": "\x1b[31m", "\x1b[1mx": "\u202e"}))
    good = world.directory / "good.json"
    good.write_text(json.dumps({**KEY_DEFINITION, "name": "good", "display_name": evil, "api_key": {"header_name": "X-K", "header_prefix": "\u202eevil"}}))
    key = world.canaries.new("key")
    outputs = [world.run("list"), world.run("list", code=0), world.run("register", file, "--yes", code=4), world.run("register", good, "--yes", code=None),
               world.run("login", "acme", "--input", "stdin", stdin=key, code=None), world.run("login", "broken", code=None), world.run("doctor", code=14),
               world.run("get", "acme", code=None), world.run("whoami"), world.run("login", "acme", "--var", "\x1b[31m=\x1b[31m", "--input", "stdin", "--force", stdin=key, code=None),
               world.run("login", "acme", "--base-url", "\x1b[31m\u202e", "--input", "stdin", "--force", stdin=key, code=None),
               world.run("config", "set", "network.ca_file", "/\x1b[31m\u202e", code=3), world.run("config", "list"), world.run("register", "/tmp/\x1b[31m\u202e", code=3),
               world.run("vault", "restore", "/tmp/\x1b[31m\u202e", "--check", "--backup-passphrase-fd", "0", stdin="x", code=None)]
    for result in outputs:
        for stream, text in (("stdout", result.stdout), ("stderr", result.stderr)):
            bad = {hex(ord(c)) for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or 0x202a <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069}
            check(not bad, f"{' '.join(map(str, result.args))!r}: {stream} holds {bad}: {text[-600:]!r}")
        check("\nclaviger: error: forged" not in result.stderr, f"{result.args}: a line was forged")
    # Data that a program reads is exact instead: JSON escapes the controls.
    listed = world.run("list", "--json").stdout
    check("\x1b" not in listed, "no raw escape in JSON")


# -- files -----------------------------------------------------------------------------------------------------------------
def CL06_everything_is_created_for_the_user_alone(world):
    """Not made first and narrowed later: the modes in the calls themselves, under umask 000."""
    file = world.directory / "acme.json"
    file.write_text(json.dumps(KEY_DEFINITION))
    key, log = world.canaries.new("key"), world.directory / "trace"
    seen = 0
    for arguments, stdin in ((["register", file, "--yes"], None), (["login", "acme", "--input", "stdin"], key), (["config", "set", "run.unmatched", "deny"], None),
                             (["vault", "rotate"], None), (["vault", "backup", world.home / "b.age", "--backup-passphrase-fd", "0"], "a good passphrase"),
                             (["run", "--", "true"], None), (["logout", "acme"], None)):
        command = f'umask 000; exec strace -f -qq -o {log} -e trace=openat,open,creat,mkdir,mkdirat,chmod,fchmod,fchmodat,mknod,link,linkat,socket,memfd_create "$0" "$@"'
        done = subprocess.run(["sh", "-c", command, world.program, *map(str, arguments)], input=stdin, capture_output=True, text=True, env=world.environment())
        check(done.returncode == 0, f"{arguments}: {done.stderr}")
        for line in log.read_text().splitlines():
            if found := re.search(r'open(?:at)?\(.*"([^"]*)", ([A-Z_|]*O_CREAT[A-Z_|]*), (0\d+)', line):
                seen += 1
                check(int(found[3], 8) & 0o177 == 0 or found[1].startswith("/dev/"), f"{arguments}: created with {found[3]}: {line}")
            if found := re.search(r'mkdir(?:at)?\(.*"([^"]*)", (0\d+)\)\s+= 0', line):
                seen += 1
                check(int(found[2], 8) & 0o077 == 0, f"{arguments}: directory with {found[2]}: {line}")
            if found := re.search(r"f?chmod(?:at)?\(.*, (0\d+)", line):
                check(int(found[1], 8) & 0o077 == 0, f"{arguments}: {line}")
    for path in [world.home, *world.home.rglob("*")]:
        mode = path.stat().st_mode & 0o777
        equal(oct(mode), "0o700" if path.is_dir() else "0o600", f"mode of {path.name}")
    check(seen >= 12, f"only {seen} creations seen")


def CL07_homes_that_others_can_change_are_refused(world):
    drop(world)
    connect(world)
    other = world.directory / "elsewhere"
    good = world.home

    def layout(name, prepare):
        home = world.directory / "layouts" / name
        home.parent.mkdir(exist_ok=True)
        shutil.copytree(good, home)
        prepare(home)
        return home

    def symlinked(home):
        home.rename(other)
        home.symlink_to(other)

    def linked_vault(home):
        (home / "vault.db").rename(world.directory / "moved.db")
        (home / "vault.db").symlink_to(world.directory / "moved.db")

    def foreign_owner(home):
        os.chown(home, 12345, 12345)

    layouts = {"group-writable": lambda h: h.chmod(0o770), "world-writable": lambda h: h.chmod(0o707), "symbolic-link": symlinked,
               "a-file": lambda h: (shutil.rmtree(h), h.write_text("x")), "linked-vault": linked_vault, "readable-key": lambda h: (h / "vault.key").chmod(0o644)}
    if os.geteuid() == 0:
        layouts["foreign-owner"] = foreign_owner
    for name, prepare in layouts.items():
        home = layout(name, prepare)
        for arguments in (["vault", "status"], ["login", "openai", "--input", "stdin"], ["get", "openai"], ["run", "--", "true"]):
            refused = world.run(*arguments, env=world.environment(CLAVIGER_HOME=str(home)), stdin="some-other-key", code=None)
            check(refused.returncode not in (0, 1, 2, 126, 127), f"{name}: {arguments} exits with {refused.returncode}: {refused.stdout} {refused.stderr}")
            check(re.search(r"claviger: error: .*(%s|vault)" % re.escape(home.name), refused.stderr), f"{name}: {refused.stderr!r}")
            check("hint: " in refused.stderr or re.search(r"symbolic link|not a directory|owner|mode|permission|writable|link", refused.stderr), f"{name}: {refused.stderr!r} says too little")
    print(f"{len(layouts)} layouts refused")


# -- output ----------------------------------------------------------------------------------------------------------------
def list_json_has_a_stable_shape(world):
    drop(world)
    (world.home / "providers" / "bad.json").write_text("{")
    connect(world)
    document = json.loads(world.run("list", "--json").stdout)
    equal(list(document), ["providers"], "members")
    by_name = {}
    for entry in document["providers"]:
        check(set(entry) == {"problem", "name", "display_name", "source", "overrides_bundled", "auth_type", "flow", "connections"}, f"members {set(entry)}")
        check(entry["source"] in ("bundled", "custom") and isinstance(entry["overrides_bundled"], bool), f"{entry}")
        by_name[entry["name"]] = entry
    equal(by_name["acme"]["connections"], [{"provider": "acme", "connection": "default", "default": True, "status": "connected", "why": None, "command": None, "login_reason": None, "refresh_failing_since": None,
                                     "scopes": [], "expires_at": None,
                                            "base_url": None, "account": None, "missing_scopes": [], "plain_http": False}], "a connection")
    drop(world, "local", api_url="http://127.0.0.1:9/")
    world.run("login", "local", "--input", "stdin", stdin=world.canaries.new("local key"))
    listed = {p["name"]: p["connections"] for p in json.loads(world.run("list", "--json", "--connected").stdout)["providers"]}
    equal({name: c[0]["plain_http"] for name, c in listed.items()}, {"acme": False, "local": True}, "OA-09: plain http on loopback is seen")
    table = world.run("list", "--connected")
    contains(table.stdout, "default !", "OA-09: in the table too")
    equal(table.stdout.count("!"), 1, "and only there")
    contains(table.stderr, "! speaks plain http", "what the mark means")
    world.run("remove", "local", "--yes")
    got = json.loads(world.run("get", "acme", "--json").stdout)
    equal({k: got[k] for k in by_name["acme"]["connections"][0]}, by_name["acme"]["connections"][0], "get has the members of list, of the same types")
    equal((got["requested_scopes"], got["client_id"], got["api_key"]), ([], None, "***REDACTED***"), "and more of its own")
    equal(json.loads(world.run("get", "acme", "--json", "--field", "default").stdout), {"default": True}, "one field has its type")
    equal(json.loads(world.run("config", "list", "--json").stdout)["network.allow_private"], False, "a switch is a boolean")
    equal(json.loads(world.run("whoami", "--json").stdout)["connected"], [{"provider": "acme", "connection": "default"}], "whoami")
    contains(by_name["bad"]["problem"], "line", "the problem of a broken definition")
    check(by_name["acme"]["problem"] is None, "no problem")
    equal([e["name"] for e in document["providers"]][0], "acme", "connected ones come first")
    check(all(p["source"] == "custom" for p in json.loads(world.run("list", "--json", "--source", "custom").stdout)["providers"]), "--source")
    for arguments in (["whoami"], ["config", "list"], ["config", "get", "run.unmatched"], ["version"], ["doctor"], ["vault", "status"], ["get", "acme"], ["inspect", "acme"],
                      ["config", "set", "run.unmatched", "allow"], ["set-default", "acme", "default"], ["vault", "rotate"], ["confirm", "acme"], ["logout", "acme"], ["remove", "acme", "--yes"]):
        result = world.run(*arguments, "--json", code=14 if arguments == ["doctor"] else 0)
        check(isinstance(json.loads(result.stdout), dict), f"{arguments}")
        check(result.stdout.startswith("{\n  \"") and result.stdout.endswith("}\n"), f"{arguments}: laid out otherwise: {result.stdout[:80]!r}")
        equal(result.stderr, "", f"{arguments} --json: stderr")


def quiet_leaves_out_talk_but_never_data_or_errors(world):
    file = world.directory / "acme.json"
    file.write_text(json.dumps(KEY_DEFINITION))
    equal(world.run("register", file, "--yes", "--quiet").stderr, "", "register --quiet")
    contains(world.run("list").stderr, "Providers:", "talk goes to stderr")
    result = world.run("list", "--quiet")
    equal(result.stderr, "", "list --quiet")
    contains(result.stdout, "acme", "data")
    contains(world.run("get", "acme", "--quiet", code=6).stderr, "claviger: error:", "errors")


def several_connections_are_not_guessed_at(world):
    drop(world)
    for name in ("home", "work"):
        connect(world, "--connection", name)
    refused = world.run("logout", "acme", code=2).stderr
    contains(refused, "acme has 2 connections: home, work", "the names")
    contains(refused, "--connection NAME", "the hint")
    listed = world.run("list", "--connected")
    contains(listed.stderr, "1 connected of ", "the count of all providers")
    total = len(json.loads(world.run("list", "--json").stdout)["providers"])
    contains(listed.stderr, f"connected of {total}\n", "all of them")
    contains(listed.stdout, "home *", "the default")
    contains(listed.stderr, "* is the provider's default connection", "the legend")
    world.run("logout", "acme", "--connection", "home")
    contains(world.run("list").stdout, "work ", "the other one stays")
    check("* is" not in world.run("list").stderr, "no legend without a star")
    contains(world.run("logout", "acme").stdout, "acme (work)", "the only one needs no name")
    for name in ("home", "work"):
        connect(world, "--connection", name)
    contains(world.run("logout", "acme", "--all").stdout, "acme (home, work)", "--all")
    world.run("logout", "acme", "--all", code=6)


def a_changed_definition_says_what_it_suspends(world):
    file, other = world.directory / "acme.json", world.directory / "other.json"
    file.write_text(json.dumps(KEY_DEFINITION))
    other.write_text(json.dumps({**KEY_DEFINITION, "api_url": "api2.acme.example"}))
    first = world.run("register", file, "--yes").stderr
    contains(first, "next: claviger login acme", "nothing is connected yet")
    connect(world)
    changed = world.run("register", other, "--force", "--yes").stderr
    contains(changed, "next: claviger confirm acme", "next")
    check("claviger login" not in changed, f"{changed}")
    equal(changed.count("suspended"), 1, f"said once: {changed}")
    noted = world.run("run", "--", "true").stderr
    contains(noted, "note: acme (default): the definition changed since the login", "run says so")
    contains(noted, "claviger confirm acme", "and what mends it")
    world.run("register", file, "--force", "--yes")
    check("suspended" not in world.run("register", file, "--force", "--yes").stderr, "back again, nothing is suspended")
    quiet = world.run("register", other, "--force", "--yes", "--quiet")
    equal(quiet.stdout, "Provider acme registered.\n", "the outcome")
    contains(quiet.stderr, "claviger: warning: its connections (default) are suspended until you run: claviger confirm acme", "--quiet does not hide it")
    world.run("register", file, "--force", "--yes", "--quiet")
    document = world.run("register", other, "--force", "--yes", "--json")
    equal((json.loads(document.stdout)["suspended"], document.stderr), ([{"provider": "acme", "connection": "default"}], ""), "in JSON")


def run_says_when_nothing_can_be_used(world):
    said = "note: no connection: requests go out without a credential; connect one with: claviger login PROVIDER"
    contains(world.run("run", "--", "true").stderr, said, "nothing is connected")
    contains(world.run("run", "--unmatched", "deny", "--", "true").stderr, "no connection: every request is refused", "with deny")
    check("note: no" not in world.run("run", "--quiet", "--", "true").stderr, "--quiet")
    drop(world)
    connect(world)
    check("no connection" not in world.run("run", "--", "true").stderr, "one is connected")
    (world.home / "providers/acme.json").unlink()
    said = world.run("run", "--", "true").stderr
    contains(said, "note: acme (default) is left out: ", "its definition is gone")
    contains(said, "note: no connection", "and nothing is left")


def restore_says_what_it_keeps(world):
    drop(world)
    connect(world)
    backup = world.directory / "b.age"
    world.run("vault", "backup", backup, "--backup-passphrase-fd", "0", stdin="right")
    old_key = (world.home / "vault.key").read_bytes()
    said = world.run("vault", "restore", backup, "--replace", "--backup-passphrase-fd", "0", stdin="right").stdout
    kept = pathlib.Path(re.search(r"The old vault is kept: (.*)", said)[1])
    key = pathlib.Path(re.search(r"Its key is kept too: (.*)", said)[1])
    check(kept.parent == world.home and kept.read_bytes().startswith(b"SQLite"), f"{kept}")
    equal(key.read_bytes(), old_key, "the old key")
    contains(said, "still hold secrets: delete them once the restored vault works", "what to do")
    kept.unlink()
    key.unlink()
    world.run("get", "acme")  # they were not needed any more
    document = json.loads(world.run("vault", "restore", backup, "--replace", "--json", "--backup-passphrase-fd", "0", stdin="right").stdout)
    check(os.path.exists(document["kept_vault"]) and os.path.exists(document["kept_key"]), f"{document}")


def on_a_terminal(world, *arguments, env=None):
    master, slave = pty.openpty()
    process = subprocess.Popen([world.program, *arguments], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=env or world.environment(), start_new_session=True)
    os.close(slave)
    data = b""
    with contextlib.suppress(OSError):
        while piece := os.read(master, 65536):
            data += piece
    os.close(master)
    equal(process.wait(20), 0, f"{arguments}")
    return data.decode()


def colour_only_where_it_is_wanted(world):
    drop(world)
    connect(world)
    contains(on_a_terminal(world, "list"), "\x1b[", "colour on a terminal")
    for words, env in ((["list", "--no-color"], {}), (["list"], {"NO_COLOR": "1"}), (["list", "--json"], {})):
        check("\x1b" not in on_a_terminal(world, *words, env=world.environment(**env)), f"{words} {env}: colour")
    contains(on_a_terminal(world, "list", env=world.environment(NO_COLOR="")), "\x1b[", "an empty NO_COLOR says nothing")
    check("\x1b" not in world.run("list").stdout, "no colour in a pipe")


def json_is_refused_where_there_is_none(world):
    drop(world)
    connect(world)
    for words in (["man"], ["completion", "bash"], ["export", "acme", "--format", "shell"]):
        refused = world.run(*words, "--json", code=2)
        equal((refused.stdout, json.loads(refused.stderr)["error"]["code"]), ("", "usage"), f"{words} --json")
    contains(world.run("man", "--json", code=2).stderr, "claviger help --json", "where the same is JSON")
    for words in (["export", "acme", "--json"], ["export", "acme", "--json", "--format", "json"]):
        equal(list(json.loads(world.run(*words, secret_output=True).stdout)), ["ACME_KEY"], f"{words}")


def tables_are_aligned_with_wide_characters(world):
    drop(world)
    for connection in ("default", "work"):
        connect(world, "--connection", connection)
    for name in ("日本語", "cafe\u0301", "💥"):
        (world.home / "providers" / f"{name}.json").write_text("{}")

    def column(line, word):
        import unicodedata
        return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[:line.index(word)])
    lines = [line for line in world.run("list", "--source", "custom").stdout.splitlines()]
    starts = {column(line, "STATUS" if line.startswith("PROVIDER") else "broken" if "broken" in line else "connected") for line in lines}
    equal((len(lines), len(starts)), (6, 1), f"the column of the status: {lines}")


def CL14_doctor_finds_each_fault(world):
    drop(world)
    connect(world)
    # Enough records that damage in the middle of the file hits one.
    good = world.home

    def checks(home, options=(), stdin=None):
        result = world.run("doctor", "--json", *options, stdin=stdin, code=None, env=world.environment(CLAVIGER_HOME=str(home)))
        document = json.loads(result.stdout)
        equal(result.returncode, 0 if document["ok"] else 14, f"exit code: {document}")
        return {c["name"]: c for c in document["checks"]}
    first = checks(good)
    wanted = {"home", "permissions", "vault key", "vault file", "vault records", "clock", "definitions", "settings", "login port", "locked memory", "trust store", "isolation"}
    check(wanted <= set(first), f"rows: {sorted(first)}")
    equal([n for n, c in first.items() if not c["ok"] and n != "isolation"], [], "faults of a good home")

    def damaged(home):
        data = bytearray((home / "vault.db").read_bytes())
        for at in range(2 * 4096 - 64, len(data), 4096):  # the end of every page but the first: that is where rows lie
            data[at:at + 24] = b"\xff" * 24
        (home / "vault.db").write_bytes(data)

    def other_key(home):
        key = (home / "vault.key").read_bytes()
        (home / "vault.key").write_bytes(key[:-33] + bytes(b ^ 1 if chr(b).isdigit() else b for b in key[-33:]))

    faults = {"open-home": (lambda h: h.chmod(0o755), "home|permissions"), "open-file": (lambda h: (h / "providers/acme.json").chmod(0o664), "permissions"),
              "damage": (damaged, "vault"), "other-key": (other_key, "vault"), "no-key": (lambda h: (h / "vault.key").unlink(), "vault"),
              "definition": (lambda h: (h / "providers/bad.json").write_text("{"), "definition"), "settings": (lambda h: ((h / "config.json").write_text("[]"), (h / "config.json").chmod(0o600)), "settings"),
              "authority": (lambda h: ((h / "config.json").write_text('{"network.ca_file": "/nonexist"}'), (h / "config.json").chmod(0o600)), "settings")}
    for name, (break_it, row) in faults.items():
        home = world.directory / "faults" / name
        home.parent.mkdir(exist_ok=True)
        shutil.copytree(good, home)
        break_it(home)
        bad = {n for n, c in checks(home).items() if not c["ok"] and n != "isolation"}
        check(bad and all(re.match(row, n) for n in bad), f"{name}: faults {bad}")
        text = world.run("doctor", code=14, env=world.environment(CLAVIGER_HOME=str(home))).stdout
        check(all(re.match(r"(ok  |FAIL)  \S", line) for line in text.splitlines()), f"one line each: {text}")
    file = world.directory / "a-file"
    file.write_text("x")
    below = world.directory / "not-yet" / "below" / "home"
    for home in (file, file / "home", pathlib.Path("/proc/claviger-home")):
        check(not checks(home)["home"]["ok"], f"{home} cannot be a home: {checks(home)['home']}")
    equal((checks(below)["home"]["ok"], checks(below)["permissions"]["checked"]), (True, False), "one that can be made")
    check(not (world.directory / "not-yet").exists(), "doctor makes nothing")
    import socket
    with socket.create_server(("127.0.0.1", 7998)):
        equal([n for n, c in checks(good).items() if not c["ok"] and n != "isolation"], ["login port"], "a taken port")
    for name in ("one", "two"):
        drop(world, name, flow="nonsense")
    # A passphrase that nobody is there to type is no fault.
    world.run("vault", "rotate", "--to", "passphrase", "--new-passphrase-fd", "0", stdin="a passphrase")
    vault = checks(good)["vault"]
    equal((vault["ok"], vault["checked"]), (True, False), f"{vault}")
    contains(world.run("doctor", code=None).stdout, "skip  vault: not checked: needs the passphrase", "in words")
    equal(checks(good, stdin="a passphrase", options=["--passphrase-fd", "0"])["vault records"]["ok"], True, "with the passphrase")
    lines = [line for line in world.run("doctor", code=14).stdout.splitlines() if line.startswith("FAIL  definition: ")]
    equal([re.search(r"(one|two)\.json", line)[1] for line in lines], ["one", "two"], "broken files one per line")


def closed_and_full_standard_output(world):
    drop(world)
    for words in (["list"], ["inspect", "acme"], ["help"], ["list", "--json"]):
        read_end, write_end = os.pipe()
        os.close(read_end)
        process = subprocess.run([world.program, *words], stdout=write_end, stderr=subprocess.PIPE, env=world.environment(), stdin=subprocess.DEVNULL)
        os.close(write_end)
        check(process.returncode in (0, 10), f"{words}: exit code {process.returncode} into a closed pipe")
        check(b"internal" not in process.stderr, f"{words}: {process.stderr}")
        closed = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&- 2>&- <&-', world.program, *words], env=world.environment())
        check(closed.returncode in (0, 10), f"{words}: exit code {closed.returncode} without standard streams")
    # Without standard streams the vault's own descriptors must not be taken for them.
    key = world.canaries.new("closed key")
    world.run("login", "acme", "--input", "stdin", stdin=key)
    for _ in range(3):
        subprocess.run(["sh", "-c", 'exec "$0" "$@" >&- 2>&- <&-', world.program, "get", "acme", "--show-secret"], env=world.environment())
        subprocess.run(["sh", "-c", 'exec "$0" "$@" >&- 2>&- <&-', world.program, "vault", "rotate"], env=world.environment())
    status = json.loads(world.run("vault", "status", "--full", "--json").stdout)
    check(status["integrity_ok"] and status["seals_ok"] and not status["faults"], f"{status}")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([world.program, "inspect", "acme"], stdout=full, stderr=subprocess.PIPE, text=True, env=world.environment(), stdin=subprocess.DEVNULL)
        equal(done.returncode, 10, "a full disk below standard output")
        contains(done.stderr, "standard output", "and it is said")


def homes_that_do_not_work(world):
    blocked = world.directory / "file"
    blocked.write_text("x")
    for home in (blocked / "home", pathlib.Path("/proc/claviger-home"), pathlib.Path("/dev/null")):
        result = world.run("login", "openai", "--input", "stdin", stdin="sk-" + "a" * 40, env=world.environment(CLAVIGER_HOME=str(home)), code=None)
        check(result.returncode in (3, 10, 13), f"{home}: exit code {result.returncode}: {result.stderr}")
        check(re.match(r"claviger: error: .*%s" % re.escape(str(home)), result.stderr), f"{home}: {result.stderr!r}")
    bare = {"PATH": os.environ["PATH"], "CLAVIGER_HOME": str(world.home)}
    contains(world.run("list", env=bare).stdout, "openai", "CLAVIGER_HOME alone is enough")
    # Neither variable: the password database knows the home, or the message names the variable.
    result = world.run("whoami", env={"PATH": os.environ["PATH"]}, code=None)
    check(result.returncode == 0 or re.search(r"HOME", result.stderr), f"{result}")
    refused = world.run("list", env={"PATH": os.environ["PATH"], "CLAVIGER_HOME": "relative/home"}, code=None)
    check(refused.returncode in (0, 2) and not os.path.exists("relative/home"), f"{refused}")


if __name__ == "__main__":
    main(CL11_one_exit_code_per_class_of_failure, CL08_hostile_names_are_refused_in_every_argument, CL01_help_of_every_command_and_no_option_for_a_secret,
         help_as_json_describes_every_command, remove_says_what_goes_and_what_stays,
         man_page_renders_without_warnings, completion_scripts_work, help_fits_a_narrow_terminal, common_options_may_stand_before_the_command, several_connections_are_not_guessed_at,
         a_changed_definition_says_what_it_suspends, run_says_when_nothing_can_be_used, restore_says_what_it_keeps, CL09_foreign_text_is_made_visible, CL06_everything_is_created_for_the_user_alone,
         CL07_homes_that_others_can_change_are_refused, list_json_has_a_stable_shape, quiet_leaves_out_talk_but_never_data_or_errors, colour_only_where_it_is_wanted,
         json_is_refused_where_there_is_none, tables_are_aligned_with_wide_characters, CL14_doctor_finds_each_fault, closed_and_full_standard_output, homes_that_do_not_work)
