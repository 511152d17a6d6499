"""The 91 stuff classes of COCO-Stuff (Caesar et al. 2018) and the 15 coarse ones above them.

The hierarchy is the published one, as in IIC's `cocostuff_hierarchy.y` and in the `supercategory` of COCO's own
category list, which agree on all 91. The label images number things 0 to 90 and stuff 91 to 181: the numbers of
COCO-Stuff's `labels.txt`, where stuff is in alphabetical order, less one. 255 is unlabelled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HIERARCHY = {
    "water": "fog river sea water-other waterdrops",
    "ground": "dirt gravel ground-other mud pavement platform playingfield railroad road sand snow",
    "solid": "hill mountain rock solid-other stone wood",
    "sky": "clouds sky-other",
    "plant": "branch bush flower grass leaves moss plant-other straw tree",
    "structural": "cage fence net railing structural-other",
    "building": "bridge building-other house roof skyscraper tent",
    "food": "food-other fruit salad vegetable",
    "textile": "banner blanket cloth clothes curtain mat napkin pillow rug textile-other towel",
    "furniture": "cabinet counter cupboard desk-stuff door-stuff furniture-other light mirror-stuff shelf stairs table",
    "window": "window-blind window-other",
    "floor": "carpet floor-marble floor-other floor-stone floor-tile floor-wood",
    "ceiling": "ceiling-other ceiling-tile",
    "wall": "wall-brick wall-concrete wall-other wall-panel wall-stone wall-tile wall-wood",
    "rawmaterial": "cardboard metal paper plastic",
}
"""The stuff classes below each coarse one."""
COARSE_NAMES = tuple(HIERARCHY)
"""Names of the class values 1 to 15 of COCO-Stuff."""
THREE_NAMES = ("sky", "ground", "plant")
"""Names of the class values 1 to 3 of COCO-Stuff-3."""
FIRST_STUFF = 91
LAST_STUFF = 181
UNLABELLED = 255

STUFF_NAMES = tuple(sorted(name for names in HIERARCHY.values() for name in names.split()))
"""The stuff classes in the order of their numbers, the first of which is 91."""


def class_table(coarse_names: Sequence[str]) -> NDArray[np.uint8]:
    """The class value (256,) of each value of a label image: the place in `coarse_names` from 1; 0 = not scored."""
    table = np.zeros(256, dtype=np.uint8)
    for value, coarse in enumerate(coarse_names, 1):
        for name in HIERARCHY[coarse].split():
            table[FIRST_STUFF + STUFF_NAMES.index(name)] = value
    return table
