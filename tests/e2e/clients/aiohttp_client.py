import asyncio, os, sys, aiohttp
API, ID = os.environ["API"], os.environ["ID"]


async def main():
    async with aiohttp.ClientSession(trust_env=True) as session:  # without trust_env it reads no proxy variable
        async with session.get(f"{API}/whoami") as answer:
            assert (await answer.json())["sub"] == "key-holder"
        async with session.get(f"{API}/held", params={"id": ID}) as events:
            assert await events.content.readline() == b"data: first\n"
            async with session.get(f"{API}/release", params={"id": ID}) as answer:
                answer.raise_for_status()
            assert b"data: last" in await events.content.read()

asyncio.run(main())
sys.exit(7)
