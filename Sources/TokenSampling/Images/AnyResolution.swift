/// LLaVA-NeXT's image geometry ("anyres"): which canvas an image is fitted to, its size there, and which tokens of
/// the stitched map show it. Rounds as Hugging Face transformers does (`select_best_resolution`,
/// `get_patch_output_size`, `unpad_image`), so that token counts agree. Image sides must be at least 1.
public enum AnyResolution {
  /// The pinpoint that keeps the most of the image's pixels, then wastes fewest of its own; the earlier on a tie.
  /// Without pinpoints, the image's own size.
  public static func bestPinpoint(for image: PixelSize, among pinpoints: [PixelSize]) -> PixelSize {
    let imagePixels = image.width * image.height
    var best = image
    var mostKept = -1
    var leastWasted = Int.max
    for pinpoint in pinpoints {
      let scale = min(
        Double(pinpoint.width) / Double(image.width), Double(pinpoint.height) / Double(image.height))
      let fitted = Int(Double(image.width) * scale) * Int(Double(image.height) * scale)
      let kept = min(fitted, imagePixels)
      let wasted = pinpoint.width * pinpoint.height - kept
      if kept > mostKept || (kept == mostKept && wasted < leastWasted) {
        (best, mostKept, leastWasted) = (pinpoint, kept, wasted)
      }
    }
    return best
  }

  /// The size in pixels of the image resized into the canvas with its aspect ratio kept: one side fills it, the
  /// other is rounded up, never beyond the canvas.
  public static func fittedSize(of image: PixelSize, in canvas: PixelSize) -> PixelSize {
    let horizontal = Double(canvas.width) / Double(image.width)
    let vertical = Double(canvas.height) / Double(image.height)
    if horizontal < vertical {
      let height = Int((Double(image.height) * horizontal).rounded(.up))
      return PixelSize(width: canvas.width, height: min(height, canvas.height))
    }
    let width = Int((Double(image.width) * vertical).rounded(.up))
    return PixelSize(width: min(width, canvas.width), height: canvas.height)
  }

  /// The part of the stitched map (`tokens`, padding included) that shows the image. Thin images can come out
  /// empty, as they do in transformers: less than one token wide, they are seen in the overview alone.
  public static func unpaddedRegion(
    of tokens: GridSize, image: PixelSize
  ) -> (columns: Range<Int>, rows: Range<Int>) {
    let imageAspect = Double(image.width) / Double(image.height)
    let mapAspect = Double(tokens.columns) / Double(tokens.rows)
    if imageAspect > mapAspect {
      let scale = Double(tokens.columns) / Double(image.width)
      let padding = (tokens.rows - wholeTokens(Double(image.height) * scale)) / 2
      return (0..<tokens.columns, padding..<(tokens.rows - padding))
    }
    let scale = Double(tokens.rows) / Double(image.height)
    let padding = (tokens.columns - wholeTokens(Double(image.width) * scale)) / 2
    return (padding..<(tokens.columns - padding), 0..<tokens.rows)
  }

  /// Whole tokens in a length, after rounding to seven decimals: 11.99999999 is twelve.
  private static func wholeTokens(_ length: Double) -> Int {
    Int((length * 1e7).rounded(.toNearestOrEven) / 1e7)
  }
}
