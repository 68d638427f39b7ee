"""CSV that the database writes itself: COPY, with what a spreadsheet program would run made harmless in SQL."""

from opsadmin.core.spreadsheets.values import FORMULA_STARTS, NUMBER

STARTS = ", ".join(str(ord(sign)) for sign in FORMULA_STARTS)


def neutral_sql(text):
    """Return SQL that does to the text of an SQL expression what ``neutral`` does; of an empty one it makes NULL."""
    runs = f"ascii({text}) IN ({STARTS}) AND {text} !~ '^({NUMBER.pattern})$'"
    return f"CASE WHEN {runs} THEN '''' || {text} ELSE nullif({text}, '') END"


class CsvOfCopy:
    """The file object for a ``COPY … TO STDOUT (FORMAT csv)``: ends rows as Excel ends them.

    ``take`` gets them as bytes of UTF-8, ``at_a_time`` of them at once; the last ones when ``close`` is called. The
    protocol of PostgreSQL hands over one row with each call.
    """

    def __init__(self, take, at_a_time):
        self.take, self.at_a_time, self.held = take, at_a_time, []

    def write(self, row):
        self.held.append(row[:-1])
        if len(self.held) == self.at_a_time:
            self.close()

    def close(self):
        if self.held:
            self.take(b"\r\n".join([*self.held, b""]))
            self.held = []
