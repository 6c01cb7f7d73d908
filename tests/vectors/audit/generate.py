#!/usr/bin/env python3
"""Writes segment.json beside it, from docs/formats/audit.md alone: a second implementation, so that the first cannot agree
only with itself. Run again only when a format version is added."""
import hashlib, json, pathlib, struct


def u8(n): return struct.pack(">B", n)
def u32(n): return struct.pack(">I", n)
def text(b): return u32(len(b)) + b
def keyed_hash(key, data, size): return hashlib.blake2b(data, key=key, digest_size=size).digest()


AUDIT_KEY = bytes(range(32))
SESSION, NUMBER = "0123456789abcdef", 7
key = keyed_hash(AUDIT_KEY, text(b"claviger/segment") + u8(1) + text(SESSION.encode()) + u32(NUMBER), 32)

members = ("ms", "kind", "provider", "connection", "method", "host", "path", "status", "reason", "sent", "received", "count")
entries = [
    dict(at=1800000000005, ms=31, kind="request", provider="acme", connection="default", method="GET", host="api.acme.com", path="/items/1", status=200, received=1024),
    dict(at=1800000000001, kind="request", method="CONNECT", host="evil.example:8443", status=403, reason="not_allowed", received=180),
    dict(at=1800000000009, ms=60000, kind="tunnel", method="CONNECT", host="[2001:db8::1]", status=200, sent=2**40, received=7),
    dict(at=1800000001000, kind="request", status=407, reason="proxy_authentication_required", count=12),
    dict(at=1800000001001, kind="request", method="GET", host="a.example", path="/\"\\\u00e9", reason="abandoned"),
    dict(at=1800000002000, kind="lost", count=3),
]
bodies = ['{"format":"claviger-audit","version":1,"session":"%s","segment":%d,"at":1800000000000' % (SESSION, NUMBER)]
for n, entry in enumerate(entries, 1):
    body = '{"n":%d,"at":%d' % (n, entry["at"])
    for member in members:
        if member in entry:
            value = entry[member]
            body += ',"%s":' % member + (str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False))
    bodies.append(body)

lines, before = [], bytes(16)
for body in bodies:
    before = keyed_hash(key, text(b"claviger/request") + u8(1) + text(before) + text(body.encode()), 16)
    lines.append(body + ',"mac":"' + before.hex() + '"}')

content = dict(audit_key=AUDIT_KEY.hex(), session=SESSION, segment=NUMBER, segment_key=key.hex(), entries=entries, lines=lines, last_mac=before.hex())
(pathlib.Path(__file__).parent / "segment.json").write_text(json.dumps(content, indent=1) + "\n")
