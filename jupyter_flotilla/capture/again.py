"""A run that was → the draft of another like it, with or without changes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.draft import (
    LAYER,
    MODULES,
    Draft,
    asked_resources,
    chosen_environment,
    on_oom_of,
    secret_refs,
)
from jupyter_flotilla.capture.parameters import inject
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.publish import published_files


def draft_again(spec: JobSpec, input_folder: Path, options: JobOptions) -> Draft:
    """Return a job that runs what was frozen then, with the options that are given now.

    Parameters
    ----------
    spec
        The earlier run's; where another engine is asked for, as that one's (`elsewhere.moved`).
    input_folder
        Where the earlier run's source and files are.

    Raises
    ------
    InvalidOption
        For files: they are frozen. For parameters of what takes none.
    """
    if options.files:
        raise InvalidOption(
            "--files cannot change: a retry runs what was frozen at the first submit",
            next_step="submit the job anew",
        )
    resources = asked_resources(options, spec.resources)
    secrets = {ref.name: ref.source for ref in spec.secrets} | options.secrets
    update: dict[str, Any] = {
        "resources": resources,
        "has_cpu_hint": spec.has_cpu_hint or options.cpu is not None,
        "params": spec.params | options.params,
        "env": spec.env | chosen_environment(options.env),
        "tags": spec.tags | options.tags,
        "secrets": secret_refs(secrets),
        **_given(options),
    }
    if options.notify:
        update["notify"] = options.notify
    if options.fetch:
        update["fetch"] = options.fetch
    if options.publish:
        update["publish"] = options.publish
        update["fetch"] = (*(options.fetch or spec.fetch), *published_files(options.publish))
    if options.on_oom is not None:
        update["on_oom"] = on_oom_of(options.on_oom, resources.memory_mib)
    again = spec.model_copy(update=update)
    files = input_folder / "files"
    return Draft(
        spec=again,
        source=_source(again, input_folder, options),
        files={str(path.relative_to(files)): path for path in files.rglob("*") if path.is_file()},
        values=values if (values := input_folder / "values").is_dir() else None,
        modules=modules.read_bytes() if (modules := input_folder / MODULES).is_file() else None,
        layer=layer.read_bytes() if (layer := input_folder / LAYER).is_file() else None,
    )


def _given(options: JobOptions) -> Mapping[str, Any]:
    fields = ("name", "timeout_s", "max_cost_usd", "retries", "network", "role")
    return {name: value for name in fields if (value := getattr(options, name)) is not None}


def _source(spec: JobSpec, input_folder: Path, options: JobOptions) -> bytes | None:
    if spec.source is None:
        return None
    content = (input_folder / spec.source).read_bytes()
    if not options.params:
        return content
    if spec.kind != "notebook" or spec.kernel is None:
        raise InvalidOption(f"a {spec.kind} takes no parameters", next_step="--env NAME=VALUE")
    path = Path(spec.path or spec.source)
    notebook = inject(json.loads(content), spec.params, path=path, kernel=spec.kernel)
    return json.dumps(notebook, ensure_ascii=False).encode("utf-8", "replace")
