"""Campaign details (活动信息): what promotion adds to a filed price list before the stores carry it out."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from approvals.models import ArchiveKind, CampaignDetails
from opsadmin.core.refusals import Refusal

REQUIRED = ("theme", "starts_at", "ends_at", "copy")


def complete_campaign(document, task, decision, data):
    """Store theme, window and copy, and seal them as a later record of the archive.

    The window must lie within the time for which the document's prices are valid. Refusal: ``invalid``.
    """
    from approvals.archive.filing import add_record

    missing = [name for name in REQUIRED if not data.get(name)]
    if missing:
        raise Refusal(_("Fill in theme, window and copy."), code="invalid", missing=missing)
    details = CampaignDetails(
        document=document,
        theme=data["theme"].strip(),
        starts_at=data["starts_at"],
        ends_at=data["ends_at"],
        copy=data["copy"].strip(),
        completed_by=decision.actor,
    )
    check_window(details, document)
    try:
        details.full_clean()
    except ValidationError as error:
        raise Refusal(" ".join(error.messages), code="invalid") from error
    details.save(force_insert=True)
    add_record(
        ArchiveKind.CAMPAIGN,
        document,
        {
            "theme": details.theme,
            "starts_at": details.starts_at,
            "ends_at": details.ends_at,
            "copy": details.copy,
            "completed_by": decision.actor_name,
            "decision": decision.hash,
        },
        by=decision.actor,
    )
    return details


def check_window(details, document):
    """Refuse a campaign that begins before, or lasts longer than, the document's prices."""
    too_early = details.starts_at < document.effective_from
    too_late = document.effective_to is not None and details.ends_at > document.effective_to
    if too_early or too_late:
        raise Refusal(
            _("The campaign's window lies outside the time for which the prices are valid."), code="invalid"
        )
