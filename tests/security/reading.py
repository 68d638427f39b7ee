"""What a person can read in an answer: pages, JSON, CSV, workbooks, PDF files, and packages of those."""

import io
import zipfile

from pypdf import PdfReader


def whole(response):
    return b"".join(response) if response.streaming else response.content


def texts(content):
    """Yield the texts in a body of any type, also of the files in an archive."""
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name
                yield from texts(archive.read(name))
    elif content[:4] == b"%PDF":
        yield from (part.extract_text() for part in PdfReader(io.BytesIO(content)).pages)
    else:
        yield content.decode("utf-8", "replace")


def readable(response):
    """Return everything in an answer, its headers too, as one text without thousands separators."""
    seen = "\n".join(texts(whole(response))).replace(",", "")
    return seen + "".join(f"{name}: {value}" for name, value in response.headers.items())


def found_in(text, tokens):
    return [token for token in tokens if token in text]
