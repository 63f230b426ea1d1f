"""Runs a command whose standard error is a terminal; prints what comes there, with the control characters spelled out."""

import os
import pty
import subprocess
import sys

terminal, inner = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stderr=inner)
os.close(inner)
text = b""
try:
    while piece := os.read(terminal, 4096):
        text += piece
except OSError:  # how Linux says that the other side is closed
    pass
print(text.decode().replace("\r\x1b[K", "<clear>").replace("<clear>", "\n<clear>"))
sys.exit(process.wait())
