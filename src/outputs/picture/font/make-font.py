"""Makes heatmap-sans.ttf of Inter: one weight, the scripts that names are written in, digits of one width.

    apt-get download fonts-inter-variable && dpkg -x fonts-inter-variable_*.deb inter
    pip install fonttools==4.68.0
    python make-font.py inter/usr/share/fonts/truetype/inter-vf/Inter-roman.var.ttf heatmap-sans.ttf
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

# Latin with its supplement and Extended-A, Greek, Cyrillic, punctuation, currency, arrows, mathematics, shapes.
RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x386, 0x3CE), (0x400, 0x45F), (0x490, 0x491), (0x2010, 0x2027), (0x2030, 0x203A),
          (0x20AC, 0x20AC), (0x2190, 0x2193), (0x2212, 0x2212), (0x2248, 0x2248), (0x2260, 0x2265)]

source, target = sys.argv[1:]
font = TTFont(source)
axes = {axis.axisTag: axis.defaultValue for axis in font["fvar"].axes}
font = instancer.instantiateVariableFont(font, {**axes, "wght": 430})
digits = {}
for record in font["GSUB"].table.FeatureList.FeatureRecord:
    if record.FeatureTag == "tnum":
        for lookup in record.Feature.LookupListIndex:
            for table in font["GSUB"].table.LookupList.Lookup[lookup].SubTable:
                digits |= getattr(table, "ExtSubTable", table).mapping
for table in font["cmap"].tables:
    for code in map(ord, "0123456789"):
        table.cmap[code] = digits.get(table.cmap[code], table.cmap[code])
options = subset.Options(layout_features=["kern", "mark"], hinting=False, glyph_names=False, name_IDs=[0, 1, 2, 4, 6, 13, 14],
                         notdef_outline=True, recalc_bounds=True, drop_tables=["STAT", "MVAR", "HVAR", "DSIG", "meta"])
subsetter = subset.Subsetter(options)
subsetter.populate(unicodes=[c for low, high in RANGES for c in range(low, high + 1) if c != 0xAD])
subsetter.subset(font)
# The licence asks that what was changed does not bear the name of the original.
for record in font["name"].names:
    if record.nameID in (1, 4, 6):
        record.string = "HeatmapSans" if record.nameID == 6 else "Heatmap Sans"
font["head"].modified = font["head"].created
font.recalcTimestamp = False
font.save(target)
# The characters that it has, for COVERED in text.rs.
covered = sorted(font.getBestCmap())
runs = []
for code in covered:
    if runs and runs[-1][1] == code - 1:
        runs[-1][1] = code
    else:
        runs.append([code, code])
print(", ".join(f"0x{a:x}..=0x{b:x}" for a, b in runs))
