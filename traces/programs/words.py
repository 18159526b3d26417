"""Counts the words of a text and prints the most frequent ones: bytes, dicts and a sort."""

import sys

counts = {}
with open(sys.argv[1], "rb") as text:
    for line in text:
        for word in line.split():
            counts[word] = counts.get(word, 0) + 1

for word in sorted(counts, key=lambda word: (-counts[word], word))[:20]:
    print(counts[word], word.decode())
