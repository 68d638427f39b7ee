from orgchart.models.organisation import Department, DepartmentKind, OrgStatus, Position

__all__ = ["Department", "DepartmentKind", "OrgStatus", "Position"]
