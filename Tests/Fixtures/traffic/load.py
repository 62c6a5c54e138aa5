"""Requests at a steady rate from many connections: load.py PORT HOST SECONDS RATE. Prints what became of them as JSON.

Every status but 200, every reset and every short body counts as lost."""
import asyncio
import collections
import json
import sys
import time

PORT, HOST, SECONDS, RATE = int(sys.argv[1]), sys.argv[2].encode(), float(sys.argv[3]), float(sys.argv[4])
BODY = b"x" * 20_000
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
# "Hello" in a masked frame: the example of RFC 6455, 5.7.
FRAME = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
START = time.monotonic()
END = START + SECONDS
done, lost, names, times = collections.Counter(), [], collections.Counter(), []


async def request(reader, writer, path, body):
    method = b"POST" if body else b"GET"
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    writer.write(b"%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (method, path, HOST, length) + body)
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    text = await reader.readexactly(size)
    status = int(head.split()[1])
    if status != 200:
        raise RuntimeError(f"{status} {text[:60]!r}")
    names[text.split()[0].decode()] += 1
    return b"connection: close" in head.lower()


async def client(kind, path, body, keeps, pause):
    connection = None
    await asyncio.sleep(pause * (hash((kind, id(asyncio.current_task()))) % 100) / 100)
    while time.monotonic() < END:
        began = time.monotonic()
        try:
            connection = connection or await asyncio.open_connection("127.0.0.1", PORT)
            closes = await request(*connection, path, body)
            done[kind] += 1
            if path == b"/":
                times.append(time.monotonic() - began)
            if closes or not keeps:
                connection[1].close()
                connection = None
        except Exception as error:
            lost.append(f"{time.monotonic() - START:.2f} {kind}: {error!r}")
            connection = None
        await asyncio.sleep(max(0, began + pause - time.monotonic()))


async def websocket():
    """An end by the server is no loss; it is opened again."""
    while time.monotonic() < END:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            writer.write(b"GET /socket HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (HOST, UPGRADE))
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 101 " not in head:
                raise RuntimeError(repr(head[:60]))
            done["websocket"] += 1
            while time.monotonic() < END:
                writer.write(FRAME)
                answer = await reader.read(64)
                # The server says that it goes away, and closes.
                if not answer or answer[0] == 0x88:
                    break
                await asyncio.sleep(0.5)
            writer.close()
        except (ConnectionResetError, BrokenPipeError):
            continue
        except Exception as error:
            lost.append(f"{time.monotonic() - START:.2f} websocket: {error!r}")
            await asyncio.sleep(0.1)


async def main():
    many = 20
    kinds = [("kept GET", b"", True), ("kept POST", BODY, True), ("fresh GET", b"", False), ("fresh POST", BODY, False)]
    pause = many * len(kinds) / RATE
    clients = [client(kind, b"/", body, keeps, pause) for kind, body, keeps in kinds for _ in range(many)]
    clients += [client("slow GET", b"/slow", b"", True, 0) for _ in range(10)]
    await asyncio.gather(*clients, *(websocket() for _ in range(50)))


asyncio.run(main())
times.sort()
print(json.dumps({
    "done": sum(done.values()), "kinds": done, "lost": lost[:50], "losses": len(lost), "instances": len(names),
    "p50": times[len(times) // 2] * 1000, "p99": times[len(times) * 99 // 100] * 1000,
}))
