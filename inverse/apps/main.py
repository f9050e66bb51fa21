"""The `inverse` command: picks an app and turns errors into one line that names the mend."""

import os
import sys
from importlib import import_module

import inverse

APPS = {
    "restore": "restore a photograph, or a measurement, with a diffusion prior",
    "info": "list operators, solvers, priors and photographs, and what each needs",
    "train": "train a prior on a folder or zip of images",
    "benchmark": "a grid of restorations into one table, resumable",
    "report": "a page of tables, plots and pictures from benchmarks",
    "errors": "measure how wrong a prior is, for estimating noise and blur",
    "calibrate": "measure how far samples are from the truth, for error bars",
    "certify": "compare a solver's samples with posteriors that are known",
    "tune": "choose a solver's constants on validation images",
    "demo": "restore in the browser, step by step",
    "convert": "write a paper's checkpoint as a diffusers folder, to be used as a prior",
}
USAGE = "usage: inverse {" + ",".join(APPS) + "} [key=value ...] [--help] [--debug]\n"
USAGE += "       inverse --version\n\n"
USAGE += "\n".join(f"  inverse {name:<10}{text}" for name, text in APPS.items())


def main(arguments: list[str] | None = None) -> None:
    """Run `inverse APP ...`; exits 0, 1 (an error), 2 (usage) or 130 (interrupted)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        sys.exit(0 if arguments else 2)
    if arguments == ["--version"]:
        print(f"anytime-inverse {inverse.__version__}")
        sys.exit(0)
    app = arguments.pop(0)
    if app not in APPS:
        import difflib

        near = difflib.get_close_matches(app, APPS, n=1)
        print(f"inverse: no app {app!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    debug = "--debug" in arguments
    flags = [a for a in arguments if a in ("-m", "--multirun")]  # Hydra wants them first
    rest = [a for a in arguments if a not in (*flags, "--debug")]
    sys.argv = [f"inverse {app}", *flags, *rest]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors through to us
    try:
        import_module(f"inverse.apps.{app}").main()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output left, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if debug:
            raise
        print(f"inverse {app}: error: {one_line(error)}", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", 1))


def one_line(error: BaseException) -> str:
    """The error's message on one line; its kind where the message alone says too little."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines) or type(error).__name__
    known = isinstance(error, (ValueError, OSError, TypeError, FloatingPointError))
    return text if known else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    main()
