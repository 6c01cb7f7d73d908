"""The published JSON Schema, as an editor's own validator (Ajv) sees it, agrees with what `register` says: it takes
every bundled definition, and whatever it refuses `register` refuses too."""
import copy, json
from harness import *

SCHEMA = ROOT / "providers/schema/provider.schema.json"


def ajv(documents):
    peer = ROOT / "tests/peers/schema"
    check((peer / "node_modules").exists(), "npm packages are missing: run ./dev setup")
    run = subprocess.run([NODE, peer / "verdicts.mjs", SCHEMA], input=json.dumps(documents), capture_output=True, text=True, timeout=120)
    check(run.returncode == 0, f"Ajv does not take the schema: {run.stderr}")
    return json.loads(run.stdout)


def bundled():
    files = sorted((ROOT / "providers").glob("*.json"))
    check(len(files) > 90, f"only {len(files)} definitions")
    return {file.stem: json.loads(file.read_text()) for file in files}


def mutants(name, document):
    """Mistakes of shape, one each: a member left out, of a wrong type, or nobody's."""
    def every_object(value, path):
        if isinstance(value, dict):
            yield path
            for key, inner in value.items():
                yield from every_object(inner, path + (key,))

    def at(tree, path):
        for key in path:
            tree = tree[key]
        return tree

    for path in every_object(document, ()):
        for key, value in at(document, path).items():
            for what in ("without", "number", "list"):
                mutant = copy.deepcopy(document)
                inner = at(mutant, path)
                if what == "without":
                    del inner[key]
                else:
                    inner[key] = 7.5 if what == "number" else [[]]
                yield f"{name}: {what} /{'/'.join((*path, key))}", mutant
        mutant = copy.deepcopy(document)
        at(mutant, path)["nosuch_member"] = True
        yield f"{name}: /{'/'.join(path)} with nosuch_member", mutant


def ajv_takes_every_bundled_definition(world):
    for name, violations in ajv(bundled()).items():
        equal(violations, [], name)


def what_ajv_refuses_register_refuses(world):
    documents = bundled()
    by_kind = {}
    for name, document in documents.items():
        by_kind.setdefault((document["auth_type"], document["flow"], len(document)), name)
    cases = {}
    for name in by_kind.values():
        cases.update(mutants(name, documents[name]))
    refused = [case for case, violations in ajv(cases).items() if violations]
    check(len(refused) >= 300, f"only {len(refused)} of {len(cases)} mutants refused")
    for case in refused:
        result = world.run("register", "-", "--yes", "--json", stdin=json.dumps(cases[case]), code=None)
        equal(result.returncode, 4, f"register, {case}")
    taken = [case for case in cases if case not in set(refused)][:200]
    accepted = sum(world.run("register", "-", "--yes", "--force", "--json", stdin=json.dumps(cases[case]), code=None).returncode == 0 for case in taken)
    check(accepted >= len(taken) // 2, f"register takes only {accepted} of {len(taken)} that the schema takes: the comparison says nothing")
    print(f"{len(cases)} mutants: Ajv and register refuse {len(refused)}")


if __name__ == "__main__":
    main(ajv_takes_every_bundled_definition, what_ajv_refuses_register_refuses)
