#!/usr/bin/python3
"""Writes what authsome writes, with the libraries that it uses: cryptography seals (AES-256-GCM), diskcache stores
(python3-diskcache), keyring keeps the key in the desktop's keyring (python3-keyring). JSON on stdin:

    key       base64 of 32 bytes
    texts     seals them                                          answer: the sealed texts
    store     a directory for diskcache; with `entries` {collection: {name: text}} or `plain` {collection: {name: value}}
    as_text   the value of an entry is JSON in a string, as some versions of the key-value library have it
    keyring   stores the key there
"""
import base64, json, secrets, sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

asked = json.load(sys.stdin)
key = base64.b64decode(asked["key"])


def seal(text):
    nonce = secrets.token_bytes(12)
    return base64.b64encode(nonce).decode() + "." + base64.b64encode(AESGCM(key).encrypt(nonce, text.encode(), None)).decode()


if asked.get("keyring"):
    import keyring
    keyring.set_password("authsome", "master_key", asked["key"])
if "store" in asked:
    import diskcache
    cache = diskcache.Cache(directory=asked["store"], size_limit=1 << 30)

    def put(collection, name, value):
        value = json.dumps(value) if asked.get("as_text") else value
        cache.set(f"{collection}::{name}", json.dumps({"created_at": "2026-05-20T09:00:00+00:00", "value": value}), expire=None)

    for collection, entries in asked.get("entries", {}).items():
        for name, text in entries.items():
            put(collection, name, {"data": seal(text)})
        put(collection, "__index__", {"data": json.dumps(sorted(entries))})
    for collection, entries in asked.get("plain", {}).items():
        for name, value in entries.items():
            put(collection, name, value)
    cache.close()
print(json.dumps([seal(text) for text in asked.get("texts", [])]))
