import LlavaModel
import Foundation
let a = CommandLine.arguments
var s = EngineSettings()
s.device = .cpu
s.visionType = a[3] == "file" ? .file : .auto
let t0 = Date()
let m = try await LlavaModel.load(ModelFiles(language: a[1], vision: a[2]), settings: s)
print("load", Date().timeIntervalSince(t0))
for stage in [Stage.prefill(rows: 512), .decode(tokens: 32), .vision(tiles: 1)] {
  _ = try await m.time(stage)
  for _ in 0..<3 { print(stage, try await m.time(stage)) }
}
