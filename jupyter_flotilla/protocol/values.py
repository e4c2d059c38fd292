"""Values of Python in typed files: the same on both sides of a job, whatever their versions.

Standard library only at import; this file is also executed by itself inside of a job's kernel.
pandas, polars, numpy and pyarrow are used where a value is theirs.
"""

import ast
import json
import os
import pickle
import sys
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Callable, Dict, List, Set, Tuple

#: Deeper or larger structures are pickled: to look at every item would take longer.
_MAX_DEPTH = 50
_MAX_ITEMS = 100_000
#: A table of more bytes is read some columns at a time, so many bytes or one column.
_GROUP_BYTES = 64 * 2**20
_SUFFIXES = {
    "parquet": ".parquet", "npy": ".npy", "json": ".json", "text": ".txt", "bytes": ".bin",
    "path": ".path", "literal": ".py", "pickle": ".pickle",
}  # fmt: skip


class NotSaveable(Exception):
    """A value that no format can carry; the message says why."""


def save(value: Any, folder: str, name: str) -> Dict[str, Any]:
    """Write a value into a file of its own and return what describes it.

    Returns
    -------
    ``name``, ``format`` (parquet, npy, json, literal, text, bytes, path or pickle), ``file`` (its
    name in ``folder``), ``size`` (bytes), ``type`` (for people), ``kind`` (what a format needs to
    make the same type again) and, of a pickle, ``python`` (minor version), ``module`` (who made
    it), ``version``, ``main`` (names of the main module that it needs) and ``modules``
    (others that it needs); of a table of pandas, ``objects`` and ``freq`` (`_beside_parquet`).

    Raises
    ------
    NotSaveable
        If it cannot be pickled either.
    """
    format, kind = _format(value)
    entry: Dict[str, Any] = {"name": name, "type": type_name(value)}
    if format == "parquet":
        try:
            entry.update(_beside_parquet(value, kind))
            return _write(entry, folder, format, kind, lambda file: _parquet(value, kind, file))
        except Exception as error:  # each library has its own for what a table cannot hold
            entry["why_pickle"] = "%s: %s" % (type(error).__name__, error)
            format, kind = "pickle", ""
    if format != "pickle":
        try:
            return _write(entry, folder, format, kind, lambda file: _WRITERS[format](value, file))
        except ValueError:  # an integer of more digits than Python writes
            format, kind = "pickle", ""
    main: Set[str] = set()
    modules: Set[str] = set()
    entry.update(_origin(value))
    try:
        entry = _write(
            entry, folder, format, kind, lambda file: _pickle(value, file, main, modules)
        )
    except Exception as error:  # __reduce__ of anything raises anything
        raise NotSaveable(str(error)) from error
    return dict(entry, main=sorted(main), modules=sorted(modules))


def load(entry: Dict[str, Any], folder: str, allow_pickle: bool = True) -> Any:
    """Return the value that an entry of `save` describes.

    Raises
    ------
    ValueError
        If it is pickled, and that is not allowed, or was done by another minor version of Python.
    """
    path = os.path.join(folder, os.path.basename(entry["file"]))
    format, kind = entry["format"], entry.get("kind", "")
    if format == "parquet":
        return _read_parquet(path, entry)
    if format == "npy":
        import numpy

        array = numpy.load(path, allow_pickle=False)
        return array[()] if kind == "scalar" else array
    if format == "pickle":
        return _unpickled(path, entry, allow_pickle)
    with open(path, "rb") as file:
        content = file.read()
    if format == "json":
        return json.loads(content)
    if format == "literal":
        return ast.literal_eval(content.decode("utf-8", "surrogatepass"))
    if format == "text":
        return content.decode("utf-8", "surrogatepass")
    if format == "bytes":
        return bytearray(content) if kind == "bytearray" else content
    if format == "path":
        return Path(content.decode("utf-8", "surrogateescape"))
    raise ValueError("%s is of an unknown format, %s" % (entry["name"], format))


def _unpickled(path: str, entry: Dict[str, Any], allow_pickle: bool) -> Any:
    if not allow_pickle:
        raise ValueError("%s is pickled, and loading it runs its writer's code" % entry["name"])
    here = "%d.%d" % sys.version_info[:2]
    if entry["python"] != here:
        raise ValueError("%s was pickled by Python %s, this is %s"
                         % (entry["name"], entry["python"], here))  # fmt: skip
    with open(path, "rb") as file:
        return pickle.load(file)  # not from its bytes: they would be in memory as well


def type_name(value: Any) -> str:
    """Return a type as people call it."""
    kind = type(value)
    name = getattr(kind, "__qualname__", kind.__name__)
    return (
        name if kind.__module__ in ("builtins", "__main__") else "%s.%s" % (kind.__module__, name)
    )


def _format(value: Any) -> Tuple[str, str]:
    module, name = type(value).__module__.partition(".")[0], type(value).__name__
    if module in ("pandas", "polars") and name in ("DataFrame", "Series"):
        is_unnamed = module == "pandas" and name == "Series" and value.name is None
        return "parquet", "%s.%s%s" % (module, name, ".unnamed" if is_unnamed else "")
    if module == "numpy" and hasattr(value, "dtype") and not value.dtype.hasobject:
        if name == "ndarray":
            return "npy", ""
        if not hasattr(value, "__len__"):
            return "npy", "scalar"
    if type(value) is str:
        return "text", ""
    if type(value) in (bytes, bytearray):
        return "bytes", name
    if isinstance(value, PurePath):
        return "path", ""
    if _consists_of(value, (str, int, bool, float, type(None)), text_keys=True):
        return "json", ""
    return ("literal", "") if _is_literal(value) else ("pickle", "")


def _is_literal(value: Any) -> bool:
    scalars = (str, int, bool, float, type(None), bytes, complex)
    return _consists_of(value, scalars, text_keys=False) and _is_repeatable(value)


def _is_repeatable(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)  # NaN and infinity have no literal
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False


def _consists_of(value: Any, scalars: Tuple[type, ...], text_keys: bool) -> bool:
    """Say whether a value is these types, and lists and dicts of them, exactly and through.

    With ``text_keys`` as JSON brings it back; else also tuples and sets.
    """
    stack, seen = [(value, 0)], 0
    while stack:
        item, depth = stack.pop()
        seen += 1
        kind = type(item)
        if seen > _MAX_ITEMS or depth > _MAX_DEPTH:
            return False
        if kind is list or (kind in (tuple, set) and not text_keys):
            stack += [(one, depth + 1) for one in item]
        elif kind is dict:
            if text_keys and not all(type(key) is str for key in item):
                return False
            keys = [] if text_keys else [(key, depth + 1) for key in item]
            stack += [(one, depth + 1) for one in item.values()] + keys
        elif kind not in scalars:
            return False
    return True


def _parquet(value: Any, kind: str, file: BinaryIO) -> None:
    if kind == "polars.DataFrame":
        value.write_parquet(file)
    elif kind == "polars.Series":
        value.to_frame().write_parquet(file)
    else:
        is_series = kind.startswith("pandas.Series")
        frame = value.to_frame("0" if value.name is None else value.name) if is_series else value
        if not all(isinstance(column, str) for column in frame.columns):
            raise TypeError("names of columns that are no text")
        _check_columns(frame)
        frame.to_parquet(file, engine="pyarrow")


def _check_columns(frame: Any) -> None:
    """Refuse what would not come back as it is: objects of mixed kinds, pyarrow's nested types."""
    for column, dtype in frame.dtypes.items():
        if getattr(getattr(dtype, "pyarrow_dtype", None), "num_fields", 0):
            raise TypeError("column %r is of type %s, which pandas does not read" % (column, dtype))
    mixed = [column for column in frame.columns if frame[column].dtype == object]
    for column in mixed:
        kinds = {type(item) for item in frame[column].head(1000) if item is not None}
        if not kinds <= {str, float}:
            raise TypeError("column %r holds %s" % (column, ", ".join(k.__name__ for k in kinds)))


def _beside_parquet(value: Any, kind: str) -> Dict[str, Any]:
    """Return what parquet does not keep of pandas: the frequency of an index, columns of objects.

    ``objects`` maps a column to whether what it lacks is None; else it is NaN.
    """
    if not kind.startswith("pandas"):
        return {}
    columns = {"0": value} if kind.startswith("pandas.Series") else value
    objects = {name: any(item is None for item in columns[name])
               for name in columns if columns[name].dtype == object}  # fmt: skip
    return {"objects": objects, "freq": getattr(value.index, "freqstr", None)}


def _read_parquet(path: str, entry: Dict[str, Any]) -> Any:
    kind = entry.get("kind", "")
    if kind.startswith("polars"):
        import polars

        frame = polars.read_parquet(path)
        return frame.to_series() if kind == "polars.Series" else frame
    import pandas

    frame = _read_frame(path)
    is_series = kind.startswith("pandas.Series")
    for name, has_none in entry.get("objects", {}).items():
        column = frame.columns[0] if is_series else name
        if frame[column].dtype != object:
            made = frame[column].astype(object)
            frame[column] = made.where(made.notna(), None) if has_none else made
    if entry.get("freq") and not isinstance(frame.index, pandas.PeriodIndex):
        index: Any = frame.index
        index.freq = entry["freq"]
    if is_series:
        series = frame.iloc[:, 0]
        return series.rename(None) if kind.endswith("unnamed") else series
    return frame


def _read_frame(path: str) -> Any:
    """Return a table of pandas, read some columns at a time.

    Read at once it would be in memory three times: the file's bytes, pyarrow's table, and the
    frame. So it is there once, and what is being read besides.
    """
    import pandas

    groups = _column_groups(path)
    if len(groups) < 2:
        return pandas.read_parquet(path, engine="pyarrow")
    parts: List[Any] = []
    for names in groups:
        part = pandas.read_parquet(path, engine="pyarrow", columns=names, pre_buffer=False)
        if parts:  # each is read with the index; of one and the same, none is compared
            part.index = parts[0].index
        parts.append(part)
    # from 3.0 on it copies nothing, and warns of the word
    lazily: Dict[str, Any] = {"copy": False} if pandas.__version__ < "3" else {}
    frame = pandas.concat(parts, axis=1, **lazily)
    frame.attrs = parts[0].attrs
    return frame


def _column_groups(path: str) -> List[List[str]]:
    """Return the columns of a parquet file, in order, so many together as are read at a time.

    None where they cannot be told apart: a column of structures is many in the file.
    """
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]

    with ParquetFile(path) as file:
        names, metadata = file.schema_arrow.names, file.metadata
        if metadata.num_columns != len(names):
            return []
        described = file.schema_arrow.pandas_metadata or {}
        rows = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        sizes = [sum(row.column(number).total_uncompressed_size for row in rows)
                 for number in range(len(names))]  # fmt: skip
    index = [name for name in described.get("index_columns", []) if isinstance(name, str)]
    # few in all: pandas warns of frames that are made of a hundred pieces
    limit = max(_GROUP_BYTES, sum(sizes) // 32)
    groups: List[List[str]] = []
    room = 0
    for name, size in zip(names, sizes):
        if name in index:
            continue
        if room <= 0:
            groups.append([])
            room = limit
        groups[-1].append(name)
        room -= size
    return groups


def _npy(value: Any, file: BinaryIO) -> None:
    import numpy

    numpy.save(file, value, allow_pickle=False)


def _json(value: Any, file: BinaryIO) -> None:
    file.write(json.dumps(value).encode())


def _literal(value: Any, file: BinaryIO) -> None:
    file.write(repr(value).encode("utf-8", "surrogatepass"))


def _text(value: str, file: BinaryIO) -> None:
    file.write(value.encode("utf-8", "surrogatepass"))


def _bytes(value: Any, file: BinaryIO) -> None:
    file.write(value)


def _path(value: PurePath, file: BinaryIO) -> None:
    file.write(os.fspath(value).encode("utf-8", "surrogateescape"))


_WRITERS = {"npy": _npy, "json": _json, "text": _text, "bytes": _bytes, "path": _path,
            "literal": _literal}  # fmt: skip


class _Pickler(pickle.Pickler):
    """Notes which names of the main module a pickle needs."""

    def __init__(self, file: BinaryIO, main: Set[str], modules: Set[str]) -> None:
        super().__init__(file, protocol=4)
        self._main = main
        self._modules = modules

    def reducer_override(self, item: Any) -> Any:
        """Look at an object on its way; it is pickled as ever."""
        for one in (item, type(item)):
            module = getattr(one, "__module__", None)
            name = getattr(one, "__qualname__", getattr(one, "__name__", None))
            if module == "__main__" and isinstance(name, str):
                self._main.add(name.partition(".")[0])
            elif isinstance(module, str):
                self._modules.add(module)
        return NotImplemented


def _pickle(value: Any, file: BinaryIO, main: Set[str], modules: Set[str]) -> None:
    _Pickler(file, main, modules).dump(value)


def _origin(value: Any) -> Dict[str, str]:
    module = type(value).__module__.partition(".")[0]
    version = str(getattr(sys.modules.get(module), "__version__", ""))
    return {"python": "%d.%d" % sys.version_info[:2], "module": module, "version": version}


def _write(
    entry: Dict[str, Any], folder: str, format: str, kind: str, write: Callable[[BinaryIO], None]
) -> Dict[str, Any]:
    file = entry["name"] + _SUFFIXES[format]
    path = os.path.join(folder, file)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(fd, "wb") as opened:
            write(opened)
    except BaseException:
        os.unlink(path)
        raise
    return dict(entry, format=format, kind=kind, file=file, size=os.path.getsize(path))
