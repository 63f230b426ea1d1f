"""What the end-to-end tests share. The environment says where things are: LATHE (the command), LATHE_ARTIFACTS
(where compiled models are kept), LATHE_E2E_FILTER (which models; a regular expression)."""

import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from models import command, reference, zoo  # noqa: E402


@pytest.fixture(scope="session")
def artifacts():
    folder = os.environ.get("LATHE_ARTIFACTS") or os.path.join(ROOT, "build", "tests", "artifacts")
    os.makedirs(folder, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def references():
    """Gives the reference's session of a model; keeps the last one only, since some are large."""
    kept = {}

    def get(name):
        if name not in kept:
            kept.clear()
            kept[name] = reference.session(zoo.path(name), threads=2)
        return kept[name]

    return get


@pytest.fixture(scope="session")
def artifact_of(artifacts):
    """Gives the artifact of a model. One that can't be compiled fails each of its tests, but is tried once only."""
    failures = {}

    def get(name):
        if name not in failures:
            try:
                return command.compiled(name, artifacts)
            except command.Failed as failure:
                failures[name] = str(failure)
        pytest.fail(failures[name], pytrace=False)

    return get
