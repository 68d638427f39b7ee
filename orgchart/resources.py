"""How departments and positions come in and out of files."""

from import_export.fields import Field

from opsadmin.core.transfer import CodeWidget, MasterResource
from orgchart.models import Department, Position
from orgchart.services import lock_structure, refuse_circle


class NodeResource(MasterResource):
    """A node may name a parent that stands further up in the same file."""

    def before_import(self, dataset, **kwargs):
        lock_structure()

    def before_save_instance(self, instance, row, **kwargs):
        refuse_circle(instance)

    def after_save_instance(self, instance, row, **kwargs):
        self.fields["parent"].widget.known = None


class DepartmentResource(NodeResource):
    parent = Field("parent", "parent", CodeWidget(Department))

    class Meta:
        model = Department
        import_id_fields = ["code"]
        fields = [
            *("code", "name", "kind", "parent", "order", "supporting", "cloneable", "tentative", "status"),
            *("source_ref", "guessed"),
        ]


class PositionResource(NodeResource):
    department = Field("department", "department", CodeWidget(Department))
    parent = Field("parent", "parent", CodeWidget(Position))

    class Meta:
        model = Position
        import_id_fields = ["code"]
        fields = [
            *("code", "title", "department", "parent", "head", "order", "plan_min", "plan_max", "plan_note"),
            *("tentative", "status", "source_ref", "guessed"),
        ]
