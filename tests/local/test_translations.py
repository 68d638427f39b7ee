import gettext

import polib
import pytest

from opsadmin.local import translations


def catalogue(root, **entry):
    """Write an app with one message and its translation; return the path of the .po file."""
    place = root / "shop/locale/zh_Hans/LC_MESSAGES"
    place.mkdir(parents=True)
    (root / "shop/__init__.py").touch()
    file = polib.POFile()
    file.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Plural-Forms": "nplurals=1; plural=0;"}
    file.append(polib.POEntry(**entry))
    file.save(str(place / "django.po"))
    return place / "django.po"


def test_every_text_of_ours_has_a_sound_chinese_translation():
    assert list(translations.faults()) == []


def test_compiled_catalogues_are_what_gettext_reads(tmp_path):
    path = catalogue(tmp_path, msgid="price list", msgstr="价格表")
    translations.compile_all(tmp_path)
    with path.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("price list") == "价格表"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"msgid": "store", "msgstr": ""}, "not translated"),
        ({"msgid": "store", "msgstr": "店铺", "flags": ["fuzzy"]}, "marked fuzzy"),
        ({"msgid": "%(n)s stores", "msgstr": "%(m)s 家店铺"}, "other placeholders"),
        ({"msgid": "%(n)s stores", "msgstr": "店铺"}, "other placeholders"),
        ({"msgid": "%(n)s stores", "msgstr": "%(n)家店铺"}, "other placeholders"),
        ({"msgid": "%s of %s", "msgstr": "%s"}, "other placeholders"),
        ({"msgid": "store\n", "msgstr": "店铺"}, "line break"),
    ],
)
def test_a_translation_with_a_fault_is_named(tmp_path, entry, fault):
    catalogue(tmp_path, **entry)
    (line,) = translations.faults(tmp_path)
    assert fault in line
    assert line.startswith("shop/locale/zh_Hans/LC_MESSAGES/django.po:")


@pytest.mark.parametrize(
    "entry",
    [
        {"msgid": "%(n)s lines, all seen", "msgstr": "共 %(n)s 行,已看 %(n)s 行"},
        {"msgid": "%(n)s stores at 5 %%", "msgstr": "5%% 时 %(n)s 家店铺"},
        {"msgid": "one store", "msgid_plural": "%(n)d stores", "msgstr_plural": {0: "%(n)d 家店铺"}},
    ],
)
def test_a_translation_may_change_order_and_plural_forms(tmp_path, entry):
    catalogue(tmp_path, **entry)
    assert list(translations.faults(tmp_path)) == []
