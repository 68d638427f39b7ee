"""The chart in Chromium: two thousand posts drawn quickly and whole, pictures that are never blank, HR's drag."""

import re

import pytest
from django.urls import reverse

from orgchart import changes
from orgchart.models import ChangeSet, Position
from tests.journeys.person import Person

pytestmark = pytest.mark.browser

DRAWN = """
async ([url]) => {
  const { layout } = await import(url + "layout.js");
  const { chartSvg } = await import(url + "draw.js");
  const { words } = await import(url + "chart.js");
  const grow = (level) => (level < 3 ? 5 : 7 - level);
  const tree = (id, level, most) => ({
    id, dotted: [],
    kids: level < most ? [...Array(grow(level))].map((_, n) => tree(`${id}-${n}`, level + 1, most)) : [],
  });
  const size = (one) => 1 + one.kids.reduce((sum, kid) => sum + size(kid), 0);
  const measured = {};
  const each = [["whole", 5], ["depth 2", 2]];
  for (const [name, most] of [...each, ...each, ...each]) {
    const root = tree("p:0", 0, most);
    const begun = performance.now();
    const drawing = layout(root, { width: 1440, depth: most === 2 ? 2 : 0, whole: most !== 2 });
    const of = (id) => ({
      id, kind: "position", title: "岗位" + id, filled: 1, plan_words: "1", plan_min: 1, plan_max: 1,
      short: 0, open: 0, holders: [{ name: "员工" + id, kind: "primary" }], below: 0, children: 0,
    });
    const svg = document.querySelector("[data-svg]");
    const state = () => ({ hidden: most === 2 ? 80 : 0, advised: 8 });
    svg.innerHTML = chartSvg(drawing, { of, state, words, label: "x" });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const cards = svg.querySelectorAll("[data-card]").length;
    const ms = Math.min(performance.now() - begun, measured[name]?.ms ?? Infinity);
    measured[name] = { ms, cards, wanted: size(root) };
  }
  return measured;
}
"""


# How many points of a picture differ from its paper: in the whole of it, and in the line that names the version.
INKED = """
async ([url]) => {
  const { svgFile, pngFile } = await import(url + "exporting.js");
  const { blob, scale } = await pngFile(svgFile());
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const inked = (top, height) => {
    const { data } = pen.getImageData(0, top, bitmap.width, height);
    let count = 0;
    for (let at = 4; at < data.length; at += 4) if (data[at] !== data[0] || data[at + 1] !== data[1]) count += 1;
    return count;
  };
  const foot = Math.floor(32 * scale);
  return [inked(0, bitmap.height - foot), inked(bitmap.height - foot, foot)];
}
"""


@pytest.fixture
def hr_page(browser, web, company):
    """A page on which HR is signed in; every console error is kept in ``page.faults``."""
    hr = Person(browser, web, "hr", "desktop")
    hr.page.web, hr.page.faults = web, hr.faults
    yield hr.page
    hr.context.close()


def open_chart(page, query=""):
    page.goto(f"{page.web}{reverse('admin:org_chart')}{query}")
    page.wait_for_selector("[data-svg] [data-card]")


def exported(page, kind):
    with page.expect_download() as taken:
        page.click(f"[data-export={kind}]")
    return taken.value.path().read_bytes()


def test_an_exported_chart_has_every_card_and_says_so(hr_page):
    open_chart(hr_page, "?root=oc&depth=all")
    svg = exported(hr_page, "svg").decode()
    below = Position.objects.filter(department__code__startswith="oc")
    drawn = set(re.findall(r'data-card="(p:[^"]+)"', svg))
    assert drawn == {f"p:{position.code}" for position in below}
    cards = len(re.findall("data-card=", svg))
    assert f'data-cards="{cards}"' in svg and f"共 {cards} 个卡片" in svg
    assert f"v{changes.version_number()}" in svg
    assert "var(--" not in svg
    # As a file on somebody's disk, where the policy of our pages does not hold.
    hr_page.goto("about:blank")
    hr_page.set_content(svg)
    assert hr_page.faults == []


def test_an_exported_picture_is_never_blank(hr_page):
    open_chart(hr_page, "?root=ec&depth=3")
    assert exported(hr_page, "png").startswith(b"\x89PNG")
    drawn, printed = hr_page.evaluate(INKED, [f"{hr_page.web}/static/opsadmin/org/"])
    assert drawn > 20_000
    assert printed > 200
    assert hr_page.faults == []


def test_a_picture_that_no_browser_could_hold_is_refused(hr_page):
    open_chart(hr_page)
    asked = """async ([url]) => {
      const { scaleFor } = await import(url + "exporting.js");
      return [scaleFor(1200, 800), scaleFor(59360, 880), scaleFor(182480, 2000)];
    }"""
    small, wide, too_wide = hr_page.evaluate(asked, [f"{hr_page.web}/static/opsadmin/org/"])
    assert small == 2 and too_wide == 0
    assert wide == 0 or 59360 * wide <= 16_000


def test_the_keyboard_walks_through_the_chart(hr_page):
    open_chart(hr_page, "?root=ec&depth=3")
    hr_page.focus("[data-card='p:ec-manager']")
    hr_page.keyboard.press("ArrowDown")
    hr_page.keyboard.press("ArrowRight")
    focused = hr_page.evaluate("document.activeElement.dataset.card")
    assert focused and focused != "p:ec-manager"
    assert hr_page.locator("[role=tree] [role=treeitem][tabindex='0']").count() == 1
    hr_page.keyboard.press("Enter")
    hr_page.wait_for_selector("[data-panel]:not([hidden])")
    hr_page.keyboard.press("Escape")
    assert hr_page.locator("[data-panel]").is_hidden()
    hr_page.keyboard.press("f")
    hr_page.wait_for_url("**root=**")
    assert hr_page.faults == []


def test_search_jumps_to_a_position_that_is_not_in_the_view(hr_page):
    open_chart(hr_page)
    hr_page.fill("[data-search-box]", "kfzg")
    hr_page.wait_for_selector("[data-card='p:ec-service-lead'].hit")
    assert hr_page.faults == []


def test_a_phone_gets_a_list_that_does_not_scroll_sideways(hr_page):
    hr_page.set_viewport_size({"width": 390, "height": 844})
    hr_page.goto(f"{hr_page.web}{reverse('admin:org_chart')}?root=ec&depth=3")
    hr_page.wait_for_selector("[data-list] [data-card='p:ec-designer']")
    wide, window = hr_page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window
    hr_page.click("[data-list] [data-card='d:ec-planning'] [data-open]")
    assert hr_page.locator("[data-list] [data-card='p:ec-designer']").count() == 0
    assert hr_page.faults == []


def test_a_drop_becomes_a_change_of_the_draft_that_is_undone_and_done_again(hr_page):
    open_chart(hr_page, "?root=ec&depth=3")
    hr_page.click("[data-open-dialog=og-draft]")
    hr_page.fill("#og-draft [name=title]", "电子商务部二阶段分岗")
    hr_page.click("#og-draft .op-btn-primary")
    hr_page.wait_for_selector("[data-editing]", state="attached")
    card = hr_page.locator("[data-card='p:ec-data']").bounding_box()
    target = hr_page.locator("[data-card='p:ec-service-lead']").bounding_box()
    hr_page.mouse.move(card["x"] + 40, card["y"] + 20)
    hr_page.mouse.down()
    hr_page.mouse.move(card["x"] + 60, card["y"] + 24, steps=3)
    hr_page.mouse.move(target["x"] + 60, target["y"] + 24, steps=6)
    assert "可以放" in hr_page.inner_text("[data-drag-card]")
    hr_page.mouse.up()
    hr_page.wait_for_selector("[data-take-back]")
    assert "数据 → 客服主管" in hr_page.inner_text("[data-tray-box]")
    draft = ChangeSet.objects.get(state="draft")
    assert Position.objects.get(code="ec-data").parent.code == "ec-manager"

    hr_page.click("[data-undo-last]")
    hr_page.wait_for_selector("[data-take-back]", state="detached")
    hr_page.click("[data-redo]")
    hr_page.wait_for_selector("[data-take-back]")
    assert draft.items.count() == 1
    assert hr_page.faults == []


def test_move_to_by_keyboard_does_what_the_drag_does(hr_page):
    draft = changes.draft_set(by=None, title="草稿")
    open_chart(hr_page, f"?root=ec&depth=3&set={draft.pk}")
    hr_page.wait_for_selector("[data-editing]", state="attached")
    hr_page.focus("[data-card='p:ec-data']")
    hr_page.keyboard.press("m")
    hr_page.fill("[data-move-search]", "客服主管")
    hr_page.wait_for_selector("[data-move-now]:not([disabled])")
    hr_page.keyboard.press("Enter")
    hr_page.wait_for_selector("[data-take-back]")
    assert draft.items.get().after["parent"] == "ec-service-lead"
    assert hr_page.faults == []


@pytest.mark.bench
def test_two_thousand_posts_are_drawn(hr_page, capsys):
    open_chart(hr_page)
    made = hr_page.evaluate(DRAWN, [f"{hr_page.web}/static/opsadmin/org/"])
    for figures in made.values():
        assert figures["cards"] == figures["wanted"]
    with capsys.disabled():
        words = ", ".join(f"{name}: {one['cards']} cards in {one['ms']:.0f} ms" for name, one in made.items())
        print(f"\nchart | drawn in Chromium | {words}")
    assert made["whole"]["cards"] > 2_000
    assert made["whole"]["ms"] < 1_000
    assert made["depth 2"]["ms"] < 200
