"""How employees and assignments come in and out of files."""

from import_export.fields import Field

from opsadmin.core.transfer import CodeWidget, MasterResource
from orgchart.models import Department, Position
from orgchart.resources import StructureResource
from staffing.models import Assignment, Employee


class EmployeeResource(MasterResource):
    home_department = Field("home_department", "home_department", CodeWidget(Department))

    class Meta:
        model = Employee
        import_id_fields = ["number"]
        fields = ["number", "name", "home_department", "active"]


class AssignmentResource(StructureResource):
    """An assignment is found by who, where and since when; a file can end it or change its kind."""

    employee = Field("employee", "employee", CodeWidget(Employee, "number"))
    position = Field("position", "position", CodeWidget(Position))
    from_department = Field("from_department", "from_department", CodeWidget(Department))

    class Meta:
        model = Assignment
        import_id_fields = ["employee", "position", "start"]
        fields = [
            *("employee", "position", "kind", "start", "end", "from_department"),
            *("fte", "handover", "beyond_plan", "note"),
        ]
