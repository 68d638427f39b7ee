"""The store team: stores × duties, who answers and who stands in, where nobody does, and how much each person carries.

A gap is counted in stores that we run ourselves and that trade; the others are being prepared.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from staffing.models import Employee, StoreCharge, StoreDuty
from stores.models import Store, StoreMode, StoreStatus

EMPTY, SEVERAL, NO_RESERVE, FULL, PREPARING = "empty", "several", "no_reserve", "full", "preparing"
SUGGESTED = 2


@dataclass
class Cell:
    """``duty`` None stands for the store as a whole. ``ended`` is who answered last, and until when."""

    store: Store
    duty: StoreDuty | None
    mains: list = field(default_factory=list)
    reserves: list = field(default_factory=list)
    ended: tuple | None = None

    @property
    def state(self):
        if not counts(self.store):
            return PREPARING
        if not self.mains:
            return EMPTY
        if len(self.mains) > 1 and self.store.platform.needs_dedicated_person:
            return SEVERAL
        return FULL if self.reserves else NO_RESERVE

    @property
    def gap(self):
        return self.state in (EMPTY, SEVERAL)

    @property
    def grave(self):
        """A gap where the mall wants one person to answer alone is graver than another."""
        return self.gap and self.store.platform.needs_dedicated_person

    @property
    def key(self):
        return f"{self.store.pk}-{self.duty.pk if self.duty else 0}"


@dataclass
class Line:
    store: Store
    cells: list

    @property
    def gaps(self):
        return sum(cell.gap for cell in self.cells)

    @property
    def without_reserve(self):
        return any(cell.state == NO_RESERVE for cell in self.cells)

    @property
    def counted(self):
        return counts(self.store)


def counts(store):
    return store.mode == StoreMode.SELF_OPERATED and store.status == StoreStatus.TRADING


@dataclass
class Load:
    """What one employee answers for in trading stores: ``cells`` as main, ``stores`` of them."""

    employee: Employee
    cells: int = 0
    stores: set = field(default_factory=set)


def team(stores, day):
    """Return (duties, lines, loads) of the given stores on a day; three statements.

    ``loads`` are in the order of how much each carries.
    """
    duties = [None, *StoreDuty.objects.filter(active=True)]
    lines = [
        Line(store, [Cell(store, duty) for duty in duties])
        for store in stores.exclude(status=StoreStatus.CLOSED).select_related("platform", "brand")
    ]
    cells = {(cell.store.pk, cell.duty and cell.duty.pk): cell for line in lines for cell in line.cells}
    loads = {}
    charges = StoreCharge.objects.filter(start__lte=day).select_related("employee")
    for charge in charges.order_by("start", "pk"):
        cell = cells.get((charge.store_id, charge.duty_id))
        if cell is not None:
            take(cell, charge, day, loads)
    return duties, lines, sorted(loads.values(), key=lambda load: (-load.cells, load.employee.number))


def take(cell, charge, day, loads):
    """Enter a charge into its cell and into the load of its person."""
    if charge.end is not None and charge.end <= day:
        if not charge.reserve:
            cell.ended = (charge.employee, charge.end)
        return
    if not charge.employee.active:
        return
    (cell.reserves if charge.reserve else cell.mains).append(charge.employee)
    load = loads.setdefault(charge.employee_id, Load(charge.employee))
    if not charge.reserve and counts(cell.store):
        load.cells += 1
        load.stores.add(cell.store.pk)


def suggestions(cell, line, loads):
    """Return who could take a gap: the reserve first, then people of the same store, the least loaded before others."""
    if cell.mains:
        return cell.mains[:SUGGESTED]
    here = {employee.pk for other in line.cells for employee in (*other.mains, *other.reserves)}
    near = [load.employee for load in reversed(loads) if load.employee.pk in here]
    return list(dict.fromkeys([*cell.reserves, *near]))[:SUGGESTED]


def gaps(lines, loads):
    """Return [(cell, who could take it)], graver ones first."""
    found = [(cell, suggestions(cell, line, loads)) for line in lines for cell in line.cells if cell.gap]
    return sorted(found, key=lambda pair: not pair[0].grave)


def gaps_by_duty(lines, duties):
    """Return how many stores have a gap in each duty, in the order of the duties."""
    sums = defaultdict(int)
    for line in lines:
        for place, cell in enumerate(line.cells):
            sums[place] += cell.gap
    return [sums[place] for place in range(len(duties))]


def assignable(day):
    """Return the active employees who can be chosen: those of the departments that look after stores."""
    homes = StoreCharge.objects.on(day).values("employee__home_department")
    near = Employee.objects.filter(active=True, home_department__in=homes)
    return near if near.exists() else Employee.objects.filter(active=True)


FILTERS = {
    "gaps": lambda line: line.gaps > 0,
    "reserve": lambda line: line.counted and line.without_reserve,
    "preparing": lambda line: not line.counted,
}
