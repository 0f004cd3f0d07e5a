/// A small shim over libpng, memory to memory: its longjmp must not cross a Swift frame.
///
/// Functions that can fail return 0 and leave a message, see `cpng_message`.
#ifndef FIGMENT_CPNG_H
#define FIGMENT_CPNG_H
#include <stddef.h>
#include <stdint.h>

/// One picture being written or read.
typedef struct cpng cpng;

/// The header of a PNG, with what the chunks before the pixels add to it.
typedef struct {
  uint32_t width, height;
  /// Bits per channel.
  int depth;
  /// 1 to 4 as stored; a palette has 1.
  int channels;
  int palette, alpha, color_key, interlaced, animated;
} cpng_header;

/// Encoding of a text.
typedef enum {
  /// Latin-1.
  CPNG_TEXT_LATIN1,
  /// UTF-8.
  CPNG_TEXT_UTF8,
  /// UTF-8, deflated.
  CPNG_TEXT_UTF8_COMPRESSED
} cpng_text_kind;

/// A key in Latin-1 and its value, both ended by a zero; they live as long as the picture.
typedef struct {
  const char *key, *value;
  cpng_text_kind kind;
} cpng_text;

/// Message of the last call that failed, at most 255 characters of ASCII.
const char *cpng_message(const cpng *picture);

/// Frees the picture and all its memory; NULL is allowed.
void cpng_close(cpng *picture);

/// Starts a picture to write; NULL where memory ran out.
cpng *cpng_create(void);

/// Adds a text to be written before the pixels.
int cpng_add_text(cpng *picture, const char *key, const char *value, cpng_text_kind kind);

/// Writes the whole picture, 8 bits, `channels` 1 or 3, rows from the top without padding.
int cpng_write(cpng *picture, uint32_t width, uint32_t height, int channels, const uint8_t *pixels);

/// The bytes that were written; their number goes to `count`.
const uint8_t *cpng_bytes(const cpng *picture, size_t *count);

/// Starts a picture to read; `bytes` must stay until it is closed.  NULL where memory ran out.
cpng *cpng_open(const uint8_t *bytes, size_t count);

/// Reads the chunks before the pixels; also texts if `with_texts`, which is slow where they are long.
int cpng_read_header(cpng *picture, cpng_header *header, int with_texts);

/// Chooses 8 bits per channel, colours in place of a palette and alpha in place of a transparent colour,
/// and sets `channels` to the number of channels that the pixels will have, 1 to 4.
int cpng_prepare_pixels(cpng *picture, int *channels);

/// Reads the pixels and what follows; `count` must be exactly height * width * channels.
int cpng_read_pixels(cpng *picture, uint8_t *pixels, size_t count);

/// Copies the palette, [colours, 3]; returns the number of colours, 0 where there is no palette.
size_t cpng_palette(const cpng *picture, uint8_t colors[768]);

/// The number of texts read.
size_t cpng_text_count(const cpng *picture);

/// The text at `index`, in the order of the file.
cpng_text cpng_text_at(const cpng *picture, size_t index);

#endif
