"""Reading pages in tests."""

from html.parser import HTMLParser

from django.urls import reverse

ROLES = (
    "product_strategy",
    "ecommerce_manager",
    "finance",
    "promotion",
    "customer_service",
    "hr",
    "general_manager",
    "administrator",
    "auditor",
)


class Reader(HTMLParser):
    """Tags of a page as (name, attributes), and the text of its scripts."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.scripts = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            self.scripts.append((self.tags[-1][1], data))


def read(response):
    reader = Reader()
    reader.feed(response.content.decode())
    return reader


def classes(reader):
    return {name for _tag, attrs in reader.tags for name in (attrs.get("class") or "").split()}


def navigation_links(reader):
    """Return the addresses in the sidebar, in order."""
    inside, found = False, []
    for tag, attrs in reader.tags:
        if tag == "nav":
            inside = "op-nav" in (attrs.get("class") or "")
        if inside and tag == "a":
            found.append(attrs["href"])
    return found


def home(name="index", *args):
    return reverse(f"admin:{name}", args=args)
