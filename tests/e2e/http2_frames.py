"""HTTP/2 as bytes (RFC 9113, RFC 7541): frames and field blocks that no polite library would write, and a reader of what
comes back that knows of a field block its first field alone, the status."""
import contextlib, struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 0x20
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL",
         "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]
DIGITS = ["00000", "00001", "00010", "011001", "011010", "011011", "011100", "011101", "011110", "011111"]  # RFC 7541 appendix B
ANSWERED_STATUSES = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}  # appendix A


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    return struct.pack(">I", len(payload) if length is None else length)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window_update(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", size))


def rst(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def integer(value, bits, first=0):
    """RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def raw_string(text):
    return integer(len(text), 7) + text


def coded_digits(text, padding="1"):
    """Digits by the code of appendix B, filled up to a byte, or with what is given."""
    bits = "".join(DIGITS[int(c)] for c in text)
    bits += (padding * 8)[:-len(bits) % 8] if len(padding) == 1 else padding
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return integer(len(coded), 7, 0x80) + coded


def field(name, value):
    return b"\0" + raw_string(name) + raw_string(value)  # literal, not indexed


def block(fields, update=b"\x20"):
    """`update`: our table has no place, which has to be said once it was acknowledged (RFC 7541 section 4.2)."""
    return update + b"".join(field(name, value) for name, value in fields)


def headers(stream, fields, end=True, update=b"\x20"):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(fields, update))


def data(stream, text=b"", end=False):
    return frame(DATA, END_STREAM if end else 0, stream, text)


def status_in(payload):
    """The status, which is the first field."""
    while payload[0] & 0xe0 == 0x20:
        payload = payload[1:]  # table size updates; of a small table
    if payload[0] & 0x80:
        return ANSWERED_STATUSES[payload[0] & 0x7f]
    size, text = payload[1] & 0x7f, payload[2:2 + (payload[1] & 0x7f)]
    assert payload[0] & 0x0f in ANSWERED_STATUSES and len(text) == size, payload[:8]
    if not payload[1] & 0x80:
        return text.decode()
    bits, found = f"{int.from_bytes(text, 'big'):0{8 * size}b}", ""
    while len(found) < 3:
        digit = next(n for n, code in enumerate(DIGITS) if bits.startswith(code))
        found, bits = found + str(digit), bits[len(DIGITS[digit]):]
    return found


class Stream:
    def __init__(self):
        self.status, self.reset, self.ended, self.body = None, None, False, b""

    @property
    def over(self):
        return self.ended or self.reset is not None

    def outcome(self):
        return self.status or (f"RST {self.reset}" if self.reset else None)


class Peer:
    """One end of a connection. What the other sends is taken in by take(), one frame at a time."""

    def __init__(self, tls):
        self.tls, self.rest, self.streams = tls, b"", {}
        self.goaway, self.closed, self.pongs, self.acknowledged, self.greeted = None, False, [], 0, False
        self.data_frames = []

    def send(self, text):
        with contextlib.suppress(OSError):  # ended meanwhile, which is what take() sees
            self.tls.sendall(text)

    def take(self):
        """The next frame is taken in; False when there is none any more."""
        got = self.frame()
        if got is None:
            self.closed = True
            return False
        kind, flags, number, payload = got
        stream = self.streams.setdefault(number, Stream())
        if kind == HEADERS:
            stream.status = stream.status or status_in(payload)
        elif kind == DATA:
            stream.body += payload
            self.data_frames.append((number, len(payload)))
        elif kind == RST_STREAM:
            stream.reset = name_of(payload)
        elif kind == GOAWAY:
            self.goaway = name_of(payload[4:])
        elif kind == PING:
            self.pongs.append(payload)
        elif kind == SETTINGS and flags & ACK:
            self.acknowledged += 1
        elif kind == SETTINGS:
            self.greeted = True
        stream.ended = stream.ended or (kind in (HEADERS, DATA) and bool(flags & END_STREAM))
        return True

    def frame(self):
        head = self.exactly(9)
        if head is None:
            return None
        length, (kind, flags, number) = int.from_bytes(head[:3], "big"), struct.unpack(">BBI", head[3:])
        payload = self.exactly(length)
        return None if payload is None else (kind, flags, number & 0x7fffffff, payload)

    def exactly(self, size):
        while len(self.rest) < size:
            try:
                piece = self.tls.recv(65536)
            except TimeoutError:
                raise
            except OSError:
                piece = b""
            if not piece:
                return None
            self.rest += piece
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def until(self, condition):
        """Takes frames until it holds or the connection has ended. TimeoutError by the socket's time."""
        while not condition() and self.take():
            pass

    def greet(self, *pairs):
        """As every client begins."""
        self.send(PREFACE + settings(*pairs))
        self.until(lambda: self.greeted)
        self.send(frame(SETTINGS, ACK))


def name_of(payload):
    code = struct.unpack(">I", payload[:4])[0]
    return CODES[code] if code < len(CODES) else str(code)
