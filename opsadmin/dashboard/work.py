"""What waits, what was drafted, and how decisions were taken."""

from datetime import timedelta
from decimal import Decimal

from django.db.models import Avg, Count, F, IntegerField, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, TruncWeek
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from approvals import waiting
from approvals.admin.inbox import document_row, task_row
from approvals.models import Decision, Document, DocumentState, Task
from approvals.permissions import may_file
from opsadmin.charts import bars
from opsadmin.core.counting import count_up_to
from opsadmin.core.templatetags.op import yuan

FIRST = 4
WEEKS = 8
TOO_QUICK = timedelta(seconds=5)


def figures_of(user):
    """Return what waits for the account; asked for once per page, by whichever part comes first."""
    if not hasattr(user, "_waiting"):
        user._waiting = SimpleLazyObject(lambda: waiting.figures(user))
    return user._waiting


def waiting_figure(user, now):
    found = figures_of(user)
    due = ngettext("%(n)d due today", "%(n)d due today", found.due_today) % {"n": found.due_today}
    label = _("To be filed") if may_file(user) else _("Waiting for me")
    return {"label": label, "value": found.count, "note": due, "url": reverse("admin:inbox")}


def money_figure(user, now):
    found = figures_of(user)
    if found.money is None:
        return {"label": _("Money at risk"), "value": "—", "note": _("more than 99 documents")}
    note = _("largest %(amount)s") % {"amount": yuan(found.largest)} if found.largest else ""
    return {"label": _("Money at risk"), "value": yuan(found.money), "note": note}


def overdue_figure(user, now):
    late = count_up_to(Task.objects.waiting_for(user).filter(due_at__lt=now))
    return {
        "label": _("Overdue"),
        "value": late,
        "tone": "block" if late else "",
        "note": _("past the safe moment"),
    }


def monday(now, weeks=0):
    """Return the beginning of the week, some weeks back, in Asia/Shanghai."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday(), weeks=weeks)


def hours(duration):
    """Return a duration in hours, with one decimal below ten, or a dash."""
    if duration is None:
        return "—"
    value = duration.total_seconds() / 3600
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def in_hours(duration):
    return {"value": hours(duration), "unit": pgettext("unit", "h") if duration else ""}


def review_time_figure(user, now):
    """How long the account's documents wait for its decision: mean from opening to decision."""
    this, last = monday(now), monday(now, 1)
    took = F("at") - F("task__opened_at")
    found = Decision.objects.filter(actor=user, at__gte=last, task__opened_at__isnull=False).aggregate(
        this=Avg(took, filter=Q(at__gte=this)), last=Avg(took, filter=Q(at__lt=this))
    )
    note = _("last week %(n)s h") % {"n": hours(found["last"])} if found["last"] else _("nothing last week")
    return {"label": _("Mean review this week"), **in_hours(found["this"]), "note": note}


def too_quick_figure(user, now):
    """Approvals within five seconds after the page was first seen: signed without reading."""
    signed = Decision.objects.filter(
        verdict__in=["approve", "sign"],
        at__gte=now - timedelta(days=30),
        at__lt=F("task__first_seen_at") + TOO_QUICK,
    )
    return {
        "label": _("Approved within 5 seconds"),
        "value": count_up_to(signed),
        "unit": pgettext("unit", "documents"),
        "note": _("last 30 days"),
    }


def below_cost_figure(user, now):
    """Lines below cost in documents on their way."""
    found = Document.objects.filter(state=DocumentState.IN_APPROVAL).aggregate(
        lines=Sum(Cast(KeyTextTransform("below_cost", "summary"), IntegerField())), money=Sum("money_at_risk")
    )
    return {
        "label": _("Below cost, on the way"),
        "value": found["lines"] or 0,
        "unit": pgettext("unit", "lines"),
        "note": _("%(amount)s at risk") % {"amount": f"¥{found['money'] or Decimal(0):,.0f}"},
    }


def my_documents(user, *states):
    return waiting.submitted_documents(user).filter(state__in=states)


def drafts_figure(user, now):
    return state_figure(user, _("My drafts"), "draft", _("not submitted yet"))


def sent_back_figure(user, now):
    return state_figure(user, _("Sent back to me"), "sent_back", _("to be changed"))


def in_approval_figure(user, now):
    return state_figure(user, _("In approval"), "in_approval", _("submitted by me"))


def state_figure(user, label, state, note):
    url = f"{reverse('admin:inbox')}?tab=submitted"
    return {"label": label, "value": count_up_to(my_documents(user, state)), "note": note, "url": url}


def first_card(user, now):
    """The most urgent tasks; for finance these are the filings."""
    tasks = list(waiting.waiting_tasks(user)[:FIRST])
    filing = may_file(user)
    signed = last_signatures([task.document_id for task in tasks]) if filing else {}
    rows = [{**task_row(task), "signed": signed.get(task.document_id)} for task in tasks]
    return {
        "template": "op/dashboard/first.html",
        "title": _("To be filed") if filing else _("First these"),
        "note": _("Filed. From here nothing can change.") if filing else _("by latest safe moment"),
        "rows": rows,
        "count": figures_of(user).count,
    }


def last_signatures(documents):
    """Return {document: its latest decision}, in one query."""
    found = (
        Decision.objects.filter(document__in=documents).order_by("document_id", "-pk").distinct("document_id")
    )
    return {decision.document_id: decision for decision in found}


def mine_card(user, now):
    """The account's own documents that are not filed yet, newest first."""
    found = my_documents(user, DocumentState.DRAFT, DocumentState.SENT_BACK, DocumentState.IN_APPROVAL)
    documents = list(found[:FIRST])
    now_at = waiting.where_now([document.pk for document in documents])
    return {
        "template": "op/dashboard/mine.html",
        "title": _("My documents"),
        "note": _("not filed yet, newest first"),
        "rows": [document_row(document, now_at.get(document.pk)) for document in documents],
    }


def by_week(queryset, moment, now):
    """Return [(label, count)] of the last eight weeks; the last one is this week."""
    weeks = [monday(now, back) for back in range(WEEKS - 1, -1, -1)]
    counted = dict(
        queryset.filter(**{f"{moment}__gte": weeks[0]})
        .annotate(week=TruncWeek(moment))
        .order_by()
        .values_list("week")
        .annotate(n=Count("pk"))
    )
    labels = [*(week.strftime("%m-%d") for week in weeks[:-1]), _("this week")]
    return [(label, counted.get(week, 0)) for label, week in zip(labels, weeks, strict=True)]


def weeks_card(user, now):
    counts = by_week(Document.objects.filter(submitted_at__isnull=False), "submitted_at", now)
    return {
        "template": "op/dashboard/weeks.html",
        "title": _("Documents per week"),
        "note": _("last 8 weeks, price lists and promotions"),
        "bars": bars(counts) if any(count for _label, count in counts) else None,
        "nothing": _("No document was submitted in these weeks."),
    }
