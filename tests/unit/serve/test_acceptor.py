import asyncio
import socket

from setpoint.serve.acceptor import AT_ONCE, Acceptor


class Greeting(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"hello")
        transport.close()


def greeted(number, meddle=lambda listening, acceptor: None):
    """Connect a number of clients at once; return what each was told."""

    async def run():
        with socket.create_server(("127.0.0.1", 0), backlog=2 * number) as listening:
            clients = [socket.create_connection(listening.getsockname()) for _ in range(number)]
            acceptor = Acceptor(listening, Greeting)
            meddle(listening, acceptor)
            readers = [await asyncio.open_connection(sock=client) for client in clients]
            async with asyncio.timeout(5):
                said = [await reader.read() for reader, _ in readers]
            for _, writer in readers:
                writer.close()
            acceptor.close()
            return said

    return asyncio.run(run())


def test_all_that_wait_are_taken():
    assert greeted(3 * AT_ONCE) == [b"hello"] * 3 * AT_ONCE


def test_after_a_shortage_of_descriptors_it_goes_on(monkeypatch, caplog):
    monkeypatch.setattr("setpoint.serve.acceptor.PAUSE_S", 0.01)
    real, short = socket.socket.accept, [True]

    def accept(listening):
        if short:
            short.clear()
            raise OSError(24, "Too many open files")
        return real(listening)

    monkeypatch.setattr(socket.socket, "accept", accept)
    assert greeted(2) == [b"hello"] * 2
    assert "no connection can be taken" in caplog.text


def test_a_closed_one_takes_nothing():
    async def run():
        with socket.create_server(("127.0.0.1", 0)) as listening:
            acceptor = Acceptor(listening, Greeting)
            acceptor.close()
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                async with asyncio.timeout(0.1):
                    return await reader.read()
            except TimeoutError:
                return None
            finally:
                writer.close()

    assert asyncio.run(run()) is None
