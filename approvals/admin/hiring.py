"""Hiring requests (招聘需求): the list, a new one, and the draft at work."""

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from approvals import permissions
from approvals.admin.document import reading_page, visible_document
from approvals.admin.documentlists import list_context
from approvals.kinds import HIRING_REQUEST, specific
from approvals.models import Document
from approvals.organisation import hiring
from approvals.organisation.reorganising import midnight
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.stale import SeenMixin
from orgchart.models import Position

MOST_CHOICES = 300


def may_list(user):
    return permissions.may_list(user, HIRING_REQUEST.code)


def may_draft(user):
    return permissions.may_draft(user, HIRING_REQUEST.code)


class PositionChoice(forms.ModelChoiceField):
    """A list of positions; where they are too many to list, a field that finds them by title, code or department."""

    def label_from_instance(self, position):
        return f"{position.department} · {position.title}"

    def to_python(self, value):
        code = str(value or "").partition(" ")[0]
        if self.typed and code and not code.isdecimal():
            value = self.queryset.filter(code=code).values_list("pk", flat=True).first() or 0
        return super().to_python(value)

    @property
    def typed(self):
        return isinstance(self.widget, forms.TextInput)

    def let_type(self):
        self.widget = forms.TextInput(
            {"data-find": reverse("admin:position_find"), "autocomplete": "off", "maxlength": 120}
        )


class RequestForm(SeenMixin, forms.Form):
    """A request as it is typed; ``positions`` are those that the asker may ask people for."""

    position = PositionChoice(
        label=pgettext_lazy("job", "Position"), queryset=Position.objects.none(), empty_label="—"
    )
    wanted = forms.IntegerField(label=gettext_lazy("People wanted"), min_value=1, max_value=500, initial=1)
    start = forms.DateField(label=gettext_lazy("From when"), widget=forms.DateInput({"type": "date"}))
    note = forms.CharField(
        label=gettext_lazy("Reason"), max_length=2000, widget=forms.Textarea({"rows": 3}), strip=True
    )
    duties = forms.CharField(
        label=gettext_lazy("Duties wanted"),
        required=False,
        max_length=12_000,
        widget=forms.Textarea({"rows": 6}),
        help_text=gettext_lazy(
            "One on each line. Empty: the duties of the position as they are written down."
        ),
    )

    def __init__(self, *args, positions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["position"].queryset = positions.order_by(
            "department__order", "department__code", "order"
        )
        if positions.order_by()[MOST_CHOICES : MOST_CHOICES + 1].exists():
            self.fields["position"].let_type()
            chosen = self.initial.get("position")
            self.initial["position"] = f"{chosen.code} {chosen.title}" if chosen else ""
        for field in self.fields.values():
            field.widget.attrs["class"] = "op-input"

    def facts(self):
        """Return what the draft is made of."""
        typed = self.cleaned_data
        return {
            "wanted": typed["wanted"],
            "effective_from": midnight(typed["start"]),
            "note": typed["note"],
            "duties": typed["duties"].splitlines(),
        }


@screen("hiring_requests/", "hiring_requests", may=may_list)
def hiring_requests(request):
    return page(
        request,
        "approvals/documentlist.html",
        title=_("Hiring requests"),
        may_draft=may_draft(request.user),
        new_url=reverse("admin:hiring_request_new"),
        new_label=_("New hiring request"),
        empty_title=_("No hiring request here."),
        empty_text=_(
            "A hiring request asks for people on one position: how many, from when, why, and what for."
        ),
        **list_context(request, HIRING_REQUEST),
    )


@screen("hiring_requests/new/", "hiring_request_new", methods=("GET", "POST"), may=may_draft)
def new_request(request):
    positions = hiring.positions_for(request.user)
    chosen = positions.filter(code=request.GET.get("position", "")).first()
    form = RequestForm(request.POST or None, positions=positions, initial={"position": chosen})
    if request.method == "POST" and form.is_valid():
        make = {"by": request.user, "position": form.cleaned_data["position"], **form.facts()}
        document = kept(form, hiring.create_request, **make)
        if document is not None:
            return redirect("admin:hiring_request_submit", document.pk)
    return form_page(request, form, title=_("New hiring request"), nothing=not positions.exists())


def kept(form, write, *args, **facts):
    """Write what was typed, or put beside the form what is refused; returns the document or None."""
    try:
        return write(*args, **facts)
    except ValidationError as invalid:
        form.add_error(None, invalid.messages)
    except Refusal as refusal:
        form.add_error("duties" if refusal.code == "duties" else None, str(refusal))
    return None


def form_page(request, form, *, title, document=None, nothing=False):
    return page(
        request,
        "approvals/hiring_request.html",
        title=title,
        crumbs=[(_("Hiring requests"), reverse("admin:hiring_requests"))],
        form=form,
        document=document,
        nothing=nothing,
        status=422 if form.errors else 200,
    )


@screen("hiring_requests/<int:pk>/", "hiring_request", methods=("GET", "POST"))
def hiring_request(request, pk):
    """The draft of a request; who may not draft, or what is no draft any more, is shown as a document."""
    document = get_object_or_404(Document.objects.visible_to(request.user), pk=pk, kind=HIRING_REQUEST.code)
    own = specific(document)
    positions = Position.objects.filter(pk=own.position_id)
    if not (document.editable and may_draft(request.user)):
        return redirect("admin:document", pk)
    if not hiring.positions_for(request.user).filter(pk=own.position_id).exists():
        return read_only(request, pk)
    form = RequestForm(request.POST or None, positions=positions, initial=initial_of(own))
    valid = request.method == "POST" and form.is_valid()
    if valid and kept(form, hiring.edit_request, pk, by=request.user, **form.facts()) is not None:
        return redirect("admin:hiring_request_submit", pk)
    return form_page(request, form, title=document.title, document=document)


def read_only(request, pk):
    """Show the draft to who may ask for people, but not on this position."""
    if request.method != "GET":
        raise PermissionDenied
    return reading_page(request, visible_document(request.user, pk))


def initial_of(own):
    return {
        "position": own.position_id,
        "wanted": own.wanted,
        "start": timezone.localtime(own.effective_from).date(),
        "note": own.note,
        "duties": "\n".join(own.lines.order_by("row_no").values_list("text", flat=True)),
    }
