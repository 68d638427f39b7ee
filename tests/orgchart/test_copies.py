"""A department that can be multiplied: copies remember it, drift is found for each, a draft brings one level."""

import pytest
from django.utils import timezone

from opsadmin.core.refusals import Refusal
from orgchart import changes
from orgchart.copies import draft_copy, drift
from orgchart.findings import Case, check
from orgchart.findings.fixes import draft_fix
from orgchart.findings.queue import refresh_findings
from orgchart.models import Area, Department, Finding, Position
from orgchart.state import live_state, state_from
from tests.factories import AssignmentFactory, DepartmentFactory, PositionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def hr():
    return UserFactory(roles=["hr"])


@pytest.fixture
def product():
    """Product 1 below a centre: a head, a designer with a duty and a way up, and a group with a clerk."""
    Area.objects.create(code="listing", name="上架")
    centre = DepartmentFactory(code="centre", kind="centre")
    lead = PositionFactory(code="chief", department=centre, head=True)
    product = DepartmentFactory(code="product", name="产品1部", parent=centre, cloneable=True)
    head = PositionFactory(code="head", title="经理", department=product, head=True, parent=lead)
    designer = PositionFactory(code="designer", title="设计", department=product, parent=head, plan_max=2)
    group = DepartmentFactory(code="group", name="选品组", parent=product, kind="group")
    PositionFactory(code="clerk", title="专员", department=group, parent=designer, plan_max=1)
    duty = {"position": "designer", "number": 1, "text": "上架新品", "area": "listing"}
    way = {"from": "designer", "kind": "promotes_to", "to": "head"}
    changes.apply_now(
        [changes.wanted("duty", None, "create", duty), changes.wanted("link", None, "create", way)]
    )
    return product


@pytest.fixture
def copy(product, hr):
    draft = draft_copy(product, by=hr, name="产品2部", effective_on=timezone.localdate())
    changes.submit(draft, by=hr)
    changes.schedule(draft, by=None)
    return Department.objects.get(name="产品2部")


def edit(entity, key, values=None, op="set"):
    changes.apply_now([changes.wanted(entity, key, op, values)])


def differences(copy):
    return {(one.key, tuple(one.fields)) for one in drift(live_state(), copy.code)}


def test_a_copy_has_the_same_posts_groups_duties_and_ways_and_remembers_them(product, copy):
    assert (copy.parent, copy.copied_from, copy.cloneable) == (product.parent, product, False)
    posts = {row.copied_from.code: row for row in Position.objects.filter(code__endswith="-2")}
    assert posts.keys() == {"head", "designer", "clerk"}
    assert posts["head"].parent.code == "chief"
    assert posts["clerk"].parent == posts["designer"]
    assert posts["clerk"].department.parent == copy
    assert [duty.text for duty in posts["designer"].duty_set.all()] == ["上架新品"]
    assert [link.target for link in posts["designer"].links.all()] == [posts["head"]]
    assert drift(live_state(), copy.code) == []
    assert changes.past_state(timezone.localdate()) == live_state()


def test_only_what_can_be_multiplied_is_copied_and_under_a_name_of_its_own(product, hr):
    for department, name in ((product.parent, "x"), (product, " "), (product, "产品1部")):
        with pytest.raises(Refusal):
            draft_copy(department, by=hr, name=name)


def test_a_later_change_of_either_is_drift_of_the_copy(product, copy):
    edit("position", "designer", {"plan_max": 3, "title": "主设计"})
    edit("position", "clerk-2", {"parent": "head-2"})
    edit("duty", "p:designer/1", op="delete")
    place = {"title": "文案", "department": "product", "parent": "head"}
    edit("position", "writer", place, op="create")
    edit("position", "extra", place | {"title": "仓管", "department": copy.code}, op="create")
    assert differences(copy) == {
        (("position", "designer"), ("title", "plan_max")),
        (("position", "clerk"), ("parent",)),
        (("duty", "p:designer/1"), ()),
        (("position", "writer"), ()),
        (("position", "extra"), ()),
    }


def test_the_superior_outside_and_the_name_are_the_copys_own(copy):
    edit("position", "head-2", {"parent": None})
    edit("department", copy.code, {"name": "新品部", "parent": None})
    assert differences(copy) == set()


def test_each_copy_that_drifted_is_a_finding_that_names_what_differs(product, copy, hr):
    assert check(Case(live_state()), ["copy_drifted"]) == []
    edit("position", "designer", {"plan_max": 3})
    (found,) = check(Case(live_state()), ["copy_drifted"])
    assert (found.keys, found.measured) == ((copy.code,), 1)
    assert found.evidence["lines"][0]["words"] == ["3 → 2"]
    other = draft_copy(product, by=hr, name="产品3部", effective_on=timezone.localdate())
    changes.schedule(changes.submit(other, by=hr), by=None)
    assert [one.keys for one in check(Case(live_state()), ["copy_drifted"])] == [(copy.code,)]


def test_a_draft_brings_a_copy_level_again(product, copy, hr):
    edit("position", "designer", {"plan_max": 3})
    edit("position", "clerk-2", {"parent": "head-2"})
    edit("duty", "p:designer/1", op="delete")
    place = {"title": "文案", "department": "product", "parent": "head"}
    edit("position", "writer", place, op="create")
    edit("position", "extra", place | {"title": "仓管", "department": copy.code}, op="create")
    refresh_findings()
    draft = draft_fix(Finding.objects.get(rule="copy_drifted"), 0, by=hr)
    seen = changes.preview(draft)
    assert seen.faults == [] and drift(seen.after, copy.code) == []
    assert seen.after.positions["extra"]["status"] == "closed"
    assert seen.after.positions["writer-2"]["copied_from"] == "writer"


def test_a_post_that_the_original_never_had_is_not_closed_over_its_holder(copy, hr):
    edit("position", "extra", {"title": "仓管", "department": copy.code, "parent": "head-2"}, op="create")
    AssignmentFactory(position=Position.objects.get(code="extra"))
    refresh_findings()
    with pytest.raises(Refusal, match="still held by 1 people"):
        draft_fix(Finding.objects.get(rule="copy_drifted"), 0, by=hr)


def test_what_was_kept_before_copies_were_known_reads_as_no_copy(product):
    tables = {
        entity: {key: {n: v for n, v in row.items() if n != "copied_from"} for key, row in rows.items()}
        for entity, rows in live_state().as_tables().items()
    }
    assert state_from(tables) == live_state()


def test_nothing_is_copied_from_itself_however_many_stand_between(product):
    itself = {"name": "N", "kind": "group", "parent": None, "copied_from": "n"}
    with pytest.raises(Refusal, match="cannot be a copy of itself"):
        changes.apply_now([changes.wanted("department", "n", "create", itself)])
    one, two = itself | {"copied_from": "two"}, itself | {"copied_from": "one"}
    with pytest.raises(Refusal, match="cannot be a copy of itself"):
        changes.apply_now(
            [
                changes.wanted("department", "one", "create", one),
                changes.wanted("department", "two", "create", two),
            ]
        )
    changes.apply_now([changes.wanted("department", "group", "set", {"copied_from": "centre"})])
    changes.apply_now([changes.wanted("department", "centre", "set", {"copied_from": "product"})])
    with pytest.raises(Refusal, match="cannot be a copy of itself"):
        changes.apply_now([changes.wanted("department", "product", "set", {"copied_from": "group"})])
