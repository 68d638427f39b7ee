from staffing.models.delegation import Delegation
from staffing.models.plans import Measure, Milestone, Objective, PlanState, WorkPlan
from staffing.models.roles import PositionRole, RoleGrant
from staffing.models.staff import Account, Assignment, AssignmentKind, Employee, StoreCharge, StoreDuty

__all__ = [
    "Account",
    "Assignment",
    "AssignmentKind",
    "Delegation",
    "Employee",
    "Measure",
    "Milestone",
    "Objective",
    "PlanState",
    "PositionRole",
    "RoleGrant",
    "StoreCharge",
    "StoreDuty",
    "WorkPlan",
]
