"""Who may say who works where."""


def may_put_in_charge(user):
    """Putting somebody in charge of a store opens that store to his or her account."""
    return user.is_active and user.has_perm("staffing.change_storecharge")
