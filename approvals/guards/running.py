"""One check of a whole document: find hits, rank lines by risk, keep the figures that pages show."""

from django.db import connection, transaction

from approvals.guards import consistency, law, price, promotion, window
from approvals.guards.figures import keep_figures, summarise
from approvals.guards.frame import (
    WHOLE,
    clear,
    find,
    forget,
    make_check,
    make_in_the_way,
    make_off_shelf,
    make_present,
    prepare,
    set_up,
)
from approvals.guards.policy import limits_in_force
from approvals.guards.ranking import rank_lines
from approvals.guards.snapshots import take_snapshots
from approvals.models import GuardHit

# Importing them registers their guards.
MODULES = (price, consistency, window, law, promotion)


@transaction.atomic
def run_guards(document, *, touched=None, refresh=False):
    """Check the document again: rewrite its hits, its lines' group and risk, and its figures.

    With ``refresh`` its lines first take over what ``refresh_snapshots`` says, at the cost of one look at the prices.

    With ``touched``, the keys of the lines that changed since the last check, what looks at one line judges only the
    lines of the same products; nothing else that it reads may have changed. The number of statements depends on the
    guards of its kind, never on its lines. ``guarded_hash`` notes the content that was checked; whoever changes lines
    refreshes ``content_hash`` first or afterwards. Struck lines have no hits.
    """
    check = make_check(document, *limits_in_force(), touched=touched or ())
    with connection.cursor() as cursor:
        if touched is None:
            GuardHit.objects.filter(document=document.pk).delete()
            set_up(cursor, check)
            make_present(cursor, check)
            make_off_shelf(cursor, check)
            make_in_the_way(cursor, check)
            if refresh:
                take_snapshots(cursor, check)
            prepare(cursor, check)
            find(cursor, check)
        else:
            forget(cursor, check)
            set_up(cursor, check)
            prepare(cursor, check, near=True)
            for make in (make_present, make_off_shelf):
                make(cursor, check, "AND l.id IN (SELECT id FROM lines)")
            make_in_the_way(cursor, check, near=True)
            find(cursor, check, lambda function: function not in WHOLE)
            clear(cursor)
            set_up(cursor, check)
            prepare(cursor, check)
            find(cursor, check, WHOLE.__contains__)
        rank_lines(cursor, check)
        document.summary = summarise(cursor, check)
        clear(cursor)
    keep_figures(document)
