"""Package programs under run: npm, pip and cargo install from a private registry whose key they never see (docs/clients.md)."""
import hashlib, io, tarfile, zipfile
from harness import *
import test_clients  # namespaces of its own, where api.acme.test is a host that no client takes for this machine
from test_clients import ADDRESS, HOST, a_host_of_its_own

NAME, CONTENT = "acme-lib", "content of the package"


def digest(data, how="sha256"):
    return hashlib.new(how, data).hexdigest()


def tar(prefix, files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{prefix}/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def git(*arguments, cwd):
    subprocess.run(["git", *map(str, arguments)], check=True, capture_output=True, cwd=cwd,
                   env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"})


def registry_for_npm(files, origin):
    archive = tar("package", {"package.json": json.dumps({"name": NAME, "version": "1.0.0"}), "index.js": CONTENT})
    write(files / f"npm/{NAME}-1.0.0.tgz", archive)
    version = {"name": NAME, "version": "1.0.0", "dist": {"tarball": f"{origin}/files/npm/{NAME}-1.0.0.tgz", "shasum": digest(archive, "sha1")}}
    write(files / f"npm/{NAME}", json.dumps({"name": NAME, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}))


def registry_for_pip(files, origin):
    data, name = io.BytesIO(), "acme_lib-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("acme_lib.py", CONTENT)
        archive.writestr("acme_lib-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-lib\nVersion: 1.0.0\n")
        archive.writestr("acme_lib-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("acme_lib-1.0.0.dist-info/RECORD", "")
    write(files / "pip" / name, data.getvalue())
    write(files / f"simple/{NAME}/index.html", f'<!DOCTYPE html><a href="{origin}/files/pip/{name}#sha256={digest(data.getvalue())}">{name}</a>')


def registry_for_cargo(files, repositories, origin):
    archive = tar(f"{NAME}-1.0.0", {"Cargo.toml": f'[package]\nname = "{NAME}"\nversion = "1.0.0"\n', "src/lib.rs": f"// {CONTENT}\n"})
    write(files / "crates" / NAME / "1.0.0", archive)
    index = repositories.parent / "index"
    write(index / "config.json", json.dumps({"dl": f"{origin}/files/crates/{{crate}}/{{version}}"}))
    write(index / "ac/me" / NAME, json.dumps({"name": NAME, "vers": "1.0.0", "deps": [], "cksum": digest(archive), "features": {}, "yanked": False}) + "\n")
    git("init", "-q", "-b", "main", ".", cwd=index)
    git("add", ".", cwd=index)
    git("commit", "-qm", "first", cwd=index)
    git("clone", "-q", "--bare", index, repositories / "index.git", cwd=index)


def installs(world):
    """Each gets index and archive through the session, and what it installs is whole."""
    a_host_of_its_own(world)
    files, repositories = world.directory / "files", world.directory / "git"
    files.mkdir()
    repositories.mkdir()
    origin = connect_key(world, "--host", ADDRESS, "--port", "443", "--files", files, "--git", repositories, host=HOST)
    origin = origin.removesuffix(":443")  # libgit2, which cargo has, leaves other ports out of Host
    registry_for_npm(files, origin)
    registry_for_pip(files, origin)
    registry_for_cargo(files, repositories, origin)
    work = world.directory / "work"
    write(work / "package.json", '{"private": true}')
    write(work / "Cargo.toml", f'[package]\nname = "own"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\n{NAME} = {{ version = "1.0.0", registry = "acme" }}\n')
    write(work / "src/main.rs", "fn main() {}\n")
    write(work / ".cargo/config.toml", f'[registries.acme]\nindex = "{origin}/git/index.git"\n')

    def run(*command):
        return world.run("run", "--unmatched", "deny", "--", *command, cwd=work, env=world.environment(CARGO_HOME=work / "cargo", npm_config_cache=work / "npm"))
    table = [
        ("npm", "npm", ["npm", "install", "--no-audit", "--no-fund", "--registry", f"{origin}/files/npm", NAME], f"node_modules/{NAME}/index.js"),
        ("pip", "/usr/bin/pip3", ["/usr/bin/python3", "-m", "pip", "install", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--index-url", f"{origin}/files/simple", "--target", "site", NAME],
         "site/acme_lib.py"),
        ("cargo", "/usr/bin/cargo", ["/usr/bin/cargo", "vendor", "vendor"], f"vendor/{NAME}/src/lib.rs"),
    ]
    for name, program, command, installed in table:
        if not shutil.which(program):
            cannot_run(f"{name} is not installed")
            continue
        started = time.monotonic()
        run(*command)
        contains((work / installed).read_text(), CONTENT, f"{name}: the file")
        print(f"      ok    {name} ({time.monotonic() - started:.1f} s)", flush=True)
    refused = subprocess.run(["curl", "-sS", "-k", "-o", "/dev/null", "-w", "%{http_code}", f"{origin}/files/npm/{NAME}"], capture_output=True, text=True)
    equal(refused.stdout, "401", "without the key nobody gets anything")


if __name__ == "__main__":
    test_clients.in_its_own_namespaces()
    main(installs)
