"""Geometry of the dashboard's two charts; colours come from the stylesheet's tokens."""

WIDTH, BASE, TOP = 560, 182, 32
LEFT, SLOT, BAR = 8, 68, 38.1
SCALE_FROM, SCALE_TO, DOTS_LEFT, DOTS_RIGHT, ROW = 60, 100, 136, 490, 25


def bars(counts):
    """Return bars for up to eight (label, count), the last one strong; the tallest reaches the top."""
    highest = max((count for _label, count in counts), default=0) or 1
    found = []
    for index, (label, count) in enumerate(counts):
        height = round((BASE - TOP) * count / highest, 1)
        x = LEFT + 15 + index * SLOT
        found.append(
            {
                "label": label,
                "count": count,
                "x": x,
                "middle": round(x + BAR / 2, 1),
                "y": round(BASE - height, 1),
                "height": height,
                "above": round(BASE - height - 6, 1),
                "strong": index == len(counts) - 1,
            }
        )
    return found


def across(share):
    """Return the x of a share in percent on the scale from 60 to 100; shares below stand at its left edge."""
    part = (min(max(share, SCALE_FROM), SCALE_TO) - SCALE_FROM) / (SCALE_TO - SCALE_FROM)
    return round(DOTS_LEFT + part * (DOTS_RIGHT - DOTS_LEFT), 1)


def dots(shares, low, high):
    """Return rows for (label, share in percent), and the band that is aimed at."""
    rows = [
        {
            "label": label,
            "share": share,
            "x": across(share),
            "y": 18 + ROW * index,
            "text": 22 + ROW * index,
            "low": share < low,
            "high": share > high,
        }
        for index, (label, share) in enumerate(shares)
    ]
    foot = 7 + ROW * len(rows)
    return {
        "rows": rows,
        "height": foot + 22,
        "band": {"x": across(low), "width": round(across(high) - across(low), 1), "height": foot - 4},
        "middle": across((low + high) / 2),
        "foot": foot,
        "axis": foot + 18,
        "ticks": [{"x": across(tick), "label": tick} for tick in range(SCALE_FROM, SCALE_TO + 1, 10)],
    }
