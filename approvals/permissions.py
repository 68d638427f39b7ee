"""Who may do what with documents. Each question has a name; has_perm is asked nowhere else."""

from django.db.models import Q

from orgchart.permissions import may_edit_structure
from stores.models import Store
from stores.permissions import may_see_all_stores, may_see_costs

ABOUT_ORGANISATION = ("reorganisation", "hiring_request")
SEEN_TASKS = ("open", "done", "closed")
# So many documents are named one by one in a question.
MOST_NAMED = 1_000


def may_draft(user, kind):
    """Drafting and editing drafts of one kind of document."""
    from approvals.kinds import KINDS

    return KINDS[kind].may_draft(user)


def may_list(user, kind):
    """Opening the list of one kind of document; which documents stand in it, ``visible_to`` says."""
    from approvals.kinds import KINDS

    return user.has_perm(f"approvals.view_{KINDS[kind].model._meta.model_name}") or may_draft(user, kind)


def may_read_reorganisations(user):
    """Changes of the organisation that are being drafted are for who edits it, and for who reads everything."""
    return may_edit_structure(user) or may_read_all_documents(user)


def may_read_all_documents(user):
    return user.has_perm("approvals.read_documents")


def may_take_part(user):
    """Only accounts of a deciding role are given tasks; the administrator and the auditor never are."""
    return user.is_active and user.has_perm("approvals.take_part")


def may_comment(user):
    """Whoever may be asked to decide may say something; the auditor reads, and changes nothing."""
    return may_take_part(user)


def may_open_attachment(user, attachment):
    """The workbook that a document came from may tell costs: it is for who may see them, and for who brought it."""
    return attachment.kind != "source" or may_see_costs(user) or attachment.added_by_id == user.pk


def may_file(user):
    return user.has_perm("approvals.file_documents")


def may_search_archive(user):
    return user.has_perm("approvals.search_archive")


def may_download_archive(user):
    """What is sealed tells cost and floor price too: packages are for those who may see both."""
    return may_search_archive(user) and may_see_costs(user)


def may_verify_archive(user):
    return user.has_perm("approvals.verify_archive")


def may_see_checkpoints(user):
    """Who checks the archive, and who can mend the way to where its checkpoints are kept."""
    return user.has_perm("approvals.view_checkpointtarget")


def may_trace_prices(user):
    return user.has_perm("approvals.trace_prices")


def may_see_limits(user):
    """The limits of the guards are open to those who set, feel or audit them; the navigation asks the same."""
    return user.has_perm("approvals.view_guardpolicy")


def may_change_limits(user):
    return user.has_perm("approvals.propose_guard_policy")


def visible_documents_q(user):
    """Return the filter on Document for what a user may see.

    Readers see all, who edits the organisation all documents about it. Others see what they wrote or have a task
    in; somebody who serves stores sees, of filed documents, those that touch a store in his or her charge.
    """
    if not user.is_active:
        return Q(pk__in=[])
    if may_read_all_documents(user):
        return Q()
    by_kind = Q(kind__in=ABOUT_ORGANISATION) if may_edit_structure(user) else Q()
    mine = Q(authors__user=user) | Q(tasks__assignee=user, tasks__state__in=SEEN_TASKS)
    if may_see_all_stores(user):
        own = own_documents(user)
        if len(own) <= MOST_NAMED:
            return Q(pk__in=own) | by_kind
    else:
        mine |= Q(state__in=["filed", "done"], scope_stores__store__in=Store.objects.visible_to(user))
    from approvals.models import Document

    return Q(pk__in=Document.objects.filter(mine | by_kind).values("pk"))


def own_documents(user):
    """Return the keys of what an account wrote or has a task in, and of not many more than MOST_NAMED; one statement.

    The database cannot guess how many there are, and where they are few it would look through all documents for them.
    """
    from approvals.models import DocumentAuthor, Task

    written = DocumentAuthor.objects.filter(user=user).values_list("document_id")
    given = Task.objects.filter(assignee=user, state__in=SEEN_TASKS).values_list("document_id")
    found = written.order_by().union(given.order_by(), all=True)[: MOST_NAMED + 1]
    return [key for (key,) in found]


def may_see_execution(user):
    """Store execution is for those who take part and see price lists, and for those who read everything."""
    return (may_take_part(user) and may_list(user, "price_list")) or may_read_all_documents(user)


def may_change_flows(user):
    return user.has_perm("approvals.change_flowversion")
