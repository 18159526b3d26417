# Several quantities by place: a row per place, a mark per series (Cleveland's dot plot).
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
eval GRID
set border 1
if (Y_LOG) { set logscale x Y_LOG }
set xrange [Y_MIN:Y_MAX]
set yrange [X_MAX:X_MIN]
plot for [s=1:SERIES_N] $DATA index data(p, s) using 2:1 with points linestyle s pointsize 1.2 notitle
eval DONE
if (LEGEND ne 'none') {
  eval LEGEND_FRAME
  plot for [s=1:SERIES_N] NaN with points linestyle s pointsize 1.2 title SERIES[s]
}
unset multiplot
