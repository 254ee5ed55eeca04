#include "base/log.h"

#include "base/clock.h"
#include "base/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *const names[] = { "error", "warn", "info", "debug" };

struct rf_log rf_log_stderr(enum rf_log_level most)
{
	return (struct rf_log){ .fd = STDERR_FILENO, .most = most, .plain = isatty(STDERR_FILENO) };
}

void rf_log(const struct rf_log *log, enum rf_log_level level, const char *fmt, ...)
{
	if (!log || level > log->most)
		return;
	char text[1024], line[4096], when[RF_WALL_TEXT];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);

	struct rf_clock clock = rf_clock_system();
	rf_wall_text(clock.wall(clock.ctx), when);
	struct rf_writer w;
	rf_writer_init(&w, line, sizeof line - 1);
	if (log->plain) {
		rf_put_fmt(&w, "%s: ", names[level]);
		rf_put(&w, rf_view_str(text));
	} else {
		rf_put_fmt(&w, "{\"time\":\"%s\",\"level\":\"%s\",\"text\":\"", when, names[level]);
		rf_put_json(&w, rf_view_str(text));
		rf_put_lit(&w, "\"}");
	}
	line[w.n++] = '\n'; /* room was kept for it; an over-long line is cut */
	if (write(log->fd, line, w.n) < 0)
		return; /* a log that cannot be written has nowhere to say so */
}
