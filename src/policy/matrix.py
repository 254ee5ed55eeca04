#!/usr/bin/env python3
"""Make the zone matrix (data/zone-matrix.yaml) a table of C: matrix.py FILE > matrix_data.c. Whatever in the data this
does not know is an error of the build, so that nothing of the matrix is lost on the way."""
import sys

import yaml

KINDS = ["server", "phone", "softphone", "gateway", "border", "admin", "converged", "data", "wan", "internet", "pstn"]
CATEGORIES = ["signaling", "media", "admin", "network-services", "data"]
LEVELS = ["minimum", "medium", "highest"]
INSPECTIONS = ["deny", "intra-zone", "stateless", "stateful", "application", "sbc", "vpn", "circuit"]
CELL_KEYS = {"from", "to", "levels", "conditions", "reason", "source", "derived", "mitigations"}
LEVEL_KEYS = {"allow", "optional", "inspection", "zone_absent"}


def need(holds, text):
    if not holds:
        sys.exit(f"matrix.py: {text}")


def text(s):
    return '"' + " ".join(s.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def bits(categories, where):
    need(set(categories) <= set(CATEGORIES), f"{where}: a category that nobody knows in {categories}")
    return sum(1 << CATEGORIES.index(c) for c in categories)


def level_text(cell, name, where):
    at = cell["levels"][name]
    need(set(at) <= LEVEL_KEYS, f"{where}: unknown keys {set(at) - LEVEL_KEYS}")
    need(at["inspection"] in INSPECTIONS, f"{where}: inspection {at['inspection']}")
    allow, optional = bits(at["allow"], where), bits(at["optional"], where)
    need(not allow & optional, f"{where}: allowed and optional at once")
    need(at["inspection"] != "deny" or not allow | optional, f"{where}: denied, and yet something is open")
    absent = "true" if at.get("zone_absent") else "false"
    return f"{{ {allow}, {optional}, (enum rf_inspection){INSPECTIONS.index(at['inspection'])}, {absent} }}"


def cell_text(cell):
    where = f"{cell['from']} to {cell['to']}"
    need(set(cell) <= CELL_KEYS, f"{where}: unknown keys {set(cell) - CELL_KEYS}")
    need(set(cell["levels"]) == set(LEVELS), f"{where}: levels")
    conditions = cell.get("conditions", {})
    bits(conditions, where)
    levels = ",\n\t\t\t    ".join(level_text(cell, name, where) for name in LEVELS)
    ours = ", ".join(text(conditions[c]) if c in conditions else "NULL" for c in CATEGORIES)
    ids = "".join(f"{text(m)}, " for m in cell.get("mitigations", []))
    return (f"\t{{ .from = {KINDS.index(cell['from'])}, .to = {KINDS.index(cell['to'])},\n"
            f"\t  .levels = {{ {levels} }},\n\t  .conditions = {{ {ours} }},\n"
            f"\t  .reason = {text(cell['reason'])},\n"
            f"\t  .mitigations = (const char *const[]){{ {ids}NULL }} }},")


def main():
    data = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
    need(data["version"] == 1 and data["default"] == "deny" and data["levels"] == LEVELS, "version, default or levels")
    need(set(data["categories"]) == set(CATEGORIES), "categories")
    need({z["id"] for z in data["zones"]} == set(KINDS), "zones")
    need(set(data["inspection"]) == set(INSPECTIONS), "inspection")
    pairs = [(c["from"], c["to"]) for c in data["cells"]]
    need(len(pairs) == len(set(pairs)), "a cell stands there twice")
    print("/* Made from data/zone-matrix.yaml by policy/matrix.py. */\n#include \"policy/matrix_int.h\"\n\n"
          "const struct rf_cell rf_matrix_cells[] = {")
    for cell in data["cells"]:
        print(cell_text(cell))
    print("};\n\nconst size_t rf_matrix_cell_count = sizeof rf_matrix_cells / sizeof *rf_matrix_cells;")


if __name__ == "__main__":
    main()
