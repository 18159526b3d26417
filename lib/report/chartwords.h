/* The words on a chart: names of traces, descriptions of machines. */
#ifndef PW_CHARTWORDS_H
#define PW_CHARTWORDS_H

#include "report/chartpick.h"

/* Adds a part to text, after " · " when it is not empty; a very long one is cut. */
void pw_words_append(struct pw_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says what a view holds fixed, as on its first pick. */
void pw_words_fixed(const struct pw_view *view, struct pw_text *text);
/* Says what the parts of a machine are, as on one row; all parts of the mask. */
void pw_words_machine(const struct pw_table *table, size_t row, unsigned parts, struct pw_text *text);
/* The name of a trace without folder and suffix; the whole path when another
 * trace of the table has the same name. Cut in the middle when long, so 40 bytes are enough. */
void pw_words_trace(const struct pw_table *table, const char *path, char *text, size_t n_text);

#endif
