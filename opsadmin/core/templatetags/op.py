"""Tags, filters and partials of all screens. They are built in: no template has to load them.

Words and figures
  {{ price|money }}            1,299.00, or a dash; {{ price|plain }} without separators, for inputs
  {{ amount|yuan }}            ¥48,810 (whole yuan), or "none" for zero
  {{ count|grouped }}          5,000
  {{ share|percent }}          38.2% of 0.382
  {% change new old %}         ↑ 7.7% against the old price, "unchanged" or "new"; never red or green
  {{ sha256|digest }}          9e41…c07a
  {{ moment|when }}            today 12:00, tomorrow 18:00, 11-26 18:00 (Asia/Shanghai)
  {{ moment|waited }}          38 minutes, 17 hours, 2 working days
  {{ moment|left }}            1 h 36 min left, or overdue by …
  {{ moment|late }}            True once the moment has passed; {{ moment|soon }} less than a day before it
  {{ size|bytes }}             1.7 MB
Marks
  {% icon "name" "css" %}      an icon of op/sprite.html, hidden from readers
  {% chip "ok" _("checked") icon="ok" %}   a state: block sign warn info ok accent
  {% severity "sign" 6 %}      a severity with its count
  {% hits document %}          all severities that the last check of a document found, or "no hits"
  {% hits document worst=True %}           only the gravest
  {% state document %}         the state of a document
  {% person name post %}       e-commerce manager · sales department
  {% drawn_by_the_theme %}     lets the theme's scripts work on this page; nothing is shown
Blocks
  {% banner "warn" icon="clock" %}<p>…</p>{% endbanner %}      a message on the page; role alert for block
  {% empty "ok" _("Nothing waits for you.") %}<p>…</p>{% endempty %}
Partials
  {% include "op/pager.html" with pager=pager %}      keyset: pager.first and pager.next are addresses or None
  {% include "op/route.html" with steps=steps %}      step: state (done now wait back), name, who, when, note, quote
  {% include "op/stats.html" with figures=figures %}  figure: label, value, unit, note, url, tone
  {% include "op/drop.html" with name="file" label=… hint=… accept=… %}   a field for files
"""

from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core import moments

register = template.Library()

SEVERITIES = ("block", "sign", "warn", "info")
STATES = {
    "draft": ("info", "edit"),
    "in_approval": ("accent", "flow"),
    "sent_back": ("sign", "back"),
    "filed": ("accent", "archive"),
    "done": ("ok", "ok"),
    "cancelled": ("info", "x"),
}
TONE_ICONS = {"block": "block", "sign": "sign", "warn": "warn", "info": "info", "ok": "ok", "accent": "user"}


@register.simple_tag(name="icon")
def svg(name, css=""):
    """Return an icon of the sprite, hidden from readers: the word beside it says the same."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="#i-{}"/></svg>', f"op-i {css}".strip(), name
    )


@register.simple_tag(takes_context=True)
def drawn_by_the_theme(context):
    """Mark the page as one of the theme's: its policy for scripts and styles is wider than that of ours."""
    context["request"].drawn_by_the_theme = True
    return ""


@register.filter
def money(value):
    """Return an amount with two decimals and separators, or a dash."""
    return "—" if value in (None, "") else f"{Decimal(value):,.2f}"


@register.filter
def plain(value):
    """Return an amount with two decimals as an input takes it."""
    return "" if value in (None, "") else f"{Decimal(value):.2f}"


@register.filter
def yuan(value):
    """Return an amount in whole yuan, or the word for none."""
    if not value:
        return format_html('<span class="op-muted">{}</span>', pgettext("amount", "none"))
    return f"¥{Decimal(value):,.0f}"


@register.filter
def grouped(value):
    """Return a whole number with separators, or a dash."""
    return "—" if value in (None, "") else f"{int(value):,}"


@register.filter
def percent(share):
    """Return a share (0.382) in percent with one decimal (38.2%), or a dash."""
    return "—" if share in (None, "") else f"{Decimal(share) * 100:.1f}%".replace("-", "−")


@register.simple_tag
def change(new, old):
    """Return arrow and percent of a price against the one before; direction is never shown by colour."""
    if new is None:
        return "—"
    if not old:
        return pgettext("price", "new")
    if new == old:
        return pgettext("price", "unchanged")
    share = (Decimal(new) - Decimal(old)) / Decimal(old) * 100
    arrow, word = ("↑", _("up")) if share > 0 else ("↓", _("down"))
    return format_html(
        '<span aria-hidden="true">{}</span><span class="op-sr">{}</span> {}%',
        arrow,
        word,
        f"{abs(share):.1f}",
    )


@register.filter
def digest(value):
    """Return the first and last four characters of a SHA-256."""
    return f"{value[:4]}…{value[-4:]}" if value else "—"


@register.filter
def when(moment):
    return moments.when(moment) if moment else "—"


@register.filter
def waited(moment, added=None):
    return moments.waited(moment, added=added) if moment else "—"


@register.filter
def left(moment):
    return moments.left(moment) if moment else ""


@register.filter
def late(moment):
    return bool(moment) and moment < timezone.now()


@register.filter
def soon(moment):
    """Say whether less than a day is left."""
    return bool(moment) and (moment - timezone.now()).total_seconds() < moments.DAY


@register.filter("bytes")
def file_size(size):
    """Return a size in B, KB or MB."""
    if size is None:
        return "—"
    for unit, power in (("MB", 2), ("KB", 1)):
        if size >= 1024**power:
            return f"{size / 1024**power:.1f} {unit}"
    return f"{size} B"


@register.simple_tag
def chip(tone, text, icon=""):
    """Return a state or severity as icon, word and colour."""
    return format_html(
        '<span class="op-chip is-{}">{}{}</span>', tone, svg(icon or TONE_ICONS.get(tone, "info")), text
    )


def severity_word(code):
    return {
        "block": pgettext("severity", "block"),
        "sign": pgettext("severity", "sign"),
        "warn": pgettext("severity", "warn"),
        "info": pgettext("severity", "info"),
    }[code]


@register.simple_tag
def severity(code, count=None):
    """Return a severity with its count of hits."""
    word = severity_word(code)
    return chip(code, word if count is None else f"{word} {count:,}")


@register.simple_tag
def hits(document, worst=False):
    """Return the severities that the last check of a document found: two at most, gravest first."""
    found = [(code, getattr(document, f"{code}_count")) for code in SEVERITIES]
    found = [pair for pair in found if pair[1]]
    if not found:
        return chip("ok", _("no hits"))
    graver = [pair for pair in found if pair[0] != "info"] or found
    return format_html_join(" ", "{}", ((severity(*pair),) for pair in graver[: 1 if worst else 2]))


@register.simple_tag
def state(document):
    """Return the state of a document; a document that is filed wears the small seal."""
    if document.state == "filed":
        return format_html('<span class="op-seal-sm">{}</span>', pgettext("seal", "Filed"))
    tone, mark = STATES[document.state]
    return chip(tone, document.get_state_display(), mark)


@register.simple_tag
def person(name, post=""):
    """Return a name with position or department, as of the day."""
    return format_html("{} · {}", name, post) if post else name


@register.simple_block_tag(takes_context=True)
def banner(context, content, tone, icon=""):
    """Return a message on the page around the given paragraphs."""
    role = "alert" if tone == "block" else "status"
    return format_html(
        '<div class="op-banner is-{}" role="{}">{}<div class="op-grow">{}</div></div>',
        tone,
        role,
        svg(icon or TONE_ICONS[tone]),
        content,
    )


@register.simple_block_tag(takes_context=True)
def empty(context, content, icon, title, heading=False):
    """Return the state of a list with nothing in it: what was last done and what comes next.

    ``heading`` is for pages that are nothing but this: the title is then the heading of the page.
    """
    named = format_html("<h1>{}</h1>" if heading else "<strong>{}</strong>", title)
    return format_html('<div class="op-empty">{}{}{}</div>', svg(icon), named, content)


@register.filter
def message_tone(tags):
    """Return the severity in which a message of Django's framework is shown."""
    tones = {"error": "block", "warning": "warn", "success": "ok"}
    return next((tone for level, tone in tones.items() if level in tags.split()), "info")
