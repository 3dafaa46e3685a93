/* SHA-256 with the SHA2 instructions of Armv8. SHA256H and SHA256H2 do four rounds each, one
   for the variables A B C D and the other for E F G H, in the order in which memory has them. */
#include "cl_sha256_compress.h"

#if defined(__aarch64__) && defined(__AARCH64EL__)
#include <arm_neon.h>
#include <sys/auxv.h>

#define WITH_SHA __attribute__((target("+crypto")))

int cl_sha256_has_arm(void) { return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0; }

/* Four rounds with the words w, which belong to the constants from k on. */
WITH_SHA static inline void four_rounds(
    uint32x4_t *abcd, uint32x4_t *efgh, uint32x4_t w, const uint32_t *k) {
    const uint32x4_t sum = vaddq_u32(w, vld1q_u32(k)), before = *abcd;
    *abcd = vsha256hq_u32(*abcd, *efgh, sum);
    *efgh = vsha256h2q_u32(*efgh, before, sum);
}

/* The next four words of the message schedule from the sixteen before them, oldest first. */
WITH_SHA static inline uint32x4_t next_words(
    uint32x4_t w0, uint32x4_t w4, uint32x4_t w8, uint32x4_t w12) {
    return vsha256su1q_u32(vsha256su0q_u32(w0, w4), w8, w12);
}

WITH_SHA void cl_sha256_compress_arm(uint32_t hash[8], const uint8_t *data, size_t blocks) {
    const uint32_t *k = cl_sha256_k;
    uint32x4_t abcd = vld1q_u32(hash), efgh = vld1q_u32(hash + 4);

    for (; blocks > 0; blocks--, data += 64) {
        const uint32x4_t abcd_before = abcd, efgh_before = efgh;
        uint32x4_t w[4];
        for (int i = 0; i < 4; i++) {
            w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16 * i)));
            four_rounds(&abcd, &efgh, w[i], k + 4 * i);
        }
        for (int t = 16; t < 64; t += 16) {
            w[0] = next_words(w[0], w[1], w[2], w[3]);
            four_rounds(&abcd, &efgh, w[0], k + t);
            w[1] = next_words(w[1], w[2], w[3], w[0]);
            four_rounds(&abcd, &efgh, w[1], k + t + 4);
            w[2] = next_words(w[2], w[3], w[0], w[1]);
            four_rounds(&abcd, &efgh, w[2], k + t + 8);
            w[3] = next_words(w[3], w[0], w[1], w[2]);
            four_rounds(&abcd, &efgh, w[3], k + t + 12);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }

    vst1q_u32(hash, abcd);
    vst1q_u32(hash + 4, efgh);
}

#else

int cl_sha256_has_arm(void) { return 0; }

void cl_sha256_compress_arm(uint32_t hash[8], const uint8_t *data, size_t blocks) {
    cl_sha256_compress_portable(hash, data, blocks);
}

#endif
