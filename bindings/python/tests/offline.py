"""Tests that need no server: errors, the interpreter lock, signals and forks."""
import os
import signal
import socket
import threading
import unittest
from collections.abc import Callable
from typing import Optional

import fourauth

PIN = ":".join(["AB"] * 32)


class Silent:
    """A port that accepts one connection in a thread of Python, calls `then`, and hangs up."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, args=(then,))

    def serve(self, then: Callable[[], None]) -> None:
        connection, _ = self.listener.accept()
        with connection:
            then()

    def __enter__(self) -> "Silent":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join()
        self.listener.close()


def client(address: str, timeout: float = 60) -> fourauth.Client:
    return fourauth.Client(address, pin=PIN, timeout=timeout, connect_timeout=timeout)


class Errors(unittest.TestCase):
    def test_a_server_that_is_away_is_a_network_error(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
        with self.assertRaises(fourauth.NetworkError) as raised:
            client(address).hello()
        self.assertIsInstance(raised.exception, fourauth.Error)
        self.assertFalse(raised.exception.may_have_been_decided)
        self.assertIn(f"{address}: cannot reach the server", str(raised.exception))
        self.assertEqual(raised.exception.kind, "no_connection")

    def test_attempts_end_at_the_limit(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
        server = fourauth.Client(address, pin=PIN, retries=2, retry_delay=0.01)
        with self.assertRaises(fourauth.NetworkError) as raised:
            server.hello()
        self.assertEqual(raised.exception.kind, "limit_retries")
        self.assertIn("3 attempts failed", str(raised.exception))

    def test_a_peer_that_stays_silent_is_a_network_error_in_time(self) -> None:
        done = threading.Event()

        def wait() -> None:
            done.wait(60)

        with Silent(wait) as silent:
            with self.assertRaises(fourauth.NetworkError):
                client(silent.address, timeout=0.2).hello()
            done.set()

    def test_arguments_that_cannot_work_are_refused(self) -> None:
        for wrong in (
            lambda: fourauth.Client("localhost"),
            lambda: fourauth.Client("localhost", pin=PIN, ca_file="ca.pem"),
            lambda: fourauth.Client("localhost", pin="AB"),
            lambda: fourauth.Client([], pin=PIN),
            lambda: fourauth.Client("a b", pin=PIN),
            lambda: fourauth.Client("localhost", pin=PIN, timeout=-1),
            lambda: client("localhost").login("", "p"),
            lambda: client("localhost").login("alice", "p", mac="00:1b"),
            lambda: fourauth.ReceiptVerifier("ed25519:nothing"),
        ):
            with self.assertRaises(ValueError):
                wrong()
        for missing in (
            lambda: fourauth.Client("localhost", ca_file="/nonexistent/ca.pem"),
            lambda: client("localhost").login("alice", "p", faces=["/nonexistent/me.jpg"]),
        ):
            with self.assertRaises(FileNotFoundError):
                missing()

    def test_one_picture_is_not_taken_for_a_list(self) -> None:
        for one in ("me.jpg", b"a picture"):
            with self.assertRaises(TypeError):
                client("localhost").login("alice", "p", faces=one)  # type: ignore[arg-type]

    def test_a_closed_client_cannot_be_used(self) -> None:
        with client("localhost") as closed:
            self.assertEqual(repr(closed), "<fourauth.Client localhost:65432>")
        with self.assertRaises(RuntimeError):
            closed.hello()
        closed.close()


class Waiting(unittest.TestCase):
    def test_other_threads_run_while_a_command_waits(self) -> None:
        # The thread of the peer needs the interpreter lock to accept and to hang up.
        accepted = threading.Event()
        with Silent(accepted.set) as silent:
            with self.assertRaises(fourauth.Error) as raised:
                client(silent.address).hello()
        self.assertTrue(accepted.is_set())
        self.assertNotIn("in time", str(raised.exception))

    def test_threads_share_a_client(self) -> None:
        # No connection is closed before all threads wait in a command of one client.
        together = threading.Barrier(4)
        errors: list[Optional[str]] = []
        listener = socket.create_server(("127.0.0.1", 0))
        shared = client(f"127.0.0.1:{listener.getsockname()[1]}")

        def serve(connection: socket.socket) -> None:
            with connection:
                together.wait(60)

        def ask() -> None:
            try:
                shared.hello()
            except fourauth.Error as error:
                errors.append(str(error))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        servers = []
        for _ in threads:
            servers.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
            servers[-1].start()
        for thread in threads + servers:
            thread.join()
        listener.close()
        self.assertEqual(len(errors), 4)
        self.assertFalse(together.broken)

    def test_an_interrupt_ends_a_wait(self) -> None:
        done = threading.Event()

        def interrupt() -> None:
            os.kill(os.getpid(), signal.SIGINT)
            done.wait(60)

        with Silent(interrupt) as silent:
            try:
                with self.assertRaises(KeyboardInterrupt):
                    client(silent.address).hello()
            finally:
                done.set()

    def test_a_child_process_cannot_use_the_client_of_its_parent(self) -> None:
        parents = client("127.0.0.1:1")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                parents.hello()
            except RuntimeError:
                del parents
                status = 0
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        with self.assertRaises(fourauth.NetworkError):
            parents.hello()


if __name__ == "__main__":
    unittest.main()
