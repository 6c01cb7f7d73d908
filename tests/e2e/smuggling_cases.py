"""Requests that two readers may understand differently (G6, PX-15): framing, chunks, line ends, request lines, hosts,
names and values. A case is the bytes of one message that hides another one, `/smuggled`, in front of an honest request,
`/probe`. What a case means is not said here: the test compares what the proxy and the back-end made of it."""

LENGTH, ENCODING = b"Content-Length", b"Transfer-Encoding"

ENCODINGS = [b"chunked", b" chunked", b"\tchunked", b"chunked ", b"chunked\t", b"Chunked", b"CHUNKED", b"xchunked", b"chunked1", b"chunke", b"chunkedd",
             b"chunked, identity", b"identity, chunked", b"identity", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"chunked,", b",chunked",
             b", chunked", b"chunked;q=1", b"chunked; a=b", b'"chunked"', b"'chunked'", b"chunked\x00", b"\x00chunked", b"\x0bchunked", b"chunked\x0b",
             b"\x0cchunked", b"chunked\x0c", b"\xa0chunked", b"chunked\xa0", b"\x85chunked", b"chunk\xc4\xb1ed", b"chu\xc5\x84ked", b"chunked\r", b"\rchunked",
             b"\r chunked", b"\n chunked", b"\r\n chunked", b"\r\n\tchunked", b"", b" ", b"c\x68unked", b"%63hunked", b"chunked#", b"deflate", b"trailers, chunked"]

LENGTHS = ["+{n}", "-{n}", "-1", "{n},{n}", "{n}, {n}", "{n},0", "0,{n}", "0{n}", "00000000000000000000{n}", "0x{x}", "{n}.0", "{n}e0", "{n} ", " {n}", "\t{n}",
           "{n}\t", "{n};", "{n};a", "{n}a", "a{n}", "{n} {n}", '"{n}"', "'{n}'", "", " ", "18446744073709551616", "18446744073709551615", "9223372036854775808",
           "9223372036854775807", "4294967296", "99999999999999999999999999", "{n}\x00", "\x00{n}", "{n}\x0b", "\x0b{n}", "{n}\x0c", "1_0", "{n}\xa0", "\xc2\xb2",
           "\r\n {n}", "\n {n}", "{n}\r", "\r{n}", "NaN", "Infinity", "{n}\x85", "0b11", "0o17", "{n}%30", "\u0661"]

# How a field name can be spelled so that some take it for `name`.
NAMES = [b"%s ", b"%s\t", b" %s", b"\t%s", b"%s\x00", b"\x00%s", b"%s\x0b", b"%s\x0c", b"%s\xa0", b"\xa0%s", b"\xef\xbb\xbf%s", b"%s\r", b"\r%s", b"\n%s", b"%s\n",
         b"%s\r\n", b"X: y\r%s", b"X: y\n%s", b"X:y\r\n\r%s", b"%s:", b":%s", b"%s%%20", b"(%s", b"%s)", b'"%s"', b"%s,", b"%s;", b"%s=", b"@%s", b"%s/", b"\x7f%s",
         b"\x1f%s", b"%s\x85"]

SIZES = [b"0x%x", b"0X%x", b"x%x", b"+%x", b"-%x", b" %x", b"\t%x", b"%x ", b"%x\t", b"%x ;a", b"%x; a", b"%x;a ", b"%x;\t", b"%x;", b"%x;;", b"%x;=", b"%x;a=", b"%x;a=b=c",
         b'%x;a="b', b'%x;a="b\r\n"', b"%x;a=\x00", b"%x;\n", b"%x;a\n", b"%x\n", b"%x\r", b"%x\r\r\n", b"%x\n\r\n", b"\r\n%x", b"\n%x", b"0%x", b"00000000000000000%x",
         b"000000000000000000000000000000000000000000%x", b"%x.0", b"%x,", b"%xg", b"g%x", b"%x\x00", b"\x00%x", b"%x\x0b", b"\x0b%x", b"%x_", b"_%x", b'"%x"', b"%x h", b"%x#",
         b"ffffffffffffffff", b"10000000000000000%x", b"100000000%x", b"7fffffffffffffff", b"8000000000000000", b"fffffffffffffff0", b"", b" ", b";a", b"%x\xa0", b"\xef\xbb\xbf%x",
         b"%x\x85", b"-0", b"+0", b"0x", b"1e1", b"%x\r\n\r\n"]

ENDS = [b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\n", b"\x00\r\n", b" \r\n", b"\x0b\r\n", b"\x85"]


class Maker:
    def __init__(self, host, path):
        self.host, self.path = host, path
        self.hidden = b"GET %s/smuggled HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, host)

    def head(self, *lines, method=b"POST", version=b"HTTP/1.1"):
        return b"\r\n".join([b"%s %s/first %s" % (method, self.path, version), b"Host: " + self.host, *lines, b"", b""])

    def chunk(self, data, size=b"%x", end=b"\r\n", last=b"0\r\n\r\n"):
        return (size % len(data) if b"%x" in size else size) + b"\r\n" + data + end + last


def lengths_and_encodings(m):
    end_and_hidden = b"0\r\n\r\n" + m.hidden
    for value in ENCODINGS:
        encoding = ENCODING + b": " + value
        length = LENGTH + b": %d" % len(end_and_hidden)
        short = LENGTH + b": %d" % len(b"%x\r\n" % len(m.hidden))
        for order in (1, -1):
            yield m.head(*[length, encoding][::order]) + end_and_hidden
            yield m.head(*[short, encoding][::order]) + m.chunk(m.hidden)
        yield m.head(encoding) + end_and_hidden
        yield m.head(encoding, ENCODING + b": chunked") + end_and_hidden
        yield m.head(ENCODING + b": chunked", encoding) + end_and_hidden


def lengths(m):
    for value in LENGTHS:
        text = value.replace("{n}", str(len(m.hidden))).replace("{x}", f"{len(m.hidden):x}").encode()
        yield m.head(LENGTH + b": " + text) + m.hidden
        yield m.head(LENGTH + b": 0", LENGTH + b": " + text) + m.hidden
        yield m.head(LENGTH + b": " + text, LENGTH + b": 0") + m.hidden


def names(m):
    for spelling in NAMES:
        for name, value in ((LENGTH, b"%d" % len(m.hidden)), (ENCODING, b"chunked")):
            body = m.hidden if name == LENGTH else b"0\r\n\r\n" + m.hidden
            yield m.head(spelling % name + b": " + value) + body
            yield m.head(spelling % name + b": " + value, LENGTH + b": 0") + body
    for name in (b"Content_Length", b"Transfer_Encoding", b"Content-Length\x2d", b"Content--Length", b"ContentLength", b"Transfer-Encodin", b"Transfer-Encoding-", b"X-Transfer-Encoding"):
        yield m.head(name + b": " + (b"chunked" if b"ransfer" in name else b"%d" % len(m.hidden))) + m.hidden


def chunks(m):
    chunked = ENCODING + b": chunked"
    for size in SIZES:
        yield m.head(chunked) + m.chunk(m.hidden, size=size)
        yield m.head(chunked) + b"1\r\nx\r\n" + m.chunk(m.hidden, size=size)
    for end in (*ENDS, b"", b"x\r\n", b"\r\nx", b"  \r\n"):
        yield m.head(chunked) + m.chunk(b"x" * 8, end=end)
        yield m.head(chunked) + m.chunk(b"x" * 8, last=b"0" + end + b"\r\n" + m.hidden)
        yield m.head(chunked) + m.chunk(b"x" * 8, last=b"0\r\n" + end + m.hidden)
    for trailer in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: other", b"Authorization: x", b"Trailer", b" folded: x", b"A : b", b"A:\x00", b"A: b\nC: d",
                    b"A: b\rC: d", b": x", b"X: y", b"\r", b"GET /x HTTP/1.1", b"Proxy-Authorization: x", b"Connection: close"):
        yield m.head(chunked) + b"0\r\n" + trailer + b"\r\n\r\n" + m.hidden


def line_ends(m):
    for end in ENDS:
        for where in range(4):  # after the request line, Host, a field, and for the empty line
            lines = [b"POST %s/first HTTP/1.1" % m.path, b"Host: " + m.host, LENGTH + b": %d" % len(m.hidden), b""]
            yield b"".join(line + (end if at == where else b"\r\n") for at, line in enumerate(lines)) + m.hidden
        yield m.head(b"A: b" + end + b"C: d") + m.hidden
        yield end + m.head(LENGTH + b": 0") + m.hidden
    for fold in (b"\r\n ", b"\r\n\t", b"\n ", b"\n\t", b"\r\n \r\n ", b"\r "):
        yield m.head(b"A: b" + fold + b"c") + m.hidden
        yield m.head(b"A:" + fold + ENCODING + b": chunked") + b"0\r\n\r\n" + m.hidden


def request_lines(m):
    target = m.path + b"/first"
    for line in (b"POST  %s HTTP/1.1", b"POST\t%s HTTP/1.1", b" POST %s HTTP/1.1", b"POST %s  HTTP/1.1", b"POST %s HTTP/1.1 ", b"POST %s\tHTTP/1.1", b"POST %s", b"POST %s HTTP/1.2",
                 b"POST %s HTTP/1.01", b"POST %s HTTP/01.1", b"POST %s HTTP/2", b"POST %s HTTP/2.0", b"POST %s HTTP/0.9", b"POST %s http/1.1", b"POST %s HTTP/1.1\x00",
                 b"POST %s HTTP/1,1", b"POST %s HTTP/ 1.1", b"POST %s HTTP /1.1", b"POST %s ICAP/1.0", b"POST %s HTTP/1.1 HTTP/1.1", b"POST %s x HTTP/1.1", b"post %s HTTP/1.1",
                 b"P\x00ST %s HTTP/1.1", b"P ST %s HTTP/1.1", b"\x16POST %s HTTP/1.1", b'"POST" %s HTTP/1.1', b"POST: %s HTTP/1.1", b"PO(ST %s HTTP/1.1", b"%s HTTP/1.1",
                 b"POST %s\x00 HTTP/1.1", b"POST %s\x7f HTTP/1.1", b"POST %s\xff HTTP/1.1", b"POST %s#a HTTP/1.1", b"POST %s\\..\\x HTTP/1.1", b"POST /%s HTTP/1.1",
                 b"POST /..%s HTTP/1.1", b"POST *%s HTTP/1.1", b"POST ?%s HTTP/1.1", b"POST :443%s HTTP/1.1", b"POST %s%%0d%%0aX:%%20y HTTP/1.1", b"POST %s%%00 HTTP/1.1",
                 b"POST http://" + m.host + b"%s HTTP/1.1", b"POST https://" + m.host + b"%s HTTP/1.1", b"POST https://other.test%s HTTP/1.1",
                 b"POST https://u:p@" + m.host + b"%s HTTP/1.1", b"POST ftp://" + m.host + b"%s HTTP/1.1", b"POST //other.test%s HTTP/1.1", b"CONNECT " + m.host + b"%s HTTP/1.1",
                 b"TRACE %s HTTP/1.1", b"TRACK %s HTTP/1.1", b"PRI %s HTTP/2.0", b"OPTIONS %s HTTP/1.1", b"M-SEARCH %s HTTP/1.1", b"POST %s HTTP/1.0", b"POST %s HTTP/1.9"):
        yield line % target + b"\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (m.host, len(m.hidden)) + m.hidden


def hosts(m):
    for lines in ([], [b"Host: "], [b"Host:" + m.host, b"Host: " + m.host], [b"Host: " + m.host, b"Host: other.test"], [b"Host: other.test", b"Host: " + m.host],
                  [b"Host : " + m.host], [b" Host: " + m.host], [b"Host: " + m.host + b" "], [b"Host:\t" + m.host], [b"Host: " + m.host + b"\x00"], [b"Host: " + m.host + b", other.test"],
                  [b"Host: other.test, " + m.host], [b"Host: u@" + m.host], [b"Host: " + m.host + b"/x"], [b"Host: " + m.host + b"?x"], [b"Host: " + m.host + b"#x"], [b"Host: https://" + m.host],
                  [b"Host: " + m.host + b":"], [b"Host: " + m.host + b"\\x"], [b"Host: " + m.host + b"\r\n x"], [b"H\xc3\xb6st: " + m.host], [b"Host: " + m.host, b"X-Host: other.test"],
                  [b"Host: " + m.host, b"X-Forwarded-Host: other.test"], [b"Host: " + m.host, b"Forwarded: host=other.test"], [b"HOST: " + m.host, b"host: other.test"],
                  [b"Host;: " + m.host], [b"Host: [" + m.host + b"]"], [b"Host: " + m.host + b"%00"], [b"Host: " + m.host.upper()], [b"Host: 127.0.0.1"]):
        yield b"\r\n".join([b"POST %s/first HTTP/1.1" % m.path, *lines, LENGTH + b": %d" % len(m.hidden), b"", b""]) + m.hidden


def further(m):
    chunked, length = ENCODING + b": chunked", LENGTH + b": %d" % len(m.hidden)
    for nominated in (b"Content-Length", b"content-length", b"Transfer-Encoding", b"Host", b"close, Content-Length", b"keep-alive, Transfer-Encoding", b"Authorization", b"Connection", b"X, Host", b"TE"):
        yield m.head(b"Connection: " + nominated, length) + m.hidden
        yield m.head(b"Connection: " + nominated, chunked) + m.chunk(m.hidden)
    for value in (b"100-continue", b"100-Continue", b" 100-continue", b"100-continue, x", b"x", b"", b"100-continue\x00", b"200-ok"):
        yield m.head(b"Expect: " + value, length) + m.hidden
        yield m.head(b"Expect: " + value, b"Expect: 100-continue", length) + m.hidden
    for value in (b"h2c", b"websocket", b"HTTP/2.0", b"TLS/1.0", b"foo, h2c"):
        yield m.head(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + value, b"HTTP2-Settings: AAMAAABkAAQAAP__", length) + m.hidden
        yield m.head(b"Upgrade: " + value, length) + m.hidden
        yield m.head(b"Connection: Upgrade", b"Upgrade: " + value, method=b"GET") + m.hidden
    for version in (b"HTTP/1.0", b"HTTP/1.1"):
        for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PUT", b"PATCH", b"BREW"):
            yield m.head(length, method=method, version=version) + m.hidden
            yield m.head(chunked, method=method, version=version) + m.chunk(m.hidden)
            yield m.head(b"Connection: keep-alive", method=method, version=version) + m.hidden
    for byte in [*range(0x20), 0x7f, 0x80, 0xff]:
        yield m.head(b"X: a" + bytes([byte]) + ENCODING + b": chunked", length) + m.hidden
        yield m.head(b"X" + bytes([byte]) + b"Y: a", length) + m.hidden
    for line in (b"X", b":", b": a", b"X Y: a", b"X\r\nY", b"X: y" * 20000, b"X: " + b"y" * 70000, b"TE: trailers, chunked", b"Trailer: Content-Length", b"Keep-Alive: timeout=1, max=0",
                 b"Proxy-Connection: keep-alive", b"Content-Encoding: chunked", b"Content-Range: bytes 0-1/2", b"Max-Forwards: 0", b"X-HTTP-Method-Override: GET"):
        yield m.head(line, length) + m.hidden
    yield m.head(*[b"X-%d: y" % n for n in range(200)], length) + m.hidden
    yield m.hidden  # honest requests in a row
    yield m.head(LENGTH + b": 0") + m.hidden
    yield m.head(length) + m.hidden
    yield m.head(chunked) + m.chunk(m.hidden)
    yield m.head(chunked) + b"0\r\n\r\n" + m.hidden


GROUPS = (lengths_and_encodings, lengths, names, chunks, line_ends, request_lines, hosts, further)


def cases(host, path_of):
    """(number, group, bytes without the probe). `path_of(number)` is the path below which the case's requests are."""
    number = 0
    for group in GROUPS:
        # A generator's n-th case needs its own path, so it is made anew for each.
        for at in range(sum(1 for _ in group(Maker(host, b"/x")))):
            made = group(Maker(host, path_of(number)))
            yield number, group.__name__, next(data for n, data in enumerate(made) if n == at)
            number += 1
