"""A program: launches the runs that the tests of a run's tab look at, and prints their ids."""

import json
import sys

import nbformat

import jupyter_flotilla as fl

#: Whatever a job can say to a page: none of it may run, and none may hold it up.
HOSTILE = """
from IPython.display import HTML, SVG, Image, Javascript, Markdown, display
print('<img src=x onerror=window.hacked=1>')
print('\\u202eright to left\\u202c \\u0645\\u0631\\u062d\\u0628\\u0627 \\U0001f680')
print('\\x1b]0;title\\x07\\x1b[5Aup')
display(HTML('<b>bold</b><script>window.hacked=2</script><img src=x onerror="window.hacked=3">'
             '<a href="javascript:window.hacked=4">link</a><iframe srcdoc="<script>1</script>">'
             '</iframe><div style="position:fixed;inset:0;background:red" onclick="hacked=5">x'
             '</div>'))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40" '
            'onload="window.hacked=6"><script>window.hacked=7</script>'
            '<circle cx="20" cy="20" r="18" fill="teal"/></svg>'))
display(Javascript('window.hacked=8'))
display(Markdown('*strong* <script>window.hacked=9</script> [x](javascript:window.hacked=10)'))
display({'application/x-unknown': 'who knows'}, raw=True)
print('\\x1b[31mred\\x1b[1m bold\\x1b[0m plain \\x1b[38;5;208morange\\x1b[0m')
"""

#: A million colours on one line, a bar, and a line that is longer than what is shown.
BOMB = """
print(''.join(f'\\x1b[3{n % 8}m\\x1b[4{n % 5}mx' for n in range(500_000)))
print('after the bomb')
for n in range(300):
    print(f'\\r{n}%', end='')
print('\\r100% done')
print('y' * 25_000)
print('last line')
"""

#: 5 MB in 60,000 lines; one of them is what is searched for.
CHATTY = """
for n in range(60_000):
    print(f'line {n} ' + ('needle' if n == 34_567 else 'hay') + ' ' * 80)
"""

#: Goes on until it is cancelled.
LIVE = """
import time
from jupyter_flotilla import job
for n in range(3000):
    print('tick', n, flush=True)
    job.progress(n, 3000, 'ticking')
    time.sleep(0.2)
"""

#: Takes more memory than it may have.
HUNGRY = """
import time
taken = []
for n in range(60):
    taken.append(b'x' * 2**23)
    time.sleep(0.03)
"""

#: A picture, a table, and files that are brought back.
PLOT = """
import struct, zlib, base64
from IPython.display import HTML, Image, display
raw = b''.join(b'\\0' + bytes(c for x in range(80) for c in (x * 3, y * 4, 160)) for y in range(60))
chunk = lambda kind, body: (struct.pack('>I', len(body)) + kind + body
                            + struct.pack('>I', zlib.crc32(kind + body)))
png = (b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 80, 60, 8, 2, 0, 0, 0))
       + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))
display(Image(data=png))
open('plot.png', 'wb').write(png)
open('page.html', 'w').write('<script>window.hacked=11</script>')
open('a "b" é.txt', 'w').write('text')
display(HTML('<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>'))
"""


def notebook() -> str:
    """Write a notebook that fails in its fourth cell; returns its path."""
    cells = [
        nbformat.v4.new_markdown_cell("# A *notebook*\n\n<img src=x onerror=window.hacked=12>"),
        nbformat.v4.new_code_cell("def double(x):\n    return 2 * x  # a comment\n\ndouble(21)"),
        nbformat.v4.new_code_cell(PLOT),
        nbformat.v4.new_code_cell("print('before it')\nimport time; time.sleep(1)\n{}['missing']"),
        nbformat.v4.new_code_cell("print('never')"),
    ]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "3"}
    nbformat.write(made, "failing.ipynb")
    return "failing.ipynb"


def main() -> None:
    """Launch them all, and wait for those that end."""
    live = fl.submit([sys.executable, "-c", LIVE], name="live")
    ending = {
        "hostile": fl.run_source(HOSTILE, name="hostile"),
        "bomb": fl.submit([sys.executable, "-c", BOMB], name="bomb"),
        "chatty": fl.submit([sys.executable, "-c", CHATTY], name="chatty"),
        "failing": fl.run_notebook(notebook(), fetch=["plot.png", "page.html", "*.txt"]),
        "hungry": fl.submit([sys.executable, "-c", HUNGRY], name="hungry", memory="300M"),
        "command": fl.submit(["sh", "-c", "echo out; echo err >&2; exit 3"], name="command"),
    }
    for run in ending.values():
        run.wait()
    print(json.dumps({name: run.id for name, run in {**ending, "live": live}.items()}))


if __name__ == "__main__":
    main()
