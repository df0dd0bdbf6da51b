"""No test reaches the network."""

from __future__ import annotations

import socket

import pytest


def test_the_network_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no test may reach the network"):
        socket.create_connection(("192.0.2.1", 443), timeout=0.1)
    with pytest.raises(RuntimeError, match="no test may reach the network"):
        socket.getaddrinfo("telegram.example", 443)


def test_this_machine_is_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=1) as client,
    ):
        assert client.getpeername() == server.getsockname()
