/* A peer in C (cc peer.c -lm -o peer): exp of doubles, as hexadecimal floats, which strtod reads and %a prints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The floats of the list "hex" after the place p; their number. */
static size_t numbers(const char *p, double *out, size_t most) {
    size_t n = 0;
    p = strstr(p, "\"hex\":[");
    if (!p) return 0;
    for (p += 7; *p && *p != ']'; p++)
        if (*p == '"' && n < most) {
            char *end;
            out[n++] = strtod(p + 1, &end);
            p = end;
        }
    return n;
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    long length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        long id = strtol(strstr(line, "\"id\":") + 5, NULL, 10);
        printf("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":", id);
        if (strstr(line, "\"method\":\"initialize\"")) {
            printf("{\"name\":\"c-example\",\"version\":\"1\",\"operators\":[\"exp\"],"
                   "\"dtypes\":[\"float64\"],\"encoding\":\"hex\"}}\n");
        } else if (strstr(line, "\"method\":\"shutdown\"")) {
            printf("{}}\n");
        } else {
            int vjp = strstr(line, "\"method\":\"vjp\"") != NULL;
            const char *inputs = strstr(line, "\"inputs\":"), *weights = strstr(line, "\"cotangents\":");
            const char *shape = strstr(inputs, "\"shape\":") + 8;
            double *x = malloc(length * sizeof *x), *g = malloc(length * sizeof *g);
            size_t n = numbers(inputs, x, length);
            if (vjp) numbers(weights, g, length);
            printf("{\"%s\":[{\"dtype\":\"float64\",\"shape\":%.*s],\"hex\":[", vjp ? "gradients" : "outputs",
                   (int)strcspn(shape, "]"), shape);
            for (size_t k = 0; k < n; k++)
                printf("%s\"%a\"", k ? "," : "", vjp ? g[k] * exp(x[k]) : exp(x[k]));
            printf("]}]}}\n");
            free(x);
            free(g);
        }
        fflush(stdout);
    }
    free(line);
    return 0;
}
