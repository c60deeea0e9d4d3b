#!/usr/bin/python3
"""Run the scenario tests: run.py [-j 2] [--dsrun FILE] [NAME...]

All test_ functions of all t_*.py beside this file, or those whose name
(file.function) contains one of NAMEs.
"""
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import harness  # noqa: E402  (found by the line above)

if __name__ == "__main__":
    harness.main([(path.stem, importlib.import_module(path.stem))
                  for path in sorted(HERE.glob("t_*.py"))])
