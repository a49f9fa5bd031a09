"""``python -m kanscience`` is the command line."""

from kanscience.cli import main

if __name__ == "__main__":
    main(prog_name="python -m kanscience")
