# One trace over time: panels of different quantities over one axis of accesses, in steps.
#
# Each panel has an axis of its own: ROW_MIN, ROW_MAX, ROW_LOG, ROW_N, ROW_AT, ROW_LABEL as the Y_ numbers of other
# charts, by panel; ROW_AT and ROW_LABEL hold the ticks of panel p from ROW_FIRST[p] + 1 on.
# HAS[data(p, s) + 1] tells whether a panel has a series, HAS_N[p] how many it has. Series keep their colour in all panels.
array SHADE[17] = [0x0072B2, 0xD55E00, 0x333333, 0x333333, 0x0072B2, 0x56B4E9, 0xD55E00, 0xE69F00, 0x009E73, 0xCC79A7, \
  0x0072B2, 0x009E73, 0x333333, 0xE69F00, 0x8A8A8A, 0x8A8A8A, 0x56B4E9]
array BOLD[17] = [2.2, 2.2, 2.4, 1.6, 1.8, 1.8, 1.8, 1.8, 1.8, 1.8, 2.2, 1.8, 1.6, 1.6, 1.8, 1.8, 1.6]
CHAR = 8.4
SAMPLE = 24
GAP = 12
if (!TEXT_ONLY) { set grid ytics linestyle 100 }
set multiplot
eval HEAD
Y_NAME = ''
eval NAMES
do for [p=1:PANEL_N] {
  eval PLACE
  set label 30 PANEL[p] at graph 0, screen y_top(p) + 12 / HEIGHT left textcolor rgb 0x111111
  unset title
  unset logscale
  if (ROW_LOG[p]) { set logscale y ROW_LOG[p] }
  set xrange [X_MIN:X_MAX]
  set yrange [ROW_MIN[p]:ROW_MAX[p]]
  set format y '%g'
  set ytics () out scale 0.5
  set for [i=1:ROW_N[p]] ytics add (ROW_LABEL[ROW_FIRST[p] + i] ROW_AT[ROW_FIRST[p] + i])
  # names of series above the right end, each behind a sample of its line; the first two are what their panels are called
  at = LEFT + PANEL_WIDTH + 2
  do for [s=1:SERIES_N] { if (HAS[data(p, s) + 1]) { at = at - SAMPLE - CHAR * strlen(SERIES[s]) - GAP } }
  do for [s=1:SERIES_N] {
    if (HAS[data(p, s) + 1] && (HAS_N[p] > 1 || s > 2)) {
      if (!TEXT_ONLY) {
        set arrow s from screen at / WIDTH, screen y_top(p) + 12 / HEIGHT \
          to screen (at + SAMPLE - 6) / WIDTH, screen y_top(p) + 12 / HEIGHT nohead linecolor rgb SHADE[s] linewidth 2.4
      }
      set label 30 + s SERIES[s] at screen (at + SAMPLE) / WIDTH, screen y_top(p) + 12 / HEIGHT left textcolor rgb INK
      at = at + SAMPLE + CHAR * strlen(SERIES[s]) + GAP
    }
  }
  plot for [s=1:SERIES_N] $DATA index data(p, s) using 1:(HAS[data(p, s) + 1] ? $2 : NaN) with fsteps \
    linecolor rgb SHADE[s] linewidth BOLD[s] notitle
  eval DONE
  unset arrow
}
unset multiplot
