"""What an action was about, in words that people search for: a document's number, an account, a master's name."""

from django.apps import apps
from django.core.exceptions import ValidationError
from django.urls import NoReverseMatch

# The beginning of an address's name → the model that its key names, and the way to the document's number.
BY_NUMBER = (
    ("review", "approvals.Task", "document__number"),
    ("execute", "approvals.Task", "document__number"),
    ("receipt", "approvals.Receipt", "document__number"),
    ("attachment", "approvals.Attachment", "document__number"),
    ("import", "approvals.LineImport", "document__number"),
    ("document", "approvals.Document", "number"),
    ("draft", "approvals.Document", "number"),
    ("pricelist", "approvals.Document", "number"),
    ("promotion", "approvals.Document", "number"),
    ("reorganisation", "approvals.Document", "number"),
    ("hiring_request", "approvals.Document", "number"),
    ("price_voucher", "approvals.Document", "number"),
)
BY_NAME = (
    ("guard_policy", "approvals.GuardPolicy"),
    ("job", "core.Job"),
    ("finding", "orgchart.Finding"),
    ("org_change", "orgchart.ChangeSet"),
    ("workplan", "staffing.WorkPlan"),
    ("account", "core.User"),
    ("role", "auth.Group"),
)
KEYS = ("pk", "object_id", "id")
# A new import is asked for by its document.
OF_THE_DOCUMENT = {"import_new"}


def about(match):
    """Return the object of a request in words, at most one statement; blank for lists and for what is new."""
    if match is None:
        return ""
    given = match.kwargs
    if "number" in given:
        return str(given["number"])
    key = next((given[name] for name in KEYS if name in given), None)
    if key is None:
        return " ".join(str(value) for value in given.values() if not isinstance(value, bool))
    name = (match.view_name or "").removeprefix("admin:")
    try:
        return named(name, key) or f"{name} {key}"
    except (ValueError, OverflowError, ValidationError, NoReverseMatch):
        return f"{name} {key}"


def named(name, key):
    if name in OF_THE_DOCUMENT:
        return number_of("approvals.Document", key, "number")
    for beginning, label, path in BY_NUMBER:
        if name.startswith(beginning):
            return number_of(label, key, path)
    model = model_of_the_admin(name) or model_by_name(name)
    found = model._default_manager.filter(pk=key).first() if model else None
    return f"{model._meta.verbose_name} {found}" if found is not None else ""


def number_of(label, key, path):
    return apps.get_model(label).objects.filter(pk=key).values_list(path, flat=True).first()


def model_by_name(name):
    return next((apps.get_model(label) for beginning, label in BY_NAME if name.startswith(beginning)), None)


def model_of_the_admin(name):
    """Return the model behind an address of Django's admin, as in ``stores_store_change``."""
    head, _sign, _verb = name.rpartition("_")
    app, _sign, model = head.partition("_")
    if name == "auth_user_password_change":
        app, model = "core", "user"
    try:
        return apps.get_model(app, model)
    except LookupError:
        return None
