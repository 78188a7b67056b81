"""Where the compact decoder takes the background from."""

import torch
from torch.testing import assert_close

from keypointgan.models.decoder import CompactDecoder


def _decoder(background: str, *, mask: float) -> CompactDecoder:
    """A decoder that paints 0.25 everywhere and whose mask has this value before the sigmoid."""
    decoder = CompactDecoder(width=4, background=background).eval()
    torch.nn.init.zeros_(decoder.out.weight)
    with torch.no_grad():
        decoder.out.bias[:12] = 0.25
        decoder.out.bias[12:] = mask
    return decoder


def test_an_empty_mask_keeps_the_reference(generator: torch.Generator) -> None:
    rendered = torch.rand(2, 1, 32, 32, generator=generator)
    reference = torch.rand(2, 3, 32, 32, generator=generator)
    assert_close(_decoder("reference", mask=-50.0)(rendered, reference), reference)


def test_a_full_mask_paints_the_whole_frame(generator: torch.Generator) -> None:
    rendered = torch.rand(2, 1, 32, 32, generator=generator)
    reference = torch.rand(2, 3, 32, 32, generator=generator)
    painted = _decoder("reference", mask=50.0)(rendered, reference)
    assert_close(painted, torch.full((2, 3, 32, 32), 0.25))


def test_a_plate_takes_the_place_of_the_reference(generator: torch.Generator) -> None:
    """Half masked, so half of 0.25 and half of the plate's pixel."""
    rendered = torch.rand(2, 1, 32, 32, generator=generator)
    reference, plate = torch.rand(2, 2, 3, 32, 32, generator=generator)
    frame = _decoder("plate", mask=0.0)(rendered, reference, plate)
    assert_close(frame, 0.125 + plate / 2)
