"""The distribution of price changes as a drawing: bars, limits and words, in the units of its SVG."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

EDGES = (-30, -20, -10, -5, 0, 5, 10, 20, 30)
WIDTH, LEFT, STEP, BAR, BASE, TOP, LOWEST = 560, 4.0, 55.2, 39.2, 132, 46, 3.0
ROW, ROW_BAR, ROW_LEFT, ROW_WIDTH = 24, 14, 86, 170.0


@dataclass(frozen=True)
class Bar:
    label: str
    count: int
    tone: str
    x: float
    y: float
    text_y: float
    height: float
    middle: float
    row_y: int
    row_text_y: int
    row_width: float
    row_text_x: float
    low: int | None
    high: int | None


def label_of(low, high):
    """Return the words of a bucket ``[low, high)`` in percent; an open end is written with ≤ or ≥."""
    if low is None:
        return f"≤{signed(high)}%"
    if high is None:
        return f"≥{low}%"
    return f"{signed(low)}~{signed(high)}%"


def signed(number):
    return f"−{-number}" if number < 0 else str(number)


def tone_of(low, high, limits):
    """Return '', '-warn' or '-sign': whether changes in the bucket pass the limits of the guard policy."""
    nearest = min(abs(edge) for edge in (low, high) if edge is not None)
    if nearest >= limits["sign"]:
        return "-sign"
    return "-warn" if nearest >= limits["warn"] else ""


def histogram(counts, *, warn, sign):
    """Return the drawing of ten buckets, or None when nothing changed.

    ``counts`` are lines per bucket, from the deepest cut to the largest rise; ``warn`` and ``sign`` are the limits
    of guard G08 in percent.
    """
    if len(counts) != len(EDGES) + 1 or not any(counts):
        return None
    limits, most = {"warn": warn, "sign": sign}, max(counts)
    buckets = list(zip((None, *EDGES), (*EDGES, None), counts, strict=True))
    bars = [make_bar(index, bucket, most, limits) for index, bucket in enumerate(buckets)]
    inside = sum(bar.count for bar in bars if not bar.tone)
    return {
        "bars": bars,
        "ticks": [
            {"x": round(LEFT + STEP * (place + 1), 1), "label": f"+{edge}" if edge > 0 else signed(edge)}
            for place, edge in enumerate(EDGES)
        ],
        "bands": bands(bars),
        "inside": inside,
        "changed": sum(counts),
        "title": _("Distribution of %(n)s changed prices: %(inside)s within limits, %(beyond)s beyond")
        % {"n": sum(counts), "inside": inside, "beyond": sum(counts) - inside},
    }


def make_bar(index, bucket, most, limits):
    low, high, count = bucket
    share = count / most
    height = round(max(LOWEST, share * (BASE - TOP)), 1) if count else 0
    width = round(max(LOWEST, share * ROW_WIDTH), 1) if count else 0
    x = round(LEFT + STEP * index + (STEP - BAR) / 2, 1)
    return Bar(
        label=label_of(low, high),
        count=count,
        tone=tone_of(low, high, limits),
        x=x,
        y=round(BASE - height, 1),
        text_y=round(BASE - height - 6, 1),
        height=height,
        middle=round(x + BAR / 2, 1),
        row_y=4 + ROW * index,
        row_text_y=15 + ROW * index,
        row_width=width,
        row_text_x=ROW_LEFT + width + 6,
        low=low,
        high=high,
    )


def bands(bars):
    """Return runs of neighbouring bars with one tone: the coloured grounds behind the limits."""
    runs = []
    for index, bar in enumerate(bars):
        if runs and runs[-1]["tone"] == bar.tone:
            runs[-1]["width"] = round(runs[-1]["width"] + STEP, 1)
        else:
            runs.append({"tone": bar.tone, "x": round(LEFT + STEP * index, 1), "width": STEP})
    for run in runs:
        run["middle"] = round(run["x"] + run["width"] / 2, 1)
    return runs
