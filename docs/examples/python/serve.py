"""Serves a compiled model over HTTP on the loopback address.

    python serve.py MODEL.lathe [PORT]

POST an .npz with one array per input to /run; the answer is an .npz with one array per output. GET / describes the model.
Every server thread has a session of its own; all share the artifact's weights.
"""

import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import lathe
import numpy as np


def make_handler(artifact: lathe.Artifact):
    local = threading.local()

    def session() -> lathe.Session:
        if not hasattr(local, "session"):
            local.session = lathe.Session(artifact, threads=1)
        return local.session

    class Handler(BaseHTTPRequestHandler):
        def answer(self, code: int, kind: str, body: bytes):
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            describe = lambda infos: [{"name": i.name, "dtype": str(i.dtype), "shape": i.shape} for i in infos]
            model = {"inputs": describe(artifact.inputs), "outputs": describe(artifact.outputs)}
            self.answer(200, "application/json", json.dumps(model).encode())

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                with np.load(io.BytesIO(body), allow_pickle=False) as feeds:
                    results = session().run(dict(feeds))
            except (lathe.Error, ValueError, OSError) as error:
                return self.answer(400, "text/plain", str(error).encode())
            out = io.BytesIO()
            np.savez(out, **results)
            self.answer(200, "application/octet-stream", out.getvalue())

        def log_message(self, *args):
            pass

    return Handler


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: serve.py MODEL.lathe [PORT]")
    port = int(sys.argv[2]) if len(sys.argv) == 3 else 0
    server = ThreadingHTTPServer(("127.0.0.1", port), make_handler(lathe.Artifact.load(sys.argv[1])))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
