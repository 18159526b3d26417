# One quantity by place, longest first: a bar and its value per row; the second series is set off.
set multiplot
eval HEAD
X_NAME = Y_TITLE
Y_NAME = ''
eval NAMES
p = 1
eval PLACE
set xtics ()
set ytics ()
set for [i=1:Y_N] xtics add (Y_LABEL[i] Y_AT[i])
set for [i=1:X_N] ytics add (X_LABEL[i] X_AT[i])
set ytics scale 0
set border 2
set xrange [Y_MIN:Y_MAX]
set yrange [X_MAX:X_MIN]
array TINT[2] = [0x56B4E9, 0x0072B2]
# The values are printed, so the axis needs no grid.
plot for [s=1:SERIES_N] $DATA index data(p, s) using 2:1:(Y_MIN):2:($1 - 0.32):($1 + 0.32) \
    with boxxyerror linecolor rgb TINT[(s - 1) % 2 + 1] notitle, \
  for [s=1:SERIES_N] $DATA index data(p, s) using 2:1:3 with labels left offset 0.6, 0 textcolor rgb INK notitle
unset multiplot
