"""Names that a cell reads from outside, and names that it binds."""

import builtins
import contextlib

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_flotilla.capture.names import names_of


@pytest.mark.parametrize(
    ("source", "free"),
    [
        ("x", "x"),
        ("x = 1; x", ""),
        ("x; x = 1", "x"),
        ("total += 1", "total"),
        ("x[0] = 1; y.a = 2", "x y"),
        ("x, (y, *z) = w", "w"),
        ("del x", "x"),
        ("x = 1\ndel x\nx", "x"),
        ("if c: x = 1\nelse: x = 2\nx", "c"),
        ("if c: x = 1\nx", "c x"),
        ("if c: x = 1\nelse: raise E\nx", "c E"),
        ("for i in xs: y = i\ny", "xs y"),
        ("while c: x = 1\nx", "c x"),
        ("try: x = 1\nexcept E as e: print(e)\nx", "E print x"),
        ("try: x = 1\nexcept E: raise\nx", "E"),
        ("try: import a\nexcept ImportError: a = None\na", "ImportError"),
        ("with open(p) as f: f", "open p"),
        ("import a.b, c as d; a, d", ""),
        ("from m import f as g; g", ""),
        ("def f(a=b, *, c: D = e) -> F: return a + g", "b e D F g"),
        ("@deco\ndef f(): pass", "deco"),
        ("def f(): return x\nx = 1\nf()", "x"),
        ("x = 1\ndef f(): return x", ""),
        ("def f():\n  global x\n  x = 1\nf()", ""),
        ("def f():\n  y = 1\n  def g(): return y + z\n  return g", "z"),
        ("f = lambda a, b=c: a + d", "c d"),
        ("[x * y for x in xs if x > z]", "xs z y"),
        ("{k: v for k, v in d.items()}", "d"),
        ("[y := f(x) for x in xs]; y", "xs f y"),
        ("class A(B, metaclass=M):\n  y = z\n  def f(self): return w\n  u = y", "B M z w"),
        ("class A:\n  y = 1\ny", "y"),
        ("def f():\n  class A(B):\n    y = z\n    def g(self): return w\n  return A", "B z w"),
        ("match p:\n  case [a, *b]: a, b\n  case {'k': c, **d}: c, d\n  case P(x=e): e", "p P"),
        ("match p:\n  case V.one: 1\n  case q if q > r: 2", "p V r"),
        ("f'{x!r:>{w}}'", "x w"),
        ("async def f(): await g()", "g"),
        ("await x", "x"),
        ("x: int = 3; x", "int"),
        ("(x := 3) + x", ""),
        ("x = x", "x"),
        ("print((lambda: later)()); later = 1", "print later"),
    ],
)  # fmt: skip
def test_free_names(source: str, free: str) -> None:
    names = names_of(source)

    assert sorted(names.free) == sorted(free.split())


@pytest.mark.parametrize(
    ("cell", "required", "may_be", "bound"),
    [
        ("!echo {x} $y $HOME {z.a[0]!r:>3} {1:2}", "", "x y HOME z", ""),
        ("!awk '{print $1}' {f}", "", "f", ""),
        ("!echo $$HOME {x", "", "", ""),
        ("x = 1\n!echo {x}", "", "", "x"),
        ("files = !ls {folder}\nfiles", "", "folder", "files"),
        ("%time y = f(x)\ny", "f x", "f x", "y"),
        ("%time --no-raise-error g(x)", "g x", "g x", ""),
        ("%timeit -n 10 -r3 -q f(x)", "f x", "f x", ""),
        ("%prun -s cumulative -l 5 f(x)", "f x", "f x", ""),
        ("%time files = !ls {x}", "", "x", "files"),
        ("%time (", "", "", ""),
        ("%cd {folder}", "", "folder", ""),
        ("%%time\ny = f(x)", "f x", "f x", "y"),
        ("%%time\ndef f(): return x\nf()", "x", "x", "f"),
        ("%%timeit -n 2 a = b\na + c", "b c", "b c", "a"),
        ("%%capture --no-stderr said\nprint(x)", "print x", "print x", "said"),
        ("%%bash -s {x}\necho $y", "", "x", ""),
        ("def f(p):\n    q = 1\n    !echo {p} {q} {x}\n    %time g(z)", "", "x g z", "f"),
    ],
)
def test_names_in_ipythons_own_syntax(cell: str, required: str, may_be: str, bound: str) -> None:
    names = names_of(TransformerManager().transform_cell(cell))

    assert sorted(names.required - {"get_ipython"}) == sorted(required.split())
    assert sorted(set(names.free) - {"get_ipython"}) == sorted(may_be.split())
    assert sorted(names.bound) == sorted(bound.split())


def test_a_function_that_says_global_binds_and_adds() -> None:
    names = names_of("def f():\n  global made, total\n  made = 1\n  total += 1\nf()\nmade")

    assert names.free == ("made", "total")
    assert names.required == set()
    assert names.bound == {"f", "made", "total"}


def test_what_is_bound_on_some_way_is_not_required() -> None:
    names = names_of("if c: x = 1\nx + y")

    assert names.required == {"c", "y"}
    assert "x" in names.free


def test_names_that_are_bound_are_the_top_levels_own() -> None:
    names = names_of("a = [b for b in c]\ndef d(e): f = 1\nclass G: h = 1\nimport i.j")

    assert names.bound == {"a", "d", "G", "i"}


def test_a_star_may_bind_anything() -> None:
    assert names_of("from math import *\npi").has_star


_EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "c", "1"]),
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("[{} for a in [{}]][0]".format, inner, inner),
        st.builds("(lambda b={}: {})()".format, inner, inner),
        st.builds("(c := {})".format, inner),
    ),
    max_leaves=6,
)


def _deeper(body: str) -> str:
    return body.replace("\n", "\n  ")


_STATEMENTS = st.recursive(
    st.one_of(
        st.builds("{} = {}".format, st.sampled_from("abc"), _EXPRESSIONS),
        st.builds("{} += {}".format, st.sampled_from("abc"), _EXPRESSIONS),
        _EXPRESSIONS,
    ),
    lambda inner: st.one_of(
        st.builds("{}\n{}".format, inner, inner),
        st.builds(lambda e, s: f"if {e}:\n  " + s.replace("\n", "\n  "), _EXPRESSIONS, inner),
        st.builds(
            lambda e, s: f"for a in [{e}]:\n  " + s.replace("\n", "\n  "), _EXPRESSIONS, inner
        ),
        st.builds(lambda s: "try:\n  " + s.replace("\n", "\n  ") + "\nfinally:\n  b", inner),
    ),
    max_leaves=6,
)


@given(_STATEMENTS)
def test_with_its_free_names_a_cell_never_meets_an_unknown_name(source: str) -> None:
    try:
        names = names_of(source)
    except SyntaxError:
        reject()

    with contextlib.suppress(TypeError, OverflowError):
        try:
            exec(source, {"__builtins__": builtins, **dict.fromkeys(names.free, 1)})
        except NameError as error:
            if "where it is not associated" in str(error):
                reject()  # a mistake inside a function of its own
            pytest.fail(f"{error}\n{source}")
