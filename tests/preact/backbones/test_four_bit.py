"""What layers in 4 bits hold is what bitsandbytes makes of them."""

from preact.backbones.backbone import load, outline
from preact.backbones.four_bit import bytes_beside, bytes_of_scales, layers_in_4_bits, packed_length
from preact.backbones.identity import count_parameters
from tests.preact.conftest import Run


def test_lengths_and_bytes_are_those_of_packed_layers(preact_run: Run) -> None:
    model = load(preact_run.backbone, precision="bfloat16", quantise="4bit").model
    layers = list(layers_in_4_bits(model))
    assert len(layers) == 2 * 7
    for layer in layers:
        state = layer.weight.quant_state
        tables = (state.absmax, state.code, state.offset, state.state2.absmax, state.state2.code)
        assert bytes_of_scales(layer) == sum(table.nbytes for table in tables)
        assert tuple(layer.weight.shape) == (packed_length(layer), 1)
    largest = max(layer.in_features * layer.out_features for layer in layers)
    assert bytes_beside(model) == sum(map(bytes_of_scales, layers)) + 2 * largest


def test_all_weights_are_counted_packed_or_not(preact_run: Run) -> None:
    whole = load(preact_run.backbone, precision="bfloat16").model
    packed = load(preact_run.backbone, precision="bfloat16", quantise="4bit").model
    bare = outline(preact_run.backbone, precision="bfloat16", quantise="4bit")
    assert bare is not None
    assert count_parameters(whole) == count_parameters(packed) == count_parameters(bare.model)
    assert bytes_beside(whole) == 0 and bytes_beside(bare.model) == bytes_beside(packed)
