/* SPDX-License-Identifier: Apache-2.0 */
/* export_manifest.h - what manifest.json says of an export, apart from its shards. */
#ifndef WINNOW_STORE_EXPORT_MANIFEST_H
#define WINNOW_STORE_EXPORT_MANIFEST_H

#include "store/export_internal.h"

/* Everything is from the store and the options, nothing from the clock: one store, one manifest. */
int export_manifest_build(struct export_ctx *x, const json_t *runs, json_t **ret, struct error *err);

/* README.md beside it, from the manifest and the store.  *ret is begun here and the caller's to clear. */
int export_card_build(struct export_ctx *x, const json_t *runs, const json_t *manifest, struct buf *ret, struct error *err);

#endif
