import Testing

/// Tests that run the built executable: one after another, since each computes on the cores that the others need.
@Suite(.serialized) enum EndToEnd {}
