"""``python -m jupyter_flotilla`` is ``jupyter flotilla``."""

from jupyter_flotilla.cli import main

if __name__ == "__main__":
    main()
