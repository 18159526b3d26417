# A quantity by place: a group of bars per place, a bar per series.
if (!TEXT_ONLY) { set grid ytics linestyle 100 }
set multiplot
eval HEAD
X_NAME = ''
eval NAMES
BAR = 0.8 / SERIES_N
off(s) = (s - (SERIES_N + 1) / 2.0) * BAR
do for [p=1:PANEL_N] {
  eval PLACE
  eval AXES
  if (SLANTED) { set xtics rotate by 35 right }
  set xtics scale 0
  plot for [s=1:SERIES_N] $DATA index data(p, s) \
      using ($1 + off(s)):2:($1 + off(s) - 0.46 * BAR):($1 + off(s) + 0.46 * BAR):(Y_MIN):2 \
      with boxxyerror linecolor rgb COLOUR[(s - 1) % 8 + 1] fillstyle solid (s <= 8 ? 1 : 0.45) notitle
  eval DONE
}
if (LEGEND ne 'none') {
  eval LEGEND_FRAME
  plot for [s=1:SERIES_N] NaN with boxes linecolor rgb COLOUR[(s - 1) % 8 + 1] \
      fillstyle solid (s <= 8 ? 1 : 0.45) title SERIES[s]
}
unset multiplot
