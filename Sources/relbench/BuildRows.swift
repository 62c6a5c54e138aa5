import Posix

/// From source to slug.
struct BuildRows {
  let scratch: Scratch

  func show() throws {
    let greeter = try Files.resolve(DeployRows.sample)
    var (ours, peer): ([Double], [Double]) = ([], [])
    for round in 0..<3 {
      let (mine, bare) = ("\(scratch.folder)/mine-\(round)", "\(scratch.folder)/bare-\(round)")
      for copy in [mine, bare] {
        try FileTree.copy(greeter, to: copy, skipping: { $0 == "_build" })
      }
      ours.append(
        try Stopwatch.time {
          try scratch.run("relpack", "compile", mine, scratch.folder + "/cache")
        })
      var environment = scratch.environment
      environment["MIX_ENV"] = "prod"
      let mix = Invocation(["mix", "release"], in: bare, environment: environment)
      peer.append(try Stopwatch.time { _ = try mix.run(limit: 120_000) })
    }
    Row(
      what: "buildpack, cold", ours: "\(Int(ours.median)) ms",
      peer: "mix release \(Int(peer.median)) ms",
      ratio: (ours.median / peer.median).two, budget: "≤ 1.1"
    ).show()
  }
}
