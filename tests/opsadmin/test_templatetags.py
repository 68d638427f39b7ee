from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils import timezone

from opsadmin.core.counting import UpTo


def shown(source, **context):
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("source", "value", "words"),
    [
        ("{{ v|money }}", Decimal("1299"), "1,299.00"),
        ("{{ v|money }}", None, "—"),
        ("{{ v|plain }}", Decimal("1299"), "1299.00"),
        ("{{ v|yuan }}", Decimal("48810.40"), "¥48,810"),
        ("{{ v|grouped }}", 5000, "5,000"),
        ("{{ v|percent }}", Decimal("0.382"), "38.2%"),
        ("{{ v|percent }}", Decimal("-0.05"), "−5.0%"),
        ("{{ v|digest }}", "9e41" + "0" * 56 + "c07a", "9e41…c07a"),
        ("{{ v|digest }}", "", "—"),
        ("{{ v|bytes }}", 1_782_579, "1.7 MB"),
        ("{{ v|bytes }}", 12, "12 B"),
        ("{{ v }}", UpTo(100), "99+"),
        ("{{ v }}", UpTo(99), "99"),
    ],
)
def test_figures_are_written_alike_everywhere(source, value, words):
    assert shown(source, v=value) == words


def test_no_money_at_risk_is_a_word():
    assert "无" in shown("{{ v|yuan }}", v=Decimal(0))


@pytest.mark.parametrize(
    ("new", "old", "words"),
    [("7.54", "7", "7.7%"), ("7", "7", "不变"), ("7", None, "新"), ("3.5", "7", "50.0%")],
)
def test_a_change_is_arrow_and_percent_without_colour(new, old, words):
    text = shown("{% change new old %}", new=Decimal(new), old=old and Decimal(old))
    assert words in text
    assert "is-" not in text


def test_a_document_shows_its_two_gravest_severities():
    document = SimpleNamespace(block_count=0, sign_count=6, warn_count=31, info_count=9)
    text = shown("{% hits d %}", d=document)
    assert "升签 6" in text
    assert "警告 31" in text
    assert "提示" not in text
    assert "警告" not in shown("{% hits d worst=True %}", d=document)


def test_a_document_without_hits_says_so():
    document = SimpleNamespace(block_count=0, sign_count=0, warn_count=0, info_count=0)
    assert "无命中" in shown("{% hits d %}", d=document)


def test_what_people_wrote_is_escaped_in_every_tag():
    bad = "<b>x</b>"
    document = SimpleNamespace(state="draft", get_state_display=lambda: bad)
    source = (
        '{% chip "ok" bad %}{% person bad bad %}{% state document %}'
        '{% banner "warn" %}<p>{{ bad }}</p>{% endbanner %}{% empty "ok" bad %}{{ bad }}{% endempty %}'
    )
    text = shown(source, bad=bad, document=document)
    assert "<b>" not in text
    assert text.count("&lt;b&gt;") == 7


def test_a_banner_that_stops_something_is_an_alert():
    assert 'role="alert"' in shown('{% banner "block" %}x{% endbanner %}')
    assert 'role="status"' in shown('{% banner "ok" %}x{% endbanner %}')


def test_late_and_soon_are_told_apart():
    now = timezone.now()
    source = "{{ v|late }} {{ v|soon }}"
    assert shown(source, v=now - timedelta(minutes=1)) == "True True"
    assert shown(source, v=now + timedelta(hours=23)) == "False True"
    assert shown(source, v=now + timedelta(hours=25)) == "False False"
