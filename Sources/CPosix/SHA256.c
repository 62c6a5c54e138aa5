// SHA-256 (FIPS 180-4) by the instructions that processors have for it. Four rounds a step: `w` holds the last sixteen
// words of the message schedule, four a vector.
#include "CPosix.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

static int has_instructions(void) {
  static int known;  // 0 not asked yet, 1 no, 2 yes; asking twice at once gives the same answer
  int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (answer == 0) {
    unsigned a, b, c, d;
    int simd = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSSE3) && (c & bit_SSE4_1);
    answer = simd && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) ? 2 : 1;
    __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
  }
  return answer == 2;
}

__attribute__((target("sha,ssse3,sse4.1")))
static void mix(uint32_t state[8], const uint8_t *block, size_t count, const uint32_t constants[64]) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  // The instructions want the eight words as (a b e f) and (c d g h), a and c highest.
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1b);
  __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
  __m128i abef = _mm_unpackhi_epi64(efgh, abcd), cdgh = _mm_unpacklo_epi64(efgh, abcd);
  for (; count > 0; count--, block += 64) {
    __m128i abef_before = abef, cdgh_before = cdgh, w[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      __m128i *next = &w[i % 4];
      if (i < 4) {
        *next = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), big_endian);
      } else {
        __m128i first = w[(i + 1) % 4], second = w[(i + 2) % 4], third = w[(i + 3) % 4];
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*next, first), _mm_alignr_epi8(third, second, 4));
        *next = _mm_sha256msg2_epu32(sum, third);
      }
      __m128i k = _mm_add_epi32(*next, _mm_loadu_si128((const __m128i *)(constants + 4 * i)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  abcd = _mm_unpackhi_epi64(cdgh, abef);
  efgh = _mm_unpacklo_epi64(cdgh, abef);
  _mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(abcd, 0x1b));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_shuffle_epi32(efgh, 0x1b));
}

#elif defined(__aarch64__)

#include <arm_neon.h>
#include <sys/auxv.h>

enum { has_sha2 = 1 << 6 };  // HWCAP_SHA2

static int has_instructions(void) { return (getauxval(AT_HWCAP) & has_sha2) != 0; }

__attribute__((target("sha2")))
static void mix(uint32_t state[8], const uint8_t *block, size_t count, const uint32_t constants[64]) {
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; count > 0; count--, block += 64) {
    uint32x4_t abcd_before = abcd, efgh_before = efgh, w[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      uint32x4_t *next = &w[i % 4];
      if (i < 4) {
        *next = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
      } else {
        uint32x4_t first = w[(i + 1) % 4], second = w[(i + 2) % 4], third = w[(i + 3) % 4];
        *next = vsha256su1q_u32(vsha256su0q_u32(*next, first), second, third);
      }
      uint32x4_t k = vaddq_u32(*next, vld1q_u32(constants + 4 * i)), abcd_now = abcd;
      abcd = vsha256hq_u32(abcd, efgh, k);
      efgh = vsha256h2q_u32(efgh, abcd_now, k);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}

#else

static int has_instructions(void) { return 0; }

static void mix(uint32_t state[8], const uint8_t *block, size_t count, const uint32_t constants[64]) {}

#endif

int cposix_sha256(uint32_t state[8], const uint8_t *blocks, size_t count, const uint32_t constants[64]) {
  if (!has_instructions()) return 0;
  mix(state, blocks, count, constants);
  return 1;
}
