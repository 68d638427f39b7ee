import threading

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django_celery_beat.models import IntervalSchedule


def test_the_tests_run_on_postgresql(db):
    assert connection.vendor == "postgresql"


@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_committing_test_leaves_nothing_behind_and_content_types_keep_their_numbers(transactional_db, turn):
    assert not IntervalSchedule.objects.exists()
    numbers = sorted(ContentType.objects.values_list("pk", flat=True))
    assert numbers[0] == 1
    assert len(numbers) == numbers[-1]
    thread = threading.Thread(target=commit_a_row)
    thread.start()
    thread.join()
    assert IntervalSchedule.objects.count() == 1


def commit_a_row():
    IntervalSchedule.objects.create(every=1, period="seconds")
    connection.close()
