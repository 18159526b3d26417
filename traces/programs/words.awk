# Counts the words of a text and prints how many there are of each length.
{
    for (i = 1; i <= NF; i++)
        seen[$i]++
}

END {
    for (word in seen)
        lengths[length(word)] += seen[word]
    for (n = 1; n <= 8; n++)
        print n, lengths[n] + 0
}
