"""Packages that are needed but never imported by name: pandas asks for pyarrow only when it reads
parquet. The table is short on purpose; what it does not know, ``--with`` says."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jupyter_flotilla.environment.installed import Installed


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    #: Distribution that loads the others lazily; empty: whatever is imported.
    of: str
    #: What in the job's text says that it will.
    when: str
    #: What people call it.
    why: str
    #: Distributions; of these the installed ones are taken.
    brings: tuple[str, ...]


_RULES = (
    _Rule(of="pandas", when=r"parquet|feather|\borc\b|ArrowDtype|pyarrow", why="parquet",
          brings=("pyarrow", "fastparquet")),
    _Rule(of="scikit-learn", when=r"as_frame|set_output|fetch_openml", why="its tables",
          brings=("pandas", "polars")),
    _Rule(of="polars", when=r"to_pandas|from_pandas|to_arrow|pyarrow", why="arrow",
          brings=("pyarrow", "pandas")),
    _Rule(of="polars", when=r"read_excel|write_excel", why="excel",
          brings=("fastexcel", "xlsxwriter")),
    _Rule(of="pandas", when=r"excel|ExcelWriter", why="excel",
          brings=("openpyxl", "xlsxwriter", "xlrd", "odfpy", "pyxlsb")),
    _Rule(of="pandas", when=r"_hdf\b|HDFStore", why="HDF5", brings=("tables",)),
    _Rule(of="pandas", when=r"_html\b|_xml\b", why="HTML and XML",
          brings=("lxml", "html5lib", "beautifulsoup4")),
    _Rule(of="pandas", when=r"to_sql|read_sql", why="SQL", brings=("sqlalchemy",)),
    _Rule(of="pandas", when=r"\.style\b", why="styles", brings=("jinja2",)),
    _Rule(of="pandas", when=r"\.plot\b|\.hist\(|\.boxplot\(", why="plots", brings=("matplotlib",)),
    _Rule(of="pandas", when=r"to_markdown", why="markdown", brings=("tabulate",)),
    _Rule(of="sqlalchemy", when=r"create_(async_)?engine|read_sql|to_sql", why="databases",
          brings=("psycopg", "psycopg-binary", "psycopg2", "psycopg2-binary", "pymysql",
                  "mysqlclient", "asyncpg", "aiosqlite", "oracledb", "pyodbc", "duckdb-engine",
                  "snowflake-sqlalchemy", "sqlalchemy-bigquery")),
    _Rule(of="xarray", when=r"open_(mf)?dataset|to_netcdf|_zarr\b", why="its files",
          brings=("netcdf4", "h5netcdf", "zarr", "dask", "cfgrib")),
    _Rule(of="", when=r"\bs3a?://", why="s3://", brings=("s3fs",)),
    _Rule(of="", when=r"\bgc?s://", why="gs://", brings=("gcsfs",)),
    _Rule(of="", when=r"\b(abfss?|az|adl)://", why="Azure storage", brings=("adlfs",)),
    _Rule(of="", when=r"\bhf://", why="hf://", brings=("huggingface-hub",)),
    _Rule(of="", when=r"%matplotlib|%pylab", why="%matplotlib", brings=("matplotlib",)),
    _Rule(of="matplotlib", when=r"", why="plots in notebooks", brings=("matplotlib-inline",)),
    _Rule(of="plotly", when=r"\.show\(", why="plots in notebooks", brings=("nbformat",)),
    _Rule(of="tqdm", when=r"tqdm\.(notebook|auto)", why="progress bars", brings=("ipywidgets",)),
)  # fmt: skip


def companions(
    needed: Iterable[str], texts: Iterable[str], installed: Installed
) -> Iterator[tuple[str, str]]:
    """Yield (distribution, why) of installed ones that ``needed`` will load without an import."""
    names, text = set(needed), "\n".join(texts)
    for rule in _RULES:
        if (rule.of in names or not rule.of) and re.search(rule.when, text):
            for name in rule.brings:
                if name not in names and installed.get(name) is not None:
                    names.add(name)
                    yield name, rule.why
