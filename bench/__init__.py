"""The benchmark: our searches beside public ones, in one run (`make bench`).

`peers` (with `baseline` and `ported`): the public ones behind one interface; `measure`: seconds,
alternating; `cost`: multiplications, and how they grow; `__main__`: all of it, to results/bench.json.
Nothing of the package or of the tests of the package needs what `requirements.txt` here lists.
"""
