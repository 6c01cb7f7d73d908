"""import authsome: a home as that program leaves it behind, in its layout with profiles and in the later one with a server;
read and never changed."""
import hashlib, sqlite3
from harness import *
from little_service import Service
from secret_service_test import Desktop

WRITER = ROOT / "tests/peers/authsome/write.py"
PYTHON = "/usr/bin/python3"  # the one that has diskcache, keyring and cryptography


def write(environment=None, **what):
    """What authsome's own libraries do: cryptography seals, diskcache stores, keyring keeps the key."""
    done = subprocess.run([PYTHON, WRITER], input=json.dumps(what), capture_output=True, text=True, env=environment)
    check(done.returncode == 0, f"the writer failed: {done.stderr}")
    return json.loads(done.stdout)


def seal(key, texts):
    """base64(nonce).base64(ciphertext and tag), AES-256-GCM without associated data: as authsome seals a record."""
    return write(key=key, texts=texts)


def authsome_home(world, records, definitions=(), mode="local_key", keep_log=False, environment=None):
    home = world.directory / "authsome"
    shutil.rmtree(home, ignore_errors=True)
    (home / "providers").mkdir(parents=True)
    (home / "version").write_text("2\n")
    (home / "config.json").write_text(json.dumps({"spec_version": 1, "default_profile": "default", "encryption": {"mode": mode}}))
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    world.canaries.add("master key", key)
    if mode == "local_key":
        key_file(home / "master.key", key)
    if environment:
        write(environment, key=key, keyring=True)
    for definition in definitions:
        (home / "providers" / f"{definition['name']}.json").write_text(json.dumps(definition, indent=2))
    profiles = sorted({name.split(":")[1] for name in records})
    for profile in profiles:
        (home / "profiles" / profile).mkdir(parents=True)
        mine = {name: value for name, value in records.items() if name.split(":")[1] == profile}
        sealed = seal(key, [json.dumps(value) for value in mine.values()])
        database = sqlite3.connect(home / "profiles" / profile / "store.db")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        database.executemany("INSERT INTO kv VALUES (?, ?)", zip(mine, sealed))
        database.commit()
        if keep_log:  # still open: what was written lies in the -wal file alone
            world.closing.append(database.close)
        else:
            database.close()
    return home


def key_file(path, key):
    path.write_text(json.dumps({"version": 1, "key": key, "algorithm": "AES-256-GCM", "note": "keep it"}))
    path.chmod(0o600)


HANDLE = "brisk-boldly-clearly-0042"


def server_home(world, space="identity", mode="local_key", definitions=(), environment=None, others=True, **how):
    """The layout of 0.3: everything in one diskcache, records under the handle (later: the id of a vault) of their owner."""
    c = world.canaries
    home = world.directory / "authsome-server"
    shutil.rmtree(home, ignore_errors=True)
    for part in ("client", "server/kv_store", "server/daemon"):
        (home / part).mkdir(parents=True)
    (home / "client/config.json").write_text(json.dumps({"version": 1, "active_identity": HANDLE, "proxy_mode": "connected_allow"}))
    (home / "server/config.json").write_text(json.dumps({"spec_version": 3, "encryption": {"mode": mode}} if mode else {"spec_version": 3}))
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    c.add("master key", key)
    if mode == "local_key":
        key_file(home / "server/master.key", key)
    common = {"schema_version": 2, "connection_name": "default", "status": "connected", "base_url": None, "api_url": None, "account": {"id": None, "label": None}}
    records = {
        HANDLE: {"acme:connection:default": {**common, "provider": "acme", "auth_type": "oauth2", "scopes": ["read"], "base_url": "https://eu.acme.example", "access_token": c.new("access"),
                                             "refresh_token": c.new("refresh"), "token_type": "Bearer", "expires_at": "2035-05-20T10:00:00.5Z", "obtained_at": "2026-05-20T09:00:00Z",
                                             "metadata": {"large": "x" * 50_000}},  # diskcache keeps that in a file of its own
                 "acme:metadata": {"provider": "acme", "default_connection": "default", "connection_names": ["default"]}},
        "calm-softly-evenly-0007": {"openai:connection:default": {**common, "provider": "openai", "auth_type": "api_key", "api_key": c.new("other key", "sk-")}}}
    if not others:
        records.pop("calm-softly-evenly-0007")
    entries = {f"{space}:{owner}": {f"{space}:{owner}:{name}": json.dumps(value) for name, value in mine.items()} for owner, mine in records.items()}
    entries["server"] = {"server:provider:acme:client": json.dumps({"schema_version": 2, "provider": "acme", "client_id": "acme-app", "client_secret": c.new("client secret")})}
    entries["providers"] = {definition["name"]: json.dumps(definition, indent=2) for definition in definitions}
    plain = {"config": {"version": {"data": "1"}}, **how.pop("plain", {})}
    write(environment, key=key, store=str(home / "server/kv_store"), entries=entries, plain=plain, keyring=bool(environment), **how)
    return home, records[HANDLE]["acme:connection:default"]


def fingerprint(home):
    return {str(p.relative_to(home)): (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in sorted(home.rglob("*")) if p.is_file()}


ACME = {"schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "oauth2", "flow": "pkce", "api_url": "api.acme.example", "oauth": {
    "base_url": "https://acme.example", "authorization_url": "{base_url}/authorize", "token_url": "{base_url}/token", "scopes": ["read"], "pkce": True}}


def records_of(world):
    c = world.canaries
    common = {"schema_version": 2, "profile": "default", "status": "connected", "account": {"id": None, "label": None}, "metadata": {}}
    return {
        "profile:default:acme:client": {"provider": "acme", "client_id": "acme-app", "client_secret": c.new("client secret")},
        "profile:default:acme:metadata": {"default_connection": "default", "connection_names": ["default"]},
        "profile:default:acme:state": {"last_refresh_at": None},
        "profile:default:acme:connection:default": {**common, "provider": "acme", "connection_name": "default", "auth_type": "oauth2", "scopes": ["read", "write"], "base_url": "https://eu.acme.example",
                                                   "access_token": c.new("access"), "refresh_token": c.new("refresh"), "token_type": "Bearer", "expires_at": "2035-05-02T10:00:00.123456+00:00", "obtained_at": "2026-05-02T09:00:00.123456+00:00"},
        "profile:default:openai:connection:default": {**common, "provider": "openai", "connection_name": "default", "auth_type": "api_key", "api_key": c.new("key", "sk-")},
        "profile:work:openai:connection:default": {**common, "provider": "openai", "connection_name": "default", "auth_type": "api_key", "api_key": c.new("work key", "sk-")},
        "profile:default:unheardof:connection:default": {**common, "provider": "unheardof", "connection_name": "default", "auth_type": "api_key", "api_key": c.new("lost key")},
    }


def accounts_and_definitions_are_taken_over(world):
    records = records_of(world)
    home = authsome_home(world, records, [ACME, {"name": "broken", "auth_type": "nonsense"}], keep_log=True)
    before = fingerprint(home)
    dry = world.run("import", "authsome", home, "--dry-run", "--json", code=14)
    items = {(i["kind"], i["name"]): i for i in json.loads(dry.stdout)["items"]}
    equal({k: i["action"] for k, i in items.items()}, {
        ("definition", "acme"): "import", ("definition", "broken.json"): "cannot", ("client", "acme"): "import", ("connection", "acme (default)"): "import",
        ("connection", "openai (default)"): "import", ("connection", "openai (work-default)"): "import", ("connection", "unheardof (default)"): "cannot"}, "the plan")
    contains(items["connection", "unheardof (default)"]["reason"], "no usable definition", "why not")
    check(not (world.home / "providers").exists() and not (world.home / "vault.db").exists(), "a dry run writes nothing")
    world.run("import", "authsome", home, code=2)  # nobody to ask
    done = world.run("import", "authsome", home, "--yes", code=14)
    contains(done.stdout, "Imported 5, left out 2.", "the outcome")
    contains(done.stderr, "refresh tokens are authsome's too", "the warning")
    equal(fingerprint(home), before, "the source")
    check((world.home / "refresh" / "lock").exists(), "a copy of the home will be known as one (RF-11)")
    shown = json.loads(world.run("get", "acme", "--json", "--show-secret", secret_output=True).stdout)
    wanted = records["profile:default:acme:connection:default"]
    equal((shown["access_token"], shown["refresh_token"], shown["client_id"], shown["base_url"]), (wanted["access_token"], wanted["refresh_token"], "acme-app", "https://eu.acme.example"), "the connection")
    equal((shown["expires_at"], shown["obtained_at"], shown["status"]), ("2035-05-02T10:00:00Z", "2026-05-02T09:00:00Z", "connected"), "times")
    for profile, name in (("default", "default"), ("work", "work-default")):
        equal(world.run("get", "openai", "--connection", name, "--field", "api_key", "--show-secret", secret_output=True).stdout.strip(),
              records[f"profile:{profile}:openai:connection:default"]["api_key"], f"the key of {profile}")
    equal(world.run("vault", "status", "--full").returncode, 0, "the vault is whole")


def what_exists_stays_without_force(world):
    records = records_of(world)
    home = authsome_home(world, records)
    own = world.canaries.new("own key", "sk-")
    world.run("login", "openai", "--input", "stdin", stdin=own)
    result = world.run("import", "authsome", home, "--yes", code=14)
    contains(result.stderr, "exists already; --force replaces it", "it is said")
    equal(world.run("get", "openai", "--field", "api_key", "--show-secret", secret_output=True).stdout.strip(), own, "the key stays")
    world.run("import", "authsome", home, "--yes", "--force", code=14)
    equal(world.run("get", "openai", "--field", "api_key", "--show-secret", secret_output=True).stdout.strip(), records["profile:default:openai:connection:default"]["api_key"], "replaced")


def CL10_a_bundled_name_is_not_taken_over_without_force_and_the_difference_in_view(world):
    """A home that somebody prepared: its definition would send the key that is here to another host."""
    own = world.canaries.new("own key", "sk-")
    world.run("login", "openai", "--input", "stdin", stdin=own)
    bundled = json.loads(world.run("inspect", "openai").stdout)
    home = authsome_home(world, {}, [{"schema_version": 1, "name": "openai", "display_name": "OpenAI", "auth_type": "api_key", "flow": "api_key", "api_url": "api.catcher.example",
                                      "api_key": {"header_name": "Authorization", "header_prefix": "Bearer"}}])
    items = json.loads(world.run("import", "authsome", home, "--yes", "--json").stdout)["items"]
    equal([(i["kind"], i["name"], i["action"]) for i in items], [("definition", "openai", "skip")], "the plan")
    contains(items[0]["reason"], "the name of a bundled provider; --force", "why")
    equal(json.loads(world.run("inspect", "openai").stdout), bundled, "the bundled one serves")
    shown = world.run("import", "authsome", home, "--dry-run", "--force").stderr
    for part in ("takes the place of the bundled definition and changes:", '+ /api_url: "api.catcher.example"', "- /api_url:", "(default) are suspended until you run: claviger confirm openai"):
        contains(shown, part, "what --force would do")
    check(not (world.home / "providers").exists(), "a dry run writes nothing")
    contains(world.run("import", "authsome", home, "--yes", "--force").stderr, '+ /api_url: "api.catcher.example"', "and it says so when it does it")
    equal(json.loads(world.run("get", "openai", "--json").stdout)["status"], "suspended", "the key that is here goes nowhere until a human says so")


def OA27_what_was_given_to_other_hosts_is_not_imported_under_a_definition_of_the_same_name(world):
    home = authsome_home(world, records_of(world), [ACME])
    own = world.definition("acme", **{**{k: v for k, v in ACME.items() if k != "name"}, "api_url": "api.other.example"})
    world.run("register", own, "--yes")
    items = {(i["kind"], i["name"]): i for i in json.loads(world.run("import", "authsome", home, "--yes", "--json", code=14).stdout)["items"]}
    equal(items["definition", "acme"]["action"], "skip", "ours stays")
    for item in (items["client", "acme"], items["connection", "acme (default)"]):
        equal(item["action"], "cannot", item["kind"])
        contains(item["reason"], "differs from authsome's", "the reason")
    equal(items["connection", "openai (default)"]["action"], "import", "others are not concerned")
    world.run("get", "acme", code=6)
    world.run("import", "authsome", home, "--yes", "--force", code=14)
    equal(json.loads(world.run("get", "acme", "--json").stdout)["provider"], "acme", "with the definition it comes")


def OA27_two_profiles_with_clients_of_their_own_both_go_on_working(world):
    """Each refresh token is sent with the client that it was given to, and with no other: also when the other client was stored first."""
    for first in ("default", "work"):
        c, service = world.canaries, Service(world)
        owner, seen = {}, []

        def token(service, request):
            form = request["form"]
            seen.append((form["refresh_token"], form["client_id"], form.get("client_secret")))
            if owner.pop(form["refresh_token"], None) != seen[-1][1:]:
                return 400, {"error": "invalid_grant"}
            owner[fresh := c.new("new refresh")] = seen[-1][1:]
            return 200, {"access_token": c.new("new access"), "refresh_token": fresh, "token_type": "Bearer", "expires_in": 3600}
        service.answers["/renew"] = token
        name = "two-" + first
        definition = {**ACME, "name": name, "api_url": service.url + "/", "oauth": {
            "authorization_url": service.url + "/authorize", "token_url": service.url + "/renew", "token_auth_method": "client_secret_post", "scopes": ["read"]}}
        records = {}
        for profile in ("default", "work"):
            client = (f"app-{profile}", c.new(f"secret of {profile}"))
            owner[refresh := c.new(f"refresh of {profile}")] = client
            records[f"profile:{profile}:{name}:client"] = {"provider": name, "client_id": client[0], "client_secret": client[1]}
            records[f"profile:{profile}:{name}:connection:default"] = {
                "schema_version": 2, "provider": name, "profile": profile, "connection_name": "default", "status": "connected", "account": {"id": None, "label": None}, "metadata": {},
                "auth_type": "oauth2", "scopes": ["read"], "access_token": c.new("old access"), "refresh_token": refresh, "token_type": "Bearer", "expires_at": "2026-05-02T10:00:00Z",
                "obtained_at": "2026-05-02T09:00:00Z"}
        if first == "work":  # the client for new logins is the other one's, or a third's
            file = world.definition(name, **{k: v for k, v in definition.items() if k != "name"})
            world.run("register", file, "--yes")
        home = authsome_home(world, records, [definition])
        done = world.run("import", "authsome", home, "--yes")
        contains(done.stderr, "one of another profile will serve new logins", "what becomes of the second client")
        for again in range(2):
            for connection, profile in ((("default", "default"), ("work-default", "work")) if first == "default" else (("work-default", "work"), ("default", "default"))):
                arguments = ["get", name, "--connection", connection, "--show-secret", "--json"]
                shown = json.loads(world.run(*arguments, secret_output=True).stdout)
                check(shown["refresh_token"] in owner, f"{connection}: renewed")
                if again == 0:
                    equal(seen[-1][1], f"app-{profile}", f"{connection}: with its own client")
            equal(len(seen), 2, f"one renewal each: {[client for _, client, _ in seen]}")
        world.run("import", "authsome", home, "--yes", "--force")
        equal({json.loads(world.run("get", name, "--connection", connection, "--json", "--no-refresh").stdout)["client_id"] for connection in ("default", "work-default")},
              {"app-default", "app-work"}, "after --force")


def dates_beyond_all_bounds_say_nothing(world):
    for date in (1e300, -1e300, 9e15, 4102444800, 4102444800.5):
        records = {name: value for name, value in records_of(world).items() if ":acme:" in name}
        records["profile:default:acme:connection:default"]["expires_at"] = date
        home = authsome_home(world, records, [ACME])
        world.run("import", "authsome", home, "--yes", "--force")
        shown = json.loads(world.run("get", "acme", "--json", "--no-refresh").stdout)
        equal((shown["expires_at"] or "").startswith("2100-01-01T00:00:00"), 4e9 < date < 5e9, f"{date}: {shown['expires_at']}")


def what_was_dead_there_is_said_to_be(world):
    records = {name: value for name, value in records_of(world).items() if ":acme:" in name}
    records["profile:default:acme:connection:default"]["status"] = "revoked"
    world.run("import", "authsome", authsome_home(world, records, [ACME]), "--yes")
    contains(world.run("list").stderr, "it was revoked already where it was imported from", "list")


def one_reason(world, home, reason, env=None):
    """Said once, not for each account."""
    result = world.run("import", "authsome", home, "--dry-run", code=14, env=env)
    equal(result.stderr.count("warning:"), 1, f"how often it is said ({result.stderr})")
    contains(result.stderr, reason, "the reason")


def what_cannot_be_opened_is_said_and_nothing_of_it_is_stored(world):
    records = records_of(world)
    home = authsome_home(world, records, [ACME])
    other = base64.b64encode(secrets.token_bytes(32)).decode()
    (home / "master.key").write_text(json.dumps({"version": 1, "key": other}))
    result = world.run("import", "authsome", home, "--yes", code=14)
    contains(result.stderr, "does not authenticate under this key", "a wrong key")
    contains(result.stdout, "Imported 1, left out 5.", "the definition alone")
    world.run("get", "openai", code=6)
    (home / "master.key").unlink()
    one_reason(world, home, "the accounts in profiles/ cannot be read: its master.key cannot be read")
    home = authsome_home(world, records, mode="keyring")
    one_reason(world, home, "its key should be in the desktop's keyring: there is no session bus")
    key_file(home / "master.key", other)
    (home / "config.json").unlink()
    (home / "providers/wrong.json").write_text('{"name": "Wrong Name"}')
    wrong = [line for line in world.run("import", "authsome", home, "--dry-run", code=14).stderr.splitlines() if "wrong.json" in line]
    check(len(wrong) == 1 and ";" in wrong[0] and "\\u" not in wrong[0] and not wrong[0].endswith(";"), f"several mistakes in one line: {wrong}")
    (home / "profiles/default/store.db").write_bytes(b"not a database" * 100)
    contains(world.run("import", "authsome", home, "--dry-run", code=14).stderr, "cannot be read", "a broken store")
    shutil.rmtree(home)
    world.run("import", "authsome", home, code=3)


def the_layout_with_a_server_is_read(world):
    for space, how in (("identity", {}), ("vault", {"as_text": True})):
        home, wanted = server_home(world, space, definitions=[ACME], **how)
        check(list((home / "server/kv_store").rglob("*.val")), "a record in a file of its own")
        before = fingerprint(home)
        done = world.run("import", "authsome", home, "--yes", "--force", "--json")
        items = {(i["kind"], i["name"]): i["action"] for i in json.loads(done.stdout)["items"]}
        equal(set(items), {("definition", "acme"), ("client", "acme"), ("connection", "acme (default)"), ("connection", "openai (calm-softly-evenly-0007-default)")}, f"{space}: what is there")
        equal(fingerprint(home), before, "the source")
        shown = json.loads(world.run("get", "acme", "--json", "--show-secret", secret_output=True).stdout)
        equal((shown["access_token"], shown["refresh_token"], shown["client_id"], shown["base_url"]), (wanted["access_token"], wanted["refresh_token"], "acme-app", "https://eu.acme.example"), f"{space}: the connection")
        equal((shown["expires_at"], shown["obtained_at"], shown["scopes"]), ("2035-05-20T10:00:00Z", "2026-05-20T09:00:00Z", ["read"]), f"{space}: times and scopes")
    # Nobody is active there, but there is one owner only.
    home, wanted = server_home(world, "vault", definitions=[ACME], others=False)
    (home / "client/config.json").unlink()
    contains(world.run("import", "authsome", home, "--dry-run").stderr, "acme (default)", "its own name")


def a_key_in_the_keyring_is_found_there(world):
    if not all(shutil.which(name) for name in ("gnome-keyring-daemon", "dbus-daemon")):
        return cannot_run("gnome-keyring is not installed; run ./dev setup")
    desktop = Desktop(world.directory)
    world.closing.append(desktop.close)
    env = world.environment(**{name: desktop.environment[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")})
    for mode in ("keyring", "auto", None):
        home, wanted = server_home(world, mode=mode, definitions=[ACME], environment=desktop.environment)
        world.run("import", "authsome", home, "--yes", "--force", env=env)
        shown = json.loads(world.run("get", "acme", "--json", "--show-secret", secret_output=True, env=env).stdout)
        equal(shown["access_token"], wanted["access_token"], f"{mode}: the connection")
    records = records_of(world)
    home = authsome_home(world, records, [ACME], mode="keyring", environment=desktop.environment)
    world.run("import", "authsome", home, "--yes", "--force", env=env, code=14)
    shown = json.loads(world.run("get", "acme", "--json", "--show-secret", secret_output=True, env=env).stdout)
    equal(shown["access_token"], records["profile:default:acme:connection:default"]["access_token"], "profiles: the connection")
    # A key of somebody else's opens nothing, and one that is in a file is not looked for in the keyring.
    home, _ = server_home(world, mode="keyring", definitions=[ACME])
    contains(world.run("import", "authsome", home, "--dry-run", code=14, env=env).stderr, "does not authenticate under this key", "another key")
    home, _ = server_home(world, definitions=[ACME])
    world.run("import", "authsome", home, "--dry-run", env=env)
    desktop.stop_keyring()
    home, _ = server_home(world, mode="keyring", definitions=[ACME])
    elsewhere = {**env, "CLAVIGER_HOME": str(world.user_home / "another")}  # claviger's own key is in that keyring too
    one_reason(world, home, "the accounts in server/ cannot be read: its key should be in the desktop's keyring: the Secret Service did not answer", elsewhere)


def what_of_a_server_cannot_be_read_is_said_once(world):
    home, _ = server_home(world, definitions=[ACME])
    (home / "server/master.key").unlink()
    one_reason(world, home, "its master.key cannot be read")
    home, _ = server_home(world, mode="env", definitions=[ACME])
    one_reason(world, home, "its key is in the environment of its server alone")
    home, _ = server_home(world, mode="auto", definitions=[ACME])
    one_reason(world, home, "its key should be in the desktop's keyring: there is no session bus")
    # Later versions seal by a second key, which the first one wraps.
    home, _ = server_home(world, definitions=[ACME], plain={"__vault_meta__": {"__dek__": {"version": 1, "kdf": {"alg": "argon2id"}}}})
    (home / "server/master.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    one_reason(world, home, "they are sealed by a second key, as later versions do it; log in to these accounts anew")
    # A path out of the store, a value of another kind: of that record alone.
    home, _ = server_home(world, definitions=[ACME])
    (home / "server/elsewhere").write_text("{}")
    for change in ("filename = '../elsewhere' WHERE filename IS NOT NULL", "mode = 4 WHERE filename IS NOT NULL"):
        with contextlib.closing(sqlite3.connect(home / "server/kv_store/cache.db")) as database, database:
            database.execute(f"UPDATE Cache SET {change}")
        items = {i["name"]: i for i in json.loads(world.run("import", "authsome", home, "--dry-run", "--json", code=14).stdout)["items"]}
        equal((items["acme (default)"]["action"], items["acme (default)"]["reason"]), ("cannot", "is not stored as authsome stores"), change)
        equal(items["openai (calm-softly-evenly-0007-default)"]["action"], "import", "others are not concerned")
    (home / "server/kv_store/cache.db").write_bytes(b"not a database" * 100)
    one_reason(world, home, "the accounts in server/ cannot be read")


if __name__ == "__main__":
    main(accounts_and_definitions_are_taken_over, what_exists_stays_without_force, CL10_a_bundled_name_is_not_taken_over_without_force_and_the_difference_in_view,
         OA27_what_was_given_to_other_hosts_is_not_imported_under_a_definition_of_the_same_name, what_cannot_be_opened_is_said_and_nothing_of_it_is_stored,
         OA27_two_profiles_with_clients_of_their_own_both_go_on_working, dates_beyond_all_bounds_say_nothing, what_was_dead_there_is_said_to_be,
         the_layout_with_a_server_is_read, a_key_in_the_keyring_is_found_there, what_of_a_server_cannot_be_read_is_said_once)
