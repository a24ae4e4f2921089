"""Our own page of ONNX, held to the package that defines it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from darkroom.models import onnx_format as ours


def test_what_we_write_is_what_the_package_reads() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    sizes = np.array([5, -7, 2**40], np.int64)
    data = ours.model(
        "graph",
        [ours.node("LeakyRelu", ["in", ""], "out", {"alpha": 0.25, "count": -3, "mode": "CRD", "pads": [1, 0, 300]})],
        [ours.tensor("a", values), ours.tensor("b", sizes)],
        ("in", (1, "height", None)),
        ("out", (1, 3)),
        opset=17,
        ir_version=9,
    )
    model = onnx.load_model_from_string(data)
    assert (model.ir_version, model.opset_import[0].version, model.producer_name) == (9, 17, "darkroom")
    node = model.graph.node[0]
    assert (node.op_type, list(node.input), list(node.output)) == ("LeakyRelu", ["in", ""], ["out"])
    read = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    assert read == {"alpha": 0.25, "count": -3, "mode": b"CRD", "pads": [1, 0, 300]}
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), values)
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[1]), sizes)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [(d.dim_value, d.dim_param) for d in dims] == [(1, ""), (0, "height"), (0, "")]
    found = ours.summarise(data)
    assert (found.nodes, found.outputs, found.shape, found.external) == (1, 1, (1, None, None), False)


def _model(tensor: TensorProto, where: str) -> bytes:
    info = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    if where == "attribute":
        nodes, weights = [constant], []
    elif where == "inner graph":
        inner = helper.make_graph([constant], "inner", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [2])])
        nodes, weights = [helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)], []
    else:
        nodes, weights = [helper.make_node("Identity", ["x"], ["y"])], [tensor]
    return helper.make_model(helper.make_graph(nodes, "g", [info], [info], weights)).SerializeToString()


@pytest.mark.parametrize("where", ["weights", "attribute", "inner graph"])
@pytest.mark.parametrize("external", [False, True])
def test_weights_kept_elsewhere_are_seen_wherever_they_are(where: str, external: bool) -> None:
    tensor = helper.make_tensor("c", TensorProto.FLOAT, [2], [1.0, 2.0])
    if external:
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")
    assert ours.summarise(_model(tensor, where)).external is external


def test_real_files_are_summarised(shared: Path) -> None:
    shapes = {
        "faces/yunet_n_640_640.onnx": (1, 3, 640, 640),
        "portrait/SINet.onnx": (1, 3, 320, 320),
        "portrait/prisma_nchw.onnx": (None, 3, 256, 256),
    }
    for name, shape in shapes.items():
        found = ours.summarise((shared / "models" / name).read_bytes())
        assert (found.shape, found.external) == (shape, False)
        assert found.nodes > 10


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    try:
        ours.summarise(data)
    except ours.Malformed as error:
        assert str(error)  # noqa: PT017 - both outcomes are right
