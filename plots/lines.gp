# A quantity against a size: one line per series, small multiples per panel.
eval GRID
set multiplot
eval HEAD
eval NAMES
do for [p=1:PANEL_N] {
  eval PLACE
  eval AXES
  if (SCATTER) {
    plot for [s=1:SERIES_N] $DATA index data(p, s) using 1:2 with points linestyle s notitle
  } else {
    plot for [s=1:SERIES_N] $DATA index data(p, s) using 1:2 with linespoints linestyle s notitle
  }
  eval DONE
}
if (LEGEND ne 'none') {
  eval LEGEND_FRAME
  if (SCATTER) {
    plot for [s=1:SERIES_N] NaN with points linestyle s title SERIES[s]
  } else {
    plot for [s=1:SERIES_N] NaN with linespoints linestyle s title SERIES[s]
  }
}
unset multiplot
