"""Messages over a pipe: pickle protocol 5, with large arrays beside the pickle instead of in it.

Arrays in the pickle would be copied while the interpreter's lock is held, which the window feels.
"""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection
from typing import Any

_BESIDE_BYTES = 1 << 16
_COUNT_BYTES = 4


def send(connection: Connection, message: Any) -> None:
    """Write one message; OSError when the other side is gone."""
    beside: list[pickle.PickleBuffer] = []

    def keep_in_pickle(buffer: pickle.PickleBuffer) -> bool:
        if buffer.raw().nbytes < _BESIDE_BYTES:
            return True
        beside.append(buffer)
        return False

    data = pickle.dumps(message, protocol=5, buffer_callback=keep_in_pickle)
    connection.send_bytes(len(beside).to_bytes(_COUNT_BYTES, "little") + data)
    for buffer in beside:
        connection.send_bytes(buffer.raw())


def receive(connection: Connection) -> Any:
    """Wait for one message; EOFError or OSError when the other side is gone."""
    data = connection.recv_bytes()
    count = int.from_bytes(data[:_COUNT_BYTES], "little")
    buffers = [connection.recv_bytes() for _ in range(count)]
    return pickle.loads(memoryview(data)[_COUNT_BYTES:], buffers=buffers)
