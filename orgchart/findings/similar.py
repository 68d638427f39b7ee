"""How alike two wordings are: the cosine of their sequences of three characters."""

from collections import Counter, defaultdict
from math import sqrt

TOO_COMMON = 400
LEAST_LETTERS = 4


def grams(text):
    """Return how often each sequence of three characters stands in a text; signs and blanks do not count."""
    letters = "".join(letter for letter in text.lower() if letter.isalnum())
    if len(letters) < LEAST_LETTERS:
        return Counter()
    return Counter(letters[at : at + 3] for at in range(len(letters) - 2))


def cosine(one, other):
    """Return how alike two counts are, 0 to 1."""
    if not one or not other:
        return 0.0
    shared = sum(count * other[gram] for gram, count in one.items() if gram in other)
    return shared / sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values()))


def alike(texts, least):
    """Return [(key, other key, cosine)] of all pairs of {key: text} that are at least so alike, the most alike first.

    Only texts that share a sequence are compared; one that stands in very many texts tells nothing.
    """
    counted = {key: grams(text) for key, text in texts.items()}
    holders = defaultdict(list)
    for key, found in counted.items():
        for gram in found:
            holders[gram].append(key)
    pairs = set()
    for keys in holders.values():
        if len(keys) <= TOO_COMMON:
            pairs.update((keys[i], keys[j]) for i in range(len(keys)) for j in range(i + 1, len(keys)))
    judged = ((one, other, cosine(counted[one], counted[other])) for one, other in pairs)
    return sorted(
        (pair for pair in judged if pair[2] >= least), key=lambda pair: (-pair[2], pair[0], pair[1])
    )
