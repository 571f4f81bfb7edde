/* SPDX-License-Identifier: Apache-2.0 */
/* run_config.c - the configuration of a run: from options, from the store, and how the two compare. */
#include "rollout/run_internal.h"

#include <math.h>
#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"

/* What the rows of a run depend on; all else is this session's own business. */
static const char *const identity[] = { "select", "policy", "policy_version", "samples", "languages", "shard",
					"template", "seed", "temperature", "top_p", "max_tokens", "stop", "api",
					"logprobs", "all_tests", "no_confirm", "time", "memory", "output", "no_reference_check",
					NULL };

const char *run_str(const struct run *r, const char *key)
{
	return json_get_str(r->config, key);
}

uint64_t run_u64(const struct run *r, const char *key)
{
	json_int_t v = json_get_int(r->config, key, 0);

	return v > 0 ? (uint64_t)v : 0;
}

double run_num(const struct run *r, const char *key)
{
	const json_t *v = json_object_get(r->config, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

bool run_flag(const struct run *r, const char *key)
{
	return json_is_true(json_object_get(r->config, key));
}

/* What a policy is told; checked whatever the policy, since not each of them looks at it. */
static int check_sampling(const struct run *r, struct error *err)
{
	static const struct {
		const char *key, *flag;
		double min, max;
	} numbers[] = {
		{ "temperature", "temperature", 0, 100 },
		{ "top_p", "top-p", 0, 1 },
		{ "max_tokens", "max-tokens", 1, INT32_MAX },
		{ "requests", "requests", 1, 65536 },
		{ "request_timeout", "request-timeout", 0.001, 86400 },
		{ "retries", "retries", 0, 1000 },
	};
	const char *api = run_str(r, "api"), *key_file = run_str(r, "api_key_file");

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		double v = run_num(r, numbers[i].key);

		if (v < numbers[i].min || v > numbers[i].max) /* false where it is not given */
			return error_set(err, ERR_INPUT, "--%s: %g is not between %g and %.10g", numbers[i].flag, v,
					 numbers[i].min, numbers[i].max);
	}
	if (api && !str_eq(api, "chat") && !str_eq(api, "completions"))
		return error_set(err, ERR_INPUT, "--api: '%s' is neither chat nor completions", api);
	if (key_file && !fs_exists(key_file))
		return error_set(err, ERR_INPUT, "--api-key-file: there is no '%s'", key_file);
	return 0;
}

/* Fill the plain fields from r->config. */
int run_apply_config(struct run *r, struct error *err)
{
	double time_s = run_num(r, "time");
	uint64_t samples = run_u64(r, "samples");
	int rc;

	if (samples < 1 || samples > STORE_MAX_SAMPLES)
		return error_set(err, ERR_INPUT, "--samples: %llu is not between 1 and %u",
				 (unsigned long long)samples, STORE_MAX_SAMPLES);
	if (!isnan(time_s) && !(time_s > 0 && time_s < 1e6))
		return error_set(err, ERR_INPUT, "--time: must be more than 0 seconds");
	r->samples = (uint32_t)samples;
	r->seed = run_u64(r, "seed");
	r->all_tests = run_flag(r, "all_tests");
	r->confirm = !run_flag(r, "no_confirm");
	r->over = (struct limits){ .cpu_us = isnan(time_s) ? 0 : (uint64_t)(time_s * 1e6),
				   .memory_bytes = run_u64(r, "memory") << 20,
				   .output_bytes = run_u64(r, "output") << 10 };
	r->by_record = run_str(r, "policy") && str_starts(run_str(r, "policy"), "replay:");
	rc = check_sampling(r, err);
	return rc < 0 ? rc : plan_shard_parse(run_str(r, "shard"), &r->shard, err);
}

int run_configure(struct run *r, const struct options *o, struct error *err)
{
	memset(r, 0, sizeof(*r));
	r->config = options_effective(o);
	if (!r->config)
		return error_set(err, ERR_NOMEM, "out of memory");
	return run_apply_config(r, err);
}

/* The flag of a key: "top_p" is --top-p. */
static void add_flag(struct buf *b, const char *key)
{
	buf_adds(b, b->len ? ", --" : "--");
	for (; *key; key++)
		if (*key == '_')
			buf_addc(b, '-');
		else
			buf_addc(b, *key);
}

int run_merge_config(struct run *r, const json_t *stored, const struct options *o, struct error *err)
{
	cleanup_buf struct buf differ;
	int rc;

	buf_init(&differ, 400);
	for (size_t i = 0; identity[i]; i++) {
		json_t *was = json_object_get(stored, identity[i]);
		json_t *now = json_object_get(r->config, identity[i]);
		cleanup_mem char *name = mem_strdup(identity[i]);

		if (!name)
			return error_set(err, ERR_NOMEM, "out of memory");
		for (char *p = name; *p; p++)
			if (*p == '_')
				*p = '-';
		if (!was)
			was = json_null(); /* made before there was such a key */
		if (options_given(o, name) && !json_equal(was, now))
			add_flag(&differ, identity[i]);
		else if (json_object_set(r->config, identity[i], was) < 0)
			return error_set(err, ERR_NOMEM, "out of memory");
	}
	rc = buf_check(&differ, "list of options", err);
	if (rc < 0)
		return rc;
	if (differ.len)
		return error_set(err, ERR_INPUT,
				 "run %lld was made with another configuration: %s differ%s; resume it with the same or without",
				 (long long)r->id, differ.data, strchr(differ.data, ',') ? "" : "s");
	return run_apply_config(r, err);
}

/* What was asked for, else what the template ends a plain completion with. */
int run_adopt_stop(struct run *r, struct error *err)
{
	const json_t *given = json_object_get(r->config, "stop");
	const char *const *stop = prompt_template_stop(r->template);
	bool plain = str_eq(run_str(r, "api"), "completions");
	json_t *list;

	if (json_array_size(given) || !plain || !stop || !stop[0])
		return 0;
	list = json_array();
	for (size_t i = 0; list && stop[i]; i++)
		if (json_array_append_new(list, json_string(stop[i])) < 0) {
			json_decref(list);
			list = NULL;
		}
	r->stop = list;
	return list ? 0 : error_set(err, ERR_NOMEM, "out of memory");
}

static json_t *stop_of(const struct run *r)
{
	return r->stop ? r->stop : json_object_get(r->config, "stop");
}

json_t *run_sampling(const struct run *r)
{
	static const char *const keys[] = { "temperature", "top_p", "max_tokens", "stop", "api" };
	json_t *ret = json_object();

	for (size_t i = 0; ret && i < ARRAY_SIZE(keys); i++) {
		json_t *v = str_eq(keys[i], "stop") ? stop_of(r) : json_object_get(r->config, keys[i]);

		if (!v || json_is_null(v) || (json_is_array(v) && !json_array_size(v)))
			continue;
		if (json_object_set(ret, keys[i], v) < 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

int run_policy_options(const struct run *r, const struct judging *j, struct policy_options *ret, struct error *err)
{
	const json_t *stop = stop_of(r);
	size_t n_stop = json_is_array(stop) ? json_array_size(stop) : 0;
	double timeout = run_num(r, "request_timeout");

	*ret = (struct policy_options){
		.spec = run_str(r, "policy"),
		.version = run_str(r, "policy_version"),
		.seed = r->seed,
		.sampling = { .temperature = run_num(r, "temperature"),
			      .top_p = run_num(r, "top_p"),
			      .max_tokens = (uint32_t)run_u64(r, "max_tokens") },
		.max_in_flight = (unsigned)run_u64(r, "requests"),
		.api = run_str(r, "api"),
		.api_key_file = run_str(r, "api_key_file"),
		.request_timeout_us = isnan(timeout) || timeout <= 0 ? 0 : (uint64_t)(timeout * 1e6),
		.max_retries = (unsigned)run_u64(r, "retries"),
		.logprobs = run_flag(r, "logprobs"),
		.sandbox = judge_sandbox(j->judge),
		.language = r->n_languages ? r->languages[0]->name : NULL,
	};
	if (!n_stop)
		return 0;
	ret->sampling.stop = mem_calloc(n_stop + 1, sizeof(*ret->sampling.stop));
	if (!ret->sampling.stop)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n_stop; i++)
		ret->sampling.stop[i] = (char *)(uintptr_t)json_string_value(json_array_get(stop, i));
	return 0;
}
