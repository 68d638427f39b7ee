"""The form of a structural row: beside its fields since when the change holds, and why."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from orgchart.changes.applying import judge_now
from orgchart.changes.rows import CHANGE, CORRECTION, item_of

HOW_FIELDS = ("effective_on", "way", "reason")


class StructureForm(forms.ModelForm):
    """``by`` is whoever edits, ``refused`` why saving was refused; the admin sets them on the class of a request."""

    by = None
    refused = ""

    effective_on = forms.DateField(
        label=_("takes effect on"),
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text=_("Empty means today. On a day to come the change takes effect by itself."),
    )
    way = forms.ChoiceField(
        label=_("kind of change"),
        required=False,
        choices=[
            (CHANGE, pgettext_lazy("structure", "Change: it was right before")),
            (CORRECTION, pgettext_lazy("structure", "Correction: the record was wrong since that day")),
        ],
        initial=CHANGE,
        widget=UnfoldAdminRadioSelectWidget,
    )
    reason = forms.CharField(
        label=_("reason"), required=False, max_length=300, widget=UnfoldAdminTextInputWidget
    )

    def clean(self):
        cleaned = super().clean()
        day, way = cleaned.get("effective_on"), cleaned.get("way")
        if day and day > clock.today():
            if self.instance.pk is None:
                sentence = _("A new row begins today or earlier; for a later day, draft a reorganisation.")
                self.add_error("effective_on", sentence)
            if way == CORRECTION:
                self.add_error("effective_on", _("A correction is about the past."))
        if way == CORRECTION and not day:
            self.add_error("effective_on", _("Say since which day the record was wrong."))
        return cleaned

    def _post_clean(self):
        """Judge the row by the rules of the structure, so that a refusal is read beside what was typed."""
        super()._post_clean()
        if self.refused:
            self.add_error(None, self.refused)
        if self.errors or self.cleaned_data.get("way") == CORRECTION:
            return
        item = item_of(self.instance)
        try:
            if item:
                day = self.cleaned_data.get("effective_on") or clock.today()
                judge_now([item], by=self.by, day=day)
        except Refusal as refusal:
            self.add_error(None, str(refusal))
        except PermissionDenied:
            self.add_error(None, _("Somebody else looks after this part of the organisation."))
