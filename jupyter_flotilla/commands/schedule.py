"""``jupyter flotilla schedule``: jobs that run again and again."""

import click

from jupyter_flotilla.commands.schedule_looking import history, ls, preview, show
from jupyter_flotilla.commands.schedule_saving import add, edit
from jupyter_flotilla.commands.schedule_steering import backfill, clone, pause, resume, rm, run


@click.group()
def schedule() -> None:
    """Run notebooks and commands again and again: by the clock, or after others.

    \b
    jupyter flotilla schedule add report.ipynb --when 'weekdays 07:00 Europe/Berlin'
    jupyter flotilla schedule preview '30 2 * * *' --tz America/New_York
    """


for _command in (add, ls, show, edit, pause, resume, rm, run, backfill, history, clone, preview):
    schedule.add_command(_command)
