import os, sys, httpx
API, ID = os.environ["API"], os.environ["ID"]
with httpx.Client() as client:
    assert client.get(f"{API}/whoami").json()["sub"] == "key-holder"
    with client.stream("GET", f"{API}/held", params={"id": ID}) as events:
        lines = events.iter_lines()
        assert next(lines).strip() == "data: first"
        client.get(f"{API}/release", params={"id": ID}).raise_for_status()
        assert "data: last" in "".join(lines)
sys.exit(7)
