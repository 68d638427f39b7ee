"""Typed readers for environment variables: nonsense is refused at start, with the variable's name."""

import os
from pathlib import Path
from urllib.parse import unquote, urlparse

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}


def text(name, default=None):
    """Return the variable; without a default it must be set and not be blank."""
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set.")
    return value


def flag(name, default):
    """Return True or False for 1/0, true/false, yes/no, on/off."""
    word = os.environ.get(name, "").strip().lower()
    if not word:
        return default
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ImproperlyConfigured(f"{name}={word!r}: write 1 or 0.")


def number(name, default, *, low, high):
    """Return a whole number between low and high, both included."""
    word = os.environ.get(name, "").strip()
    if not word:
        return default
    if not word.isascii() or not word.isdigit() or not low <= int(word) <= high:
        raise ImproperlyConfigured(f"{name}={word!r}: write a whole number from {low} to {high}.")
    return int(word)


def words(name, default=()):
    """Return the comma-separated words."""
    found = [word.strip() for word in os.environ.get(name, "").split(",")]
    return [word for word in found if word] or list(default)


def folder(name, default):
    """Return an absolute path, whose folder is made if it is missing."""
    path = Path(os.environ.get(name, "").strip() or default).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: the folder {path} cannot be made ({error.strerror}).") from error
    return path


def file(name):
    """Return the path of a file that is there, or None where the variable is not set."""
    value = os.environ.get(name, "").strip()
    if not value:
        return None
    path = Path(value).resolve()
    if not path.is_file():
        raise ImproperlyConfigured(f"{name}: there is no file {path}.")
    return path


def database(name):
    """Return Django's settings of the PostgreSQL server named by a postgres:// address.

    A host that starts with a slash (percent-encoded) is the folder of a local socket.
    """
    value = text(name, "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Write {name}=postgres://user:password@host:5432/base, "
            "or use `make demo` and `make test`, which start a server of their own."
        )
    url = urlparse(value)
    if url.scheme not in {"postgres", "postgresql"} or not url.path.strip("/"):
        raise ImproperlyConfigured(f"{name}: write postgres://user:password@host:5432/base.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.hostname or ""),
        "PORT": url.port or "",
    }


def broker(name):
    """Return the address of a Redis-protocol server: redis://, rediss:// or redis+socket://."""
    value = text(name, "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Write {name}=redis://host:6379/0, "
            "or use `make demo` and `make test`, which start a server of their own."
        )
    if urlparse(value).scheme not in {"redis", "rediss", "redis+socket"}:
        raise ImproperlyConfigured(f"{name}: write redis://host:6379/0.")
    return value


def secret_key(name, path):
    """Return the secret key: the variable, or the one kept in a file that only its owner reads.

    The file is made at the first start, so that no installation shares a key with another.
    """
    value = os.environ.get(name, "").strip()
    if value:
        if len(value) < 50:
            raise ImproperlyConfigured(f"{name} is too short: 50 characters at least.")
        return value
    if not path.exists():
        from django.core.management.utils import get_random_secret_key

        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key() + get_random_secret_key())
    return path.read_text().strip()
