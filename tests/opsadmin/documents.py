"""Documents on their way, written straight into the tables: for lists that must not care how many there are."""

from datetime import timedelta

from django.utils import timezone

from approvals.models import (
    Document,
    Flow,
    FlowStep,
    FlowVersion,
    PriceList,
    Process,
    Step,
    Task,
)


def flow_step(kind="sign", name="审核签字"):
    """Return a step of a flow for price lists, made if there is none."""
    flow, _made = Flow.objects.get_or_create(
        kind="price_list", defaults={"code": "price-list", "name": "价格表流程"}
    )
    version = FlowVersion.objects.filter(flow=flow).first()
    version = version or FlowVersion.objects.create(flow=flow, number=1, state="draft")
    found = FlowStep.objects.filter(version=version, kind=kind).first()
    order = FlowStep.objects.filter(version=version).count() + 1
    return found or FlowStep.objects.create(
        version=version, order=order, kind=kind, name=name, assignee_kind="role", assignee="ecommerce_manager"
    )


def price_list(number, *, by, state="in_approval", title="价格表", kind="regular", **fields):
    """Return a price list as it stands after a submission, without lines."""
    now = timezone.now()
    return PriceList.objects.create(
        number=number,
        kind="price_list",
        list_kind=kind,
        title=title,
        state=state,
        drafted_by=by,
        submitted_by=by,
        submitted_at=fields.pop("submitted_at", now),
        content_hash="0" * 64,
        archive_number=f"GD-{number[3:]}" if state in {"filed", "done"} else "",
        effective_from=fields.pop("effective_from", now + timedelta(days=7)),
        **fields,
    )


def open_task(
    document, assignee, *, due=timedelta(days=2), waited=timedelta(hours=17), kind="sign", store=None
):
    """Return an open task of the account in the document's process, which is made on the way."""
    now = timezone.now()
    step_of_flow = flow_step(kind)
    process, _made = Process.objects.get_or_create(
        document=Document.objects.get(pk=document.pk),
        round=1,
        defaults={
            "flow_version": step_of_flow.version,
            "submitted_by": document.submitted_by,
            "submitter": {"name": "", "position": "产品策略专员", "department": "产品策略部"},
            "content_hash": document.content_hash,
            "started_at": now - waited,
        },
    )
    step, _made = Step.objects.get_or_create(
        process=process,
        order=step_of_flow.order,
        defaults={
            "flow_step": step_of_flow,
            "kind": kind,
            "name": step_of_flow.name,
            "quorum": "any",
            "state": "active",
            "opened_at": now - waited,
        },
    )
    return Task.objects.create(
        step=step,
        document_id=document.pk,
        store=store,
        assignee=assignee,
        because="岗位：电商经理",
        state="open",
        opened_at=now - waited,
        due_at=None if due is None else now + due,
    )
