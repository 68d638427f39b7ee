"""Texts of the libraries whose pages people see: a new release must not bring English into the Chinese screens."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
from django.utils.translation import gettext, ngettext, override, pgettext
from django.utils.translation.template import templatize

LIBRARIES = ("unfold", "import_export", "simple_history", "axes", "django_celery_beat", "guardian")
PLAIN = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
CALL = re.compile(
    r"""\b(n?p?gettext|_)\((u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*")(?:, ?(u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*"))?"""
)
# Pages that this product has no address for.
ELSEWHERE = {"constance", "location_field"}


def texts_of_code(path):
    """Yield (function, arguments) of the translated texts in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        if name in PLAIN | PLURAL | CONTEXT and words and all(isinstance(word, str) for word in words):
            yield name, words


def texts_of_template(path):
    """Yield (function, arguments) of the translated texts in a template."""
    for name, first, second in CALL.findall(templatize(path.read_text(encoding="utf-8"))):
        yield name, [ast.literal_eval(word) for word in (first, second) if word]


def texts(library):
    root = Path(import_module(library).__file__).parent
    for path in sorted(root.rglob("*")):
        parts = set(path.relative_to(root).parts)
        if parts & ELSEWHERE or "migrations" in parts or "tests" in parts:
            continue
        if path.suffix == ".py":
            yield from texts_of_code(path)
        elif path.suffix in {".html", ".txt"}:
            yield from texts_of_template(path)


def translation(name, words):
    if name in PLURAL:
        return ngettext(words[0], words[1], 2)
    if name in CONTEXT:
        return pgettext(*words[:2])
    return gettext(words[0])


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_text_of_the_library_has_a_chinese_one(library):
    with override("zh-hans"):
        english = {
            words[-1]
            for name, words in texts(library)
            if re.search("[A-Za-z]{2}", re.sub(r"%\(\w+\)s", "", words[-1]))
            and translation(name, words) in words
            and words[-1] != "HTTP Accept"
        }
    assert english == set()


def test_the_search_for_gaps_finds_texts_in_code_and_in_templates():
    found = {words[0] for _name, words in texts("unfold")}
    assert {"Select record", "Type to search", "Apply Filters"} <= found
    assert any("Export" in words[0] for name, words in texts("import_export") if name == "ngettext")
