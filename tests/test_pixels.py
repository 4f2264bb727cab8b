"""Pixels set, corners of colours and genes decoded: each beside what it should be."""

import numpy as np
import pytest

from maskdet import attack

IMAGE = np.full((50, 50, 3), 128, np.uint8)


def test_set_pixels_sets_the_pixel_at_row_and_column_and_nothing_else():
    image = IMAGE.copy()
    result = attack.set_pixels(image, [[3, 40, 255, 0, 7]])
    assert result[0, 3, 40].tolist() == [255, 0, 7]
    assert (result[0] != image).any(axis=-1).sum() == 1
    assert (image == 128).all(), "the original is left alone"


@pytest.mark.parametrize("pixel", [[50, 0, 0, 0, 0], [0, 50, 0, 0, 0], [-1, 0, 0, 0, 0],
                                   [0, 0, 256, 0, 0], [0, 0, 0, 0, -1]])
def test_set_pixels_refuses_a_pixel_outside_the_image_or_a_colour_outside_8_bits(pixel):
    with pytest.raises(ValueError, match="expected row, column and colour values of 0 to below"):
        attack.set_pixels(IMAGE, [pixel])


def test_set_pixels_refuses_an_image_that_is_not_of_bytes_and_pixels_of_other_channels():
    with pytest.raises(ValueError, match=r"expected a uint8 image \(H, W, C\), 0 to 255, got float64 \(50, 50, 3\)"):
        attack.set_pixels(IMAGE / 255, [[0, 0, 1, 1, 1]])
    for pixels in ([[0, 0, 1]], [[0, 0, 0.5, 0, 0]]):
        with pytest.raises(ValueError, match=r"expected pixels \(N, P, 5\) of whole numbers: row, column, and 3 col"):
            attack.set_pixels(IMAGE, pixels)


def test_set_pixels_sets_several_pixels_and_the_last_of_those_at_one_place_counts():
    result = attack.set_pixels(IMAGE, [[[1, 2, 0, 0, 0], [3, 4, 5, 6, 7], [1, 2, 9, 9, 9]]])
    assert result[0, 1, 2].tolist() == [9, 9, 9] and result[0, 3, 4].tolist() == [5, 6, 7]
    assert (result[0] != 128).any(axis=-1).sum() == 2


def test_genes_cover_every_row_column_and_colour_and_no_more():
    genes = np.repeat(np.linspace(0, 1, 10001)[:, None], 5, axis=1)  # 1.0 itself included
    whole = attack.decoded(genes, shape=(50, 40, 3))[:, 0]
    for gene, size in enumerate((50, 40, 256, 256, 256)):
        assert np.unique(whole[:, gene]).tolist() == list(range(size))


@pytest.mark.parametrize("channels", [1, 4])
def test_set_pixels_sets_every_channel_there_is(channels):
    colour = list(range(7, 7 + channels))
    [changed] = attack.set_pixels(IMAGE[..., :1].repeat(channels, axis=2), [2, 3, *colour])
    assert changed[2, 3].tolist() == colour and (changed != 128).any(axis=-1).sum() == 1


def test_corners_are_all_extreme_colours_and_of_more_than_eight_channels_refused():
    assert attack.corners(1).tolist() == [[0], [255]]
    assert attack.corners(3)[:3].tolist() == [[0, 0, 0], [0, 0, 255], [0, 255, 0]], "in the order of the records"
    assert np.unique(attack.corners(8), axis=0).shape == (256, 8) and set(attack.corners(8).flat) == {0, 255}
    for channels in (0, 9):
        with pytest.raises(ValueError, match=f"expected images of 1 to 8 channels, whose .* got {channels}: search by"):
            attack.corners(channels)
