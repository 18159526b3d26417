/* What gcc's cc1 compiles when it is recorded: small, since the compiler is the program here. */
double dot(const double *a, const double *b, int length)
{
    double sum = 0;
    for (int i = 0; i < length; i++)
        sum += a[i] * b[i];
    return sum;
}
