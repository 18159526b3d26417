# Shares by owner: a panel for each count, a bar and its per cent for each owner, the largest on top.
set multiplot
eval HEAD
do for [p=1:PANEL_N] {
  eval PLACE
  unset title
  set label 30 PANEL[p] at graph 0, screen y_top(p) + 12 / HEIGHT left textcolor rgb 0x111111
  unset logscale
  unset grid
  unset xtics
  set ytics () scale 0
  set for [i=1:X_N] ytics add ((is_left(p) ? X_LABEL[i] : '') X_AT[i])
  set border 2
  set xrange [0:1.3]
  set yrange [X_MAX:X_MIN]
  # every second row is shaded across all panels, so that the eye stays on its line
  if (!TEXT_ONLY) {
    do for [i=1:X_N:2] {
      set object 100 + i rectangle from graph (p == 1 ? 0 : -GAP_X / PANEL_WIDTH), first i - 1.5 to graph 1, first i - 0.5 \
          behind fillcolor rgb 0xF4F6F8 fillstyle solid 1 noborder
    }
  }
  if (TEXT_ONLY) {
    plot $DATA index data(p, 1) using (0):1:2:(0) with vectors nohead notitle, \
      $DATA index data(p, 1) using ($2 > 0 ? $2 : NaN):1:3 with labels left offset 1.5, 0 notitle
  } else {
    plot $DATA index data(p, 1) using 2:1:(0):2:($1 - 0.34):($1 + 0.34) with boxxyerror linecolor rgb COLOUR[(p - 1) % 8 + 1] notitle, \
      $DATA index data(p, 1) using ($2 > 0 ? $2 : NaN):1:3 with labels left offset 0.5, 0 font sprintf(',%g', 12 * PIXEL) \
        textcolor rgb INK notitle
  }
  unset object
  eval DONE
}
unset multiplot
