import os, sys, requests
API, ID = os.environ["API"], os.environ["ID"]
assert requests.get(f"{API}/whoami").json()["sub"] == "key-holder"
with requests.get(f"{API}/held", params={"id": ID}, stream=True) as events:
    lines = events.iter_lines(chunk_size=1)
    assert next(lines) == b"data: first"
    requests.get(f"{API}/release", params={"id": ID}).raise_for_status()
    assert b"data: last" in list(lines)
sys.exit(7)
