/* SHA-256 with the SHA extensions of x86. SHA256RNDS2 does two rounds on two registers that hold
   the eight variables as A B E F and C D G H, the first letter in the highest lane; after two
   rounds the old A B E F is the new C D G H, so only the other one is computed. */
#include "cl_sha256_compress.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/platform/x86.h>

enum { REVERSE = _MM_SHUFFLE(0, 1, 2, 3) }; /* the four lanes of a register */

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* The C library asked the processor when the program began: CPUID leaves a virtual machine, and a start
   would feel it. */
int cl_sha256_has_x86(void) {
    return CPU_FEATURE_PRESENT(SSSE3) && CPU_FEATURE_PRESENT(SSE4_1) && CPU_FEATURE_PRESENT(SHA);
}

/* Four rounds with the words w, which belong to the constants from k on. */
WITH_SHA static inline void four_rounds(
    __m128i *abef, __m128i *cdgh, __m128i w, const uint32_t *k) {
    __m128i sum = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)k));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sum);
    sum = _mm_unpackhi_epi64(sum, sum);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, sum);
}

/* The next four words of the message schedule from the sixteen before them, oldest first. */
WITH_SHA static inline __m128i next_words(__m128i w0, __m128i w4, __m128i w8, __m128i w12) {
    __m128i seven_back = _mm_alignr_epi8(w12, w8, 4);
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), seven_back);
    return _mm_sha256msg2_epu32(sum, w12);
}

WITH_SHA void cl_sha256_compress_x86(uint32_t hash[8], const uint8_t *data, size_t blocks) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const uint32_t *k = cl_sha256_k;

    __m128i abcd = _mm_loadu_si128((const __m128i *)hash);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(hash + 4));
    __m128i abef = _mm_shuffle_epi32(_mm_unpacklo_epi64(abcd, efgh), REVERSE);
    __m128i cdgh = _mm_shuffle_epi32(_mm_unpackhi_epi64(abcd, efgh), REVERSE);

    for (; blocks > 0; blocks--, data += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++) {
            w[i] = _mm_loadu_si128((const __m128i *)(data + 16 * i));
            w[i] = _mm_shuffle_epi8(w[i], big_endian);
            four_rounds(&abef, &cdgh, w[i], k + 4 * i);
        }
        for (int t = 16; t < 64; t += 16) {
            w[0] = next_words(w[0], w[1], w[2], w[3]);
            four_rounds(&abef, &cdgh, w[0], k + t);
            w[1] = next_words(w[1], w[2], w[3], w[0]);
            four_rounds(&abef, &cdgh, w[1], k + t + 4);
            w[2] = next_words(w[2], w[3], w[0], w[1]);
            four_rounds(&abef, &cdgh, w[2], k + t + 8);
            w[3] = next_words(w[3], w[0], w[1], w[2]);
            four_rounds(&abef, &cdgh, w[3], k + t + 12);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    abef = _mm_shuffle_epi32(abef, REVERSE);
    cdgh = _mm_shuffle_epi32(cdgh, REVERSE);
    _mm_storeu_si128((__m128i *)hash, _mm_unpacklo_epi64(abef, cdgh));
    _mm_storeu_si128((__m128i *)(hash + 4), _mm_unpackhi_epi64(abef, cdgh));
}

#else

int cl_sha256_has_x86(void) { return 0; }

void cl_sha256_compress_x86(uint32_t hash[8], const uint8_t *data, size_t blocks) {
    cl_sha256_compress_portable(hash, data, blocks);
}

#endif
