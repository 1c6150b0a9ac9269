"""The small facts that the ledger's locks and orders rest on."""

from __future__ import annotations

import time
from uuid import UUID

from pipeline.load.begin import SourceFacts, _older, content_key, load_key, new_load_id, object_key


def test_load_ids_are_uuid_version_7_and_sort_by_time() -> None:
    ids = []
    for _ in range(50):
        ids.append(new_load_id())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert all((load_id.version, load_id.variant) == (7, "specified in RFC 4122") for load_id in ids)
    assert abs((ids[-1].int >> 80) / 1000 - time.time()) < 1


def test_lock_keys_are_bigints_and_tell_their_subjects_apart() -> None:
    keys = {
        object_key("a", "bc"),
        object_key("ab", "c"),
        content_key("a", "bc"),
        load_key(UUID("01890000-0000-7000-8000-000000000000")),
        load_key(UUID("01890000-0000-7000-8000-000000000001")),
    }
    assert len(keys) == 5
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_sequencers_of_different_length_compare_after_padding_on_the_right() -> None:
    assert _older("0055AED6DCD90281E5", "0055AED6DCD90281E6")
    assert _older("0055AED6DC", "0055AED6DCD90281E5")
    assert not _older("0055aed6dcd90281e6", "0055AED6DCD90281E5")
    assert not _older("0055AED6DC00", "0055AED6DC")
    assert not _older("0055AED6DC", "0055AED6DC00")


def test_only_a_version_id_names_an_upload() -> None:
    assert SourceFacts("s3://b/k", "ab", 1, version="3HL4kqtJlcpXrof3", etag="e").versioned
    for version in (None, "e", "ab", "null"):
        assert not SourceFacts("s3://b/k", "ab", 1, version=version, etag="e").versioned
