"""The operator's durations and limits (``policy.toml``): one file, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Policy:
    """Hours, days and sizes as their names say, times in Shanghai; ``*_mb`` in MiB, ``*_characters`` in code points.

    ``take_hours`` are hours of duty by the type of a desk, ``other`` for any that is not named.
    ``handle_working_days``: by the desk's part in a case (dispute, advice, clue, consult);
    ``limit_reminder_working_days``: by the statute whose last day is near.
    """

    checked_on: date
    source: str
    consent_version: str
    consent_digest: str
    draft_unconsented_hours: int
    reopen_days: int
    call_back_working_days: int
    silent_working_days: int
    handle_working_days: Mapping[str, int]
    case_code_days: int
    joint_code_days: int
    joint_representatives: int
    duplicate_days: int
    merge_undo_days: int
    office_from: time
    office_until: time
    draft_reminder_hours: int
    answer_reminder_hours: int
    performance_at: time
    performance_again_days: int
    quiet_from: time
    quiet_until: time
    files_per_case: int
    file_mb: int
    files_per_hour: int
    evidence_types: list[str]
    picture_megapixels: int
    talk_burst: int
    talk_per_minute: int
    talk_most: int
    talk_group_burst: int
    cases_per_day: int
    open_cases_per_person: int
    notice_characters: int
    notice_alone_minutes: int
    notice_alone_demo_seconds: int
    notice_reason_characters: int
    notice_looks: int
    notice_look_seconds: int
    notice_look_most_seconds: int
    notice_caption_characters: int
    notice_links: int
    notice_link_characters: int
    notice_read_days: int
    notice_ahead_hours: int
    notice_recall_per_second: int
    lesson_people: int
    activity_places: int
    activity_title_characters: int
    activity_place_characters: int
    activity_reminder_hours: int
    activity_code_hours: int
    activity_list_days: int
    bind_link_days: int
    invitation_days: int
    point_checked_days: int
    work_back_days: int
    work_most: int
    plan_characters: int
    appeal_characters: int
    help_hours: int
    anchor_at: time
    digest_at: time
    keep_closed_days: int
    keep_draft_days: int
    group_people: int
    group_days: int
    signal_cases: int
    clock_near_working_days: int
    limit_reminder_working_days: Mapping[str, int]
    take_hours: Mapping[str, int]


@cache
def load() -> Policy:
    """The packaged policy. Raises TypeError when a value is missing or unknown."""
    return Policy(**tomllib.loads(files("bot.law").joinpath("policy.toml").read_text("utf-8")))
