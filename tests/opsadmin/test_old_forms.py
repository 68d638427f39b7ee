"""Forms as another version of the program showed them: fields missing, renamed or unknown. Understood, or refused."""

import html
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse

from approvals.models import Decision, Document, Task
from opsadmin.core.models import Job, User
from opsadmin.core.screens import SCREENS
from opsadmin.core.stale import NOT_ASKED
from opsadmin.roles import BY_CODE
from orgchart.models import Finding
from tests.opsadmin.test_urls_by_role import changes_of_the_organisation, known
from tests.opsadmin.walked import PASSWORD, walked_company

pytestmark = pytest.mark.django_db

BUTTONS = {"submit", "button", "file", "reset", "image"}


class Forms(HTMLParser):
    """The forms of a page that are sent by POST: (action, {name: value as the page shows it}, names of hidden ones).

    ``boxes`` are the names that a browser leaves out where nothing is ticked.
    """

    def __init__(self):
        super().__init__()
        self.found, self.boxes, self.values, self.hidden, self.open = [], set(), None, None, None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name = attrs.get("name")
        if tag == "form" and attrs.get("method", "").lower() == "post":
            self.values, self.hidden = {}, set()
            self.found.append((attrs.get("action", ""), self.values, self.hidden))
        elif self.values is None or not name and tag != "option":
            return
        elif tag == "input" and attrs.get("type") not in BUTTONS and name != "csrfmiddlewaretoken":
            if attrs.get("type") in {"checkbox", "radio"}:
                self.boxes.add(name)
            if name not in self.boxes or "checked" in attrs:
                self.values[name] = attrs.get("value", "")
            if attrs.get("type") == "hidden":
                self.hidden.add(name)
        elif tag in {"select", "textarea"}:
            self.values[name], self.open = "", name
        elif tag == "option" and self.open and ("selected" in attrs or not self.values[self.open]):
            self.values[self.open] = attrs.get("value", "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.values = None


@pytest.fixture(scope="module")
def world(rolled_back):
    """Return a client of somebody who may do everything, in a company where each form has something to decide."""
    known.cache_clear()
    walked_company()
    changes_of_the_organisation()
    everyone = User.objects.get(username="general")
    everyone.groups.add(*Group.objects.filter(name__in=BY_CODE))
    everyone.set_password(PASSWORD)
    everyone.save()
    Task.objects.filter(state="open").update(assignee=everyone)
    Job.objects.update(created_by=everyone)
    Document.objects.filter(state="draft").update(drafted_by=everyone)
    Finding.objects.filter(pk=Finding.objects.first().pk).update(severity="block")
    client = Client(raise_request_exception=False)
    client.force_login(everyone, backend="opsadmin.backends.AccountBackend")
    return client


def old_shapes(values, hidden):
    """Yield the form with the names of another version, and without each of the fields that nobody sees."""
    yield "other names", {f"old_{name}": value for name, value in values.items()}
    for name in hidden:
        yield f"without {name}", without(name, values)


def without(name, values):
    return {other: value for other, value in values.items() if other != name}


def sent(client, url, data):
    """Return the answer to a form that is sent and then taken back, the end of a session too."""
    cookies = client.cookies.copy()
    with transaction.atomic():
        answer = client.post(url, data)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def screens(name):
    """Whether an address is a screen of ours."""
    return name.removeprefix("admin:") in {screen for _route, screen, _view in SCREENS}


def everything(name):
    """Whether an address has forms that do not end one's own session."""
    return not name.endswith("password_change")


def forms_of(client, wanted):
    """Return {address: (values, hidden names)} of every form, and of the addresses that are only posted to."""
    found = {}
    for name, url in known().items():
        if not wanted(name):
            continue
        answer = client.get(url)
        if answer.status_code == 405:
            found.setdefault(url, ({}, set()))
        elif answer.status_code == 200 and not answer.streaming and b"<form" in answer.content:
            parser = Forms()
            parser.feed(answer.content.decode())
            for action, values, hidden in parser.found:
                if not found.get(action or url, ({},))[0]:
                    found[action or url] = (values, hidden)
    return found


@pytest.mark.parametrize("names", [screens, pytest.param(everything, marks=pytest.mark.soak)])
def test_no_form_of_another_version_meets_a_fault_of_the_system(world, names):
    forms = forms_of(world, names)
    assert len(forms) > 60
    broken = []
    for url, (values, hidden) in forms.items():
        for shape, data in old_shapes(values, hidden):
            status = sent(world, url, data).status_code
            if status >= 500:
                broken.append((url, shape, status))
    assert broken == []
    assert world.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize(
    "model",
    [
        "orgchart_position",
        "stores_store",
        *(
            pytest.param(name, marks=pytest.mark.soak)
            for name in ("staffing_employee", "staffing_assignment", "stores_sku")
        ),
    ],
)
def test_a_page_that_did_not_ask_for_a_field_does_not_empty_it(world, model):
    url = known()[f"admin:{model}_change"]
    parser = Forms()
    parser.feed(world.get(url).content.decode())
    values = next(values for _action, values, hidden in parser.found if "seen" in hidden)
    assert str(NOT_ASKED) not in told(sent(world, url, values))
    asked = [name for name in values if name != "seen" and name not in parser.boxes and name[0] != "_"]
    assert len(asked) > 1
    for name in asked:
        assert str(NOT_ASKED) in told(sent(world, url, without(name, values))), name


def told(answer):
    return html.unescape(answer.content.decode())


@pytest.mark.parametrize("missing", ["content_hash", "verdict", "password"])
def test_a_decision_that_lacks_a_field_decides_nothing_and_says_so(world, missing):
    task = Task.objects.filter(state="open", step__kind="sign", document__kind="price_list").first()
    data = {
        "content_hash": task.document.content_hash,
        "verdict": "sign",
        "password": PASSWORD,
        "of_old": "1",
    }
    data.pop(missing)
    before = Decision.objects.count()
    answer = world.post(reverse("admin:review_decide", args=[task.pk]), data, follow=True)
    assert Decision.objects.count() == before
    assert 'role="alert"' in answer.content.decode()
