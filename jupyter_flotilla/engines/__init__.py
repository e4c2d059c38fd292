"""Where jobs run. Engines are found by the entry-point group ``jupyter_flotilla.engines``."""
