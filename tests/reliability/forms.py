"""Reading the form of a page as a browser would send it."""

from html.parser import HTMLParser


class FormReader(HTMLParser):
    """The fields of the first form that holds the wanted field, as {name: value or [values]}."""

    def __init__(self, wanted):
        super().__init__()
        self.wanted, self.fields, self.found = wanted, None, None
        self.select = self.area = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name, value = attrs.get("name"), attrs.get("value") or ""
        if tag == "form":
            self.fields = {}
        if self.fields is None or "disabled" in attrs:
            return
        if tag == "input" and name and attrs.get("type") not in {"submit", "file", "button"}:
            if attrs.get("type") not in {"checkbox", "radio"} or "checked" in attrs:
                self.fields.setdefault(name, []).append(value or ("on" if "checked" in attrs else ""))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in attrs:
            self.fields.setdefault(self.select, []).append(value)
        elif tag == "textarea" and name:
            self.area = name
            self.fields[name] = [""]

    def handle_endtag(self, tag):
        if tag == "form" and self.fields is not None:
            if self.found is None and self.wanted in self.fields:
                self.found = self.fields
            self.fields = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None

    def handle_data(self, data):
        if self.area and self.fields is not None:
            # A browser leaves out the line break that follows the tag.
            self.fields[self.area][0] += data.removeprefix("\r\n").removeprefix("\n")


def form_of(response, wanted):
    """Return what the form with this field would send, {name: [values]}."""
    reader = FormReader(wanted)
    reader.feed(response.content.decode())
    assert reader.found is not None, f"no form with {wanted}"
    return reader.found
