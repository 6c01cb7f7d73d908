"""The user's other programs, for test_sandbox.py: a process with a secret in its memory, environment and an open file, and
services on sockets that answer whoever asks with a secret. Prints one line of JSON when ready; ends when stdin does."""
import base64, ctypes, json, os, socket, struct, sys, threading

config = json.loads(os.environ["OUTSIDE"])
secret = ctypes.create_string_buffer(os.environ["SOME_CANARY"].encode())
held = os.open(config["file"], os.O_RDONLY)


def serve(address):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()

    def answer():
        while True:
            connection, _ = listener.accept()
            connection.sendall(secret.value)
            connection.close()
    threading.Thread(target=answer, daemon=True).start()


for address in config["sockets"]:
    serve(address)
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
handle, mount_id = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + b"\0" * 128), ctypes.c_int()
libc.syscall(ctypes.c_long(303), ctypes.c_long(-100), ctypes.c_char_p(config["handle_of"].encode()), handle, ctypes.byref(mount_id), ctypes.c_long(0))
print(json.dumps({"pid": os.getpid(), "address": ctypes.addressof(secret), "handle": base64.b64encode(handle.raw).decode()}), flush=True)
sys.stdin.read()
