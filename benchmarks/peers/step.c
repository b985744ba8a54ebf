/* The RK4 step of coupled learning for blocks of 8 members, in the vectors of GNU C: for any processor.

   The same walk as kernels/ensemble/rk4.py (node by node, an edge updated where it is seen again, Gill's two registers),
   without what bounds G within a step: G is kept above its floor at the end of one. x and y hold v and w of a node side by
   side; ends of edges come as (neighbour, edge) pairs. */
#include <stdint.h>

typedef double V __attribute__((vector_size(64)));
typedef int64_t M __attribute__((vector_size(64)));

static inline V both(M mask, V a) { return (V)((M)a & mask); }
static inline V chosen(M mask, V a, V b) { return (V)(((M)a & mask) | ((M)b & ~mask)); }
static inline V larger(V a, V b) { return chosen(a > b, a, b); }

static inline __attribute__((always_inline)) V moved(int stage, V z, V *q, V k)
{
    const double s = 0.70710678118654752440;
    V old = *q;
    if (stage == 0) { *q = k; return z + 0.5 * k; }
    if (stage == 1) { *q = (2 - 2 * s) * k + (-2 + 3 * s) * old; return z + (1 - s) * (k - old); }
    if (stage == 2) { *q = (2 + 2 * s) * k + (-2 - 3 * s) * old; return z + (1 + s) * (k - old); }
    return z - old / 3 + k / 6;
}

static inline __attribute__((always_inline)) void one_stage(int stage, int nodes, const int32_t *lower,
    const int32_t *upper, const int32_t *near, const V *x, V *y, V *q, V *g, V *gq, const M *masks, const V *rows)
{
    const V dt = rows[0], learn = rows[1], nudge = rows[2], floor = rows[3];
    for (int a = 0; a < nodes; a++) {
        V v = x[2 * a], w = x[2 * a + 1], kv = {0}, kw = {0};
        for (int k = 0; k < lower[a]; k++, near += 2) {
            V dv = x[2 * near[0]] - v, dw = x[2 * near[0] + 1] - w, G = g[near[1]];
            kv += G * dv;
            kw += G * dw;
            G = moved(stage, G, &gq[near[1]], learn * dw * (2 * dv + nudge * dw));
            g[near[1]] = stage == 3 ? larger(floor, G) : G;
        }
        for (int k = 0; k < upper[a]; k++, near += 2) {
            kv += g[near[1]] * (x[2 * near[0]] - v);
            kw += g[near[1]] * (x[2 * near[0] + 1] - w);
        }
        kv = both(masks[3 * a], dt * kv);
        kw = chosen(masks[3 * a + 2], -kv, both(masks[3 * a + 1], dt * kw));
        y[2 * a] = moved(stage, v, &q[2 * a], kv);
        y[2 * a + 1] = moved(stage, w, &q[2 * a + 1], kw);
    }
}

/* steps of one block. masks : 3 a node, all bits of a lane set where v moves, w moves, w follows -v. */
void march(int nodes, long steps, const int32_t *lower, const int32_t *upper, const int32_t *near, V *x, V *y, V *q,
           V *g, V *gq, const M *masks, const V *rows)
{
    for (long s = 0; s < steps; s++) {
        one_stage(0, nodes, lower, upper, near, x, y, q, g, gq, masks, rows);
        one_stage(1, nodes, lower, upper, near, y, x, q, g, gq, masks, rows);
        one_stage(2, nodes, lower, upper, near, x, y, q, g, gq, masks, rows);
        one_stage(3, nodes, lower, upper, near, y, x, q, g, gq, masks, rows);
    }
}
