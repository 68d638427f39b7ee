"""What the seal promises: one form per fact, a chain that shows a change, checkpoints that show forgery."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from opsadmin.core.sealing import (
    ANCHOR_MISSING,
    ANCHOR_TAMPERED,
    FORGED,
    GAP,
    GENESIS,
    HASH,
    PAYLOAD,
    PREVIOUS,
    RECORD_FIELDS,
    TRUNCATED,
    Anchor,
    ChainBroken,
    NotCanonical,
    canonical_json,
    check_chain,
    digest,
    record_hash,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))


def sealed_chain(length, *, salt=""):
    """Records 1 … length, each sealed onto the one before."""
    records, previous = [], GENESIS
    for sequence in range(1, length + 1):
        record = {
            "sequence": sequence,
            "number": f"GD-2026-{sequence:04}",
            "kind": "price_list",
            "document_number": f"JG-2026-{sequence:04}",
            "at": NOON + timedelta(hours=sequence),
            "payload_sha256": digest(f"{salt}{sequence}".encode()),
            "previous": previous,
        }
        previous = record["hash"] = record_hash(**record)
        records.append(record)
    return records


def head_of(records):
    return records[-1] | {"count": len(records)}


def kinds(breaks):
    return [found.kind for found in breaks]


@pytest.fixture
def anchor(tmp_path):
    return Anchor(tmp_path / "anchor" / "checkpoints.jsonl", tmp_path / "keys" / "signing_key.pem")


def anchored(anchor, records):
    """The anchor with a checkpoint for each record, as filing leaves it."""
    for count in range(1, len(records) + 1):
        anchor.append(head_of(records[:count]), at=NOON)
    return anchor


def verified(anchor, records):
    stored = {record["sequence"]: record["hash"] for record in records}
    return anchor.verify(
        lambda sequences: {number: stored[number] for number in sequences if number in stored},
        head_of(records) if records else None,
    )


# Canonical form


def test_keys_are_sorted_and_nothing_is_blank():
    assert (
        canonical_json({"乙": 1, "b": [True, None], "a": "x y"})
        == '{"a":"x y","b":[true,null],"乙":1}'.encode()
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("99.9", "99.90"),
        ("100", "100.00"),
        ("1E+3", "1000.00"),
        ("-0", "0.00"),
        ("9999999999.99", "9999999999.99"),
    ],
)
def test_an_amount_is_text_with_exactly_two_places(amount, text):
    assert json.loads(canonical_json(Decimal(amount))) == text


def test_the_same_instant_has_one_form_whatever_its_zone():
    evening = datetime(2026, 11, 20, 20, 0, tzinfo=SHANGHAI)
    assert canonical_json(evening) == canonical_json(NOON) == b'"2026-11-20T12:00:00.000000Z"'
    assert canonical_json(date(2026, 11, 20)) == b'"2026-11-20"'


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        NOON.replace(tzinfo=None),
        Decimal("0.001"),
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+30"),
        {1: "key that is no text"},
        {"a", "set"},
        b"bytes",
        "half a character \ud83d",
        gettext_lazy("Language"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_single_form_is_refused(value):
    with pytest.raises(NotCanonical):
        canonical_json({"nested": [value]})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab价\n", max_size=3), inner, max_size=4)
    ),
)


@given(json_values)
def test_what_is_read_back_is_what_was_written_and_has_the_same_form(value):
    written = canonical_json(value)
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written
    assert b"\n" not in written


# Chain


def test_an_untouched_chain_is_whole():
    assert check_chain(sealed_chain(5)) == []
    assert check_chain([]) == []


def test_checking_can_go_on_from_a_checked_record():
    records = sealed_chain(5)
    assert check_chain(records[3:], sequence=3, previous=records[2]["hash"]) == []
    assert kinds(check_chain(records[3:], sequence=3, previous=GENESIS)) == [PREVIOUS]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "GD-2026-9999"),
        ("kind", "promotion"),
        ("document_number", "JG-2026-9999"),
        ("at", NOON),
        ("payload_sha256", digest(b"other")),
        ("hash", digest(b"other")),
    ],
)
def test_a_changed_header_field_is_found_and_named(field, value):
    records = sealed_chain(5)
    records[2][field] = value
    first = check_chain(records)[0]
    assert (first.kind, first.sequence) == (HASH, 3)


def test_one_changed_header_is_one_break():
    records = sealed_chain(5)
    records[2]["document_number"] = "JG-2026-9999"
    found = check_chain(records)
    assert kinds(found) == [HASH]
    assert "GD-2026-0003" in str(found[0])


def test_a_removed_record_is_a_gap():
    records = sealed_chain(5)
    del records[2]
    first = check_chain(records)[0]
    assert (first.kind, first.sequence, first.found) == (GAP, 3, "4")


def test_two_swapped_records_are_found():
    records = sealed_chain(5)
    records[1], records[2] = records[2], records[1]
    assert check_chain(records)[0].sequence == 2


def test_a_record_entered_twice_is_found():
    records = sealed_chain(3)
    assert kinds(check_chain([*records, records[2]])) == [GAP]


def test_a_record_resealed_in_place_no_longer_fits_its_successor():
    records = sealed_chain(5)
    records[2]["payload_sha256"] = digest(b"other")
    records[2]["hash"] = record_hash(**{field: records[2][field] for field in RECORD_FIELDS})
    found = check_chain(records)
    assert [(one.kind, one.sequence) for one in found] == [(PREVIOUS, 4)]


def test_content_that_is_not_what_was_sealed_is_found():
    records = sealed_chain(3)
    for record in records:
        record["measured_sha256"] = record["payload_sha256"]
    assert check_chain(records) == []
    records[1]["measured_sha256"] = digest(b"other")
    assert [(one.kind, one.sequence) for one in check_chain(records)] == [(PAYLOAD, 2)]


# Checkpoints


def test_checkpoints_agree_with_an_untouched_chain(anchor):
    records = sealed_chain(4)
    assert verified(anchored(anchor, records), records) == []
    assert anchor.latest().number == "GD-2026-0004"


def test_before_anything_is_sealed_nothing_is_missing(anchor):
    assert anchor.latest() is None
    assert verified(anchor, []) == []


def test_file_and_key_are_readable_by_their_owner_only(anchor):
    anchored(anchor, sealed_chain(1))
    assert {stat.S_IMODE(path.stat().st_mode) for path in (anchor.path, anchor.key_path)} == {0o600}


def test_records_cut_off_the_end_are_found(anchor):
    records = sealed_chain(4)
    found = verified(anchored(anchor, records), records[:3])
    assert [(one.kind, one.number) for one in found] == [(TRUNCATED, "GD-2026-0004")]
    assert kinds(verified(anchor, [])) == [TRUNCATED]


def test_a_whole_chain_written_anew_is_found(anchor):
    anchored(anchor, sealed_chain(4))
    forged = sealed_chain(4, salt="forged")
    assert check_chain(forged) == []
    found = verified(anchor, forged)
    assert (found[0].kind, found[0].sequence) == (FORGED, 1)


def test_a_longer_forged_chain_is_found_too(anchor):
    anchored(anchor, sealed_chain(2))
    assert kinds(verified(anchor, sealed_chain(9, salt="forged"))) == [FORGED, FORGED]


@pytest.mark.parametrize(
    "field", ["at", "sequence", "number", "hash", "count", "previous", "signature", "public_key"]
)
def test_a_changed_checkpoint_is_found(anchor, field):
    records = sealed_chain(3)
    anchored(anchor, records)
    lines = anchor.path.read_bytes().splitlines()
    middle = json.loads(lines[1])
    middle[field] = 9 if isinstance(middle[field], int) else middle[field][::-1]
    lines[1] = canonical_json(middle)
    anchor.path.write_bytes(b"\n".join(lines) + b"\n")
    first = verified(anchor, records)[0]
    assert (first.kind, first.found) == (ANCHOR_TAMPERED, "2")


def test_every_flipped_byte_of_the_checkpoints_is_found(anchor):
    records = sealed_chain(2)
    intact = anchored(anchor, records).path.read_bytes()
    for place in range(0, len(intact) - 1, 7):
        flipped = bytearray(intact)
        flipped[place] ^= 1
        anchor.path.write_bytes(flipped)
        assert verified(anchor, records), place


@pytest.mark.parametrize("order", [(0, 2), (1, 2), (1, 0, 2), (0, 1, 1, 2)])
def test_removed_swapped_or_repeated_checkpoints_are_found(anchor, order):
    records = sealed_chain(3)
    lines = anchored(anchor, records).path.read_bytes().splitlines(keepends=True)
    anchor.path.write_bytes(b"".join(lines[number] for number in order))
    assert ANCHOR_TAMPERED in kinds(verified(anchor, records))


def test_checkpoints_signed_by_another_key_are_found(anchor, tmp_path):
    records = sealed_chain(3)
    anchored(anchor, records)
    other = anchored(Anchor(tmp_path / "other.jsonl", tmp_path / "other.pem"), sealed_chain(3, salt="forged"))
    anchor.path.write_bytes(other.path.read_bytes())
    assert set(kinds(verified(anchor, sealed_chain(3, salt="forged")))) == {ANCHOR_TAMPERED}


@pytest.mark.parametrize("gone", ["path", "key_path"])
def test_a_missing_file_or_key_is_found(anchor, gone):
    records = sealed_chain(3)
    getattr(anchored(anchor, records), gone).unlink()
    assert kinds(verified(anchor, records)) == [ANCHOR_MISSING]


@pytest.mark.parametrize("gone", ["path", "key_path"])
def test_the_next_filing_does_not_hide_that_the_file_or_key_was_removed(anchor, gone):
    records = sealed_chain(3)
    getattr(anchored(anchor, records[:2]), gone).unlink()
    with pytest.raises(ChainBroken) as refused:
        anchor.append(head_of(records), at=NOON)
    assert refused.value.found.kind == ANCHOR_MISSING
    assert kinds(verified(anchor, records)) == [ANCHOR_MISSING]


def test_an_older_chain_can_be_trusted_from_here_on_only_by_saying_so(anchor):
    records = sealed_chain(3)
    anchor.append(head_of(records), at=NOON, begin=True)
    assert verified(anchor, records) == []


def test_an_unreadable_key_is_a_finding_and_no_crash(anchor):
    records = sealed_chain(2)
    anchored(anchor, records).key_path.write_text("no key")
    assert kinds(verified(anchor, records)) == [ANCHOR_MISSING]


def test_a_head_that_is_not_newer_adds_no_line(anchor):
    records = sealed_chain(3)
    anchored(anchor, records)
    before = anchor.path.read_bytes()
    assert anchor.append(head_of(records[:2]), at=NOON).sequence == 3
    assert anchor.append(head_of(records), at=NOON).sequence == 3
    assert anchor.path.read_bytes() == before


def test_a_head_that_contradicts_the_last_checkpoint_is_refused(anchor):
    anchored(anchor, sealed_chain(3))
    with pytest.raises(ChainBroken) as refused:
        anchor.append(head_of(sealed_chain(3, salt="forged")), at=NOON)
    assert refused.value.found.kind == FORGED


def test_nothing_is_added_after_a_damaged_line(anchor):
    records = sealed_chain(3)
    anchored(anchor, records[:2])
    with anchor.path.open("ab") as file:
        file.write(b"no checkpoint\n")
    with pytest.raises(ChainBroken) as refused:
        anchor.append(head_of(records), at=NOON)
    assert refused.value.found.kind == ANCHOR_TAMPERED


def test_half_a_line_left_by_a_crash_does_not_harm(anchor):
    records = sealed_chain(3)
    anchored(anchor, records[:2])
    with anchor.path.open("ab") as file:
        file.write(b'{"at":"2026-')
    assert verified(anchor, records[:2]) == []
    assert anchor.latest().sequence == 2
    anchor.append(head_of(records), at=NOON)
    assert verified(anchor, records) == []


def test_filings_at_the_same_moment_leave_a_file_that_verifies(anchor):
    records = sealed_chain(20)
    anchor.append(head_of(records[:1]), at=NOON)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda count: anchor.append(head_of(records[:count]), at=NOON), range(2, 21)))
    assert verified(anchor, records) == []
    assert anchor.latest().sequence == 20
