/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape.h - answers of languages that tell fewer kinds of values apart than Python does, for filters/ only.
 *
 * A JavaScript array is a list or a tuple, the keys of its objects are strings, a C integer may stand
 * for True.  What such a value means is said by what is expected of it; this changes kinds only, never
 * content: a value of another content stays another value.
 */
#ifndef WINNOW_FILTERS_SHAPE_H
#define WINNOW_FILTERS_SHAPE_H

#include "core/value.h"

/* Give v (changed in place) the kinds of `like` wherever both can mean the same. */
void shape_like(struct value *v, const struct value *like);

#endif
