# What every chart shares: palette, page frame, panels, legend. Sent before each template.
#
# A template draws numbers it is handed and knows nothing of where they are from:
#   TITLE, SUBTITLE[1..SUBTITLE_N], X_TITLE, Y_TITLE         words on the page
#   PANEL[1..PANEL_N], SERIES[1..SERIES_N]                   names of panels and of series
#   X_MIN X_MAX X_LOG X_AT[1..X_N] X_LABEL[1..X_N]           an axis: range, base of its logarithm or 0, ticks
#   Y_...                                                    the same
#   $DATA  one set per panel and series (index data(p, s)): x, y, y in words
#   $MARKS if MARK_N: the same sets for points that are named: x, y, 1 when its name stands above, name
#   WIDTH HEIGHT LEFT TOP BOTTOM RIGHT GAP_X GAP_Y PANEL_WIDTH PANEL_HEIGHT COLUMNS   pixels, panels in a row
#   PIXEL  the unit of font sizes in this format
#   LEGEND 'none', 'top' or 'right'; SLANTED; SCATTER; TEXT_ONLY (drawn in characters)
# Words are always in variables, never in a string that is evaluated.

# Okabe and Ito's colours, which colour-blind readers tell apart, darkest first.
array COLOUR[8] = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x000000, 0x8A8A8A]
array MARK[8] = [7, 5, 9, 13, 11, 6, 4, 8]
do for [i=1:32] {
  dash = i <= 8 ? 1 : 2
  set style line i linecolor rgb COLOUR[(i - 1) % 8 + 1] pointtype MARK[(i - 1 + (i - 1) / 8) % 8 + 1] \
      dashtype dash linewidth 1.8 pointsize 0.75
}
INK = 0x333333
PALE = 0xDDDDDD
set style line 100 linecolor rgb PALE linewidth 0.8 dashtype 1
set border 3 linecolor rgb INK linewidth 1
set tics nomirror out scale 0.5 textcolor rgb INK
set datafile missing NaN
set style fill solid 1 noborder
unset key
PANEL_DROP = PIXEL == 1 ? -1.1 : -0.6 # svg sets titles higher
TITLE_FONT = sprintf(',%g', 18 * PIXEL)
GRID = TEXT_ONLY ? 'unset grid' : 'set grid xtics ytics linestyle 100'

data(p, s) = (p - 1) * SERIES_N + s - 1
column_of(p) = (p - 1) % COLUMNS
row_of(p) = (p - 1) / COLUMNS
x_left(p) = (LEFT + column_of(p) * (PANEL_WIDTH + GAP_X)) / WIDTH
x_right(p) = x_left(p) + PANEL_WIDTH / WIDTH
y_top(p) = 1 - (TOP + row_of(p) * (PANEL_HEIGHT + GAP_Y)) / HEIGHT
y_bottom(p) = y_top(p) - PANEL_HEIGHT / HEIGHT
is_left(p) = column_of(p) == 0
is_lowest(p) = p + COLUMNS > PANEL_N
y_px(y) = 1 - y / HEIGHT

# The words around the panels, drawn once, with the first panel.
HEAD = "set label 1 TITLE at screen 12 / WIDTH, screen y_px(22) left font TITLE_FONT textcolor rgb 0x111111;" \
     . "do for [i=1:SUBTITLE_N] {" \
     . "  set label 1 + i SUBTITLE[i] at screen 12 / WIDTH, screen y_px(28 + 18 * i) left textcolor rgb 0x666666 }"
# The axes' names, in the middle of all panels.
ROWS = row_of(PANEL_N) + 1
MIDDLE_X = (LEFT + (COLUMNS * (PANEL_WIDTH + GAP_X) - GAP_X) / 2) / WIDTH
MIDDLE_Y = y_px(TOP + (ROWS * (PANEL_HEIGHT + GAP_Y) - GAP_Y) / 2)
NAMES = "set label 20 X_NAME at screen MIDDLE_X, screen 14 / HEIGHT center textcolor rgb INK;" \
      . "set label 21 Y_NAME at screen 14 / WIDTH, screen MIDDLE_Y center rotate textcolor rgb INK"
X_NAME = X_TITLE
Y_NAME = Y_TITLE

# One panel's place and name; ticks' names at the left and lowest panels only.
PLACE = "set lmargin at screen x_left(p); set rmargin at screen x_right(p);" \
      . "set tmargin at screen y_top(p); set bmargin at screen y_bottom(p);" \
      . "if (PANEL_N > 1) { set title PANEL[p] offset 0, PANEL_DROP textcolor rgb 0x111111 } else { unset title };" \
      . "if (is_left(p)) { set format y '%g' } else { set format y '' };" \
      . "if (is_lowest(p)) { set format x '%g' } else { set format x '' };" \
      . "set xtics () out scale 0.5 norotate; set ytics () out scale 0.5;" \
      . "set for [i=1:X_N] xtics add ((is_lowest(p) ? X_LABEL[i] : '') X_AT[i]);" \
      . "set for [i=1:Y_N] ytics add ((is_left(p) ? Y_LABEL[i] : '') Y_AT[i])"
# The words of the page are gone after the first panel.
DONE = "unset label"

AXES = "if (X_LOG) { set logscale x X_LOG } else { unset logscale x };" \
     . "if (Y_LOG) { set logscale y Y_LOG } else { unset logscale y };" \
     . "set xrange [X_MIN:X_MAX]; set yrange [Y_MIN:Y_MAX]"

# An empty plot whose key is the legend. The template plots NaN into it.
LEGEND_FRAME = "unset logscale; unset title; unset border; unset tics; unset grid; unset label;" \
     . "set xrange [0:1]; set yrange [0:1];" \
     . "set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen 1;" \
     . "if (LEGEND eq 'right') {" \
     . "  set key at screen 1 - (RIGHT - 12) / WIDTH, screen y_px(TOP - 6) left top Left reverse vertical maxrows SERIES_N samplen 2.4 spacing 1.15 textcolor rgb INK" \
     . "} else {" \
     . "  set key at screen LEFT / WIDTH, screen y_px(TOP - (PANEL_N > 1 ? 50 : 28)) left top Left reverse horizontal maxrows 1 samplen 2.4 width 1 textcolor rgb INK" \
     . "}"
