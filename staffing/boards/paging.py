"""Pages of a list that can grow without end."""

MOST_PAGES = 10_000


def paged(request, rows, size):
    """Return (the rows of the page that was asked for, where the first and the next page are).

    ``rows`` is a queryset or a list; one row more than a page is read, to see whether something follows.
    """
    asked = request.GET.get("page", "")
    number = min(int(asked), MOST_PAGES) if asked.isdecimal() and 0 < len(asked) < 6 else 1
    number = max(number, 1)
    found = list(rows[(number - 1) * size : number * size + 1])

    def address(page):
        query = request.GET.copy()
        query["page"] = page
        return f"?{query.urlencode()}"

    pager = {
        "first": address(1) if number > 1 else "",
        "next": address(number + 1) if len(found) > size else "",
    }
    return found[:size], pager
