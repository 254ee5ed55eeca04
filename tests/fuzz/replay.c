/* Run every seed in a folder, and every prefix of it, through a fuzz harness once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return -1;
	}
	static uint8_t bytes[1 << 20];
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	/* Each prefix in a block of its own size, so that a sanitizer sees one byte too many. Long seeds in steps. */
	size_t step = n > 4096 ? n / 1024 : 1;
	for (size_t i = 0; i <= n; i += i == n || n - i >= step ? step : n - i) {
		uint8_t *copy = malloc(i ? i : 1);

		if (!copy)
			return -1;
		memcpy(copy, bytes, i);
		LLVMFuzzerTestOneInput(copy, i);
		free(copy);
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned seeds = 0;
	struct dirent *e;
	DIR *d = argc > 1 ? opendir(argv[1]) : NULL;

	if (!d) {
		fprintf(stderr, "usage: %s SEED-FOLDER\n", argv[0]);
		return 2;
	}
	while ((e = readdir(d))) {
		char path[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
		if (replay(path))
			return 1;
		seeds++;
	}
	closedir(d);
	printf("%u seeds replayed\n", seeds);
	return seeds ? 0 : 1;
}
