"""What the printed form promises: it shows what was sealed, to anybody, the same every time."""

import io
from pathlib import Path

import pytest
from django.utils import translation
from pypdf import PdfReader

from approvals.archive import form
from approvals.archive.canonical import parse
from approvals.archive.form import printable, printed_form
from tests.approvals.filed_documents import (
    FINANCE,
    MANAGER,
    a_decision,
    a_hit,
    a_line,
    filed_bytes,
    person,
    promotion_lines,
    some_lines,
)

CHECK_PAGE = "https://ops.example/check/GD-2026-0409/52de81c4f09a7be3"


@pytest.fixture
def printed(tmp_path):
    def printed(**document):
        path = tmp_path / "form.pdf"
        printed_form(parse(filed_bytes(**document)), qr_url=CHECK_PAGE, out_path=path)
        return path.read_bytes()

    return printed


def text_of(pdf):
    """The text of all pages without the blanks that typesetting adds."""
    return "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages)


def test_the_form_shows_document_numbers_window_people_and_digests(printed):
    data = filed_bytes()
    text = text_of(printed())
    for shown in (
        "全店冬季价格表",
        "GD-2026-0409",
        "JG-2026-0142",
        "2026-11-2416:22",
        "2056-12-31",
    ):
        assert shown in text
    assert parse(data).sha256 in text
    assert parse(data).row("document")["content_hash"] in text
    assert text.count("林晓·产品策略专员·产品策略部") == 2


def test_the_form_bears_the_seal_and_says_what_signing_means(printed):
    text = text_of(printed())
    assert text.count("已归档") == 1
    assert "本系统的签字为登录后再次验证密码，不等于《电子签名法》所称可靠的电子签名。" in text
    assert CHECK_PAGE in text
    assert "第1页，共1页" in text


def test_each_signature_shows_post_principal_time_verdict_comment_and_digests(printed):
    decision = parse(filed_bytes()).rows("decision")[-1]
    text = text_of(printed())
    for shown in (
        "财务甲",
        "财务专员·财务部",
        "财务主管吴越",
        "2026-11-2016:20",
        "清仓2款同意。",
        decision["hash"][:10],
    ):
        assert shown in text
    assert decision["content_hash"][:10] in text


def test_submissions_stand_among_the_signatures_in_the_order_of_time(printed):
    text = text_of(printed())
    places = [text.index(shown) for shown in ("提交·第1轮", "12行毛利低于8%", "提交·第2轮", "清仓2款同意")]
    assert places == sorted(places)


def test_comments_are_printed(printed):
    assert "2026-11-1909:05林晓已改12行。" in text_of(printed())


def test_lines_show_prices_change_scope_and_why_they_were_struck(printed):
    text = text_of(printed())
    assert "CS000003羊毛围巾礼盒装京东cslr旗舰店120.00118.00126.00↑5.0%京东专享" in text
    assert "已剔除：库存不足" in text
    assert "↓10.0%" in text


def test_the_lines_of_a_promotion_show_what_it_promises(printed):
    text = text_of(printed(lines=promotion_lines()))
    assert "折扣%" in text
    assert "参考价" not in text
    assert "120.0020.0096.00↓20.0%500" in text


def test_guard_hits_show_measure_limit_and_reason_the_gravest_first(printed):
    text = text_of(printed())
    assert "清仓，已核成本·林晓" in text
    assert text.index("G01") < text.index("G05")


def test_more_hits_than_fit_are_counted(printed):
    hits = [a_hit("G05", "warn", f"CS{number:06}") for number in range(600)] + [a_hit("G01", "block", "LAST")]
    text = text_of(printed(hits=hits))
    assert "LAST" in text
    assert "共601项，此处只印最重的500项" in text


def test_printing_again_gives_the_same_bytes_whatever_the_readers_language(printed):
    first = printed()
    with translation.override("en"):
        assert printed() == first
    assert printed(title="别的标题") != first


def test_what_people_typed_is_printed_and_never_run(printed):
    typed = '#panic() *b* $x$ `c` @d <e> [f] \\ // "g" --'
    decisions = [
        a_decision(1, typed, "sign", typed, person(typed, typed, typed), comment=typed, acting_for=typed)
    ]
    lines = [a_line(1, sku_name=typed, reason=typed)]
    text = text_of(printed(title=typed, lines=lines, decisions=decisions, header={typed: typed}))
    assert text.count("".join(typed.split())) >= 6


def test_nothing_hidden_or_reordered_is_printed(printed):
    text = text_of(printed(title="价\u202e格\u0007表😀"))
    assert "价[U+202E]格[U+0007]表[U+1F600]" in text


def test_every_character_that_the_font_is_said_to_cover_is_printed(printed):
    ranges = (Path(form.HERE) / "fonts" / "coverage.txt").read_text().split()
    covered = [
        chr(one)
        for low, high in (pair.split("-") for pair in ranges)
        for one in range(int(low, 16), int(high, 16) + 1)
    ]
    gbk = {
        bytes([high, low]).decode("gbk", "ignore") for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)
    }
    assert not {one for one in gbk if len(one) == 1 and one >= "\u4e00"} - set(covered)
    text = " ".join("".join(covered[start : start + 40]) for start in range(0, len(covered), 40))
    pages = PdfReader(
        io.BytesIO(printed(decisions=[a_decision(1, "审核", "sign", "通过", MANAGER, comment=text)]))
    )
    assert len(pages.pages) > 5


def test_a_name_that_gb2312_lacks_is_printed(printed):
    assert "䶮喆堃" in text_of(
        printed(decisions=[a_decision(1, "归档", "file", "归档", FINANCE | {"name": "䶮喆堃"})])
    )


def test_all_fonts_are_in_the_file(printed):
    fonts = {}
    for page in PdfReader(io.BytesIO(printed())).pages:
        for font in page["/Resources"]["/Font"].values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            fonts[descendant["/BaseFont"]] = descendant["/FontDescriptor"].get_object()
    assert len(fonts) == 3
    assert all("Noto" in name and "/FontFile3" in descriptor for name, descriptor in fonts.items())


def test_a_word_without_blanks_is_broken_to_stay_in_its_column():
    assert printable("A" * 40, run=18) == "\n".join(["A" * 18, "A" * 18, "A" * 4])
    assert printable("羊毛围巾" * 10, run=18) == "羊毛围巾" * 10


@pytest.fixture(params=[(500, 200), pytest.param((5000, 2000), marks=pytest.mark.soak)])
def most(request, monkeypatch):
    """The most lines that are printed whole, and how many of more than these; at full size typesetting takes long."""
    assert (form.PRINTED_WHOLE, form.PRINTED_BY_RISK) == (5000, 2000)
    whole, risky = request.param
    monkeypatch.setattr(form, "PRINTED_WHOLE", whole)
    monkeypatch.setattr(form, "PRINTED_BY_RISK", risky)
    return whole, risky


def test_up_to_5000_lines_are_printed_whole(printed, most):
    whole, _risky = most
    text = text_of(printed(lines=some_lines(whole)))
    assert all(f"CS{row:06}" in text for row in range(1, whole + 1))


def test_of_more_lines_the_riskiest_2000_are_printed_and_the_rest_is_named(printed, most):
    whole, risky = most
    lines = some_lines(whole + 1)
    lines[whole - 10] |= {"sku_code": "LOOK-THIRD", "final_price": "12.00"}
    lines[whole - 1] |= {"sku_code": "LOOK-FIRST"}
    lines[whole] |= {"sku_code": "LOOK-SECOND"}
    text = text_of(
        printed(lines=lines, hits=[a_hit("G05", "warn", "LOOK-SECOND"), a_hit("G01", "sign", "LOOK-FIRST")])
    )
    table = text[text.index("价格行共") :]
    first, second, third = (table.index(f"LOOK-{place}") for place in ("FIRST", "SECOND", "THIRD"))
    assert first < second < table.index("CS000002羊毛") < third < table.index("CS000001羊毛")
    assert f"CS{risky - 2:06}羊毛" in table
    assert f"CS{risky - 1:06}羊毛" not in table
    assert f"共{whole + 1:,}行，此处只印风险最高的{risky:,}行；全部在归档包的lines.xlsx中。" in text
