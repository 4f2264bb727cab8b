"""Numbers written, kept and compared: the one writer of results, and what is committed to the record.

`results`: what each stage writes, and the record; `provenance`: where and how numbers are made; `preprint`: its two
numbers beside ours; `rows`: every recorded way in one table; `benchmark`: recorded speeds; `receipt`: a second run
compared with the record, and the manifest.
"""
