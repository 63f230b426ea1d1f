"""Files with precisions of nodes that are wrong are refused."""

import json

import pytest

from conftest import assert_refused

RULE = {"nodes": "product", "precision": "int8-dynamic"}
INT4 = RULE | {"precision": "int4"}
REFUSED = [
    ("empty_file", "", "Unexpected EOF"),
    ("text", "product: int8", "Invalid JSON value"),
    ("object", "{}", "expects a list of rules"),
    ("number", "[5]", "rule 0: expects an object with 'nodes' and 'precision'"),
    ("no_precision", json.dumps([{"nodes": "product"}]), "rule 0: expects a text for each of 'nodes' and 'precision'"),
    ("expression_of_a_wrong_type", json.dumps([RULE | {"nodes": 3}]), "rule 0: expects a text for each of"),
    ("unknown_key", json.dumps([RULE | {"bits": 4}]), "got 'bits'"),
    ("unknown_precision", json.dumps([RULE, RULE | {"precision": "int3"}]), "rule 1: expects precision to be f32, int8"),
    ("expression", json.dumps([RULE | {"nodes": "("}]), "rule 0: expects a regular expression, got '('"),
    ("no_match", json.dumps([RULE, RULE | {"nodes": "conv"}]), "to match a node with constant weights, got none for 'conv'"),
    ("group_size", json.dumps([INT4 | {"group_size": 24}]), "rule 0: expects a group size that is a power of two"),
    ("group_size_of_a_wrong_type", json.dumps([INT4 | {"group_size": "32"}]), "expects a whole number for group_size"),
    ("group_size_of_int8", json.dumps([RULE | {"group_size": 32}]), "expects precision int4 with group_size and method"),
    ("method", json.dumps([INT4 | {"method": "guess"}]), "expects method to be rtn, gptq, awq or adaround"),
    ("method_of_a_wrong_type", json.dumps([INT4 | {"method": 4}]), "expects method to be rtn"),
    ("method_without_samples", json.dumps([INT4 | {"method": "awq"}]), "expects --calibrate with nodes of precision int8, or of int4"),
    ("no_samples", json.dumps([RULE | {"precision": "int8"}]), "expects --calibrate with nodes of precision int8"),
]


@pytest.mark.parametrize("text, message", [pytest.param(*entry[1:], id=entry[0]) for entry in REFUSED])
def test_bad_rules(text, message, model, lathe, tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(text)
    done = lathe(["compile", model, "-o", tmp_path / "m.lathe", "--precisions", path])
    assert_refused(done, 2, [message])
    assert not (tmp_path / "m.lathe").exists()


def test_no_file(model, lathe, tmp_path):
    done = lathe(["compile", model, "-o", tmp_path / "m.lathe", "--precisions", tmp_path / "absent.json"])
    assert_refused(done, 3, ["absent.json", "No such file"])
