"""A gRPC service over TLS that wants a key in its metadata. Prints {"port": N}. Messages are plain bytes, so no code is
generated. --gzip: it codes its messages, asked or not."""
import argparse, hashlib, json, sys, time
from concurrent import futures
import grpc

options = argparse.ArgumentParser()
for name in ("--host", "--cert", "--key", "--key-sha256", "--record"):
    options.add_argument(name, required=True)
options.add_argument("--gzip", action="store_true")
given = options.parse_args()


def credential(context):
    return dict(context.invocation_metadata()).get("authorization", "")


class Guard(grpc.ServerInterceptor):
    def intercept_service(self, continuation, details):
        shown = dict(details.invocation_metadata).get("authorization", "")
        good = hashlib.sha256(shown.encode()).hexdigest() == given.key_sha256
        with open(given.record, "a") as record:
            record.write(f"{good}\n")
        if good:
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "no valid key"))


def count(request, context):
    for i in range(int(request)):
        yield str(i).encode()


def forever(request, context):
    while context.is_active():
        yield b"again"
        time.sleep(0.05)


def fail(request, context):
    context.set_trailing_metadata((("why", "a reason"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today")


def show(request, context):
    context.set_trailing_metadata((("shown", credential(context)),))
    return f"it was {credential(context)}.".encode()


def chat(questions, context):
    for question in questions:
        yield b"re: " + question


unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
handlers = {"Say": unary(lambda request, context: request), "Count": stream(count), "Forever": stream(forever), "Fail": unary(fail), "Show": unary(show),
            "Join": grpc.stream_unary_rpc_method_handler(lambda parts, context: b"".join(parts)), "Chat": grpc.stream_stream_rpc_method_handler(chat)}
server = grpc.server(futures.ThreadPoolExecutor(16), interceptors=[Guard()], compression=grpc.Compression.Gzip if given.gzip else None)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("acme.Echo", handlers),))
port = server.add_secure_port(f"{given.host}:0", grpc.ssl_server_credentials([(open(given.key, "rb").read(), open(given.cert, "rb").read())]))
server.start()
print(json.dumps({"port": port}), flush=True)
server.wait_for_termination()
