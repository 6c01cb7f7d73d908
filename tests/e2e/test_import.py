"""import authsome: a home as that program leaves it behind (its layout with profiles), read and never changed."""
import hashlib, sqlite3
from harness import *

SEAL = """
const { createCipheriv, randomBytes } = require('node:crypto')
const [key, ...texts] = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(texts.map((text) => {
  const nonce = randomBytes(12), cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64'), nonce)
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return nonce.toString('base64') + '.' + body.toString('base64')
})))
"""


def seal(key, texts):
    """base64(nonce).base64(ciphertext and tag), AES-256-GCM without associated data: as authsome seals a record."""
    done = subprocess.run([NODE, "-e", SEAL], input=json.dumps([key, *texts]), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def authsome_home(world, records, definitions=(), mode="local_key", keep_log=False):
    home = world.directory / "authsome"
    shutil.rmtree(home, ignore_errors=True)
    (home / "providers").mkdir(parents=True)
    (home / "version").write_text("2\n")
    (home / "config.json").write_text(json.dumps({"spec_version": 1, "default_profile": "default", "encryption": {"mode": mode}}))
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    if mode == "local_key":
        (home / "master.key").write_text(json.dumps({"version": 1, "key": key, "algorithm": "AES-256-GCM", "note": "keep it"}))
        (home / "master.key").chmod(0o600)
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
    contains(world.run("import", "authsome", home, "--dry-run", code=14).stderr, "master.key cannot be read", "no key")
    contains(world.run("import", "authsome", authsome_home(world, records, mode="keyring"), "--dry-run", code=14).stderr, "keyring", "its key is elsewhere")
    (home / "providers/wrong.json").write_text('{"name": "Wrong Name"}')
    wrong = [line for line in world.run("import", "authsome", home, "--dry-run", code=14).stderr.splitlines() if "wrong.json" in line]
    check(len(wrong) == 1 and ";" in wrong[0] and "\\u" not in wrong[0] and not wrong[0].endswith(";"), f"several mistakes in one line: {wrong}")
    (home / "profiles/default/store.db").write_bytes(b"not a database" * 100)
    contains(world.run("import", "authsome", home, "--dry-run", code=14).stderr, "cannot be read", "a broken store")
    shutil.rmtree(home)
    world.run("import", "authsome", home, code=3)


if __name__ == "__main__":
    main(accounts_and_definitions_are_taken_over, what_exists_stays_without_force,
         OA27_what_was_given_to_other_hosts_is_not_imported_under_a_definition_of_the_same_name, what_cannot_be_opened_is_said_and_nothing_of_it_is_stored)
