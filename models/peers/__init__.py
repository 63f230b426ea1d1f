"""Lathe measured beside other inference engines: same models, inputs and threads, taking turns in processes of their own.

engines.py   how each engine loads and runs a model
turn.py      one measurement; the program of a process
forms.py     quantized models: which file each engine loads
compare.py   which turns are taken, and what comes out of them
limits.py    what the machine allows: floating-point peak and memory bandwidth against a model's operations and bytes
report.py    tables
plot.py      pictures
torchnets.py the networks in torch
"""
