"""One check of a whole document: find hits, rank lines by risk, keep the figures that pages show."""

from django.db import connection, transaction

from approvals.guards import consistency, law, price, promotion, window
from approvals.guards.figures import keep_figures, summarise
from approvals.guards.frame import clear, find, make_check, prepare
from approvals.guards.policy import limits_in_force
from approvals.guards.ranking import rank_lines
from approvals.models import GuardHit

# Importing them registers their guards.
MODULES = (price, consistency, window, law, promotion)


@transaction.atomic
def run_guards(document):
    """Check the document again: rewrite its hits, its lines' group and risk, and its figures.

    The number of statements depends on the guards of its kind, never on its lines. ``guarded_hash`` notes the
    content that was checked; whoever changes lines refreshes ``content_hash`` first or afterwards. Struck lines have
    no hits.
    """
    check = make_check(document, *limits_in_force())
    GuardHit.objects.filter(document=document.pk).delete()
    with connection.cursor() as cursor:
        prepare(cursor, check)
        for code in check.kind.guards:
            find(cursor, check, code)
        rank_lines(cursor, check)
        document.summary = summarise(cursor, check)
        clear(cursor)
    keep_figures(document)
