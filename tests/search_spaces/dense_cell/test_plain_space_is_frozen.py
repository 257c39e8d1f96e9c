"""What the plain space gave before it had an extension: stored searches and keys hang on every bit of it."""

import itertools
import random

from search_spaces.base import content_key
from search_spaces.dense_cell.architecture import OPERATORS
from search_spaces.dense_cell.space import cells, distinct, mutate, sample, size
from search_spaces.document import write_document


def written(found) -> str:
    return content_key([one.model_dump(mode="json") for one in found])


def test_operators():
    assert written(OPERATORS) == "65fcfad4300f110a2e09626bd869ee556109a629ea65577201fb797fdb4f179c"


def test_sampling_canonical_forms_keys_mutations_and_documents():
    rng = random.Random(2018)
    drawn = [sample(5, rng) for _ in range(200)]
    assert written(drawn) == "b035aec317f508ca2d077d33f33dfb20098116e00e4292867fc23ae63d5522d0"
    canonical = [cell.canonical() for cell in drawn]
    assert written(canonical) == "04273cb78388c4c38dcb231f7927510b155668bb2b7ad2419360a2db7bcf0fb7"
    keys = content_key([cell.key for cell in drawn])
    assert keys == "b5823df730d94cabe67411426ad9aca2fdac4ab11fb423367c1538bf552efbb0"
    mutants = [mutate(cell, rng) for cell in drawn]
    assert written(mutants) == "3ef19df17eb2fe41d22f66e3e0dd53defd180678039df90144010571bda12d41"
    documents = content_key([write_document(cell) for cell in drawn])
    assert documents == "c793b96b8fe86a147c1888474080ef3657142991b378bbacc0e483b84ba550d6"


def test_enumeration_and_sizes():
    first = itertools.islice(cells(2), 500)
    assert written(first) == "cfb7d70be08ecb571461317c330fa68f73e570f4dabeeaea7591a2e136eac679"
    assert [size(b) for b in range(1, 6)] == [81, 13122, 3188646, 1033121304, 418414128120]
    assert [distinct(b) for b in range(1, 6)] == [81, 9882, 1423764, 225405909, 37888452756]
