"""A person at a real server: a session of an account, over HTTP, without a browser."""

import http.client
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from django.test import Client

BACKEND = "opsadmin.backends.AccountBackend"
HIDDEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Answer:
    status: int
    headers: dict
    text: str

    @property
    def location(self):
        return self.headers.get("location")


@dataclass
class Visitor:
    """One session of an account at an address; reads English."""

    base: str
    user: object
    cookies: dict = field(default_factory=dict)

    def __post_init__(self):
        client = Client()
        client.force_login(self.user, backend=BACKEND)
        self.cookies |= {
            "sessionid": client.cookies["sessionid"].value,
            "csrftoken": uuid4().hex,
            "django_language": "en",
        }

    def ask(self, method, path, body=None, content_type=None, accept="text/html", timeout=90):
        """Send one request and return its Answer; cookies are kept."""
        host = urlsplit(self.base).netloc
        connection = http.client.HTTPConnection(host, timeout=timeout)
        headers = {
            "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
            "Accept": accept,
            "Referer": self.base + "/inbox/",
        }
        if content_type:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, path, body, headers)
            found = connection.getresponse()
            text = found.read().decode(errors="replace")
        finally:
            connection.close()
        for name, value in found.getheaders():
            if name.lower() == "set-cookie":
                for morsel in SimpleCookie(value).values():
                    self.cookies[morsel.key] = morsel.value
        return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, text)

    def get(self, path, **kwargs):
        return self.ask("GET", path, **kwargs)

    def post(self, path, data, *, token=None, **kwargs):
        """Send a form. ``token`` is that of a page which was shown; without it any of this session."""
        fields = {"csrfmiddlewaretoken": token or self.cookies["csrftoken"], **data}
        return self.ask(
            "POST",
            path,
            urlencode(fields, doseq=True),
            "application/x-www-form-urlencoded",
            **kwargs,
        )

    def upload(self, path, name, content, *, field="file", data=None, **kwargs):
        """Send a form with one file."""
        edge = uuid4().hex
        fields = {"csrfmiddlewaretoken": self.cookies["csrftoken"], **(data or {})}
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        parts += [head.encode(), b"Content-Type: application/octet-stream\r\n\r\n", content, b"\r\n"]
        body = b"".join([*parts, f"--{edge}--\r\n".encode()])
        return self.ask("POST", path, body, f"multipart/form-data; boundary={edge}", **kwargs)

    def token(self, path):
        """Open a page and return the token of its forms."""
        return HIDDEN.search(self.get(path).text)[1]

    def follow(self, answer):
        """Open the page that an answer leads to."""
        return self.get(answer.location) if answer.status in (302, 303) else answer
