"""Procedural generators: pictures and sounds computed from a prompt, no model.

They stand in for a diffusion pipeline, and say so. The output depends on every
byte of the prompt and on the seed: known words choose colours, scenes and
timbres, and a digest of the whole prompt drives the rest. Anything with the
same `generate` (a diffusers pipeline, a remote API) can take their place.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image


class ImageGenerator(Protocol):
    """Turns a prompt into a PNG."""

    def generate(self, prompt: str, seed: int) -> bytes:
        """Return the bytes of one PNG file."""
        ...


class AudioGenerator(Protocol):
    """Turns a prompt into a WAV."""

    def generate(self, prompt: str, seed: int) -> bytes:
        """Return the bytes of one RIFF/WAVE file."""
        ...


# Sky, far and near colours (RGB), by a word of the prompt.
PALETTES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "amber": ((255, 214, 140), (214, 126, 44), (92, 44, 22)),
    "teal": ((196, 236, 228), (44, 142, 140), (10, 58, 70)),
    "violet": ((228, 208, 250), (130, 88, 190), (46, 26, 84)),
    "crimson": ((255, 206, 190), (196, 52, 62), (72, 14, 34)),
    "misty": ((232, 236, 240), (150, 164, 178), (64, 78, 94)),
    "golden": ((255, 240, 196), (226, 176, 60), (110, 76, 20)),
    "midnight": ((48, 54, 104), (26, 30, 70), (8, 10, 30)),
    "emerald": ((214, 246, 214), (46, 150, 92), (10, 62, 46)),
    "rose": ((255, 226, 232), (226, 120, 150), (110, 36, 70)),
    "silver": ((240, 242, 246), (168, 178, 192), (70, 80, 98)),
}
# How rough the land is (number of octaves, amplitude), by a word of the prompt.
SCENES: dict[str, tuple[int, float]] = {
    "sea": (1, 0.05), "lake": (1, 0.04), "harbour": (2, 0.07), "desert": (2, 0.12),
    "hills": (2, 0.16), "forest": (5, 0.14), "garden": (3, 0.08), "city": (5, 0.22),
    "mountains": (4, 0.3), "canyon": (4, 0.24), "island": (3, 0.2), "glacier": (4, 0.2),
}  # fmt: skip
SCALES: dict[str, tuple[int, ...]] = {
    "calm": (0, 4, 7, 11, 12), "sad": (0, 3, 7, 10, 12), "bright": (0, 4, 7, 9, 12),
    "dark": (0, 3, 6, 10, 12), "dreamy": (0, 2, 7, 9, 14), "tense": (0, 1, 6, 7, 13),
}  # fmt: skip


def _words(prompt: str) -> list[str]:
    """Split a prompt into its lower-case words."""
    return re.findall(r"\w+", prompt.lower())


def _digest(prompt: str, seed: int) -> bytes:
    """Give 32 bytes that depend on every byte of the prompt and on the seed."""
    return hashlib.blake2b(prompt.encode(), digest_size=32, key=struct.pack("<q", seed)).digest()


@dataclass(frozen=True, slots=True)
class ProceduralImages:
    """Layered landscapes, `size` pixels square; procedural, not a model."""

    size: int = 384

    def generate(self, prompt: str, seed: int) -> bytes:
        """Return the bytes of one PNG file."""
        words, digest = _words(prompt), _digest(prompt, seed)
        names = list(PALETTES)
        palette = PALETTES[next((w for w in words if w in PALETTES), names[digest[0] % len(names)])]
        scene = next((w for w in words if w in SCENES), list(SCENES)[digest[1] % len(SCENES)])
        pixels = self._paint(np.array(palette, np.float32), SCENES[scene], digest)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG", compress_level=1)
        return out.getvalue()

    def _paint(self, palette: np.ndarray, scene: tuple[int, float], digest: bytes) -> np.ndarray:
        """Paint sky, sun and three layers of land; uint8, size by size by 3."""
        side, part = self.size, np.frombuffer(digest, np.uint8).astype(np.float32) / 255
        sky, far, near = palette
        x = np.linspace(0, 1, side, dtype=np.float32)
        y = x[:, None]
        glow = np.exp(-((x - part[2]) ** 2 + (y - 0.15 - 0.3 * part[3]) ** 2) * (20 + 60 * part[4]))
        light = (1 - 0.35 * y + 0.3 * glow)[..., None]
        canvas = sky * light
        away = np.sqrt((x - part[2]) ** 2 + (y - 0.15 - 0.3 * part[3]) ** 2)
        sun = np.clip((0.03 + 0.05 * part[5] - away) * side + 0.5, 0, 1)[..., None]
        canvas += (np.array((255, 250, 232), np.float32) - canvas) * sun
        octaves, height = scene
        for layer in range(3):
            ridge = np.full(side, 0.5 + 0.16 * layer, np.float32)
            for octave in range(octaves):
                at = 6 + layer * 8 + octave
                ridge += (
                    height / (octave + 1) * (1 - 0.25 * layer)
                    * np.sin((octave + 1) * (3 + 5 * part[at]) * 2 * x + 40 * part[(at + 11) % 32])
                    * 0.5
                )  # fmt: skip
            mix = (layer + 1) / 3
            shade = (far * (1 - mix) + near * mix) * (1.1 - 0.25 * y[..., None])
            land = np.clip((y - ridge) * side + 0.5, 0, 1)[..., None]  # soft edges
            canvas += (shade - canvas) * land
        painted: np.ndarray = np.clip(canvas, 0, 255).astype(np.uint8)
        return painted


@dataclass(frozen=True, slots=True)
class ProceduralAudio:
    """Short chords, mono, 16 bit; procedural, not a model."""

    seconds: float = 2.0
    rate: int = 8000

    def generate(self, prompt: str, seed: int) -> bytes:
        """Return the bytes of one RIFF/WAVE file."""
        words, digest = _words(prompt), _digest(prompt, seed)
        mood = next((w for w in words if w in SCALES), list(SCALES)[digest[0] % len(SCALES)])
        count = int(self.seconds * self.rate)
        time = np.arange(count, dtype=np.float32) / self.rate
        base = 110 * 2 ** (digest[1] % 12 / 12)
        sound = np.zeros(count, np.float32)
        for voice, step in enumerate(SCALES[mood]):
            strength = digest[2 + voice] / 255
            pitch = base * 2 ** ((step + digest[8 + voice] / 255 * 0.1) / 12)
            start = digest[16 + voice] / 255 * 0.5 * self.seconds
            fade = np.exp(-3 * np.maximum(time - start, 0) / self.seconds) * (time >= start)
            sound += strength * fade * np.sin(2 * np.pi * pitch * time)
        peak = float(np.abs(sound).max()) or 1.0
        return wav((sound / peak * 30000).astype("<i2"), self.rate)


def wav(samples: np.ndarray, rate: int) -> bytes:
    """Wrap mono 16-bit samples into a RIFF/WAVE file (Microsoft RIFF, 1991)."""
    data = samples.tobytes()
    return (
        struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16,
                    1, 1, rate, rate * 2, 2, 16, b"data", len(data))
        + data
    )  # fmt: skip
