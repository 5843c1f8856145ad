"""Waits for a database that does not answer.

Proves what is seen of a hanging query (docs/when-it-is-slow.md). The "database" accepts
connections and says nothing. By path:

    /hello    something small
    /basket   asks the database
"""

import socket

from contract import plain

DATABASE = socket.create_server(("127.0.0.1", 0))


def query():
    with socket.create_connection(DATABASE.getsockname()) as connection:
        connection.sendall(b"select * from basket")
        return connection.recv(1024)  # no timeout: the sin


def application(environ, start_response):
    if environ["PATH_INFO"] == "/basket":
        query()
    return plain(start_response, "hello")
