/* Where things go on a page, in pixels at 96 to the inch. */
#ifndef PW_SHEET_H
#define PW_SHEET_H

#include "report/figure.h"

#define PW_CHAR_WIDTH 8.0 /* of the text font, on average */
#define PW_CHAR_HEIGHT 18.0

enum pw_legend {PW_LEGEND_NONE, PW_LEGEND_TOP, PW_LEGEND_RIGHT};

struct pw_sheet {
  size_t columns, rows;
  double width, height;             /* of the page */
  double panel_width, panel_height; /* inside the axes */
  double gap_x, gap_y;
  double left, right, top, bottom;  /* margins around all panels */
  enum pw_legend legend;
  bool slanted;                     /* the places' names along x need to be slanted */
  size_t subtitle_chars;            /* wrap the subtitle after so many */
};

/* `text` asks for larger panels, as drawing in characters needs. */
void pw_sheet_make(struct pw_sheet *layout, const struct pw_figure *figure, bool text);

/* Characters as a reader counts them. */
size_t pw_text_width(const char *text);

#define PW_MAX_LINES 8

/* Where a text's next line of at most `most` characters ends: cut behind a "·",
 * or where the text ends. A part that is longer stays whole. */
size_t pw_text_line(const char *text, size_t most);

#endif
