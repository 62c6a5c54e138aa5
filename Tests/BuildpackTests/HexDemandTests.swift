import Buildpack
import Posix
import TestSupport
import Testing

/// Hex is wanted where the build needs a package, and only there. There is none here, nor a network.
@Suite struct HexDemandTests {
  private static let lock =
    "  \"ex_machina\": {:hex, :ex_machina, \"2.7.0\", \"aa\", [:mix], [], \"hexpm\", \"bb\"},\n"

  /// What mix.exs and mix.lock name, and whether the build needs Hex.
  private static let cases: [(name: String, deps: String, lock: String, isWanted: Bool)] = [
    ("a stale lock file", "", lock, false),
    ("a package for tests", "{:ex_machina, \"~> 2.0\", only: :test}", lock, false),
    (
      "packages for tests and work", "{:credo, \"~> 1.0\", only: [:dev, :test], runtime: false}",
      "", false
    ),
    ("a path with packages for its tests", "{:near, path: \"near\"}", lock, false),
    ("a package", "{:jason, \"~> 1.4\"}", "", true),
    ("a path with a package", "{:far, path: \"far\"}", "", true),
  ]

  private static func mixfile(_ name: String, _ deps: String) -> String {
    """
    defmodule \(name.prefix(1).uppercased() + name.dropFirst()).MixProject do
      use Mix.Project
      def project, do: [app: :\(name), version: "0.1.0", deps: [\(deps)]]
    end

    """
  }

  @Test func isThereWhereItIsNeeded() throws {
    for item in Self.cases {
      let folder = try TemporaryFolder("hex", inMemory: true)
      try folder.write("source/mix.exs", Self.mixfile("demand", item.deps))
      try folder.write("source/mix.lock", "%{\n\(item.lock)}\n")
      try folder.write("source/lib/demand.ex", "defmodule Demand do\nend\n")
      try folder.write(
        "source/near/mix.exs", Self.mixfile("near", "{:ex_machina, \"~> 2.0\", only: :test}"))
      try folder.write("source/far/mix.exs", Self.mixfile("far", "{:jason, \"~> 1.4\"}"))
      let result = try Invocation(
        [try Workspace.program("relpack"), "compile", folder.path + "/source"],
        environment: [
          "PATH": Environment.current["PATH"] ?? "", "HOME": folder.path,
          "RELPACK_BOOT_CHECK": "off", "HEX_MIRROR": "http://127.0.0.1:9",
        ]
      ).run(limit: 120_000)
      #expect(result.isSuccess == !item.isWanted, "\(item.name): \(result.text)")
      #expect(result.text.contains("[RT-BUILD-HEX]") == item.isWanted, "\(item.name)")
    }
  }
}
