/* The page of metrics: from answers of roles, whatever they hold, to Prometheus' text format. */
#include "cmd/metrics_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char *page(const char *answers)
{
	json_t *j = json_loads(answers, 0, NULL);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_non_null(j);
	rf_cmd_metrics_page(f, j);
	fclose(f);
	json_decref(j);
	assert_non_null(text);
	return text;
}

static void has(const char *text, const char *line)
{
	if (!text || !strstr(text, line))
		fail_msg("no \"%s\" in\n%s", line, text ? text : "");
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

static void roles_side_by_side(void **state)
{
	char *text = page("[{\"role\":\"controller\",\"host\":\"ctl\",\"healthy\":true,\"counts\":{\"calls\":3},"
			  "\"workers\":[{\"worker\":0,\"calls\":7,\"calls_now\":2},{\"worker\":1,\"calls\":9,\"calls_now\":1}],"
			  "\"trunks\":[{\"name\":\"c\\\"r\\\\r\\nx\",\"state\":\"up\",\"channels\":4,\"calls_in\":5,\"why\":\"w\"}]},"
			  "{\"role\":\"border\",\"healthy\":false,\"counts\":{\"calls\":1},\"dropped\":{\"method\":8}}]");

	(void)state;
	has(text, "# TYPE ringfort_healthy gauge\nringfort_healthy{role=\"controller\",host=\"ctl\"} 1\n"
		  "ringfort_healthy{role=\"border\"} 0\n");
	has(text, "ringfort_now{role=\"controller\",host=\"ctl\",worker=\"1\",what=\"calls\"} 1\n");
	has(text, "ringfort_events_total{role=\"controller\",host=\"ctl\",worker=\"0\",event=\"calls\"} 7\n");
	has(text, "ringfort_trunk_state{role=\"controller\",host=\"ctl\",trunk=\"c\\\"r\\\\r\\nx\",state=\"up\"} 1\n");
	has(text, "trunk=\"c\\\"r\\\\r\\nx\",what=\"calls_in\"} 5\n");
	has(text, "ringfort_dropped_total{role=\"border\",rule=\"method\"} 8\n");
	assert_int_equal(count(text, "# HELP ringfort_calls "), 1);
	assert_null(strstr(text, "what=\"why\""));
	assert_null(strstr(text, "event=\"worker\""));
	assert_null(strstr(text, "relay"));
	free(text);
}

static void a_histogram(void **state)
{
	char *text =
		page("[{\"role\":\"relay\",\"ended\":{\"streams\":9,\"mos\":{\"3.6\":2,\"4\":5},\"mos_sum\":37.5}}]");

	(void)state;
	has(text, "# TYPE ringfort_relay_stream_mos histogram\n"
		  "ringfort_relay_stream_mos_bucket{role=\"relay\",le=\"3.6\"} 2\n"
		  "ringfort_relay_stream_mos_bucket{role=\"relay\",le=\"4\"} 5\n"
		  "ringfort_relay_stream_mos_bucket{role=\"relay\",le=\"+Inf\"} 9\n"
		  "ringfort_relay_stream_mos_count{role=\"relay\"} 9\n"
		  "ringfort_relay_stream_mos_sum{role=\"relay\"} 37.5\n");
	free(text);
}

/* What is not told, or is of another kind than ours tell, is left out. */
static void other_shapes(void **state)
{
	static const char *const strange[] = {
		"[]", "[{}]", "[null, 1, \"x\", []]",
		"[{\"counts\":[],\"workers\":{},\"trunks\":[1,null,[]],\"ended\":5,\"drops\":null}]",
		"[{\"healthy\":\"yes\",\"counts\":{\"calls\":\"3\"},\"counted\":{\"x\":{}},\"trunks\":[{\"name\":[],\"state\":{}}]}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		char *text = page(strange[i]);

		assert_string_equal(text, "");
		free(text);
	}
}

static void as_json(void **state)
{
	json_t *answers = json_loads("[{\"role\":\"relay\",\"counts\":{\"sessions\":4}}]", 0, NULL);
	json_t *list = rf_cmd_metrics_json(answers), *one = json_array_get(list, 0);

	(void)state;
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(one, "name")), "ringfort_relay_sessions");
	assert_string_equal(json_string_value(json_object_get(one, "type")), "gauge");
	assert_string_equal(json_string_value(json_object_get(json_object_get(one, "labels"), "role")), "relay");
	assert_true(json_number_value(json_object_get(one, "value")) == 4);
	json_decref(list);
	json_decref(answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_side_by_side),
		cmocka_unit_test(a_histogram),
		cmocka_unit_test(other_shapes),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
