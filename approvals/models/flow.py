"""Flows: how they are defined (Flow, FlowVersion, FlowStep) and how one document walks one (Process, Step, Task)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.models.document import Document, DocumentKind
from approvals.querysets import TaskQuerySet
from stores.models import Store


class StepKind(models.TextChoices):
    REVIEW = "review", _("review")
    SIGN = "sign", pgettext_lazy("step", "sign")
    FILE = "file", pgettext_lazy("step", "file")
    COMPLETE = "complete", _("complete details")
    EXECUTE = "execute", _("carry out in stores")
    INFORM = "inform", _("inform")


class AssigneeKind(models.TextChoices):
    ROLE = "role", _("role")
    POSITION = "position", pgettext_lazy("job", "position")
    DEPARTMENT_HEAD = "department_head", _("head of department")
    SUPERIOR = "superior", _("submitter's superior")
    STORE_CHARGE = "store_charge", _("in charge of the store")
    PERSON = "person", _("named account")
    CHOSEN = "chosen", _("chosen by the submitter")


class Quorum(models.TextChoices):
    ANY = "any", _("any of them")
    ALL = "all", _("all of them")
    SOME = "some", _("a number of them")
    IN_ORDER = "in_order", _("one after the other")


class Flow(models.Model):
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind of document"), max_length=20, choices=DocumentKind.choices, unique=True)

    class Meta:
        verbose_name = _("flow")
        verbose_name_plural = _("flows")

    def __str__(self):
        return self.name


class FlowVersionState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("flow", "draft")
    IN_USE = "in_use", pgettext_lazy("flow", "in use")
    RETIRED = "retired", pgettext_lazy("flow", "retired")


class FlowVersion(models.Model):
    """A version never changes once it has been in use: documents on their way keep theirs."""

    flow = models.ForeignKey(Flow, models.PROTECT, related_name="versions", verbose_name=_("flow"))
    number = models.PositiveIntegerField(_("version"))
    state = models.CharField(
        _("state"), max_length=10, choices=FlowVersionState.choices, default=FlowVersionState.DRAFT
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("published by"),
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)

    class Meta:
        verbose_name = _("flow version")
        verbose_name_plural = _("flow versions")
        ordering = ["flow", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["flow", "number"], name="flow_version_number_once"),
            models.UniqueConstraint(
                fields=["flow"], condition=Q(state="in_use"), name="flow_one_version_in_use"
            ),
        ]

    def __str__(self):
        return f"{self.flow} · {self.number}"


class FlowStep(models.Model):
    """One step of a version.

    ``condition`` is empty (always) or ``{"fact": name, "above": number}`` over the facts of approvals.flow.routing.
    ``fields`` names what a ``complete`` step fills. ``days_before`` counts working days back from the effective time.
    """

    version = models.ForeignKey(FlowVersion, models.CASCADE, related_name="steps", verbose_name=_("version"))
    order = models.PositiveSmallIntegerField(_("order"))
    kind = models.CharField(_("kind"), max_length=12, choices=StepKind.choices)
    name = models.CharField(_("name"), max_length=60)
    assignee_kind = models.CharField(_("who"), max_length=20, choices=AssigneeKind.choices)
    assignee = models.CharField(
        _("which"),
        max_length=60,
        blank=True,
        help_text=_("Code of the role, position, department or account."),
    )
    level = models.PositiveSmallIntegerField(
        _("level"), default=1, help_text=_("For superiors: 1 is the next.")
    )
    quorum = models.CharField(_("how many"), max_length=10, choices=Quorum.choices, default=Quorum.ANY)
    quorum_number = models.PositiveSmallIntegerField(_("number needed"), default=1)
    condition = models.JSONField(_("only if"), default=dict, blank=True)
    edits_lines = models.BooleanField(_("may change and strike lines"), default=False)
    fields = models.JSONField(_("fields to complete"), default=list, blank=True)
    days_before = models.PositiveSmallIntegerField(_("working days before effect"), default=1)
    fallback_kind = models.CharField(
        _("if nobody: who"), max_length=20, choices=AssigneeKind.choices, blank=True
    )
    fallback = models.CharField(_("if nobody: which"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("flow step")
        verbose_name_plural = _("flow steps")
        ordering = ["version", "order"]
        constraints = [
            models.UniqueConstraint(fields=["version", "order"], name="flow_step_order_once"),
            models.CheckConstraint(name="flow_step_kind_known", condition=Q(kind__in=StepKind.values)),
        ]

    def __str__(self):
        return self.name


class ProcessState(models.TextChoices):
    OPEN = "open", pgettext_lazy("process", "open")
    PASSED = "passed", pgettext_lazy("process", "passed")
    SENT_BACK = "sent_back", pgettext_lazy("process", "sent back")
    WITHDRAWN = "withdrawn", pgettext_lazy("process", "withdrawn")


class Process(models.Model):
    """One round of a document through one version of its flow."""

    document = models.ForeignKey(
        Document, models.PROTECT, related_name="processes", verbose_name=_("document")
    )
    round = models.PositiveSmallIntegerField(_("round"))
    flow_version = models.ForeignKey(
        FlowVersion, models.PROTECT, related_name="processes", verbose_name=_("flow version")
    )
    state = models.CharField(
        _("state"), max_length=10, choices=ProcessState.choices, default=ProcessState.OPEN
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("submitted by")
    )
    submitter = models.JSONField(_("submitter of the day"), default=dict)
    content_hash = models.CharField(_("content digest"), max_length=64)
    chosen = models.JSONField(_("chosen by the submitter"), default=dict, blank=True)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        ordering = ["document", "round"]
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=Q(state="open"), name="process_one_open_per_document"
            ),
            models.UniqueConstraint(fields=["document", "round"], name="process_one_per_round"),
        ]

    def __str__(self):
        return f"{self.document_id}/{self.round}"


class StepState(models.TextChoices):
    WAITING = "waiting", pgettext_lazy("step", "waiting")
    ACTIVE = "active", pgettext_lazy("step", "active")
    DONE = "done", pgettext_lazy("step", "done")
    SKIPPED = "skipped", pgettext_lazy("step", "skipped")
    STOPPED = "stopped", pgettext_lazy("step", "stopped")


class Step(models.Model):
    """A copy of a flow step for one process: later edits of the flow do not reach it."""

    process = models.ForeignKey(Process, models.PROTECT, related_name="steps", verbose_name=_("process"))
    flow_step = models.ForeignKey(FlowStep, models.PROTECT, related_name="+", verbose_name=_("flow step"))
    order = models.PositiveSmallIntegerField(_("order"))
    kind = models.CharField(_("kind"), max_length=12, choices=StepKind.choices)
    name = models.CharField(_("name"), max_length=60)
    quorum = models.CharField(_("how many"), max_length=10, choices=Quorum.choices)
    quorum_number = models.PositiveSmallIntegerField(_("number needed"), default=1)
    edits_lines = models.BooleanField(_("may change and strike lines"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=StepState.choices, default=StepState.WAITING)
    because = models.CharField(_("why this step"), max_length=200, blank=True)
    due_at = models.DateTimeField(_("latest safe moment"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["process", "order"]
        constraints = [
            models.UniqueConstraint(fields=["process", "order"], name="step_order_once"),
            models.CheckConstraint(name="step_state_known", condition=Q(state__in=StepState.values)),
        ]

    def __str__(self):
        return self.name


class TaskState(models.TextChoices):
    PLANNED = "planned", pgettext_lazy("task", "planned")
    OPEN = "open", pgettext_lazy("task", "open")
    DONE = "done", pgettext_lazy("task", "done")
    CLOSED = "closed", pgettext_lazy("task", "closed without a decision")


class Task(models.Model):
    """What one account has to do in a step: decided once, by nobody else.

    ``because`` is the sentence "why you"; ``principal`` is set while the account acts for somebody.
    """

    step = models.ForeignKey(Step, models.PROTECT, related_name="tasks", verbose_name=_("step"))
    document = models.ForeignKey(Document, models.PROTECT, related_name="tasks", verbose_name=_("document"))
    store = models.ForeignKey(
        Store, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("store")
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="tasks", verbose_name=_("assignee")
    )
    principal = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("acting for"),
    )
    order = models.PositiveSmallIntegerField(_("order"), default=1)
    because = models.CharField(_("why this person"), max_length=200)
    state = models.CharField(_("state"), max_length=10, choices=TaskState.choices, default=TaskState.PLANNED)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen at"), null=True, blank=True)
    due_at = models.DateTimeField(_("latest safe moment"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["due_at", "pk"]
        indexes = [
            models.Index(
                fields=["assignee", "due_at", "id"], name="task_open_by_due", condition=Q(state="open")
            ),
            models.Index(fields=["assignee", "-closed_at"], name="task_closed_by_assignee"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["step", "assignee", "store"], name="task_once_per_person", nulls_distinct=False
            ),
            models.CheckConstraint(name="task_state_known", condition=Q(state__in=TaskState.values)),
        ]

    def __str__(self):
        return f"{self.step} · {self.assignee}"
