"""A database that goes away and comes back, for those who reach it through us."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

from opsadmin.local import servers

PIECE = 1 << 16


class Proxy:
    """A door in front of a server: closed, it cuts every connection in the middle and takes no new one."""

    def __init__(self, url):
        self.target = urlsplit(url)
        self.port, self.listener, self.pairs = servers.free_port(), None, []
        account, _at, _host = self.target.netloc.rpartition("@")
        self.url = urlunsplit(self.target._replace(netloc=f"{account}@{servers.HOST}:{self.port}"))

    def open(self):
        self.listener = socket.create_server((servers.HOST, self.port))
        threading.Thread(target=self.let_in, args=[self.listener], daemon=True).start()

    def let_in(self, listener):
        with suppress(OSError):
            while True:
                near, _address = listener.accept()
                try:
                    far = socket.create_connection((self.target.hostname, self.target.port or 5432), 10)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                self.pairs.append((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=passed_on, args=pair, daemon=True).start()

    def close(self):
        """Cut everything at once, as a server does that is stopped with ``immediate``."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for pair in self.pairs:
            for end in pair:
                shut(end)
        self.pairs = []


def passed_on(source, target):
    with suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    shut(source)
    shut(target)


def shut(end):
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
