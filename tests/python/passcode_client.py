"""A client of the passcode systems, as they document it: plain TCP, no end of a message, pickled answers.

Each argument after the port is a message. The program prints what the server answers to each of them.
"""

import pickle
import socket
import sys

port, *messages = sys.argv[1:]
for message in messages:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as connection:
        connection.sendall(message.encode())
        print(pickle.loads(connection.recv(1024)))
