#!/usr/bin/env python3
"""Writes the vectors beside it, from docs/formats/vault.md and key-file.md alone: a second implementation, so that the
first cannot agree only with itself. Needs python3-cryptography. Run again only when a format version is added.
"""
import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def u8(n): return struct.pack(">B", n)
def u32(n): return struct.pack(">I", n)
def u64(n): return struct.pack(">Q", n)
def i64(n): return struct.pack(">q", n)
def text(b): return u32(len(b)) + b


def hchacha20(key, nonce):
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        def turn(x, n): return ((x << n) | (x >> (32 - n))) & 0xffffffff
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xffffffff
            state[z] = turn(state[z] ^ state[x], n)

    for _ in range(10):
        for q in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(*q)
    return struct.pack("<8I", *(state[0:4] + state[12:16]))


def seal(key, nonce, plain, associated):
    subkey = hchacha20(key, nonce[:16])
    return b"\x01" + nonce + ChaCha20Poly1305(subkey).encrypt(b"\0\0\0\0" + nonce[16:], plain, associated)


def keyed_hash(key, data, size=32):
    return hashlib.blake2b(data, key=key, digest_size=size).digest()


# draft-irtf-cfrg-xchacha-03, 2.2.1
assert hchacha20(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927")).hex() == \
    "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"

KEY = bytes(range(32))
NONCE = bytes(range(100, 124))
VAULT = bytes(range(200, 216))
NAME_KEY = bytes(range(32, 64))
AUDIT_KEY = bytes(range(64, 96))


def record_associated(v):
    return (text(b"claviger/record") + u8(1) + text(VAULT) + u32(v["key_id"]) + text(v["tenant"].encode()) + text(v["kind"].encode())
            + text(v["id"].encode()) + u64(v["version"]) + i64(v["created_at"]) + i64(v["updated_at"]))


def records():
    places = [dict(key_id=1, tenant="local", kind="connection", id="acme/default", version=1, created_at=1800000000000, updated_at=1800000000000),
              dict(key_id=4294967295, tenant="t", kind="client", id="\u00fc/\U0001f511", version=2**62, created_at=0, updated_at=253402300799999),
              dict(key_id=2, tenant="local", kind="setting", id="x" * 512, version=7, created_at=-1, updated_at=1)]
    plains = [b'{"access_token":"t"}', b"", bytes(range(256))]
    return [dict(place, plain=plain.hex(), associated=record_associated(place).hex(),
                 sealed=seal(KEY, NONCE, plain, record_associated(place)).hex()) for place, plain in zip(places, plains)]


def page_bytes(entries):
    ordered = sorted(entries, key=lambda e: bytes.fromhex(e["name"]))
    return u8(1) + u32(len(ordered)) + b"".join(
        bytes.fromhex(e["name"]) + u64(e["version"] | (1 << 63 if e["erased"] else 0)) + bytes.fromhex(e["mark"]) for e in ordered)


def root_bytes(v):
    marks = [bytes(8)] * 256
    for number, mark in v["page_marks"].items():
        marks[int(number)] = bytes.fromhex(mark)
    return (u8(1) + u64(v["generation"]) + u32(v["active_key"]) + u64(v["records"]) + u64(v["audit_entries"]) + bytes.fromhex(v["audit_head"])
            + NAME_KEY + AUDIT_KEY + b"".join(marks))


def ledger():
    name = keyed_hash(NAME_KEY, text(b"local") + text(b"connection") + text(b"acme/default"), 16)
    entries = [dict(name=name.hex(), version=3, erased=False, mark="0102030405060708"),
               dict(name="00" * 16, version=9, erased=True, mark="00" * 8)]
    page = page_bytes(entries)
    page_associated = text(b"claviger/page") + u8(1) + text(VAULT) + u32(1) + u32(name[0])
    sealed_page = seal(KEY, NONCE, page, page_associated)
    root = dict(generation=5, active_key=1, records=1, audit_entries=2, audit_head="ab" * 32, page_marks={str(name[0]): sealed_page[-8:].hex()})
    root_associated = text(b"claviger/root") + u8(1) + text(VAULT) + u32(1)
    return dict(name=dict(tenant="local", kind="connection", id="acme/default", hash=name.hex(), page=name[0]),
                page=dict(entries=entries, plain=page.hex(), associated=page_associated.hex(), sealed=sealed_page.hex(), mark=sealed_page[-8:].hex()),
                root=dict(root, plain=root_bytes(root).hex(), associated=root_associated.hex(),
                          sealed=seal(KEY, NONCE, root_bytes(root), root_associated).hex()))


def audit():
    lines, head = [], bytes(32)
    for sequence, (event, subject, detail) in enumerate([("connection.created", "acme/default", "{}"), ("secret.shown", "acme/default", '{"by":"cli"}')], 1):
        line = u64(sequence) + text(b"local") + i64(1800000000000 + sequence) + text(event.encode()) + text(subject.encode()) + text(detail.encode())
        head = keyed_hash(AUDIT_KEY, text(b"claviger/audit") + u8(1) + text(head) + text(line))
        lines.append(dict(sequence=sequence, tenant="local", at=1800000000000 + sequence, event=event, subject=subject, detail=detail,
                          line=line.hex(), chain=head.hex()))
    return lines


def keys():
    created = 1800000000000
    wrap_associated = text(b"claviger/data-key") + u8(1) + text(VAULT) + u32(1) + i64(created)
    data_key = bytes(range(7, 39))
    parameters = "argon2id,m=65536,t=3,p=1,salt=" + base64.urlsafe_b64encode(bytes(16)).decode().rstrip("=")
    checks = [dict(source=s, parameters=p, check=keyed_hash(KEY, text(b"claviger/key-check") + u8(1) + text(VAULT) + i64(created)
                                                           + text(s.encode()) + text(p.encode())).hex())
              for s, p in (("file", "vault.key"), ("passphrase", parameters), ("secret-service", "00112233445566ff"), ("descriptor", ""))]
    return dict(created_at=created, key_file="claviger-key:1:" + base64.urlsafe_b64encode(KEY).decode().rstrip("=") + "\n", checks=checks,
                data_key=dict(id=1, plain=data_key.hex(), associated=wrap_associated.hex(), wrapped=seal(KEY, NONCE, data_key, wrap_associated).hex()))


here = os.path.dirname(os.path.abspath(__file__))
shared = dict(key=KEY.hex(), nonce=NONCE.hex(), vault_id=VAULT.hex(), name_key=NAME_KEY.hex(), audit_key=AUDIT_KEY.hex())
for name, content in (("records", dict(shared, records=records())), ("ledger", dict(shared, **ledger())), ("audit", dict(shared, lines=audit())),
                      ("keys", dict(shared, **keys()))):
    with open(os.path.join(here, name + ".json"), "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
