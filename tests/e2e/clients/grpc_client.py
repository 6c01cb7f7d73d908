"""gRPC by its C core, which reads grpc_proxy and GRPC_DEFAULT_SSL_ROOTS_FILE_PATH. Every kind of call, of one method each."""
import os, sys, threading
import grpc

channel = grpc.secure_channel(os.environ["TARGET"], grpc.ssl_channel_credentials())
name = "/acme.Echo/"
assert channel.unary_unary(name + "Say")(b"hello", timeout=20) == b"hello"
big = os.urandom(3_000_000)
assert channel.unary_unary(name + "Say")(big, timeout=60) == big, "several windows of flow control"
assert list(channel.unary_stream(name + "Count")(b"5", timeout=20)) == [b"0", b"1", b"2", b"3", b"4"]
assert channel.stream_unary(name + "Join")(iter([b"a", b"b", b"c"]), timeout=20) == b"abc"

# Each answer is read before the next question is put.
answered = threading.Event()
def questions():
    for i in range(20):
        yield str(i).encode()
        assert answered.wait(20)
        answered.clear()
got = []
for answer in channel.stream_stream(name + "Chat")(questions(), timeout=60):
    got.append(answer)
    answered.set()
assert got == [f"re: {i}".encode() for i in range(20)], got

try:
    channel.unary_unary(name + "Fail")(b"", timeout=20)
    raise AssertionError("no error")
except grpc.RpcError as error:
    assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not today"), error
    assert ("why", "a reason") in error.trailing_metadata(), error
try:
    list(channel.unary_stream(name + "Forever")(b"", timeout=1))
    raise AssertionError("no end")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
calls = [channel.unary_unary(name + "Say").future(str(i).encode(), timeout=60) for i in range(50)]
assert [call.result() for call in calls] == [str(i).encode() for i in range(50)], "at once, on one connection"
_, call = channel.unary_unary(name + "Show").with_call(b"", timeout=20)
shown = channel.unary_unary(name + "Show")(b"", timeout=20).decode() + str(call.trailing_metadata())
print(shown)
sys.exit(7)
