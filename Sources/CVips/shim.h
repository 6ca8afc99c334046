#ifndef CVIPS_SHIM_H
#define CVIPS_SHIM_H

// libvips' operations take variadic options, which Swift cannot call. Each function here returns a new image for
// the caller to unref, or NULL.

#include <vips/vips.h>

static inline int cvips_init(void) { return VIPS_INIT("focus"); }

static inline void cvips_discard_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data) {
}

// Warnings quote the file's own text, and files are hostile: keep them out of the worker's log.
static inline void cvips_silence_warnings(void) {
  g_log_set_handler("VIPS", (GLogLevelFlags)(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO |
                                             G_LOG_LEVEL_DEBUG), cvips_discard_log, NULL);
}

static inline VipsImage *cvips_load(const void *bytes, size_t length) {
  return vips_image_new_from_buffer(bytes, length, "", "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                    VIPS_FAIL_ON_TRUNCATED, NULL);
}

// Calls `eval` now and then while the image is computed; it may stop that with `vips_image_set_kill`.
static inline void cvips_watch(VipsImage *image, void (*eval)(VipsImage *, VipsProgress *, void *), void *context) {
  vips_image_set_progress(image, TRUE);
  g_signal_connect(image, "eval", G_CALLBACK(eval), context);
}

static inline int cvips_has_profile(VipsImage *in) {
  return vips_image_get_typeof(in, VIPS_META_ICC_NAME) != 0;
}

static inline VipsImage *cvips_apply_profile(VipsImage *in) {
  VipsImage *out = NULL;
  return vips_icc_transform(in, &out, "srgb", "embedded", TRUE, "depth", 8, NULL) ? NULL : out;
}

static inline VipsImage *cvips_to_srgb(VipsImage *in) {
  VipsImage *out = NULL;
  return vips_colourspace(in, &out, VIPS_INTERPRETATION_sRGB, NULL) ? NULL : out;
}

static inline VipsImage *cvips_over_white(VipsImage *in) {
  VipsImage *out = NULL;
  VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
  int failed = vips_flatten(in, &out, "background", white, "max_alpha", 255.0, NULL);
  vips_area_unref(VIPS_AREA(white));
  return failed ? NULL : out;
}

static inline VipsImage *cvips_first_bands(VipsImage *in, int count) {
  VipsImage *out = NULL;
  return vips_extract_band(in, &out, 0, "n", count, NULL) ? NULL : out;
}

static inline VipsImage *cvips_to_bytes(VipsImage *in) {
  VipsImage *out = NULL;
  return vips_cast(in, &out, VIPS_FORMAT_UCHAR, NULL) ? NULL : out;
}

static inline VipsImage *cvips_upright(VipsImage *in) {
  VipsImage *out = NULL;
  return vips_autorot(in, &out, NULL) ? NULL : out;
}

static inline VipsImage *cvips_box_shrink(VipsImage *in, int horizontal, int vertical) {
  VipsImage *out = NULL;
  return vips_shrink(in, &out, horizontal, vertical, NULL) ? NULL : out;
}

static inline VipsImage *cvips_reduce(VipsImage *in, double horizontal, double vertical) {
  VipsImage *out = NULL;
  return vips_reduce(in, &out, horizontal, vertical, "kernel", VIPS_KERNEL_CUBIC, NULL) ? NULL : out;
}

// Enlarges with centres aligned: output pixel x shows input place (x + 0.5) / scale - 0.5.
static inline VipsImage *cvips_enlarge(VipsImage *in, double horizontal, double vertical, int width, int height) {
  VipsImage *out = NULL;
  VipsInterpolate *bicubic = vips_interpolate_new("bicubic");
  if (!bicubic) return NULL;
  VipsArrayInt *area = vips_array_int_newv(4, 0, 0, width, height);
  int failed = vips_affine(in, &out, horizontal, 0, 0, vertical, "interpolate", bicubic, "oarea", area, "idx",
                           0.5 - 0.5 / horizontal, "idy", 0.5 - 0.5 / vertical, "extend", VIPS_EXTEND_COPY, NULL);
  vips_area_unref(VIPS_AREA(area));
  g_object_unref(bicubic);
  return failed ? NULL : out;
}

static inline VipsImage *cvips_place(VipsImage *in, int x, int y, int width, int height, double red, double green,
                                     double blue) {
  VipsImage *out = NULL;
  VipsArrayDouble *colour = vips_array_double_newv(3, red, green, blue);
  int failed = vips_embed(in, &out, x, y, width, height, "extend", VIPS_EXTEND_BACKGROUND, "background", colour,
                          NULL);
  vips_area_unref(VIPS_AREA(colour));
  return failed ? NULL : out;
}

// Three bytes a pixel to a PNG file in memory, which the caller frees with g_free; NULL where it fails.
static inline void *cvips_png(const void *pixels, int width, int height, size_t *length) {
  VipsImage *image =
      vips_image_new_from_memory(pixels, (size_t)width * height * 3, width, height, 3, VIPS_FORMAT_UCHAR);
  if (!image) return NULL;
  image->Type = VIPS_INTERPRETATION_sRGB;
  void *file = NULL;
  int failed = vips_pngsave_buffer(image, &file, length, "compression", 9, NULL);
  g_object_unref(image);
  return failed ? NULL : file;
}

#endif
