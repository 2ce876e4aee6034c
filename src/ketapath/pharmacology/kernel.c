/* The march of modal.march_numpy in C: the same operations in the same order, a tile of subjects at a time.
 *
 * Everything costly (exponentials, weights) is worked out before, in NumPy. Built without fused multiply-add and without
 * reordering (-ffp-contract=off, no fast-math), so that every result is the same to the last bit. */
#ifndef FOR /* the part that stands once; below it includes itself for each kind of processor */
#include <stdint.h>
#include <string.h>

#define KETAPATH_KERNEL 1 /* native.py reads it: a kernel built from another plan is not used */
#define TILE 64
#define MAX_MODES 16

#define INLINE static inline __attribute__((always_inline)) /* GCC and Clang: vectors and attributes are theirs */
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

typedef struct {
    int64_t subjects, modes, outputs, events;
    const int32_t *step, *feed, *rate, *bolus, *observation; /* one an event; -1: none */
    const double *hours;                              /* one an event */
    const double *decay, *gain;                       /* (steps, modes, subjects); gain only of fed steps */
    const double *start, *weights;                    /* (modes, subjects), (weights, subjects) */
    const double *rates, *boluses;                    /* (combinations, width) */
    int64_t width;                                    /* 1: the same for all subjects; else subjects */
    const int32_t *terms_end, *term_mode, *term_weight;
    double *out; /* null: summaries only */
    int64_t row_stride, output_stride, tile_stride;
    double *state; /* (modes, subjects): the end of the march */
    double *peak, *peak_hours; /* (outputs, subjects) */
} work;

EXPORT int ketapath_kernel(void) { return KETAPATH_KERNEL; }

typedef double lanes1 __attribute__((may_alias));
typedef double lanes8 __attribute__((vector_size(64), aligned(8), may_alias));

/* One event for the lanes at i; defined for eight lanes, and for one where subjects are left over. */
#define DEFINE_EVENT(NAME, V)                                                                                          \
    TARGET INLINE void NAME(const work *w, int64_t e, int64_t base, int64_t i, double state[][TILE]) {                        \
        const int64_t n = w->subjects, place = base + i, wide = w->width != 1;                                         \
        if (w->step[e] >= 0) {                                                                                         \
            const double *decay = w->decay + w->step[e] * w->modes * n + place;                                        \
            if (w->rate[e] < 0) {                                                                                      \
                for (int64_t k = 0; k < w->modes; k++) *(V *)&state[k][i] *= *(const V *)(decay + k * n);              \
            } else {                                                                                                   \
                const double *gain = w->gain + w->feed[e] * w->modes * n + place;                                      \
                const double *amount = w->rates + w->rate[e] * w->width + (wide ? place : 0);                          \
                for (int64_t k = 0; k < w->modes; k++) {                                                               \
                    V s = *(V *)&state[k][i] * *(const V *)(decay + k * n), g = *(const V *)(gain + k * n);            \
                    *(V *)&state[k][i] = s + (wide ? g * *(const V *)amount : g * *amount);                            \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        if (w->bolus[e] >= 0) {                                                                                        \
            const double *amount = w->boluses + w->bolus[e] * w->width + (wide ? place : 0);                           \
            for (int64_t k = 0; k < w->modes; k++) {                                                                   \
                V g = *(const V *)(w->start + k * n + place);                                                          \
                *(V *)&state[k][i] += wide ? g * *(const V *)amount : g * *amount;                                     \
            }                                                                                                          \
        }                                                                                                              \
        if (w->out && w->observation[e] < 0) return;                                                                   \
        int32_t t = 0;                                                                                                 \
        for (int64_t o = 0; o < w->outputs; o++) {                                                                     \
            V level = *(V *)&state[w->term_mode[t]][i];                                                                \
            if (w->term_weight[t] >= 0) level *= *(const V *)(w->weights + w->term_weight[t] * n + place);             \
            for (t++; t < w->terms_end[o]; t++) {                                                                      \
                V s = *(V *)&state[w->term_mode[t]][i];                                                                \
                if (w->term_weight[t] >= 0) s *= *(const V *)(w->weights + w->term_weight[t] * n + place);             \
                level += s;                                                                                            \
            }                                                                                                          \
            if (w->out) {                                                                                              \
                double *tile_out = w->out + (base / TILE) * w->tile_stride + i;                                        \
                *(V *)(tile_out + w->observation[e] * w->row_stride + o * w->output_stride) = level;                   \
            } else {                                                                                                   \
                double *peak = w->peak + o * n + place, *at = w->peak_hours + o * n + place;                           \
                const double *now = (const double *)&level;                                                            \
                for (int64_t j = 0; j < (int64_t)(sizeof(V) / sizeof(double)); j++) {                                  \
                    at[j] = now[j] > peak[j] ? w->hours[e] : at[j];                                                    \
                    peak[j] = now[j] > peak[j] ? now[j] : peak[j];                                                     \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
#if defined(__x86_64__) && defined(__GNUC__)
#define FOR(NAME) NAME##_512
#define TARGET __attribute__((target("avx512f")))
#include "kernel.c"
#undef FOR
#undef TARGET
#define FOR(NAME) NAME##_256
#define TARGET __attribute__((target("avx2")))
#include "kernel.c"
#undef FOR
#undef TARGET
#endif
#define FOR(NAME) NAME##_any
#define TARGET
#include "kernel.c"

/* 0: done; 1: more modes than there is room for. */
EXPORT int ketapath_march(const work *w) {
    if (w->modes > MAX_MODES) return 1;
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) march_512(w);
    else if (__builtin_cpu_supports("avx2")) march_256(w);
    else
#endif
        march_any(w);
    return 0;
}
#else /* once for each kind of processor */

DEFINE_EVENT(FOR(one), lanes1)
DEFINE_EVENT(FOR(eight), lanes8)

TARGET static void FOR(march)(const work *w) {
    double state[MAX_MODES][TILE] __attribute__((aligned(64)));
    for (int64_t base = 0; base < w->subjects; base += TILE) {
        const int64_t lanes = w->subjects - base < TILE ? w->subjects - base : TILE;
        memset(state, 0, sizeof state);
        for (int64_t e = 0; e < w->events; e++) {
            int64_t i = 0;
            for (; i + 8 <= lanes; i += 8) FOR(eight)(w, e, base, i, state);
            for (; i < lanes; i++) FOR(one)(w, e, base, i, state);
        }
        for (int64_t k = 0; k < w->modes; k++)
            memcpy(w->state + k * w->subjects + base, state[k], lanes * sizeof(double));
    }
}
#endif
