"""What a page shows of a document besides its lines: figures, severities, route. All from stored results."""

from decimal import Decimal
from math import inf

from django.db.models import Max, Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from approvals.admin.histogram import histogram
from approvals.guards import words
from approvals.guards.policy import limits_in_force
from approvals.kinds import common_header, kind_of
from approvals.models import Severity, Step, StepKind, StepState, Task, TaskState
from stores.models import Store


def fee_rate(document):
    """Return the highest fee rate among the platforms of the document's stores."""
    stores = Store.objects.filter(pk__in=document.scope_stores.values("store"))
    return stores.aggregate(fee=Max("platform__fee_rate"))["fee"] or Decimal(0)


def header_facts(own):
    """Return [(label, value)] of what a kind adds to the header of its documents; what is not filled in is left out."""
    common = common_header(own)
    fields = [own._meta.get_field(name) for name in kind_of(own).header(own) if name not in common]
    found = [(field, getattr(own, field.name)) for field in fields]
    return [(field.verbose_name, fact_words(own, field)) for field, value in found if value not in (None, "")]


def fact_words(own, field):
    """Return one field of a header as people read it."""
    value = getattr(own, field.name)
    if field.choices:
        return getattr(own, f"get_{field.name}_display")()
    if isinstance(value, Decimal):
        return _("%(amount)s yuan") % {"amount": f"{value:,.2f}"}
    return f"{value:,}" if isinstance(value, int) else value


def severities(document):
    """Return per severity its word, its count of hits, and the guards behind it with theirs."""
    hits = (document.summary or {}).get("hits", {})
    counts = {"block": document.block_count, "sign": document.sign_count, "warn": document.warn_count}
    rows = []
    for severity in ("block", "sign", "warn", "info"):
        by_code = hits.get(severity, {})
        rows.append(
            {
                "severity": severity,
                "word": Severity(severity).label,
                "count": counts.get(severity, document.info_count),
                "codes": [{"title": words.title(code), "count": count} for code, count in by_code.items()],
            }
        )
    return rows


def changes_chart(document):
    """Return the drawing of the changes, with the limits of the policy in force where they hold for the kind (G08)."""
    counts = (document.summary or {}).get("histogram", [])
    if "G08" not in kind_of(document).guards:
        chart = histogram(counts, warn=inf, sign=inf)
        title = _("Distribution of %(n)s changed prices") % {"n": sum(counts)}
        return chart and {**chart, "bands": [], "title": title}
    _version, limits = limits_in_force()
    return histogram(counts, warn=float(limits["G08"]["warn"]), sign=float(limits["G08"]["sign"]))


def route(document, user):
    """Return the document's walk so far and ahead: one entry per submission and step, in order.

    Each has ``state`` (done, now, wait, back, skipped), ``title``, ``who``, ``when`` or ``due``, ``note``, ``quote``.
    """
    tasks = Task.objects.select_related("assignee", "decision")
    steps = (
        Step.objects.filter(process__document=document.pk)
        .select_related("process__submitted_by")
        .prefetch_related(Prefetch("tasks", tasks))
        .order_by("process__round", "order")
    )
    by_process = {}
    for step in steps:
        by_process.setdefault(step.process, []).append(step)
    newest = max((process.round for process in by_process), default=0)
    entries = []
    for process, walked in by_process.items():
        entries.append(submission_entry(process))
        for step in walked:
            if process.round == newest or step.state == StepState.DONE or has_decision(step):
                entries.append(step_entry(step, user))
    return entries


def has_decision(step):
    return any(hasattr(task, "decision") for task in step.tasks.all())


def submission_entry(process):
    return {
        "state": "done",
        "icon": "check",
        "title": _("Submitted"),
        "who": process.submitter.get("name") or str(process.submitted_by),
        "post": process.submitter.get("position", ""),
        "when": process.started_at,
        "note": _("Round %(n)d") % {"n": process.round},
        "quotes": [],
    }


def step_entry(step, user):
    """Return a step as an entry of the route."""
    tasks = list(step.tasks.all())
    decisions = [task.decision for task in tasks if hasattr(task, "decision")]
    entry = {
        "title": step.name,
        "who": "",
        "post": "",
        "when": step.closed_at,
        "due": step.due_at,
        "note": step.because,
        "quotes": [decision.comment for decision in decisions if decision.comment],
        "mine": any(task.assignee_id == user.pk and task.state == TaskState.OPEN for task in tasks),
    }
    if decisions and step.kind != StepKind.EXECUTE:
        entry.update(decided_entry(decisions[-1]))
    else:
        entry.update(waiting_entry(step, tasks))
    return entry


def decided_entry(decision):
    back = decision.verdict == "send_back"
    who = decision.actor_name
    if decision.acting_for:
        who = _("%(who)s for %(principal)s") % {"who": who, "principal": decision.acting_for}
    return {
        "state": "back" if back else "done",
        "icon": "back" if back else "check",
        "who": who,
        "post": decision.actor_position,
        "when": decision.at,
        "note": decision.get_verdict_display(),
    }


def waiting_entry(step, tasks):
    """Return what a step without a decision shows: who is asked, and how far the stores are."""
    states = {
        StepState.ACTIVE: ("now", "user"),
        StepState.WAITING: ("wait", ""),
        StepState.DONE: ("done", "check"),
        StepState.SKIPPED: ("skipped", ""),
        StepState.STOPPED: ("skipped", ""),
    }
    state, icon = states[StepState(step.state)]
    names = list(dict.fromkeys(str(task.assignee) for task in tasks))
    shown = "、".join(names[:4]) + (" …" if len(names) > 4 else "")
    note = step.because
    if step.kind == StepKind.EXECUTE:
        stores = {task.store_id for task in tasks if task.state != TaskState.CLOSED}
        done = {task.store_id for task in tasks if hasattr(task, "decision")}
        note = _("%(done)d of %(all)d stores done") % {"done": len(done), "all": len(stores)}
    if state == "skipped":
        stopped = step.state == StepState.STOPPED
        note = pgettext("step", "not reached") if stopped else pgettext("step", "not needed")
    elif not note and tasks:
        note = tasks[0].because
    return {"state": state, "icon": icon, "who": shown, "note": note}


def position_in_route(entries):
    """Return (place of the current step, number of steps) of the present round."""
    last = max((place for place, entry in enumerate(entries) if "due" not in entry), default=-1)
    steps = [entry for entry in entries[last + 1 :] if entry["state"] != "skipped"]
    now = next((place for place, entry in enumerate(steps, start=1) if entry["state"] == "now"), len(steps))
    return now, len(steps)


def next_task(user, after):
    """Return the next open task of an account by latest safe moment, other than the given one."""
    return Task.objects.waiting_for(user).exclude(pk=after).order_by("due_at", "pk").first()
