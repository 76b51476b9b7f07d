#ifndef CLINUX_CHECKSUM_H
#define CLINUX_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// Whether this machine's processor counts CRC-32C itself.
int clinux_has_crc32c(void);
/// Goes on with a CRC-32C (not inverted) over these bytes; only where `clinux_has_crc32c` says so.
uint32_t clinux_crc32c(uint32_t crc, const void *bytes, size_t count);

#endif
