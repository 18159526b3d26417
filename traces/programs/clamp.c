/* What gcc's cc1 compiles when it is recorded: small, since the compiler is the program here. */
int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}
