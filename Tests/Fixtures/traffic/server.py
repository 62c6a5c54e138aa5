"""An HTTP server that keeps its connections, for tests of the router. SIGTERM lets requests under way finish."""
import asyncio
import os
import signal

NAME = os.environ.get("RELTUI_INSTANCE", "") + " " + str(os.getpid())
busy = set()


async def websocket(reader, writer):
    # The answer to the key that RFC 6455, 1.3 has as its example.
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()


async def answer(reader, writer, head):
    lines = head.split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines[1:] if b": " in line)
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    if lines[0].startswith(b"GET /slow"):
        await asyncio.sleep(3)
    text = f"{NAME} {len(body)}\n".encode()
    if lines[0].startswith(b"GET /headers"):
        text = head
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
    await writer.drain()


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"upgrade: websocket" in head.lower():
                return await websocket(reader, writer)
            task = asyncio.current_task()
            busy.add(task)
            try:
                await answer(reader, writer, head)
            finally:
                busy.discard(task)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), backlog=1024)
    await stop.wait()
    server.close()
    while busy:
        await asyncio.wait(busy)


asyncio.run(main())
