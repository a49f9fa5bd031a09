"""Tables: reading, checking and splitting them, sampling ranges, and the tables that travel along."""

from ._files import check_no_gaps, load_table, read_csv, table_names
from ._sample import sample_uniform
from ._split import FEW_ROWS, Split, k_folds, random_split, splits
from ._tables import as_columns, as_matrix, as_sigma, as_target, select_columns

__all__ = [
    "FEW_ROWS",
    "Split",
    "as_columns",
    "as_matrix",
    "as_sigma",
    "as_target",
    "check_no_gaps",
    "k_folds",
    "load_table",
    "random_split",
    "read_csv",
    "sample_uniform",
    "select_columns",
    "splits",
    "table_names",
]
