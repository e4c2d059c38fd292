"""Where saves of a job's checkpoint folder are in an attempt's folder, and which is the newest.

A save that is being written is in a folder of another name, and renamed when it is whole: what
stands under a number is a whole save, whoever was killed when.
"""

import os
from typing import List, Optional

from .names import CHECKPOINT


def saved_checkpoint(folder: str, number: int) -> str:
    """Return the path of a save in an attempt's folder; they are numbered from 1."""
    return os.path.join(folder, "%s.%d" % (CHECKPOINT, number))


def saved_numbers(folder: str) -> List[int]:
    """Return the numbers of an attempt's saves, the newest last; empty where there are none."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    numbers = []
    for name in names:
        number = name[len(CHECKPOINT) + 1 :]
        if name.startswith(CHECKPOINT + ".") and number.isdecimal() and number.isascii():
            path = os.path.join(folder, name)
            if os.path.isdir(path) and not os.path.islink(path):
                numbers.append(int(number))
    return sorted(numbers)


def newest_checkpoint(folder: str) -> Optional[str]:
    """Return the path of an attempt's newest save; None where there is none."""
    numbers = saved_numbers(folder)
    return saved_checkpoint(folder, numbers[-1]) if numbers else None
