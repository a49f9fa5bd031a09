"""Tables: reading, checking and splitting them, sampling ranges, and the tables that travel along."""

from kanscience.datasets._files import check_no_gaps, has_gaps, load_table, read_csv, table_names
from kanscience.datasets._sample import sample_uniform
from kanscience.datasets._split import FEW_ROWS, Split, k_folds, random_split
from kanscience.datasets._tables import (
    as_columns,
    as_matrix,
    as_sigma,
    as_target,
    check_no_target_among,
    plain_names,
    select_columns,
)
from kanscience.datasets._values import as_frame, names_of

__all__ = [
    "FEW_ROWS",
    "Split",
    "as_columns",
    "as_frame",
    "as_matrix",
    "as_sigma",
    "as_target",
    "check_no_gaps",
    "check_no_target_among",
    "has_gaps",
    "k_folds",
    "load_table",
    "names_of",
    "plain_names",
    "random_split",
    "read_csv",
    "sample_uniform",
    "select_columns",
    "table_names",
]
