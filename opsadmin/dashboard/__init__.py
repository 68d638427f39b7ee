"""The dashboard: is anything about to go wrong. Which parts an account sees follows from what it may do."""

from dataclasses import dataclass, field

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from approvals import permissions as approvals_may
from approvals.kinds import PRICE_KINDS
from opsadmin import permissions
from opsadmin.dashboard import archive, people, stores, system, work


def may_decide(user):
    return approvals_may.may_take_part(user) and approvals_may.may_read_all_documents(user)


def may_draft(user):
    return any(approvals_may.may_draft(user, kind) for kind in PRICE_KINDS)


@dataclass(frozen=True)
class View:
    """What one kind of account looks at first: figures in a strip, then cards, each a function of (user, now)."""

    may: object
    figures: tuple
    cards: tuple
    banners: tuple = field(default=())


DOCUMENT_VIEWS = (
    View(
        approvals_may.may_file,
        (
            work.waiting_figure,
            archive.filed_figure,
            archive.duration_figure,
            work.below_cost_figure,
            stores.stale_costs_figure,
            archive.expiring_figure,
        ),
        (work.first_card, archive.last_card, archive.weeks_card, archive.four_card),
        (archive.chain_banner, archive.checkpoints_banner),
    ),
    View(
        may_decide,
        (
            work.waiting_figure,
            work.money_figure,
            stores.done_figure,
            work.review_time_figure,
            work.too_quick_figure,
        ),
        (work.first_card, stores.board_card, stores.mix_card, work.weeks_card),
    ),
    View(
        may_draft,
        (
            work.waiting_figure,
            work.drafts_figure,
            work.sent_back_figure,
            work.in_approval_figure,
            stores.done_figure,
        ),
        (work.mine_card, work.first_card, stores.board_card),
    ),
    View(
        approvals_may.may_take_part,
        (work.waiting_figure, work.overdue_figure, stores.my_stores_figure, stores.done_figure),
        (work.first_card, stores.board_card),
    ),
    View(
        approvals_may.may_verify_archive,
        (archive.filed_figure, archive.duration_figure, work.too_quick_figure, archive.expiring_figure),
        (archive.last_card, archive.weeks_card, archive.four_card, stores.board_card),
        (archive.chain_banner, archive.checkpoints_banner),
    ),
)

OFFICE_VIEWS = (
    View(
        permissions.may_staff,
        (people.plan_figure, people.filled_figure, people.vacant_figure, people.ending_figure),
        (people.vacancies_card, people.ending_card),
    ),
    View(
        permissions.may_administer,
        (system.accounts_figure, system.roleless_figure, system.failed_jobs_figure, system.locked_figure),
        (system.heartbeats_card, system.jobs_card),
        (system.calendar_banner, archive.checkpoints_banner),
    ),
)


def dashboard(request, context):
    """Fill the start page: the first view of documents that fits, and the offices the account holds besides."""
    now = timezone.now()
    views = [view for view in DOCUMENT_VIEWS if view.may(request.user)][:1]
    views += [view for view in OFFICE_VIEWS if view.may(request.user)]
    banners = dict.fromkeys(banner for view in views for banner in view.banners)
    cards = dict.fromkeys(card for view in views for card in view.cards)
    roles = [str(name) for name in role_names(request.user)]
    day = formats.date_format(timezone.localtime(now), _("F j, D"))
    context |= {
        "sub": " · ".join([day, *roles]),
        "banners": built(banners, request.user, now),
        "figures": built(views[0].figures if views else (), request.user, now),
        "cards": built(cards, request.user, now),
    }
    return context


def built(parts, user, now):
    return [found for found in (part(user, now) for part in parts) if found]


def role_names(user):
    """Return the names of the account's roles, in the order of the table of roles."""
    from opsadmin.roles import ROLES

    held = set(user.groups.values_list("name", flat=True))
    return [role.name for role in ROLES if role.code in held]
