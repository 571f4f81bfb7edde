/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - picks the kind of policy by its spec and hands each call on to it.
 */
#include "policy/policy_internal.h"

#include <assert.h>
#include <string.h>
#include "core/mem.h"
#include "core/str.h"

static const struct policy_ops *const kinds[] = {
	&policy_replay_ops,
	&policy_openai_ops,
	&policy_command_ops,
	&policy_grammar_ops,
};

static const char *const status_names[] = {
	[POLICY_OK] = "ok",           [POLICY_HTTP] = "http",       [POLICY_TIMEOUT] = "timeout",
	[POLICY_EMPTY] = "empty",     [POLICY_REFUSED] = "refused", [POLICY_MISSING] = "missing",
};
_Static_assert(ARRAY_SIZE(status_names) == POLICY_STATUS_COUNT, "a name for each status");

const char *policy_status_name(enum policy_status s)
{
	return (unsigned)s < POLICY_STATUS_COUNT ? status_names[s] : "unknown";
}

int policy_version_parse(const char *text, uint64_t *ret_n, const char **ret_label, struct error *err)
{
	const char *colon = strchr(text, ':');
	cleanup_mem char *digits = colon ? mem_strndup(text, (size_t)(colon - text)) : mem_strdup(text);
	uint64_t n = 0;
	int r;

	if (!digits)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = str_parse_u64(digits, "--policy-version", 0, INT64_MAX, &n, err);
	if (r < 0)
		return r;
	if (colon && !colon[1])
		return error_set(err, ERR_INPUT, "--policy-version '%s': the label after ':' is empty", text);
	*ret_n = n;
	*ret_label = colon ? colon + 1 : NULL;
	return 0;
}

static const struct policy_ops *find_kind(const char *spec, const char **ret_rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i]->kind);

		if (strncmp(spec, kinds[i]->kind, n) != 0)
			continue;
		if (spec[n] == ':' || ((spec[n] == '\0' || spec[n] == '?') && kinds[i]->bare)) {
			*ret_rest = spec + n + (spec[n] == ':');
			return kinds[i];
		}
	}
	return NULL;
}

int policy_open(const struct policy_options *opt, struct loop *loop, policy_completion_fn *on_completion,
		policy_dead_fn *on_dead, void *ctx, struct policy **ret, struct error *err)
{
	cleanup_mem char *version = NULL;
	struct policy *p = NULL;
	const struct policy_ops *ops;
	const char *rest = NULL;
	const char *label;
	uint64_t number;
	int r;

	assert(on_completion && on_dead);
	if (!opt->spec || !*opt->spec)
		return error_set(err, ERR_INPUT, "--policy is not given");
	ops = find_kind(opt->spec, &rest);
	if (!ops)
		return error_set(err, ERR_INPUT,
				 "--policy '%.100s' is none of replay:FILE, openai:URL#MODEL, command:ARGV, grammar[:WEIGHTS]", opt->spec);
	if (!*rest && (!ops->bare || strchr(opt->spec, ':')))
		return error_set(err, ERR_INPUT, "--policy '%s' says nothing after '%s:'", opt->spec, ops->kind);
	if (opt->version) {
		r = policy_version_parse(opt->version, &number, &label, err);
		if (r < 0)
			return r;
		version = mem_strdup(opt->version);
		if (!version)
			return error_set(err, ERR_NOMEM, "out of memory");
	}
	r = ops->open(opt, rest, loop, &p, err);
	if (r < 0)
		return r;
	p->ops = ops;
	p->loop = loop;
	p->on_completion = on_completion;
	p->on_dead = on_dead;
	p->ctx = ctx;
	p->version = mem_steal(&version);
	*ret = p;
	return 0;
}

int policy_request(struct policy *p, const struct policy_request *req, struct error *err)
{
	assert(req->n > 0);
	if (p->dead)
		return error_set(err, ERR_REMOTE, "policy '%s' is dead", p->ops->kind);
	if (p->draining)
		return error_set(err, ERR_CANCELLED, "policy '%s' takes no more requests", p->ops->kind);
	if (req->first > UINT32_MAX - req->n)
		return error_set(err, ERR_INPUT, "task '%s': sample indices out of range", req->task->id);
	return p->ops->request(p, req, err);
}

unsigned policy_room(const struct policy *p)
{
	return p->dead || p->draining ? 0 : p->ops->room(p);
}

void policy_drain(struct policy *p, uint64_t grace_us)
{
	if (p->dead || p->draining)
		return;
	p->draining = true;
	p->ops->drain(p, grace_us);
}

void policy_close(struct policy *p)
{
	if (!p)
		return;
	mem_free(p->name);
	mem_free(p->version);
	p->ops->close(p);
}

const char *policy_kind(const struct policy *p)
{
	return p->ops->kind;
}

const char *policy_name(const struct policy *p)
{
	return p->name ? p->name : "";
}

const char *policy_version(const struct policy *p)
{
	return p->version;
}

struct policy_stats policy_stats(const struct policy *p)
{
	return p->stats;
}

void policy_die(struct policy *p, const struct error *why)
{
	if (p->dead)
		return;
	p->dead = true;
	p->on_dead(p->ctx, why);
}

void policy_deliver(struct policy *p, const struct policy_completion *c)
{
	if (p->dead)
		return;
	if (c->status != POLICY_OK)
		p->stats.failed++;
	p->on_completion(p->ctx, c);
}

int policy_copy_stop(char *const *stop, char ***ret, struct error *err)
{
	size_t n = 0;
	char **list;

	*ret = NULL;
	while (stop && stop[n])
		n++;
	if (n == 0)
		return 0;
	list = mem_calloc(n + 1, sizeof(*list));
	for (size_t i = 0; list && i < n; i++) {
		list[i] = mem_strdup(stop[i]);
		if (!list[i]) {
			str_list_free(list);
			list = NULL;
		}
	}
	*ret = list;
	return list ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}
