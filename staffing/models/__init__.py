from staffing.models.delegation import Delegation
from staffing.models.roles import PositionRole, RoleGrant
from staffing.models.staff import Account, Assignment, AssignmentKind, Employee, StoreCharge, StoreDuty

__all__ = [
    "Account",
    "Assignment",
    "AssignmentKind",
    "Delegation",
    "Employee",
    "PositionRole",
    "RoleGrant",
    "StoreCharge",
    "StoreDuty",
]
