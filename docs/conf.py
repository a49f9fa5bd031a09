"""How the documentation is built: ``make docs``. Pages with code are executed, so what they print is what the code does."""

import shutil
from pathlib import Path

import kanscience

HERE = Path(__file__).parent

project = "kanscience"
author = "The kanscience developers"
release = version = kanscience.__version__
copyright = author

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 2
nb_execution_mode = "force"  # a cache would not notice that the library has changed, or that a build is small
nb_execution_timeout = 600
nb_execution_raise_on_error = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
autodoc_typehints = "none"  # the docstrings tell shapes and units, which says more
autodoc_member_order = "bysource"

html_theme = "pydata_sphinx_theme"
html_title = "kanscience"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False, "secondary_sidebar_items": ["page-toc"]}
html_sidebars = {"quickstart": [], "api": []}


def _bring_tutorials() -> None:
    """Copy the notebooks beside the pages: Sphinx reads nothing outside its folder."""
    to = HERE / "tutorials"
    to.mkdir(exist_ok=True)
    for notebook in sorted((HERE.parent / "tutorials").glob("*.ipynb")):
        shutil.copy(notebook, to)


_bring_tutorials()
