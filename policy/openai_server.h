/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openai_server.h - what is known of one server: whether it is there, whether it
 * is well, how many choices it gives at a time.  Pure: time comes as an argument.
 *
 * Circuit breaker.  A server that could not be reached is *down*: nothing is sent
 * until its pause is over, then one request alone tries (half open); each failed
 * try doubles the pause.  A server that answered 5xx or broke off is *sick*: it
 * is used only where no well one is free, since the request may be at fault.
 */
#ifndef WINNOW_POLICY_OPENAI_SERVER_H
#define WINNOW_POLICY_OPENAI_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include "core/error.h"

#define SERVER_MAX_N 64          /* most choices asked in one request */

enum server_n { SERVER_N_UNKNOWN, SERVER_N_PROBING, SERVER_N_KNOWN };

struct openai_server {
	char *url;               /* no slash at its end */
	unsigned in_flight;
	/* n */
	enum server_n n_state;
	unsigned n_max;          /* once known; 1: single requests */
	unsigned n_short;        /* answers in a row that fell short of n */
	/* fields that this server will not have */
	bool no_token_ids, wants_max_completion_tokens;
	/* breaker */
	bool down, trying;
	unsigned trips;          /* failed tries in a row */
	uint64_t down_since_us, down_until_us;
	bool sick;
	uint64_t sick_until_us;
	uint64_t not_before_us;  /* Retry-After */
	char words[200];         /* of the last failure */
};

struct server_limits { uint64_t base_us, cap_us, dead_after_us; unsigned max_trips; };

/* Can a request be sent now?  Else *ret_when (may be UINT64_MAX: when a call ends). */
bool server_usable(const struct openai_server *s, uint64_t now_us, uint64_t *ret_when);
void server_started(struct openai_server *s);          /* a request goes out */
void server_ended(struct openai_server *s);            /* it is over, whatever its end; before one of the next four */
void server_unreached(struct openai_server *s, const struct server_limits *l, uint64_t now_us, const char *words);
void server_answered(struct openai_server *s);         /* any HTTP answer: it is there */
void server_well(struct openai_server *s);             /* a good answer */
void server_unwell(struct openai_server *s, const struct server_limits *l, uint64_t now_us);
bool server_is_dead(const struct openai_server *s, const struct server_limits *l, uint64_t now_us);
/* How many of `count` indices the next request asks; *ret_probe: it tells whether n is honoured. */
unsigned server_ask(const struct openai_server *s, unsigned count, bool *ret_probe);
/* An answer to `asked` brought `got` choices (got > 0). */
void server_learn_n(struct openai_server *s, unsigned asked, unsigned got);
void server_refused_n(struct openai_server *s, unsigned asked); /* a 400 that names n */

/* "http://a/v1,http://b/v1#MODEL" */
struct openai_spec { struct openai_server *servers; unsigned n_servers; char *model; };
int openai_spec_parse(const char *text, struct openai_spec *ret, struct error *err);
void openai_spec_clear(struct openai_spec *s);
/* From the file, else WINNOW_API_KEY, else OPENAI_API_KEY; NULL where there is
 * none.  Messages name the file or the variable, never the key. */
int openai_key_read(const char *file, char **ret, struct error *err);
/* Write text into ret (n bytes with NUL) with the key blotted out and no line ends. */
void openai_redact(const char *text, const char *key, char *ret, unsigned n);

#endif
