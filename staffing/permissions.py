"""Who may say who works where."""


def may_put_in_charge(user):
    """Putting somebody in charge of a store opens that store to his or her account."""
    return user.is_active and user.has_perm("staffing.change_storecharge")


def may_map_roles(user):
    """Saying which position carries which role gives that role to whoever holds the position."""
    return user.is_active and user.has_perm("staffing.map_roles")


def may_see_mapped_roles(user):
    return user.is_active and user.has_perm("staffing.view_positionrole")


def may_see_store_team(user):
    """Who answers for what; the stores on the page are those that the account may see."""
    return user.is_active and user.has_perm("stores.view_store")
