"""Which kernel runs a notebook: by name, or by language where nobody has that name."""

from typing import Any

from jupyter_flotilla.errors import UnknownKernel
from jupyter_flotilla.model.job import Kernel

#: What a notebook without a kernelspec, and a cell, run in.
DEFAULT_KERNEL = "python3"


def find_kernel(name: str, language: str | None) -> tuple[Kernel, str | None]:
    """Return the kernelspec as it is now, and a note if it is not the one by that name.

    Raises
    ------
    UnknownKernel
        If none is installed under that name, nor any for that language.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    try:
        manager = KernelSpecManager()
        installed: dict[str, str] = manager.find_kernel_specs()
    except RuntimeError as error:  # jupyter_core, where nobody knows the user's home folder
        raise UnknownKernel(
            f"kernels cannot be looked for: {error}", next_step="set HOME to a folder of yours"
        ) from error
    if name in installed:
        return _frozen(name, manager.get_kernel_spec(name)), None
    for other in sorted(installed, key=lambda known: known != DEFAULT_KERNEL):
        spec = manager.get_kernel_spec(other)
        if language is not None and spec.language.lower() == language.lower():
            note = f"kernel {name!r} is not installed here; {other!r} runs {language} too"
            return _frozen(other, spec), note
    known = ", ".join(sorted(installed)) or "none"
    raise UnknownKernel(
        f"kernel {name!r} is not installed here, nor any other for {language or 'its language'} "
        f"(installed: {known})",
        next_step="jupyter kernelspec list; choose one in the notebook and save it",
    )


def _frozen(name: str, spec: Any) -> Kernel:
    # What is left of templates is the connection file, which the runner fills in.
    argv = tuple(arg.replace("{resource_dir}", spec.resource_dir) for arg in spec.argv)
    return Kernel(
        name=name,
        language=spec.language or "",
        argv=argv,
        env=spec.env,
        interrupt_mode=spec.interrupt_mode,
    )
