/* SHA-256 (FIPS 180-4), with the processor's own instructions for it where it has them. */
#ifndef CL_SHA256_H
#define CL_SHA256_H
#include <stddef.h>
#include <stdint.h>

/* A digest in the making. A plain value: a copy goes on by itself. The fields are private. */
typedef struct {
    uint32_t hash[8];
    uint32_t implementation;
    uint64_t length; /* bytes taken so far */
    uint8_t pending[64]; /* the last length % 64 of them wait here for their block to fill */
} cl_sha256_state;

/* The ways to compute it. Which of them work is for the processor to say, when we run. */
enum {
    CL_SHA256_PORTABLE = 0,
    CL_SHA256_X86 = 1, /* the SHA extensions, with SSSE3 and SSE4.1 */
    CL_SHA256_ARM = 2, /* the SHA2 instructions of the Armv8 cryptographic extension */
    CL_SHA256_IMPLEMENTATIONS = 3
};

/* The fastest one that this processor has. Any thread may ask. */
uint32_t cl_sha256_implementation(void);

/* Such as "x86-sha"; NULL for a number that is none of the above. */
const char *cl_sha256_name(uint32_t implementation);

void cl_sha256_begin(cl_sha256_state *state);

/* Begins with the named implementation, so that they can be compared.
   Returns 0, or -1 where this processor does not have it; the state is then untouched. */
int cl_sha256_begin_with(cl_sha256_state *state, uint32_t implementation);

/* `bytes` may be NULL where `count` is 0. */
void cl_sha256_update(cl_sha256_state *state, const void *bytes, size_t count);

/* Writes the 32 bytes of the digest. The state is used up: begin again, or finish a copy. */
void cl_sha256_finish(cl_sha256_state *state, uint8_t *digest);

#endif
