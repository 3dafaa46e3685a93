/* Between the files of SHA-256; no part of the module. */
#ifndef CL_SHA256_COMPRESS_H
#define CL_SHA256_COMPRESS_H
#include <stddef.h>
#include <stdint.h>

/* Takes `blocks` blocks of 64 bytes, aligned or not, into the hash value. */
typedef void cl_sha256_compress(uint32_t hash[8], const uint8_t *data, size_t blocks);

cl_sha256_compress cl_sha256_compress_portable;
cl_sha256_compress cl_sha256_compress_x86;
cl_sha256_compress cl_sha256_compress_arm;

/* Whether this processor has the instructions. On another architecture than the named one they
   say no, and the function of that name is the portable one. */
int cl_sha256_has_x86(void);
int cl_sha256_has_arm(void);

/* FIPS 180-4, 4.2.2: 32 bits of the fractions of the cube roots of the first 64 primes. */
extern const uint32_t cl_sha256_k[64];

#endif
