# A quantity over two sizes: a cell for each pair, its colour and its words the quantity.
#
# Viridis, which rises in lightness evenly and reads the same in grey.
set palette defined (0 '#440154', 1 '#482878', 2 '#3E4A89', 3 '#31688E', 4 '#26828E', 5 '#1F9E89', \
                     6 '#35B779', 7 '#6DCD59', 8 '#B4DE2C', 9 '#FDE725')
shade(v) = Y_LOG ? log10(v) : v
LOW = shade(Y_MIN)
HIGH = shade(Y_MAX)
set multiplot
eval HEAD
Y_NAME = ''
eval NAMES
set cbrange [LOW:HIGH]
do for [p=1:PANEL_N] {
  eval PLACE
  unset grid
  unset logscale
  unset colorbox
  set border 0
  set xrange [X_MIN:X_MAX]
  set yrange [-0.5:SERIES_N - 0.5]
  set ytics ()
  set for [i=1:SERIES_N] ytics add ((is_left(p) ? SERIES[i] : '') i - 1)
  set tics scale 0
  if (p == 1 && !TEXT_ONLY) {
    set colorbox user origin screen 1 - (RIGHT - 24) / WIDTH, screen y_px(TOP + 240 < HEIGHT - BOTTOM ? TOP + 240 : HEIGHT - BOTTOM) \
        size screen 14 / WIDTH, screen ((TOP + 240 < HEIGHT - BOTTOM ? 240 : HEIGHT - BOTTOM - TOP) / HEIGHT)
    set cbtics () scale 0.3
    set for [i=1:Y_N] cbtics add (Y_LABEL[i] shade(Y_AT[i]))
  }
  if (TEXT_ONLY) {
    plot for [s=1:SERIES_N] $DATA index data(p, s) using 1:(s - 1):3 with labels notitle
  } else {
    plot for [s=1:SERIES_N] $DATA index data(p, s) \
        using 1:(s - 1):($1 - 0.5):($1 + 0.5):(s - 1.5):(s - 0.5):(shade($2)) \
        with boxxyerror linecolor palette fillstyle solid 1 noborder notitle, \
      for [s=1:SERIES_N] $DATA index data(p, s) \
        using 1:(s - 1):3:((shade($2) - LOW) / (HIGH - LOW) < 0.62 ? 0xFFFFFF : 0x000000) \
        with labels font sprintf(',%g', 12 * PIXEL) textcolor rgb variable notitle
  }
  eval DONE
}
unset multiplot
