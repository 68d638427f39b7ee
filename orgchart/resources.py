"""How departments, positions and areas of work come in and out of files."""

from django.conf import settings
from django.utils import translation
from import_export.fields import Field

from opsadmin.core.transfer import CodeWidget, MasterResource
from orgchart.changes.rows import ImportedRows
from orgchart.models import Area, Department, Position


class StructureResource(MasterResource):
    """A file of rows that the log knows: its rows are judged one by one, and make one set together."""

    def before_import(self, dataset, **kwargs):
        self.imported = ImportedRows(by=self.user)

    def do_instance_save(self, instance, is_create):
        self.imported.save(instance)

    def after_import(self, dataset, result, **kwargs):
        with translation.override(settings.LANGUAGE_CODE):
            self.imported.record(str(self._meta.model._meta.verbose_name_plural))


class NodeResource(StructureResource):
    """A node may name a parent that stands further up in the same file."""

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
            *("code", "title", "grade", "department", "parent", "head", "order"),
            *("plan_min", "plan_max", "plan_note", "tentative", "status", "source_ref", "guessed"),
        ]


class AreaResource(MasterResource):
    class Meta:
        model = Area
        import_id_fields = ["code"]
        fields = ["code", "name", "order"]
