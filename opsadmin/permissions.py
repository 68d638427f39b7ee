"""Questions of the top floor: what navigation and dashboard show to whom."""


def may_view(user, model):
    """Say whether the account may open the stock list of a model, named as in ``stores.sku``."""
    app, name = model.split(".")
    return user.has_perm(f"{app}.view_{name}")


def may_staff(user):
    """Human resources: those who join people to positions."""
    return user.has_perm("staffing.add_assignment")


def may_administer(user):
    """The system administrator: accounts, masters and jobs, never a document."""
    return user.has_perm("core.change_user")


def may_read_audit(user):
    """The audit log is for who audits and for who keeps the accounts."""
    return user.is_active and user.has_perm("core.view_auditentry")
