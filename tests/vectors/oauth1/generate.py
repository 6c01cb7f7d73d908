#!/usr/bin/python3
"""Writes signatures.json: what RFC 5849 demands of requests, computed here from the RFC alone, compared with oauthlib
(python3-oauthlib) and, where somebody published the value, with that. Run it again after adding a row."""
import base64, hashlib, hmac, json, pathlib, subprocess, tempfile, urllib.parse
from oauthlib import common as oauthlib_common
from oauthlib.oauth1.rfc5849 import signature as oauthlib_signature

HERE = pathlib.Path(__file__).parent
FORM = "application/x-www-form-urlencoded"
PRINTER = dict(consumer_key="dpf43f3p2l4k3l03", consumer_secret="kd94hf93k423kf44")
TOKEN = dict(token="nnch734d00sl2jdk", token_secret="pfkkdhi9sl3r4s00")


def enc(text):
    return urllib.parse.quote(text, safe="~")


def pairs(form):
    out = []
    for piece in form.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            out.append(tuple(urllib.parse.unquote_to_bytes(p.replace("+", " ")) for p in (name, value)))
    return out


def base_string(row, protocol):
    url = urllib.parse.urlsplit(row["url"])
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname.lower()
    if url.port and url.port != {"http": 80, "https": 443}[url.scheme.lower()]:
        host += f":{url.port}"
    everything = pairs(url.query) + pairs(row.get("form", "")) + [(k.encode(), v.encode()) for k, v in protocol]
    encoded = sorted((enc(k), enc(v)) for k, v in everything)
    uri = f"{url.scheme.lower()}://{host}{url.path or '/'}"
    return "&".join([enc(row["method"].upper()), enc(uri), enc("&".join(f"{k}={v}" for k, v in encoded))])


def sign(row, text):
    key = enc(row.get("consumer_secret", "")) + "&" + enc(row.get("token_secret", ""))
    if row["signature_method"] == "PLAINTEXT":
        return key
    if row["signature_method"] == "RSA-SHA1":
        with tempfile.NamedTemporaryFile("w") as pem:
            pem.write(row["consumer_secret"])
            pem.flush()
            raw = subprocess.run(["openssl", "dgst", "-sha1", "-sign", pem.name], input=text.encode(), capture_output=True, check=True).stdout
        return base64.b64encode(raw).decode()
    digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}[row["signature_method"]]
    return base64.b64encode(hmac.new(key.encode(), text.encode(), digest).digest()).decode()


def by_oauthlib(row, protocol):
    url = urllib.parse.urlsplit(row["url"])
    try:
        collected = oauthlib_signature.collect_parameters(uri_query=url.query, body=row.get("form", ""), headers={})
        oauthlib_common.urldecode(row.get("form", "") or "a=b")
    except ValueError:  # a character that oauthlib refuses to read
        return None
    collected += protocol
    return oauthlib_signature.signature_base_string(row["method"], oauthlib_signature.base_string_uri(row["url"]),
                                                    oauthlib_signature.normalize_parameters(collected))


rows = []


def row(why, published=None, **members):
    members = {"method": "GET", "signature_method": "HMAC-SHA1", "nonce": "n", "timestamp": "1", "consumer_key": "ck", "consumer_secret": "cs", **members}
    protocol = [("oauth_consumer_key", members["consumer_key"])]
    if members.get("token"):
        protocol.append(("oauth_token", members["token"]))
    protocol += [("oauth_signature_method", members["signature_method"]), ("oauth_timestamp", members["timestamp"]), ("oauth_nonce", members["nonce"])]
    if members.pop("version", True):
        members["version"] = True
        protocol.append(("oauth_version", "1.0"))
    protocol += [(k, v) for k, v in members.get("more", {}).items()]
    members["base_string"] = base_string(members, protocol)
    members["signature"] = sign(members, members["base_string"])
    if "[" not in members["url"] and "%ff" not in members["url"] + members.get("form", ""):  # oauthlib: no IPv6, UTF-8 only
        other = by_oauthlib(members, protocol)
        assert other in (None, members["base_string"]), (why, other, members["base_string"])
    if published:
        assert members["signature"] == published, (why, members["signature"], published)
    rows.append({"why": why, **members})


# Published values.
row("RFC 5849 section 1.2, temporary credentials", "74KNZJeDHnMBp0EMJ9ZHt/XKycU=", method="POST", url="https://photos.example.net/initiate", version=False,
    nonce="wIjqoS", timestamp="137131200", more={"oauth_callback": "http://printer.example.com/ready"}, **PRINTER)
row("RFC 5849 section 1.2, token credentials", "gKgrFCywp7rO0OXSjdot/IHF7IU=", method="POST", url="https://photos.example.net/token", version=False,
    nonce="walatlh", timestamp="137131201", token="hh5s93j4hdidpola", token_secret="hdhd0244k9j7ao03", more={"oauth_verifier": "hfdp7dh39dks9884"}, **PRINTER)
row("RFC 5849 section 1.2, a photo", "MdpQcU8iPSUjWoN/UDMsK2sui9I=", url="http://photos.example.net/photos?file=vacation.jpg&size=original", version=False,
    nonce="chapoH", timestamp="137131202", **PRINTER, **TOKEN)
row("RFC 5849 section 3.4.1.1: both halves of a request, with the signature of its erratum", "r6/TJjbCOr97/+UU0NsvSne7s5g=", method="POST",
    url="http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", form="c2&a3=2+q", version=False, nonce="7d8f3e4a", timestamp="137131201",
    consumer_key="9djdj82h48djs9d2", consumer_secret="j49sk3j29djd", token="kkk9d7dh3k39sjv7", token_secret="dh893hdasih9")
row("OAuth Core 1.0 appendix A, with its version parameter", "tR3+Ty81lMeYAr/Fid0kMTYa/WM=", url="http://photos.example.net/photos?file=vacation.jpg&size=original",
    nonce="kllo9940pd9333jh", timestamp="1191242096", **PRINTER, **TOKEN)
row("a well-known example: form body, '+' and '!' in the text", "tnnArxj06cWHq44gCs1OSKk/jLY=", method="POST",
    url="https://api.twitter.com/1/statuses/update.json?include_entities=true", form="status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21",
    consumer_key="xvz1evFS4wEEPTGEFPHBog", consumer_secret="kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
    timestamp="1318622958", token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", token_secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE")
row("an endpoint with a query of its own", "2k7a0l0qr6wImGcSOTCJe77D9d4=", method="POST", url="http://127.0.0.1:4100/req?x=a%20b", consumer_key="CK", consumer_secret="CS",
    nonce="1a0dfd64af3be498cc864218371ad297", timestamp="1795219828", more={"oauth_callback": "http://localhost:3055/api/connections/callback"})

# Section 3.4.1.2: the URI.
for url in ("http://EXAMPLE.com:80/r%20v/X?id=123", "https://www.example.net:8080/?q=1", "https://EXAMPLE.com:443", "https://example.com/a/../b;c=1?d",
            "http://example.com:443/", "https://example.com:80/", "https://[2001:DB8::1]:8443/x", "https://example.com/%7euser/%C3%A9?x"):
    # Dot segments are gone before a request is made.
    row("base string URI of " + url, url=url.replace("/a/../b", "/b"))
# Section 3.4.1.3: parameters.
for query in ("a=1&a=0&a=2", "a&b=&=c&=", "&&a=1&&", "a=b=c", "z=%E6%97%A5%E6%9C%AC&a=%c3%a9", "x=1+2%2B3%202", "a=%25zz", "b=2&B=1&%62=3", "a[]=1&a%5B%5D=0",
              "a1=z&a=z&a%31=y", "q=-._~!*'()", "q=%00%ff%fe"):
    row("query " + query, url="https://api.example/x?" + query, token="t", token_secret="ts")
    row("form " + query, method="POST", url="https://api.example/x?a=query", form=query)
row("name and value sort after encoding: '%' before digits and letters", url="https://api.example/x?b=1&%C3%A9=2&a%20=3&a0=4&a~=5&a-=6", token="t")
row("the caller's own text is signed as a server reads it: '%' that begins no escape", url="https://api.example/x?a=100%25&b=%25zz")
# Sections 3.4.2 to 3.4.4.
for method in ("HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"):
    row(method + ": secrets are encoded", url="https://api.example/x", signature_method=method, consumer_secret="a&b=c d/é", token="t&", token_secret="~%+")
    row(method + ": without a token secret", url="https://api.example/x", signature_method=method)
row("RSA-SHA1", method="POST", url="https://api.example/x?y=1", form="z=2", signature_method="RSA-SHA1", token="t", token_secret="plays no part",
    consumer_secret=(HERE / "rsa-key.pem").read_text())
row("the method in capitals", method="pATCH", url="https://api.example/x")
row("a PUT with a query alone", method="PUT", url="https://api.example/x?y=%2F")

(HERE / "signatures.json").write_text(json.dumps(rows, indent=1, ensure_ascii=True) + "\n")
print(len(rows), "rows")
