"""Sends HTTP requests over and over on several connections at once, and takes the time of each answer.

The requests are made (and signed) by the caller, once: what goes out again is the same bytes, so that a request costs this process two system
calls and no thought. One thread, epoll, a connection per slot; a server that closes its connections gets new ones, and their making counts.
"""

from __future__ import annotations

import itertools
import resource
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass
class Load:
    """What came of it."""

    seconds: float
    latencies: list[float]  # sorted
    cpu_seconds: float  # of this process: near `seconds`, it would be what is measured
    connects: int

    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def quantile(self, part: float) -> float:
        """Of the latencies, in seconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))]


class Slot:
    """A connection with one request under way."""

    def __init__(self, address: tuple[str, int], poll: select.epoll) -> None:
        self.address, self.poll = address, poll
        self.connects = 0
        self.got = b""
        self.started = 0.0
        self.connect()

    def connect(self) -> None:
        """A new connection."""
        self.socket = socket.create_connection(self.address, 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poll.register(self.socket.fileno(), select.EPOLLIN)
        self.connects += 1

    def reconnect(self) -> None:
        """Instead of one that the server closes."""
        self.poll.unregister(self.socket.fileno())
        self.socket.close()
        self.connect()

    def take(self) -> bytes | None:
        """The answer's body when it is there whole."""
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise SystemExit(f"bench: a connection ended within an answer: {self.got[:500]!r}")
        self.got += chunk
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.got[:end].lower()
        at = head.find(b"content-length:")
        if not head.startswith(b"http/1.1 200") or at < 0:
            raise SystemExit(f"bench: not the answer that is asked for: {self.got[:500]!r}")
        if len(self.got) < end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0]):
            return None
        body, self.got = self.got[end + 4 :], b""
        self.closes = b"connection: close" in head
        return body


def run_load(address: tuple[str, int], requests: Sequence[bytes], connections: int, seconds: float, least: int = 0) -> Load:
    """The requests in turn, from the first again behind the last, for so long and until at least so many are answered. Every answer has to be the first
    one's body."""
    return run_stream(address, itertools.cycle(requests), connections, seconds, least)


def run_stream(address: tuple[str, int], requests: Iterator[bytes], connections: int, seconds: float = 0, least: int = 0) -> Load:
    """The requests as they come; seconds and least both 0: until there are no more."""
    poll = select.epoll()
    slots = [Slot(address, poll) for _ in range(connections)]
    clock = time.perf_counter
    latencies: list[float] = []
    wanted: bytes | None = None
    before = resource.getrusage(resource.RUSAGE_SELF)
    begun = now = clock()
    end = begun + seconds
    by_fd = {slot.socket.fileno(): slot for slot in slots}
    waiting = 0
    for slot, request in zip(slots, requests):
        slot.started = clock()
        slot.socket.sendall(request)
        waiting += 1
    is_open = seconds == 0 and least == 0
    while waiting > 0 and (is_open or (now := clock()) < end or len(latencies) < least):
        for fd, _ in poll.poll(5):
            slot = by_fd[fd]
            body = slot.take()
            if body is None:
                continue
            now = clock()
            latencies.append(now - slot.started)
            slot.started = now
            if wanted is None:
                wanted = body
            elif body != wanted:
                raise SystemExit(f"bench: an answer differs from the first one: {body[:500]!r}")
            if slot.closes:
                del by_fd[fd]
                slot.reconnect()
                by_fd[slot.socket.fileno()] = slot
            if (request := next(requests, None)) is None:
                waiting -= 1
                continue
            slot.socket.sendall(request)
    after = resource.getrusage(resource.RUSAGE_SELF)
    for slot in slots:
        slot.socket.close()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Load(now - begun, sorted(latencies), used, sum(slot.connects for slot in slots))
