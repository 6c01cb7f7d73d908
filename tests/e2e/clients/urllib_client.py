import json, os, sys, urllib.request
API, ID = os.environ["API"], os.environ["ID"]
assert json.load(urllib.request.urlopen(f"{API}/whoami"))["sub"] == "key-holder"
with urllib.request.urlopen(f"{API}/held?id={ID}") as events:
    assert events.readline() == b"data: first\n"
    urllib.request.urlopen(f"{API}/release?id={ID}").read()
    assert b"data: last" in events.read()
sys.exit(7)
