"""The queue of findings, the page of a position, disputes and meetings: what each role sees and may do."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from orgchart.findings.queue import refresh_findings
from orgchart.models import ChangeSet, Department, Finding, FindingState, Friction, HandoffStep, Position
from tests.factories import PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
REASON = "The papers copied one list twice; to be split."


@pytest.fixture
def checked(company):
    refresh_findings()


@pytest.fixture
def as_user(client, account):
    def sign_in(name):
        client.force_login(account(name))
        return client

    return sign_in


def two_superiors():
    return Finding.objects.get(rule="two_superiors", evidence__keys=["oc-4-1-4", "oc-4-1-5"])


def statements(client, address):
    with CaptureQueriesContext(
        connection,
    ) as run:
        assert client.get(address).status_code == 200
    return len(run)


def test_the_queue_shows_the_gravest_first_and_marks_the_same_words(checked, as_user):
    page = as_user("hr").get(reverse("admin:findings")).content.decode()
    assert page.index("Post described twice") < page.index("Two superiors") < page.index("No such target")
    page = as_user("hr").get(reverse("admin:finding", args=[two_superiors().pk])).content.decode()
    assert page.count("<mark>媒介专员</mark>") == 2


def test_everybody_reads_and_only_hr_is_offered_to_accept(checked, as_user):
    address = reverse("admin:finding", args=[two_superiors().pk])
    for name, offered in (("hr", True), ("general", False), ("promotion", False), ("auditor", False)):
        page = as_user(name).get(address)
        assert page.status_code == 200
        assert (b'name="reason"' in page.content) == offered


def test_a_block_goes_from_hr_to_the_general_manager(checked, as_user):
    finding = two_superiors()
    values = {"reason": REASON, "until": timezone.localdate() + timedelta(30)}
    as_user("hr").post(reverse("admin:finding_accept", args=[finding.pk]), values)
    finding.refresh_from_db()
    assert finding.state == FindingState.ASKED
    confirm = reverse("admin:finding_confirm", args=[finding.pk])
    assert as_user("hr").post(confirm, {"agreed": "1"}).status_code == 404
    as_user("general").post(confirm, {"agreed": "1"})
    finding.refresh_from_db()
    assert finding.state == FindingState.ACCEPTED


@pytest.mark.parametrize(
    "values", [{}, {"reason": REASON, "until": "soon"}, {"reason": "short", "until": "2030-01-01"}]
)
def test_a_faulty_acceptance_is_told_and_saves_nothing(checked, as_user, values):
    finding = two_superiors()
    answer = as_user("hr").post(reverse("admin:finding_accept", args=[finding.pk]), values)
    assert answer.status_code == 302
    finding.refresh_from_db()
    assert finding.state == FindingState.OPEN


def test_what_mends_a_finding_goes_into_a_draft_and_leaves_the_live_chart(checked, as_user):
    finding = two_superiors()
    answer = as_user("hr").post(reverse("admin:finding_fix", args=[finding.pk]), {"fix": "0"})
    draft = ChangeSet.objects.get(state="draft")
    assert answer.url.endswith(f"?set={draft.pk}")
    assert draft.items.filter(entity="position", after={"parent": "oc-4-1-4"}).count() == 3
    assert Position.objects.get(code="oc-4-1-11").parent is None


@pytest.mark.parametrize("number", ["9", "x", ""])
def test_an_unknown_way_to_mend_is_refused(checked, as_user, number):
    as_user("hr").post(reverse("admin:finding_fix", args=[two_superiors().pk]), {"fix": number})
    assert not ChangeSet.objects.filter(state="draft").exists()


def test_every_offered_way_to_mend_can_be_drafted(checked, as_user):
    from opsadmin.core.models import User
    from orgchart.findings.fixes import draft_fix, fixes_of

    hr = User.objects.get(username="hr")
    for finding in Finding.objects.filter(org_model=None):
        for number in range(len(fixes_of(finding))):
            draft = draft_fix(finding, number, by=hr)
            assert draft.items.exists()
            draft.items.all().delete()


def test_mending_as_proposed_ends_the_finding(checked, as_user):
    from orgchart.changes import schedule

    finding = Finding.objects.get(rule="rotates_to_itself", org_model=None)
    as_user("hr").post(reverse("admin:finding_fix", args=[finding.pk]), {"fix": "0"})
    draft = ChangeSet.objects.get(state="draft")
    ChangeSet.objects.filter(pk=draft.pk).update(effective_on=timezone.localdate())
    schedule(ChangeSet.objects.get(pk=draft.pk), by=None)
    refresh_findings()
    finding.refresh_from_db()
    assert finding.state == FindingState.FIXED


def test_no_finding_is_said_with_the_time_of_the_check(as_user, checked):
    Finding.objects.update(state="fixed", fixed_at=timezone.now())
    page = as_user("hr").get(reverse("admin:findings")).content.decode()
    assert "No findings" in page
    assert timezone.localtime().strftime("%Y-%m-%d") in page


@pytest.mark.parametrize(
    "query", ["?state=x&group=y&of=z", "?state=fixed", "?group=people", "?of=999999", "?of=99999999999"]
)
def test_the_queue_takes_any_words_in_its_address(checked, as_user, query):
    assert as_user("hr").get(reverse("admin:findings") + query).status_code == 200


def test_the_queue_costs_the_same_however_long_it_is(checked, as_user):
    client = as_user("hr")
    long = statements(client, reverse("admin:findings"))
    Finding.objects.filter(org_model=None).exclude(pk=Finding.objects.filter(org_model=None)[0].pk).delete()
    assert statements(client, reverse("admin:findings")) == long


def test_the_page_of_a_position_shows_targets_that_do_not_exist(checked, as_user):
    page = as_user("service").get(reverse("admin:position_page", args=["oc-4-1-5"])).content.decode()
    assert "企划总监" in page
    assert page.count("No such position") == 2
    assert "To itself" in page
    assert "Two superiors" in page


def test_every_position_has_its_page(checked, as_user):
    client = as_user("hr")
    for code in Position.objects.values_list("code", flat=True):
        assert client.get(reverse("admin:position_page", args=[code])).status_code == 200, code
    assert client.get(reverse("admin:position_page", args=["nobody"])).status_code == 404


def test_a_position_costs_the_same_with_more_reports_and_holders(checked, as_user):
    client, address = as_user("hr"), reverse("admin:position_page", args=["ec-manager"])
    before = statements(client, address)
    manager = Position.objects.get(code="ec-manager")
    for _number in range(5):
        PositionFactory(department=manager.department, parent=manager)
    assert statements(client, address) == before


def log(client, **changed):
    keys = list(Department.objects.order_by("pk").values_list("pk", flat=True)[:2])
    step = HandoffStep.objects.filter(lost=False).first()
    values = {
        "step": step.pk,
        "kind": "dispute",
        "day": timezone.localdate(),
        "one": keys[1],
        "other": keys[0],
    }
    client.post(reverse("admin:friction_log"), values | {"note": "Who files the list?"} | changed)


def test_hr_logs_a_dispute_and_the_map_shows_the_pair(checked, as_user):
    client = as_user("hr")
    log(client)
    log(client, kind="meeting")
    assert Friction.objects.filter(one__lt=2**31).count() == 2
    page = client.get(reverse("admin:frictions"))
    departments, rows = page.context["heads"], page.context["heat"]
    assert len(departments) == 2
    assert rows[0][1] == [None, (2, 4)]
    assert page.context["by_step"][0]["dispute"] == 1


@pytest.mark.parametrize(
    "changed",
    [{"note": " "}, {"kind": "war"}, {"day": "x"}, {"day": "2999-01-01"}, {"one": "0"}, {"other": "x"}],
)
def test_a_faulty_entry_is_refused(checked, as_user, changed):
    log(as_user("hr"), **changed)
    assert not Friction.objects.exists()


def test_only_hr_logs(checked, as_user):
    log(as_user("manager"))
    assert not Friction.objects.exists()
    assert as_user("manager").get(reverse("admin:frictions")).status_code == 200


def test_no_problem_is_accepted_for_good_with_a_reason_and_a_block_still_needs_a_yes(checked, as_user):
    warning = Finding.objects.filter(severity="warn", org_model=None).first()
    block = two_superiors()
    for row in (warning, block):
        as_user("hr").post(
            reverse("admin:finding_accept", args=[row.pk]), {"no_problem": "1", "reason": REASON}
        )
        row.refresh_from_db()
    assert (warning.state, block.state) == (FindingState.ACCEPTED, FindingState.ASKED)
    refresh_findings(timezone.localdate() + timedelta(9_000))
    warning.refresh_from_db()
    assert warning.state == FindingState.ACCEPTED
    assert b"no problem" in as_user("hr").get(reverse("admin:finding", args=[warning.pk])).content


def test_the_queue_is_exported_as_it_is_filtered_and_no_cell_is_a_formula(checked, as_user):
    row = Finding.objects.filter(state="open", org_model=None).first()
    row.evidence["lines"][0]["name"] = "=HYPERLINK(1)"
    row.save()
    answer = as_user("auditor").get(reverse("admin:findings_export") + "?group=reporting")
    sheet = load_workbook(BytesIO(answer.getvalue())).active
    cells = [cell for line in sheet.iter_rows() for cell in line]
    assert "f" not in {cell.data_type for cell in cells}
    queue = as_user("auditor").get(reverse("admin:findings") + "?group=reporting")
    assert sheet.max_row - 1 == len(queue.context["rows"])


def test_the_panel_beside_the_chart_names_what_was_found_about_a_post(checked, as_user):
    page = as_user("promotion").get(reverse("admin:org_chart_post"), {"id": "p:oc-4-1-11"}).content.decode()
    assert reverse("admin:finding", args=[two_superiors().pk]) in page
