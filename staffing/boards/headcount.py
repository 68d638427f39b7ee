"""The headcount board: plan, filled, short and open seats of every post, rolled up over departments.

Somebody who holds a post as primary, seconded or acting fills a seat; a concurrent holder covers it, the seat stays
vacant. A tentative post, and one without numbers, has no approved plan: who holds it counts apart.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache

from django.db.models import Count

from orgchart.admin import plan_in_words
from orgchart.findings.limits import limits
from orgchart.models import Department, OrgStatus, Position
from staffing.headcount import SEATED
from staffing.marks import mark_of
from staffing.models import Assignment, AssignmentKind, Employee

COVERING = (AssignmentKind.CONCURRENT, AssignmentKind.ACTING, AssignmentKind.SECONDED)

POST = (
    *("pk", "code", "title", "department_id"),
    *("plan_min", "plan_max", "plan_note", "tentative", "guessed"),
)


@dataclass(slots=True)
class Seats:
    """``low`` and ``high`` bound the plan; ``extra`` are holders of posts without an approved plan."""

    low: int = 0
    high: int = 0
    filled: int = 0
    short: int = 0
    open: int = 0
    extra: int = 0
    planned: bool = False
    unplanned_posts: int = 0

    def add(self, other):
        self.low += other.low
        self.high += other.high
        self.filled += other.filled
        self.short += other.short
        self.open += other.open
        self.extra += other.extra
        self.unplanned_posts += other.unplanned_posts
        self.planned = self.planned or other.planned

    @property
    def words(self):
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


@dataclass(slots=True)
class Cover:
    """Somebody who stands in: holds the post beside another one, acts, or is seconded."""

    name: str
    kind: str
    since: date
    days: int
    share: int
    department: str
    long: bool


@dataclass(slots=True)
class Row:
    """A department or a post of the board, in the order of the tree; ``above`` are the keys of the rows it is in.

    ``position`` has the fields named in POST; a large company has too many for objects of the model.
    """

    key: str
    name: str
    level: int
    above: tuple
    seats: Seats
    position: tuple | None = None
    tentative: bool = False
    guessed: bool = False
    vacant_since: date | None = None
    vacant_days: int | None = None
    covers: list = field(default_factory=list)
    concurrent: int = 0
    posts: int = 0
    hiring: list = field(default_factory=list)
    hired_for: int = 0

    @property
    def is_post(self):
        return self.position is not None

    @property
    def plan(self):
        return plan_in_words(self.position) if self.position else ""


def seats_of(position, holders):
    """Return the seats of one post, held by so many people."""
    low, high = position.plan_min, position.plan_max
    if position.tentative or low is None and high is None:
        return Seats(extra=holders, unplanned_posts=1)
    low = low or 0
    high = max(low, holders) if high is None else high
    short = max(low - holders, 0)
    return Seats(low, high, holders, short, max(high - max(holders, low), 0), planned=True)


def vacant_since(periods, low, day):
    """Return the day since which fewer than ``low`` of the periods [start, end) hold, None if it was never so many.

    Only the past counts: what begins later is left out.
    """
    steps = defaultdict(int)
    for start, end in periods:
        steps[start] += 1
        if end is not None:
            steps[end] -= 1
    held, since, ever = 0, None, False
    for moment in sorted(steps):
        if moment > day:
            break
        before, held = held, held + steps[moment]
        if before >= low > held:
            since = moment
        ever = ever or held >= low
    return since if ever and held < low else None


def board(day, wanted=None, cover_days=None):
    """Return the rows of the whole company on a day, departments before their posts; one statement, or five.

    ``wanted`` are the open requests for people, by position. A cover lasts too long after ``cover_days``, the limit
    of findings where nothing is said. Each process keeps the rows until one of the tables behind them changes.
    """
    cover_days = limits().cover_days if cover_days is None else cover_days
    rows = board_at(day, cover_days, mark_of(Department, Position, Assignment, Employee))
    return with_requests(rows, wanted) if wanted else rows


def with_requests(rows, wanted):
    """Return the rows with the open requests for people, counted in the departments above; kept rows stay as are."""
    found = {row.key: row for row in rows}
    for position, requests in wanted.items():
        row = found.get(f"p{position}")
        if row is None or not requests:
            continue
        found[row.key] = replace(row, hiring=requests, hired_for=1)
        for key in row.above:
            found[key] = replace(found[key], hired_for=found[key].hired_for + 1)
    return list(found.values())


@lru_cache(maxsize=1)
def board_at(day, cover_days, mark):
    departments = list(Department.objects.without_tree_fields().exclude(status=OrgStatus.CLOSED))
    positions = list(
        Position.objects.without_tree_fields()
        .exclude(status=OrgStatus.CLOSED)
        .order_by("-head", "order", "code")
        .values_list(*POST, named=True)
    )
    seated = Assignment.objects.on(day).filter(kind__in=SEATED, handover=False)
    holders = dict(
        seated.order_by()
        .values_list("position")
        .annotate(n=Count("employee", distinct=True))
        .values_list("position", "n")
    )
    covers = covers_on(day, cover_days)
    seats = {position.pk: seats_of(position, holders.get(position.pk, 0)) for position in positions}
    short = [position for position in positions if seats[position.pk].short]
    return arranged(departments, positions, seats, covers, vacancies(short, day), day)


def covers_on(day, cover_days):
    """Return {position: [Cover]} of those who stand in on a day, and whether for longer than ``cover_days``."""
    found = defaultdict(list)
    rows = Assignment.objects.on(day).filter(kind__in=COVERING).select_related("employee", "from_department")
    for held in rows.order_by("start", "pk"):
        days = (day - held.start).days
        found[held.position_id].append(
            Cover(
                held.employee.name,
                held.kind,
                held.start,
                days,
                int(held.fte * 100),
                held.from_department.name if held.from_department else "",
                held.kind == AssignmentKind.CONCURRENT and days > cover_days,
            )
        )
    return found


def vacancies(positions, day):
    """Return {position: day since which it is short}, for those that were full once."""
    periods = defaultdict(list)
    rows = Assignment.objects.filter(
        position__in=[one.pk for one in positions], kind__in=SEATED, handover=False
    )
    for position, start, end in rows.order_by().values_list("position", "start", "end"):
        periods[position].append((start, end))
    return {position.pk: vacant_since(periods[position.pk], position.plan_min, day) for position in positions}


def arranged(departments, positions, seats, covers, since, day):
    children, posts = defaultdict(list), defaultdict(list)
    known = {department.pk for department in departments}
    for department in departments:
        children[department.parent_id if department.parent_id in known else None].append(department)
    for position in positions:
        posts[position.department_id].append(position)
    rows = []

    def post_row(position, level, above):
        row = Row(
            f"p{position.pk}",
            position.title,
            level,
            above,
            seats[position.pk],
            position,
            position.tentative,
            position.guessed,
            covers=covers.get(position.pk, []),
        )
        row.vacant_since = since.get(position.pk)
        row.vacant_days = (day - row.vacant_since).days if row.vacant_since else None
        row.concurrent = sum(cover.kind == AssignmentKind.CONCURRENT for cover in row.covers)
        return row

    def walk(department, level, above):
        row = Row(f"d{department.pk}", department.name, level, above, Seats())
        row.tentative, row.guessed = department.tentative, department.guessed
        rows.append(row)
        inside = (*above, row.key)
        below = [post_row(position, level + 1, inside) for position in posts[department.pk]]
        rows.extend(below)
        below += [walk(child, level + 1, inside) for child in children[department.pk]]
        for other in below:
            row.seats.add(other.seats)
            row.concurrent += other.concurrent
            row.posts += other.posts or other.is_post
            if other.vacant_days is not None:
                row.vacant_days = max(row.vacant_days or 0, other.vacant_days)
        return row

    for department in children[None]:
        walk(department, 0, ())
    return rows


FILTERS = {
    "short": lambda row: row.seats.short > 0,
    "open": lambda row: row.seats.open > 0,
    "unplanned": lambda row: row.seats.unplanned_posts > 0,
    "cover": lambda row: any(cover.long for cover in row.covers),
    "hiring": lambda row: bool(row.hiring),
}


def narrowed(rows, kind="", words=""):
    """Return the posts that fit, and the departments above them; a department that fits by name keeps its posts."""
    if kind not in FILTERS and not words:
        return rows
    fits = FILTERS.get(kind, lambda row: True)
    words = words.lower()
    named = {row.key for row in rows if words in row.name.lower()}
    hits = [row for row in rows if row.is_post and fits(row) and (not words or named & {row.key, *row.above})]
    kept = {key for row in hits for key in (row.key, *row.above)}
    if kind not in FILTERS:
        kept |= named | {key for row in rows if row.key in named for key in row.above}
    return [row for row in rows if row.key in kept]


def totals(rows):
    """Return the seats of the whole company, and how many concurrent covers there are and how many last too long."""
    seats, covers = Seats(), []
    for row in rows:
        if row.is_post:
            seats.add(row.seats)
            covers += [cover for cover in row.covers if cover.kind == AssignmentKind.CONCURRENT]
    return seats, len(covers), sum(cover.long for cover in covers)
