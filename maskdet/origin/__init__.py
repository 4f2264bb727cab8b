"""Where the one-pixel attack comes from: networks of ten classes on CIFAR-10, and the attacks published on them.

`published`: the networks, images and tables of attacks that are public, read and checked; `fetching`: how they come
here; `measurement`: our searches and proofs on the same networks, for the record; `tables`: the record as the book
shows it.
"""

from maskdet.origin.measurement import measure
from maskdet.origin.published import FILES, NETWORKS, attacks, counts, example, images, network
from maskdet.origin.tables import intervals, published_rates, rates, targeted, verdicts
