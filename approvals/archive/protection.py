"""Whether the database still refuses to change what must not change."""

from django.db import connection
from django.utils.translation import gettext as _

APPEND_ONLY = (
    "approvals_archivefile",
    "approvals_archiverecord",
    "approvals_archivestore",
    "approvals_attachment",
    "approvals_campaigndetails",
    "approvals_comment",
    "approvals_decision",
    "approvals_event",
    "approvals_linechange",
    "approvals_receipt",
    "approvals_rowseal",
    "approvals_storefile",
    "core_auditentry",
    "core_storedfile",
    "orgchart_orgsnapshot",
    "orgchart_orgversion",
)
FILED_ROWS = (
    "approvals_document",
    "approvals_hiringrequest",
    "approvals_pricelist",
    "approvals_promotion",
    "approvals_reorganisation",
)
FILED_PARTS = (
    "approvals_hiringline",
    "approvals_priceline",
    "approvals_promotionline",
    "approvals_reorganisationline",
    "approvals_scopestore",
)
PARTS_GUARDED_FOR = ("inserted", "deleted", "changed", "moved")
OTHERS = (
    "approvals_flowstep_fixed",
    "approvals_guardpolicy_no_truncate",
    "approvals_guardpolicy_stays",
    "change_item_no_truncate",
    "change_item_over",
    "change_set_no_truncate",
    "change_set_over",
    "stores_priceinforce_protected",
    "stores_priceinforce_stays",
)
ONE_PRICE = "price_in_force_one_per_instant"


def expected_triggers():
    """Return the names of all triggers that protect what is filed."""
    no_truncate = (*APPEND_ONLY, *FILED_ROWS, *FILED_PARTS, "stores_priceinforce")
    return {
        *(f"{table}_append_only" for table in APPEND_ONLY),
        *(f"{table}_no_truncate" for table in no_truncate),
        *(f"{table}_filed" for table in FILED_ROWS),
        *(f"{table}_filed_{name}" for table in FILED_PARTS for name in PARTS_GUARDED_FOR),
        *OTHERS,
    }


def breaks():
    """Return a sentence for each protection that is missing or switched off; none when all stand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')")
        standing = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT FROM pg_constraint WHERE conname = %s AND contype = 'x'", [ONE_PRICE])
        constrained = cursor.fetchone() is not None
    missing = sorted(expected_triggers() - standing)
    if not constrained:
        missing.append(ONE_PRICE)
    return [
        _("The protection “%(name)s” in the database is missing or off.") % {"name": name} for name in missing
    ]
