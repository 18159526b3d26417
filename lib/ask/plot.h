/* What charts are told of processors. */
#ifndef PW_PLOT_H
#define PW_PLOT_H

#include "report/charts.h"

pw_processor_fn pw_plot_processor;

#endif
