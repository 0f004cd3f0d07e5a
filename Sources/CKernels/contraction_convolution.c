#include "contraction_primitives.h"

#include <string.h>

/// Convolutions and their gradients by oneDNN's direct convolution.
typedef struct {
  fk_primitives primitives;
  /// Shape that the primitive computes: the contraction's own, or the forward correlation with the flipped
  /// filter that equals an image gradient of stride 1.
  fk_contraction_shape computed;
  /// oneDNN's image gradients take neither a bias nor a sum: their fp32 result goes to `product`, and
  /// the same piece then adds it to them.
  bool finished_by_hand;
  float *product;
  /// Bytes of one filter in the workspace: a flipped or reordered one, or one partial gradient.
  size_t filter_bytes;
  const void *filter;
  char *flipped_filter;
  const float *bias;
  void *result;
  fk_partials partials;
} convolution;

static int64_t image_elements(const fk_contraction_shape *s) {
  return s->height * s->width * s->channels;
}

static int64_t result_elements(const fk_contraction_shape *s) {
  return s->out_height * s->out_width * s->out_channels;
}

// MARK: - Addresses

/// Filters, in oneDNN's format or flipped, that are kept in addition to the stored one.
static int filters_kept(const convolution *it) {
  if (it->partials.count > 1) return it->partials.count;
  return it->primitives.common.flips_filter ? 2 : it->primitives.reorder.needed ? 1 : 0;
}

static size_t filters_bytes(const convolution *it) {
  return (size_t)filters_kept(it) * it->filter_bytes;
}

static bool is_prepared(const convolution *it) {
  return it->primitives.reorder.needed && it->primitives.common.shape.kind != FK_CONV_FILTER;
}

static size_t prepared(const fk_contraction *contraction) {
  const convolution *it = (const convolution *)contraction;
  return is_prepared(it) ? filters_bytes(it) : 0;
}

static size_t product_bytes(const convolution *it) {
  const fk_contraction_shape *s = &it->primitives.common.shape;
  if (!it->finished_by_hand) return 0;
  return fk_aligned((size_t)(s->images * image_elements(s)) * sizeof(float));
}

static size_t workspace(const fk_contraction *contraction) {
  const convolution *it = (const convolution *)contraction;
  return (is_prepared(it) ? 0 : filters_bytes(it)) + fk_conversion_bytes(it->primitives.conversions)
    + product_bytes(it) + fk_scratchpad_bytes(&it->primitives);
}

/// Binds the pieces of a filter gradient, each to its partial sum.
static void bind_filter_gradient(
  convolution *it, const char *left, const char *right, float *out, char *filters) {
  const fk_contraction_shape *s = &it->primitives.common.shape;
  const fk_cut *cut = &it->primitives.common.cut;
  int64_t size = (int64_t)fk_size_of(s->compute);
  for (int i = 0; i < cut->pieces; i += 1) {
    int64_t first = cut->slices[i].first;
    it->partials.part[i] =
      filters == NULL ? out : (float *)(filters + (size_t)i * it->filter_bytes);
    fk_bind_piece(
      &it->primitives, i, left + first * image_elements(s) * size,
      right + first * result_elements(s) * size, it->partials.part[i], NULL);
  }
  bool reordered = it->primitives.reorder.needed;
  it->partials.sum = reordered ? it->partials.part[0] : out;
  if (reordered) fk_bind_reorder(&it->primitives, filters, out);
}

/// Binds the pieces of a convolution or an image gradient, which all read the same filter.
static void bind_images(
  convolution *it, const char *left, const void *right, char *out, char *filters) {
  const fk_contraction_shape *s = &it->primitives.common.shape;
  const fk_cut *cut = &it->primitives.common.cut;
  bool forward = s->kind == FK_CONV;
  int64_t from = forward ? image_elements(s) : result_elements(s);
  int64_t to = forward ? result_elements(s) : image_elements(s);
  for (int i = 0; i < cut->pieces; i += 1) {
    int64_t first = cut->slices[i].first;
    char *piece_out = out + first * to * (int64_t)fk_size_of(s->out_type);
    if (it->finished_by_hand) piece_out = (char *)(it->product + first * to);
    fk_bind_piece(
      &it->primitives, i, left + first * from * (int64_t)fk_size_of(s->compute),
      filters == NULL ? right : filters, piece_out,
      s->has_bias && !it->finished_by_hand ? it->bias : NULL);
  }
  if (!it->primitives.reorder.needed) return;
  bool flips = it->primitives.common.flips_filter;
  it->flipped_filter = flips ? filters + it->filter_bytes : NULL;
  fk_bind_reorder(&it->primitives, flips ? it->flipped_filter : right, filters);
}

static void bind(fk_contraction *contraction, const fk_operands *operands) {
  convolution *it = (convolution *)contraction;
  fk_unbind(&it->primitives);
  it->filter = operands->right;
  it->bias = operands->bias;
  it->result = operands->out;
  char *next = operands->workspace;
  char *filters = is_prepared(it) ? operands->prepared : fk_take(&next, filters_bytes(it));
  const void *left = operands->left, *right = operands->right;
  fk_bind_conversions(it->primitives.conversions, &left, &right, &next);
  it->product = (float *)fk_take(&next, product_bytes(it));
  if (contraction->shape.kind == FK_CONV_FILTER)
    bind_filter_gradient(it, left, right, operands->out, filters);
  else
    bind_images(it, left, right, operands->out, filters);
  fk_bind_scratchpads(&it->primitives, &next);
}

// MARK: - Running

/// Adds the bias, and what the result holds, to an image gradient.
static void finish(const convolution *it, int piece) {
  const fk_contraction_shape *s = &it->primitives.common.shape;
  fk_slice images = it->primitives.common.cut.slices[piece];
  int64_t first = images.first * image_elements(s);
  fk_store_rows(
    images.count * s->height * s->width, s->channels, it->product + first,
    s->has_bias ? it->bias : NULL, s->accumulates != 0, s->out_type, it->result, first);
}

static void run(const void *arguments, int piece, int worker) {
  const convolution *it = arguments;
  fk_run_primitive(&it->primitives, piece, worker);
  if (it->finished_by_hand) finish(it, piece);
}

static void run_preparation(const void *arguments, int piece, int worker) {
  const convolution *it = arguments;
  const fk_contraction_shape *s = &it->primitives.common.shape;
  if (it->primitives.common.flips_filter) {
    int64_t taps = s->filter_height * s->filter_width;
    size_t bytes = (size_t)(s->channels * s->out_channels) * fk_size_of(s->right_type);
    for (int64_t tap = 0; tap < taps; tap += 1)
      memcpy(
        it->flipped_filter + (size_t)(taps - 1 - tap) * bytes,
        (const char *)it->filter + (size_t)tap * bytes, bytes);
  }
  fk_run_reorder(&it->primitives, piece, worker);
}

static fk_step preparation(const fk_contraction *contraction) {
  return (fk_step){run_preparation, contraction, 1};
}

static int steps(const fk_contraction *contraction, fk_step *steps, const char **names) {
  const convolution *it = (const convolution *)contraction;
  int count = fk_conversion_step(it->primitives.conversions, steps, names, 0);
  steps[count] = (fk_step){run, it, contraction->cut.pieces};
  names[count++] = fk_contraction_step_name(&contraction->shape);
  count = fk_partials_step(&it->partials, steps, names, count);
  if (it->primitives.reorder.needed && contraction->shape.kind == FK_CONV_FILTER) {
    steps[count] = (fk_step){fk_run_reorder, &it->primitives, 1};
    names[count++] = "reorder";
  }
  return count;
}

// MARK: - Creation

/// Arguments of oneDNN's descriptions, forward and backward.
typedef struct {
  dnnl_memory_desc_t image, filter, result;
  dnnl_dims_t strides, near, far;
  const char *name;
} arguments;

static const char *name_of(fk_contraction_kind kind) {
  return kind == FK_CONV    ? "the convolution"
    : kind == FK_CONV_INPUT ? "the convolution's image gradient"
                            : "the convolution's filter gradient";
}

static arguments arguments_of(
  const convolution *it, int64_t count, const dnnl_memory_desc_t *chosen_filter) {
  const fk_contraction_shape *s = &it->computed;
  dnnl_data_type_t type = fk_library_type(s->compute);
  dnnl_data_type_t out_type = it->finished_by_hand ? dnnl_f32 : fk_library_type(s->out_type);
  // Filter gradients are summed in fp32, however they are stored.
  dnnl_data_type_t filter_type = s->kind == FK_CONV_FILTER ? dnnl_f32 : type;
  return (arguments){
    .image = fk_image_memory(
      count, s->channels, s->height, s->width, s->kind == FK_CONV_INPUT ? out_type : type),
    .filter = chosen_filter != NULL ? *chosen_filter
                                    : fk_filter_memory(s, filter_type, dnnl_format_tag_any),
    .result = fk_image_memory(
      count, s->out_channels, s->out_height, s->out_width,
      s->kind == FK_CONV ? out_type : type),
    .strides = {s->stride, s->stride},
    .near = {s->padding_top, s->padding_left},
    // The far edge gets what the sizes ask for: less than `padding` where the stride does not divide
    // evenly.
    .far =
      {
        (s->out_height - 1) * s->stride + s->filter_height - s->height - s->padding_top,
        (s->out_width - 1) * s->stride + s->filter_width - s->width - s->padding_left,
      },
    .name = name_of(s->kind),
  };
}

static void describe_forward(
  fk_kernel *kernel, const arguments *a, bool has_bias, dnnl_primitive_attr_t attributes,
  fk_failure *failure) {
  dnnl_convolution_desc_t forward;
  fk_check(
    failure,
    dnnl_convolution_forward_desc_init(
      &forward, dnnl_forward_inference, dnnl_convolution_direct, &a->image, &a->filter,
      has_bias ? &kernel->bias : NULL, &a->result, a->strides, a->near, a->far),
    a->name);
  if (failure->failed) return;
  fk_check(
    failure,
    dnnl_primitive_desc_create(&kernel->description, &forward, attributes, fk_engine(), NULL),
    a->name);
}

/// Describes the forward convolution that oneDNN wants as the hint of a gradient. It knows none with
/// the types of these gradients: the hint's image and filter have the type of the arithmetic.
static dnnl_primitive_desc_t describe_hint(
  const fk_contraction_shape *s, int64_t count, const arguments *a, fk_failure *failure) {
  dnnl_data_type_t type = fk_library_type(s->compute);
  dnnl_memory_desc_t image = fk_image_memory(count, s->channels, s->height, s->width, type);
  dnnl_memory_desc_t filter = fk_filter_memory(s, type, dnnl_format_tag_any);
  dnnl_convolution_desc_t forward;
  dnnl_primitive_desc_t hint = NULL;
  fk_check(
    failure,
    dnnl_convolution_forward_desc_init(
      &forward, dnnl_forward_training, dnnl_convolution_direct, &image, &filter, NULL, &a->result,
      a->strides, a->near, a->far),
    a->name);
  if (failure->failed) return NULL;
  fk_check(
    failure, dnnl_primitive_desc_create(&hint, &forward, NULL, fk_engine(), NULL), a->name);
  return hint;
}

static void describe_gradient(
  const fk_contraction_shape *s, fk_kernel *kernel, const arguments *a,
  dnnl_primitive_attr_t attributes, fk_failure *failure) {
  dnnl_primitive_desc_t hint = describe_hint(s, kernel->count, a, failure);
  if (failure->failed) return;
  dnnl_convolution_desc_t backward;
  fk_check(
    failure,
    s->kind == FK_CONV_FILTER
      ? dnnl_convolution_backward_weights_desc_init(
          &backward, dnnl_convolution_direct, &a->image, &a->filter, NULL, &a->result, a->strides,
          a->near, a->far)
      : dnnl_convolution_backward_data_desc_init(
          &backward, dnnl_convolution_direct, &a->image, &a->filter, &a->result, a->strides,
          a->near, a->far),
    a->name);
  if (!failure->failed)
    fk_check(
      failure,
      dnnl_primitive_desc_create(&kernel->description, &backward, attributes, fk_engine(), hint),
      a->name);
  dnnl_primitive_desc_destroy(hint);
}

/// The operand in oneDNN's format: the filter, or its gradient.
static const dnnl_memory_desc_t *library_filter(
  const fk_contraction_shape *shape, const fk_kernel *kernel) {
  return shape->kind == FK_CONV_FILTER ? &kernel->out : &kernel->right;
}

static void describe(
  const fk_primitives *primitives, fk_kernel *kernel, const fk_kernel *chosen,
  dnnl_primitive_attr_t attributes, fk_failure *failure) {
  const convolution *it = (const convolution *)primitives;
  const fk_contraction_shape *s = &it->computed;
  const arguments a =
    arguments_of(it, kernel->count, chosen == NULL ? NULL : library_filter(s, chosen));
  kernel->bias = fk_bias_memory(1, s->out_channels);
  if (s->kind == FK_CONV)
    describe_forward(kernel, &a, s->has_bias != 0, attributes, failure);
  else
    describe_gradient(s, kernel, &a, attributes, failure);
  if (failure->failed) return;
  switch (s->kind) {
    case FK_CONV_INPUT:
      kernel->left = a.result;
      kernel->right = *fk_part(kernel, dnnl_query_weights_md);
      kernel->out = a.image;
      break;
    case FK_CONV_FILTER:
      kernel->left = a.image;
      kernel->right = a.result;
      kernel->out = *fk_part(kernel, dnnl_query_diff_weights_md);
      break;
    default:
      kernel->left = a.image;
      kernel->right = *fk_part(kernel, dnnl_query_weights_md);
      kernel->out = a.result;
  }
}

/// The forward correlation with the flipped filter that equals an image gradient of stride 1.
static fk_contraction_shape flipped(const fk_contraction_shape *s) {
  fk_contraction_shape forward = *s;
  forward.kind = FK_CONV;
  forward.height = s->out_height;
  forward.width = s->out_width;
  forward.channels = s->out_channels;
  forward.out_height = s->height;
  forward.out_width = s->width;
  forward.out_channels = s->channels;
  forward.padding_top = (int)s->filter_height - 1 - s->padding_top;
  forward.padding_left = (int)s->filter_width - 1 - s->padding_left;
  return forward;
}

/// Operands that are copied in bf16 first: a filter is converted as it is reordered.
static void plan_conversions(fk_primitives *it) {
  const fk_contraction_shape *s = &it->common.shape;
  if (s->compute != FK_BF16) return;
  int64_t image = s->images * image_elements(s), result = s->images * result_elements(s);
  if (s->left_type == FK_FP32)
    it->conversions[0].elements = s->kind == FK_CONV_INPUT ? result : image;
  if (s->right_type == FK_FP32 && s->kind == FK_CONV_FILTER) it->conversions[1].elements = result;
}

static void make_reorder(convolution *it, fk_failure *failure) {
  if (failure->failed) return;
  fk_primitives *primitives = &it->primitives;
  const fk_contraction_shape *s = &primitives->common.shape;
  bool is_result = s->kind == FK_CONV_FILTER, flips = primitives->common.flips_filter;
  dnnl_data_type_t stored_type = fk_library_type(is_result ? s->out_type : s->right_type);
  dnnl_memory_desc_t stored = fk_filter_memory(&it->computed, stored_type, dnnl_hwio);
  if (flips) {
    const dnnl_dims_t sizes = {s->channels, s->out_channels, s->filter_height, s->filter_width};
    int64_t tap = s->channels * s->out_channels;
    const dnnl_dims_t strides = {s->out_channels, 1, s->filter_width * tap, tap};
    fk_must(dnnl_memory_desc_init_by_strides(&stored, 4, sizes, stored_type, strides));
  }
  const dnnl_memory_desc_t *library = library_filter(s, &primitives->kernel[0]);
  fk_make_reorder(primitives, &stored, library, is_result, flips, failure);
  size_t bytes = dnnl_memory_desc_get_size(library);
  size_t stored_bytes = dnnl_memory_desc_get_size(&stored);
  it->filter_bytes = fk_aligned(flips && stored_bytes > bytes ? stored_bytes : bytes);
  it->partials.elements = (int64_t)(bytes / sizeof(float));
  it->partials.bytes = it->filter_bytes;
}

static const fk_method method = {
  .implementation = fk_primitives_implementation,
  .workspace = workspace,
  .bind = bind,
  .steps = steps,
  .destroy = fk_primitives_destroy,
  .prepared = prepared,
  .preparation = preparation,
};

fk_contraction *fk_create_convolution(const fk_contraction *plan, fk_failure *failure) {
  static const int roles[4][3] = {
    [FK_CONV] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
    [FK_CONV_INPUT] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
    [FK_CONV_FILTER] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS},
  };
  convolution *it = fk_allocate_contraction(plan, &method, sizeof(convolution), failure);
  if (it == NULL) return NULL;
  const fk_contraction_shape *s = &plan->shape;
  it->computed = plan->flips_filter ? flipped(s) : *s;
  it->finished_by_hand =
    it->computed.kind == FK_CONV_INPUT && (s->has_bias != 0 || s->accumulates != 0);
  it->partials.count = s->kind == FK_CONV_FILTER ? plan->cut.pieces : 1;
  it->primitives.roles = roles[it->computed.kind];
  plan_conversions(&it->primitives);
  fk_make_streams(&it->primitives, failure);
  fk_make_kernels(
    &it->primitives, s->accumulates != 0 && !it->finished_by_hand, describe, failure);
  make_reorder(it, failure);
  if (!failure->failed) return &it->primitives.common;
  fk_primitives_destroy(&it->primitives.common);
  return NULL;
}
