"""Where the archive's checkpoints went: for who audits the archive and for who looks after the machines."""

from django.utils.translation import gettext as _

from approvals import permissions
from approvals.archive import anchors
from opsadmin.core.screens import page, screen


@screen("archive/checkpoints/", "checkpoints", may=permissions.may_see_checkpoints)
def checkpoints(request):
    """Each place to which the checkpoints go, what it had last, and why it has not had the newest."""
    places = anchors.places()
    return page(
        request,
        "approvals/checkpoints.html",
        title=_("Checkpoints elsewhere"),
        places=places,
        state=anchors.state_of(places),
    )
