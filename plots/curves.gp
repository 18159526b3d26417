# A quantity at every size: steps that hold up to the next size, the knee of each with its size.
eval GRID
set multiplot
eval HEAD
eval NAMES
named(side, y, above) = side == above ? y : NaN
do for [p=1:PANEL_N] {
  eval PLACE
  eval AXES
  if (MARK_N) {
    plot for [s=1:SERIES_N] $DATA index data(p, s) using 1:2 with steps linestyle s notitle, \
      for [s=1:SERIES_N] $MARKS index data(p, s) using 1:2 with points linestyle s pointtype 7 pointsize 0.8 notitle, \
      for [s=1:SERIES_N] $MARKS index data(p, s) using 1:(named($3, $2, 0)):4 with labels right offset -0.5, -0.6 \
        textcolor rgb COLOUR[(s - 1) % 8 + 1] notitle, \
      for [s=1:SERIES_N] $MARKS index data(p, s) using 1:(named($3, $2, 1)):4 with labels left offset 0.5, 0.6 \
        textcolor rgb COLOUR[(s - 1) % 8 + 1] notitle
  } else {
    plot for [s=1:SERIES_N] $DATA index data(p, s) using 1:2 with steps linestyle s notitle
  }
  eval DONE
}
if (LEGEND ne 'none') {
  eval LEGEND_FRAME
  plot for [s=1:SERIES_N] NaN with lines linestyle s title SERIES[s]
}
unset multiplot
