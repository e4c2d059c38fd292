"""The notebook panel: a live list of runs in a cell's output, in any frontend that has widgets.

`opening` is what users call. `panel` is what they hold; `tree` is what it shows: ipywidgets around
one anywidget (`table`, its browser's side in ``front/``). `feed` is the one thread that looks at
the store, by `ledger`, and only while somebody sees the panel, by `viewers`.
"""
