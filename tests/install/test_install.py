"""An install tree is enough to build and run the serving examples: test_install.py BUILD_DIR SOURCE_DIR."""

import io
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "capi"))
import double_model  # noqa: E402

BUILD, SOURCE = Path(sys.argv[1]), Path(sys.argv[2])


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


def check_c(serve, artifact):
    x = np.array([1, 2, 3], np.float32)
    answer = run(serve, artifact, input=b"3\n" + x.tobytes() + b"1\n" + x[:1].tobytes())
    assert answer == b"y f32 3\n" + (x + x).tobytes() + b"y f32 1\n" + (x + x)[:1].tobytes(), answer


def check_python(artifact):
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python")}
    server = subprocess.Popen([sys.executable, SOURCE / "docs/examples/python/serve.py", artifact], stdout=subprocess.PIPE,
                              env=environment, text=True)
    try:
        address = server.stdout.readline().strip()
        body = io.BytesIO()
        np.savez(body, x=np.array([1, 2], np.float32))
        with urllib.request.urlopen(address + "/run", body.getvalue(), timeout=30) as answer:
            np.testing.assert_array_equal(np.load(io.BytesIO(answer.read()))["y"], [2, 4])
    finally:
        server.terminate()
        server.wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        prefix = folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", prefix)
        double_model.save(folder / "double.onnx")
        artifact = folder / "double.lathe"
        run(prefix / "bin/lathe", "compile", folder / "double.onnx", "-o", artifact)
        for language in ("c", "cpp", "compile"):
            build = folder / language
            run("cmake", "-S", SOURCE / "docs/examples" / language, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
            run("cmake", "--build", build)
        check_c(folder / "c/serve", artifact)
        run(folder / "compile/compile", folder / "double.onnx", folder / "again.lathe")
        assert artifact.read_bytes() == (folder / "again.lathe").read_bytes()
        flags = run("pkg-config", "--cflags", "--libs", "lathe", text=True,
                    env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}).split()
        run("cc", SOURCE / "docs/examples/c/serve.c", *flags, f"-Wl,-rpath,{prefix}/lib", "-o", folder / "serve")
        check_c(folder / "serve", artifact)
        assert b"100 requests" in run(folder / "cpp/serve", artifact, 2, 100)
        check_python(artifact)


main()
