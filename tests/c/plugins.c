/*
 * Loads a plug-in that uses the library, and unloads both, again and again.
 * Usage: plugins <plug-in> <rounds> <certificate> <key>
 */
#include "left.h"

#include <dlfcn.h>

int main(int argc, char **argv) {
    CHECK(argc == 5);
    int rounds = atoi(argv[2]);
    struct left before = look(), warm = before;
    for (int round = 1; round <= rounds; round++) {
        void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (plugin == NULL) fprintf(stderr, "%s\n", dlerror());
        CHECK(plugin != NULL);
        int (*use)(const char *, const char *);
        *(void **)&use = dlsym(plugin, "plugin_use");
        CHECK(use != NULL && use(argv[3], argv[4]) == 20);
        CHECK(dlclose(plugin) == 0);
        compare(round, before, &warm);
    }
    puts("plugins: everything as before");
    return 0;
}
