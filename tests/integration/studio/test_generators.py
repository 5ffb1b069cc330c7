"""Studio's generators are procedural, and depend on what they are asked."""

from __future__ import annotations

import io
import wave

import pytest
from PIL import Image
from studio.generators import ProceduralAudio, ProceduralImages


@pytest.mark.parametrize(
    "maker", [ProceduralImages(48), ProceduralAudio(0.1)], ids=["image", "audio"]
)
def test_every_byte_of_the_prompt_and_the_seed_count(
    maker: ProceduralImages | ProceduralAudio,
) -> None:
    made = {maker.generate(p, s) for p in ("a cat", "a cap", "A cat") for s in (1, 2)}
    assert len(made) == 6
    assert maker.generate("a cat", 1) in made


def test_a_colour_word_chooses_the_colour() -> None:
    def blue_over_red(word: str) -> float:
        picture = Image.open(io.BytesIO(ProceduralImages(48).generate(f"{word} sea", 3)))
        red, _, blue = (sum(band.tobytes()) for band in picture.split())
        return blue / red

    assert blue_over_red("midnight") > 1.2
    assert blue_over_red("amber") < 0.8


def test_a_sound_is_a_valid_file() -> None:
    with wave.open(io.BytesIO(ProceduralAudio(0.5).generate("calm sea", 1))) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (1, 8000, 4000)
