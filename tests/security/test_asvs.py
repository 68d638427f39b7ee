"""The table of the verification standard names only what is there."""

import re

from tests.servers import ROOT

TABLE = ROOT / "docs" / "asvs.md"


def test_every_file_test_and_symbol_in_the_table_exists():
    text = TABLE.read_text()
    missing = []
    for path, symbol in re.findall(r"`([\w./-]+\.(?:py|md|tsv|html|txt))(?:: ([\w.]+))?`", text):
        file = ROOT / path
        if not file.is_file():
            missing.append(path)
        elif symbol and not all(re.search(rf"\b{part}\b", file.read_text()) for part in symbol.split(".")):
            missing.append(f"{path}: {symbol}")
    everything = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    missing += [name for name in re.findall(r"`(test_\w+)`", text) if f"def {name}(" not in everything]
    assert missing == []


def test_every_number_of_the_table_is_one_of_the_standards_chapters():
    numbers = re.findall(r"^\| (\d+)\.(\d+)\.", TABLE.read_text(), re.M)
    assert numbers and {int(chapter) for chapter, _section in numbers} <= set(range(1, 18))
