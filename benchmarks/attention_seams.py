"""How far the map of a network with attention depends on where its attention's windows lie.

Without an ordering, attention runs in windows of the training's crop. Their grid is fixed in the raster, so tiles of
any size give one map; but another origin of the grid gives another one. This trains a network with attention on an
image, maps it with the grid at the origin and with the grid half a hop further on, and prints the share of pixels whose
class differs: once with the windows overlapping and blended, once side by side without either. Run it as
`python benchmarks/attention_seams.py IMAGE`.
"""

from __future__ import annotations

import argparse

from geoarseg.config import load_settings
from geoarseg.models import train_model
from geoarseg.network import attention as module
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window


def side_by_side(self, qkv):
    """Windows of the same size without overlap."""
    size = self.window_cells
    out = qkv.new_zeros(qkv.shape[0], qkv.shape[1] // 3, *qkv.shape[-2:])
    for top in range(0, qkv.shape[-2], size):
        for left in range(0, qkv.shape[-1], size):
            part = qkv[..., top : top + size, left : left + size]
            attended = module._attend(part.flatten(2))
            out[..., top : top + size, left : left + size] = attended.reshape(*attended.shape[:2], *part.shape[-2:])
    return out


def differing_share(predictor, image, valid, step):
    """Share of the pixels away from the border whose class changes when the grid moves by `step` pixels."""
    whole = predictor(image[None], valid[None])[0].argmax(0)
    moved = predictor(image[None, :, step:, step:], valid[None, step:, step:])[0].argmax(0)
    halo = predictor.halo_px
    inner = whole[step:, step:][halo:-halo, halo:-halo], moved[halo:-halo, halo:-halo]
    seen = valid[step:, step:][halo:-halo, halo:-halo]
    return float((inner[0] != inner[1])[seen].mean())


def main():
    """Train, map twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--classes", type=int, default=6)
    options = parser.parse_args()
    settings = load_settings(
        None, ["network.attention=true", f"train.steps={options.steps}", f"classes={options.classes}", "device=cpu"]
    )
    scene = open_scene(options.image)
    predictor = train_model([scene], settings=settings)
    image, valid = scene.read(Window(0, 0, scene.height, scene.width))
    step = max(predictor.stride_px // 2 // 2 * 2, 2)  # half a hop, on the network's stride
    print(f"{scene.height} x {scene.width} pixels, hop {predictor.stride_px} px, moved by {step} px")
    blended = differing_share(predictor, image, valid, step)
    print(f"overlapping and blended  {blended:8.3%}")
    original = module.MaskedAttention._in_windows
    module.MaskedAttention._in_windows = side_by_side
    plain = differing_share(predictor, image, valid, step)
    module.MaskedAttention._in_windows = original
    print(f"side by side             {plain:8.3%}   {plain / max(blended, 1e-9):.1f} x")


if __name__ == "__main__":
    main()
