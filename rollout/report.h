/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - one self-contained HTML page of what a store holds. */
#ifndef WINNOW_ROLLOUT_REPORT_H
#define WINNOW_ROLLOUT_REPORT_H

#include "core/buf.h"
#include "core/error.h"
#include "core/json.h"
#include "store/store.h"

/*
 * What the page draws, all of it aggregated by queries over the store's views: runs (the
 * last 200), funnel, pass@k counts, distributions, translations, speedups, the hardest 2,000
 * tasks, and programs worth a look with the first 8 KiB of each text.  Its size does not grow
 * with the number of samples.  New reference in *ret.  Errors as store_query().
 */
int report_data(struct store *s, json_t **ret, struct error *err);

/* Append the page (rollout/report/page.html) with the data in it.  No text of the store can end
 * the element that it stands in: "<" is written as an escape.  ERR_NOMEM, ERR_LIMIT. */
int report_page(const json_t *data, struct buf *out, struct error *err);

#endif
