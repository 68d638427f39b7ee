"""The page for what broke on our side. It asks no database and no session: these may be what is broken."""

import sys

from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from opsadmin.core.faults import database_away, no_room

RETRY_SECONDS = 5


def broken(request):
    """Answer 503 while the database is away, 507 where a disk is full, else 500; never with what went wrong inside.

    What breaks again on the way out, because the first trouble left its marks, is answered as the first.
    """
    request.trouble = getattr(request, "trouble", None) or trouble_of(sys.exc_info()[1])
    status, title, sentence = request.trouble
    if request.headers.get("Accept", "").startswith("application/json"):
        response = JsonResponse({"refused": sentence, "code": str(status)}, status=status)
    else:
        context = {"title": title, "sentence": sentence}
        response = HttpResponse(render_to_string("op/trouble.html", context), status=status)
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def trouble_of(error):
    """Return (status, title, sentence) for an error that no screen handled."""
    if error is not None and no_room(error):
        return (
            507,
            _("There is no room left"),
            _(
                "The server has no room left. Nothing was saved. Tell the system administrator, then try again."
            ),
        )
    if error is not None and database_away(error):
        return (
            503,
            _("Back in a moment"),
            _("The database does not answer just now. Nothing was half saved. Try again in a few seconds."),
        )
    return (
        500,
        _("Something went wrong"),
        _(
            "The system could not do this. Nothing was half saved; it has been written to the log. Try again, or tell "
            "the system administrator."
        ),
    )
