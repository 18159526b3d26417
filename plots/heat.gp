# A map of counts: addresses upwards in bands with names, accesses to the right, a colour for how many.
#
# $CELLS is the map, a number for each pixel: the decimal logarithm of a count, or NaN where nothing is. It has
# CELL_ROWS lines of CELL_COLUMNS. SERIES are the names of the bands; each one's set of $DATA holds its first line and
# the one behind its last. The Y axis is that of the colours.
set palette defined (0 '#FCE9BE', 1 '#FBC77F', 2 '#F79A5B', 3 '#E9674F', 4 '#C83E5C', 5 '#96256B', 6 '#5E1A68', 7 '#2B1150')
LOW = log10(Y_MIN)
HIGH = log10(Y_MAX)
# before the axes are set: stats looks within them only
array BAND_LOW[SERIES_N]
array BAND_HIGH[SERIES_N]
do for [s=1:SERIES_N] {
  stats $DATA index s - 1 using 1:2 nooutput name 'ENDS'
  BAND_LOW[s] = ENDS_min_x
  BAND_HIGH[s] = ENDS_min_y
}
set multiplot
eval HEAD
Y_NAME = ''
eval NAMES
p = 1
eval PLACE
unset grid
unset logscale
set border 0
set xrange [X_MIN:X_MAX]
set yrange [0:CELL_ROWS]
set cbrange [LOW:HIGH > LOW ? HIGH : LOW + 1]
unset ytics
set xtics scale 0.4
CB_HEIGHT = PANEL_HEIGHT < 300 ? PANEL_HEIGHT : 300
set colorbox user origin screen 1 - (RIGHT - 24) / WIDTH, screen y_top(1) - CB_HEIGHT / HEIGHT size screen 14 / WIDTH, screen CB_HEIGHT / HEIGHT
set cbtics () scale 0.3
set for [i=1:Y_N] cbtics add (Y_LABEL[i] log10(Y_AT[i]))
do for [s=1:SERIES_N] {
  set object s rectangle from graph 0, first BAND_LOW[s] to graph 1, first BAND_HIGH[s] behind \
      fillcolor rgb (s % 2 ? 0xF4F5F7 : 0xFFFFFF) fillstyle solid 1 noborder
  set label 100 + s SERIES[s] at screen (LEFT - 8) / WIDTH, first (BAND_LOW[s] + BAND_HIGH[s]) / 2 right \
      font sprintf(',%g', 12 * PIXEL) textcolor rgb INK
  set arrow s from screen (LEFT - 6) / WIDTH, first BAND_LOW[s] to graph 1, first BAND_LOW[s] nohead front linecolor rgb 0xC8CCD2 linewidth 0.6
}
plot $CELLS matrix using (X_MIN + ($1 + 0.5) * (X_MAX - X_MIN) / CELL_COLUMNS):($2 + 0.5):3 with image notitle
eval DONE
unset object
unset arrow
set ytics
unset multiplot
