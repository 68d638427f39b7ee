"""Verify the archive: exit code 0 if everything is what was sealed, 1 if not, with the first broken part named."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from approvals.archive import checking
from approvals.archive.filing import head_facts, write_checkpoint
from approvals.archive.verify import as_result, verify_archive
from approvals.models import ArchiveRecord
from approvals.permissions import may_verify_archive
from opsadmin.core.models import Job, JobState, User


class Command(BaseCommand):
    help = "Compares everything that was sealed with what is there, and names the first part that differs."

    def add_arguments(self, parser):
        parser.add_argument("--as", dest="account", help="user name of the one who verifies")
        parser.add_argument(
            "--anchor",
            metavar="FILE",
            help="a copy of the checkpoint file that was kept elsewhere; it is believed before the file here",
        )
        parser.add_argument(
            "--trust-from-here",
            action="store_true",
            help="begin a new checkpoint file with the chain as it stands, after the old file was lost",
        )

    def handle(self, *args, account, anchor, trust_from_here, **options):
        by = account and User.objects.filter(username=account, is_active=True).first()
        if account and not (by and may_verify_archive(by)):
            raise CommandError(f"{account} may not verify the archive.")
        if trust_from_here:
            self.begin_checkpoints()
        report = verify_archive(copy=anchor)
        keep(report, by)
        self.stdout.write(
            f"{report.records} records, {report.files} files, {report.decisions} decisions, {report.lines} lines, "
            f"{report.prices} prices in force, {report.rows} sealed rows: {report.seconds} s"
        )
        for one in report.differences:
            self.stderr.write(f"{one.part}: {one.text}")
        if not report.whole:
            raise CommandError(
                f"{report.differing} differences; the first: {report.first.text}", returncode=1
            )
        self.stdout.write("Everything is what was sealed.")

    def begin_checkpoints(self):
        newest = ArchiveRecord.objects.order_by("-sequence").first()
        if newest and write_checkpoint(head_facts(newest), begin=True) is None:
            raise CommandError("The checkpoint file could not be begun; the log says why.")


def keep(report, by):
    """Keep the report where the screens look for the last one."""
    now = timezone.now()
    Job.objects.create(
        kind=checking.JOB,
        state=JobState.DONE,
        result=as_result(report),
        attempt=1,
        created_by=by or None,
        finished_at=now,
        done=report.records,
        total=report.records,
    )
