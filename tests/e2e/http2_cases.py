"""What a client of HTTP/2 may do wrong, and some of what it may do, in the order in which h2spec asks it: by the sections of
RFC 9113 and RFC 7541. A case is what is sent after the greeting, on stream 1 unless it says otherwise, and the outcomes
that the RFC allows. Behind each the test sends a good request on stream 101, which is served unless the connection ended."""
import struct
from http2_frames import *

IGNORED = {"ignored"}      # nothing happens to the stream, and the connection goes on
OK, BAD = {"200"}, {"400"}
CLOSED = {"closed"}        # without a word: RFC 9113 sections 3.4 and 5.4.1 allow it where no GOAWAY can be expected to help
PATH = b"/case0000"        # of the case; the test puts its number there


def stream(*codes):
    return {f"RST {code}" for code in codes or ("PROTOCOL_ERROR",)}


def connection(*codes):
    return {f"GOAWAY {code}" for code in codes or ("PROTOCOL_ERROR",)}


def either(*codes):
    """A stream error, which may be treated as one of the connection (RFC 9113 section 5.4.2)."""
    return stream(*codes) | connection(*codes)


class Case:
    def __init__(self, section, name, *parts, expect, raw=False, on=1, body=False, whole=False):
        """`parts`: each is sent when the stream `on` has ended by what was sent before. `raw`: in place of the greeting.
        `body`: the head is good, so it may have been passed on, but never the whole request. `whole`: the request too."""
        self.section, self.name, self.parts, self.expect, self.raw, self.on, self.body, self.whole = section, name, parts, expect, raw, on, body or whole, whole


class Maker:
    def __init__(self, host):
        self.host = host

    def fields(self, *more, method=b"GET", path=PATH, scheme=b"https", without=(), first=()):
        pseudo = [(b":method", method), (b":scheme", scheme), (b":authority", self.host), (b":path", path)]
        return [*first, *[f for f in pseudo if f[0] not in without], *more]

    def get(self, *more, number=1, end=True, **other):
        return headers(number, self.fields(*more, **other), end)

    def post(self, *more, number=1):
        return self.get(*more, number=number, end=False, method=b"POST")

    def block(self, *more, **other):
        return block(self.fields(*more, **other))


def preface(m):  # RFC 9113 section 3.4
    good = PREFACE + settings() + m.get()
    yield Case("3.4", "the connection preface and a request at once", PREFACE + settings() + headers(1, m.fields(), update=b""), expect=OK, raw=True)
    yield Case("3.4", "another preface", b"INVALID CONNECTION PREFACE\r\n\r\n", expect=CLOSED | connection(), raw=True)
    yield Case("3.4", "a preface that ends otherwise", good.replace(b"SM", b"XX"), expect=CLOSED | connection(), raw=True)
    yield Case("3.4", "HTTP/1.1", b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (PATH, m.host), expect=CLOSED | connection(), raw=True)
    yield Case("3.4", "a preface without SETTINGS", PREFACE + frame(PING, payload=b"12345678") + m.get(), expect=CLOSED | connection(), raw=True)
    yield Case("3.4", "a preface with a request first", PREFACE + m.get(), expect=CLOSED | connection(), raw=True)
    yield Case("3.4", "a second preface", PREFACE + m.get(), expect=connection("PROTOCOL_ERROR", "FRAME_SIZE_ERROR"))


def frames(m):  # sections 4.1 to 4.3
    for kind in (0x0a, 0x16, 0xff):
        yield Case("4.1", f"an unknown frame {kind:#x}", frame(kind, 0xff, 0, b"x" * 8) + m.get(), expect=OK)
        yield Case("4.1", f"an unknown frame {kind:#x} on a stream", m.post() + frame(kind, 0xff, 1, b"x" * 8) + data(1, end=True), expect=OK)
    yield Case("4.1", "unknown flags", frame(PING, 0x16, 0, b"12345678") + m.get(), expect=OK)
    yield Case("4.1", "unknown flags of a request", frame(HEADERS, END_HEADERS | END_STREAM | 0x92, 1, m.block()), expect=OK)
    yield Case("4.1", "the reserved bit of a stream's number", frame(PING, 0, 0x80000000, b"12345678") + m.get(), expect=OK)
    yield Case("4.1", "the reserved bit of a request's number", frame(HEADERS, END_HEADERS | END_STREAM, 0x80000001, m.block()), expect=OK)
    yield Case("4.2", "a DATA frame of 2^14 bytes", m.post() + data(1, b"x" * 16384, True), expect=OK)
    yield Case("4.2", "a DATA frame beyond 2^14 bytes", m.post() + data(1, b"x" * 16385, True), expect=either("FRAME_SIZE_ERROR"), body=True)
    yield Case("4.2", "a HEADERS frame beyond 2^14 bytes", m.get((b"x", b"y" * 16384)), expect=connection("FRAME_SIZE_ERROR"))
    yield Case("4.2", "a CONTINUATION frame beyond 2^14 bytes", frame(HEADERS, END_STREAM, 1, m.block()) + frame(CONTINUATION, END_HEADERS, 1, field(b"x", b"y" * 16384)),
               expect=connection("FRAME_SIZE_ERROR") | CLOSED)
    yield Case("4.2", "a SETTINGS frame beyond 2^14 bytes", settings(*[(0xff00 + n % 200, n) for n in range(2731)]), expect=connection("FRAME_SIZE_ERROR"))
    yield Case("4.2", "an unknown frame beyond 2^14 bytes", frame(0x16, 0, 0, b"x" * 16385), expect=connection("FRAME_SIZE_ERROR"))
    yield Case("4.2", "a frame that says 2^24 - 1 bytes", frame(DATA, 0, 1, b"x", length=0xffffff), expect=connection("FRAME_SIZE_ERROR"))
    begun = frame(HEADERS, END_STREAM, 1, m.block())
    yield Case("4.3", "a field block that is none", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\xff\xff\xff\xff\xff"), expect=connection("COMPRESSION_ERROR"))
    yield Case("4.3", "a field block that stops within a field", frame(HEADERS, END_HEADERS | END_STREAM, 1, m.block()[:-3]), expect=connection("COMPRESSION_ERROR"))
    for name, between in (("PRIORITY", frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")), ("PING", frame(PING, payload=b"12345678")), ("SETTINGS", settings()), ("DATA", data(1, b"x")),
                          ("RST_STREAM", rst(1)), ("WINDOW_UPDATE", window_update(0, 1)), ("another HEADERS", m.get(number=3)), ("an unknown frame", frame(0x16, 0, 1, b"x")),
                          ("GOAWAY", frame(GOAWAY, payload=bytes(8)))):
        yield Case("4.3", f"{name} within a field block", begun + between + frame(CONTINUATION, END_HEADERS, 1), expect=connection())


def stream_states(m):  # section 5.1
    for name, sent in (("DATA", data(1, b"x", True)), ("RST_STREAM", rst(1)), ("WINDOW_UPDATE", window_update(1, 100)), ("CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, m.block()))):
        codes = ("PROTOCOL_ERROR", "STREAM_CLOSED") if name == "DATA" else ("PROTOCOL_ERROR",)
        yield Case("5.1", f"{name} on an idle stream", sent, expect=connection(*codes))
    gone = either("STREAM_CLOSED") | connection()
    for name, sent in (("DATA", data(1, b"x", True)), ("HEADERS", m.get((b"x", b"y"))), ("CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, field(b"x", b"y")))):
        yield Case("5.1", f"{name} after END_STREAM", m.get() + sent, expect=gone, whole=True)
        yield Case("5.1", f"{name} after RST_STREAM", m.post() + rst(1) + sent, expect=gone | (IGNORED if name != "CONTINUATION" else set()), body=True)
        # For a while after the end a peer may still have frames on their way.
        yield Case("5.1", f"{name} after the answer", m.get(), sent, expect=connection("STREAM_CLOSED", "PROTOCOL_ERROR") | (OK if name != "CONTINUATION" else set()), whole=True)
    yield Case("5.1", "WINDOW_UPDATE after the answer", m.get(), window_update(1, 10), expect=OK)
    yield Case("5.1", "PRIORITY after the answer", m.get(), frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), expect=OK)
    yield Case("5.1", "RST_STREAM after the answer", m.get(), rst(1), expect=OK)
    yield Case("5.1", "PRIORITY on an idle stream", frame(PRIORITY, 0, 7, b"\0\0\0\0\x10") + m.get(), expect=OK)
    yield Case("5.1.1", "an even number", m.get(number=2), on=2, expect=connection())
    # The library leaves it out, since of a closed stream a frame may still have been on its way.
    yield Case("5.1.1", "a smaller number than before", m.get(number=5, path=b"/good") + m.get(number=3), on=3, expect=connection("PROTOCOL_ERROR", "STREAM_CLOSED") | IGNORED)
    yield Case("5.1.1", "the number of a stream that is open", m.post() + m.get(), expect=either("PROTOCOL_ERROR", "STREAM_CLOSED"), body=True)
    yield Case("5.1.2", "more streams at a time than allowed", b"".join(m.post((b"content-length", b"0"), number=n) for n in range(1, 205, 2)), on=201,
               expect=either("PROTOCOL_ERROR", "REFUSED_STREAM"))
    # Priorities are deprecated; RFC 7540 section 5.3.1 knew this error.
    yield Case("5.3", "a request that depends on itself", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, b"\0\0\0\1\xff" + m.block()), expect=either() | OK)
    yield Case("5.3", "a PRIORITY that depends on itself", m.post() + frame(PRIORITY, 0, 1, b"\0\0\0\1\xff") + data(1, end=True), expect=either() | OK, body=True)
    yield Case("5.3", "an exclusive dependency on an unknown stream", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, b"\x80\0\0\x63\xff" + m.block()), expect=OK)


def data_headers_priority_rst(m):  # sections 6.1 to 6.4
    yield Case("6.1", "DATA on stream 0", data(0, b"x"), expect=connection())
    yield Case("6.1", "padded DATA", m.post((b"content-length", b"3")) + frame(DATA, PADDED | END_STREAM, 1, b"\x05abc" + bytes(5)), expect=OK)
    yield Case("6.1", "DATA that is padding alone", m.post((b"content-length", b"0")) + frame(DATA, PADDED | END_STREAM, 1, b"\x05" + bytes(5)), expect=OK)
    yield Case("6.1", "padding as long as the DATA", m.post() + frame(DATA, PADDED | END_STREAM, 1, b"\x05test\0"), expect=connection() | OK)
    yield Case("6.1", "padding longer than the DATA", m.post() + frame(DATA, PADDED | END_STREAM, 1, b"\x06test\0"), expect=connection(), body=True)
    yield Case("6.1", "padded DATA without the padding's length", m.post() + frame(DATA, PADDED | END_STREAM, 1), expect=connection("PROTOCOL_ERROR", "FRAME_SIZE_ERROR"), body=True)
    whole = END_HEADERS | END_STREAM
    yield Case("6.2", "HEADERS on stream 0", m.get(number=0), expect=connection())
    yield Case("6.2", "padded HEADERS", frame(HEADERS, whole | PADDED, 1, b"\x05" + m.block() + bytes(5)), expect=OK)
    yield Case("6.2", "HEADERS with priority", frame(HEADERS, whole | PRIORITIZED, 1, b"\0\0\0\0\xff" + m.block()), expect=OK)
    yield Case("6.2", "HEADERS with priority and padding", frame(HEADERS, whole | PRIORITIZED | PADDED, 1, b"\x02\0\0\0\0\xff" + m.block() + bytes(2)), expect=OK)
    yield Case("6.2", "padding longer than the HEADERS", frame(HEADERS, whole | PADDED, 1, b"\xff" + m.block()[:100]), expect=connection())
    yield Case("6.2", "padding that leaves no room for the priority", frame(HEADERS, whole | PADDED | PRIORITIZED, 1, b"\x05\0\0\0\0\xff\0"), expect=connection("PROTOCOL_ERROR", "FRAME_SIZE_ERROR"))
    yield Case("6.2", "HEADERS too short for its priority", frame(HEADERS, whole | PRIORITIZED, 1, b"\0\0\0"), expect=connection("PROTOCOL_ERROR", "FRAME_SIZE_ERROR"))
    yield Case("6.2", "HEADERS without fields", frame(HEADERS, whole, 1, b"\x20"), expect=either())
    yield Case("6.3", "PRIORITY on stream 0", frame(PRIORITY, 0, 0, b"\0\0\0\0\x10"), expect=connection())
    for size in (0, 4, 6):
        yield Case("6.3", f"PRIORITY of {size} bytes", m.post() + frame(PRIORITY, 0, 1, bytes(size)), expect=either("FRAME_SIZE_ERROR"), body=True)
    yield Case("6.4", "RST_STREAM on stream 0", rst(0), expect=connection())
    yield Case("6.4", "RST_STREAM of a stream to come", rst(9), expect=connection())
    for size in (0, 3, 5):
        yield Case("6.4", f"RST_STREAM of {size} bytes", m.post() + frame(RST_STREAM, 0, 1, bytes(size)), expect=connection("FRAME_SIZE_ERROR"), body=True)


def settings_and_push(m):  # sections 6.5 and 6.6
    yield Case("6.5", "an acknowledgement that says something", frame(SETTINGS, ACK, 0, b"\0" * 6), expect=connection("FRAME_SIZE_ERROR"))
    yield Case("6.5", "SETTINGS on a stream", frame(SETTINGS, 0, 1, struct.pack(">HI", 3, 1)), expect=connection())
    for size in (1, 3, 5, 7):
        yield Case("6.5", f"SETTINGS of {size} bytes", frame(SETTINGS, payload=bytes(size)), expect=connection("FRAME_SIZE_ERROR"))
    for value in (2, 0xffffffff):
        yield Case("6.5.2", f"ENABLE_PUSH {value:#x}", settings((2, value)), expect=connection())
    for value in (1 << 31, 0xffffffff):
        yield Case("6.5.2", f"INITIAL_WINDOW_SIZE {value:#x}", settings((4, value)), expect=connection("FLOW_CONTROL_ERROR"))
    for value in (0, 16383, 1 << 24, 0xffffffff):
        yield Case("6.5.2", f"MAX_FRAME_SIZE {value:#x}", settings((5, value)), expect=connection())
    for number, value in ((1, 0), (1, 0xffffffff), (2, 0), (2, 1), (3, 0), (4, 0x7fffffff), (5, 16384), (5, 0xffffff), (6, 0xffffffff), (0xff, 1), (0, 1), (0xffff, 0xffffffff)):
        yield Case("6.5.2", f"setting {number:#x} of {value:#x}", settings((number, value)) + m.get(), expect=OK)
    yield Case("6.5.3", "the same setting many times, the last one counts", settings((4, 1 << 16), (4, 0), (4, 1 << 16)) + m.get(), expect=OK)
    yield Case("6.5.2", "a good setting and a bad one", settings((4, 100), (5, 1)), expect=connection())
    promise = b"\0\0\0\x02" + m.block()
    yield Case("6.6", "PUSH_PROMISE of a client", m.post() + frame(PUSH_PROMISE, END_HEADERS, 1, promise), expect=connection(), body=True)
    yield Case("6.6", "PUSH_PROMISE on stream 0", frame(PUSH_PROMISE, END_HEADERS, 0, promise), expect=connection())


def ping_goaway_window(m):  # sections 6.7 to 6.9
    for size in (0, 7, 9):
        yield Case("6.7", f"PING of {size} bytes", frame(PING, payload=bytes(size)), expect=connection("FRAME_SIZE_ERROR"))
    yield Case("6.7", "PING on a stream", frame(PING, 0, 1, b"12345678"), expect=connection())
    yield Case("6.7", "an answer to no PING", frame(PING, ACK, 0, b"12345678") + m.get(), expect=OK)
    yield Case("6.8", "GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), expect=connection())
    for size in (0, 7):
        yield Case("6.8", f"GOAWAY of {size} bytes", frame(GOAWAY, payload=bytes(size)), expect=connection("FRAME_SIZE_ERROR"))
    for size in (0, 3, 5):
        yield Case("6.9", f"WINDOW_UPDATE of {size} bytes", frame(WINDOW_UPDATE, payload=bytes(size)), expect=connection("FRAME_SIZE_ERROR"))
        yield Case("6.9", f"WINDOW_UPDATE of {size} bytes on a stream", m.post() + frame(WINDOW_UPDATE, 0, 1, bytes(size)), expect=connection("FRAME_SIZE_ERROR"), body=True)
    yield Case("6.9", "a window that grows by 0", window_update(0, 0), expect=connection())
    yield Case("6.9", "a stream's window that grows by 0", m.post() + window_update(1, 0), expect=either(), body=True)
    yield Case("6.9", "the reserved bit of a growth", window_update(0, 0x80000001) + m.get(), expect=OK)
    yield Case("6.9.1", "a window beyond 2^31 - 1", window_update(0, 0x7fffffff) * 2, expect=connection("FLOW_CONTROL_ERROR"))
    yield Case("6.9.1", "a stream's window beyond 2^31 - 1", m.post() + window_update(1, 0x7fffffff) * 2, expect=either("FLOW_CONTROL_ERROR"), body=True)
    yield Case("6.9.1", "a window of one byte", settings((4, 1)) + m.get() + window_update(1, 1) * 3 + settings((4, 65535)), expect=OK)
    yield Case("6.9.1", "no window, until it grows", settings((4, 0)) + m.get() + window_update(1, 1000) + settings((4, 65535)), expect=OK)
    yield Case("6.9.2", "a window below zero, until it grows", settings((4, 100)) + m.get() + settings((4, 0)) + window_update(1, 1000) + settings((4, 65535)), expect=OK)
    # An error of the connection by the letter; the library ends the streams alone whose window it is.
    yield Case("6.9.2", "settings that make a window too large", m.post() + window_update(1, 0x7fff0000) + settings((4, 0x7fffffff)), expect=either("FLOW_CONTROL_ERROR"), body=True)
    yield Case("6.9.1", "more DATA than a stream's window", m.post() + data(1, b"x" * 16384) * 5, expect=either("FLOW_CONTROL_ERROR") | OK, body=True)


def continuations(m):  # section 6.10
    text = m.block((b"x", b"y"))
    first, end = frame(HEADERS, END_STREAM, 1, text[:9]), frame(CONTINUATION, END_HEADERS, 1, text[9:])
    yield Case("6.10", "a field block in two frames", first + end, expect=OK)
    yield Case("6.10", "a field block in five frames, of which one is empty", first + frame(CONTINUATION, 0, 1, text[9:20]) + frame(CONTINUATION, 0, 1) + frame(CONTINUATION, 0, 1, text[20:30]) +
               frame(CONTINUATION, END_HEADERS, 1, text[30:]), expect=OK)
    yield Case("6.10", "CONTINUATION after the block's end", m.post() + frame(CONTINUATION, END_HEADERS, 1, field(b"x", b"y")), expect=connection(), body=True)
    yield Case("6.10", "CONTINUATION of stream 0", first + frame(CONTINUATION, END_HEADERS, 0, text[9:]), expect=connection())
    yield Case("6.10", "CONTINUATION of another stream", first + frame(CONTINUATION, END_HEADERS, 3, text[9:]), expect=connection())
    yield Case("6.10", "CONTINUATION before HEADERS", end, expect=connection())
    yield Case("6.10", "CONTINUATION after DATA", m.post() + data(1, b"x") + frame(CONTINUATION, END_HEADERS, 1, field(b"x", b"y")), expect=connection(), body=True)
    yield Case("6.10", "CONTINUATION after CONTINUATION's end", first + end + end, expect=connection(), whole=True)
    yield Case("7", "RST_STREAM for an unknown reason", m.post() + rst(1, 0xff) + m.get(number=3), on=3, expect=OK)


def methods_of_messages(m):  # sections 8.1 and 8.5
    x = (b"x", b"y")
    yield Case("8.1", "trailers", m.post() + data(1, b"abc") + headers(1, [x]), expect=OK)
    yield Case("8.1", "trailers that do not end the stream", m.post() + data(1, b"abc") + headers(1, [x], end=False), expect=either(), body=True)
    yield Case("8.1", "trailers without DATA that do not end the stream", m.post() + headers(1, [x], end=False) + data(1, end=True), expect=either(), body=True)
    yield Case("8.1", "DATA after trailers", m.post() + headers(1, [x]) + data(1, b"x"), expect=either("STREAM_CLOSED", "PROTOCOL_ERROR"), whole=True)
    for name in (b":path", b":method", b":status", b":unknown"):
        yield Case("8.1", f"{name.decode()} in trailers", m.post() + data(1, b"abc") + headers(1, [(name, b"200")]), expect=either(), body=True)
    for name, value in ((b"connection", b"close"), (b"transfer-encoding", b"chunked"), (b"X", b"y"), (b"x", b"a\r\nb: c"), (b"a b", b"c"), (b"te", b"gzip")):
        yield Case("8.1", f"{name.decode()}: {value!r} in trailers", m.post() + data(1, b"abc") + headers(1, [(name, value)]), expect=either(), body=True)
    yield Case("8.1", "content-length in trailers", m.post() + data(1, b"abc") + headers(1, [(b"content-length", b"3")]), expect=OK | BAD | either())  # left out
    for name in (b"host", b"authorization", b"cookie", b"content-type"):  # not for trailers: RFC 9110 section 6.5.1
        yield Case("8.1", f"{name.decode()} in trailers", m.post() + data(1, b"abc") + headers(1, [(name, b"3")]), expect=BAD | either(), body=True)
    connect = dict(method=b"CONNECT", end=False)
    yield Case("8.5", "CONNECT", m.get(without=(b":scheme", b":path"), **connect), expect=BAD | {"405"} | either())
    yield Case("8.5", "CONNECT with a path", m.get(**connect), expect=BAD | {"405"} | either())
    yield Case("8.5", "CONNECT without a host", m.get(without=(b":scheme", b":path", b":authority"), **connect), expect=BAD | {"405"} | either())
    yield Case("8441", "an extended CONNECT, which was not offered", m.get(first=[(b":protocol", b"websocket")], **connect), expect=BAD | {"405"} | either())
    for method in (b"TRACE", b"TRACK"):
        yield Case("8.5", f"{method.decode()}", m.get(method=method), expect={"405"})


def names_and_values(m):  # sections 8.2 and 8.2.1
    for name in (b"X-Test", b"x-tesT", b"Content-Length", b"CONNECTION"):
        yield Case("8.2", f"the name {name.decode()}", m.get((name, b"1")), expect=either() | BAD)
    for byte in (*range(0x00, 0x21), *b'"(),/:;<=>?@[\\]{}', 0x7f, 0x80, 0xff):
        yield Case("8.2.1", f"byte {byte:#04x} in a name", m.get((b"x" + bytes([byte]) + b"y", b"1")), expect=either() | BAD)
    for name in (b"", b":", b"x:", b":x", b"x y", b"x\r\nhost", b"content-length ", b" content-length", b"transfer-encoding\0"):
        yield Case("8.2.1", f"the name {name!r}", m.get((name, b"1")), expect=either() | BAD)
    for value in (b"a\0b", b"a\rb", b"a\nb", b"a\r\nx-other: c", b"\0", b"\r\n", b"a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: b", b"\n", b" a", b"a ", b"\ta", b"a\t", b"a\x7fb", b"a\x01b"):
        yield Case("8.2.1", f"the value {value!r}", m.get((b"x", value)), expect=either() | BAD)
    for value in (b"", b"a b", b"a\tb", b"a\x80b", b"\xff", b"a:b", b"\xc3\xa4"):
        yield Case("8.2.1", f"the value {value!r}", m.get((b"x", value)), expect=OK)
    for pseudo in (b":method", b":path", b":scheme", b":authority"):
        for value in (b"a\0b", b"a\rb", b"a\nb", b"a b", b" ", b"/a\r\nx: y", b"/ HTTP/1.1\r\nhost: b\r\n\r\nGET /", b"\x7f", b"a\tb"):
            fields = m.fields(without=(pseudo,))
            yield Case("8.2.1", f"{pseudo.decode()} {value!r}", headers(1, [(pseudo, value), *fields]), expect=either() | BAD | ({"421"} if pseudo == b":authority" else set()))
    yield Case("8.2.3", "crumbs of a cookie", m.get((b"cookie", b"a=1"), (b"cookie", b"b=2")), expect=OK)


def fields_of_a_connection(m):  # section 8.2.2
    for name, value in ((b"connection", b"keep-alive"), (b"connection", b"close"), (b"connection", b"te"), (b"keep-alive", b"1"), (b"proxy-connection", b"keep-alive"),
                        (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"identity"), (b"upgrade", b"h2c"), (b"upgrade", b"websocket"),
                        (b"te", b"gzip"), (b"te", b"trailers, deflate;q=0.5"), (b"te", b"trailers;q=1"), (b"te", b"")):
        yield Case("8.2.2", f"{name.decode()}: {value.decode()}", m.get((name, value)), expect=either() | BAD)
        yield Case("8.2.2", f"{name.decode()}: {value.decode()} of a POST", m.post((name, value)) + data(1, b"0\r\n\r\n", True), expect=either() | BAD)
    yield Case("8.2.2", "te: trailers", m.get((b"te", b"trailers")), expect=OK)


def pseudo_fields(m):  # section 8.3
    for name in (b":test", b":status", b":protocol", b":Method", b":", b":path ", b"::path"):
        yield Case("8.3", f"the pseudo field {name!r}", m.get(first=[(name, b"200")]), expect=either() | BAD)
    for name in (b":method", b":path", b":scheme", b":authority"):
        fields = m.fields()
        value = dict(fields)[name]
        yield Case("8.3", f"{name.decode()} after another field", headers(1, [*m.fields(without=(name,)), (b"x", b"y"), (name, value)]), expect=either() | BAD)
        yield Case("8.3.1", f"{name.decode()} twice", headers(1, [(name, value), *fields]), expect=either() | BAD)
        yield Case("8.3.1", f"{name.decode()} twice, differently", headers(1, [*fields, (name, b"/b" if name == b":path" else b"b")]), expect=either() | BAD)
        yield Case("8.3.1", f"{name.decode()} empty", headers(1, [(name, b""), *m.fields(without=(name,))]), expect=either() | BAD)
        if name != b":authority":
            yield Case("8.3.1", f"no {name.decode()}", m.get(without=(name,)), expect=either() | BAD)
    yield Case("8.3.1", "no :authority, and a host", m.get((b"host", m.host), without=(b":authority",)), expect=OK)
    yield Case("8.3.1", "neither :authority nor host", m.get(without=(b":authority",)), expect=either() | BAD)
    yield Case("8.3.1", ":authority and the same host", m.get((b"host", m.host)), expect=OK)
    yield Case("8.3.1", ":authority and another host", m.get((b"host", b"other.test")), expect=either() | BAD)
    yield Case("8.3.1", "a host twice", m.get((b"host", m.host), (b"host", b"other.test")), expect=either() | BAD)
    for host in (b"other.test", b"u@" + m.host, b"127.0.0.1", m.host + b"/x", m.host + b"?", m.host + b"#", m.host + b"\\", m.host + b":1", b"[::1]"):
        yield Case("8.3.1", f":authority {host!r}", m.get(without=(b":authority",), first=[(b":authority", host)]), expect=either() | BAD | {"421"})
    for path in (b"x", b"*", b"https://other.test/", b"?x", b"#x", b"/a b", b"/a#b", b"/\xc3\xa4", b"\\x"):
        yield Case("8.3.1", f":path {path!r}", m.get(path=path), expect=either() | BAD)
    for scheme in (b"http", b"ftp", b"HTTPS ", b"https:", b"file"):
        yield Case("8.3.1", f":scheme {scheme!r}", m.get(scheme=scheme), expect=either() | BAD)
    long = m.block(path=PATH + b"x" * 16384)
    yield Case("10.5.1", "a path beyond the limit", frame(HEADERS, END_STREAM, 1, long[:9000]) + frame(CONTINUATION, END_HEADERS, 1, long[9000:]), expect={"414", "431"} | either())
    yield Case("10.5.1", "more fields than allowed", m.get(*[(b"x-%d" % n, b"y") for n in range(200)]), expect={"431"} | either())
    yield Case("10.5.1", "fields longer than allowed", frame(HEADERS, END_STREAM, 1, m.block()) + b"".join(frame(CONTINUATION, 0 if n < 4 else END_HEADERS, 1, field(b"x", b"y" * 16000)) for n in range(5)), expect={"431"} | either())


def lengths(m):  # section 8.1.1
    told = lambda *values, end=False: m.get(*[(b"content-length", value) for value in values], method=b"POST", end=end)
    yield Case("8.1.1", "as long as told", told(b"3") + data(1, b"abc", True), expect=OK)
    yield Case("8.1.1", "as long as told, in parts, the end apart", told(b"6") + data(1, b"abc") + data(1, b"def") + data(1, end=True), expect=OK)
    yield Case("8.1.1", "none as told, the end apart", told(b"0") + data(1, end=True), expect=OK)
    yield Case("8.1.1", "as long as told, and trailers", told(b"3") + data(1, b"abc") + headers(1, [(b"x", b"y")]), expect=OK)
    for name, sent in (("shorter than told", told(b"5") + data(1, b"abc", True)), ("longer than told", told(b"2") + data(1, b"abc", True)), ("longer than told, in parts", told(b"3") + data(1, b"abc") + data(1, b"d", True)),
                       ("shorter than told, in parts", told(b"9") + data(1, b"abc") + data(1, b"def", True)), ("none of what was told", told(b"3", end=True)), ("some, where none was told", told(b"0") + data(1, b"a", True)),
                       ("shorter than told, and trailers", told(b"5") + data(1, b"abc") + headers(1, [(b"x", b"y")])), ("a request in what is too long", told(b"3") + data(1, b"abcGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n", True))):
        yield Case("8.1.1", name, sent, expect=either() | BAD, body=True)
    for values in ((b"3", b"3"), (b"3", b"4"), (b"+3",), (b"-3",), (b"3, 3",), (b"0x3",), (b"3 ",), (b" 3",), (b"",), (b"3.0",), (b"18446744073709551619",), (b"9223372036854775808",), (b"\xd9\xa3",), (b"3;a",)):
        yield Case("8.1.1", f"content-length {values!r}", told(*values) + data(1, b"abc", True), expect=either() | BAD)


def compression(m):  # RFC 7541
    good = m.block()
    request = lambda text: frame(HEADERS, END_HEADERS | END_STREAM, 1, text)
    bad = connection("COMPRESSION_ERROR")
    tail = b"".join(field(*f) for f in m.fields(without=(b":method",)))
    yield Case("7541 2.3.3", "an index of the static table", request(b"\x20\x82" + tail), expect=OK)
    for index in (62, 63, 126, 127, 5000):
        yield Case("7541 2.3.3", f"the index {index}, where there is no field", request(good + integer(index, 7, 0x80)), expect=bad)
    for bits, first in ((6, 0x40), (4, 0), (4, 0x10)):
        yield Case("7541 2.3.3", f"the index 62 for a name ({first:#x})", request(good + integer(62, bits, first) + raw_string(b"v")), expect=bad)
    yield Case("7541 2.3.3", "an index of a field that had no place in the table", request(good + b"\x40" + raw_string(b"x") + raw_string(b"y") + b"\xbe"), expect=bad)
    yield Case("7541 4.2", "no size update where one is due", headers(1, m.fields(), update=b""), expect=bad)
    for size in (1, 4096, 4097, 65536, 1 << 30):
        yield Case("7541 4.2", f"a table of {size}, where none was offered", request(integer(size, 5, 0x20) + good[1:]), expect=bad)
    yield Case("7541 4.2", "a size update behind fields", request(good + b"\x20"), expect=bad)
    yield Case("7541 4.2", "a size update between fields", request(good + b"\x20" + field(b"x", b"y")), expect=bad)
    yield Case("7541 4.2", "two size updates", request(b"\x20" + good), expect=OK)
    yield Case("7541 4.2", "a size update alone in the second block", m.post() + data(1, b"a") + frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x20" + field(b"x", b"y")), expect=OK)
    over = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
    for name, text in (("an index", b"\xff" + over), ("a name's index", b"\x0f" + over), ("a name's length", b"\0\x7f" + over), ("a value's length", b"\0\x01x\x7f" + over), ("a table's size", b"\x3f" + over)):
        yield Case("7541 5.1", f"{name} beyond all bounds", request((b"" if text[0] == 0x3f else good) + text), expect=bad)
        yield Case("7541 5.1", f"{name} of 2^35 and more", request((b"" if text[0] == 0x3f else good) + text[:-len(over)] + b"\xff\xff\xff\xff\x7f"), expect=bad)
        yield Case("7541 5.1", f"{name} that has no end", request((b"" if text[0] == 0x3f else good) + text[:-len(over)] + b"\x80"), expect=bad)
    yield Case("7541 5.2", "a name longer than the block", request(good + b"\0\x7e" + b"x" * 20), expect=bad)
    yield Case("7541 5.2", "a value longer than the block", request(good + b"\0\x01x\x7e" + b"y" * 20), expect=bad)
    literal = good + b"\0" + raw_string(b"x")
    yield Case("7541 5.2", "a Huffman-coded value", request(literal + coded_digits("1234")), expect=OK)
    yield Case("7541 5.2", "a value padded with zeros", request(literal + coded_digits("1234", "0")), expect=bad)
    yield Case("7541 5.2", "a value padded by 8 bits and more", request(literal + coded_digits("12345678", "1" * 8 + "1" * (-sum(map(len, [DIGITS[int(c)] for c in "12345678"])) % 8))), expect=bad)
    yield Case("7541 5.2", "a value that holds EOS", request(literal + b"\x84\xff\xff\xff\xff"), expect=bad)
    yield Case("7541 5.2", "a value of EOS and digits", request(literal + b"\x85\xff\xff\xff\xfc\x0f"), expect=bad)
    yield Case("7541 5.2", "a Huffman-coded value that is empty", request(literal + b"\x80"), expect=OK)
    yield Case("7541 5.2", "a Huffman-coded line end", request(literal + b"\x84\xff\xff\xff\xf3"), expect=bad | either())
    yield Case("7541 6.1", "the index 0", request(good + b"\x80"), expect=bad)
    yield Case("7541 6.2", "a literal to be indexed where there is no place", request(good + b"\x40" + raw_string(b"x") + raw_string(b"y")), expect=OK)
    yield Case("7541 6.2", "a literal never to be indexed", request(good + b"\x10" + raw_string(b"x") + raw_string(b"y")), expect=OK)
    yield Case("7541 6.2", "a literal without a value", request(good + b"\0" + raw_string(b"x")), expect=bad)
    yield Case("7541 6.2", "a literal without a name", request(good + b"\0" + raw_string(b"") + raw_string(b"y")), expect=either() | BAD)


GROUPS = (preface, frames, stream_states, data_headers_priority_rst, settings_and_push, ping_goaway_window, continuations, methods_of_messages, names_and_values, fields_of_a_connection,
          pseudo_fields, lengths, compression)


def cases(host):
    maker = Maker(host)
    return [case for group in GROUPS for case in group(maker)]
