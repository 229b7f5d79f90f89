"""The rows of ``docs/reliability.md``: each fault, what happens, and the test that shows it.

Most rows come from the tables of the tests themselves; the others name their test, which must exist.
``python -m reliability.faults`` with ``tests`` on the path writes the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine import test_reuse
from reliability import test_isolation
from reliability.test_storage_faults import ERRORS
from toy import hostile

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"

HOSTILE = "tests/engine/test_hostile_components.py"
PROCESS = "tests/reliability/test_process.py"
STORAGE = "tests/reliability/test_storage_faults.py"
PARSERS = "tests/reliability/test_parsers.py"
FILES = "tests/reliability/test_files.py"
CHECKPOINTS = "tests/gath/test_commands.py"
ISOLATION = "tests/reliability/test_isolation.py"
SUPERVISOR = "tests/evaluation/test_supervisor.py"
TRAINING = "tests/gath/training/test_loop.py"
KILLS = "tests/reliability/test_kills.py"
MEMORY = "tests/engine/test_memory_and_lock.py"
RANKS = "tests/engine/test_ranks.py"
IMAGES = "tests/core/test_images.py"
VIDEO = "tests/media/test_video.py"
RESUME = "tests/engine/test_resume.py"
BAD_INPUT = "tests/cli/test_bad_input.py"
REUSE = "tests/engine/test_reuse.py"
SHARED = "tests/engine/test_shared_work.py"
FRAMING = "tests/faces/test_framing.py"


@dataclass(frozen=True)
class Fault:
    """One row: the fault, what happens, and the file and function of its test."""

    fault: str
    result: str
    file: str
    test: str


def component_faults() -> list[Fault]:
    """Faults of plugins, from the tables of the hostile plugin."""
    rows = []
    for kind, table, test in (
        ("model", hostile.MODELS, "test_a_hostile_model_fails_alone"),
        ("metric", hostile.METRICS, "test_a_hostile_metric_or_evaluator_fails_alone"),
        ("corpus metric", hostile.CORPUS_METRICS, "test_a_hostile_corpus_metric_fails_alone"),
        ("data set", hostile.DATASETS, "test_a_hostile_data_set_fails_alone"),
    ):
        for name, reason in table.items():
            result = f"failed: {reason}" if reason else "measured; nothing else changes"
            rows.append(Fault(f"{kind} `{name}`", result, HOSTILE, test))
    for name, (kind, reason) in hostile.REFUSED.items():
        named = {"models": "model", "metrics": "metric", "dataset": "data set"}[kind]
        rows.append(
            Fault(f"{named} `{name}`", f"refused before any work: {reason}", HOSTILE,
                  "test_a_wrong_declaration_is_refused_before_any_work")
        )  # fmt: skip
    rows.append(
        Fault("a corpus metric whose features change their width from batch to batch", "failed: widths", HOSTILE,
              "test_a_corpus_metric_with_features_of_changing_width_fails_alone")
    )  # fmt: skip
    for kind, table in (("model", hostile.IN_PLACE_MODELS), ("metric", hostile.IN_PLACE_METRICS)):
        rows += [
            Fault(f"{kind} `{name}`: it writes into {what}", "measured; nothing else changes", HOSTILE,
                  "test_in_place_changes_reach_no_other_component")
            for name, what in table.items()
        ]  # fmt: skip
    rows += [
        Fault("a data set writes into the batches that it returned before", "measured; nothing else changes",
              HOSTILE, "test_a_data_set_that_writes_into_earlier_batches_changes_no_value"),
        Fault("an evaluator returns the same tensor in each call", "measured; nothing else changes", SHARED,
              "test_an_evaluator_that_returns_one_tensor_again_changes_no_earlier_features"),
        Fault("a face detector writes into the images", "measured; nothing else changes", FRAMING,
              "test_a_detector_that_works_in_place_changes_no_image"),
    ]  # fmt: skip
    rows += [
        Fault(f"a call changes the setting `{name}`", "restored after the call", HOSTILE,
              "test_a_component_call_restores_settings")
        for name in hostile.SETTINGS
    ]  # fmt: skip
    return rows


def storage_faults() -> list[Fault]:
    """Faults of the disk and of the process."""
    rows = []
    for error in ERRORS:
        rows += [
            Fault(f"{error} while a run is written", "one sentence, exit code 2; `--resume` gives equal values",
                  STORAGE, "test_a_run_on_a_failing_disk_can_be_resumed"),
            Fault(f"{error} while gallery images are written", "a warning; all values are measured",
                  STORAGE, "test_gallery_images_that_cannot_be_written_end_no_run"),
            Fault(f"{error} while a report is written", "one sentence; the old report stays",
                  STORAGE, "test_a_report_that_cannot_be_written_leaves_the_old_one"),
        ]  # fmt: skip
    return [
        *rows,
        Fault("SIGKILL at the manifest, after a shard, in a cell, between cells", "`--resume` gives equal values",
              RESUME, "test_a_killed_and_resumed_run_equals_an_uninterrupted_one"),
        Fault("100 kills of a run at random moments (`pytest -m slow`)", "`--resume` gives equal values",
              KILLS, "test_a_run_that_is_killed_at_a_random_moment_loses_nothing"),
        Fault("20 kills of a training at random moments (`pytest -m slow`)", "`--resume` gives equal weights",
              KILLS, "test_a_training_that_is_killed_at_a_random_moment_ends_with_the_same_weights"),
        Fault("10 kills of `label` at random moments (`pytest -m slow`)", "the same command gives the same file",
              KILLS, "test_a_labelling_that_is_killed_at_a_random_moment_loses_nothing"),
        Fault("a model is out of memory with a batch", "a warning; the batch is generated in halves", MEMORY,
              "test_a_batch_that_does_not_fit_in_memory_is_halved"),
        Fault("a model is out of memory with one image", "failed: out of memory", MEMORY,
              "test_one_image_that_does_not_fit_in_memory_is_a_failure"),
        Fault("a dead rank of `torchrun` (`pytest -m slow`)", "the others end; `--resume` gives equal values", RANKS,
              "test_a_run_with_a_dead_rank_ends_and_can_be_resumed"),
        Fault("two processes that write one file, as of a shared cache", "one of the whole files", STORAGE,
              "test_two_writers_of_one_file_leave_a_whole_one"),
        Fault("SIGKILL of `animate`", "the old file stays", STORAGE,
              "test_an_animation_that_is_killed_leaves_the_old_file"),
        Fault("`--resume` while the run is still going", "refused; a dead process holds no lock", MEMORY,
              "test_a_run_that_is_still_going_is_not_resumed"),
        Fault("SIGKILL while a checkpoint is written", "the partial file is removed on resume", TRAINING,
              "test_a_training_killed_at_any_step_ends_with_the_same_weights"),
        Fault("SIGKILL while a file is written", "the partial file is removed on resume",
              RESUME, "test_partial_files_of_a_killed_process_are_removed"),
        Fault("a damaged shard", "one sentence; its batches are measured again", RESUME,
              "test_a_damaged_shard_is_one_sentence"),
        Fault("a resumed run with other settings", "refused; nothing is changed", RESUME,
              "test_a_run_is_not_resumed_with_other_settings"),
        Fault("a component calls `os._exit`", "the process ends; `--resume` continues", PROCESS,
              "test_a_process_that_a_component_ends_can_be_resumed"),
        Fault("a segmentation fault in a component", "the process ends; `--resume` continues", PROCESS,
              "test_a_process_that_a_component_ends_can_be_resumed"),
        Fault("a model or data set hangs under `--timeout`", "stopped 10 s after the limit; `--resume` continues",
              PROCESS, "test_a_component_that_hangs_is_stopped_at_the_time_limit"),
        Fault("a component or its subprocess prints under `--json`", "printed to standard error", PROCESS,
              "test_json_is_one_object_whatever_components_print_or_end_with"),
    ]  # fmt: skip


def reuse_faults() -> list[Fault]:
    """Faults of the store of ``--reuse``."""
    return [
        *(Fault(f"`--reuse`: an entry {damage}", "measured again", REUSE, "test_a_damaged_entry_is_measured_again")
          for damage in test_reuse.DAMAGE),
        Fault("`--reuse`: an entry without a sample, or with a failure", "measured again", REUSE,
              "test_an_entry_without_a_sample_or_with_a_failure_is_measured_again"),
        *(Fault(f"`--reuse`: {error} while an entry is written", "all values are measured; no entry", REUSE,
                "test_a_store_on_a_failing_disk_ends_no_run")
          for error in ERRORS),
        Fault("`--reuse`: a file in place of the store", "all values are measured", REUSE,
              "test_a_store_that_is_a_file_ends_no_run"),
        Fault("`--reuse`: a cell with a failure", "its entries are not kept", REUSE,
              "test_system_and_corpus_metrics_and_failures_are_measured_again"),
        Fault("`--reuse`: a changed module beside a plugin file", "measured again", REUSE,
              "test_a_changed_module_beside_a_plugin_file_is_other_code"),
        Fault("`--reuse`: two runs that share a store", "whole entries, within the limit of the store", REUSE,
              "test_the_store_keeps_the_entries_that_were_used_last_within_its_limit"),
        Fault("`--reuse`: a run that is stopped within a reused cell", "the manifest lists the reused metrics", REUSE,
              "test_a_run_that_was_stopped_within_a_reused_cell_says_so"),
        Fault("`--reuse` with `--isolate`: a segmentation fault in a model", "failed; the other cells are reused",
              ISOLATION, "test_isolated_runs_share_a_store_without_the_failed_cells"),
    ]  # fmt: skip


def isolation_faults() -> list[Fault]:
    """Components that end or block their process under ``--isolate``."""
    return [
        Fault("`--isolate`: a segmentation fault in a model, among other components", "failed: SIGSEGV", ISOLATION,
              "test_a_component_that_ends_its_process_fails_alone"),
        *(Fault(f"`--isolate`: model `hostile-ending[how={how}]`", f"failed: {reason}", ISOLATION,
                "test_every_model_that_ends_or_blocks_its_process_fails_alone")
          for how, (_, reason) in hostile.PROCESS_ENDINGS.items()),
        *(Fault(f"`--isolate`: metric `{name}`", f"failed: {reason}", ISOLATION,
                "test_every_metric_that_ends_or_blocks_its_process_fails_alone")
          for name, reason in test_isolation.METRICS.items()),
        *(Fault(f"`--isolate`: data set `hostile-ending-data[how={how}]`", f"failed: {reason}", ISOLATION,
                "test_every_data_set_that_ends_or_blocks_its_process_fails_alone")
          for how, reason in test_isolation.DATASETS.items()),
        *(Fault(f"`--isolate`: `{name}`", f"refused before any work: {reason}", ISOLATION,
                "test_a_component_that_ends_its_process_outside_of_cells_is_refused")
          for name, (_, reason) in test_isolation.REFUSED.items()),
        Fault("`--isolate`: a failed cell, and `--resume`", "measured again", ISOLATION,
              "test_a_failed_cell_is_measured_again_on_resume"),
        Fault("`--isolate`: SIGKILL of the process that watches", "the child ends; `--resume` continues", ISOLATION,
              "test_a_child_ends_with_its_parent"),
        Fault("`--isolate`: a call above `--call-timeout`", "its process is killed", SUPERVISOR,
              "test_a_call_that_takes_too_long_ends_the_child"),
        Fault("`--isolate`: a child that leaves a process, or writes garbage to its parent", "failed: the exit code",
              SUPERVISOR, "test_the_end_of_a_child_is_told_with_its_call"),
        Fault("`--isolate` with Python instances, or under `torchrun`", "refused", SUPERVISOR,
              "test_what_cannot_be_isolated_is_refused"),
    ]  # fmt: skip


def input_faults() -> list[Fault]:
    """Faults of input files, options and output formats."""
    parsers = {
        "component names": "test_component_names",
        "component keys": "test_component_keys",
        "AU notation": "test_au_notation",
        "timecodes": "test_timecodes",
        "device names": "test_device_names",
        "suite files of any bytes": "test_suite_files_of_any_bytes",
        "suites of any content": "test_suites_of_any_content",
        "AU tables (OpenFace, Live Link Face)": "test_au_tables",
        "manifests with a changed value": "test_manifests_with_a_changed_value",
        "manifests with changed bytes": "test_manifests_with_changed_bytes",
        "images with changed bytes": "test_images_with_changed_bytes",
    }
    return [
        *(Fault(f"random {what}", "a value or one sentence", PARSERS, test) for what, test in parsers.items()),
        Fault("a suite of nested brackets, of 5,000 digits, not UTF-8", "one sentence, exit code 2", PARSERS,
              "test_a_hostile_suite_file_is_refused"),
        Fault("a damaged manifest", "one sentence, exit code 2", PARSERS, "test_a_hostile_manifest_is_refused"),
        Fault("a manifest with an unknown reducer or metric, a cell id outside the folder, or no samples",
              "one sentence", PARSERS, "test_a_manifest_that_refers_to_nothing_is_refused"),
        Fault("a name of 40,000 letters", "refused in less than 2 s", PARSERS,
              "test_a_text_of_40000_letters_takes_little_time"),
        Fault("a named pipe as suite, AU table, image, weights file, configuration or checkpoint",
              "refused, not waited for", PARSERS, "test_a_pipe_is_refused_and_not_waited_for"),
        Fault("file names that are not UTF-8", "samples like others", FILES,
              "test_file_names_that_are_not_utf8_are_samples_like_others"),
        Fault("a folder without permission", "one sentence that names it", FILES,
              "test_a_folder_that_cannot_be_read_is_named"),
        Fault("a checkpoint with code in it", "refused, without advice to trust it", CHECKPOINTS,
              "test_a_checkpoint_with_code_in_it_is_refused_without_advice"),
        Fault("full disk while a checkpoint is written", "one sentence, exit code 2; `--resume` continues", CHECKPOINTS,
              "test_a_training_on_a_failing_disk_can_be_resumed"),
        Fault("`train --output ''`, `--max-minutes nan`", "refused, exit code 2", CHECKPOINTS,
              "test_train_refuses_options_without_a_meaning"),
        Fault("SIGTERM during `train`", "a checkpoint, exit code 130", CHECKPOINTS,
              "test_train_that_a_signal_stops_has_another_exit_code"),
        Fault("a video file that is none, is empty or has no frames", "one sentence", VIDEO,
              "test_files_that_are_no_video_get_one_sentence"),
        Fault("a video file that was cut off", "its frames, then one sentence", VIDEO,
              "test_a_file_that_was_cut_off_gives_its_frames_and_then_the_sentence"),
        Fault("a damaged image file", "NA with one sentence", IMAGES, "test_damaged_files_say_so_in_one_sentence"),
        Fault("an EXIF orientation", "the image comes upright", IMAGES, "test_exif_rotation"),
        Fault("a CMYK JPEG", "its colours, not inverted", IMAGES, "test_cmyk_jpeg_is_not_inverted"),
        Fault("a PNG with 16 bits per channel", "all bits are kept", IMAGES, "test_16_bits_are_kept"),
        Fault("an image of more than 64 * 2**20 pixels", "NA with the size", PROCESS,
              "test_an_image_above_the_pixel_limit_is_na"),
        Fault("a PNG of 12,000 x 12,000 pixels", "NA, from its header", PROCESS,
              "test_a_png_of_12000_pixels_is_refused_from_its_header"),
        Fault("a JPEG above the pixel limit", "decoded at 1/2, 1/4 or 1/8 of its side", PROCESS,
              "test_a_large_jpeg_is_decoded_at_a_fraction"),
        Fault("sample ids such as `../../x`, or duplicates, in a render list", "refused; nothing is written", PROCESS,
              "test_a_render_list_stays_in_its_folder"),
        Fault("a CSV cell that begins with `=`, `+`, `-` or `@`", "an apostrophe in front", PROCESS,
              "test_a_csv_cell_is_no_formula"),
        Fault("a report of one or two samples", "no warning of numpy", PROCESS,
              "test_a_report_of_few_samples_warns_of_nothing"),
        Fault("terminal escapes in names and reasons", "replaced", PROCESS,
              "test_terminal_escapes_do_not_reach_the_console"),
        Fault("`--output ''`, `--resume ''`, `--timeout nan`", "refused, exit code 2", PROCESS,
              "test_options_without_a_meaning_are_refused"),
        Fault("a path of 5,000 letters", "one sentence, exit code 2", BAD_INPUT,
              "test_a_path_that_is_too_long_is_one_sentence"),
        Fault("the home folder in a typed path", "`~` in the recorded command", PROCESS,
              "test_the_home_folder_is_not_recorded"),
        Fault("no network: `run`, `report`, `animate`", "work; no connection is attempted", PROCESS,
              "test_the_built_in_components_use_no_network"),
        Fault("no network: `train`", "works; no connection is attempted", CHECKPOINTS, "test_train_uses_no_network"),
        Fault("no network: `train` of the built-in data (`pytest -m slow`)", "works; no connection is attempted",
              PROCESS, "test_the_built_in_components_use_no_network"),
    ]  # fmt: skip


def faults() -> list[Fault]:
    """All rows."""
    return [
        *storage_faults(),
        *reuse_faults(),
        *isolation_faults(),
        *input_faults(),
        *component_faults(),
    ]


def page() -> str:
    """The text of ``docs/reliability.md``."""
    rows = faults()
    lines = [
        "# Reliability",
        "",
        "What goes wrong, what happens then, and the test that shows it. The tests' tables generate this page:",
        "`PYTHONPATH=tests python -m reliability.faults` writes it, and a test compares the two.",
        "",
        "- `failed: ...` means: the values of this component are `failed` with that reason, every other value is equal",
        "  bit by bit to that of a run without the component, and the exit code is 1.",
        "- Every text that a component gives (reasons, messages) is one line of at most 1,000 printable characters.",
        "- Not undone: a component that replaces functions of other modules. `os._exit` and signals such as SIGSEGV",
        "  end the process; the run can be resumed. `gath-bench run --isolate` runs components in a child process: one",
        "  that ends it, or whose call takes longer than `--call-timeout` (by default that of `--timeout`), is",
        "  `failed` in that cell. A later crash in a thread of a component is counted against the component that is",
        "  called then.",
        "- Images have at most 64 * 2**20 pixels (`gath_bench.images.MAX_PIXELS`), input files at most 1 GiB",
        "  (`gath_bench.files.MAX_INPUT`).",
        "",
        "The parsers are tested with 100 random inputs each, and with 2,000 by",
        "",
        "```sh",
        "GATH_BENCH_EXAMPLES=2000 python -m pytest tests/reliability/test_parsers.py",
        "```",
        "",
        "The ordinary suite kills eight processes and resumes them: six runs at fixed moments, one run from inside a",
        "component, one `label`. At random moments, 100 runs, 20 trainings and 10 calls of `label` are killed by",
        "",
        "```sh",
        "python -m pytest -m slow tests/reliability/test_kills.py",
        "```",
        "",
        "`GATH_BENCH_KILLS=3` in front of it runs the first three of each. All of `--isolate` is tested by",
        "",
        "```sh",
        "python -m pytest -m slow tests/reliability/test_isolation.py",
        "```",
        "",
        "Dead ranks of `torchrun`, and `train` under an audit hook that refuses the network, by",
        "",
        "```sh",
        "python -m pytest -m slow tests/engine/test_ranks.py tests/reliability/test_process.py",
        "```",
        "",
        f"{len(rows)} faults:",
        "",
        "| fault | what happens | test |",
        "|---|---|---|",
        *(f"| {_cell(row.fault)} | {_cell(row.result)} | `{row.file}::{row.test}` |" for row in rows),
        "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
