#include "CPNG.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_SIZE 256
// Bytes that libpng may allocate for the chunks of a file, above all for deflated texts: a small file
// can hold many of them, each of megabytes.
#define CHUNK_MEMORY ((size_t)32 << 20)
// Bytes that it needs for any file, in addition to the inflated size of the file's bytes: a chunk that claims
// to be long is allocated before it is read.
#define FIXED_MEMORY ((size_t)1 << 18)
#define INFLATION ((size_t)2 * 1032)

struct cpng {
  png_structp png;
  png_infop info;
  int writing, animated;
  const uint8_t *input;
  size_t input_left;
  uint8_t *output;
  size_t output_count, output_capacity;
  size_t memory, memory_limit;
  char message[MESSAGE_SIZE];
};

static void fail(png_structp png, png_const_charp message) {
  cpng *picture = png_get_error_ptr(png);
  size_t count = 0;
  // Names of chunks in a hostile file can put any bytes into libpng's messages.
  for (; message[count] != 0 && count < MESSAGE_SIZE - 1; count++) {
    char c = message[count];
    picture->message[count] = c >= ' ' && c <= '~' ? c : '?';
  }
  picture->message[count] = 0;
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

/// Ignores warnings, but for a wrong checksum of the pixels, any of which may then be wrong.
static void notice_warning(png_structp png, png_const_charp message) {
  if (strcmp(message, "IDAT: incorrect data check") == 0) fail(png, message);
}

static void append(png_structp png, png_bytep bytes, size_t count) {
  cpng *picture = png_get_io_ptr(png);
  if (count > picture->output_capacity - picture->output_count) {
    size_t capacity = 2 * picture->output_capacity;
    if (capacity < picture->output_count + count) capacity = picture->output_count + count;
    uint8_t *grown = realloc(picture->output, capacity);
    if (grown == NULL) png_error(png, "out of memory");
    picture->output = grown;
    picture->output_capacity = capacity;
  }
  memcpy(picture->output + picture->output_count, bytes, count);
  picture->output_count += count;
}

static void flush_nothing(png_structp png) { (void)png; }

static void take(png_structp png, png_bytep bytes, size_t count) {
  cpng *picture = png_get_io_ptr(png);
  if (count > picture->input_left) png_error(png, "it ends early");
  memcpy(bytes, picture->input, count);
  picture->input += count;
  picture->input_left -= count;
}

// Each piece of memory of a reader begins with its size, as long as the strictest alignment.
#define PREFIX 16

static png_voidp limited_malloc(png_structp png, png_alloc_size_t size) {
  cpng *picture = png_get_mem_ptr(png);
  if (size > picture->memory_limit - picture->memory) return NULL;
  uint8_t *bytes = malloc(size + PREFIX);
  if (bytes == NULL) return NULL;
  memcpy(bytes, &size, sizeof size);
  picture->memory += size;
  return bytes + PREFIX;
}

static void limited_free(png_structp png, png_voidp pointer) {
  if (pointer == NULL) return;
  cpng *picture = png_get_mem_ptr(png);
  uint8_t *bytes = (uint8_t *)pointer - PREFIX;
  png_alloc_size_t size;
  memcpy(&size, bytes, sizeof size);
  picture->memory -= size;
  free(bytes);
}

/// Receives the chunks that are ignored or unknown; 1 means "handled, do not keep".
static int notice_chunk(png_structp png, png_unknown_chunkp chunk) {
  cpng *picture = png_get_user_chunk_ptr(png);
  if (memcmp(chunk->name, "acTL", 4) == 0) picture->animated = 1;
  // Lower case: the picture can be read without it.
  if ((chunk->name[0] & 0x20) == 0) png_chunk_error(png, "a chunk of unknown meaning");
  return 1;
}

const char *cpng_message(const cpng *picture) { return picture->message; }

void cpng_close(cpng *picture) {
  if (picture == NULL) return;
  if (picture->writing) {
    png_destroy_write_struct(&picture->png, &picture->info);
  } else {
    png_destroy_read_struct(&picture->png, &picture->info, NULL);
  }
  free(picture->output);
  free(picture);
}

static cpng *make(int writing) {
  cpng *picture = calloc(1, sizeof *picture);
  if (picture == NULL) return NULL;
  picture->writing = writing;
  picture->memory_limit = CHUNK_MEMORY;
  picture->png =
      writing ? png_create_write_struct(PNG_LIBPNG_VER_STRING, picture, fail, ignore_warning)
              : png_create_read_struct_2(
                    PNG_LIBPNG_VER_STRING, picture, fail, notice_warning, picture,
                    limited_malloc, limited_free);
  if (picture->png != NULL) picture->info = png_create_info_struct(picture->png);
  if (picture->info != NULL) return picture;
  cpng_close(picture);
  return NULL;
}

cpng *cpng_create(void) { return make(1); }

int cpng_add_text(cpng *picture, const char *key, const char *value, cpng_text_kind kind) {
  if (setjmp(png_jmpbuf(picture->png))) return 0;
  png_text text = {0};
  text.key = (char *)key;
  text.text = (char *)value;
  text.compression = kind == CPNG_TEXT_LATIN1 ? PNG_TEXT_COMPRESSION_NONE
                     : kind == CPNG_TEXT_UTF8 ? PNG_ITXT_COMPRESSION_NONE
                                              : PNG_ITXT_COMPRESSION_zTXt;
  png_set_text(picture->png, picture->info, &text, 1);
  return 1;
}

int cpng_write(
    cpng *picture, uint32_t width, uint32_t height, int channels, const uint8_t *pixels) {
  png_structp png = picture->png;
  png_infop info = picture->info;
  if (setjmp(png_jmpbuf(png))) return 0;
  png_set_write_fn(png, picture, append, flush_nothing);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_benign_errors(png, 0);
  // Fixed, so that the same picture is the same bytes.
  png_set_compression_level(png, 6);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
  png_set_IHDR(
      png, info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
      PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  png_write_info(png, info);
  for (uint32_t row = 0; row < height; row++) {
    png_write_row(png, pixels + (size_t)row * width * (size_t)channels);
  }
  // NULL: the texts were written before the pixels, and there is no time chunk.
  png_write_end(png, NULL);
  return 1;
}

const uint8_t *cpng_bytes(const cpng *picture, size_t *count) {
  *count = picture->output_count;
  return picture->output;
}

cpng *cpng_open(const uint8_t *bytes, size_t count) {
  cpng *picture = make(0);
  if (picture == NULL) return NULL;
  picture->input = bytes;
  picture->input_left = count;
  if (count < (CHUNK_MEMORY - FIXED_MEMORY) / INFLATION) {
    picture->memory_limit = FIXED_MEMORY + INFLATION * count;
  }
  return picture;
}

int cpng_read_header(cpng *picture, cpng_header *header, int with_texts) {
  // Chunks that do not change the pixels: one that is malformed is no reason to refuse them.
  static const png_byte ignored[] =
      "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tIME";
  static const png_byte texts[] = "iTXt\0tEXt\0zTXt";
  png_structp png = picture->png;
  png_infop info = picture->info;
  if (setjmp(png_jmpbuf(png))) return 0;
  png_set_read_fn(png, picture, take);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // The limit of memory is our own.
  png_set_chunk_malloc_max(png, 0);
  // Errors that libpng calls benign cannot affect the pixels: a palette of a grey picture, surplus data.
  png_set_benign_errors(png, 1);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
  // Some writers state a deflate window smaller than the one they used.
  png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  png_set_keep_unknown_chunks(
      png, PNG_HANDLE_CHUNK_NEVER, ignored, (int)(sizeof ignored / 5));
  if (!with_texts) {
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, texts, (int)(sizeof texts / 5));
  }
  png_set_read_user_chunk_fn(png, picture, notice_chunk);
  png_read_info(png, info);
  int color = png_get_color_type(png, info);
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->depth = png_get_bit_depth(png, info);
  header->channels = png_get_channels(png, info);
  header->palette = color == PNG_COLOR_TYPE_PALETTE;
  header->alpha = (color & PNG_COLOR_MASK_ALPHA) != 0;
  header->color_key = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  header->interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
  header->animated = picture->animated;
  return 1;
}

int cpng_prepare_pixels(cpng *picture, int *channels) {
  png_structp png = picture->png;
  png_infop info = picture->info;
  if (setjmp(png_jmpbuf(png))) return 0;
  // libpng holds a few rows, of up to 8 bytes per pixel.
  picture->memory_limit += 64 * (size_t)png_get_image_width(png, info) + (1 << 20);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  *channels = png_get_channels(png, info);
  return 1;
}

int cpng_read_pixels(cpng *picture, uint8_t *pixels, size_t count) {
  png_structp png = picture->png;
  png_infop info = picture->info;
  if (setjmp(png_jmpbuf(png))) return 0;
  size_t row_count = png_get_rowbytes(png, info);
  uint32_t height = png_get_image_height(png, info);
  if (count / height != row_count || count % height != 0) {
    png_error(png, "the rows are not as long as the header says");
  }
  // Each pass of an interlaced picture fills in some of the pixels.
  int passes = png_get_interlace_type(png, info) == PNG_INTERLACE_NONE ? 1 : PNG_INTERLACE_ADAM7_PASSES;
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t row = 0; row < height; row++) {
      png_read_row(png, pixels + row * row_count, NULL);
    }
  }
  png_read_end(png, info);
  return 1;
}

size_t cpng_palette(const cpng *picture, uint8_t colors[768]) {
  png_colorp palette;
  int count = 0;
  if (png_get_PLTE(picture->png, picture->info, &palette, &count) == 0) return 0;
  for (int i = 0; i < count; i++) {
    colors[3 * i] = palette[i].red;
    colors[3 * i + 1] = palette[i].green;
    colors[3 * i + 2] = palette[i].blue;
  }
  return (size_t)count;
}

size_t cpng_text_count(const cpng *picture) {
  png_textp texts;
  int count = 0;
  png_get_text(picture->png, picture->info, &texts, &count);
  return (size_t)count;
}

cpng_text cpng_text_at(const cpng *picture, size_t index) {
  png_textp texts;
  png_get_text(picture->png, picture->info, &texts, NULL);
  png_text text = texts[index];
  int compression = text.compression;
  cpng_text_kind kind = compression == PNG_ITXT_COMPRESSION_NONE   ? CPNG_TEXT_UTF8
                        : compression == PNG_ITXT_COMPRESSION_zTXt ? CPNG_TEXT_UTF8_COMPRESSED
                                                                   : CPNG_TEXT_LATIN1;
  return (cpng_text){text.key, text.text, kind};
}
