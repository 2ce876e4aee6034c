/* The march of modal.march_numpy in C: the same operations in the same order, a tile of subjects at a time.
 *
 * Everything costly (exponentials, weights) is worked out before, in NumPy. Built without fused multiply-add and without
 * reordering (-ffp-contract=off, no fast-math), so that every result is the same to the last bit. */
#ifndef FOR /* the part that stands once; it includes itself for each kind of processor, and there for each width */
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define KETAPATH_KERNEL 1 /* native.py reads it: a kernel built from another plan is not used */
#define TILE 64
#define MAX_MODES 16
#define MAX_OUTPUTS 8
#define AS_IT_IS -1 /* a mode that counts in an output without a weight */
#define ABSENT -2

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
    int64_t lined; /* set by march: every piece of a row begins on a line of the cache */
} work;

EXPORT int ketapath_kernel(void) { return KETAPATH_KERNEL; }

typedef double lanes1 __attribute__((may_alias));
typedef double lanes8 __attribute__((vector_size(64), aligned(8), may_alias));

#define AT(V, FROM, G) (((V *)(FROM))[G])

#if defined(__x86_64__) && defined(__GNUC__)
#define FOR(NAME) NAME##_512
#define TARGET __attribute__((target("avx512f")))
#define PAST_CACHE(P, V) _mm512_stream_pd(P, (__m512d)(V))
#include "kernel.c"
#undef FOR
#undef TARGET
#undef PAST_CACHE
#define FOR(NAME) NAME##_256
#define TARGET __attribute__((target("avx2")))
#define PAST_CACHE(P, V) (_mm256_stream_pd(P, ((__m256d *)&(V))[0]), _mm256_stream_pd((P) + 4, ((__m256d *)&(V))[1]))
#include "kernel.c"
#undef FOR
#undef TARGET
#undef PAST_CACHE
#endif
#define FOR(NAME) NAME##_any
#define TARGET
#include "kernel.c"

/* 0: done; 1: more modes or outputs than there is room for, or terms that are not in the order of the modes. */
EXPORT int ketapath_march(const work *w) {
    int32_t roles[MAX_MODES * MAX_OUTPUTS], t = 0;
    if (w->modes > MAX_MODES || w->outputs > MAX_OUTPUTS) return 1;
    for (int64_t k = 0; k < MAX_MODES * MAX_OUTPUTS; k++) roles[k] = ABSENT;
    for (int64_t o = 0; o < w->outputs; o++)
        for (int32_t before = -1; t < w->terms_end[o]; before = w->term_mode[t++]) {
            if (w->term_mode[t] <= before) return 1;
            roles[w->term_mode[t] * MAX_OUTPUTS + o] = w->term_weight[t];
        }
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) march_512(w, roles);
    else if (__builtin_cpu_supports("avx2")) march_256(w, roles);
    else
#endif
        march_any(w, roles);
    return 0;
}
#elif !defined(V) /* once for each kind of processor */

TARGET INLINE void FOR(put1)(const work *w, double *place, lanes1 v) {
    (void)w;
    *place = v;
}

TARGET INLINE void FOR(put8)(const work *w, double *place, lanes8 v) {
#ifdef PAST_CACHE
    if (w->lined) { /* the levels are not read again here: the cache is left to what is */
        PAST_CACHE(place, v);
        return;
    }
#endif
    (void)w;
    *(lanes8 *)place = v;
}

#define V lanes1 /* where subjects are left over */
#define MANY 1
#define EVENT FOR(one)
#define PUT FOR(put1)
#include "kernel.c"
#undef V
#undef MANY
#undef EVENT
#undef PUT
#define V lanes8
#define MANY 4
#define EVENT FOR(many)
#define PUT FOR(put8)
#include "kernel.c"
#undef V
#undef MANY
#undef EVENT
#undef PUT

TARGET INLINE void FOR(tiles)(const work *w, const int32_t *roles, const int64_t outputs) {
    double state[MAX_MODES][TILE] __attribute__((aligned(64)));
    for (int64_t base = 0; base < w->subjects; base += TILE) {
        const int64_t lanes = w->subjects - base < TILE ? w->subjects - base : TILE;
        memset(state, 0, sizeof state);
        for (int64_t e = 0; e < w->events; e++) {
            int64_t i = 0;
            for (; i + 32 <= lanes; i += 32) FOR(many)(w, e, base, i, state, roles, outputs);
            for (; i < lanes; i++) FOR(one)(w, e, base, i, state, roles, outputs);
        }
        for (int64_t k = 0; k < w->modes; k++)
            memcpy(w->state + k * w->subjects + base, state[k], lanes * sizeof(double));
    }
}

TARGET static void FOR(march)(const work *given, const int32_t *roles) {
    work own = *given; /* a copy that no store can reach, so that it stays in registers */
    const int64_t strides = own.row_stride | own.output_stride | own.tile_stride;
    own.lined = ((uintptr_t)own.out | (uintptr_t)(strides * sizeof(double))) % 64 == 0;
    switch (own.outputs) { /* a number that the compiler knows keeps the sums in registers */
    case 1: FOR(tiles)(&own, roles, 1); break;
    case 2: FOR(tiles)(&own, roles, 2); break;
    case 3: FOR(tiles)(&own, roles, 3); break;
    default: FOR(tiles)(&own, roles, own.outputs);
    }
#ifdef PAST_CACHE
    _mm_sfence();
#endif
}

#else /* once for each width */

/* One event for the lanes from i on: MANY vectors V of them at a time, so that what is looked up is looked up once. */
TARGET INLINE void EVENT(const work *w, int64_t e, int64_t base, int64_t i, double state[][TILE], const int32_t *roles,
                         const int64_t outputs) {
    enum { WIDE = sizeof(V) / sizeof(double) };
    const int64_t n = w->subjects, place = base + i, each = w->width != 1, lane = each ? place : 0;
    const double *decay = w->step[e] < 0 ? 0 : w->decay + w->step[e] * w->modes * n + place;
    const double *gain = w->rate[e] < 0 ? 0 : w->gain + w->feed[e] * w->modes * n + place;
    const double *rate = w->rate[e] < 0 ? 0 : w->rates + w->rate[e] * w->width + lane;
    const double *bolus = w->bolus[e] < 0 ? 0 : w->boluses + w->bolus[e] * w->width + lane;
    const int shown = !w->out || w->observation[e] >= 0;
    V level[MAX_OUTPUTS][MANY];
    for (int64_t o = 0; o < outputs; o++)
        for (int g = 0; g < MANY; g++) level[o][g] = (V){0};
    for (int64_t k = 0; k < w->modes; k++) {
        V now[MANY];
        for (int g = 0; g < MANY; g++) now[g] = AT(V, &state[k][i], g);
        if (decay)
            for (int g = 0; g < MANY; g++) now[g] *= AT(V, decay + k * n, g);
        if (gain)
            for (int g = 0; g < MANY; g++) {
                const V c = AT(V, gain + k * n, g);
                now[g] += each ? c * AT(V, rate, g) : c * *rate;
            }
        if (bolus)
            for (int g = 0; g < MANY; g++) {
                const V c = AT(V, w->start + k * n + place, g);
                now[g] += each ? c * AT(V, bolus, g) : c * *bolus;
            }
        for (int g = 0; g < MANY; g++) AT(V, &state[k][i], g) = now[g];
        if (!shown) continue;
        for (int64_t o = 0; o < outputs; o++) {
            const int32_t role = roles[k * MAX_OUTPUTS + o];
            if (role >= 0)
                for (int g = 0; g < MANY; g++) level[o][g] += now[g] * AT(V, w->weights + role * n + place, g);
            else if (role == AS_IT_IS)
                for (int g = 0; g < MANY; g++) level[o][g] += now[g];
        }
    }
    if (!shown) return;
    for (int64_t o = 0; o < outputs; o++) {
        if (w->out) {
            double *row = w->out + (base / TILE) * w->tile_stride + i;
            row += w->observation[e] * w->row_stride + o * w->output_stride;
            for (int g = 0; g < MANY; g++) PUT(w, row + g * WIDE, level[o][g]);
        } else {
            double *peak = w->peak + o * n + place, *hours = w->peak_hours + o * n + place;
            const double *high = (const double *)level[o];
            for (int j = 0; j < MANY * WIDE; j++) {
                hours[j] = high[j] > peak[j] ? w->hours[e] : hours[j];
                peak[j] = high[j] > peak[j] ? high[j] : peak[j];
            }
        }
    }
}
#endif
