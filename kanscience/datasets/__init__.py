"""Tables: reading, checking and splitting them, sampling ranges, and the tables that travel along."""

from ._sample import sample_uniform
from ._split import FEW_ROWS, Split, k_folds, random_split, splits
from ._tables import as_columns, as_matrix, as_sigma, as_target, load_table, read_csv, select_columns, table_names

__all__ = [
    "FEW_ROWS",
    "Split",
    "as_columns",
    "as_matrix",
    "as_sigma",
    "as_target",
    "k_folds",
    "load_table",
    "random_split",
    "read_csv",
    "sample_uniform",
    "select_columns",
    "splits",
    "table_names",
]
