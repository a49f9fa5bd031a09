"""Change parameters, never nodes or edges."""

from kanscience.training._fit import fit
from kanscience.training._fit_many import fit_many
from kanscience.training._levenberg import levenberg_marquardt
from kanscience.training._objective import Regression, WithFixedNumbers
from kanscience.training._penalties import Penalty
from kanscience.training._report import FitReport, Parameter, Progress
from kanscience.training._samples import Samples, checked_samples, held_back
from kanscience.training._threads import one_thread
from kanscience.training._weights import model_scatter, normalised_weights

__all__ = [
    "FitReport",
    "Parameter",
    "Penalty",
    "Progress",
    "Regression",
    "Samples",
    "WithFixedNumbers",
    "checked_samples",
    "fit",
    "fit_many",
    "held_back",
    "levenberg_marquardt",
    "model_scatter",
    "normalised_weights",
    "one_thread",
]
