"""SegHeads-Bench: segmentation heads that were trained with several seeds, as a file that is asked instead of training.

    import nas.heads_bench

    table = nas.heads_bench.open("heads.zip")
    found = table.query(table.heads[0].key, "colin27", seed=0, rung=400)
    found.score, found.class_iou, found.seconds

No torch is needed to read a table.
"""

from nas.heads_bench.file import open_table as open
from nas.heads_bench.file import write_table
from nas.heads_bench.merge import merge
from nas.heads_bench.table import Head, HeadsTable, Latency, LeftOut, Measured, Setting

__all__ = ["Head", "HeadsTable", "Latency", "LeftOut", "Measured", "Setting", "merge", "open", "write_table"]
