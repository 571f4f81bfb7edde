/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mock_openai.h - an OpenAI-compatible server that misbehaves on request.
 *
 * POST …/chat/completions and …/completions.  How it behaves is told by the
 * model's name: behaviours joined by '+', each NAME[:K][@ARG]; with :K it is in
 * force for the first K requests alone (counted over the whole server, for each
 * behaviour of each model name), so "503:2+ignore-n" fails twice and then
 * answers one choice at a time.
 *
 *   ok              honours n (what is left when nothing else is in force)
 *   ignore-n        one choice, whatever n says
 *   reject-n        400 that names n, where n > 1
 *   reject-n-mute   400 that says nothing of n, where n > 1
 *   max-n@M         400 that names n, where n > M
 *   short@M         at most M choices, however many are asked
 *   extra@M         M choices more than asked
 *   same-index      every choice says index 0
 *   429[@SECONDS]   with Retry-After where SECONDS is given
 *   429-date@S      Retry-After as an HTTP date, S seconds from now
 *   503[@SECONDS] 500 408 400 422 401 403 404 302
 *   404-model       404 that says that the model is missing
 *   reset           the connection is reset before any answer
 *   cut             Content-Length promises more than comes
 *   stall           no answer until the server stops
 *   truncated       JSON that ends in the middle, in a whole 200
 *   html            a 200 with a page of HTML
 *   error200        an error object in a 200; error200-text: {"error":"…"}
 *   empty           every choice has an empty text
 *   half-empty      every second choice has an empty text
 *   no-choices      "choices": []
 *   reasoning       message.reasoning; reasoning-content: message.reasoning_content
 *   only-reasoning  reasoning, no text, finish_reason length
 *   length          finish_reason length
 *   filter          finish_reason content_filter; refusal: message.refusal
 *   abort           the first choice has finish_reason abort
 *   logprobs        logprobs and token_ids
 *   reject-token-ids      400 that names return_token_ids
 *   reject-max-tokens     400 that asks for max_completion_tokens
 *   key             401 unless the bearer token is "sesame"
 *   echo-key        400 whose message repeats the Authorization header
 *   slow@MS         waits before it answers
 *   huge            a body of 65 MiB
 *
 * The text of a choice is that of an answer whose `contains` is within the
 * prompt (of several, the one at seed modulo their number), else
 * "text of seed N", N being the request's seed + the choice's number.
 */
#ifndef WINNOW_TESTS_MOCK_OPENAI_H
#define WINNOW_TESTS_MOCK_OPENAI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/error.h"
#include "core/json.h"

struct mock_openai;
/* On 127.0.0.1; port 0: any free one.  answers: [{"contains","text"}…] or NULL (borrowed). */
int mock_openai_start(uint16_t port, const json_t *answers, struct mock_openai **ret, struct error *err);
void mock_openai_stop(struct mock_openai *m);
uint16_t mock_openai_port(const struct mock_openai *m);

/* Requests so far, and what number i was: {"path","auth","body"}, a new reference. */
size_t mock_openai_count(struct mock_openai *m);
json_t *mock_openai_request(struct mock_openai *m, size_t i);
void mock_openai_forget(struct mock_openai *m); /* requests and counts */

#endif
